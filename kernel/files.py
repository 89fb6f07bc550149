"""The files of a tree that are searched, and the definitions at their top level."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rssbound.kernel.csource import CSource
from rssbound.kernel.expressions import literal_of
from rssbound.kernel.headers import included, unknown_headers
from rssbound.kernel.preprocessor import Macro, conditions_of, macros_of, without_comments
from rssbound.kernel.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.kernel.source_tree import SourceTree

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("SEARCHED", "SEARCHED_BESIDE", "SearchedFile", "SearchedTree")

SEARCHED = (
    *("mm/*.c", "mm/*.h", "fs/exec.c", "fs/proc/*.c", "fs/proc/*.h"),
    *("kernel/fork.c", "kernel/exit.c", "kernel/kthread.c", "kernel/events/uprobes.c"),
    *("kernel/sys.c", "kernel/sysctl.c", "kernel/tsacct.c"),
    *("include/linux/mm*.h", "include/linux/sched.h", "include/linux/sched/mm.h"),
    *("include/linux/percpu_counter*.h", "include/trace/events/kmem.h", "lib/percpu_counter*.c"),
)
"""Where RSS is counted and read. Writers and callers in other files are not found."""

SEARCHED_BESIDE = (
    *("mm/*.c", "mm/*.h", "include/linux/memcontrol.h", "include/linux/vmstat.h"),
    "include/linux/page_counter.h",
    *("include/linux/mmzone.h", "include/net/sock.h", "include/net/proto_memory.h"),
    *("net/core/*.c", "net/ipv4/tcp*.c", "net/ipv4/proc.c"),
)
"""The same of the counters other than RSS."""

OPEN = ("translation_unit", "linkage_specification", "declaration_list", "ERROR")
"""Nodes whose children are at the top level too, in addition to the branches of #if."""

WORD = re.compile(rb"\w+")
WEAK = re.compile(rb"\b_*weak_*\b")
"""An annotation of a function that gives way to another of its name."""

TRACE_EVENT = re.compile(rb"^TRACE_EVENT\(\s*(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class SearchedFile:
    """A file and an index of its definitions; all branches of #if count, regardless of .config."""

    source: CSource

    @property
    def path(self) -> str:
        """The path below the tree."""
        return self.source.path

    @cached_property
    def words(self) -> frozenset[bytes]:
        """Every word of the text, for a quick check that a name is not in it."""
        return frozenset(WORD.findall(self.source.text))

    @cached_property
    def code(self) -> bytes:
        """The text that is parsed, with spaces in place of comments."""
        return without_comments(self.source.prepared)

    def uses(self, name: str) -> Iterator[tuple[int, Node]]:
        """Yield the line, from 0, and the innermost node of each place that has a word."""
        for match in re.finditer(rb"\b" + re.escape(name.encode()) + rb"\b", self.code):
            line = self.code.count(b"\n", 0, match.start())
            yield line, self.source.root.descendant_for_byte_range(*match.span())

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """The conditions of #if around each line, by its number from 0."""
        return conditions_of(self.source.text)

    def condition(self, node: Node) -> str:
        """Give the conditions of #if around a node."""
        line: int = node.start_point[0]
        return self.conditions[line]

    @cached_property
    def macros(self) -> dict[str, list[Macro]]:
        """Macros by name, each with every definition in order."""
        return macros_of(self.source.text, self.conditions)

    @cached_property
    def functions(self) -> dict[str, list[Node]]:
        """Function definitions by name."""
        found: dict[str, list[Node]] = {}
        for node in self._top:
            if node.type == "function_definition":
                found.setdefault(self.source.name_of(node), []).append(node)
        return found

    @cached_property
    def prototypes(self) -> dict[str, list[Node]]:
        """Declarations of one function each, by name."""
        found: dict[str, list[Node]] = {}
        for node in self._top:
            declarators = node.children_by_field_name("declarator")
            if node.type != "declaration" or len(declarators) != 1:
                continue
            (declarator,) = declarators
            while declarator is not None and declarator.type == "pointer_declarator":
                declarator = declarator.child_by_field_name("declarator")
            if declarator is None or declarator.type != "function_declarator":
                continue
            name = declarator.child_by_field_name("declarator")
            if name.type == "identifier":
                found.setdefault(self.source.word(name), []).append(node)
        return found

    @cached_property
    def variables(self) -> dict[str, list[Node]]:
        """Declarators of variables at file scope, initialised or not, by name."""
        found: dict[str, list[Node]] = {}
        for node in self._top:
            if node.type != "declaration":
                continue
            for declarator in node.children_by_field_name("declarator"):
                name = declared_name(declarator)
                if name is not None:
                    found.setdefault(self.source.word(name), []).append(declarator)
        return found

    @cached_property
    def typedefs(self) -> dict[str, list[Node]]:
        """Definitions of types, by name."""
        found: dict[str, list[Node]] = {}
        for node in self._top:
            if node.type == "type_definition":
                for declarator in node.children_by_field_name("declarator"):
                    word = next(self.source.nodes("type_identifier", declarator), None)
                    found.setdefault(self.source.word(word), []).append(node)
        return found

    @cached_property
    def tracepoints(self) -> dict[str, tuple[int, int]]:
        """The bytes of each TRACE_EVENT, up to the next one, by name."""
        starts = list(TRACE_EVENT.finditer(self.source.text))
        places = [*(match.start() for match in starts), len(self.source.text)]
        return {
            match[1].decode(): (match.start(), end)
            for match, end in zip(starts, places[1:], strict=True)
        }

    @cached_property
    def structs(self) -> dict[str, list[Node]]:
        """Structures with their members, by tag."""
        found: dict[str, list[Node]] = {}
        for struct in self._specifiers("struct_specifier"):
            tag = self.source.word(struct.child_by_field_name("name"))
            found.setdefault(tag, []).append(struct)
        return found

    @cached_property
    def members(self) -> dict[str, list[tuple[str, str]]]:
        """The members of structures by name: the structure, and the type of the member."""
        found: dict[str, list[tuple[str, str]]] = {}
        for structure, nodes in self.structs.items():
            for node in nodes:
                for declaration in self.source.nodes("field_declaration", node):
                    for declarator in declaration.children_by_field_name("declarator"):
                        name, type_ = _member(self.source, declaration, declarator)
                        found.setdefault(name, []).append((structure, type_))
        return found

    @cached_property
    def enumerators(self) -> dict[str, list[Node]]:
        """The values of enumerators that are given one, by name.

        An enumeration that only counts from 0, with or without writing it, gives none.
        """
        found: dict[str, list[Node]] = {}
        for listed in self._specifiers("enum_specifier"):
            nodes = list(self.source.nodes("enumerator", listed))
            if len(nodes) > 1 and all(map(self._is_at, nodes, range(len(nodes)))):
                continue
            for node in nodes:
                value = node.child_by_field_name("value")
                if value is not None:
                    name = self.source.word(node.child_by_field_name("name"))
                    found.setdefault(name, []).append(value)
        return found

    def _is_at(self, enumerator: Node, place: int) -> bool:
        """Return whether an enumerator has no written value, or that of its place."""
        value = enumerator.child_by_field_name("value")
        return value is None or literal_of(self.source.word(value)) == place

    def _specifiers(self, kind: str) -> Iterator[Node]:
        """Yield the structures or enumerations at the top level that have a body."""
        for node in self._top:
            for specifier in (node, node.child_by_field_name("type")):
                if specifier is None or specifier.type != kind:
                    continue
                if specifier.child_by_field_name("body") is not None:
                    yield specifier

    @cached_property
    def _top(self) -> list[Node]:
        found = []
        waiting = [self.source.root]
        while waiting:
            node = waiting.pop()
            if node.type in OPEN or node.type.startswith("preproc_"):
                waiting.extend(reversed(node.children))
            else:
                found.append(node)
        return found


@dataclass
class SearchedTree:
    """The files of a tree that are searched, each opened once."""

    tree: SourceTree
    searched: tuple[str, ...] = SEARCHED
    _files: dict[str, SearchedFile] = field(default_factory=dict)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths of all searched files that exist, and of unknown headers of theirs, sorted."""
        paths = {path for glob in self.searched for path in self.tree.paths(glob)}
        return tuple(sorted({*paths, *unknown_headers(self.tree, paths)}))

    @cached_property
    def headers(self) -> tuple[str, ...]:
        """The paths of headers, and of other files that one of them includes."""
        parts = {part for path in self.paths for part in included(self.tree, path)}
        return tuple(path for path in self.paths if path.endswith(".h") or path in parts)

    def files(self, patterns: tuple[str, ...] = ()) -> Iterator[SearchedFile]:
        """Yield the files that match some patterns, in their order; all without patterns."""
        if not patterns:
            yield from map(self.file, self.paths)
        for pattern in patterns:
            for path in self.paths:
                if fnmatchcase(path, pattern):
                    yield self.file(path)

    def file(self, path: str) -> SearchedFile:
        """Give a file that exists."""
        if path not in self._files:
            source = self.tree.source(path)
            if source is None:
                raise KeyError(path)
            if source.dotconfig is not None:  # with or without it, fingerprints are the same
                source = CSource(source.path, source.text)
            self._files[path] = SearchedFile(source)
        return self._files[path]

    def naming(self, name: str, patterns: tuple[str, ...] = ()) -> Iterator[SearchedFile]:
        """Yield the files that have a word in them."""
        word = name.encode()
        return (file for file in self.files(patterns) if word in file.words)


def function_around(node: Node | None) -> Node | None:
    """Give the function definition that a node is part of."""
    while node is not None and node.type != "function_definition":
        node = node.parent
    return node


def is_weak(file: SearchedFile, function: Node) -> bool:
    """Return whether another definition of a function can take its place when it is linked."""
    before = function.prev_sibling
    start = 0 if before is None else before.end_byte
    head = file.source.text[start : function.child_by_field_name("body").start_byte]
    return WEAK.search(without_comments(head)) is not None


def _member(source: CSource, declaration: Node, declarator: Node) -> tuple[str, str]:
    """Give the name of a member and its type; "?" if it is a bit-field or written out in place."""
    kind = declaration.child_by_field_name("type")
    shape, stars = declarator, 0
    while declarator.type in {"pointer_declarator", "array_declarator"}:
        stars += declarator.type == "pointer_declarator"
        declarator = declarator.child_by_field_name("declarator")
    name = source.word(declarator)
    is_field = any(child.type == "bitfield_clause" for child in declaration.children)
    is_known = (
        declarator.type == "field_identifier"
        and kind.child_by_field_name("body") is None
        and not is_field
    )
    if not is_known:
        return name, "?"
    after = source.prepared[declarator.end_byte : shape.end_byte].decode(errors="replace")
    parts = [type_name(source.word(kind).split()), *"*" * stars, *after.split()]
    return name, " ".join(parts)


def declared_name(declarator: Node) -> Node | None:
    """Give the identifier that a declarator declares; None for a function or nothing."""
    while declarator is not None and declarator.type != "identifier":
        if declarator.type == "function_declarator":
            inner = declarator.child_by_field_name("declarator")
            if inner is None or inner.type != "parenthesized_declarator":
                return None
            declarator = inner
            continue
        inside = declarator.child_by_field_name("declarator")
        if inside is None and declarator.type == "parenthesized_declarator":
            inside = next((child for child in declarator.children if child.is_named), None)
        declarator = inside
    return declarator
