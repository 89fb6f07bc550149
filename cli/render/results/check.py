"""The result of a check, with one verdict for each bound: text, table and JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from rssbound.bounds.gate.causes import causes_of, worst_first
from rssbound.bounds.gate.changes import BETTER, MISSING, NEW, SAME
from rssbound.bounds.gate.verdicts import ACCEPTED, CHANGED, EXCEEDED, FAILING, HOLDS, SOURCE
from rssbound.cli.render.sheet import NOTHING, Column, Listing, Sheet, Table
from rssbound.cli.render.units import NO_BOUND, amount_text, counted, printable, side_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rssbound.bounds.gate.causes import Cause
    from rssbound.bounds.gate.machines import CheckedMachine
    from rssbound.bounds.gate.verdicts import NotChecked, Verdict

    Named = TypeVar("Named", Verdict, CheckedMachine)

__all__ = (
    "distinguished",
    "document_of",
    "guesses_of",
    "lines_of",
    "sheet_of",
    "summary_of",
    "text_of",
    "text_of_cause",
)

MOST_LINES = 30
"""Number of diff lines that are shown."""

MOST_NAMED = 3
"""Number of machines named in a message if only one side has them."""


def text_of(verdict: Verdict) -> str:
    """Describe a verdict and its reason in one line."""
    if not verdict.is_bound:
        return f"{verdict.name}: {verdict.why}"
    reason = f"; {verdict.why}" if verdict.why else ""
    judged = "" if verdict.verdict in {MISSING, NEW, HOLDS, EXCEEDED} else f", {verdict.verdict}"
    return f"{verdict.name} on {verdict.host}: {_found(verdict)}{judged}{reason}"


def distinguished(named: Sequence[Named]) -> list[Named]:
    """Add the digest to the names of machines that share a name."""
    names = Counter(name for name, _ in {(each.host, each.topology) for each in named})
    return [
        replace(each, host=f"{each.host} ({each.topology})") if names[each.host] > 1 else each
        for each in named
    ]


def line_of(left_out: NotChecked) -> str:
    """Say in one line what was not checked."""
    return f"not checked: {left_out.text}"


def guesses_of(machines: Sequence[CheckedMachine]) -> list[str]:
    """List the machines whose design is a guess: the candidates and how to decide."""
    return [
        f"{machine.host}: Linux {machine.kernel} uses {' or '.join(machine.candidates)} "
        f"(guess: {machine.why}); --kernel-source or rssbound interfaces --probe shows which"
        for machine in distinguished(machines)
        if machine.guess
    ]


def text_of_cause(cause: Cause) -> str:
    """Describe in one line what changed, how many bounds it affects, and the worst of them."""
    worst, count, machines = cause.worst, len(cause.verdicts), cause.machines
    if worst.verdict in {MISSING, NEW}:
        side = "the baseline" if worst.verdict == MISSING else "this check"
        why = f"; {worst.why}" if worst.why else ""
        return f"{worst.verdict}: only {side} has {worst.name} for {_names(machines)}{why}"
    if worst.verdict == SAME:
        many = counted(count, "bound")
        return f"unchanged or allowed: {cause.text}: {many} on {counted(len(machines), 'machine')}"
    if count == 1:
        reason = f"; {worst.why}" if worst.why else ""
        return f"{worst.verdict}: {worst.name} on {worst.host}: {_found(worst)}{reason}"
    what = f"{worst.verdict}: {cause.text or worst.name}: {counted(count, 'bound')}"
    where = f"on {counted(len(machines), 'machine')}"
    first = "largest change" if worst.verdict == BETTER else "worst"
    return f"{what} {where}; the {first} is {worst.name} on {worst.host}: {_found(worst)}"


def _names(machines: Sequence[str]) -> str:
    """Name a few machines, and count the others."""
    more = len(machines) - MOST_NAMED
    named = "; ".join(machines[:MOST_NAMED])
    others = f" and {more} more" if more > 0 else ""
    return f"{counted(len(machines), 'machine')} ({named}{others})"


def _found(verdict: Verdict) -> str:
    if verdict.verdict == MISSING:
        return "missing; it is in the baseline but not in this check"
    if verdict.verdict == NEW:
        return "new; it is not in the baseline; add it with --write-baseline"
    now = _amount(verdict.now, verdict.page_size)
    if verdict.kind == "limit":
        most = _amount(verdict.limit, verdict.page_size)
        relation = "within" if verdict.verdict == HOLDS else "more than"
        return f"{now}, {relation} {most}"
    before = _amount(verdict.before, verdict.page_size_before)
    return f"{before} -> {now}{_growth(verdict)}"


def _amount(pages: int | None, page_size: int) -> str:
    return NO_BOUND if pages is None else amount_text(pages, page_size)


def _growth(verdict: Verdict) -> str:
    """Give the change in percent with one decimal; "" if it is smaller than 0.1%."""
    if not verdict.before or verdict.now is None:
        return ""
    before = verdict.before * verdict.page_size_before
    permille = 1000 * (verdict.now * verdict.page_size - before) / before
    return f" ({permille / 10:+.1f}%)" if abs(permille) >= 1 else ""


def sheet_of(
    verdicts: Sequence[Verdict],
    machines: Sequence[CheckedMachine] = (),
    left_out: Sequence[NotChecked] = (),
    *,
    whole: bool = False,
) -> Sheet:
    """Lay out verdicts: one line for each cause, worst first, and the summary last.

    A line says what was not checked. With `whole`, also a table for each machine of every bound
    that changed. If the design of a kernel is a guess, a line says so.
    """
    shown = [verdict for verdict in verdicts if verdict.verdict not in {SAME, HOLDS}]
    findings = [_finding(verdict) for verdict in shown if not verdict.is_bound]
    causes = causes_of(verdicts)
    lines = [*findings, *map(text_of_cause, causes), *_advice(shown, causes, whole=whole)]
    return Sheet(
        (),
        NOTHING,
        tuple(map(printable, [*lines, *map(line_of, left_out), *guesses_of(machines)])),
        tuple(_tables(shown)) if whole else (),
        tuple(_listings(shown)),
        (summary_of(verdicts),),
    )


def _tables(shown: Iterable[Verdict]) -> Iterator[Table]:
    """Yield a table for each machine; the machine with the worst bound comes first."""
    by_machine: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in worst_first(shown):
        if verdict.is_bound:
            by_machine.setdefault((verdict.host, verdict.topology), []).append(verdict)
    for (name, _), verdicts in by_machine.items():
        yield _table(printable(name), verdicts)


def summary_of(verdicts: Sequence[Verdict]) -> str:
    """Count the checked bounds and the failures."""
    failing = [verdict for verdict in verdicts if verdict.fails]
    checked_now = [verdict for verdict in verdicts if verdict.verdict != MISSING]
    machines = len({verdict.topology for verdict in checked_now if verdict.is_bound})
    kinds = [
        counted(sum(verdict.kind == kind for verdict in checked_now), word)
        for kind, word in (("baseline", "bound"), ("limit", "limit"))
        if any(verdict.kind == kind for verdict in verdicts)
    ]
    checked = f"{' and '.join(kinds)} checked on {counted(machines, 'machine')}"
    if not kinds:
        checked = "kernel source read"
    if not failing:
        return f"{checked}: all hold."
    counts = [
        f"{sum(verdict.verdict == word for verdict in failing)} {word}"
        for word in (*FAILING, BETTER)
        if any(verdict.verdict == word for verdict in failing)
    ]
    return f"{checked}: {', '.join(counts)}."


def _advice(shown: Sequence[Verdict], causes: Sequence[Cause], *, whole: bool) -> Iterator[str]:
    """Yield advice on what to do next."""
    found = {verdict.verdict for verdict in shown}
    if not whole and any(
        len(cause.verdicts) > 1 and cause.worst.verdict != SAME for cause in causes
    ):
        yield "--all shows every bound of every machine."
    words = {verdict.verdict for verdict in shown if verdict.is_acceptable and verdict.fails}
    if words:
        yield (
            f"{' and '.join(sorted(words))}: review it, then accept it with --accept ID; "
            "--write-baseline FILE records that."
        )
    if MISSING in found:
        yield "missing: give its --topology and --design, or write a new baseline."
    if ACCEPTED in found:
        yield "accepted: --write-baseline FILE records this."
    if BETTER in found or NEW in found:
        yield "To record these bounds: rssbound check --write-baseline FILE .."


def _finding(verdict: Verdict) -> str:
    named = "" if verdict.name == SOURCE else f"{verdict.name}: "
    return f"{verdict.location}: {named}{verdict.why}"


def _listings(verdicts: Sequence[Verdict]) -> Iterator[Listing]:
    """Yield the diff of each change of a tree's code, or the changed line."""
    for verdict in verdicts:
        if verdict.verdict == CHANGED and verdict.text:
            yield Listing(printable(verdict.name), tuple(map(printable, lines_of(verdict))))


def lines_of(verdict: Verdict) -> list[str]:
    """Give the part of a diff that is shown, or the first line of the source without a diff."""
    lines = verdict.text.expandtabs(4).splitlines()
    if not verdict.text.startswith("--- "):
        return lines[:1]
    shown = lines[:MOST_LINES]
    more = len(lines) - len(shown)
    return [*shown, *([f".. {counted(more, 'more line')} with --format json"] if more else [])]


def _table(machine: str, verdicts: Sequence[Verdict]) -> Table:
    def cell(verdict: Verdict, of: str) -> str:
        page_size = verdict.page_size_before if of == "before" else verdict.page_size
        return "-" if _absent(verdict, of) else side_bytes(getattr(verdict, of), page_size)

    def cells(of: str) -> tuple[str, ...]:
        return tuple(cell(verdict, of) for verdict in verdicts)

    def growth(verdict: Verdict) -> str:
        if verdict.kind == "limit" or verdict.before is None or verdict.now is None:
            return "-"
        if verdict.page_size != verdict.page_size_before:
            return "-"  # pages of two sizes do not subtract
        return f"{verdict.now - verdict.before:+,}"

    return Table(
        machine,
        (
            Column("", "bound", tuple(verdict.name for verdict in verdicts), numeric=False),
            Column("", "before", cells("before")),
            Column("", "now", cells("now")),
            Column("", "limit", cells("limit"), 2),
            Column("", "pages", tuple(map(growth, verdicts)), 1),
            Column("", "", tuple(verdict.verdict for verdict in verdicts), numeric=False),
        ),
    )


def _absent(verdict: Verdict, of: str) -> bool:
    """Return whether a figure is absent, which differs from "no bound"."""
    if verdict.verdict in {MISSING, NEW}:
        return True
    return (of == "before" and verdict.kind == "limit") or (of == "limit" and verdict.limit is None)


def document_of(
    verdicts: Sequence[Verdict],
    machines: Sequence[CheckedMachine] = (),
    left_out: Sequence[NotChecked] = (),
) -> dict[str, Any]:
    """Give verdicts as JSON, `"kind": "rssbound.check"`; figures in pages, null is "no bound"."""
    return {
        "kind": "rssbound.check",
        "format_version": "1.4",
        "passed": not any(verdict.fails for verdict in verdicts),
        "not_checked": [{"baseline": each.baseline, "text": each.text} for each in left_out],
        "machines": [
            {
                "host": machine.host,
                "topology": machine.topology,
                "kernel": machine.kernel,
                "design": machine.candidates[0] if len(machine.candidates) == 1 else None,
                "candidates": list(machine.candidates),
                "design_guess": machine.guess if machine.candidates else None,
                "why": machine.why or None,
            }
            for machine in machines
        ],
        "causes": [
            {
                "verdict": cause.worst.verdict,
                "fails": cause.worst.fails,
                "cause": cause.text or None,
                "bounds": len(cause.verdicts),
                "machines": len(cause.machines),
                "worst": {"host": cause.worst.host, "bound": cause.worst.name},
            }
            for cause in causes_of(verdicts)
        ],
        "verdicts": [
            {
                "host": verdict.host,
                "topology": verdict.topology,
                "bound": verdict.name,
                "against": verdict.kind,
                "verdict": verdict.verdict,
                "fails": verdict.fails,
                "before": verdict.before,
                "now": verdict.now,
                "limit": verdict.limit,
                "page_size": verdict.page_size or None,
                "page_size_before": verdict.page_size_before or None,
                "why": verdict.why,
                "file": verdict.location.file if verdict.location else None,
                "line": verdict.location.line if verdict.location else None,
                "text": verdict.text or None,
            }
            for verdict in worst_first(verdicts)
        ],
    }
