"""Long work: replay of a witness, the shapes of a tree, a kernel's own functions."""

from __future__ import annotations

import os
from pathlib import Path

from case import PYTHON, RSSBOUND, Command, against, table, time_text
from start_up import HOST

TITLE = "Work"

KERNEL = "BENCH_KERNEL_SOURCE"
UPDATES = 1_000_000
REPLAY = str(Path(__file__).with_name("replay.py"))


def commands(folder):
    """List the timed commands."""
    listed = [
        Command("replay of no update", (PYTHON, REPLAY, "0")),
        Command("replay of 1,000,000 updates on the tree", (PYTHON, REPLAY, str(UPDATES))),
        Command(
            "choose --budget 64MiB --shapes",
            (*RSSBOUND, "choose", "--topology", HOST, "--budget", "64MiB", "--shapes"),
        ),
    ]
    crossing = ("formula", "--cross", "percpu,tree")
    listed.append(Command("formula --cross percpu,tree, N to 2^20", (*RSSBOUND, *crossing)))
    if source := os.environ.get(KERNEL):
        arguments = (*RSSBOUND, "measure", "--kernel-source", source, "--topology", HOST)
        listed.append(Command("measure --kernel-source", arguments, once=True))
    return listed


def report(results):
    """Give the results in Markdown."""
    names = [name for name in results if name != "replay of no update"]
    taken = results["replay of 1,000,000 updates on the tree"].seconds
    replay = taken - results["replay of no update"].seconds
    measured = (
        "" if os.environ.get(KERNEL) else f"`measure` was not timed: {KERNEL} names no tree.\n"
    )
    return "\n".join(
        [
            table(["process", "time"], [[f"`{name}`", time_text(results[name])] for name in names]),
            table(
                ["ratio", "found", "at most", ""],
                [against("seconds for a million updates", replay, 1)],
            ),
            measured,
        ]
    )
