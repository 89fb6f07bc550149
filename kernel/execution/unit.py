"""The definitions of one file of a tree, in the branches that are compiled.

Directives are processed line by line. The rest is split into pieces at the outermost level, and
each is found by the names that it defines. Pieces are parsed on demand.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.execution.tokens import (
    CALLED_ATTRIBUTES,
    Token,
    join_lines,
    tokens_of,
    without_comments,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Holds = Callable[["Unit", str, Sequence[Token], int], bool]
    # whether the condition of a directive holds: the file, "if", "ifdef" or "ifndef", words, line

__all__ = ("DEFINERS", "Macro", "Piece", "Unit", "closing", "read_unit")

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = frozenset(OPEN.values())
TAGS = frozenset({"struct", "union", "enum"})
BOOT = "__init"
DEFINERS = re.compile(r"DEFINE_\w*(?:LOCK|MUTEX)|LIST_HEAD|DEFINE_STATIC_KEY_\w+|DEFINE_PER_CPU\w*")
"""Macros that make a variable of a name."""


@dataclass(frozen=True)
class Macro:
    """A #define: its parameters (None if it takes none) and its words."""

    name: str
    parameters: tuple[str, ...] | None
    body: tuple[Token, ...]
    line: int

    @property
    def variadic(self) -> bool:
        """Whether the last parameter takes all remaining arguments."""
        return self.parameters is not None and "".join(self.parameters[-1:]).startswith("...")


class Piece(NamedTuple):
    """A definition or declaration at the outermost level: "function" or "other", and its words."""

    kind: str
    tokens: tuple[Token, ...]
    unit: str


@dataclass
class Unit:
    """A file: its macros by name, in order, and its pieces by the names that they define.

    `unmatched` is a bracket without its counterpart, behind which nothing can be understood.
    """

    path: str
    macros: dict[str, list[Macro | None]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    functions: dict[str, list[Piece]] = field(default_factory=lambda: defaultdict(list))
    tags: dict[str, Piece] = field(default_factory=dict)
    typedefs: dict[str, Piece] = field(default_factory=dict)
    enumerators: dict[str, Piece] = field(default_factory=dict)
    variables: dict[str, list[Piece]] = field(default_factory=lambda: defaultdict(list))
    boot: list[str] = field(default_factory=list)
    unmatched: Token | None = None
    done: bool = False

    def macro(self, name: str, line: int | None = None) -> Macro | None:
        """Give the macro of a name as defined on a line, or at the end of the file."""
        if name not in self.macros:
            return None
        found = None
        for macro, at in zip(self.macros[name], self.lines[name], strict=True):
            if line is None or at <= line:
                found = macro
        return found

    def has_macro(self, name: str) -> bool:
        """Return whether the file defines a macro of a name in any compiled branch."""
        return any(macro is not None for macro in self.macros.get(name, ()))


def read_unit(path: str, text: str, holds: Holds, unit: Unit | None = None) -> Unit:
    """Read a file; `holds` decides the conditions of directives."""
    unit = Unit(path) if unit is None else unit
    words: list[Token] = []
    branches: list[list[bool]] = []  # of each open #if: whether it is on, whether one was
    for number, line in join_lines(without_comments(text)):
        stripped = line.lstrip()
        if stripped.startswith("#"):
            directive = tokens_of(stripped[1:], path, number)
            _follow(unit, directive, stripped, branches, holds)
        elif all(branch[0] for branch in branches):
            words += tokens_of(line, path, number)
    unit.unmatched = _unmatched(words)
    for piece in _pieces(words, path):
        _index(unit, piece)
    unit.done = True
    return unit


def _follow(
    unit: Unit, words: list[Token], text: str, branches: list[list[bool]], holds: Holds
) -> None:
    """Follow one directive."""
    name = words[0].text if words else ""
    active = all(branch[0] for branch in branches)
    rest = words[1:]
    if name in {"if", "ifdef", "ifndef"}:
        on = active and bool(rest) and holds(unit, name, rest, words[0].line)
        branches.append([on, on or not active])
    elif name in {"elif", "elifdef", "elifndef"} and branches:
        above = all(branch[0] for branch in branches[:-1])
        kind = {"elif": "if"}.get(name, name.removeprefix("el"))
        on = above and not branches[-1][1] and holds(unit, kind, rest, words[0].line)
        branches[-1] = [on, branches[-1][1] or on]
    elif name == "else" and branches:
        branches[-1] = [not branches[-1][1], True]
    elif name == "endif" and branches:
        branches.pop()
    elif active and name == "define" and rest:
        _define(unit, rest, text)
    elif active and name == "undef" and rest:
        unit.macros[rest[0].text].append(None)
        unit.lines[rest[0].text].append(rest[0].line)


def _define(unit: Unit, words: list[Token], text: str) -> None:
    """Record a macro; a parenthesis directly after its name opens its parameters.

    The name can be one of the words that are skipped everywhere else.
    """
    name = words[0]
    before, found, behind = text.partition(name.text)
    if not found or before.split() not in (["#define"], ["#", "define"]):
        return
    if behind.startswith("(") and len(words) > 1:
        end = closing(words, 1)
        listed = [word.text for word in words[2:end] if word.text != ","]
        if len(listed) > 1 and listed[-1] == "..." and _names_rest(words[2:end]):
            listed = [*listed[:-2], "..." + listed[-2]]
        macro = Macro(name.text, tuple(listed), tuple(words[end + 1 :]), name.line)
    else:
        macro = Macro(name.text, None, tuple(words[1:]), name.line)
    unit.macros[name.text].append(macro)
    unit.lines[name.text].append(name.line)


def _names_rest(words: list[Token]) -> bool:
    """Distinguish `args...` from `a, ...`."""
    return words[-2].kind == "id"


def closing(words: Sequence[Token], start: int) -> int:
    """Give the position of the bracket that closes the one at `start`; the end if there is none."""
    depth = 0
    for place in range(start, len(words)):
        text = words[place].text
        if words[place].kind == "op":
            depth += (text in OPEN) - (text in CLOSE)
            if depth == 0:
                return place
    return len(words) - 1


def _unmatched(words: Sequence[Token]) -> Token | None:
    """Give the first bracket that is not closed, or closes none; None if all match."""
    opened: list[Token] = []
    for word in words:
        if word.kind != "op":
            continue
        if word.text in OPEN:
            opened.append(word)
        elif word.text in CLOSE:
            if not opened:
                return word
            if OPEN[opened[-1].text] != word.text:
                return opened[-1]
            opened.pop()
    return opened[0] if opened else None


def _pieces(words: list[Token], path: str) -> Iterator[Piece]:
    """Split the words of a file at the outermost level."""
    start = place = 0
    while place < len(words):
        text = words[place].text
        if text in OPEN and words[place].kind == "op":
            is_body = text == "{" and _ends_head(words[start:place])
            place = closing(words, place)
            if is_body:
                yield Piece("function", tuple(words[start : place + 1]), path)
                start = place + 1
        elif text == ";":
            if place > start:
                yield Piece("other", tuple(words[start : place + 1]), path)
            start = place + 1
        place += 1


def _ends_head(words: list[Token]) -> bool:
    """Return whether the words before a brace are the head of a function."""
    if not words or words[0].text == "typedef" or any(word.text == "=" for word in words):
        return False
    return words[-1].text == ")" or (
        words[-1].text == BOOT and any(word.text == ")" for word in words)
    )


def _index(unit: Unit, piece: Piece) -> None:
    """Record the names that a piece defines."""
    words = piece.tokens
    if piece.kind == "function":
        place = _called(words)
        name = words[place].text if place is not None else ""
        unit.functions[name].append(piece)
        if any(word.text == BOOT for word in words[: place or 0]):
            unit.boot.append(name)
        return
    _index_tags(unit, piece)
    outer = _outer(words)
    if words[0].text == "typedef":
        for name in _declared(outer) or _pointed(words):
            unit.typedefs.setdefault(name, piece)
    elif words[0].text != "extern" or any(word.text == "=" for word in outer):
        for name in _declared(outer) or _function_pointer(words) or _in_parentheses(words):
            unit.variables[name].append(piece)


def _index_tags(unit: Unit, piece: Piece) -> None:
    """Record structs, unions and enumerators that a piece defines, at any depth."""
    words = piece.tokens
    for place, word in enumerate(words[:-2]):
        if word.text not in TAGS or word.kind != "id":
            continue
        named = words[place + 1].kind == "id"
        brace = place + 1 + named
        while brace < len(words) - 1 and words[brace].text in CALLED_ATTRIBUTES:
            brace = closing(words, brace + 1) + 1
        if brace >= len(words) or words[brace].text != "{":
            continue
        if named:
            unit.tags.setdefault(words[place + 1].text, piece)
        if word.text == "enum":
            for name in _enumerators(words[brace + 1 : closing(words, brace)]):
                unit.enumerators.setdefault(name, piece)


def _enumerators(words: Sequence[Token]) -> Iterator[str]:
    begins = True
    depth = 0
    for word in words:
        depth += (word.text in OPEN) - (word.text in CLOSE)
        if begins and word.kind == "id":
            yield word.text
        begins = word.text == "," and depth == 0


def _outer(words: Sequence[Token]) -> list[Token]:
    """Give the words outside all brackets, which are left as empty pairs."""
    outer = []
    place = 0
    while place < len(words):
        outer.append(words[place])
        if words[place].kind == "op" and words[place].text in OPEN:
            place = closing(words, place)
            outer.append(words[place])
        place += 1
    return outer


def _declared(outer: list[Token]) -> list[str]:
    """Give the last name of each declarator; none for a prototype or a macro call."""
    names = []
    last = before = ""
    in_value = False
    for word in outer:
        is_tag, before = before in TAGS, word.text
        if is_tag or word.text in TAGS:
            continue
        if word.text == "(" and not in_value:
            return []
        if word.text in {",", ";"}:
            if last:
                names.append(last)
            last, in_value = "", False
        elif word.text in {"=", "["}:
            in_value = True
        elif word.text == "]":
            in_value = False
        elif word.kind == "id" and not in_value:
            last = word.text
    return names


def _called(words: Sequence[Token]) -> int | None:
    """Find the name before the first parentheses that are those of a function."""
    place = 0
    while place < len(words) - 1:
        if words[place + 1].text == "(" and words[place].kind == "id":
            if words[place].text not in CALLED_ATTRIBUTES | {"typeof", "__typeof__"}:
                return place
            place = closing(words, place + 1)
        place += 1
    return None


def _pointed(words: Sequence[Token]) -> list[str]:
    """Give the name of a typedef of a function, or of a pointer to one."""
    names = [
        words[place + 2].text
        for place in range(len(words) - 2)
        if words[place].text == "(" and words[place + 1].text == "*"
    ]
    place = _called(words)
    return names[:1] or ([words[place].text] if place is not None else [])


def _function_pointer(words: Sequence[Token]) -> list[str]:
    """Give the name of a variable that is the address of a function."""
    first = next((place for place, word in enumerate(words) if word.text == "("), len(words))
    is_pointer = first + 2 < len(words) and words[first + 1].text == "*"
    return [words[first + 2].text] if is_pointer else []


def _in_parentheses(words: Sequence[Token]) -> list[str]:
    """Give the names in DEFINE_SPINLOCK(name) and similar macros."""
    place = 1 if words[0].text == "static" else 0
    if place + 1 < len(words) and DEFINERS.fullmatch(words[place].text):
        return [word.text for word in words[place + 2 :] if word.kind == "id"]
    return []
