"""`rssbound formula`: bounds as formulas, their growth, as code, and where two of them cross."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.counter.counters import COUNTERS, METRICS, SIDES
from rssbound.bounds.designs import BESIDE_COUNTERS, BESIDE_IDS, design_of
from rssbound.bounds.scenario.parameters import MOST_ORDER
from rssbound.bounds.scenario.scenario import DEFAULT_PAGE_SIZE, percpu_counter_batch, resolve
from rssbound.cli.command import Whole, Word, command
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    apply,
    designs_option,
    is_given,
    result_options,
    scenario_options,
    source_options,
)
from rssbound.cli.output import targets_of, write, write_result
from rssbound.cli.progress import patience
from rssbound.cli.render import FORMATS_WITHOUT_ROWS
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.symbolic.formula import Formula
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

__all__ = ("formula",)

CROSS_VALUES = (
    "numa_nodes",
    "threads",
    "batch",
    "percpu_batch",
    "page_size",
    "fault_around_bytes",
    "nodes_shift",
)
"""Options that give values to the symbols, for --cross."""

EPILOG = """\b
Examples:
  rssbound formula
  rssbound formula --design tree --latex
  rssbound formula --design percpu --side under --lang sql
  rssbound formula --topology host.json --design tree-aligned
  rssbound formula --metric memory.current --lang c
  rssbound formula --cross percpu,per-thread --threads 5
"""


class Pair(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """Two designs, such as percpu,tree."""

    name = "designs"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read the two ids."""
        ids = value if isinstance(value, tuple) else tuple(str(value).split(","))
        unknown = [id_ for id_ in ids if id_ not in DESIGNS]
        if unknown:
            self.fail(f"unknown design {unknown[0]!r}; known: {', '.join(DESIGNS)}", param, ctx)
        if len(ids) != 2:
            self.fail(f"{value!r} does not name two designs, such as percpu,tree", param, ctx)
        return ids[0], ids[1]


@command(EPILOG)
@apply([*source_options(default="CPUs 0 .. N-1, all online"), designs_option(beside=True)])
@click.option(
    "--metric",
    type=Word(["counter", *COUNTERS, *METRICS, *BESIDE_COUNTERS]),
    metavar="METRIC",
    default="counter",
    show_default=True,
    help="counter, the worst single counter; file, anon, swap or shmem; rss; oom; or a counter "
    f"other than RSS: {', '.join(BESIDE_COUNTERS)}.",
)
@click.option(
    "--side", type=Word(SIDES), help="Reading too low (under) or too high (over).  [default: both]"
)
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@click.option(
    "--lang",
    type=Word(["c", "python", "sql"]),
    help="Print code in integer arithmetic: a C or Python function, or an SQL expression.",
)
@click.option(
    "--cross",
    type=Pair(),
    metavar="A,B",
    help=f"Show for which N the bound of design A is below that of B; all N up to 2^{MOST_ORDER} "
    "are tried.",
)
@click.option(
    "--numa-nodes",
    type=Whole(1, 1024),
    metavar="NUMBER",
    default=2,
    show_default=True,
    help="NUMA nodes of the machines of --cross, M in the formulas; at most N.",
)
@apply(scenario_options(*CROSS_VALUES[1:]))
@apply(result_options(FORMATS_WITHOUT_ROWS))
@click.pass_context
def formula(
    context: click.Context,
    /,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    designs: tuple[str, ...],
    metric: str,
    side: str | None,
    latex: bool,
    lang: str | None,
    cross: tuple[str, str] | None,
    numa_nodes: int,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Print bounds as formulas, from the same definition that analyze evaluates.

    Without --topology, the formulas are for CPUs 0 .. N-1, all online; with it, for the CPUs of
    that machine. Threads, batches and other values are symbols. The options that set them apply
    only to --cross.
    """
    _check_options(context, latex=latex, lang=lang, cross=cross)
    is_code = bool(latex or lang)
    targets = () if is_code else targets_of(output, format_, FORMATS_WITHOUT_ROWS, color)
    machine = None if topology is None else read_machine(topology, form, kernel)
    sides = (side,) if side else SIDES
    if cross:
        write_result(targets, _cross(cross, metric, sides, numa_nodes, machine, options))
        return
    with patience("loading the algebra"):
        from rssbound.bounds.symbolic import growth  # noqa: PLC0415 (sympy is slow to load)
        from rssbound.cli.render.code import formula as code  # noqa: PLC0415
        from rssbound.cli.render.results import formulas  # noqa: PLC0415

        found = _formulas(designs, metric, sides, machine)
    if is_code:
        shown = formulas.latex if latex else code.LANGUAGES[str(lang)]
        for file in output:
            write("\n".join(map(shown, found)), file)
        return
    rows = [
        formulas.Row(
            bound, growth.growth_of(design_of(bound.design), bound), growth.ratio_of(bound)
        )
        for bound in found
    ]
    of = None
    if machine:
        online = len(machine.online)
        of = formulas.Machine(machine.name, online, percpu_counter_batch(online))
    write_result(targets, partial(formulas.render, rows, of))


def _check_options(
    context: click.Context, *, latex: bool, lang: str | None, cross: tuple[str, str] | None
) -> None:
    """UsageError for options that would have no effect."""
    if sum(map(bool, (latex, lang, cross))) > 1:
        raise click.UsageError("--latex, --lang and --cross cannot be combined.")
    if (latex or lang) and is_given(context, "format_"):
        raise click.UsageError("--latex and --lang already choose the format; leave out --format.")
    if cross and is_given(context, "designs"):
        raise click.UsageError("--cross names the designs; leave out --design.")
    values = [name for name in CROSS_VALUES if is_given(context, name)]
    if values and not cross:
        option = values[0].replace("_", "-")
        raise click.UsageError(
            f"--{option} applies only to --cross; a formula has a symbol for it."
        )


def _formulas(
    ids: tuple[str, ...], metric: str, sides: tuple[str, ...], machine: Topology | None
) -> list[Formula]:
    from rssbound.bounds.scenario.parameters import parameters_of  # noqa: PLC0415
    from rssbound.bounds.symbolic.formula import formula_of  # noqa: PLC0415 (sympy is slow to load)

    parameters = None
    if machine is not None:
        parameters = parameters_of(machine, resolve(Scenario(), machine))
    chosen: list[Design] = [
        design_of(id_)
        for id_ in (*DESIGNS, *BESIDE_IDS)
        if id_ in (ids or _of_metric(metric))
        if ids or machine is not None or not design_of(id_).follows_hardware
    ]
    return [formula_of(design, metric, side, parameters) for design in chosen for side in sides]


def _of_metric(metric: str) -> tuple[str, ...]:
    """List the designs of a metric: those of RSS, or of another counter."""
    if metric not in BESIDE_COUNTERS:
        return tuple(DESIGNS)
    from rssbound.bounds.reading.beside import designs_of  # noqa: PLC0415 (RSS does without)

    return tuple(design.id for design in designs_of(metric))


def _cross(
    ids: tuple[str, str],
    metric: str,
    sides: tuple[str, ...],
    numa_nodes: int,
    machine: Topology | None,
    options: dict[str, Any],
) -> Callable[[str, Style], str]:
    """Compare two designs; gives a function that prints the comparison."""
    if machine is not None:
        raise ScenarioError("--cross compares over all numbers of CPUs; leave out --topology")
    for id_ in ids:
        if DESIGNS[id_].follows_hardware:
            raise ScenarioError(f"--cross: {id_} depends on the hardware, not on N alone")
    from rssbound.bounds.symbolic.crossing import stretches_of  # noqa: PLC0415 (sympy is slow to load)
    from rssbound.cli.render.results import crossing  # noqa: PLC0415

    values = _values(options, numa_nodes)
    pair = (DESIGNS[ids[0]], DESIGNS[ids[1]])
    with patience("comparing"):
        found = {side: stretches_of(pair, metric, side, values) for side in sides}
    page_size = options["page_size"] or DEFAULT_PAGE_SIZE
    return partial(crossing.render, ids, metric, values, page_size, found)


def _values(options: dict[str, Any], numa_nodes: int) -> dict[str, int]:
    """Give values for the symbols, checked as for any scenario."""
    from rssbound.bounds.scenario.parameters import parameters_of  # noqa: PLC0415
    from rssbound.topology import read  # noqa: PLC0415

    any_machine = read("core:1")
    parameters = parameters_of(any_machine, resolve(Scenario(**options), any_machine))
    given = {} if options["percpu_batch"] is None else {"b": parameters.percpu_batch}
    return {
        "B": parameters.batch,
        "T": parameters.threads,
        "F": parameters.fault_pages,
        "M": numa_nodes,
        "S": parameters.nodes_shift,
        **given,
    }
