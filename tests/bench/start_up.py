"""Start-up: `analyze` of a described machine against the imports that it needs."""

from __future__ import annotations

from pathlib import Path

from case import FLOOR, RICH_FLOOR, RSSBOUND, Command, budgets, floors, ratio, table, time_text

TITLE = "Start-up"

HOST = str(Path(__file__).parents[2] / "examples/epyc-9654-2p.json")
BUDGETS = {
    "json": (FLOOR, 1.5),
    "csv": (FLOOR, 1.5),
    "plain": (FLOOR, 1.5),
    "table": (RICH_FLOOR, 1.3),
}
LAWS = "It includes the typical error of every design, which takes exact fractions."
REST = "What is left is loading designs, laws and options, all of which are used."
WHY = {
    "csv": LAWS,
    "json": LAWS,
    "plain": REST,
    "table": REST,
}


def commands(folder):
    """List the timed commands."""
    return [
        *floors(),
        *(
            Command(
                f"analyze --format {form}",
                (*RSSBOUND, "analyze", "--topology", HOST, "--format", form),
            )
            for form in BUDGETS
        ),
        Command("--version", (*RSSBOUND, "--version")),
        Command("--help", (*RSSBOUND, "--help")),
    ]


def report(results):
    """Give the results in Markdown."""
    rows = []
    for form, (floor, most) in BUDGETS.items():
        ours, theirs = results.get(f"analyze --format {form}"), results.get(floor)
        what = f"`analyze --format {form}` / `{floor}`"
        rows.append(ratio(what, ours, theirs and theirs.seconds, most, WHY.get(form, "")))
    names = [command.name for command in commands("")]
    times = [[f"`{name}`", time_text(results.get(name))] for name in names]
    return "\n".join(
        [
            "`examples/epyc-9654-2p.json`: 384 CPUs.\n",
            budgets(rows),
            table(["process", "time"], times),
        ]
    )
