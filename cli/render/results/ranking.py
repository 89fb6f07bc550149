"""Whether the OOM killer can rank processes wrongly, in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.catalogue import PRECISE
from rssbound.bounds.reading.releases import OOM_FIX
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import (
    NO_BOUND,
    amount_text,
    bytes_text,
    guessed,
    pages_text,
    printable,
    signed_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.reading.ranking import Contender, Pair, Ranking, Subject
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

__all__ = ("Asked", "render")

PRECISE_SINCE = ".".join(map(str, OOM_FIX.release[:2]))


class Asked(NamedTuple):
    """The question: a machine, the name of its kernel, the page size in bytes, the processes.

    `design` is the design of the kernel's counters, and whether that is a guess.
    """

    machine: Topology
    kernel: str
    page_size: int
    design: tuple[str, bool]
    subjects: Sequence[Subject]


def render(ranking: Ranking, asked: Asked, format_: str, style: Style) -> str:
    """Give a ranking in a format."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(ranking, asked),
        document=lambda: _document(ranking, asked),
    )


# -- for programs


def _document(ranking: Ranking, asked: Asked) -> dict[str, Any]:
    design, guess = asked.design
    adj = {subject.name: subject.adj for subject in asked.subjects}
    return {
        "kind": "rssbound.oom",
        "format_version": "1.0",
        "host": asked.machine.name,
        "kernel": asked.machine.kernel,
        "page_size": asked.page_size,
        "design": design or None,
        "design_guess": guess,
        "accuracy": ranking.accuracy.kind,
        "accuracy_guess": ranking.accuracy.guess,
        "precise_since": PRECISE_SINCE,
        "ranked_right": ranking.right,
        "processes": [
            {
                "name": each.name,
                "size": each.size,
                "oom_score_adj": adj[each.name],
                "adjustment": each.adjustment,
                "points": each.points,
                "under": each.under,
                "over": each.error.over,
                "lowest": each.lowest,
                "highest": each.highest,
                "can_be_chosen": each.name in ranking.victims,
            }
            for each in ranking.contenders
        ],
        "never_chosen": list(ranking.exempt),
        "pairs": [
            {
                "larger": pair.larger.name,
                "smaller": pair.smaller.name,
                "difference": pair.difference,
                "needed": pair.needed,
                "ranked_right": pair.right,
            }
            for pair in ranking.pairs
        ],
        "designs": ranking.needed,
        "caveats": list(ranking.caveats),
    }


# -- for people


def _sheet(ranking: Ranking, asked: Asked) -> Sheet:
    heads = [_kernel(ranking, asked), _verdict(ranking, asked.page_size)]
    details = [_designs(ranking, asked.page_size)] if ranking.needed else []
    if len(ranking.pairs) > 1:
        details.insert(0, _pairs(ranking, asked.page_size))
    table = _contenders(ranking, asked.page_size)
    feet = map(printable, _feet(ranking, asked))
    return Sheet(tuple(map(printable, heads)), table, tuple(feet), tuple(details))


def _kernel(ranking: Ranking, asked: Asked) -> str:
    """Describe how this kernel reads the counters by which it ranks."""
    design, guess = asked.design
    precise = ranking.accuracy.kind == PRECISE
    reads = f"{'sums' if precise else 'reads'} its four counters "
    reads += "precisely" if precise else "approximately"
    reads = guessed(reads, guess=ranking.accuracy.guess)
    return (
        f"{asked.machine.name}: the OOM killer of {asked.kernel} {reads}; "
        f"the design is {guessed(design, guess=guess)}"
    )


def _verdict(ranking: Ranking, page_size: int) -> str:
    """Say whether the order is safe; for two processes, with the difference that is needed."""
    if not ranking.pairs:
        return "fewer than two of these processes can be chosen; there is nothing to rank"
    wrong = [found for found in ranking.pairs if not found.right]
    pair, *more = ranking.pairs
    if more:
        if not wrong:
            return "always ranked correctly"
        first = ranking.contenders[0].name
        others = [name for name in ranking.victims if name != first]
        chosen = f"; {', '.join(others)} may be chosen in place of {first}" if others else ""
        return f"can be ranked wrongly: {len(wrong)} of {len(ranking.pairs)} pairs{chosen}"
    if pair.difference == 0:
        return "equal scores: either order is correct"
    word = "can be ranked wrongly" if wrong else "always ranked correctly"
    differs = amount_text(pair.difference, page_size)
    needed = _needed(pair.needed, page_size)
    return f"{word}: they differ by {differs}; a correct order needs {needed}"


def _needed(pages: int | None, page_size: int) -> str:
    return (
        f"an unlimited difference, as there is {NO_BOUND}"
        if pages is None
        else amount_text(pages, page_size)
    )


def _contenders(ranking: Ranking, page_size: int) -> Table:
    def column(title: str, value: Any) -> Column:
        return Column("", title, tuple(value(each) for each in ranking.contenders))

    def most(each: Contender) -> str:
        return NO_BOUND if each.highest is None else bytes_text(each.highest * page_size)

    columns = [
        Column("", "process", tuple(each.name for each in ranking.contenders), numeric=False),
        column("size", lambda each: bytes_text(each.size * page_size)),
        column("pages", lambda each: pages_text(each.size)),
    ]
    if any(each.adjustment for each in ranking.contenders):
        columns.append(column("oom_score_adj", lambda each: f"{each.adjustment:+,}"))
    columns += [
        column("seen as low as", lambda each: signed_bytes(each.lowest * page_size)),
        column("as high as", most),
        Column(
            "",
            "can be chosen",
            tuple("yes" if each.name in ranking.victims else "no" for each in ranking.contenders),
            numeric=False,
        ),
    ]
    return Table("", tuple(columns))


def _pairs(ranking: Ranking, page_size: int) -> Table:
    pairs = ranking.pairs
    return Table(
        "each pair",
        (
            Column("", "larger", tuple(pair.larger.name for pair in pairs), numeric=False),
            Column("", "smaller", tuple(pair.smaller.name for pair in pairs), numeric=False),
            Column("", "differ by", tuple(amount_text(p.difference, page_size) for p in pairs)),
            Column("", "needed", tuple(_short(p.needed, page_size) for p in pairs)),
            Column("", "ranked", tuple(map(_ranked, pairs)), numeric=False),
        ),
    )


def _ranked(pair: Pair) -> str:
    return "correctly" if pair.right else "can be wrong"


def _short(pages: int | None, page_size: int) -> str:
    return NO_BOUND if pages is None else amount_text(pages, page_size)


def _designs(ranking: Ranking, page_size: int) -> Table:
    """Lay out the smallest difference at which the first two are ranked correctly, by design."""
    ids = tuple(ranking.needed)
    return Table(
        "smallest difference that is always ranked correctly with approximate reads, by design",
        (
            Column("", "design", ids, numeric=False),
            Column("", "kernels", tuple(DESIGNS[id_].kernels.label for id_ in ids), numeric=False),
            Column("", "needed", tuple(_short(ranking.needed[id_], page_size) for id_ in ids)),
        ),
    )


def _feet(ranking: Ranking, asked: Asked) -> list[str]:
    feet = [f"{text}." for text in ranking.caveats]
    if any(each.adjustment for each in ranking.contenders):
        feet.append(
            "oom_score_adj adds that many thousandths of RAM and swap, exactly. If a cgroup is "
            "out of memory, it adds thousandths of the cgroup's limit, and only processes of the "
            "cgroup are ranked."
        )
    if ranking.exempt:
        names = ", ".join(ranking.exempt)
        feet.append(f"never chosen, because it is init or has oom_score_adj -1000: {names}.")
    feet.append(
        f"Reads are precise since Linux {PRECISE_SINCE} (commit {OOM_FIX.commit}; release "
        "inferred from its date); no stable series is known to have this fix. Among "
        "equal scores, the kernel chooses the last process."
    )
    if ranking.accuracy.guess or asked.design[1]:
        feet.append(
            "guess: the release does not show which fixes were backported. --kernel-source DIR "
            "decides."
        )
    return feet
