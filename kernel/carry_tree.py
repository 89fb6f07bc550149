"""The counter tree of a kernel source tree: its batch and its table of fan-ins.

kernel/fork.c or a header      #define RSS_STAT_BATCH_SIZE 32
kernel/fork.c                  percpu_counter_tree_init*(mm->rss_stat, .. RSS_STAT_BATCH_SIZE)
lib/percpu_counter_tree.c      MAX_NR_LEVELS, per_nr_cpu_order_config; or a parameter, arity

The series after v17 has no table. It sets the shape at boot, by the parameter arity, and can start
without a tree, which percpu_counter_tree_activate* creates later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.errors import Location
from rssbound.kernel.fan_in_table import TABLE, table_in

if TYPE_CHECKING:
    from rssbound.kernel.source_tree import SourceTree

__all__ = ("arities", "batch_of_tree", "kind_of_tree")

BATCH = "RSS_STAT_BATCH_SIZE"
BATCH_FILES = (
    *("kernel/fork.c", "include/linux/mm.h", "include/linux/mm_types.h"),
    *("include/linux/mm_types_task.h", "include/linux/percpu_counter_tree.h"),
)
FILE = "lib/percpu_counter_tree.c"
FUNCTION = "percpu_counter_tree_"
LEVELS = "MAX_NR_LEVELS"
PARAMETER = re.compile(
    rb"^\s*(?:module|core|early|late)_param\w*\(\s*\"?(?:percpu_counter_tree\.)?arity\b"
    rb"|^__setup\(\s*\"(?:percpu_counter_tree\.)?arity=",
    re.MULTILINE,
)
"""How the shape becomes a boot parameter."""

LAZY = re.compile(rb"\bpercpu_counter_tree_(?:activate\w*|init\w*_lazy)\s*\([^)]*\brss_stat\b")
MAKERS = ("kernel/fork.c", "include/linux/mm.h", "include/linux/mm_types.h")
"""Where the counters of a process are initialised."""

TABLE_WORDS = (LEVELS, "n_arity_order", "counter_config", TABLE)
"""Names that only a tree with a table has."""


def kind_of_tree(tree: SourceTree, location: Location) -> str | None:
    """Give the design id: the tree with a table, or one of those without."""
    source = tree.source(FILE)
    if source is None:
        fault = f"rss_stat is a percpu_counter_tree, but {FILE} is missing"
        tree.lacks("design", location, fault)
        return None
    if source.initialisers(TABLE):
        return "tree"
    if PARAMETER.search(source.text):
        return "lazy-tree" if _is_lazy(tree) else "tree-symmetric"
    names = [source.name_of(function) for function in source.nodes("function_definition")]
    speaks_of_one = any(word.encode() in source.text for word in TABLE_WORDS)
    if not speaks_of_one and any(name.startswith(FUNCTION) for name in names):
        return "tree-binary"
    broken = source.unparsed(source.root)
    where = Location(FILE, 0) if broken is None else source.location(broken)
    tree.lacks("design", where, f"the table {TABLE} cannot be found or parsed")
    return None


def _is_lazy(tree: SourceTree) -> bool:
    """Return whether the counters of a process start without a tree."""
    return any(LAZY.search(source.text) for source in tree.sources(*MAKERS))


def batch_of_tree(tree: SourceTree, design: str | None) -> int | None:
    """Read the batch, and check that the counters of a process are initialised with it."""
    batch = tree.number(BATCH, *BATCH_FILES)
    if design in {"tree", "tree-binary", "tree-symmetric", "lazy-tree"}:
        files = ", ".join(BATCH_FILES)
        needs = f"{design} needs it"
        tree.need(
            BATCH, batch, BATCH_FILES[0], f"{BATCH} cannot be found in any of {files}; {needs}"
        )
        _check_init(tree)
    if batch is not None and (batch < 2 or batch & (batch - 1)):
        location = next(constant.location for constant in tree.found if constant.name == BATCH)
        tree.lacks(BATCH, location, f"{BATCH} is {batch}; a tree needs a power of two above 1")
        return None
    return batch


def _check_init(tree: SourceTree) -> None:
    for source in tree.sources("kernel/fork.c"):
        for name, call in source.calls(source.root):
            words = [source.word(word) for word in source.nodes("identifier", call)]
            makes = name.startswith(f"{FUNCTION}init") and "rss_stat" in source.word(call)
            if makes and BATCH not in words:
                fault = f"{name} initialises rss_stat without {BATCH}"
                tree.lacks(BATCH, source.location(call), fault)


def arities(tree: SourceTree) -> tuple[tuple[int, ...], ...] | None:
    """Read the fan-in orders of each order; None if there is no table."""
    source = tree.source(FILE)
    tables = source.initialisers(TABLE) if source else []
    if source is None or not tables:
        return None
    if len(tables) > 1:
        locations = [source.location(table) for table in tables]
        places = " and ".join(map(str, locations))
        fault = f"{TABLE} is defined at {places}, and it is not known which applies"
        tree.lacks(TABLE, locations[0], fault)
        return None
    levels = tree.number(LEVELS, FILE)
    tree.need(LEVELS, levels, FILE, f"{LEVELS} cannot be found")
    found, findings, faults = table_in(source, tables[0], levels)
    tree.findings += findings
    for location, fault in faults:
        tree.lacks(TABLE, location, fault)
    if faults:
        return None
    tree.note(TABLE, f"{len(found)} orders", source.location(tables[0]))
    return found
