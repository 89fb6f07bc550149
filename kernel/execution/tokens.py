"""Split a C file into tokens with their lines, without comments."""

from __future__ import annotations

import re
from typing import NamedTuple

from rssbound.errors import InputError, Location

__all__ = (
    "NO_LINE",
    "NotUnderstood",
    "Token",
    "join_lines",
    "number_of",
    "tokens_of",
    "without_comments",
)

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
TOKEN = re.compile(
    r"""(?P<id>[A-Za-z_$]\w*)
      | (?P<num>\.?\d(?:[eEpP][+-]|[\w.])*)
      | (?P<str>"(?:\\.|[^"\\])*")
      | (?P<chr>'(?:\\.|[^'\\])*')
      | (?P<op>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||\#\#|[-+*/%&|^]=|[^\s\w])""",
    re.VERBOSE,
)
ESCAPES = {"n": 10, "t": 9, "0": 0, "r": 13, "\\": 92, "'": 39, '"': 34}

ATTRIBUTES = re.compile(
    r"__(?:percpu|user|rcu|iomem|force|kernel|private|nocast|exit|initdata|initconst"
    r"|read_mostly|ro_after_init|always_inline|must_check|maybe_unused|always_unused|used|pure"
    r"|cacheline_aligned|cacheline_aligned_in_smp|randomize_layout|no_randomize_layout|cold|hot"
    r"|meminit|net_init|sched|latent_entropy|no_sanitize_or_inline|no_kcsan|no_kasan_or_inline"
    r"|flatten|noreturn|weak|packed|refdata|ref|inline|inline__|visible|lockfunc|bpf_kfunc)"
    r"|____cacheline_aligned(?:_in_smp)?|____cacheline_internodealigned_in_smp|noinline|inline"
    r"|noinline_for_stack|asmlinkage|notrace|register|volatile|__volatile__|const|__const|restrict"
    r"|__extension__|fallthrough|__mmdrop__|__cpuidle|noinstr|__kprobes|nokprobe_inline|__visible"
)
"""Words that do not change a value."""

CALLED_ATTRIBUTES = frozenset(
    [
        "__attribute__",
        "__aligned",
        "__printf",
        "__must_hold",
        "__acquires",
        "__releases",
        "__counted_by",
        "__section",
        "__cond_lock",
        "__alloc_size",
        "__realloc_size",
        "__no_context_analysis",
        "__guarded_by",
        "__assume_aligned",
        "__acquires_ret",
        "__counted_by_ptr",
        "__designated_init",
        "__cleanup",
        "_Alignas",
    ]
)
"""The same, followed by something in parentheses."""


class NotUnderstood(InputError):  # noqa: N818 (the name says what happened)
    """A piece of source is neither in the supported subset of C nor in the table of primitives."""

    def __init__(self, what: str, where: Location | None = None) -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what = what
        self.where = where


LINE_END = re.compile(r"\\?(?:\n|$)")

NO_LINE = 1 << 30
"""The line of words that are not in a file: after all of it, so that its macros are defined."""


class Token(NamedTuple):
    """A word: its kind, its text, and its location."""

    kind: str
    text: str
    file: str
    line: int

    @property
    def location(self) -> Location:
        """File and line."""
        return Location(self.file, 0 if self.line == NO_LINE else self.line)


def without_comments(text: str) -> str:
    """Blank out comments; lines stay where they are, and go on in the next as they did."""

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        return found if found[0] in "\"'" else " " + "".join(LINE_END.findall(found))

    return COMMENT.sub(blank, text)


def join_lines(text: str) -> list[tuple[int, str]]:
    """Give the lines with their numbers; a backslash at the end joins a line with the next."""
    lines: list[tuple[int, str]] = []
    going_on = False
    for number, line in enumerate(text.split("\n"), start=1):
        ends = line.endswith("\\")
        part = line[:-1] if ends else line
        if going_on:
            first, before = lines[-1]
            lines[-1] = (first, f"{before} {part}")
        else:
            lines.append((number, part))
        going_on = ends
    return lines


def tokens_of(text: str, file: str, line: int) -> list[Token]:
    """Split a line into tokens, without words that do not change a value."""
    found = []
    for match in TOKEN.finditer(text):
        word, kind = match[0], match.lastgroup or ""
        if kind != "id" or not ATTRIBUTES.fullmatch(word):
            found.append(Token(kind, word, file, line))
    return found


def number_of(token: Token) -> tuple[int, str]:
    """Give the value of a number or a character, and the suffix for its type."""
    text = token.text
    if token.kind == "chr":
        inner = text[1:-1]
        return (ESCAPES.get(inner[1:], 0) if inner.startswith("\\") else ord(inner[:1] or "\0")), ""
    digits = text.rstrip("uUlL")
    suffix = text[len(digits) :].lower()
    try:
        octal = digits.startswith("0") and digits.isdigit()
        return int(digits, 8) if octal else int(digits, 0), suffix
    except ValueError:
        raise NotUnderstood(f"{text} is not an integer", token.location) from None
