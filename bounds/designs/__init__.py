"""Which ways to build a counter are there? One module each, in the order in which they came up.

A new design is a new module with a DESIGN and a line in MODULES; docs/designs.md tells how.
"""

from __future__ import annotations

from importlib import import_module

from rssbound.bounds.counter.design import Design

__all__ = ("DESIGNS", "MAINLINE")

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


def _design(module: str) -> Design:
    """Load the design of a module; ImportError that says in one line what is wrong with it."""
    file = f"bounds/designs/{module}.py"
    try:
        loaded = import_module(f"{__name__}.{module}")
    except TypeError as error:  # a field that is missing, not known, or no function
        text = str(error).replace("Design.__init__()", "DESIGN").replace("keyword-only ", "")
        raise ImportError(f"{file}: {text}; docs/designs.md says what a design states") from None
    design = getattr(loaded, "DESIGN", None)
    if not isinstance(design, Design):
        raise ImportError(  # noqa: TRY004 (a module that lacks something does not import)
            f"{file}: no DESIGN in it; docs/designs.md says what a design states"
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
"""Design id -> design."""

MAINLINE = next(
    design.id
    for design in DESIGNS.values()
    if design.kernels.merged and design.kernels.last is None
)
"""The id of the design that mainline uses now."""
