"""Write kernel/reviewed.json: `python tests/lab/review.py NAME=TREE ..`, after a review of each.

NAME is how the release is called in print, such as "Debian 6.12.117".
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rssbound.kernel import read_kernel_source
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.source_tree import SourceTree

FILE = Path(__file__).parents[2] / "kernel" / "reviewed.json"


def entry(tree: str) -> dict[str, object]:
    """Take the digests of a tree's own design."""
    design = read_kernel_source(tree).constants.design or ""
    found = fingerprints_of(SourceTree(Path(tree)), design)
    return {"design": design, "digests": {each.id: each.digest for each in found}}


def main(words: list[str]) -> int:
    """Write the file anew, with all the releases that are named."""
    named = dict(word.split("=", 1) for word in words)
    document = {name: entry(tree) for name, tree in named.items()}
    FILE.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
