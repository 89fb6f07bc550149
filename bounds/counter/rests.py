"""What a bound rests on in the kernel's source: names, where they stand, and why it needs them.

A design's derivation holds as long as these do what they did when they were read. Each is compared
by a fingerprint of its syntax; what kind it is says what of it counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rssbound.errors import Location

__all__ = (
    "CALLERS",
    "CONSTANT",
    "FORMULA",
    "FUNCTION",
    "MACRO",
    "PATH",
    "READER",
    "SETS",
    "STRUCT",
    "TABLE",
    "USERS",
    "WRITERS",
    "Fingerprint",
    "Rest",
    "Span",
)

FUNCTION = "function"
"""A function as a whole, with the macros and variables of the tree that it uses."""

FORMULA = "formula"
"""A function whose numbers are read as constants: everything but the numbers counts."""

READER = "reader"
"""Of a function, what it does with the RSS that it reads."""

PATH = "path"
"""Of a function, where it updates RSS, under which conditions, and where it may leave before."""

MACRO = "macro"
"""A macro and those that it uses."""

CONSTANT = "constant"
"""A macro or a variable that is read as a number: its value is a constant, its form counts."""

TABLE = "table"
"""A table whose entries are read as numbers: only its declaration counts."""

STRUCT = "struct"
"""The members of a structure and their types."""

WRITERS = "writers"
"""The statements that may change a variable: a set, in which one more or one less counts."""

USERS = "users"
"""The statements that name a member, to read, change or hand it on: a set."""

CALLERS = "callers"
"""The statements that call a function or name it, with the conditions around them: a set."""

SETS = (WRITERS, USERS, CALLERS)


@dataclass(frozen=True, slots=True)
class Rest:
    """One thing that a bound rests on.

    `name` may be a pattern such as percpu_counter_tree_*; `files` are paths or patterns below the
    top of a tree, none for all files that are searched. `why` says in a sentence what the bound
    needs of it.
    """

    name: str
    kind: str
    files: tuple[str, ...]
    why: str


class Span(NamedTuple):
    """Lines of a file, from 0, both included: where a definition stands."""

    path: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What one thing was when it was read.

    `members` are the statements of a set, each with a digest of its own; `spans` where the source
    stands, which is not part of what is compared.
    """

    kind: str
    name: str
    digest: str
    location: Location
    members: tuple[str, ...] = ()
    spans: tuple[Span, ...] = field(default=(), compare=False)

    @property
    def id(self) -> str:
        """The id by which a difference is accepted, such as function:add_mm_counter."""
        return f"{self.kind}:{self.name}"
