"""C source as a syntax tree: definitions, initialisers, functions and their calls.

tree-sitter (extra `kernel`) parses source without its headers. Source that the preprocessor
certainly removes, according to .config if there is one, is never found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError, Location
from rssbound.extras import how_to_install, packages_of_extra
from rssbound.kernel.conditions import kept, kept_children
from rssbound.kernel.preparation import prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rssbound.kernel.dotconfig import Dotconfig

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("CSource", "open_csource")


@dataclass(frozen=True)
class CSource:
    """A file of a tree: its path below the tree, its text, and the tree's .config, if any."""

    path: str
    text: bytes
    dotconfig: Dotconfig | None = None

    @cached_property
    def root(self) -> Node:
        """The root of the syntax tree."""
        return _parser().parse(self.prepared).root_node

    @cached_property
    def prepared(self) -> bytes:
        """The text that is parsed: as long as the file, with annotations blanked out."""
        return prepared(self.text)

    def nodes(self, kind: str, within: Node | None = None) -> Iterator[Node]:
        """Yield the nodes of a kind that can be compiled, outermost and topmost first."""
        start = self.root if within is None else within
        waiting = [] if self.kept(start) is False else [start]
        while waiting:
            node = waiting.pop()
            if node.type == kind:
                yield node
            waiting.extend(reversed(kept_children(node, self.dotconfig)))

    def kept(self, node: Node) -> bool | None:
        """Return whether the preprocessor keeps a node; None if that is not known."""
        return kept(node, self.dotconfig)

    def word(self, node: Node | None) -> str:
        """Give the text of a node."""
        return "" if node is None else self.bytes_of(node).decode(errors="replace")

    def bytes_of(self, node: Node) -> bytes:
        """Give the text of a node as it is in the file."""
        return self.text[node.start_byte : node.end_byte]

    def location(self, node: Node) -> Location:
        """Give file and line of a node."""
        return Location(self.path, node.start_point[0] + 1)

    def defines(self, name: str) -> list[Node]:
        """List the definitions of a macro, in order."""
        found = self.nodes("preproc_def")
        return [define for define in found if self.word(define.child_by_field_name("name")) == name]

    def enumerations(self, name: str) -> list[Node]:
        """List the enumerators of a name."""
        found = self.nodes("enumerator")
        return [
            enumerator
            for enumerator in found
            if self.word(enumerator.child_by_field_name("name")) == name
        ]

    def initialisers(self, name: str) -> list[Node]:
        """List the values that variables of a name are initialised with."""
        values = []
        for declarator in self.nodes("init_declarator"):
            variable = declarator.child_by_field_name("declarator")
            if name in [self.word(word) for word in self.nodes("identifier", variable)]:
                values.append(declarator.child_by_field_name("value"))
        return values

    def functions(self, name: str) -> list[Node]:
        """List the definitions of a function, with their bodies."""
        return self._functions.get(name, [])

    @cached_property
    def _functions(self) -> dict[str, list[Node]]:
        """The definitions of every function, by name."""
        functions: dict[str, list[Node]] = {}
        for function in self.nodes("function_definition"):
            functions.setdefault(self.name_of(function), []).append(function)
        return functions

    def name_of(self, function: Node) -> str:
        """Give the name that a function definition defines."""
        declarator = function.child_by_field_name("declarator")
        return next((self.word(word) for word in self.nodes("identifier", declarator)), "")

    def calls(self, within: Node) -> list[tuple[str, Node]]:
        """List the functions that are called in a node, by name, in order."""
        return [
            (self.word(call.child_by_field_name("function")), call)
            for call in self.nodes("call_expression", within)
        ]

    def arguments(self, call: Node) -> list[Node]:
        """List the arguments of a call."""
        listed = call.child_by_field_name("arguments").children
        return [child for child in listed if child.is_named and child.type != "comment"]

    def members(self, struct: str) -> Iterator[Node]:
        """Yield the members of a struct, including those of nested structs."""
        for specifier in self.nodes("struct_specifier"):
            body = specifier.child_by_field_name("body")
            if body is None or self.word(specifier.child_by_field_name("name")) != struct:
                continue
            for member in self.nodes("field_declaration", body):
                if next(self.nodes("field_declaration_list", member), None) is None:
                    yield member

    def end_of(self, function: Node) -> int:
        """Give the offset after a function; a part that is not understood can hide its brace.

        It is then the next brace that begins a line, as the kernel's style has it.
        """
        body = function.child_by_field_name("body")
        if body is None or not body.has_error:
            return int(function.end_byte)
        brace = self.prepared.find(b"\n}", body.start_byte)
        return max(int(function.end_byte), brace + 2)

    def unparsed(self, within: Node) -> Node | None:
        """Find the first place in a node that the parser did not understand."""
        waiting = [within]
        while waiting:
            node = waiting.pop()
            if node.type == "ERROR" or node.is_missing:
                return node
            waiting.extend(child for child in reversed(node.children) if child.has_error)
        return None


def open_csource(tree: Path, path: str, dotconfig: Dotconfig | None = None) -> CSource | None:
    """Read a file of a tree; None if there is none."""
    file = tree / path
    return CSource(path, file.read_bytes(), dotconfig) if file.is_file() else None


def _parser() -> Any:
    try:
        import tree_sitter  # noqa: PLC0415 (an extra)
        import tree_sitter_c  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "reading a kernel source tree needs tree-sitter, which is not installed: "
            + how_to_install(*packages_of_extra("kernel"))
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
