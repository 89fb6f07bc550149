"""Cut the part about RSS out of a long function of the kernel.

mm_init sets up a whole address space, and handle_mm_fault a page. Only those of their statements
are run that use the counters, call functions that do, or set a variable that such a statement uses.
The conditions around them are kept; if one depends on an unknown value, the run stops there with an
error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rssbound.kernel.execution.grammar import Node
from rssbound.kernel.execution.statements import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.kernel.execution.program import Parsed, Program

__all__ = ("members_touched", "sliced", "speaks_of")

DEPTH = 2
"""The depth of calls to which a statement is searched for names."""


def words_in(node: Node) -> Iterator[str]:
    """Yield the names and members in a node, and the words after them."""
    for inner in walk([node]):
        if inner.kind == "member":
            yield inner.parts[1]
        elif inner.kind in {"name", "call"}:
            yield inner.token.text
        elif inner.kind == "unreadable":
            yield from inner.parts[1]


def called_in(node: Node) -> list[str]:
    """List the functions that a node calls."""
    return [inner.parts[0].token.text for inner in walk([node]) if inner.kind == "call"]


def speaks_of(program: Program, node: Node, words: frozenset[str], path: str, depth: int) -> bool:
    """Return whether a statement contains one of some words, or calls a function that does."""
    if not words.isdisjoint(words_in(node)):
        return True
    if depth == 0:
        return False
    for name in called_in(node):
        piece = program.tree.near_function(name, path)
        if piece is None:
            continue
        if any(word.text in words for word in piece.tokens):
            return True
        if depth > 1:
            parsed = program.function(name, path)
            if parsed is not None and speaks_of(
                program, parsed.body, words, parsed.path, depth - 1
            ):
                return True
    return False


def members_touched(program: Program, parsed: Parsed, depth: int = DEPTH) -> frozenset[str]:
    """List the members of its first parameter that a function or what it calls uses."""
    if not parsed.parameters:
        return frozenset()
    first = parsed.parameters[0].name
    found = set()
    for node in walk([parsed.body]):
        if node.kind == "member" and node.parts[0].kind == "name":
            if node.parts[0].token.text == first:
                found.add(node.parts[1])
        elif node.kind == "call" and depth and node.parts[1]:
            argument = node.parts[1][0]
            if argument.kind == "name" and argument.token.text == first:
                inner = program.function(node.parts[0].token.text, parsed.path)
                if inner is not None:
                    found |= members_touched(program, inner, depth - 1)
    return frozenset(found)


@dataclass
class _Slice:
    program: Program
    path: str
    words: frozenset[str]
    depth: int
    needed: set[str] = field(default_factory=set)

    def kept(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """Keep the statements of a list that matter."""
        return tuple(part for node in nodes if (part := self.part(node)) is not None)

    def part(self, node: Node) -> Node | None:
        """Keep the part of one statement that matters."""
        if node.kind == "block":
            inner = self.kept(node.parts[0])
            return node._replace(parts=(inner,)) if inner else None
        if node.kind == "if":
            return self._if(node)
        if node.kind in {"for", "while", "do", "head", "switch", "unreadable"}:
            return node if self.matters(node) else None
        if node.kind == "declaration":
            return self._declaration(node)
        if node.kind == "expression":
            return node if self.matters(node) or self._sets(node) else None
        return None

    def _if(self, node: Node) -> Node | None:
        condition, then, otherwise = node.parts
        if self.matters(condition):
            return node
        then = self.part(then)
        otherwise = self.part(otherwise) if otherwise is not None else None
        if then is None and otherwise is None:
            return None
        empty = Node("nothing", node.token)
        return node._replace(parts=(condition, then or empty, otherwise))

    def _declaration(self, node: Node) -> Node | None:
        base, storage, listed = node.parts
        declared = tuple(
            (declared, initial)
            for declared, initial in listed
            if declared.name in self.needed or (initial is not None and self.matters(initial))
        )
        return node._replace(parts=(base, storage, declared)) if declared else None

    def _sets(self, node: Node) -> bool:
        """Return whether a statement sets a variable that is needed."""
        for inner in walk([node]):
            target = None
            if inner.kind == "assign" or (
                inner.kind in {"postfix", "unary"} and inner.parts[0] in {"++", "--", "&"}
            ):
                target = inner.parts[1]
            if target is not None and target.kind == "name" and target.token.text in self.needed:
                return True
        return False

    def matters(self, node: Node) -> bool:
        """Return whether a node uses the counters."""
        return speaks_of(self.program, node, self.words, self.path, self.depth)


def sliced(program: Program, parsed: Parsed, words: frozenset[str], depth: int = DEPTH) -> Parsed:
    """Keep the part of a function that uses some words, directly or in calls up to some depth."""
    work = _Slice(program, parsed.path, words, depth)
    declared = {
        one.name
        for node in walk([parsed.body])
        if node.kind == "declaration"
        for one, _ in node.parts[2]
    }
    body = work.kept(parsed.body.parts[0])
    while True:
        used = {word for node in body for word in words_in(node)} & declared
        if used <= work.needed:
            break
        work.needed |= used
        body = work.kept(parsed.body.parts[0])
    return parsed._replace(body=parsed.body._replace(parts=(body,)))
