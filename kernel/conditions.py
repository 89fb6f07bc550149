"""Decide whether the preprocessor keeps a piece of source: #if and #elif, by .config.

The answer is True, False or None. None means that it depends on something unknown: a macro of the
compiler or of another file, or a setting if there is no .config.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rssbound.kernel.dotconfig import Dotconfig

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("KNOWN", "kept", "kept_children")

IFS = ("preproc_if", "preproc_elif")
IFDEFS = ("preproc_ifdef", "preproc_elifdef")
CONDITIONAL = (*IFS, *IFDEFS)
KNOWN = {"__KERNEL__": True, "__ASSEMBLY__": False, "__ASSEMBLER__": False, "__cplusplus": False}
"""Macros that are known to be defined, or not defined, in every kernel build."""

LONGEST = 400
"""Bytes of the longest condition that is evaluated."""

COMPARISONS = {
    "==": int.__eq__,
    "!=": int.__ne__,
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
}


def kept(node: Node, dotconfig: Dotconfig | None) -> bool | None:
    """Return whether a node is compiled, by all conditions around it; `dotconfig` can be None."""
    answer: bool | None = True
    while node.parent is not None:
        inside, node = node, node.parent
        if node.type not in CONDITIONAL:
            continue
        holds = _holds(node, dotconfig)
        if holds is not None and inside == node.child_by_field_name("alternative"):
            holds = not holds
        if holds is False:
            return False
        answer = None if holds is None else answer
    return answer


def kept_children(node: Node, dotconfig: Dotconfig | None) -> list[Node]:
    """List the children that the node's own condition does not exclude."""
    children: list[Node] = node.children
    holds = _holds(node, dotconfig) if node.type in CONDITIONAL else None
    if holds is None:
        return children
    alternative = node.child_by_field_name("alternative")
    return [child for child in children if (child == alternative) != holds]


def _holds(node: Node, dotconfig: Dotconfig | None) -> bool | None:
    """Evaluate the condition of one #if, #elif, #ifdef or #ifndef."""
    if node.type in IFS:
        value = _value(node.child_by_field_name("condition"), dotconfig)
        return None if value is None else bool(value)
    name = node.child_by_field_name("name")
    negated = node.children[0].type in {"#ifndef", "#elifndef"}
    if negated and _is_guard(node, _word(name)):
        return True
    defined = _defined(_word(name), dotconfig)
    return defined if defined is None or not negated else not defined


def _is_guard(node: Node, name: str) -> bool:
    """Return whether this is an include guard: an #ifndef that defines its name at once."""
    first = next((child for child in node.children[2:] if child.type != "comment"), None)
    return (
        first is not None
        and first.type == "preproc_def"
        and _word(first.child_by_field_name("name")) == name
    )


def _defined(name: str, dotconfig: Dotconfig | None) -> bool | None:
    if name in KNOWN:
        return KNOWN[name]
    if dotconfig is None or not name.startswith("CONFIG_"):
        return None
    return dotconfig.get(name, ("n", 0))[0] not in {"n", "m"}


def _value(node: Node | None, dotconfig: Dotconfig | None) -> int | None:
    """Evaluate a condition as a number."""
    value: int | bool | None = None
    if node is None or node.end_byte - node.start_byte > LONGEST:
        return None
    if node.type == "number_literal":
        value = _number(_word(node))
    elif node.type == "identifier":
        value = _setting(_word(node), dotconfig)
    elif node.type == "parenthesized_expression":
        value = _value(node.children[1], dotconfig)
    elif node.type == "preproc_defined":
        name = next(child for child in node.children if child.type == "identifier")
        value = _defined(_word(name), dotconfig)
    elif node.type == "unary_expression" and _word(node.children[0]) == "!":
        inner = _value(node.child_by_field_name("argument"), dotconfig)
        value = None if inner is None else not inner
    elif node.type == "binary_expression":
        value = _combined(node, dotconfig)
    elif node.type == "call_expression":
        value = _enabled(node, dotconfig)
    return None if value is None else int(value)


def _combined(node: Node, dotconfig: Dotconfig | None) -> int | None:
    """Combine two conditions; one known condition can decide alone."""
    sign = _word(node.child_by_field_name("operator"))
    sides = [_value(node.child_by_field_name(name), dotconfig) for name in ("left", "right")]
    if sign == "&&":
        known = [bool(side) for side in sides if side is not None]
        return 0 if False in known else 1 if len(known) == len(sides) else None
    if sign == "||":
        known = [bool(side) for side in sides if side is not None]
        return 1 if True in known else 0 if len(known) == len(sides) else None
    left, right = sides
    if left is None or right is None or sign not in COMPARISONS:
        return None
    return int(COMPARISONS[sign](left, right))


def _enabled(node: Node, dotconfig: Dotconfig | None) -> bool | None:
    """Evaluate IS_ENABLED and similar macros, which also see modules."""
    name = _word(node.child_by_field_name("function"))
    words = [
        child
        for child in node.child_by_field_name("arguments").children
        if child.type == "identifier"
    ]
    if dotconfig is None or len(words) != 1 or not _word(words[0]).startswith("CONFIG_"):
        return None
    seen = {"IS_ENABLED": {"y", "m"}, "IS_BUILTIN": {"y"}, "IS_MODULE": {"m"}}
    if name not in seen:
        return None
    return dotconfig.get(_word(words[0]), ("n", 0))[0] in seen[name]


def _setting(name: str, dotconfig: Dotconfig | None) -> int | None:
    """Give a setting as #if sees it: a number, 1 for y, 0 if it is not set."""
    if dotconfig is None or not name.startswith("CONFIG_"):
        return None
    value = dotconfig.get(name, ("n", 0))[0]
    return {"y": 1, "m": 0, "n": 0}.get(value, _number(value))


def _number(text: str) -> int | None:
    try:
        return int(text.rstrip("uUlL"), 0)
    except ValueError:
        return None


def _word(node: Node | None) -> str:
    return "" if node is None else node.text.decode(errors="replace")
