"""All counter designs, one module each, in the order in which they came up.

A new design is a new module with a DESIGN and a line in DESIGNS; docs/designs.md tells how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.designs import (
    dual_mode,
    per_node,
    per_thread,
    percpu,
    shared,
    tree,
    tree_aligned,
    tree_binary,
    tree_centred,
)

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Design

__all__ = ("DESIGNS",)

DESIGNS: dict[str, Design] = {
    module.DESIGN.id: module.DESIGN
    for module in (
        shared,
        per_thread,
        percpu,
        per_node,
        tree_binary,
        tree,
        tree_centred,
        tree_aligned,
        dual_mode,
    )
}
"""Design id -> design."""
