"""Growth: time and memory of each command that reads a machine, from 2^4 to 2^20 CPUs."""

from __future__ import annotations

from math import log2

from case import RSSBOUND, Command, table, time_text

TITLE = "Growth with the CPUs"

ORDERS = (4, 8, 12, 16, 20)
LIMITS = {"topology convert --to dot": 16, "topology convert --to hwloc-xml": 14, "report": 16}
"""Orders above which a command is not run, because it writes every CPU."""
COMMANDS = (
    "analyze",
    "analyze --explain",
    "topology show",
    "topology convert --to json",
    "topology convert --to synthetic",
    "topology convert --to dot",
    "topology convert --to hwloc-xml",
    "report",
    "choose --budget 1TiB --shapes",
)
NOTES = """\
An exponent is that of the time above the time for 16 CPUs, over the last two sizes: 1 is linear. A
dash in its place means less than 50 ms, too little to measure. A dash for a time means that the
command was not run, or was stopped after 120 s. An object of an hwloc file has sets of all CPUs, so
the file grows with the square of the CPUs; more than 16,384 are refused. `topology convert --to
dot`, `topology show --full` and `report` write out every CPU and refuse more than 65,536. `topology
capture` reads only this machine; captured trees are measured above. `formula --cross` takes no
machine. `analyze --explain` examines every CPU for every level of every tree, and the number of
levels grows with the logarithm of the CPUs, hence its exponent above 1.
"""


def shape(order):
    """Describe a machine with 2^order CPUs: up to 2 packages, 4 nodes each, caches of 16 cores."""
    cores = 1 << order - 1
    if cores < 256:
        return f"package:2 core:{cores // 2} pu:2"
    return f"package:2 numa:4 l3:{cores // 128} core:16 pu:2"


def commands(folder):
    """List the timed commands: each one once on each size."""
    return [
        Command(_name(text, order), _arguments(text, order, folder), once=True)
        for order in ORDERS
        for text in COMMANDS
        if order <= LIMITS.get(text, ORDERS[-1])
    ]


def _name(text, order):
    return f"{text}, 2^{order} CPUs"


def _arguments(text, order, folder):
    words = (*text.split(), "--topology", shape(order))
    return (*RSSBOUND, *words, "--output", str(folder / "grown.html" if text == "report" else "-"))


def report(results):
    """Give the results in Markdown."""
    rows = []
    for text in COMMANDS:
        found = [(order, results.get(_name(text, order))) for order in ORDERS]
        known = [(order, measured) for order, measured in found if measured]
        peak = known[-1][1].mib if known else 0
        rows.append(
            [
                f"`{text}`",
                *(time_text(measured) for _, measured in found),
                f"{peak:.0f} MiB",
                _exponent(known),
            ]
        )
    heads = ["command", *(f"2^{order}" for order in ORDERS), "most memory", "exponent"]
    return "\n".join([NOTES, table(heads, rows), *_budgets(results)])


def _exponent(known):
    """Give the slope of the time above that of 16 CPUs between the last two sizes."""
    if not known:
        return "-"
    (_, floor), *rest = known
    above = [(order, measured.seconds - floor.seconds) for order, measured in rest]
    if len(above) < 2 or above[-1][1] < 0.05:
        return "-"
    (before, little), (last, much) = above[-2:]
    return f"{log2(much / max(little, 0.01)) / (last - before):.2f}"


def _budgets(results):
    lines = []
    for text, seconds in (("analyze", 2), ("topology show", 10)):
        found = results.get(_name(text, ORDERS[-1]))
        if found:
            met = "met" if found.seconds <= seconds and found.mib <= 1024 else "missed"
            lines.append(
                f"`{text}` of 2^20 CPUs: {found.seconds:.1f} s and {found.mib:.0f} MiB; "
                f"at most {seconds} s and 1,024 MiB: {met}.\n"
            )
    return lines
