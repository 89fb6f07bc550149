"""Sizes of types and offsets of members, from the tree's own declarations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rssbound.kernel.execution.tokens import NotUnderstood
from rssbound.kernel.execution.values import (
    INT,
    VOID,
    Array,
    CType,
    Field,
    Function,
    Int,
    Opaque,
    Pointer,
    Struct,
    align_of,
    integer_types,
    size_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.kernel.execution.grammar import Declared, Node, Parser
    from rssbound.kernel.execution.tree import Tree
    from rssbound.kernel.execution.unit import Piece

__all__ = ("LOCKS", "Layouts")

LOCKS = frozenset(
    [
        "spinlock_t",
        "raw_spinlock_t",
        "arch_spinlock_t",
        "rwlock_t",
        "seqcount_t",
        "seqlock_t",
        "local_lock_t",
        "seqcount_spinlock_t",
    ]
)
"""Types of which only the address matters."""

TABLE_ENTRIES = ("pte_t", "pmd_t", "pud_t", "p4d_t", "pgd_t")
"""Entries of page tables, of which only the size matters."""

LISTS = {"list_head": ("next", "prev"), "hlist_node": ("next", "pprev"), "hlist_head": ("first",)}
LEFT_OPEN = frozenset(
    [
        "mutex",
        "rw_semaphore",
        "lock_class_key",
        "completion",
        "work_struct",
        "rcu_head",
        "rb_node",
        "rb_root",
        "wait_queue_head",
        "timer_list",
        "kref",
    ]
)
"""Structs of the kernel whose members no counter uses."""


@dataclass
class Layouts:
    """The types of a tree, laid out on demand.

    `constant` evaluates the size of an array, `type_of` the operand of typeof.
    """

    tree: Tree
    parser: Callable[[Piece], Parser]
    constant: Callable[[Node], int]
    type_of: Callable[[Node], CType]
    long_bytes: int = 8
    tags: dict[str, Struct] = field(default_factory=dict)
    named: dict[str, CType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.named |= integer_types(self.long_bytes)
        self.named |= dict.fromkeys(LOCKS, INT)
        word = self.named["unsigned long"]
        self.named |= dict.fromkeys(TABLE_ENTRIES, word)
        for tag, members in LISTS.items():
            fields = {name: Field(word, 8 * place) for place, name in enumerate(members)}
            self.tags[tag] = Struct(tag, fields, 8 * len(members), 8, complete=True)

    def is_type(self, name: str) -> bool:
        """Return whether a name is a type."""
        return name in self.named or self._typedef(name) is not None

    def _typedef(self, name: str) -> Piece | None:
        return self.tree.piece("typedefs", name)

    def pointer(self, to: CType) -> Pointer:
        """Give the type of an address."""
        return Pointer(to, self.long_bytes)

    def resolve(self, node: Node) -> CType:  # noqa: PLR0911 (one return for each kind)
        """Give the type that a node of the grammar means."""
        match node.kind:
            case "base type":
                return self._base(node)
            case "named type":
                return self._named(node.token.text)
            case "pointer":
                return self.pointer(self.resolve(node.parts[0]))
            case "array":
                inner, count = node.parts
                return Array(self.resolve(inner), 0 if count is None else self.constant(count))
            case "function":
                inner, parameters = node.parts
                types = tuple(self.parameter(one) for one in parameters)
                return Function(self.resolve(inner), types)
            case "tag":
                return self.struct(node.parts[0])
            case "struct":
                return self._defined(node)
            case "enum type":
                return INT
            case "typeof":
                return self.type_of(node.parts[0])
        raise NotUnderstood(f"{node.kind} as a type", node.token.location)

    def parameter(self, declared: Declared) -> CType:
        """Give the type of a parameter: arrays and functions are passed as addresses."""
        kind = self.resolve(declared.type)
        if isinstance(kind, Array):
            return self.pointer(kind.of)
        return self.pointer(kind) if isinstance(kind, Function) else kind

    def _base(self, node: Node) -> CType:
        words = list(node.parts[0])
        if words == ["void"]:
            return VOID
        if "float" in words or "double" in words:
            raise NotUnderstood("floating point", node.token.location)
        unsigned = "unsigned" in words
        rest = [word for word in words if word not in {"signed", "unsigned"}]
        if "long" in rest:
            name = "long long" if rest.count("long") > 1 else "long"
        else:
            name = next(
                (word for word in ("char", "short", "_Bool", "bool") if word in rest), "int"
            )
        return self.named[f"unsigned {name}" if unsigned else name]

    def _named(self, name: str) -> CType:
        if name not in self.named:
            piece = self._typedef(name)
            self.named[name] = Opaque(name)  # while it is read
            if piece is not None:
                self.named[name] = self._of_typedef(piece, name)
        return self.named[name]

    def _of_typedef(self, piece: Piece, name: str) -> CType:
        declaration = self.parser(piece).declaration()
        for declared, _ in declaration.parts[2]:
            if declared.name == name:
                return self.resolve(declared.type)
        return Opaque(name)

    def struct(self, tag: str) -> Struct:
        """Give a struct or union by its tag; it is laid out when a member is needed."""
        return self.tags.setdefault(tag, Struct(tag))

    def complete(self, struct: Struct) -> Struct:
        """Lay a struct out."""
        if struct.complete or struct.tag in LEFT_OPEN:
            return struct
        piece = self.tree.piece("tags", struct.tag) if struct.tag else None
        if piece is None:
            raise NotUnderstood(f"struct {struct.tag} is not in the tree")
        parser = self.parser(piece)
        node = _find_struct(parser.specifiers()[0], struct.tag)
        if node is None:
            raise NotUnderstood(f"struct {struct.tag} cannot be read", piece.tokens[0].location)
        self._lay_out(struct, node)
        return struct

    def size(self, kind: CType) -> int:
        """Give the size of a type, in bytes."""
        if isinstance(kind, Struct):
            return self.complete(kind).size or size_of(Opaque(kind.tag))
        if isinstance(kind, Array):
            return kind.count * self.size(kind.of)
        return size_of(kind)

    def align(self, kind: CType) -> int:
        """Give the alignment of a type, in bytes."""
        if isinstance(kind, Struct):
            self.complete(kind)
        return self.align(kind.of) if isinstance(kind, Array) else align_of(kind)

    def _defined(self, node: Node) -> Struct:
        tag = node.parts[0]
        struct = self.struct(tag) if tag else Struct("")
        if not struct.complete:
            self._lay_out(struct, node)
        return struct

    def _lay_out(self, struct: Struct, node: Node) -> None:
        """Place the members one after the other; those of a union all at the start."""
        struct.complete = True
        is_union = node.token.text == "union"
        end = 0
        for members in node.parts[1]:
            base, declared = members.parts
            if not declared and base.kind == "struct":
                inner = self._defined(base)
                start = 0 if is_union else _round_up(end, inner.align)
                for name, (kind, offset) in inner.fields.items():
                    struct.fields[name] = Field(kind, start + offset)
                end = self._placed(struct, inner, start, end)
            for one, bits in declared:
                kind = self._member(one, bits)
                start = 0 if is_union else _round_up(end, self.align(kind))
                struct.fields[one.name] = Field(kind, start)
                end = self._placed(struct, kind, start, end)
        struct.size = _round_up(end, struct.align)

    def _placed(self, struct: Struct, kind: CType, start: int, end: int) -> int:
        struct.align = max(struct.align, self.align(kind))
        return max(end, start + self.size(kind))

    def _member(self, declared: Declared, bits: Node | None) -> CType:
        """Give the type of a member; one of unknown size only takes up space."""
        try:
            kind = self.resolve(declared.type)
            self.size(kind)
        except NotUnderstood:
            return Opaque(declared.name)
        if bits is not None and isinstance(kind, Int):
            return Int(f"{kind.name}:{declared.name}", kind.size, kind.signed, self.constant(bits))
        return kind


def _find_struct(node: Node, tag: str) -> Node | None:
    """Find the definition of a tag in a type, at any depth."""
    if node.kind != "struct":
        return None
    if node.parts[0] == tag:
        return node
    for members in node.parts[1]:
        found = _find_struct(members.parts[0], tag)
        if found is not None:
            return found
    return None


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
