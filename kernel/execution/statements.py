"""Compile statements of C to Python: statements, loops and jumps."""
# ruff: noqa: SLF001 - the table at the end belongs to the class above it

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.kernel.execution.emission import Local, Place, Value
from rssbound.kernel.execution.expressions import Expressions, place_of
from rssbound.kernel.execution.grammar import Node
from rssbound.kernel.execution.tokens import NotUnderstood
from rssbound.kernel.execution.values import Array, CType, Int, Pointer, Struct, Void

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rssbound.kernel.execution.grammar import Declared

__all__ = ("Statements", "walk")


LOOPS = frozenset({"for", "while", "do", "switch", "head"})


class Loop(NamedTuple):
    """What `break` and `continue` mean: a loop with its step, or a switch with its flag."""

    kind: str
    step: Callable[[], None] | None = None
    flag: str = ""


@dataclass
class Statements(Expressions):
    """Compiles statements; `result` is the type that the function returns."""

    result: CType = field(default_factory=Void)
    loops: list[Loop] = field(default_factory=list)
    jumps: set[str] = field(default_factory=set)

    def statement(self, node: Node) -> None:
        """Compile one statement."""
        self.token = node.token if node.token.line else self.token
        before = len(self.lines), self.indent, len(self.scopes), len(self.loops), self.lines
        try:
            STATEMENTS[node.kind](self, node)
        except NotUnderstood as error:
            # code that no run reaches need not be understood
            lines, self.indent, scopes, loops, self.lines = before
            del self.lines[lines:], self.scopes[scopes:], self.loops[loops:]
            self.emit(f"raise faults[{self.program.fault(error)}]")

    def block(self, node: Node) -> None:
        """Compile statements in a scope of their own."""
        with self.scope():
            self.listed(node.parts[0])

    def listed(self, nodes: Sequence[Node]) -> None:
        """Compile statements in order, with the labels that jumps among them lead to."""
        labels = [
            place
            for place, node in enumerate(nodes)
            if node.kind == "label" and node.parts[0] in self.jumps
        ]
        if not labels:
            for node in nodes:
                self.statement(node)
            return
        place = labels[-1]
        name = nodes[place].parts[0]
        before, behind = nodes[:place], nodes[place + 1 :]
        jump = self.program.jump(name)
        if _jumps_to(before, name):
            with self.indented("try:"):
                self.listed(before)
            with self.indented(f"except {jump}:"):
                self.emit("pass")
        else:
            self.listed(before)
        if _jumps_to(behind, name):
            self._repeated(behind, jump)
        else:
            self.listed(behind)

    def _repeated(self, nodes: Sequence[Node], jump: str) -> None:
        """Compile the code after a label that is the target of a backward jump."""
        for node in walk(nodes, into_loops=False):
            if node.kind in {"break", "continue"}:
                raise NotUnderstood(f"{node.kind} behind a label", node.token.location)
        with self.indented("while True:"):
            self.emit("m.tick()")
            with self.indented("try:"):
                self.listed(nodes)
                self.emit("break")
            with self.indented(f"except {jump}:"):
                self.emit("continue")

    def _nothing(self, _: Node) -> None:
        pass

    def _expression(self, node: Node) -> None:
        self.effect(node.parts[0])

    # -- declarations

    def _declaration(self, node: Node) -> None:
        base, storage, listed = node.parts
        for declared, initial in listed:
            if "static" in storage:
                place = self.program.static(self, declared, initial)
                self.scopes[-1][declared.name] = Local(place.type, "", place.code)
            elif "extern" not in storage and "typedef" not in storage:
                self.declare(declared, initial, base)

    def declare(self, declared: Declared, initial: Node | None, base: Node | None = None) -> None:
        """Make a local variable."""
        if base is not None and base.kind == "auto type" and initial is not None:
            given = self.value(initial)
            self.store(self.new_local(declared.name, given.type), given.code)
            return
        kind = self.type_of(declared.type)
        if isinstance(kind, Array) and not kind.count and initial is not None:
            kind = Array(kind.of, self.program.count_of(self, initial))
        value: Value | None = None
        if initial is not None and initial.kind != "list" and not isinstance(kind, Struct):
            value = self.converted(self.value(initial), kind)
        place = self.new_local(declared.name, kind)
        if value is not None:
            self.store(place, value.code)
        elif initial is not None:
            self.program.initialise(self, place, initial)

    def new_local(self, name: str, kind: CType) -> Place:
        """Give a new variable its Python name, or a place in the frame if it needs an address."""
        if isinstance(kind, Int | Pointer) and name not in self.escaping:
            local = Local(kind, self.fresh(f"v_{name}_"))
        else:
            size, align = self.program.layouts.size(kind), self.program.layouts.align(kind)
            local = Local(kind, "", self.reserve(size, align))
        self.scopes[-1][name] = local
        return place_of(local)

    # -- branches and loops

    def _if(self, node: Node) -> None:
        condition, then, otherwise = node.parts
        value = self.value(condition)
        if value.number is not None:
            chosen = then if value.number else otherwise
            if chosen is not None:
                self.statement(chosen)
            return
        with self.indented(f"if {value.condition}:"), self.scope():
            self.statement(then)
        if otherwise is not None:
            with self.indented("else:"), self.scope():
                self.statement(otherwise)

    def _leave_unless(self, condition: Node) -> None:
        value = self.value(condition)
        if value.number is None or not value.number:
            with self.indented(f"if not {value.condition}:"):
                self.emit("break")

    def _while(self, node: Node) -> None:
        condition, body = node.parts
        with self.indented("while True:"):
            self.emit("m.tick()")
            self._leave_unless(condition)
            self._body(body, Loop("loop"))

    def _do(self, node: Node) -> None:
        body, condition = node.parts
        value = self._known(condition)
        if value == 0:
            self._once(body)
            return

        def step() -> None:
            self._leave_unless(condition)

        with self.indented("while True:"):
            self.emit("m.tick()")
            self._body(body, Loop("loop", step))
            step()

    def _known(self, condition: Node) -> int | None:
        with self.aside():
            return self.value(condition).number

    def _once(self, body: Node) -> None:
        """Compile do { } while (0), which most macros are: a loop only if something leaves it."""
        leaves = any(node.kind in {"break", "continue"} for node in walk([body], into_loops=False))
        if not leaves:
            with self.scope():
                self.statement(body)
            return
        with self.indented("while True:"):
            self._body(body, Loop("loop", lambda: self.emit("break")))
            self.emit("break")

    def _for(self, node: Node) -> None:
        first, condition, step, body = node.parts
        with self.scope():
            if first is not None:
                if first.kind == "declaration":
                    self.statement(first)
                else:
                    self.effect(first)

            def go_on() -> None:
                if step is not None:
                    self.effect(step)

            with self.indented("while True:"):
                self.emit("m.tick()")
                if condition is not None:
                    self._leave_unless(condition)
                self._body(body, Loop("loop", go_on))
                go_on()

    def _body(self, body: Node, loop: Loop) -> None:
        self.loops.append(loop)
        with self.scope():
            self.statement(body)
        self.loops.pop()

    def each(self, place: Place, items: str, body: Node) -> None:
        """Compile a loop over items that Python lists."""
        name = self.fresh()
        with self.indented(f"for {name} in {items}:"):
            self.store(place, name)
            self._body(body, Loop("loop"))

    def _break(self, node: Node) -> None:
        if not self.loops:
            raise NotUnderstood("break outside a loop", node.token.location)
        self.emit("break")

    def _continue(self, node: Node) -> None:
        if not self.loops:
            raise NotUnderstood("continue outside a loop", node.token.location)
        loop = self.loops[-1]
        if loop.kind == "switch":
            self.emit(f"{loop.flag} = 1")
            self.emit("break")
            return
        if loop.step is not None:
            loop.step()
        self.emit("continue")

    def _switch(self, node: Node) -> None:
        condition, body = node.parts
        value = self.temporary(self.value(condition).code)
        flag, reached = self.fresh(), self.fresh()
        self.emit(f"{flag} = 0")
        self.emit(f"{reached} = 0")
        with self.indented("while True:"):
            self.loops.append(Loop("switch", flag=flag))
            self._cases(body, value, reached)
            self.loops.pop()
            self.emit("break")
        if any(loop.kind for loop in self.loops):
            with self.indented(f"if {flag}:"):
                self._continue(node)

    def _cases(self, body: Node, value: str, reached: str) -> None:
        """Compile the cases of a switch; a case without break falls through.

        A case is a number, or a range of numbers. A statement that cannot be read may hide a case.
        """
        nodes = body.parts[0] if body.kind == "block" else (body,)
        labels = [node for node in nodes if node.kind == "case"]
        ranges = [self._range(node) for node in labels if node.parts[0] is not None]
        with self.scope():
            for node in nodes:
                if node.kind == "unreadable":
                    self.statement(node)
                elif node.kind != "case":
                    with self.indented(f"if {reached}:"):
                        self.statement(node)
                elif node.parts[0] is None:
                    other = [f"not {low} <= {value} <= {high}" for low, high in ranges]
                    self.emit(f"{reached} = {reached} or ({' and '.join(other) or True})")
                else:
                    low, high = self._range(node)
                    self.emit(f"{reached} = {reached} or {low} <= {value} <= {high}")

    def _range(self, label: Node) -> tuple[int, int]:
        """Give the lowest and the highest number of a case."""
        low, high = (self.constant(part) for part in label.parts)
        return low, high

    # -- leaving

    def _return(self, node: Node) -> None:
        if not node.parts:
            self.emit("return")
            return
        value = self.value(node.parts[0])
        if isinstance(self.result, Void):
            self.emit("return")
        else:
            self.emit(f"return {self.converted(value, self.result).code}")

    def _goto(self, node: Node) -> None:
        self.emit(f"raise {self.program.jump(node.parts[0])}")

    def _head(self, node: Node) -> None:
        self.program.head(self, node)

    def _unreadable(self, node: Node) -> None:
        raise node.parts[0]

    def _case_outside(self, node: Node) -> None:
        raise NotUnderstood("a case inside a block", node.token.location)


def walk(nodes: Sequence[Any], *, into_loops: bool = True) -> Iterator[Node]:
    """Yield all nodes of syntax within some, outermost first."""
    for node in nodes:
        if isinstance(node, Node):
            if into_loops or node.kind not in LOOPS:
                yield node
                yield from walk(node.parts, into_loops=into_loops)
        elif isinstance(node, tuple):
            yield from walk(node, into_loops=into_loops)


def _jumps_to(nodes: Sequence[Node], name: str) -> bool:
    return any(node.kind == "goto" and node.parts[0] == name for node in walk(nodes))


STATEMENTS: dict[str, Callable[[Statements, Any], None]] = {
    "block": Statements.block,
    "nothing": Statements._nothing,
    "label": Statements._nothing,
    "expression": Statements._expression,
    "declaration": Statements._declaration,
    "if": Statements._if,
    "while": Statements._while,
    "do": Statements._do,
    "for": Statements._for,
    "switch": Statements._switch,
    "case": Statements._case_outside,
    "break": Statements._break,
    "continue": Statements._continue,
    "return": Statements._return,
    "goto": Statements._goto,
    "head": Statements._head,
    "unreadable": Statements._unreadable,
}
"""Kind of node -> what compiles it."""
