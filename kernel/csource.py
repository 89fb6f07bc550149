"""C source as a syntax tree: definitions, initialisers, functions and what they call.

Parsed by tree-sitter (extra `kernel`), which understands source without its headers.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("CSource", "number_in", "open_csource")

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "<<": operator.lshift,
    ">>": operator.rshift,
}


@dataclass(frozen=True)
class CSource:
    """A file of a tree: its path below the tree, and its text."""

    path: str
    text: bytes

    @cached_property
    def root(self) -> Node:
        """The root of the syntax tree."""
        return _parser().parse(self.text).root_node

    def nodes(self, kind: str, within: Node | None = None) -> Iterator[Node]:
        """Yield the nodes of a kind, outermost and topmost first."""
        waiting = [self.root if within is None else within]
        while waiting:
            node = waiting.pop()
            if node.type == kind:
                yield node
            waiting.extend(reversed(node.children))

    def word(self, node: Node | None) -> str:
        """Give the text of a node."""
        return "" if node is None else self.bytes_of(node).decode(errors="replace")

    def bytes_of(self, node: Node) -> bytes:
        """Give the text of a node as it stands in the file."""
        return self.text[node.start_byte : node.end_byte]

    def place(self, node: Node) -> str:
        """Give file and line of a node."""
        return f"{self.path}:{node.start_point[0] + 1}"

    def define(self, name: str) -> Node | None:
        """Find `#define name`; gives its node."""
        found = (own for own in self.nodes("preproc_def"))
        return next(
            (own for own in found if self.word(own.child_by_field_name("name")) == name), None
        )

    def initialiser(self, name: str) -> Node | None:
        """Find the value that a variable is initialised with.

        In `unsigned long name __read_mostly = ..` the parser takes the name for a type and the
        macro for the name, so the declaration's type is looked at too.
        """
        for own in self.nodes("init_declarator"):
            kind = own.parent.child_by_field_name("type") if own.parent else None
            declared = [self.word(word) for word in self.nodes("identifier", own.children[0])]
            if kind is not None:
                declared += [self.word(word) for word in self.nodes("type_identifier", kind)]
            if name in declared:
                return own.child_by_field_name("value")
        return None

    def function(self, name: str) -> Node | None:
        """Find the definition of a function, with its body."""
        for own in self.nodes("function_definition"):
            declarator = own.child_by_field_name("declarator")
            if name in [self.word(word) for word in self.nodes("identifier", declarator)][:1]:
                return own
        return None

    def calls(self, within: Node) -> list[tuple[str, Node]]:
        """List the functions that are called in a node, by name, in order."""
        return [
            (self.word(call.child_by_field_name("function")), call)
            for call in self.nodes("call_expression", within)
        ]

    def members(self, struct: str) -> Iterator[Node]:
        """Yield the members of a struct, those of structs inside it too."""
        for own in self.nodes("struct_specifier"):
            body = own.child_by_field_name("body")
            if body is None or self.word(own.child_by_field_name("name")) != struct:
                continue
            for member in self.nodes("field_declaration", body):
                if next(self.nodes("field_declaration_list", member), None) is None:
                    yield member


def open_csource(tree: Path, path: str) -> CSource | None:
    """Read a file of a tree; None if there is none."""
    file = tree / path
    return CSource(path, file.read_bytes()) if file.is_file() else None


def number_in(source: CSource, node: Node) -> int | None:
    """Evaluate a constant expression: numbers, + - * / << >> and rounddown_pow_of_two.

    None for anything else. A macro's body is text to the parser and is parsed here.
    """
    value = None
    if node.type == "preproc_arg":
        body = CSource(source.path, b"int value = " + source.bytes_of(node) + b";")
        inner = body.initialiser("value")
        value = None if inner is None else number_in(body, inner)
    elif node.type == "number_literal":
        value = _literal(source.word(node))
    elif node.type in {"parenthesized_expression", "cast_expression"}:
        value = number_in(source, node.child_by_field_name("value") or node.children[1])
    elif node.type == "binary_expression":
        value = _combined(source, node)
    elif node.type == "call_expression" and source.calls(node)[0][0] == "rounddown_pow_of_two":
        argument = number_in(source, node.child_by_field_name("arguments").children[1])
        value = 1 << (argument.bit_length() - 1) if argument else None
    return value


def _combined(source: CSource, node: Node) -> int | None:
    apply = OPERATORS.get(source.word(node.child_by_field_name("operator")))
    left = number_in(source, node.child_by_field_name("left"))
    right = number_in(source, node.child_by_field_name("right"))
    if (
        apply is None
        or left is None
        or right is None
        or (right == 0 and apply is operator.floordiv)
    ):
        return None
    return apply(left, right)


def _literal(text: str) -> int | None:
    digits = text.rstrip("uUlL")
    try:
        return int(digits, 8) if digits.startswith("0") and digits.isdigit() else int(digits, 0)
    except ValueError:
        return None


def _parser() -> Any:
    try:
        import tree_sitter  # noqa: PLC0415 (an extra)
        import tree_sitter_c  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "reading a kernel source tree needs tree-sitter: pip install 'rssbound[kernel]'"
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
