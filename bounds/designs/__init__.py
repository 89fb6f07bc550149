"""The designs of a counter, one module each, in the order in which they appeared.

A new design is a new module with a DESIGN and a line in MODULES; docs/add-a-design.md explains how.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Design
from rssbound.bounds.counter.rests import beyond

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.bounds.counter.rests import Rest

__all__ = (
    "BESIDE",
    "BESIDE_COUNTERS",
    "BESIDE_IDS",
    "DESIGNS",
    "MAINLINE",
    "design_of",
    "rests_of",
)

MODULES = (
    "shared",
    "per_thread",
    "percpu",
    "per_node",
    "tree_binary",
    "tree",
    "tree_centred",
    "tree_aligned",
    "dual_mode",
    "lazy",
    "tree_symmetric",
    "lazy_tree",
)

BESIDE: Mapping[str, tuple[str, ...]] = {
    "memory_current": ("stock-32", "stock", "stock-slots"),
    "memory_stat_batch": ("stat-batch",),
    "memory_stat_read": ("rstat-read",),
    "memory_stat_global": ("rstat-global-32", "rstat-global"),
    "memory_stat": ("rstat", "rstat-cut"),
    "vmstat": ("stat-threshold",),
    "sockets": ("socket-shared", "socket-reserve"),
}
"""Module -> its designs of counters other than RSS, in the order in which they appeared.

They are loaded on first use, because `analyze` of RSS does not need them.
"""

BESIDE_IDS = tuple(id_ for ids in BESIDE.values() for id_ in ids)

BESIDE_COUNTERS = (
    *("memory.current", "memory.stat"),
    *("vmstat.zone", "vmstat.node", "zoneinfo.zone", "zoneinfo.node"),
    "sockets",
)
"""The designs of a counter other than RSS. A sum that a reader shows is one counter."""


def _design(module: str) -> Design:
    """Load the design of a module. ImportError says in one line what is wrong with it."""
    file = f"bounds/designs/{module}.py"
    try:
        loaded = import_module(f"{__name__}.{module}")
    except TypeError as error:  # a field is missing, unknown or not a function
        text = str(error).replace("Design.__init__()", "DESIGN").replace("keyword-only ", "")
        raise ImportError(
            f"{file}: {text}; docs/add-a-design.md lists the fields of a design"
        ) from None
    design = getattr(loaded, "DESIGN", None)
    if not isinstance(design, Design):
        raise ImportError(  # noqa: TRY004 (an incomplete module cannot be imported)
            f"{file}: it defines no DESIGN; docs/add-a-design.md lists the fields of a design"
        )
    return design


def _designs() -> dict[str, Design]:
    designs: dict[str, Design] = {}
    for module in MODULES:
        design = _design(module)
        if design.id in designs:
            raise ImportError(f"bounds/designs/{module}.py: a second design {design.id!r}")
        designs[design.id] = design
    return designs


DESIGNS: dict[str, Design] = _designs()
"""Design id -> design of RSS."""


def design_of(design_id: str) -> Design:
    """Give the design with an id, of RSS or of another counter; KeyError if unknown."""
    if design_id in DESIGNS:
        return DESIGNS[design_id]
    module = next((name for name, ids in BESIDE.items() if design_id in ids), None)
    if module is None:
        raise KeyError(design_id)
    stated: tuple[Design, ...] = import_module(f"{__name__}.{module}").DESIGNS
    return next(design for design in stated if design.id == design_id)


def rests_of(*design_ids: str) -> tuple[Rest, ...]:
    """List what the bounds of designs rest on, in their order; KeyError if one is unknown.

    After the list of each design is what the other files of a tree can do to it.
    """
    return tuple(
        rest
        for design_id in design_ids
        for rest in beyond(_counter_of(design_id), design_of(design_id).rests)
    )


def _counter_of(design_id: str) -> str:
    """Give a short name of the counters that a design counts: rss, or that of its module."""
    modules = (module for module, ids in BESIDE.items() if design_id in ids)
    return next(modules, "rss").replace("_", "-")


MAINLINE = next(
    design.id
    for design in DESIGNS.values()
    if design.kernels.merged and design.kernels.last is None
)
"""The id of mainline's current design."""
