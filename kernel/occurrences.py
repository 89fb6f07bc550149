"""The statements of a tree that write a variable, use a member, or call a function.

A write that a reader of constants takes numbers from counts without them; other writes of the same
variable count whole. What a function's own fingerprint shows does not count again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.counter.rests import (
    CALLERS,
    FORMULA,
    FUNCTION,
    READER,
    USERS,
    WRITERS,
)
from rssbound.errors import Location
from rssbound.kernel.equal_forms.effects import PRINTS, REPORTS
from rssbound.kernel.files import declared_name, function_around
from rssbound.kernel.named_values import settings_of, value_before
from rssbound.kernel.normal_form import Writer, local_names, masked, scope_of
from rssbound.kernel.pointers import fixed_pointers
from rssbound.kernel.slices import READS, around, statement_of
from rssbound.kernel.tree_names import READ, macro_form

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from rssbound.kernel.files import SearchedFile
    from rssbound.kernel.tree_names import TreeNames

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("Member", "members_in")

ASIDE = ("comment", "string_content", "string_literal", "system_lib_string", "escape_sequence")
PARTS = ("field_expression", "subscript_expression", "parenthesized_expression")
EXPORT = re.compile(rb"EXPORT_\w*SYMBOL\w*\s*\(\s*")
TRACES = "include/trace/"
"""Code in macros that are not C; it is handled line by line."""

FORMULAS = {
    "percpu_counter_batch": ("lib/percpu_counter.c", "compute_batch_value"),
    "fault_around_bytes": ("mm/memory.c", ""),
    "fault_around_pages": ("mm/memory.c", ""),
}
"""Variable -> the file and function whose plain assignment is read as a constant, as is the initial
value in that file."""

INITCALL = re.compile(r"\b(?:module_init|__initcall)\b")
"""Other names of device_initcall, in what is not a module."""

READING = ("READ_ONCE", "max", "min", "max_t", "min_t", "clamp", "likely", "unlikely")

OTHER_TYPE = re.compile(r"\b(?:struct|union|enum|typeof|hidden)\b|[^\w\s]")
"""What is in types of arrays and structures, and in those that are not one type."""

ATOMIC_READ = re.compile(r"atomic(?:64|_long)?_read")


@dataclass
class _Writer(Writer):
    """A writer that puts the value of a pointer in place of its name.

    `parameters` are those of the function; `written` collects the local names that it writes, in
    order.
    """

    pointers: dict[str, Node] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    written: dict[str, None] = field(default_factory=dict)

    def _word(self, text: str, *, local: bool = True) -> str:
        if local and text in self.pointers:
            return self.of(self.pointers[text])
        word = super()._word(text, local=local)
        if word != "_" or not local:
            return word
        self.written[text] = None
        return f"_{self._width(text)}{self._which(text)}"

    def _width(self, name: str) -> str:
        """Say that a local name is a pointer, or a number of another type than int.

        So one that takes the place of another is seen, and an amount in a narrower type.
        """
        types = self.types.get(name, set())
        type_ = next(iter(types)) if len(types) == 1 else ""
        if type_.endswith("*"):
            return ":*"
        is_number = type_ not in {"", "int"} and not OTHER_TYPE.search(type_)
        return f":{type_.replace(' ', '-')}" if is_number else ""

    def _which(self, name: str) -> str:
        """Say which of several parameters of one type a name is: src_mm, or dst_mm."""
        same = [each for each in self.parameters if self.types.get(each) == self.types.get(name)]
        return str(same.index(name)) if name in same and len(same) > 1 else ""

    def is_number(self, name: str) -> bool:
        """Return whether a local name has one type, which is that of a number."""
        types = self.types.get(name, set())
        return len(types) == 1 and not OTHER_TYPE.search(next(iter(types)))


class Member(NamedTuple):
    """One statement of a set: its text with the file and function that it is in, and its line."""

    text: str
    location: Location


def members_in(
    file: SearchedFile,
    kind: str,
    name: str,
    names: TreeNames,
    shown: Mapping[str, frozenset[str]],
    is_in_place: Callable[[str], bool],
) -> Iterator[Member]:
    """Yield the statements of a file that write (WRITERS), call (CALLERS) or use something.

    `shown` has the functions of the file that have a fingerprint of their own, with its kinds;
    `is_in_place` says which others are written in place of their calls in these.
    """
    for line, node in file.uses(name):
        macro = _macro_at(file, line)
        if macro is not None:
            if macro[0] != name:
                form, _ = macro_form(file, macro[1], names)
                said = f"{file.path} #define {macro[0]} {form}"
                yield Member(said, Location(file.path, macro[1].first + 1))
            continue
        if _counts(file, kind, name, node, names):
            function = function_around(node)
            named = "" if function is None else file.source.name_of(function)
            if _is_shown(file, kind, node, shown.get(named, ())) or (named and is_in_place(named)):
                continue
            location = Location(file.path, node.start_point[0] + 1)
            yield Member(_member(file, node, names, kind), location)


def _is_shown(file: SearchedFile, kind: str, node: Node, kinds: Collection[str]) -> bool:
    """Return whether fingerprints of the function around a name show this use of it."""
    return (
        FUNCTION in kinds
        or (FORMULA in kinds and kind == WRITERS and _is_read(file, node, function_around(node)))
        or (READER in kinds and READS.fullmatch(file.source.word(node)) is not None)
    )


def _counts(file: SearchedFile, kind: str, name: str, node: Node, names: TreeNames) -> bool:
    """Return whether a name in a file belongs to a set."""
    if node.type in ASIDE:
        return kind != CALLERS and _is_alias(node)
    if _is_exported(file, node) or _is_enumerator(node):
        return False
    if kind == WRITERS:
        return (
            node.type != "type_identifier"
            and _is_written(file, node, names)
            and not _is_local(file, node)
        )
    declared = _declares(node)
    if kind == CALLERS:
        return declared is None or declared.type != "function_declarator"
    return declared is None or name not in READ  # a value that is read has its own fingerprint


def _is_exported(file: SearchedFile, node: Node) -> bool:
    """Return whether a name is only exported to modules, as in EXPORT_SYMBOL(f)."""
    text = file.source.prepared
    start = text.rfind(b"\n", 0, node.start_byte) + 1
    return EXPORT.fullmatch(text[start : node.start_byte]) is not None


def _is_enumerator(node: Node) -> bool:
    """Return whether a name is that of an enumerator, whose value has its own fingerprint."""
    above = node.parent
    return bool(
        above is not None
        and above.type == "enumerator"
        and node == above.child_by_field_name("name")
    )


def _is_alias(node: Node) -> bool:
    """Return whether a string names a variable for the linker, as asm("name") does."""
    while node is not None and node.type in ASIDE:
        node = node.parent
    return node is not None and node.type == "gnu_asm_expression"


def _member(file: SearchedFile, node: Node, names: TreeNames, kind: str) -> str:
    function = function_around(node)
    local = frozenset[str]() if function is None else local_names(file.source, function)
    writer = _Writer(file.source, names, local, blank=True)
    if function is not None:
        writer.note_types(function)
        writer.pointers = fixed_pointers(file.source, function)
        writer.parameters = _parameters(file, function)
    statement = None if file.path.startswith(TRACES) else statement_of(node)
    if function is not None and statement is not None and kind != USERS:
        writer.pointers |= value_before(file.source, names, function, statement)
    where = file.path if function is None else f"{file.path} {file.source.name_of(function)}"
    if statement is None or statement.type == "ERROR":
        said = writer.lexed(*_line(file, node))
    elif statement.type == "declaration":
        said = _declared(writer, statement, node)
    else:
        said = writer.of(statement)
    amounts = [name for name in writer.written if writer.is_number(name)]
    if kind != USERS and statement is not None:
        said = f"[{around(statement, writer)}] {said}"
    if kind == WRITERS and _is_read(file, node, function):
        said = masked(f" {said} ").strip()
    if function is None:
        said = INITCALL.sub("device_initcall", said)
    if len(writer.written) > 1:  # one for another changes how many there are
        said += f" of {len(writer.written)}"
    if function is not None and statement is not None and kind == CALLERS:
        settings = (" , ".join(settings_of(writer, function, statement, one)) for one in amounts)
        said += "".join(f" where {each}" for each in settings)
    condition = file.condition(node)
    return f"{where}: {condition + ': ' if condition else ''}{said}"


def _parameters(file: SearchedFile, function: Node) -> tuple[str, ...]:
    names = (
        declared_name(node.child_by_field_name("declarator"))
        for node in file.source.nodes("parameter_declaration", function)
        if node.child_by_field_name("declarator") is not None
    )
    return tuple(file.source.word(name) for name in names if name is not None)


def _is_read(file: SearchedFile, node: Node, function: Node | None) -> bool:
    """Return whether the numbers of a write are read as constants."""
    path, name = FORMULAS.get(file.source.word(node), ("", ""))
    if file.path != path:
        return False
    if function is None:
        return True
    plain = node.parent.type == "assignment_expression"
    is_set = plain and node == node.parent.child_by_field_name("left")
    return bool(is_set and file.source.name_of(function) == name)


def _declared(writer: Writer, declaration: Node, node: Node) -> str:
    """Write the one variable of a declaration that a name is part of, with its type.

    An initial value counts as an assignment, and so does the one entry of a table.
    """
    kind = writer.type_of(declaration.child_by_field_name("type"))
    aliases = (writer.of(child) for child in writer.source.nodes("gnu_asm_expression", declaration))
    kind = " ".join([kind, *aliases])
    for declarator in declaration.children_by_field_name("declarator"):
        if declarator.start_byte <= node.start_byte < declarator.end_byte:
            value = declarator.child_by_field_name("value")
            if value is None or value.start_byte > node.start_byte:
                return f"{kind} {writer.of(declarator)}"
            target = writer.of(declared_name(declarator))
            entry = _entry_around(value, node)
            return f"(do (assignment_expression {target} = {writer.of(entry)}))"
    return kind


def _entry_around(value: Node, node: Node) -> Node:
    """Give the entry of a table that a name is part of; the whole value if it is no table."""
    entries = value.children if value.type == "initializer_list" else ()
    inside = (each for each in entries if each.start_byte <= node.start_byte < each.end_byte)
    return next(inside, value)


def _is_written(file: SearchedFile, node: Node, names: TreeNames) -> bool:
    """Return whether a name is set or declared here, or passed on so that it can be set."""
    inside = node
    while node.parent is not None:
        inside, node = node, node.parent
        if node.type in PARTS and inside != node.child_by_field_name("index"):
            continue
        if node.type == "pointer_expression":
            return file.source.word(node.children[0]) == "&" and not _is_read_at(file, node)
        if node.type == "assignment_expression":
            return bool(inside == node.child_by_field_name("left"))
        if node.type == "init_declarator" and function_around(node) is not None:
            return bool(inside == node.child_by_field_name("declarator"))
        if node.type == "argument_list":
            called = file.source.word(node.parent.child_by_field_name("function"))
            return called not in READING and not _is_report(called, names)
        return node.type in {"update_expression", "init_declarator", "declaration", "ERROR"} or (
            node.type.endswith("_declarator") or function_around(node) is None
        )
    return True


def _is_read_at(file: SearchedFile, node: Node) -> bool:
    """Return whether an address is only that of an atomic read."""
    call = node.parent.parent if node.parent.type == "argument_list" else None
    called = None if call is None else call.child_by_field_name("function")
    return ATOMIC_READ.fullmatch(file.source.word(called)) is not None


def _is_report(called: str, names: TreeNames) -> bool:
    """Return whether a call only prints its arguments, and the tree does not redefine it."""
    is_one = REPORTS.fullmatch(called) or PRINTS.fullmatch(called)
    return is_one is not None and not names.is_defined(called)


def _is_local(file: SearchedFile, node: Node) -> bool:
    """Return whether a name is a local variable, which only has the same name."""
    function = function_around(node) if node.type == "identifier" else None
    if function is None:
        return False
    name = file.source.word(node)
    return any(
        name == file.source.word(declared_name(declarator))
        for kind in ("parameter_declaration", "declaration")
        for declaration in file.source.nodes(kind, function)
        if _is_around(scope_of(declaration, function), node)
        and "extern" not in map(file.source.word, declaration.children)
        for declarator in declaration.children_by_field_name("declarator")
    )


def _is_around(scope: Node, node: Node) -> bool:
    return bool(scope.start_byte <= node.start_byte and node.end_byte <= scope.end_byte)


def _declares(node: Node) -> Node | None:
    """Give the outermost declarator that declares a name; None if the name is only used."""
    found = None
    while node.parent is not None and node == node.parent.child_by_field_name("declarator"):
        node = node.parent
        if node.type.endswith("_declarator"):
            found = node
    return found


def _line(file: SearchedFile, node: Node) -> tuple[int, int]:
    """Give the first and the last byte of a node's line."""
    text = file.source.prepared
    end = text.find(b"\n", node.start_byte)
    return text.rfind(b"\n", 0, node.start_byte) + 1, len(text) if end < 0 else end


def _macro_at(file: SearchedFile, line: int) -> tuple[str, Any] | None:
    """Give the macro whose definition a line is part of, with its name."""
    for name, macros in file.macros.items():
        for macro in macros:
            if macro.first <= line <= macro.last:
                return name, macro
    return None
