"""Slices of a function: what it does with the RSS that it reads, and where it updates RSS.

A function such as do_task_stat is long, and most of it has nothing to do with RSS. Its slice has
the statements that read or update RSS, those that use the result, and the conditions around them.
"""

from __future__ import annotations

import re
from itertools import compress
from typing import TYPE_CHECKING, Any

from rssbound.kernel.equal_forms import conditions_of, is_each, parts
from rssbound.kernel.equal_forms.order import numbered
from rssbound.kernel.files import declared_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rssbound.kernel.csource import CSource
    from rssbound.kernel.normal_form import Writer

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("READS", "around", "path_slice", "reader_slice", "statement_of")

READS = re.compile(
    r"\w*get_mm_(counter|rss|hiwater_rss)\w*|percpu_counter_(read|sum)\w*|\w*(approximate|precise)_sum\w*"
    r"|hiwater_rss|rss_stat|_file_rss|_anon_rss|task_mem|task_statm|oom_badness"
    r"|setmax_mm_hiwater_rss|acct_rss_mem1|\w*maxrss"
)
"""Names that read RSS or its peak."""

UPDATES = re.compile(
    r"(add|inc|dec|set)_mm_(counter|rss)\w*|(check_)?sync_(mm_)?rss\w*|(do|alloc)_set_pte|set_pte_range"
    r"|map_pages|filemap_map_\w+|do_fault_around"
)
"""Names that update RSS, or lead from a fault to an update."""

STATEMENTS = ("expression_statement", "declaration", "return_statement", "goto_statement")
JUMPS = ("return_statement", "goto_statement", "break_statement", "continue_statement")
LEAVING = ("return_statement", "goto_statement")
HEADS = ("condition", "initializer", "update")
LEAVES = ("identifier", "field_identifier")


def reader_slice(source: CSource, function: Node, writer: Writer) -> str:
    """Write what a function does with RSS: reads, uses of their results, and conditions.

    Returns before the last of these count too, but not their conditions.
    """
    body = writer.body(function)
    if body is not None:
        return _of_body(parts.reading(body.statements, _is(READS)), body.types)
    if source.end_of(function) > function.end_byte:
        return writer.lexed(function.start_byte, source.end_of(function))
    pieces = list(_pieces(function, jumps=True))
    names = [_words(source, piece) for piece in pieces]
    assigned = [_assigned(source, piece) for piece in pieces]
    is_read = [any(map(READS.fullmatch, words)) for words in names]
    steps = list(zip(names, assigned, strict=True))
    tainted = parts.reached(_all_of(assigned, is_read), steps)
    reading = [
        read or not tainted.isdisjoint(words) for read, words in zip(is_read, names, strict=True)
    ]
    needed = _needed(names, assigned, reading) & writer.local
    kept = {
        place: piece
        for place, piece in enumerate(pieces)
        if reading[place] or assigned[place] & needed
    }
    leaves = [
        piece.type
        for place, piece in enumerate(pieces)
        if piece.type in LEAVING and place not in kept and place < max(kept, default=0)
    ]
    return " ".join([*leaves, _written(list(kept.values()), writer)]) if kept else ""


def path_slice(source: CSource, function: Node, writer: Writer) -> str:
    """Write where a function updates RSS, with which amounts, and the returns before that."""
    body = writer.body(function)
    if body is not None:
        return _of_body(parts.updating(body.statements, _is(UPDATES)), body.types)
    if source.end_of(function) > function.end_byte:
        return writer.lexed(function.start_byte, source.end_of(function))
    pieces = list(_pieces(function, jumps=True))
    names = [_words(source, piece) for piece in pieces]
    assigned = [_assigned(source, piece) for piece in pieces]
    updating = [any(map(UPDATES.fullmatch, words)) for words in names]
    needed = _needed(names, assigned, updating) & writer.local
    last = max((place for place, is_update in enumerate(updating) if is_update), default=-1)
    kept = [
        piece
        for place, piece in enumerate(pieces)
        if updating[place] or assigned[place] & needed or (piece.type in JUMPS and place < last)
    ]
    return _written(kept, writer)


def _needed(names: list[set[str]], assigned: list[set[str]], kept: list[bool]) -> set[str]:
    """Give the names in kept pieces, and those from which these are computed."""
    return parts.reached(_all_of(names, kept), list(zip(assigned, names, strict=True)))


def _all_of(sets: list[set[str]], kept: list[bool]) -> set[str]:
    return set[str]().union(*compress(sets, kept))


def _is(names: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda word: names.fullmatch(word) is not None


def _of_body(statements: list[Any], types: dict[str, str]) -> str:
    return " ".join(numbered([parts.written(statements)], types)) if statements else ""


def around(node: Node, writer: Writer) -> str:
    """Write the conditions that must hold for a node to be reached, outermost first.

    `if (a && b)` and two nested `if` are the same conditions.
    """
    heads: list[str] = []
    while node.parent is not None and node.type != "function_definition":
        inside, node = node, node.parent
        if node.type == "if_statement" and inside == node.child_by_field_name("consequence"):
            heads += _ifs(node, writer, holds=True)
        elif node.type == "if_statement" and inside == node.child_by_field_name("alternative"):
            heads += _ifs(node, writer, holds=False)
        elif node.type in {"while_statement", "do_statement", "switch_statement"}:
            if inside == node.child_by_field_name("body"):
                kind = node.type.partition("_")[0]
                heads.append(f"{kind} {writer.of(node.child_by_field_name('condition'))}")
        elif node.type == "for_statement" and inside == node.child_by_field_name("body"):
            stepped = (writer.stepped(node.child_by_field_name(name)) for name in HEADS)
            heads.append(f"for {' ; '.join(stepped)}")
        elif node.type == "case_statement":
            value = node.child_by_field_name("value")
            heads.append("default" if value is None else f"case {writer.of(value)}")
        elif node.type == "compound_statement":
            heads += _loop_before(inside, writer)
    return " > ".join(reversed(heads))


def _ifs(node: Node, writer: Writer, *, holds: bool) -> list[str]:
    """Write the conditions of an if, innermost first."""
    condition = writer.of(node.child_by_field_name("condition"))
    return [f"if {one}" for one in reversed(conditions_of(condition, holds=holds))]


def statement_of(node: Node) -> Node | None:
    """Give the statement, condition or member that a node is part of; None if there is none."""
    while node.parent is not None:
        inside, node = node, node.parent
        if inside.type in {*STATEMENTS, "field_declaration", "ERROR"}:
            return inside
        if any(inside == node.child_by_field_name(name) for name in HEADS):
            return inside
    return None


def _loop_before(statement: Node, writer: Writer) -> list[str]:
    """Give the for_each_*(..) before its body, as the parser represents it."""
    before = statement.prev_named_sibling
    if before is None or before.type != "expression_statement":
        return []
    name = before.text.partition(b"(")[0].decode(errors="replace").strip()
    return [writer.of(before)] if is_each(name) else []


def _pieces(function: Node, *, jumps: bool = False) -> Iterator[Node]:
    """Yield the statements and conditions of a function, in order."""
    wanted = {*STATEMENTS, *JUMPS} if jumps else {*STATEMENTS}
    waiting = [function.child_by_field_name("body")]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        parent = node.parent
        is_head = any(node == parent.child_by_field_name(name) for name in HEADS)
        if node.type in wanted or node.type == "ERROR" or is_head:
            yield node
        else:
            waiting.extend(reversed(node.children))


def _words(source: CSource, piece: Node) -> set[str]:
    return {source.word(word) for kind in LEAVES for word in source.nodes(kind, piece)}


def _assigned(source: CSource, piece: Node) -> set[str]:
    """Give the variables that a statement sets, or whose address it passes on."""
    found = set()
    for kind, name in (("assignment_expression", "left"), ("update_expression", "argument")):
        found |= {
            _base(source, node.child_by_field_name(name)) for node in source.nodes(kind, piece)
        }
    for node in source.nodes("init_declarator", piece):
        declared = declared_name(node)
        found |= {source.word(declared)} if declared is not None else set()
    for node in source.nodes("pointer_expression", piece):
        if source.word(node.children[0]) == "&":
            found.add(_base(source, node.child_by_field_name("argument")))
    return found - {""}


def _base(source: CSource, node: Node | None) -> str:
    """Give the variable that is set in `*p = ..` or `v[i] = ..`; "" for a member of another."""
    while node is not None and node.type in {
        *("pointer_expression", "subscript_expression", "parenthesized_expression"),
    }:
        node = node.child_by_field_name("argument") or next(
            (child for child in node.children if child.is_named), None
        )
    return source.word(node) if node is not None and node.type == "identifier" else ""


def _written(pieces: list[Node], writer: Writer) -> str:
    """Write pieces with the conditions around them."""
    listed = []
    for piece in pieces:
        text = writer.of(piece)
        if text:
            listed.append(f"[{around(piece, writer)}] {text}")
    return " ".join([*listed, *writer.local_types()])
