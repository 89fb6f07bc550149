"""The parts of a tracepoint that the size which it reports depends on.

    TP_PROTO(struct mm_struct *mm, long count)     the types of the parameters that the size uses
    TP_STRUCT__entry(__field(long, size) ..)       the type of the size
    TP_fast_assign(__entry->size = count; ..)      all but what only sets another field
    TP_printk("size=%ldB", __entry->size)          how it is printed

A part that is none of these, such as a condition, counts as a whole. So does a tracepoint that is
not written like this.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.preprocessor import without_comments

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("parts_of_size",)

FIELD = re.compile(rb"__(?:field|array)\w*\([^()]*\bsize\s*[,)]")
"""The declaration of the size."""

PRINTED = re.compile(rb"size=%[-+ #.*]*\w*")
CONVERSION = re.compile(rb"%(?:%|[-+ #0]*(?P<width>\*?)(?:\.(?P<precision>\*?))?)")
"""A value that a format has; * takes one more, for the width or the precision."""

WIDTHS = ("width", "precision")

OTHER_FIELD = re.compile(
    rb"\s*__entry->(?!size\b)\w+\s*=(?!=)"
    rb"(?:(?!\+\+|--|<<=|>>=|(?<![=!<>])=(?!=)|[(,?:=]\s*&(?!&)|\b__entry\b(?!->)).)*;\s*",
    re.DOTALL,
)
"""A statement that sets another field: no other assignment is in it, and it passes no address."""

SIZE = re.compile(rb"\bsize\b")
STRING = re.compile(rb'"(?:\\.|[^"\\])*"')
NAME = re.compile(rb"\w+")


class Part(NamedTuple):
    """The bytes of a text from one offset to another."""

    start: int
    end: int


def parts_of_size(text: bytes, start: int, end: int) -> tuple[list[Part], list[str]]:
    """Give the parts of a tracepoint that matter for its size, and words on what is out of order.

    `start` and `end` are the bytes of the file that begin with TRACE_EVENT.
    """
    written = without_comments(text[start:end])
    code = _blanked(written)
    macros: dict[bytes, list[Part]] = {}
    for part in _arguments(code, code.find(b"("))[1:]:
        macros.setdefault(_called(code, part), []).append(part)
    if not {b"TP_fast_assign", b"TP_printk"} <= macros.keys():
        return [Part(start, end)], []
    set_by = [each for part in macros.pop(b"TP_fast_assign") for each in _statements(code, part)]
    used = {name for part in set_by for name in NAME.findall(code[slice(*part)])}
    passed, is_reordered = _passed(code, macros, used)
    printed, is_misprinted = _printed(code, written, macros.pop(b"TP_printk"))
    fields = [
        Part(*match.span())
        for part in macros.pop(b"TP_STRUCT__entry", [])
        for match in FIELD.finditer(code, *part)
    ]
    others = [part for parts in macros.values() for part in parts]
    kept = [*set_by, *passed, *fields, *printed, *others]
    words = ["reordered"] * is_reordered + ["misprinted"] * is_misprinted
    trimmed = [_without_blanks(written, part) for part in kept]
    return [Part(start + part.start, start + part.end) for part in trimmed], words


def _without_blanks(written: bytes, part: Part) -> Part:
    """Leave out the blanks before a part, which can begin in the line above."""
    return part._replace(start=part.end - len(written[slice(*part)].lstrip()))


def _passed(
    code: bytes, macros: dict[bytes, list[Part]], used: set[bytes]
) -> tuple[list[Part], bool]:
    """Take the parameters that are used, and whether the arguments are in another order."""
    parameters, arguments = (
        [each for part in macros.pop(name, []) for each in _inside(code, part)]
        for name in (b"TP_PROTO", b"TP_ARGS")
    )
    names, others = ([_last_name(code, each) for each in one] for one in (parameters, arguments))
    kept = [part for part, name in zip(parameters, names, strict=True) if name in used]
    return kept, names != others


def _printed(code: bytes, written: bytes, macros: list[Part]) -> tuple[list[Part], bool]:
    """Give how the size is printed, and whether it is printed as anything but the size."""
    kept: list[Part] = []
    is_misprinted = False
    for part in macros:
        inside = _inside(code, part)
        if not inside:
            kept.append(part)
            continue
        text, *values = inside
        formats = list(PRINTED.finditer(written, *text))
        shown = [place for place, each in enumerate(values) if SIZE.search(code, *each)]
        places = [_conversions(written[text.start : one.start()]) for one in formats]
        is_misprinted = is_misprinted or shown != places
        kept += [Part(*one.span()) for one in formats]
        kept += [values[place] for place in shown]
    return kept, is_misprinted


def _conversions(text: bytes) -> int:
    """Count the values that a format has before its end."""
    found = [match for match in CONVERSION.finditer(text) if match[0] != b"%%"]
    return len(found) + sum(bool(match[name]) for match in found for name in WIDTHS)


def _blanked(code: bytes) -> bytes:
    """Replace what is in strings with blanks, so that only punctuation of the code is left."""
    return STRING.sub(lambda match: b'"' + b" " * (len(match[0]) - 2) + b'"', code)


def _arguments(code: bytes, opening: int) -> list[Part]:
    """Give the arguments between a parenthesis and the one that closes it."""
    if opening < 0:
        return []
    depth, starts = 0, [opening]
    for place in range(opening, len(code)):
        sign = code[place : place + 1]
        depth += (sign in b"({[") - (sign in b")}]")
        if depth == 0:
            return [Part(one + 1, other) for one, other in pairwise([*starts, place])]
        if depth == 1 and sign == b",":
            starts.append(place)
    return []


def _called(code: bytes, part: Part) -> bytes:
    """Give the name of the macro that an argument is."""
    match = NAME.search(code, *part)
    return match[0] if match is not None else b""


def _inside(code: bytes, part: Part) -> list[Part]:
    """Give the arguments of the macro that an argument is."""
    return _arguments(code, code.find(b"(", part.start, part.end))


def _statements(code: bytes, part: Part) -> Iterator[Part]:
    """Yield the statements of TP_fast_assign that do more than to set another field."""
    whole = code.find(b"(", *part) + 1
    end = code.rfind(b")", *part)
    depth, first = 0, whole
    for place in range(whole, end):
        sign = code[place : place + 1]
        depth += (sign in b"([") - (sign in b")]")
        if sign == b";" and depth == 0:
            statement = Part(first, place + 1)
            if OTHER_FIELD.fullmatch(code, *statement) is None:
                yield statement
            first = place + 1
    if code[first:end].strip():
        yield Part(first, end)


def _last_name(code: bytes, part: Part) -> bytes:
    names = NAME.findall(code[slice(*part)])
    return names[-1] if names else b""
