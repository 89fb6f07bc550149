"""The code of a tree as Python functions, compiled when they are first called.

A program belongs to a tree and is shared by all machines: functions, the addresses of variables and
their initial values. Each machine has its own values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.kernel.execution.constants import divided, remainder
from rssbound.kernel.execution.emission import Line, Place, Value
from rssbound.kernel.execution.grammar import Declared, Node, Parser
from rssbound.kernel.execution.initialisers import count_of, initialise
from rssbound.kernel.execution.layouts import Layouts
from rssbound.kernel.execution.machine import GLOBALS, PERCPU
from rssbound.kernel.execution.primitives import (
    HEADS,
    is_primitive,
    primitive,
    primitive_variable,
)
from rssbound.kernel.execution.statements import Statements, walk
from rssbound.kernel.execution.tokens import NotUnderstood, Token
from rssbound.kernel.execution.tree import Tree
from rssbound.kernel.execution.unit import DEFINERS
from rssbound.kernel.execution.values import (
    INT,
    Array,
    CType,
    Function,
    Pointer,
    Struct,
    Void,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rssbound.errors import Location
    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.machine import Machine
    from rssbound.kernel.execution.unit import Piece

__all__ = ("Parsed", "Program", "open_program", "with_overrides")

FUNCTIONS = 1 << 12
STRINGS = 1 << 14


class Parsed(NamedTuple):
    """A function of the tree: its parameters, its result type, and its body."""

    name: str
    path: str
    token: Token
    parameters: tuple[Declared, ...]
    type: Function
    body: Node


@dataclass
class Program:
    """The compiled functions of a tree, and the addresses of its variables."""

    tree: Tree
    layouts: Layouts = field(init=False)
    compiling: Expressions | None = None
    names: dict[str, Any] = field(default_factory=dict)
    parsed: dict[tuple[str, str], Parsed] = field(default_factory=dict)
    variables: dict[tuple[str, str], Place] = field(default_factory=dict)
    starts: list[Callable[[Machine], None]] = field(default_factory=list)
    origins: dict[str, list[Token | None]] = field(default_factory=dict)
    percpu: set[str] = field(default_factory=set)
    _faults: list[NotUnderstood] = field(default_factory=list)
    _strings: dict[str, int] = field(default_factory=dict)
    _addresses: dict[str, int] = field(default_factory=dict)
    _end: int = GLOBALS
    percpu_end: int = PERCPU

    def __post_init__(self) -> None:
        self.names |= {"divided": divided, "remainder": remainder, "shift": _shift, "isqrt": isqrt}
        self.names |= {"faults": self._faults, "at": {}}
        self.layouts = Layouts(self.tree, self.parser, self._constant, self._type_of)
        if self.tree.configured and self.tree.setting("CONFIG_64BIT") is None:
            self.layouts = Layouts(self.tree, self.parser, self._constant, self._type_of, 4)

    # -- syntax

    def parser(self, piece: Piece) -> Parser:
        """Give a parser of a piece of the tree, macros expanded."""
        return Parser(self.tree.expand(piece.tokens), self.layouts.is_type, HEADS)

    def _constant(self, node: Node) -> int:
        return (self.compiling or self._outside()).constant(node)

    def _type_of(self, node: Node) -> CType:
        return (self.compiling or self._outside()).type_of_value(node)

    def _outside(self, path: str = "") -> Statements:
        """Give a compiler for code outside functions."""
        return Statements(program=self, path=path)

    def function(self, name: str, path: str = "") -> Parsed | None:
        """Find and parse a function of the tree; None if the tree does not have it."""
        piece = self.tree.function(name, path)
        if piece is None:
            return None
        key = (piece.unit, name)
        if key not in self.parsed:
            parser = self.parser(piece)
            base, _ = parser.specifiers()
            declared = parser.declarator(base)
            if declared.type.kind != "function" or not parser.at("{"):
                raise NotUnderstood(f"{name} is not a function", declared.token.location)
            kept, self.compiling = self.compiling, None
            kind = self._function_type(declared)
            self.compiling = kept
            parameters = declared.type.parts[1]
            self.parsed[key] = Parsed(
                name, piece.unit, declared.token, parameters, kind, parser.block()
            )
        return self.parsed[key]

    def _function_type(self, declared: Declared) -> Function:
        kind = self.layouts.resolve(declared.type)
        if not isinstance(kind, Function):
            raise NotUnderstood(f"{declared.name} is not a function", declared.token.location)
        return kind

    def snippet(self, text: str, path: str) -> Parsed:
        """Parse a function that is not in the tree, as if it were at the end of a file."""
        words = self.tree.words_of(text, path)
        parser = Parser(self.tree.expand(words), self.layouts.is_type, HEADS)
        declared = parser.declarator(parser.specifiers()[0])
        kind = self._function_type(declared)
        parameters = declared.type.parts[1]
        return Parsed(declared.name, path, declared.token, parameters, kind, parser.block())

    def constant_of(self, node: Node, path: str) -> int:
        """Evaluate an expression of a file that must be known before anything runs."""
        return self._outside(path).constant(node)

    def made(
        self, parsed: Parsed, unknown: Mapping[str, str] | None = None, *, stepped: bool = False
    ) -> Callable[..., Any]:
        """Compile a snippet or a part of a function."""
        compiler = Statements(program=self, path=parsed.path, stepped=stepped)
        return self.compiled(compiler, f"s_{parsed.name}", parsed, unknown)

    # -- functions

    def python_name(self, parsed: Parsed, *, stepped: bool) -> str:
        """Give the name of a function in Python, compiled."""
        stem = "".join(char if char.isalnum() else "_" for char in f"{parsed.path}__{parsed.name}")
        name = f"{'g' if stepped else 'f'}_{stem}"
        if name not in self.names:
            self.names[name] = self._on_first_call(name, parsed, stepped=stepped)
        return name

    def _on_first_call(self, name: str, parsed: Parsed, *, stepped: bool) -> Callable[..., Any]:
        """Give a stub that compiles a function at the first call, and replaces itself."""

        def compile_and_call(machine: Machine, *arguments: int) -> Any:
            compiler = Statements(program=self, path=parsed.path, stepped=stepped)
            made = self.compiled(compiler, name, parsed)
            self.names[name] = made
            self.prepare(machine)
            return made(machine, *arguments)

        return compile_and_call

    def callable(self, name: str, path: str = "", *, stepped: bool = False) -> Callable[..., Any]:
        """Give a function of the tree, called with a machine and its arguments."""
        parsed = self.function(name, path)
        if parsed is None:
            raise NotUnderstood(f"{name} is not in the tree")
        found: Callable[..., Any] = self.names[self.python_name(parsed, stepped=stepped)]
        return found

    def compiled(
        self,
        compiler: Statements,
        name: str,
        parsed: Parsed,
        unknown: Mapping[str, str] | None = None,
    ) -> Callable[..., Any]:
        """Compile a function; `unknown` has names with unknown values, and the reason."""
        compiler.escaping = _escaping(parsed.body)
        compiler.jumps = {node.parts[0] for node in walk([parsed.body]) if node.kind == "goto"}
        compiler.result = parsed.type.result
        compiler.unknown = dict(unknown or {})
        compiler.token = parsed.token
        arguments = []
        for declared in parsed.parameters:
            kind = self.layouts.parameter(declared)
            argument = compiler.fresh(f"p_{declared.name}_")
            arguments.append(argument)
            if declared.name not in compiler.unknown:
                place = compiler.new_local(declared.name, kind)
                compiler.emit(f"{place.name or f'mem[{place.code}]'} = {argument}")
        kept, self.compiling = self.compiling, compiler
        compiler.block(parsed.body)
        self.compiling = kept
        if not isinstance(parsed.type.result, Void):
            compiler.emit("return 0")
        return self._made(compiler, name, arguments)

    def _made(
        self, compiler: Statements, name: str, arguments: Sequence[str]
    ) -> Callable[..., Any]:
        """Turn lines into a Python function, and remember where each came from."""
        head = [Line(0, f"def {name}({', '.join(['m', *arguments])}):", None)]
        head.append(Line(1, "mem = m.memory", None))
        lines = compiler.lines
        if compiler.frame:
            head += [Line(1, f"sp = m.push({compiler.frame + 64})", None), Line(1, "try:", None)]
            lines = [Line(line.indent + 1, line.text, line.token) for line in lines]
            lines += [Line(1, "finally:", None), Line(2, "m.pop(sp)", None)]
        if compiler.stepped:
            head.append(Line(1 + bool(compiler.frame), "if 0: yield", None))
        lines = [*head, *lines]
        text = "\n".join("    " * line.indent + line.text for line in lines)
        file = f"<{name}>"
        self.origins[file] = [line.token for line in lines]
        scope: dict[str, Any] = {}
        exec(compile(text, file, "exec"), self.names, scope)  # noqa: S102 (made above, from C)
        made: Callable[..., Any] = scope[name]
        return made

    def place_of_error(self, error: BaseException) -> Location | None:
        """Give the line of C at which a run stopped."""
        found = None
        trace = error.__traceback__
        while trace is not None:
            origins = self.origins.get(trace.tb_frame.f_code.co_filename)
            if origins is not None and 0 < trace.tb_lineno <= len(origins):
                token = origins[trace.tb_lineno - 1]
                found = token.location if token is not None and token.line else found
            trace = trace.tb_next
        return found

    def fault(self, error: NotUnderstood) -> int:
        """Keep an error that is raised when a run reaches it."""
        self._faults.append(error)
        return len(self._faults) - 1

    def jump(self, label: str) -> str:
        """Give the exception for a jump to a label."""
        name = f"Jump_{label}"
        if name not in self.names:
            self.names[name] = type(name, (Exception,), {})
        return name

    # -- names

    def string(self, text: str) -> int:
        """Give a string an address."""
        return self._strings.setdefault(text, STRINGS + len(self._strings))

    def address_of(self, parsed: Parsed) -> int:
        """Give a function an address."""
        name = self.python_name(parsed, stepped=False)
        if name not in self._addresses:
            self._addresses[name] = FUNCTIONS + len(self._addresses)
            self.names["at"][self._addresses[name]] = self._later(name)
        return self._addresses[name]

    def _later(self, name: str) -> Callable[..., Any]:
        """Give a function that can be recompiled later."""

        def call(*given: Any) -> Any:
            return self.names[name](*given)

        return call

    def named_value(self, compiler: Expressions, name: str) -> Value | None:
        """Give the value of an enumerator, a function or a primitive name; None for variables."""
        found = primitive_variable(compiler, name)
        if found is not None:
            return found
        piece = self.tree.piece("enumerators", name, compiler.path)
        if piece is not None:
            return compiler.number(self._enumerator(piece, name))
        if self.tree.piece("variables", name, compiler.path) is None:
            parsed = self.function(name, compiler.path)
            if parsed is not None:
                kind = self.layouts.pointer(parsed.type)
                return Value(str(self.address_of(parsed)), kind)
        return None

    def _enumerator(self, piece: Piece, name: str) -> int:
        for node in _enumerations(self.parser(piece)):
            number = -1
            for token, given in node.parts[1]:
                number = number + 1 if given is None else self._outside(piece.unit).constant(given)
                if token.text == name:
                    return number
        raise NotUnderstood(f"{name} cannot be read", piece.tokens[0].location)

    # -- variables

    def variable(self, compiler: Expressions, name: str) -> Place | None:
        """Give the place of a variable of the tree; None if there is none of that name."""
        piece = self.tree.piece("variables", name, compiler.path)
        if piece is None:
            return None
        key = (piece.unit, name)
        if key not in self.variables:
            self._make_variables(piece, name)
        return self.variables.get(key)

    def _make_variables(self, piece: Piece, name: str) -> None:
        if any(DEFINERS.fullmatch(word.text) for word in piece.tokens[:2]):
            self.variables[piece.unit, name] = self._of_macro(piece)
            return
        parser = self.parser(piece)
        compiler = self._outside(piece.unit)
        for declared, initial in parser.declaration().parts[2]:
            if (piece.unit, declared.name) not in self.variables:
                kind = compiler.type_of(declared.type)
                if isinstance(kind, Array) and not kind.count and initial is not None:
                    kind = Array(kind.of, count_of(compiler, initial))
                place = self._placed(kind)
                self.variables[piece.unit, declared.name] = place
                if initial is not None:
                    self._start(piece.unit, place, initial)

    def _of_macro(self, piece: Piece) -> Place:
        """Make a variable of DEFINE_PER_CPU or a similar macro."""
        parser = Parser(piece.tokens, self.layouts.is_type, HEADS)
        parser.accept("static")
        macro = parser.take()
        parser.take("(")
        if macro.text.startswith("DEFINE_PER_CPU"):
            kind = self._outside(piece.unit).type_of(parser.type_name())
            start = -(-self.percpu_end // 64) * 64
            self.percpu_end = start + self.layouts.size(kind)
            return Place(kind, str(start))
        place = self._placed(INT)
        if macro.text.endswith("_TRUE"):
            self._start(piece.unit, place, Node("number", macro._replace(kind="num", text="1")))
        return place

    def _placed(self, kind: CType) -> Place:
        size, align = self.layouts.size(kind), max(self.layouts.align(kind), 1)
        self._end = -(-self._end // align) * align
        place = Place(kind, str(self._end))
        self._end += max(size, 1)
        return place

    def static(self, compiler: Expressions, declared: Declared, initial: Node | None) -> Place:
        """Make a static variable of a function."""
        kind = compiler.type_of(declared.type)
        key = (f"{compiler.path}:{declared.token.line}", declared.name)
        if key not in self.variables:
            self.variables[key] = self._placed(kind)
            if initial is not None:
                self._start(compiler.path, self.variables[key], initial)
        return self.variables[key]

    def _start(self, path: str, place: Place, initial: Node) -> None:
        """Record the initial value of a variable."""
        compiler = self._outside(path)
        initialise(compiler, place, initial)
        number = len(self.starts)
        self.starts.append(self._made(compiler, f"start_{number}", ()))

    def prepare(self, machine: Machine) -> None:
        """Set the initial values of variables that a machine does not have yet."""
        while machine.ready < len(self.starts):
            self.starts[machine.ready](machine)
            machine.ready += 1

    # -- called by compilers

    def initialise(self, compiler: Expressions, place: Place, node: Node) -> None:
        """Compile a value with which a local variable starts."""
        initialise(compiler, place, node)

    def count_of(self, compiler: Expressions, node: Node) -> int:
        """Count the items of a list."""
        return count_of(compiler, node)

    def statements_of(self, compiler: Expressions, block: Node) -> None:
        """Compile a block of statements in the middle of an expression."""
        self._statements(compiler, block).block(block)

    def _statements(self, compiler: Expressions, block: Node) -> Statements:
        if not isinstance(compiler, Statements):
            raise NotUnderstood("statements outside a function", block.token.location)
        return compiler

    def block_value(self, compiler: Expressions, block: Node) -> Value:
        """Compile a statement expression; its last expression is its value."""
        nodes = block.parts[0]
        statements = self._statements(compiler, block)
        with compiler.scope():
            if not nodes or nodes[-1].kind != "expression":
                statements.listed(nodes)
                return Value("0", INT)
            statements.listed(nodes[:-1])
            value = compiler.value(nodes[-1].parts[0])
            if value.number is None and not isinstance(value.type, Void | Struct):
                value = Value(compiler.temporary(value.code), value.type)
            return value

    def head(self, compiler: Statements, node: Node) -> None:
        """Compile a loop over CPUs or a list."""
        name, arguments, body = node.parts
        HEADS[name](compiler, node, arguments, body)

    def call(self, compiler: Expressions, node: Node) -> Value:
        """Compile a call: of a primitive, of a function of the tree, or of an address."""
        target, arguments = node.parts
        if target.kind == "call":
            found = primitive(target.parts[0].token.text)
            if found is not None:
                return found(compiler, node, (*target.parts[1], *arguments))
        if target.kind == "name" and compiler.local(target.token.text) is None:
            name = target.token.text
            parsed = self.function(name, compiler.path)
            if parsed is not None:
                return self._call_of(compiler, parsed, arguments, node)
            found = primitive(name)
            if found is not None:
                return found(compiler, node, arguments)
            if self.tree.piece("variables", name, compiler.path) is None:
                what = f"{name}() is neither in the tree nor in the table of primitives"
                return compiler.not_understood(what, node)
        return self._call_at(compiler, target, arguments, node)

    def _call_of(
        self, compiler: Expressions, parsed: Parsed, arguments: Sequence[Node], node: Node
    ) -> Value:
        types = parsed.type.parameters or ()
        if len(types) != len(arguments):
            what = f"{parsed.name} takes {len(types)} arguments, not {len(arguments)}"
            raise NotUnderstood(what, node.token.location)
        values = compiler.values(arguments)
        codes = [
            compiler.converted(value, kind).code for value, kind in zip(values, types, strict=True)
        ]
        name = self.python_name(parsed, stepped=compiler.stepped)
        code = f"{name}({', '.join(['m', *codes])})"
        if compiler.stepped:
            code = f"yield from {code}"
        compiler.token = node.token
        if isinstance(parsed.type.result, Void):
            compiler.emit(code)
            return Value("0", Void())
        return Value(compiler.temporary(code), parsed.type.result)

    def _call_at(
        self, compiler: Expressions, target: Node, arguments: Sequence[Node], node: Node
    ) -> Value:
        value = compiler.value(target)
        kind = value.type.to if isinstance(value.type, Pointer) else value.type
        if not isinstance(kind, Function) or compiler.stepped:
            return compiler.not_understood("a call of something that is not a function", node)
        values = compiler.values(arguments)
        codes = ", ".join(["m", *(value.code for value in values)])
        return Value(compiler.temporary(f"at[{value.code}]({codes})"), kind.result)


def open_program(folder: Path) -> Program:
    """Open a tree."""
    return Program(Tree(folder, is_primitive))


def with_overrides(program: Program, overrides: Mapping[str, int]) -> Program:
    """Open the same tree with some macros given other values than their own."""
    return Program(program.tree.overridden_by(overrides))


def _escaping(body: Node) -> frozenset[str]:
    """List the variables whose address is taken, except those that a primitive only writes."""
    passed = set()
    for node in walk([body]):
        if node.kind == "call" and "try_cmpxchg" in node.parts[0].token.text:
            passed |= {id(argument) for argument in node.parts[1]}
    return frozenset(
        inner.token.text
        for node in walk([body])
        if node.kind == "unary" and node.parts[0] == "&" and id(node) not in passed
        for inner in (_base_of(node.parts[1]),)
        if inner.kind == "name"
    )


def _base_of(node: Node) -> Node:
    while node.kind in {"member", "index"} and not (node.kind == "member" and node.parts[2]):
        node = node.parts[0]
    return node


def _enumerations(parser: Parser) -> list[Node]:
    """List the enumerations in a declaration."""
    node = parser.declaration()
    return [inner for inner in walk([node]) if inner.kind == "enum type" and len(inner.parts) > 1]


def _shift(count: int, bits: int) -> int:
    if not 0 <= count < bits:
        raise NotUnderstood(f"a shift by {count} of {bits} bits")
    return count
