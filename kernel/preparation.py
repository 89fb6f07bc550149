"""Prepare kernel C for a C parser: blank out or rewrite syntax that only macros explain.

    int __init f(void)                      annotations become blanks
    } while_each_thread(g, t);              the macro becomes the `while` that it stands for
    for_each_thread(p, t) if (..) ..        a loop gets a `;` before its body, as a call has,
    scoped_guard(rcu) { .. }                and so does a scope
    max_t(unsigned int, a, b)               a type of two words becomes unsigned_int
    long n =                                a value that #if chooses becomes `CONFIG_A ? A : B`
    #ifdef CONFIG_A
        A;
    #else
        B;
    #endif

Nothing moves: every remaining byte keeps its offset and line, so a node of the syntax tree can be
found in the original file.
"""

from __future__ import annotations

import re

__all__ = ("prepared",)

WORDS = (
    *("__init", "__exit", "__meminit", "__cpuinit", "__devinit", "__initdata", "__refdata"),
    *("__ref", "__user", "__percpu", "__rcu", "__iomem", "__kernel", "__force", "__private"),
    *("__bitwise", "__weak", "__must_check", "__maybe_unused", "__always_unused", "__pure"),
    *(
        "__read_mostly",
        "__ro_after_init",
        "__always_inline",
        "__cold",
        "__sched",
        "__latent_entropy",
    ),
    *("__cacheline_aligned", "__cacheline_aligned_in_smp", "____cacheline_aligned"),
    *("____cacheline_aligned_in_smp", "__randomize_layout", "__counted_by_ptr"),
    *("noinline", "noinline_for_stack", "asmlinkage", "notrace", "noinstr", "nokprobe_inline"),
)
ANNOTATION = re.compile(rb"^[ \t]*#.*|\b(?:" + "|".join(WORDS).encode() + rb")\b", re.MULTILINE)
"""A word without meaning for the syntax; lines of the preprocessor are skipped."""

CHOSEN = re.compile(
    rb"(?<==)(?P<gap>[ \t]*\n)#[ \t]*(?P<if>if(?:n?def)?)\b(?P<condition>[^\n]*[^\n\\])"
    rb"(?P<first>\n[^;#{}]*);(?P<rest>[^;#{}]*\n)(?P<else>#[ \t]*else\b[^\n]*)"
    rb"(?P<second>\n[^;#{}]*;[^;#{}]*\n)(?P<endif>#[ \t]*endif\b[^\n]*)"
)
"""The value of a variable that is one of two: both end in a semicolon."""

WHILE_EACH = re.compile(rb"(\}\s*while)(_each_\w+)(?=\s*\()")
FOR_EACH = re.compile(rb"\b(?:\w*(?:for|do)_each\w*|scoped_\w+)[ \t]*\(")
TYPE = re.compile(
    rb"(\b(?:max|min|clamp)_t\s*\(\s*)((?:unsigned|long|short)(?:\s+(?:int|long))+)(?=\s*,)"
)
"""A type of more than one word as the first argument of a macro: no C, so it is made one word."""

BODY = re.compile(rb"(\s+(?=[A-Za-z_{])|[ \t]*\n\s*(?=\*|\(|\+\+|--))")
"""The space between a loop's parenthesis and its body, which begins a line if it is no word."""


def prepared(text: bytes) -> bytes:
    """Give the text with annotations blanked out, and loop macros in a form that parses."""
    text = CHOSEN.sub(_as_conditional, text)
    text = ANNOTATION.sub(_blank, text)
    text = WHILE_EACH.sub(lambda match: match[1] + b" " * len(match[2]), text)
    text = TYPE.sub(lambda match: match[1] + re.sub(rb"\s", b"_", match[2]), text)
    changed = bytearray(text)
    for match in FOR_EACH.finditer(text):
        end = _closing(text, match.end() - 1)
        between = BODY.match(text, end)
        if between is not None and _is_statement(text, match.start()):
            gap = between[1]
            blank = next((i for i, byte in enumerate(gap) if byte in b" \t"), None)
            if blank is not None:
                changed[end + blank] = ord(";")
    return bytes(changed)


def _as_conditional(match: re.Match[bytes]) -> bytes:
    """Write both values of a variable as one expression of the same length."""
    head = b"!" if match["if"] == b"ifndef" else b""
    width = match.start("first") - match.end("gap")
    parts = (
        *(match["gap"], (head + match["condition"].strip() + b" ?").ljust(width)),
        *(match["first"], b":", match["rest"], b" " * len(match["else"])),
        *(match["second"], b" " * len(match["endif"])),
    )
    return b"".join(parts)


def _blank(match: re.Match[bytes]) -> bytes:
    word = match[0]
    return word if word.lstrip().startswith(b"#") else b" " * len(word)


def _closing(text: bytes, opening: int) -> int:
    """Give the offset after the parenthesis that closes the one at an offset.

    It is the end of the text if the statement ends or a block begins first.
    """
    depth = 0
    for offset in range(opening, len(text)):
        if text[offset] == ord("("):
            depth += 1
        elif text[offset] == ord(")"):
            depth -= 1
            if depth == 0:
                return offset + 1
        elif text[offset] in b";{}":
            break
    return len(text)


def _is_statement(text: bytes, offset: int) -> bool:
    """Return whether this is a statement, which is indented, not a definition or a macro line."""
    start = text.rfind(b"\n", 0, offset) + 1
    if text[start : start + 1] not in b" \t":
        return False
    while start > 1 and text[start - 2 : start - 1] == b"\\":
        start = text.rfind(b"\n", 0, start - 1) + 1
    return not text[start:offset].lstrip().startswith(b"#")
