"""Write kernel/reviewed.json and known_headers.json: `python tests/lab/review.py NAME=TREE ..`.

Run it after a review of each tree. The trees must be complete, because headers are listed too.

NAME is the printed name of the release, such as "Debian 6.12.117".
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rssbound.kernel import read_kernel_source
from rssbound.kernel.files import SEARCHED, SEARCHED_BESIDE
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.headers import included
from rssbound.kernel.source_tree import SourceTree

HEADERS = Path(__file__).parents[2] / "kernel" / "known_headers.json"
FILE = Path(__file__).parents[2] / "kernel" / "reviewed.json"


def entry(tree: str) -> dict[str, object]:
    """Give the digests of a tree's own design."""
    design = read_kernel_source(tree).constants.design or ""
    found = fingerprints_of(SourceTree(Path(tree)), design, searched_only=True)
    return {"design": design, "digests": {each.id: each.digest for each in found}}


def headers_of(tree: str) -> set[str]:
    """List the headers that the searched files of a tree include."""
    opened = SourceTree(Path(tree))
    globs = {*SEARCHED, *SEARCHED_BESIDE}
    files = {path for glob in globs for path in opened.paths(glob)}
    found = {path for file in files for path in included(opened, file)}
    return {path for path in found if (Path(tree) / path).is_file()}


def main(words: list[str]) -> int:
    """Rewrite the file with the named releases."""
    named = dict(word.split("=", 1) for word in words)
    document = {name: entry(tree) for name, tree in named.items()}
    headers = sorted({path for tree in named.values() for path in headers_of(tree)})
    HEADERS.write_text(json.dumps(headers, indent=0) + "\n")
    FILE.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
