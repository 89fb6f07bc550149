"""Collect the Python code of a compiled function: lines, names, and scopes.

C is turned into Python source once: statements become statements, and everything with an effect
gets its own line, so the remaining expressions only read. A second version of the source has a
`yield` before each access to shared memory, for runs that are interrupted there.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.execution.values import CType, Int, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.errors import Location
    from rssbound.kernel.execution.tokens import Token

__all__ = ("Emission", "Line", "Local", "Place", "Value")


class Value(NamedTuple):
    """An expression in Python: its type, a form for conditions, and its number where known."""

    code: str
    type: CType
    truth: str = ""
    number: int | None = None
    text: str | None = None

    @property
    def condition(self) -> str:
        """Python that is true where the value is not 0."""
        return self.truth or self.code


class Place(NamedTuple):
    """The place of a value: a Python variable (`name`), or memory at `code`."""

    type: CType
    code: str
    name: str = ""
    private: bool = False


class Local(NamedTuple):
    """A variable of a function: a Python name, or an address in its frame."""

    type: CType
    name: str = ""
    address: str = ""


class Line(NamedTuple):
    """A line of Python and the word of C that it comes from."""

    indent: int
    text: str
    token: Token | None


@dataclass
class Emission:
    """The lines of one function, and the names in scope."""

    stepped: bool = False
    lines: list[Line] = field(default_factory=list)
    indent: int = 1
    token: Token | None = None
    scopes: list[dict[str, Local]] = field(default_factory=lambda: [{}])
    frame: int = 0
    names: int = 0

    def emit(self, text: str) -> None:
        """Add a line."""
        self.lines.append(Line(self.indent, text, self.token))

    @contextmanager
    def indented(self, head: str) -> Iterator[None]:
        """Add a header line, and put what is emitted meanwhile below it."""
        self.emit(head)
        self.indent += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.emit("pass")
        self.indent -= 1

    @contextmanager
    def aside(self) -> Iterator[list[Line]]:
        """Collect what is emitted meanwhile, so that it can be inserted later."""
        kept, self.lines = self.lines, []
        collected = self.lines
        yield collected
        self.lines = kept

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Open a block of C."""
        self.scopes.append({})
        yield
        self.scopes.pop()

    def fresh(self, stem: str = "t") -> str:
        """Give a Python name that is not in use."""
        self.names += 1
        return f"{stem}{self.names}"

    def temporary(self, code: str) -> str:
        """Store a value in a new Python variable."""
        name = self.fresh()
        self.emit(f"{name} = {code}")
        return name

    def local(self, name: str) -> Local | None:
        """Find a variable in scope."""
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def reserve(self, size: int, align: int) -> str:
        """Give the address of new room in the frame."""
        self.frame = -(-self.frame // max(align, 1)) * max(align, 1)
        offset = self.frame
        self.frame += max(size, 1)
        return f"(sp + {offset})"

    def location(self) -> Location | None:
        """Give the file and line that is compiled."""
        return self.token.location if self.token else None

    # -- memory

    def interruption(self, place: Place) -> None:
        """Let others run before an access to memory that they can see."""
        if self.stepped and not place.name and not place.private:
            self.emit("yield")

    def load(self, place: Place) -> Value:
        """Read a scalar."""
        if place.name:
            return Value(place.name, place.type)
        self.interruption(place)
        code = f"mem[{place.code}]"
        return Value(self.temporary(code) if self.stepped else code, place.type)

    def store(self, place: Place, code: str) -> None:
        """Write a scalar."""
        self.interruption(place)
        self.emit(f"{place.name or f'mem[{place.code}]'} = {code}")


def narrowed(value: Value, kind: CType) -> str:
    """Give Python for a value in another type."""
    if isinstance(kind, Int) and kind.bits == 1:
        return f"(1 if {value.condition} else 0)"
    return wrapped(value.code, kind)
