"""Edits of small trees: what each edit changes, and what must detect it.

moves.edits has edits that move a bound or change what a reader shows; stays.edits has edits that
change nothing. The first line of an edit names the tree, the file, the kind, and the sign that must
report it. The text before (-) is replaced once by the text after (+); without a text before, the
new text is put at the end of the file.

    @ percpu lib/percpu_counter.c | batch | percpu_each
    -max(32, nr * 2)
    +max(32, nr * 3)

`& FILE` begins a further replacement of the same edit.

A sign is a field of KernelConstants, `reader` and its interface, or the id of a finding or of a
fingerprint; `nothing` for edits that change nothing. If such an edit is reported all the same, a
line `# ..` says why no reader of source could know better.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

__all__ = ("MOVES", "STAYS", "Edit", "applied", "edits_in", "sampled")


class Replacement(NamedTuple):
    """Text of a file that is replaced once."""

    file: str
    before: str
    after: str


class Edit(NamedTuple):
    """One edit of a tree; `more` has its replacements after the first."""

    tree: str
    file: str
    kind: str
    seen: str
    before: str
    after: str
    reason: str = ""
    more: tuple[Replacement, ...] = ()

    def __str__(self) -> str:
        after = " ".join(self.after.split()) or "(nothing)"
        return f"{self.tree} {self.file}: {after[:40]}"


def edits_in(file: Path) -> tuple[Edit, ...]:
    """Read the edits of a file."""
    return tuple(one(block) for block in file.read_text().strip().split("\n\n@ "))


def one(block: str) -> Edit:
    """Read one edit."""
    first, *others = block.removeprefix("@ ").split("\n& ")
    head, *lines = first.splitlines()
    where, kind, seen = head.split(" | ")
    tree, file = where.split(" ")
    _, before, after = replacement(file, lines)
    reason = " ".join(line[1:].strip() for line in block.splitlines() if line[:1] == "#")
    more = (other.splitlines() for other in others)
    listed = tuple(replacement(file, lines) for file, *lines in more)
    return Edit(tree, file, kind, seen, before, after, reason, listed)


def replacement(file: str, lines: list[str]) -> Replacement:
    """Read one replacement."""
    before, after = ("\n".join(line[1:] for line in lines if line[:1] == sign) for sign in "-+")
    return Replacement(file, before, after)


def applied(edit: Edit, folder: Path) -> Path:
    """Make an edit in a folder; gives the folder. AssertionError if it does not apply."""
    for file, before, after in (Replacement(edit.file, edit.before, edit.after), *edit.more):
        target = folder / file
        text = target.read_text() if target.exists() else ""
        assert before in text, f"{file} has no {before!r}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace(before, after, 1) if before else f"{text}\n{after}\n")
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
