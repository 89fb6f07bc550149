"""Find names in a tree; files are read when a name is needed.

    1. the file in which the name is used
    2. the files of the counters, COUNTER_FILES
    3. the table of primitives
    4. headers that these files include, and theirs
    5. for functions, the other files of lib, mm and kernel

So a new definition that a patch puts next to a counter takes precedence over a primitive, but the
kernel's own definition of a primitive does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from rssbound.errors import InputError, Location
from rssbound.kernel.dotconfig import completed, dotconfig_of
from rssbound.kernel.execution.choices import CHOICES, KNOWN
from rssbound.kernel.execution.constants import constant_value
from rssbound.kernel.execution.expansion import expanded
from rssbound.kernel.execution.grammar import Parser
from rssbound.kernel.execution.tokens import NO_LINE, NotUnderstood, Token, tokens_of
from rssbound.kernel.execution.unit import Macro, Piece, Unit, read_unit
from rssbound.kernel.headers import included_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ("COUNTER_FILES", "Tree")

COUNTER_FILES = (
    *("include/linux/mm_types_task.h", "include/linux/mm_types.h", "include/linux/mm.h"),
    *("lib/percpu_counter.c", "mm/memory.c", "kernel/fork.c"),
)
COUNTER_PATTERNS = ("include/linux/*percpu*counter*.h", "lib/*percpu*counter*.c")
OTHER_FOLDERS = ("lib", "mm", "kernel")
SCHEDULED = "include/linux/sched.h"
DEFINE = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
CALLED = r"^[^\s#/*].*\bNAME\("
DEFINED = {
    "tags": r"\b(?:struct|union|enum)\s+NAME\b[^;(){}=]*\{",
    "typedefs": r"^[ \t]*typedef\b[^;{]*\bNAME\b\s*[;)\[]|^\}[ \t]*(?:__\w+[ \t]*)*\bNAME\b",
    "enumerators": r"^\s*(?:enum\b.*\{.*)?\bNAME\b\s*(?:[=,}/]|$)",
    "variables": r"^[^\s#/*].*\bNAME\b(?:\[[^\]]*\])?[^;({}]*[=;]|^\w*DEFINE\w+\(.*\bNAME\b",
}
"""The text around a name where it is defined, for a quick check before a file is read."""


@dataclass
class Tree:
    """A source tree: its files, with `overrides` instead of some macros.

    `counters` are the files of the counters to be run; without a .config, `choices` decide.
    """

    folder: Path
    is_primitive: Callable[[str], bool]
    overrides: Mapping[str, int] = field(default_factory=dict)
    counters: tuple[str, ...] = COUNTER_FILES
    choices: Mapping[str, str] = field(default_factory=lambda: CHOICES)
    consulted: set[str] = field(default_factory=set)
    overridden: set[str] = field(default_factory=set)
    _units: dict[str, Unit] = field(default_factory=dict)
    _texts: dict[str, bytes | None] = field(default_factory=dict)
    _far_pieces: dict[tuple[str, str], Piece | None] = field(default_factory=dict)
    _far: dict[str, Piece | None] = field(default_factory=dict)

    def overridden_by(self, overrides: Mapping[str, int]) -> Tree:
        """Give the same tree, without reading it again, with other values of some macros."""
        return Tree(
            self.folder,
            self.is_primitive,
            overrides,
            self.counters,
            self.choices,
            consulted=self.consulted,
            _units=self._units,
            _texts=self._texts,
            _far_pieces=self._far_pieces,
            _far=self._far,
        )

    # -- files

    @cached_property
    def configured(self) -> bool:
        """Whether the tree has a .config, which then decides instead of CHOICES."""
        return (self.folder / ".config").is_file()

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The settings of .config, or the choices in its place."""
        if not self.configured:
            return self.choices
        text = (self.folder / ".config").read_text(errors="replace")
        return completed(dotconfig_of(text))

    @cached_property
    def counter_files(self) -> tuple[str, ...]:
        """The files of the counters that the tree has."""
        matched = [
            str(path.relative_to(self.folder))
            for pattern in COUNTER_PATTERNS
            for path in sorted(self.folder.glob(pattern))
        ]
        return tuple(path for path in dict.fromkeys((*self.counters, *matched)) if self.text(path))

    @cached_property
    def headers(self) -> tuple[str, ...]:
        """The headers and other files that the files of the counters include, and theirs."""
        waiting = [*self.counter_files, SCHEDULED]
        seen = dict.fromkeys(waiting)
        for path in waiting:
            for header in included_by(path, self.text(path) or b""):
                if header not in seen and self.text(header) is not None:
                    seen[header] = None
                    waiting.append(header)
        return tuple(path for path in seen if path.endswith(".h") or path not in self.counter_files)

    @cached_property
    def _macro_files(self) -> Mapping[str, list[str]]:
        """Macro -> the headers that define it somewhere."""
        found: dict[str, list[str]] = {}
        for path in (*self.counter_files, *self.headers):
            for name in _defined_in(self.text(path) or b""):
                found.setdefault(name, []).append(path)
        return found

    def text(self, path: str) -> bytes | None:
        """Read a file; None if there is none."""
        if path not in self._texts:
            file = self.folder / path
            self._texts[path] = file.read_bytes() if file.is_file() else None
        return self._texts[path]

    def unit(self, path: str) -> Unit:
        """Give the definitions of a file; NotUnderstood if a file of the counters is broken."""
        if path not in self._units:
            text = self.text(path)
            if text is None:
                raise InputError(f"{path} is missing")
            unit = self._units[path] = Unit(path)
            read_unit(path, text.decode(errors="replace"), self._holds, unit)
        bracket = self._units[path].unmatched
        if bracket is not None and path in self.counter_files:
            raise NotUnderstood(
                f"{bracket.text} has no counterpart; the file cannot be parsed from here",
                Location(path, bracket.line),
            )
        return self._units[path]

    # -- macros and conditions

    def macro(self, word: Token) -> Macro | None:
        """Give the macro that a word names at its location."""
        name, path, line = word.text, word.file, word.line
        if name in self.overrides:
            found = self._macro(name, path, line)
            if found is None:
                return None
            self.overridden.add(name)
            value = (Token("num", str(self.overrides[name]), path, line),)
            return Macro(name, None, value, line)
        return self._macro(name, path, line)

    def _macro(self, name: str, path: str, line: int) -> Macro | None:
        if path and name in self.unit(path).macros:
            return self.unit(path).macro(name, line)
        places = self._macro_files.get(name, ())
        for other in places:
            if other in self.counter_files and (found := self._ready(other, name)):
                return found
        if self.is_primitive(name):
            return None
        return next((found for other in places if (found := self._ready(other, name))), None)

    def _ready(self, path: str, name: str) -> Macro | None:
        unit = self.unit(path)
        return unit.macro(name)

    def expand(self, words: Sequence[Token]) -> list[Token]:
        """Expand the macros in some words of the tree."""
        return expanded(words, self.macro)

    def setting(self, name: str) -> str | None:
        """Give the value of a CONFIG_ name; None if it is off."""
        self.consulted.add(name)
        value = self.settings.get(name)
        return None if value in {None, "n"} else value

    def _holds(self, unit: Unit, kind: str, words: Sequence[Token], line: int) -> bool:
        """Decide the condition of a directive."""
        if kind != "if":
            if kind == "ifndef" and _is_guard(words[0].text, unit.path, self.text(unit.path)):
                return True
            return self._defined(words[0].text, unit, line) == (kind == "ifdef")
        try:
            plain = expanded(
                self._without_defined(words, unit), lambda word: self._in_if(word, unit)
            )
            return bool(constant_value(Parser(plain, lambda _: False).expression(), {}))
        except NotUnderstood:
            return False

    def _in_if(self, word: Token, unit: Unit) -> Macro | None:
        """Give the value of a name in a condition: a setting, or a macro."""
        name = word.text
        if name.startswith("CONFIG_") or name in KNOWN:
            value = self.setting(name) if name.startswith("CONFIG_") else KNOWN[name]
            number = {None: "0", "y": "1", "m": "0"}.get(value, value or "0")
            return Macro(name, None, (Token("num", number, word.file, word.line),), word.line)
        if name == "NR_CPUS":
            number = self.setting("CONFIG_NR_CPUS") or "1"
            return Macro(name, None, (Token("num", number, word.file, word.line),), word.line)
        return unit.macro(name, word.line) or self._macro(name, "", word.line)

    def _without_defined(self, words: Sequence[Token], unit: Unit) -> list[Token]:
        """Replace defined(NAME) and IS_ENABLED(NAME) with 1 or 0."""
        out: list[Token] = []
        place = 0
        while place < len(words):
            word = words[place]
            if word.text in {"defined", "IS_ENABLED", "IS_BUILTIN", "IS_REACHABLE"}:
                in_brackets = place + 1 < len(words) and words[place + 1].text == "("
                named = (
                    words[place + 1 + in_brackets] if place + 1 + in_brackets < len(words) else word
                )
                on = self._defined(named.text, unit, word.line)
                out.append(Token("num", str(int(on)), word.file, word.line))
                place += 2 + 2 * in_brackets
            else:
                out.append(word)
                place += 1
        return out

    def _defined(self, name: str, unit: Unit, line: int) -> bool:
        if name.startswith("CONFIG_"):
            return self.setting(name) not in {None, "m"}
        if name in KNOWN or name == "NR_CPUS":
            return True
        if unit.macro(name, line) is not None:
            return True
        places = [path for path in self._macro_files.get(name, ()) if path != unit.path]
        return any(self.unit(path).has_macro(name) for path in places)

    # -- definitions

    def function(self, name: str, path: str = "") -> Piece | None:
        """Find the definition of a function that is compiled, from a file that uses it."""
        found = self.near_function(name, path)
        if found is not None or self.is_primitive(name):
            return found
        if name not in self._far:
            self._far[name] = self._function_in(name, self.headers) or self._function_in(
                name, self._others(name)
            )
        return self._far[name]

    def near_function(self, name: str, path: str) -> Piece | None:
        """Find the definition of a function in the file that uses it, or in those of counters."""
        return self._function_in(name, [path, *self.counter_files] if path else self.counter_files)

    def _function_in(self, name: str, paths: Sequence[str]) -> Piece | None:
        for path in self._mentioning(name, paths):
            pieces = self.unit(path).functions.get(name)
            if pieces:
                return pieces[-1]
        return None

    def _mentioning(self, name: str, paths: Sequence[str]) -> Iterator[str]:
        """Yield the files that contain a word."""
        word = name.encode()
        for path in dict.fromkeys(paths):
            if word in (self.text(path) or b""):
                yield path

    def _others(self, name: str, pattern: str = CALLED) -> list[str]:
        """List the other files that can define a function or variable."""
        listed = [
            str(file.relative_to(self.folder))
            for folder in OTHER_FOLDERS
            for file in sorted((self.folder / folder).glob("*.c"))
        ]
        return self._matching(name, listed, pattern)

    def _matching(self, name: str, paths: Sequence[str], pattern: str) -> list[str]:
        """List the files in which a name looks like a definition."""
        look = re.compile(pattern.replace("NAME", re.escape(name)).encode(), re.MULTILINE)
        return [
            path for path in self._mentioning(name, paths) if look.search(self.text(path) or b"")
        ]

    def piece(self, kind: str, name: str, path: str = "") -> Piece | None:
        """Find a tag, typedef, enumerator or variable; `kind` is the field of Unit."""
        near = [path] if path else []
        found = self._piece_in(
            kind, name, list(self._mentioning(name, [*near, *self.counter_files]))
        )
        if found is not None:
            return found
        if (kind, name) not in self._far_pieces:
            far = self._matching(name, self.headers, DEFINED[kind])
            if kind == "enumerators" and name.islower():
                far = []  # the kernel's are in capitals
            if kind == "variables":
                far = self._others(name, DEFINED[kind])
            self._far_pieces[kind, name] = self._piece_in(kind, name, far)
        return self._far_pieces[kind, name]

    def _piece_in(self, kind: str, name: str, paths: Sequence[str]) -> Piece | None:
        for place in paths:
            found: Piece | list[Piece] | None = getattr(self.unit(place), kind).get(name)
            if found:
                return found[0] if isinstance(found, list) else found
        return None

    def words_of(self, text: str, path: str, line: int = 0) -> list[Token]:
        """Read words that are not in a file, as if they were in one."""
        return tokens_of(text, path, line or NO_LINE)


@lru_cache(maxsize=4096)
def _defined_in(text: bytes) -> tuple[str, ...]:
    """List the macros that a text defines, each once."""
    return tuple(dict.fromkeys(name.decode() for name in DEFINE.findall(text)))


def _is_guard(name: str, path: str, text: bytes | None) -> bool:
    """Return whether this is an include guard: an #ifndef that defines its name at once."""
    pattern = rf"#\s*ifndef\s+{re.escape(name)}\s*\n\s*#\s*define\s+{re.escape(name)}\b".encode()
    return path.endswith(".h") and re.search(pattern, text or b"") is not None
