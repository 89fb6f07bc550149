"""One module for each output format of a Topology; each returns a string and prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.topology.writers import document, dot, hwloc, synthetic

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.topology.model import Topology

__all__ = ("WRITERS",)

WRITERS: dict[str, Callable[[Topology], str]] = {
    "json": document.write,
    "synthetic": synthetic.write,
    "hwloc-xml": hwloc.write,
    "dot": dot.write,
}
"""Format name for `--to`, and the function that writes the format."""
