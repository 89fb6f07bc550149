"""Growth: time and memory of each command that reads a machine, from 2 to 2^20 CPUs."""

from __future__ import annotations

from math import log, log2

from case import RSSBOUND, Command, against, budgets, table, time_text

TITLE = "Growth with the CPUs"

ORDERS = (1, 4, 8, 12, 14, 16, 18, 20)
LIMITS = {"topology convert --to dot": 16, "topology convert --to hwloc-xml": 14, "report": 16}
"""Orders above which a command is not run, because it writes every CPU."""
LINEAR = log(10) / log(8)
WHY = {
    "analyze --explain": "The levels of its trees grow in number with the logarithm of the CPUs.",
    "topology convert --to hwloc-xml": "The file grows with the square of the CPUs.",
}
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
An exponent is that of the time above the time for 2 CPUs, over the last two sizes: 1 is linear,
and at most {most:.2f} is allowed, 10 times the time for 8 times the CPUs. A dash in its place means
less than 50 ms, too little to measure. A dash for a time means that the command was not run, or was
stopped after 120 s. An object of an hwloc file has sets of all CPUs, so the file grows with the
square of the CPUs; more than 16,384 are refused. `topology convert --to dot`, `topology show
--full` and `report` write out every CPU and refuse more than 65,536. `topology capture` reads
machines, not descriptions; captured trees are measured above. `formula --cross` takes no machine;
it is measured below, for all numbers of CPUs up to 2^20.
"""


def shape(order):
    """Describe a machine with 2^order CPUs: up to 2 packages, 4 nodes each, caches of 16 cores."""
    cores = 1 << order - 1
    if order < 2:
        return f"core:{1 << order}"
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
    rows, exponents = [], {}
    for text in COMMANDS:
        found = [(order, results.get(_name(text, order))) for order in ORDERS]
        known = [(order, measured) for order, measured in found if measured]
        exponents[text] = _exponent(known)
        peak = known[-1][1].mib if known else 0
        rows.append(
            [
                f"`{text}`",
                *(time_text(measured) for _, measured in found),
                f"{peak:.0f} MiB",
                "-" if exponents[text] is None else f"{exponents[text]:.2f}",
            ]
        )
    heads = ["command", *(f"2^{order}" for order in ORDERS), "most memory", "exponent"]
    notes = NOTES.format(most=LINEAR)
    return "\n".join([notes, table(heads, rows), budgets(_budgets(results, exponents))])


def _exponent(known):
    """Give the slope of the time above that of 2 CPUs between the last two sizes.

    None if there is too little to measure.
    """
    if not known:
        return None
    (_, floor), *rest = known
    above = [(order, measured.seconds - floor.seconds) for order, measured in rest]
    if len(above) < 2 or above[-1][1] < 0.05:
        return None
    (before, little), (last, much) = above[-2:]
    return log2(much / max(little, 0.01)) / (last - before)


def _budgets(results, exponents):
    rows = []
    for text, seconds in (("analyze", 2), ("topology show", 10)):
        found = results.get(_name(text, ORDERS[-1]))
        rows.append(against(f"seconds of `{text}`, 2^20 CPUs", found and found.seconds, seconds))
        rows.append(against(f"MiB of `{text}`, 2^20 CPUs", found and found.mib, 1024))
    return rows + [
        against(f"exponent of `{text}`", exponent, LINEAR, WHY.get(text, ""))
        for text, exponent in exponents.items()
        if exponent is not None
    ]
