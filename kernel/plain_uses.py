"""How a constant is used: where it is only stored, its type changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rssbound.kernel.preprocessor import without_comments

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.kernel.files import SearchedFile

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("is_only_stored",)


def is_only_stored(
    name: str, files: list[SearchedFile], is_function: Callable[[str], bool]
) -> bool:
    """Return whether every use of a constant stores it, or passes it to a function as it is."""
    word = re.compile(rb"\b" + name.encode() + rb"\b")
    for file in files:
        text = without_comments(file.source.prepared)
        defined = {
            line
            for named, macros in file.macros.items()
            for macro in macros
            if named == name
            for line in range(macro.first, macro.last + 1)
        }
        for match in word.finditer(text):
            if text.count(b"\n", 0, match.start()) in defined:
                continue
            node = file.source.root.descendant_for_byte_range(match.start(), match.end())
            if not _is_stored(file, node, is_function):
                return False
    return True


def _is_stored(file: SearchedFile, node: Node, is_function: Callable[[str], bool]) -> bool:
    while node.parent is not None and node.parent.type == "parenthesized_expression":
        node = node.parent
    above = node.parent
    if above is None or node.type in {"ERROR", "preproc_arg"}:
        return False
    if above.type == "enumerator":
        return bool(node == above.child_by_field_name("name"))
    if above.type == "argument_list":
        called = above.parent.child_by_field_name("function")
        return called is not None and is_function(file.source.word(called))
    if above.type == "assignment_expression":
        operator = file.source.word(above.child_by_field_name("operator"))
        return operator == "=" and node == above.child_by_field_name("right")
    is_initial = above.type == "init_declarator" and node == above.child_by_field_name("value")
    return bool(is_initial or above.type == "return_statement")
