"""A witness run on a kernel: expected and measured values of every file, in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import amount_text, counted, guessed, pages_text, printable
from rssbound.cli.render.words import cpus_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.proof.witness import Witness
    from rssbound.bounds.proof.witness_run import FileRun, WitnessRun
    from rssbound.bounds.vendors import KernelDesign
    from rssbound.cli.render import Style

__all__ = ("RanOn", "render")

FILE_WORDS = {
    "stat": "stat, field 24",
    "statm": "statm, resident",
    "status": "status, VmRSS",
    "status_anon": "status, RssAnon",
    "status_file_and_shmem": "status, RssFile + RssShmem",
}


class RanOn(NamedTuple):
    """Where a witness was run: machine name, kernel, page size in bytes, and how."""

    machine: str
    kernel: str
    design: KernelDesign
    page_size: int
    compiled: bool


def render(
    witness: Witness, runs: Sequence[WitnessRun], where: RanOn, format_: str, style: Style
) -> str:
    """Give the runs of a witness in a format."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(witness, runs, where),
        document=lambda: _document(witness, runs, where),
    )


def _widest(runs: Sequence[WitnessRun]) -> WitnessRun:
    return max(runs, key=lambda run: run.measured)


def _document(witness: Witness, runs: Sequence[WitnessRun], where: RanOn) -> dict[str, Any]:
    widest = _widest(runs)
    return {
        "kind": "rssbound.witness-run",
        "format_version": "1.0",
        "host": where.machine,
        "kernel": where.kernel,
        "kernel_design": where.design.known,
        "kernel_design_guess": where.design.guess,
        "page_size": where.page_size,
        "design": witness.design,
        "side": witness.side,
        "metric": witness.metric,
        "own_cpus": str(witness.own_cpus),
        "foreign_cpus": str(witness.foreign_cpus),
        "compiled": where.compiled,
        "bound": witness.bound,
        "measured": widest.measured,
        "files": _files(widest),
        "runs": [
            {
                "counters": list(run.counters),
                "bound": run.bound,
                "measured": run.measured,
                "held": run.held,
                "held_expected": run.held_expected,
                "clean": run.clean,
                "attempts": run.attempts,
                "files": _files(run),
            }
            for run in runs
        ],
    }


def _files(run: WitnessRun) -> dict[str, dict[str, int | None]]:
    return {
        name: {"expected": file.expected, "measured": file.measured}
        for name, file in run.files.items()
    }


# -- for people


def _sheet(witness: Witness, runs: Sequence[WitnessRun], where: RanOn) -> Sheet:
    rows = [(run, name, file) for run in runs for name, file in run.files.items()]
    columns = (
        Column("", "counters", tuple(_named(run, name) for run, name, _ in rows), numeric=False),
        Column("", "file", tuple(FILE_WORDS[name] for _, name, _ in rows), numeric=False),
        Column("", "expected", tuple(_expected(file) for _, _, file in rows)),
        Column("", "measured", tuple(pages_text(file.measured) for _, _, file in rows)),
        Column("", "of the bound", tuple(_share(run, file) for run, _, file in rows)),
    )
    heads = map(printable, _heads(witness, runs, where))
    return Sheet(tuple(heads), Table("", columns), tuple(_feet(witness, runs, where)))


def _named(run: WitnessRun, name: str) -> str:
    """Name the counters at the first row of a run."""
    return " + ".join(run.counters) if name == next(iter(run.files)) else ""


def _expected(file: FileRun) -> str:
    return "-" if file.expected is None else pages_text(file.expected)


def _share(run: WitnessRun, file: FileRun) -> str:
    return f"{100 * file.measured / run.bound:.0f} %" if run.bound else "-"


def _heads(witness: Witness, runs: Sequence[WitnessRun], where: RanOn) -> tuple[str, str]:
    how = "a compiled program" if where.compiled else "a separate process"
    kernel = guessed(" or ".join(where.design.candidates), guess=where.design.guess)
    foreign = f", others on {cpus_words(witness.foreign_cpus)}" if witness.foreign_cpus else ""
    widest = _widest(runs)
    most = amount_text(widest.bound, where.page_size)
    measured = counted(widest.measured, "page")
    bound = f"the bound is {most} {SIDE_WORDS[witness.side]}, measured {measured}"
    return (
        f"{witness.design} on {where.machine}, Linux {where.kernel}, which uses {kernel}",
        f"run by {how} on {cpus_words(witness.own_cpus)}{foreign}: {bound}",
    )


def _feet(witness: Witness, runs: Sequence[WitnessRun], where: RanOn) -> list[str]:
    feet = ["Values are in pages, compared with smaps_rollup, which walks the page tables."]
    if witness.design not in where.design.candidates:
        feet.append(f"this kernel does not use {witness.design}, so there are no expected values.")
    feet += [
        (
            f"{' + '.join(run.counters)}: disturbed in each of {run.attempts} runs; the process "
            f"grew by {counted(run.held, 'page')}, not {pages_text(run.held_expected)}."
        )
        for run in runs
        if not run.clean
    ]
    if any(run.exceeds for run in runs):
        feet.append("a measured error exceeds the bound: please report it.")
    return feet
