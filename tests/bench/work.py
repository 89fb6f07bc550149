"""Long work: replay of a witness, the shapes of a tree, a kernel's own functions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from case import RSSBOUND, Command, against, budgets, table, time_text
from installed import PYTHON, ROOT
from obtain import cache
from start_up import HOST

TITLE = "Work"

KERNEL, LAB_TREE = "BENCH_KERNEL_SOURCE", "linux-source-6.12"
MISSING = f"{KERNEL} names none, and `make lab-tools` did not get {LAB_TREE}"
UPDATES = 1_000_000
HOSTS = 10
NOTHING, REPLAYED = "replay of no update", "replay of 1,000,000 updates on the tree"
MEASURE, CHECK = "measure --kernel-source", f"check --kernel-source, {HOSTS} machines"
REPLAY = str(Path(__file__).with_name("replay.py"))


def commands(folder):
    """List the timed commands."""
    listed = [
        Command(NOTHING, (PYTHON, REPLAY, "0")),
        Command(REPLAYED, (PYTHON, REPLAY, str(UPDATES))),
        Command(
            "choose --budget 64MiB --shapes",
            (*RSSBOUND, "choose", "--topology", HOST, "--budget", "64MiB", "--shapes"),
        ),
    ]
    crossing = ("formula", "--cross", "percpu,tree")
    listed.append(Command("formula --cross percpu,tree, N to 2^20", (*RSSBOUND, *crossing)))
    if source := _kernel_source():
        tree = ("--kernel-source", str(Path(source).absolute()))
        listed += [
            Command(MEASURE, (*RSSBOUND, "measure", *tree, "--topology", HOST), once=True),
            Command(CHECK, _check(folder, tree), once=True),
        ]
    return listed


def _kernel_source():
    """Give a kernel source tree: the named one, or that of the lab; "" if there is none."""
    kept = cache() / LAB_TREE
    return os.environ.get(KERNEL) or (str(kept) if kept.exists() else "")


def _check(folder, tree):
    """Give the command that checks a kernel tree on some machines against a baseline of it."""
    hosts = sorted((ROOT / "examples").glob("*.json"))[:HOSTS]
    words = ("check", *tree, *(word for host in hosts for word in ("--topology", str(host))))
    baseline = str(folder / "baseline.json")
    subprocess.run(
        [*RSSBOUND, *words, "--write-baseline", baseline], check=True, stdout=subprocess.DEVNULL
    )
    return (*RSSBOUND, *words, "--baseline", baseline)


def report(results):
    """Give the results in Markdown."""
    names = [name for name in results if name != NOTHING]
    whole, start, checked = (results.get(name) for name in (REPLAYED, NOTHING, CHECK))
    replay = whole.seconds - start.seconds if whole and start else None
    limits = [
        against("seconds for a million updates", replay, 1),
        against(f"seconds of `{CHECK}`", checked and checked.seconds, 60),
    ]
    measured = "" if checked else f"No kernel tree was measured: {MISSING}.\n"
    return "\n".join(
        [
            table(["process", "time"], [[f"`{name}`", time_text(results[name])] for name in names]),
            budgets(limits),
            measured,
        ]
    )
