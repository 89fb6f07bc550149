"""Macros and #if conditions of a file, by line, because the syntax tree does not keep them well."""

from __future__ import annotations

import re
from typing import NamedTuple

from rssbound.kernel.conditions import KNOWN

__all__ = ("Macro", "conditions_of", "macros_of", "without_comments")

COMMENT = re.compile(rb'("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\')|/\*.*?\*/|//[^\n]*', re.DOTALL)
DIRECTIVE = re.compile(r"\s*#\s*(ifdef|ifndef|if|elif|else|endif|define|undef)\b\s*(.*)")
DEFINITION = re.compile(r"(\w+)(\(([^)]*)\))?\s*(.*)", re.DOTALL)

UNDEFINED = "#undef"
"""The body of a macro that is undefined."""


class Macro(NamedTuple):
    """A definition of a macro: its parameters (None: it takes none), its body, lines and condition.

    `first` and `last` are lines, counted from 0; `condition` is that of the #if around it, or "".
    """

    parameters: tuple[str, ...] | None
    body: str
    first: int
    last: int
    condition: str


class Line(NamedTuple):
    """A directive with its continuation lines."""

    word: str
    rest: str
    first: int
    last: int


def without_comments(text: bytes) -> bytes:
    """Replace comments with blanks; line breaks stay, and the backslashes before them."""

    def blank(match: re.Match[bytes]) -> bytes:
        return match[1] or b"\n".join(map(blanks, match[0].split(b"\n")))

    def blanks(line: bytes) -> bytes:
        return b" " * (len(line) - 1) + b"\\" if line.endswith(b"\\") else b" " * len(line)

    return COMMENT.sub(blank, text)


def conditions_of(text: bytes) -> tuple[str, ...]:
    """Give the conditions around each line, joined by " && ".

    `#ifdef X` and `#if defined(X)` are the same condition. Conditions that always hold are left
    out: include guards, and macros that every compiler defines.
    """
    lines = without_comments(text).decode(errors="replace").split("\n")
    directives = {line.first: line for line in _directives(lines)}
    stack: list[list[str]] = []
    found = []
    for number in range(len(lines)):
        line = directives.get(number)
        if line is not None:
            _follow(stack, line, _after(directives, line, lines))
        found.append(" && ".join(parts[-1] for parts in stack if parts[-1]))
    return tuple(found)


def macros_of(text: bytes, conditions: tuple[str, ...]) -> dict[str, list[Macro]]:
    """Give all definitions and undefinitions of the macros of a file, by name, in order."""
    found: dict[str, list[Macro]] = {}
    lines = without_comments(text).decode(errors="replace").split("\n")
    for line in _directives(lines):
        match = DEFINITION.match(line.rest)
        if line.word not in {"define", "undef"} or match is None:
            continue
        named = None
        if match[2] is not None:
            named = tuple(word.strip() for word in match[3].split(",") if word.strip())
        body = match[4].strip() if line.word == "define" else UNDEFINED
        macro = Macro(named, body, line.first, line.last, conditions[line.first])
        found.setdefault(match[1], []).append(macro)
    return found


def _directives(lines: list[str]) -> list[Line]:
    found = []
    number = 0
    while number < len(lines):
        first = number
        text = lines[number]
        while text.endswith("\\") and number + 1 < len(lines):
            number += 1
            text = f"{text[:-1]} {lines[number]}"
        number += 1
        match = DIRECTIVE.match(text)
        if match:
            found.append(Line(match[1], match[2].strip(), first, number - 1))
    return found


def _after(directives: dict[int, Line], line: Line, lines: list[str]) -> Line | None:
    """Give the next directive, if nothing precedes it."""
    number = line.last + 1
    while number < len(lines) and not lines[number].strip():
        number += 1
    return directives.get(number)


def _follow(stack: list[list[str]], line: Line, after: Line | None) -> None:
    """Open, change or close a condition; each has its branches so far, the current one last."""
    condition = re.sub(r"\s+", "", line.rest)
    if line.word == "ifdef":
        stack.append(["" if KNOWN.get(condition) is True else f"defined({condition})"])
    elif line.word == "ifndef":
        guards = after is not None and after.word == "define" and after.rest.split() == [condition]
        holds = (guards and not stack) or KNOWN.get(condition) is False
        stack.append(["" if holds else f"!defined({condition})"])
    elif line.word == "if":
        stack.append([re.sub(r"defined(\w+)", r"defined(\1)", condition)])
    elif line.word == "elif" and stack:
        stack[-1].append("&&".join([*(f"!({part})" for part in stack[-1][:1]), condition]))
    elif line.word == "else" and stack:
        stack[-1].append("&&".join(f"!({part})" for part in stack[-1]))
    elif line.word == "endif" and stack:
        stack.pop()
