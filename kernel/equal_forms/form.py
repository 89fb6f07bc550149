"""A normal form as nested lists: reading, writing, and the words in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = (
    "BREAK",
    "CONTINUE",
    "GOTO",
    "JUMPS",
    "NUMBERED",
    "RETURN",
    "Form",
    "blind",
    "is_local",
    "kind",
    "listed",
    "mapped",
    "read",
    "replaced",
    "text",
    "words",
)

Form: TypeAlias = Any
"""A word, or a list of forms."""

LEXEME = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|\(|\)|[^\s()"\']+')
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
NUMBERED = re.compile(r"\$\d+")

RETURN, BREAK, CONTINUE, GOTO = (
    f"{word}_statement" for word in ("return", "break", "continue", "goto")
)
JUMPS = (RETURN, BREAK, CONTINUE, GOTO)

UNREAD = (
    *("text", "missing", "ERROR", "all", "statement_expression", "gnu_", "ms_"),
    *("function_definition", "declared"),
)
"""Parts that are kept word by word: the form around them is not changed."""

BRANCHES = ("preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif", "preproc_elifdef")
"""Conditions of the preprocessor, which have whole statements in them."""

CONDITIONS = ("preproc_defined",)
"""Parts of the conditions of the preprocessor."""


def read(written: str) -> Form | None:
    """Read nested lists; None if a part is kept word by word."""
    if re.search(r"\( |\(\)|\($", STRING.sub('""', written)):
        return None
    stack: list[list[Form]] = [[]]
    for word in LEXEME.findall(written):
        if word == "(":
            stack.append([])
        elif word == ")":
            if len(stack) < 2:
                return None
            done = stack.pop()
            if not done or (isinstance(done[0], str) and _is_unread(done[0])):
                return None
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    return stack[0][0] if len(stack) == 1 and len(stack[0]) == 1 else None


def _is_unread(head: str) -> bool:
    if head.startswith("preproc_"):
        return head not in {*BRANCHES, *CONDITIONS}
    return head.startswith(UNREAD)


def text(form: Form) -> str:
    """Write a form."""
    return form if isinstance(form, str) else f"({' '.join(map(text, form))})"


def blind(form: Form) -> str:
    """Write a form without the numbers of its local names, which depend on the order."""
    return NUMBERED.sub("$", text(form))


def is_local(form: Form) -> bool:
    """Return whether a form is a local name."""
    return isinstance(form, str) and NUMBERED.fullmatch(form) is not None


def kind(form: Form) -> str:
    """Give the first word of a list; "" for a word."""
    return form[0] if isinstance(form, list) and form and isinstance(form[0], str) else ""


def listed(form: Form) -> list[Form]:
    """Give the statements of a block, or of a branch that is one statement."""
    return list(form[1:]) if kind(form) == "block" else [form]


def words(form: Form) -> Iterator[str]:
    """Yield the words of a form, in order."""
    waiting = [form]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        else:
            waiting.extend(reversed(part))


def mapped(form: Form, change: Callable[[Form], Form]) -> Form:
    """Change every part of a form, the inner parts first."""
    if isinstance(form, str):
        return change(form)
    return change([mapped(part, change) for part in form])


def replaced(form: Form, name: str, value: Form) -> Form:
    """Put a value in place of a name."""
    return mapped(form, lambda part: value if part == name else part)
