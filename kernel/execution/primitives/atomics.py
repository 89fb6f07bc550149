"""atomic_*, atomic64_*, atomic_long_*, xchg and cmpxchg: one step each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.kernel.execution.emission import Place, Value, narrowed
from rssbound.kernel.execution.primitives.support import NOTHING, compared, pointed_place, the
from rssbound.kernel.execution.values import BOOL, INT, Int

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.grammar import Node
    from rssbound.kernel.execution.primitives.support import Primitive, Table

__all__ = ("ATOMIC_TABLE", "atomic_operation")

OPERATION = re.compile(
    r"(?:raw_|arch_)?(?P<family>atomic64|atomic_long|atomic|local64|local)_"
    r"(?P<fetch>fetch_)?(?P<word>read|set|add|sub|inc|dec|and|or|xor|andnot)"
    r"(?P<result>_return|_and_test|_negative|_unless|_not_zero)?"
    r"(?:_relaxed|_acquire|_release)?"
)
SIGNS = {"add": "+", "sub": "-", "inc": "+", "dec": "-", "and": "&", "or": "|", "xor": "^"}
EXCHANGE = re.compile(
    r"(?:raw_|arch_)?(?:(?P<family>atomic64|atomic_long|atomic|local64|local)_)?"
    r"(?P<word>xchg|cmpxchg|try_cmpxchg)(?:64|_local)?(?:_relaxed|_acquire|_release)?"
)


def atomic_operation(name: str) -> Primitive | None:
    """Give the definition of an atomic operation by its name."""
    match = EXCHANGE.fullmatch(name)
    if match is not None:
        return (
            _exchange
            if match["word"] == "xchg"
            else compared(_reached, tries="try" in match["word"])
        )
    match = OPERATION.fullmatch(name)
    if match is None or match["word"] == "andnot":
        return None
    word, result = match["word"], match["result"]
    if word == "read":
        return _read
    if word == "set":
        return _set
    if result in {"_unless", "_not_zero"}:
        return None
    counts = word in {"inc", "dec"}
    return _update(SIGNS[word], result, fetches=bool(match["fetch"]), counts=counts)


def _target(compiler: Expressions, node: Node) -> Place:
    """Give the place of an atomic variable; in an unknown struct it is an int."""
    place = pointed_place(compiler, node)
    return place if isinstance(place.type, Int) else place._replace(type=place.type or INT)


def _read(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    place = _target(compiler, the(node, arguments, 1)[0])
    value = compiler.load(place)
    return (
        value
        if compiler.stepped or place.name
        else Value(compiler.temporary(value.code), place.type)
    )


def _set(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    target, given = the(node, arguments, 2)
    value = compiler.value(given)
    place = _target(compiler, target)
    compiler.store(place, compiler.converted(value, place.type).code)
    return NOTHING


def _update(sign: str, result: str | None, *, fetches: bool, counts: bool) -> Primitive:
    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        *given, target = the(node, arguments, 1 if counts else 2)
        value = compiler.value(given[0]) if given else compiler.number(1)
        value = Value(compiler.temporary(value.code), value.type, number=value.number)
        place = _target(compiler, target)
        if not place.name:
            place = place._replace(code=compiler.temporary(place.code))
        compiler.interruption(place)
        where = place.name or f"mem[{place.code}]"
        old = Value(compiler.temporary(where), place.type)
        value = compiler.converted(value, place.type)
        new = compiler.converted(compiler.arithmetic(sign, old, value, node), place.type)
        code = compiler.temporary(new.code)
        compiler.emit(f"{where} = {code}")
        if result == "_and_test":
            return Value(f"(1 if {code} == 0 else 0)", BOOL, f"({code} == 0)")
        if result == "_negative":
            return Value(f"(1 if {code} < 0 else 0)", BOOL, f"({code} < 0)")
        return old if fetches else Value(code, place.type)

    return compile_


def _exchange(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    target, given = the(node, arguments, 2)
    value = compiler.value(given)
    code = compiler.temporary(value.code)
    place = _target(compiler, target)
    compiler.interruption(place)
    where = place.name or f"mem[{place.code}]"
    old = compiler.temporary(where)
    compiler.emit(f"{where} = {narrowed(Value(code, value.type), place.type)}")
    return Value(old, place.type)


def _reached(compiler: Expressions, target: Node, _: Value) -> Place:
    place = _target(compiler, target)
    compiler.interruption(place)
    return place


ATOMIC_TABLE: Table = {}
"""Nothing by name alone: atomic_operation reads the names."""
