"""A digest of a machine's structure, independent of its name and of the source format."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rssbound.topology.model import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.topology.model import Column, Topology

__all__ = ("digest_of",)

DIGITS = 16


def digest_of(topology: Topology) -> str:
    """Give 16 hexadecimal digits: equal for equal CPUs, groups, nodes and page size.

    The digest does not depend on the name, the source, the kernel release, warnings, and the
    numbering of groups other than NUMA nodes. It is stable between releases of this package,
    Python versions and machines.
    """
    text = "\n".join(_lines(topology))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _lines(topology: Topology) -> Iterator[str]:
    yield "rssbound topology 1"
    for name in ("possible", "present", "online"):
        yield f"{name} {getattr(topology, name)}"
    yield f"page_size {topology.page_size}"
    yield from (f"node {node.id} {node.cpus}" for node in topology.nodes)
    if topology.node_count is not None:
        yield f"nodes {topology.node_count}"
    for level in LEVELS:
        column = tuple(topology.possible.select(topology.column(level)))
        if any(group is not None for group in column):
            yield f"{level} {_text(column if level == 'node' else _renumbered(column))}"


def _renumbered(column: Column) -> Column:
    """Number the groups in the order of first appearance."""
    numbers: dict[int, int] = {}
    return tuple(
        None if group is None else numbers.setdefault(group, len(numbers)) for group in column
    )


def _text(column: Column) -> str:
    return " ".join("-" if group is None else str(group) for group in column)
