"""How a constant is used: where it is only stored, its type changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    for file in files:
        defined = {
            line
            for macro in file.macros.get(name, ())
            for line in range(macro.first, macro.last + 1)
        }
        for line, node in file.uses(name):
            if line in defined:
                continue
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
