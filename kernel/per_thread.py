"""Split counting (per-thread slots) of a kernel source tree: mm/memory.c.

#define TASK_RSS_EVENTS_THRESH (64)
events++ > TASK_RSS_EVENTS_THRESH                in check_sync_rss_stat
fault_around_bytes = rounddown_pow_of_two(65536)     from 3.15 on, what one file fault may map
fault_around_pages = 65536 >> PAGE_SHIFT         since 6.4

Some kernels of vendors choose between PAGE_SIZE and a window by #if: the window counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.errors import Location
from rssbound.kernel.expressions import number_in

if TYPE_CHECKING:
    from rssbound.kernel.csource import CSource
    from rssbound.kernel.source_tree import SourceTree

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("events_thresh", "fault_around_bytes")

FILE = "mm/memory.c"
THRESH = "TASK_RSS_EVENTS_THRESH"
WINDOW = "fault_around_bytes"
LEAST_PAGE = 4096


def events_thresh(tree: SourceTree, *, needed: bool) -> int | None:
    """Read the threshold, and check the one place that compares with it."""
    thresh = tree.number(THRESH, FILE)
    if needed:
        tree.need(THRESH, thresh, FILE, f"{THRESH} cannot be found; per-thread needs it")
        for source in tree.sources(FILE):
            _check_comparison(tree, source)
    return thresh


def _check_comparison(tree: SourceTree, source: CSource) -> None:
    for node in source.nodes("binary_expression"):
        left, right = (source.word(node.child_by_field_name(side)) for side in ("left", "right"))
        sign = source.word(node.child_by_field_name("operator"))
        if right == THRESH and not (sign == ">" and left.endswith("events++")):
            tree.lacks(
                THRESH,
                source.location(node),
                f"{' '.join(source.word(node).split())} is not "
                f"understood; expected events++ > {THRESH}",
            )


def fault_around_bytes(tree: SourceTree, page_size: int | None) -> int | None:
    """Read the fault-around window, which one file fault maps, in bytes.

    0 before 3.15, where a fault maps one page. None if mm/memory.c does not exist.
    """
    source = tree.source(FILE)
    if source is None:
        return None
    found = [
        (_widest(source, value, page_size), source.location(value))
        for value in source.initialisers(WINDOW)
    ] + [
        (_bytes_of_pages(source, value, page_size), source.location(value))
        for value in source.initialisers("fault_around_pages")
    ]
    if not found and source.functions("do_fault_around"):
        tree.lacks(
            WINDOW,
            Location(FILE, 0),
            "do_fault_around is there, but the size of its window was not found",
        )
        return None
    if not found:
        tree.note(WINDOW, "0, no fault-around", Location(source.path, 0))
        return 0
    one = tree.one_of(WINDOW, found)
    if one is None:
        return None
    tree.note(WINDOW, *one)
    return one[0]


def _widest(source: CSource, node: Node, page_size: int | None) -> int | None:
    """Give a window; the larger one of two that #if chooses from, PAGE_SIZE and another."""
    if node.type != "conditional_expression":
        return number_in(source, node)
    names = {"PAGE_SIZE": page_size or LEAST_PAGE}
    sizes = [
        number_in(source, node.child_by_field_name(which), names)
        for which in ("consequence", "alternative")
    ]
    return None if None in sizes else max(sizes)  # type: ignore[type-var]


def _bytes_of_pages(source: CSource, node: Node, page_size: int | None) -> int | None:
    """Evaluate a number of pages, in bytes: the value before a shift by PAGE_SHIFT is in bytes."""
    if "PAGE_SHIFT" in [source.word(word) for word in source.nodes("identifier", node)]:
        return number_in(source, node, {"PAGE_SHIFT": 0})
    pages = number_in(source, node)
    return None if pages is None or page_size is None else pages * page_size
