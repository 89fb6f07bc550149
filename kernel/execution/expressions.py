"""Compile expressions of C to Python, with the types of C."""
# ruff: noqa: SLF001 - the table at the end belongs to the class above it

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rssbound.kernel.execution.constants import BINARY_VALUES
from rssbound.kernel.execution.emission import Emission, Line, Local, Place, Value, narrowed
from rssbound.kernel.execution.tokens import NotUnderstood, number_of
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
    Void,
    common,
    fits,
    promoted,
    wrap,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.kernel.execution.grammar import Node
    from rssbound.kernel.execution.program import Program

__all__ = ("Expressions",)

COMPARISONS = frozenset(["==", "!=", "<", ">", "<=", ">="])
SHIFTS = frozenset({"<<", ">>"})
EXACT = frozenset(["&", "|", "^"])


@dataclass
class Expressions(Emission):
    """Compiles expressions; `program` knows the names that are not local."""

    program: Program = None  # type: ignore[assignment]  # always given
    path: str = ""
    escaping: frozenset[str] = frozenset()
    unknown: dict[str, str] = field(default_factory=dict)

    # -- values

    def value(self, node: Node) -> Value:
        """Compile an expression that is read."""
        self.token = node.token if node.token.line else self.token
        compile_ = VALUES.get(node.kind)
        if compile_ is None:
            raise NotUnderstood(f"{node.kind} as a value", node.token.location)
        return compile_(self, node)

    def values(self, nodes: Sequence[Node]) -> list[Value]:
        """Compile expressions from left to right; a later one cannot change an earlier one."""
        done: list[Value] = []
        for node in nodes:
            before = len(self.lines)
            last = self.value(node)
            if len(self.lines) > before:
                kept: list[Line] = []
                for number, value in enumerate(done):
                    if value.number is None:
                        name = self.fresh()
                        kept.append(Line(self.indent, f"{name} = {value.code}", self.token))
                        done[number] = Value(name, value.type, text=value.text)
                self.lines[before:before] = kept
            done.append(last)
        return done

    def effect(self, node: Node) -> None:
        """Compile an expression whose value is not used."""
        if node.kind == "postfix":
            self.value(node._replace(kind="unary"))
        elif node.kind == "comma":
            self.effect(node.parts[0])
            self.effect(node.parts[1])
        elif node.kind == "block value":
            self.program.statements_of(self, node.parts[0])
        else:
            self.value(node)

    def converted(self, value: Value, kind: CType) -> Value:
        """Give a value in another type."""
        if isinstance(kind, Void):
            return Value("0", VOID)
        if value.number is not None and isinstance(kind, Int):
            return self.number(wrap(value.number, kind), kind)
        if fits(value.type, kind):
            return value._replace(type=kind)
        return Value(narrowed(value, kind), kind)

    def number(self, number: int, kind: CType = INT) -> Value:
        """Give a constant."""
        return Value(f"({number})" if number < 0 else str(number), kind, number=number)

    def constant(self, node: Node) -> int:
        """Evaluate an expression that must be known before anything runs."""
        with self.aside() as lines:
            value = self.value(node)
        if lines or value.number is None:
            raise NotUnderstood("this is not a constant", node.token.location)
        return value.number

    def integer(self, value: Value, node: Node) -> Int:
        """Give the type of a value that must be an integer."""
        if not isinstance(value.type, Int):
            raise NotUnderstood(
                "arithmetic on something that is not an integer", node.token.location
            )
        return value.type

    def _number(self, node: Node) -> Value:
        number, suffix = number_of(node.token)
        names = ["int"] if not suffix else []
        if suffix in {"", "l"}:
            names.append("long")
        if suffix in {"", "l", "ll"}:
            names.append("long long")
        if "u" in suffix or node.token.text[:1] == "0":
            words = ["unsigned int", "unsigned long", "unsigned long long"]
            first = suffix.count("l")
            names = [*([] if "u" in suffix else names), *words[min(first, 2) :]]
        kinds = self.program.layouts.named
        kind = next(
            (kinds[name] for name in names if number <= getattr(kinds[name], "high", 0)), None
        )
        if kind is None:
            kind = kinds["unsigned long long"]
        return self.number(number, kind)

    def _string(self, node: Node) -> Value:
        text = node.token.text[1:-1]
        address = self.program.string(text)
        return Value(str(address), self.program.layouts.pointer(INT), text=text)

    def _name(self, node: Node) -> Value:
        name = node.token.text
        if name in self.unknown and self.local(name) is None:
            return self.not_understood(f"{self.unknown[name]}", node)
        if self.local(name) is None:
            known = self.program.named_value(self, name)
            if known is not None:
                return known
        return self.read(self.place(node))

    def read(self, place: Place) -> Value:
        """Read the value at a place; an array is its address, a struct stays where it is."""
        if isinstance(place.type, Array):
            return Value(place.code, self.program.layouts.pointer(place.type.of))
        if isinstance(place.type, Function):
            return Value(place.code, self.program.layouts.pointer(place.type))
        if isinstance(place.type, Struct):
            return Value(place.code, place.type)
        if isinstance(place.type, Opaque):
            return self.not_understood(f"the type {place.type.name}", None)
        return self.load(place)

    def not_understood(self, what: str, node: Node | None) -> Value:
        """Compile an error that is raised when a run reaches it."""
        where = node.token.location if node else self.location()
        number = self.program.fault(NotUnderstood(what, where))
        self.emit(f"raise faults[{number}]")
        return Value("0", self.program.layouts.named["long"])

    # -- operators

    def _unary(self, node: Node) -> Value:  # noqa: PLR0911 (one return for each operator)
        sign, inner = node.parts
        if sign == "&":
            return self.address(inner)
        if sign == "*":
            return self.read(self.place(node))
        if sign in {"++", "--"}:
            return self._stepped_by(inner, 1 if sign == "++" else -1)
        value = self.value(inner)
        if sign == "!":
            truth = f"not {value.condition}"
            if value.number is not None:
                return self.number(int(not value.number))
            return Value(f"(0 if {value.condition} else 1)", INT, f"({truth})")
        kind = promoted(self.integer(value, node))
        value = self.converted(value, kind)
        if value.number is not None:
            number = {"-": -value.number, "+": value.number, "~": ~value.number}[sign]
            return self.number(wrap(number, kind), kind)
        if sign == "~" and kind.signed:
            return Value(f"(~{value.code})", kind)
        return value if sign == "+" else Value(wrapped(f"({sign}{value.code})", kind), kind)

    def address(self, node: Node) -> Value:
        """Compile `&`: a place in memory, or a function."""
        if node.kind == "name" and self.local(node.token.text) is None:
            known = self.program.named_value(self, node.token.text)
            if known is not None and isinstance(known.type, Pointer):
                return known
        place = self.place(node)
        if place.name:
            raise NotUnderstood("the address of a local variable", node.token.location)
        return Value(place.code, self.program.layouts.pointer(place.type))

    def _stepped_by(self, node: Node, step: int, *, before: bool = False) -> Value:
        """Compile ++ and --; `before`: give the old value."""
        place = self.place(node)
        old = self.read(place)
        kept = old
        if before:
            kept = Value(self.temporary(old.code), old.type)
        new = self.arithmetic("+", kept, self.number(step), node)
        code = self.converted(new, place.type).code
        if before or place.name:
            self.store(place, code)
            return kept if before else Value(place.name, place.type)
        name = self.temporary(code)
        self.store(place, name)
        return Value(name, place.type)

    def _postfix(self, node: Node) -> Value:
        sign, inner = node.parts
        return self._stepped_by(inner, 1 if sign == "++" else -1, before=True)

    def _binary(self, node: Node) -> Value:
        sign, left, right = node.parts
        if sign in {"&&", "||"}:
            return self._logical(sign, left, right)
        first, second = self.values((left, right))
        return self.arithmetic(sign, first, second, node)

    def arithmetic(self, sign: str, left: Value, right: Value, node: Node) -> Value:
        """Compile a binary operator on two values, with the conversions of C."""
        if isinstance(left.type, Pointer) or isinstance(right.type, Pointer):
            return self._with_pointers(sign, left, right, node)
        first, second = self.integer(left, node), self.integer(right, node)
        kind = promoted(first) if sign in SHIFTS else common(first, second)
        left = self.converted(left, kind)
        right = self.converted(right, promoted(second) if sign in SHIFTS else kind)
        if left.number is not None and right.number is not None:
            return self._folded(sign, left.number, right.number, kind, node)
        if sign in COMPARISONS:
            truth = f"({left.code} {sign} {right.code})"
            return Value(f"(1 if {truth} else 0)", INT, truth)
        if sign in {"/", "%"}:
            name = "divided" if sign == "/" else "remainder"
            return Value(wrapped(f"{name}({left.code}, {right.code})", kind), kind)
        if sign in SHIFTS and (right.number is None or not 0 <= right.number < kind.bits):
            right = Value(f"shift({right.code}, {kind.bits})", right.type)
        code = f"({left.code} {sign} {right.code})"
        return Value(code if sign in EXACT or sign == ">>" else wrapped(code, kind), kind)

    def _folded(self, sign: str, left: int, right: int, kind: Int, node: Node) -> Value:
        try:
            number = BINARY_VALUES[sign](left, right)
        except (ZeroDivisionError, ValueError):
            raise NotUnderstood(f"{left} {sign} {right}", node.token.location) from None
        result = INT if sign in COMPARISONS else kind
        return self.number(wrap(number, result), result)

    def _with_pointers(self, sign: str, left: Value, right: Value, node: Node) -> Value:
        if sign in COMPARISONS:
            truth = f"({left.code} {sign} {right.code})"
            return Value(f"(1 if {truth} else 0)", INT, truth)
        if isinstance(left.type, Pointer) and isinstance(right.type, Pointer) and sign == "-":
            size = self.program.layouts.size(left.type.to)
            kind = self.program.layouts.named["long"]
            return Value(f"(({left.code} - {right.code}) // {size})", kind)
        if isinstance(right.type, Pointer) and sign == "+":
            left, right = right, left
        if not isinstance(left.type, Pointer) or sign not in {"+", "-"}:
            raise NotUnderstood(f"{sign} on addresses", node.token.location)
        size = self.program.layouts.size(left.type.to)
        if right.number is not None:
            offset = size * right.number * (1 if sign == "+" else -1)
            return left if not offset else Value(f"({left.code} + {offset})", left.type)
        return Value(f"({left.code} {sign} {size} * {right.code})", left.type)

    def _logical(self, sign: str, left: Node, right: Node) -> Value:
        first = self.value(left)
        if first.number is not None and bool(first.number) == (sign == "||"):
            return self.number(int(bool(first.number)))
        with self.aside() as lines:
            self.indent += 1
            second = self.value(right)
            self.indent -= 1
        if first.number is not None and not lines:
            return Value(f"(1 if {second.condition} else 0)", INT, second.condition)
        if not lines:
            word = "and" if sign == "&&" else "or"
            truth = f"({first.condition} {word} {second.condition})"
            return Value(f"(1 if {truth} else 0)", INT, truth)
        name = self.temporary(f"1 if {first.condition} else 0")
        with self.indented(f"if {name}:" if sign == "&&" else f"if not {name}:"):
            self.lines += lines
            self.emit(f"{name} = 1 if {second.condition} else 0")
        return Value(name, INT)

    def _conditional(self, node: Node) -> Value:
        condition, middle, last = node.parts
        first = self.value(condition)
        if middle is None:
            first = Value(self.temporary(first.code), first.type, number=first.number)
        if first.number is not None:
            chosen = middle if first.number else last
            return first if chosen is None else self.value(chosen)
        self.indent += 1
        with self.aside() as then:
            left = first if middle is None else self.value(middle)
        with self.aside() as otherwise:
            right = self.value(last)
        self.indent -= 1
        kind = self.joined(left, right)
        left, right = self.converted(left, kind), self.converted(right, kind)
        if not then and not otherwise:
            code = f"({left.code} if {first.condition} else {right.code})"
            return Value(
                code, kind, f"({left.condition} if {first.condition} else {right.condition})"
            )
        name = self.fresh()
        with self.indented(f"if {first.condition}:"):
            self.lines += then
            self.emit(f"{name} = {left.code}")
        with self.indented("else:"):
            self.lines += otherwise
            self.emit(f"{name} = {right.code}")
        return Value(name, kind)

    def joined(self, left: Value, right: Value) -> CType:
        """Give the common type of two branches."""
        if isinstance(left.type, Int) and isinstance(right.type, Int):
            return common(left.type, right.type)
        return right.type if isinstance(left.type, Int) else left.type

    def _assign(self, node: Node) -> Value:
        sign, target, source = node.parts
        if sign:
            return self._updated(sign, target, source, node)
        value = self.value(source)
        place = self.place(target)
        if isinstance(place.type, Struct):
            size = self.program.layouts.size(place.type)
            self.emit(f"m.copy({place.code}, {value.code}, {size})")
            return value
        return self.assigned(place, value)

    def assigned(self, place: Place, value: Value) -> Value:
        """Store a value; gives the value of the place after that."""
        value = self.converted(value, place.type)
        if not place.name and not value.code.isidentifier() and value.number is None:
            value = Value(self.temporary(value.code), value.type)
        self.store(place, value.code)
        return Value(place.name, place.type) if place.name else value

    def _updated(self, sign: str, target: Node, source: Node, node: Node) -> Value:
        """Compile `+=` and similar operators: the value, then a read and a write of the place."""
        value = self.value(source)
        place = self.place(target)
        if not place.name and not place.code.isidentifier() and not place.private:
            place = place._replace(code=self.temporary(place.code))
        new = self.arithmetic(sign, self.read(place), value, node)
        return self.assigned(place, new)

    def _comma(self, node: Node) -> Value:
        self.effect(node.parts[0])
        return self.value(node.parts[1])

    def _cast(self, node: Node) -> Value:
        kind = self.type_of(node.parts[0])
        return self.converted(self.value(node.parts[1]), kind)

    def _sizeof(self, node: Node) -> Value:
        inner = node.parts[0]
        kind = self.type_of(inner) if inner.kind in TYPES else self.type_of_value(inner)
        layouts = self.program.layouts
        size = layouts.size(kind) if node.kind == "sizeof" else layouts.align(kind)
        return self.number(size, layouts.named["unsigned long"])

    def _offsetof(self, node: Node) -> Value:
        kind, members = node.parts
        offset = self.offset(self.type_of(kind), members, node)
        return self.number(offset, self.program.layouts.named["unsigned long"])

    def offset(self, kind: CType, members: Sequence[str], node: Node) -> int:
        """Give the place of a member of a member, in bytes."""
        offset = 0
        for member in members:
            field_ = self.member(kind, member, node)
            kind, offset = field_.type, offset + field_.offset
        return offset

    def _block_value(self, node: Node) -> Value:
        return self.program.block_value(self, node.parts[0])

    def _compound(self, node: Node) -> Value:
        kind = self.type_of(node.parts[0])
        address = self.reserve(self.program.layouts.size(kind), self.program.layouts.align(kind))
        place = Place(kind, address, private=True)
        self.program.initialise(self, place, node.parts[1])
        return self.read(place)

    def _call(self, node: Node) -> Value:
        return self.program.call(self, node)

    def _read_place(self, node: Node) -> Value:
        return self.read(self.place(node))

    # -- places

    def place(self, node: Node) -> Place:
        """Compile an expression that names a place."""
        self.token = node.token if node.token.line else self.token
        match node.kind:
            case "name":
                return self._named_place(node)
            case "unary" if node.parts[0] == "*":
                value = self.value(node.parts[1])
                return Place(self.pointed(value, node), value.code)
            case "index":
                value, index = self.values(node.parts)
                code = self.arithmetic("+", value, index, node).code
                return Place(self.pointed(value, node), code)
            case "member":
                return self._member_place(node)
        value = self.value(node)
        if isinstance(value.type, Struct):
            return Place(value.type, value.code)
        raise NotUnderstood(f"{node.kind} as a place", node.token.location)

    def _named_place(self, node: Node) -> Place:
        name = node.token.text
        local = self.local(name)
        if local is not None:
            return place_of(local)
        place = self.program.variable(self, name)
        if place is None:
            self.not_understood(f"{name} is not defined in the tree", node)
            return Place(self.program.layouts.named["long"], "0")
        return place

    def _member_place(self, node: Node) -> Place:
        inner, name, arrow = node.parts
        if arrow:
            value = self.value(inner)
            kind, code, private = self.pointed(value, node), value.code, False
        else:
            place = self.place(inner)
            kind, code, private = place.type, place.code, place.private
        member = self.member(kind, name, node)
        return Place(member.type, f"({code} + {member.offset})", private=private)

    def member(self, kind: CType, name: str, node: Node) -> Field:
        """Find a member of a struct."""
        if isinstance(kind, Opaque) and node.token.line:
            raise NotUnderstood(f"a member of {kind.name}", node.token.location)
        if not isinstance(kind, Struct):
            raise NotUnderstood(
                f"member {name} of something that is not a struct", node.token.location
            )
        try:
            self.program.layouts.complete(kind)
        except NotUnderstood as error:
            raise NotUnderstood(error.what, error.where or node.token.location) from None
        if name not in kind.fields:
            raise NotUnderstood(f"struct {kind.tag} has no {name}", node.token.location)
        return kind.fields[name]

    def pointed(self, value: Value, node: Node) -> CType:
        """Give the type that an address points to."""
        if not isinstance(value.type, Pointer):
            raise NotUnderstood("an integer used as an address", node.token.location)
        return value.type.to

    # -- types

    def type_of(self, node: Node) -> CType:
        """Resolve a type; typeof can refer to local names."""
        kept, self.program.compiling = self.program.compiling, self
        try:
            return self.program.layouts.resolve(node)
        finally:
            self.program.compiling = kept

    def type_of_value(self, node: Node) -> CType:
        """Give the type of an expression that is not run."""
        is_place = node.kind in {"name", "index", "member"} or (
            node.kind == "unary" and node.parts[0] == "*"
        )
        if is_place and not (node.kind == "name" and self._is_value(node.token.text)):
            with self.aside():
                return self.place(node).type
        with self.aside():
            return self.value(node).type

    def _is_value(self, name: str) -> bool:
        """Return whether this is a name that is not a variable."""
        return self.local(name) is None and self.program.named_value(self, name) is not None


def place_of(local: Local) -> Place:
    """Give the place of a local variable."""
    return Place(local.type, local.address, local.name, private=True)


TYPES = frozenset(
    {
        "base type",
        "named type",
        "pointer",
        "array",
        "function",
        "tag",
        "struct",
        "enum type",
        "typeof",
    }
)

VALUES: dict[str, Callable[[Expressions, Any], Value]] = {
    "number": Expressions._number,
    "string": Expressions._string,
    "name": Expressions._name,
    "unary": Expressions._unary,
    "postfix": Expressions._postfix,
    "binary": Expressions._binary,
    "conditional": Expressions._conditional,
    "assign": Expressions._assign,
    "comma": Expressions._comma,
    "cast": Expressions._cast,
    "sizeof": Expressions._sizeof,
    "alignof": Expressions._sizeof,
    "offsetof": Expressions._offsetof,
    "block value": Expressions._block_value,
    "compound": Expressions._compound,
    "call": Expressions._call,
    "index": Expressions._read_place,
    "member": Expressions._read_place,
}
"""Kind of node -> what compiles it."""
