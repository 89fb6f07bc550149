"""Edits of small trees: what each edit changes, and what must detect it.

moves.edits has edits that move a bound or change what a reader shows; stays.edits has edits that
change nothing. The first line of an edit names the tree, the file, the kind, and the sign that must
report it. The text before (-) is replaced once by the text after (+); without a text before, the
new text is put at the end of the file.

    @ percpu lib/percpu_counter.c | batch | percpu_each
    -max(32, nr * 2)
    +max(32, nr * 3)

A sign is a field of KernelConstants, `reader` and its interface, or the id of a finding or of a
fingerprint; `nothing` for edits that change nothing. If such an edit is reported all the same, a
line `# ..` says why no reader of source could know better.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

__all__ = ("MOVES", "STAYS", "Edit", "applied", "edits_in", "sampled")


class Edit(NamedTuple):
    """One edit of a tree."""

    tree: str
    file: str
    kind: str
    seen: str
    before: str
    after: str
    reason: str = ""

    def __str__(self) -> str:
        after = " ".join(self.after.split()) or "(nothing)"
        return f"{self.tree} {self.file}: {after[:40]}"


def edits_in(file: Path) -> tuple[Edit, ...]:
    """Read the edits of a file."""
    return tuple(one(block) for block in file.read_text().strip().split("\n\n@ "))


def one(block: str) -> Edit:
    """Read one edit."""
    head, *lines = block.removeprefix("@ ").splitlines()
    where, kind, seen = head.split(" | ")
    tree, file = where.split(" ")
    said = {sign: [line[1:] for line in lines if line[:1] == sign] for sign in "-+#"}
    before, after, reason = ("\n".join(said[sign]) for sign in "-+#")
    return Edit(tree, file, kind, seen, before, after, reason.strip())


def applied(edit: Edit, folder: Path) -> Path:
    """Make an edit in a folder; gives the folder. AssertionError if it does not apply."""
    file = folder / edit.file
    text = file.read_text() if file.exists() else ""
    assert edit.before in text, f"{edit.file} has no {edit.before!r}"
    whole = text.replace(edit.before, edit.after, 1) if edit.before else f"{text}\n{edit.after}\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(whole)
    return folder


def sampled(edits, every, shorter=1):
    """Mark all but one in a number of edits as long tests, which `make lab` also runs.

    Of the others, all but one in `shorter` run in `make check`, and not in `make test`.
    """
    return [
        pytest.param(edit, id=str(edit), marks=_marks(number, every, shorter))
        for number, edit in enumerate(edits)
    ]


def _marks(number, every, shorter):
    if number % every:
        return [pytest.mark.lab_long]
    return [pytest.mark.long] if number // every % shorter else []


MOVES = edits_in(Path(__file__).parent / "moves.edits")
STAYS = edits_in(Path(__file__).parent / "stays.edits")
