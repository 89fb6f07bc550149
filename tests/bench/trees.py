"""Captured trees: `analyze` against lscpu and lstopo, which read the same files.

Peers must do the same work: before a tree is timed, each reader must find the CPUs,
cores, packages and nodes that were written.
"""

from __future__ import annotations

import shutil

import sysfs_trees
from case import RICH_FLOOR, RSSBOUND, Command, budgets, floors, ratio, table, time_text

import rssbound
from rssbound.topology.writers import WRITERS

TITLE = "Captured trees"

SIZES = (8, 64, 512, 1024, 4096)
PEERS = {"lstopo": "lstopo-no-graphics", "lscpu": "lscpu"}
NOTES = """\
The trees have two packages, eight NUMA nodes and two threads a core (tests/support/sysfs_trees.py).
Before the timing, all readers counted the same CPUs, cores, packages and nodes. The commands
are `analyze --format json` of the tree and of the same machine as JSON, `topology capture` of the
tree (`--sysroot`), `lstopo-no-graphics --of xml` and `lscpu -e`.
"""
COLUMNS = ("analyze", "JSON", "capture", *PEERS)
BUDGETS = ((512, 1, True), (4096, 1 / 3, False))
"""CPUs, the most times lstopo's time, and whether the time to start is added to it."""


def commands(folder):
    """Write the trees, check that all readers count the same, and list the timed commands."""
    return [
        *floors(),
        *(command for cpus in SIZES for command in _of_tree(folder / str(cpus), cpus)),
    ]


def _of_tree(root, cpus):
    sysfs_trees.write_tree(root, cpus)
    readers = {"ours": sysfs_trees.ours}
    readers |= {name: getattr(sysfs_trees, name) for name in PEERS if shutil.which(PEERS[name])}
    found = {name: count(root) for name, count in readers.items()}
    wrong = {name: counts for name, counts in found.items() if counts != sysfs_trees.expected(cpus)}
    if wrong:
        raise AssertionError(f"{cpus} CPUs: {sysfs_trees.expected(cpus)} were written, not {wrong}")
    described = root / "host.json"
    described.write_text(WRITERS["json"](rssbound.read(root)), encoding="utf-8")
    for name, source in (("analyze", root), ("JSON", described)):
        words = ("analyze", "--topology", str(source), "--format", "json")
        yield Command(f"{name}, {cpus} CPUs", (*RSSBOUND, *words))
    captured = ("topology", "capture", "--sysroot", str(root), "--output", "-")
    yield Command(f"capture, {cpus} CPUs", (*RSSBOUND, *captured))
    if "lstopo" in found:
        environment = sysfs_trees.lstopo_environment(root)
        yield Command(f"lstopo, {cpus} CPUs", tuple(sysfs_trees.lstopo_command()), environment)
    if "lscpu" in found:
        yield Command(f"lscpu, {cpus} CPUs", tuple(sysfs_trees.lscpu_command(root)))


def report(results):
    """Give the results in Markdown."""
    rows = [
        [f"{cpus:,}"] + [time_text(results.get(f"{name}, {cpus} CPUs")) for name in COLUMNS]
        for cpus in SIZES
    ]
    limits = []
    start = results.get(RICH_FLOOR)
    for cpus, most, started in BUDGETS:
        peer = results.get(f"lstopo, {cpus} CPUs")
        time = peer and start and peer.seconds + (start.seconds if started else 0)
        what = f"`analyze` / (lstopo + `{RICH_FLOOR}`)" if started else "`analyze` / lstopo"
        limits.append(
            ratio(f"{what}, {cpus:,} CPUs", results.get(f"analyze, {cpus} CPUs"), time, most)
        )
    missing = [
        f"{program} is not installed.\n" for program in PEERS.values() if not shutil.which(program)
    ]
    return "\n".join(
        [
            NOTES,
            table(["CPUs", *COLUMNS], rows),
            budgets(limits),
            *missing,
        ]
    )
