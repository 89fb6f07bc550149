"""Remove from a text what copying added, so that the description remains.

A paste may have prompts, quote marks of mails, comment signs, code fences, colours, timestamps,
indentation and other text around it. This module removes them before a format is recognised.
Line numbers do not change: a removed line becomes an empty line. Other texts are not changed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ("unwrapped",)

MOST_BYTES = 2 << 20
"""The longest text that is examined line by line; only XML and JSON are longer."""

_MOST_LAYERS = 12
"""How many layers are removed: a mail that quotes a fence that contains a prompt, ..."""

_ENOUGH = 0.8
"""The share of lines with a sign, between the first and the last such line, that makes a region."""

_BLANKS = {0xA0: " ", 0x2007: " ", 0x202F: " ", 0x200B: None, 0x2060: None, 0xFEFF: None}
"""Spaces and invisible characters that web pages and chats insert into a text."""

_DOCUMENT = (
    r"^[ \t]*(?:(?P<json>\{)[ \t]*(?=[\"}]|\r?$)"
    r"|<(?:\?xml|!--|!DOCTYPE|topology|capabilities|domain|domstatus|domainCapabilities|cpu)\b)"
)

_FENCES = (
    r"[ \t]*(?:`{3,}|~{3,}).*",
    r"[ \t]*\{(?:code|noformat)[^}\"]*\}[ \t]*",
    r"[ \t]*\[/?(?:code|pre)\b[^\]]*\][ \t]*",
    r"[ \t]*</?(?:pre|code)\b[^>]*>[ \t]*",
    r"[ \t]*(?:/\*+|\*+/)[ \t]*",
)

_TOOLS = (
    r"(?:sudo +|ssh +\S+ +|env +|\w+=\S* +)*(?:/\S*/)?"
    r"(?:lscpu|numactl|virsh|lstopo(?:-no-graphics)?|hwloc-ls|slurmd|scontrol|lxc|incus|curl|kubectl|docker|cat|head|tail|grep|tar|exit|clear"
    r"|hostname|uname|rssbound)(?![\w:=(])"
)

_PROMPTS = (
    r"\[[^\]\[]{0,99}@[^\]\[]{0,200}\][#$%>]",  # [root@host ~]#
    r"(?:\([\w. -]+\) ?)?[\w.+-]+@[\w.-]+[: ][^#$%>=]{0,200}[#$%>]",  # (venv) user@host:~$
    r"[\w.-]+:[~/][^#$%>=]{0,200}[#$%>]",  # host:~ #
    r"(?:ba|z|k|da)?sh-[\d.]+[#$%]",  # sh-5.1#
    r"[~/][\w./-]* [#$%]",  # ~ #
    r"(?:PS )?[A-Z]:\\[^>]{0,200}>",  # PS C:\>
    rf"[^<{{\"]{{0,100}}[#$%>\u276f\u279c\u03bb+] *(?={_TOOLS})",  # (base) |11:30| host$ lscpu
    r"\$(?= |$)",
    r"[\w.-]*[#$%\u276f\u279c](?=[ \t]*$)",
)

_KEPT_COMMANDS = r"(?:^|[\s/])(?:qemu-|-?-smp\b|NodeName=)"
"""A command that describes a machine itself."""


@dataclass(frozen=True)
class _Sign:
    """A prefix of lines. `everywhere`: removed only if all lines have it."""

    pattern: str
    everywhere: bool = False


_SIGNS = (
    _Sign(r"[ \t]*>[ \t]?"),
    _Sign(r"[ \t]*[|│┃][ \t]?"),
    _Sign(r"[\w.-]+[ \t]+\|[ \t]"),  # docker compose logs
    _Sign(r"[ \t]*\*(?:[ \t]|$)"),
    _Sign(r"\+[ \t]?"),
    _Sign(r"[ \t]*#[ \t]?", everywhere=True),
    _Sign(r"[ \t]*-[ \t]", everywhere=True),
    _Sign(r"[ \t]*(?://|;|--(?=[ \t]|$)|%|(?:REM|rem|dnl)(?=[ \t]|$))[ \t]?", everywhere=True),
    _Sign(
        r"\[?\d{4}[-/]\d\d[-/]\d\d[T _]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
        r"(?:Z| ?[+-]\d\d:?\d\d| ?UTC)?\]?:?(?:[ \t]|$)"
    ),
    _Sign(
        r"(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?: \d{4})?"
        r"(?: [\w.-]+ [\w./@-]+(?:\[\d+\])?:)?(?:[ \t]|$)"
    ),
    _Sign(r"(?:<\d>)?\[ *\d+\.\d+\](?:[ \t]|$)"),
    _Sign(r"\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?(?:[ \t]|$)", everywhere=True),
)


def unwrapped(data: bytes) -> bytes:
    """Give the description in a paste; any other text is returned unchanged."""
    data = _as_utf_8(data)
    if _is_bare(data) or len(data) > MOST_BYTES:
        return data
    text = data.decode("utf-8", "surrogateescape")
    plain = _without_codes(text).translate(_BLANKS)
    lines = plain.splitlines()
    peeled = _peeled(lines)
    if plain != text or peeled != lines:
        plain = "\n".join([*peeled, ""])
    plain = _document_in(plain)
    return data if plain == text else plain.encode("utf-8", "surrogateescape")


def _as_utf_8(data: bytes) -> bytes:
    """Convert the UTF-16 that PowerShell writes to UTF-8; XML declares its own encoding."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data
    text = data.decode("utf-16", "replace")
    return data if text.startswith("<?xml") else text.encode("utf-8", "replace")


def _is_bare(data: bytes) -> bool:
    """Return quickly whether a text is XML or JSON from end to end, or a line like `core:8`."""
    if b"\x1b" in data:
        return False
    inner = data.strip(b"\xef\xbb\xbf \t\r\n")
    if inner.startswith(b"{") and inner.endswith(b"}"):
        return inner[1:2] in b'" \t\r\n}' and b"\n{" not in inner
    if inner.startswith(b"<") and inner.endswith(b">"):
        return not inner.startswith((b"<pre", b"<code"))
    return b"\n" not in inner and b": " not in inner and inner.partition(b":")[0].isalpha()


def _without_codes(text: str) -> str:
    """Remove terminal control sequences: colours, titles, modes."""
    if "\x1b" not in text and "^[" not in text:
        return text
    codes = (
        r"(?:\x1b|\^\[)\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()#%].|\x1b[ -~]"
    )
    return re.sub(codes, "", text)


# -- prefixes of lines, and text around lines


def _peeled(lines: list[str]) -> list[str]:
    """Remove one layer after another."""
    for _ in range(_MOST_LAYERS):
        before = lines
        for layer in (_dedented, _without_sign, _fenced, _without_prompts):
            lines = layer(lines)
        if lines == before:
            break
    return lines


def _dedented(lines: list[str]) -> list[str]:
    """Remove the indentation that all lines have."""
    widths = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
    width = min(widths, default=0)
    return [line[width:] for line in lines] if width else lines


def _without_sign(lines: list[str]) -> list[str]:
    """Remove the sign that all lines or all lines of a region have; the first kind found."""
    for find in _finders():
        ends = find(lines)
        if ends:
            return [line[end:] for line, end in zip(lines, ends, strict=True)]
    return lines


@cache
def _finders() -> tuple[Callable[[Sequence[str]], list[int]], ...]:
    """List the functions that find signs, compiled once and only if there may be a paste."""
    return (*map(_finder, _SIGNS), _host_ends, _number_ends)


def _finder(sign: _Sign) -> Callable[[Sequence[str]], list[int]]:
    """Make the function that gives the length of the sign in each line; [] without the sign."""
    match = re.compile(sign.pattern).match

    def find(lines: Sequence[str]) -> list[int]:
        first = next((line for line in lines if line.strip()), "")
        if sign.everywhere and not match(first):
            return []
        ends = [found.end() if (found := match(line)) else 0 for line in lines]
        carried = sum(map(bool, ends))
        if not carried:
            return []
        filled = [bool(line.strip()) for line in lines]
        if carried == sum(filled) and not _is_csv_header(sign, lines):
            return ends
        return [] if sign.everywhere or carried < 2 else _region(ends, filled)

    return find


def _region(ends: list[int], filled: list[bool]) -> list[int]:
    """Give the ends of the signs if most lines from the first to the last with a sign have it."""
    places = [place for place, end in enumerate(ends) if end]
    within = sum(filled[places[0] : places[-1] + 1])
    return ends if len(places) >= _ENOUGH * within else []


def _is_csv_header(sign: _Sign, lines: Sequence[str]) -> bool:
    """Return whether the comments are those that `lscpu -p` prints, without its rows."""
    return sign.everywhere and any(re.match(r"# ?CPU,", line) for line in lines)


def _host_ends(lines: Sequence[str]) -> list[int]:
    """Find the host name that pdsh and clush print in front of each line."""
    first = next((line for line in lines if line.strip()), "")
    name = re.match(r"[\w.-]+:", first)
    if name is None:
        return []
    ends = [len(name[0]) if line.startswith(name[0]) else 0 for line in lines]
    filled = sum(1 for line in lines if line.strip())
    if filled < 2 or sum(map(bool, ends)) < filled:
        return []
    return [
        end + line.startswith(" ", end) if end else 0 for line, end in zip(lines, ends, strict=True)
    ]


def _number_ends(lines: Sequence[str]) -> list[int]:
    """Find the line numbers that `cat -n` and `grep -n` print."""
    match = re.compile(r"[ \t]*(\d{1,7})[\t:]").match
    if not match(next((line for line in lines if line.strip()), "")):
        return []
    matches = [match(line) for line in lines]
    numbers = [int(found[1]) for found in matches if found]
    filled = sum(1 for line in lines if line.strip())
    if len(numbers) < 3 or len(numbers) < filled:
        return []
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return []
    return [found.end() if found else 0 for found in matches]


def _fenced(lines: list[str]) -> list[str]:
    """Keep the text between fences, if there are any."""
    pattern = re.compile("|".join(_FENCES))
    if not any(pattern.fullmatch(line) for line in lines):
        return lines
    return list(_between(lines, pattern))


def _between(lines: list[str], fence: re.Pattern[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        if fence.fullmatch(line):
            inside = not inside
            yield ""
        else:
            yield line if inside else ""


def _without_prompts(lines: list[str]) -> list[str]:
    """Remove prompts with their commands, except commands that describe a machine."""
    prompt = re.compile(rf"(?:{'|'.join(_PROMPTS)})[ \t]*")
    command = re.compile(rf"{_TOOLS}(?:[ \t]+-[\w,=-]*|[ \t]+\w[\w./-]*)*[ \t]*")
    kept = re.compile(_KEPT_COMMANDS)
    plain: list[str] = []
    for line in lines:
        match = prompt.match(line)
        rest = line[match.end() :] if match else line
        if kept.search(line):
            plain.append(rest if kept.search(rest) else line)
        else:
            plain.append("" if match or command.fullmatch(line) else line)
    return plain


# -- a document with text around it


def _document_in(text: str) -> str:
    """Give the first XML or JSON document of a text without the text around it.

    A second document is kept, so that the reader can refuse the text.
    """
    start = re.search(_DOCUMENT, text, re.MULTILINE)
    if start is None:
        return text
    end = _json_end(text, start.start()) if start["json"] else _xml_end(text, start.start())
    head, tail = text[: start.start()], text[end:]
    if re.search(_DOCUMENT, tail, re.MULTILINE):
        end = len(text)
    if not head.strip("\ufeff \t\r\n") and not text[end:].strip():
        return text
    return "\n" * head.count("\n") + text[start.start() : end] + "\n"


def _json_end(text: str, start: int) -> int:
    """Give the position after the bracket that closes the first one; the end if it is missing."""
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', text[start:]):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            return start + token.end()
    return len(text)


def _xml_end(text: str, start: int) -> int:
    """Give the position after the last tag that closes the outermost element."""
    root = re.compile(r"<([A-Za-z][\w:.-]*)").search(text, start)
    if root is None:
        return len(text)
    closing = f"</{root[1]}>"
    place = text.rfind(closing)
    return len(text) if place < 0 else place + len(closing)
