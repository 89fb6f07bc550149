"""What a check found, one verdict for each bound: the words, the table and the JSON of it."""

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
    from rssbound.bounds.gate.verdicts import Verdict

    Named = TypeVar("Named", Verdict, CheckedMachine)

__all__ = (
    "document_of",
    "guesses_of",
    "lines_of",
    "sheet_of",
    "summary_of",
    "text_of",
    "text_of_cause",
    "told_apart",
)

MOST_LINES = 30
"""Lines of a diff that are shown to people."""

MOST_NAMED = 3
"""Machines that are named where only one side has them."""


def text_of(verdict: Verdict) -> str:
    """Say in one line what was found, and why."""
    if not verdict.is_bound:
        return f"{verdict.name}: {verdict.why}"
    reason = f"; {verdict.why}" if verdict.why else ""
    judged = "" if verdict.verdict in {MISSING, NEW, HOLDS, EXCEEDED} else f", {verdict.verdict}"
    return f"{verdict.name} on {verdict.host}: {_found(verdict)}{judged}{reason}"


def told_apart(named: Sequence[Named]) -> list[Named]:
    """Put the digest behind the name of machines that share one."""
    names = Counter(name for name, _ in {(each.host, each.topology) for each in named})
    return [
        replace(each, host=f"{each.host} ({each.topology})") if names[each.host] > 1 else each
        for each in named
    ]


def guesses_of(machines: Sequence[CheckedMachine]) -> list[str]:
    """Say of each machine whose kernel's design is a guess what it may be, and what decides."""
    return [
        f"{machine.host}: Linux {machine.kernel} counts with {' or '.join(machine.candidates)} "
        f"(guess: {machine.why}); --kernel-source or rssbound interfaces --probe decides"
        for machine in told_apart(machines)
        if machine.guess
    ]


def text_of_cause(cause: Cause) -> str:
    """Say in one line what changed, how many bounds it changed, and where it is worst."""
    worst, count, machines = cause.worst, len(cause.verdicts), cause.machines
    if worst.verdict in {MISSING, NEW}:
        side = "the baseline" if worst.verdict == MISSING else "this check"
        why = f"; {worst.why}" if worst.why else ""
        return f"{worst.verdict}: only {side} has {worst.name} of {_names(machines)}{why}"
    if worst.verdict == SAME:
        many = counted(count, "bound")
        return f"as before, or allowed: {cause.text}: {many} on {counted(len(machines), 'machine')}"
    if count == 1:
        reason = f"; {worst.why}" if worst.why else ""
        return f"{worst.verdict}: {worst.name} on {worst.host}: {_found(worst)}{reason}"
    what = f"{worst.verdict}: {cause.text or worst.name}: {counted(count, 'bound')}"
    where = f"on {counted(len(machines), 'machine')}"
    return f"{what} {where}; the worst is {worst.name} on {worst.host}: {_found(worst)}"


def _names(machines: Sequence[str]) -> str:
    """Name a few machines, and count the others."""
    more = len(machines) - MOST_NAMED
    named = ", ".join(machines[:MOST_NAMED])
    others = f" and {more} more" if more > 0 else ""
    return f"{counted(len(machines), 'machine')} ({named}{others})"


def _found(verdict: Verdict) -> str:
    if verdict.verdict == MISSING:
        return "missing; the baseline has it, this check does not"
    if verdict.verdict == NEW:
        return "new; not in the baseline, add it with --write-baseline"
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
    """Give the change in percent, to the nearest tenth of what is not too small to show."""
    if not verdict.before or verdict.now is None:
        return ""
    before = verdict.before * verdict.page_size_before
    permille = 1000 * (verdict.now * verdict.page_size - before) / before
    return f" ({permille / 10:+.1f}%)" if abs(permille) >= 1 else ""


def sheet_of(
    verdicts: Sequence[Verdict], machines: Sequence[CheckedMachine] = (), *, whole: bool = False
) -> Sheet:
    """Lay verdicts out: a line for each cause, the worst first, and the summary last.

    With `whole` there is a table of every bound of each machine that is not as before, too. Which
    design a kernel has is said where it is a guess.
    """
    shown = [verdict for verdict in verdicts if verdict.verdict not in {SAME, HOLDS}]
    findings = [_finding(verdict) for verdict in shown if not verdict.is_bound]
    causes = causes_of(verdicts)
    lines = [*findings, *map(text_of_cause, causes), *_advice(shown, causes, whole=whole)]
    return Sheet(
        (),
        NOTHING,
        tuple(map(printable, [*lines, *guesses_of(machines)])),
        tuple(_tables(shown)) if whole else (),
        tuple(_listings(shown)),
        (summary_of(verdicts),),
    )


def _tables(shown: Iterable[Verdict]) -> Iterator[Table]:
    """Yield a table for each machine, that with the worst bound first."""
    by_machine: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in worst_first(shown):
        if verdict.is_bound:
            by_machine.setdefault((verdict.host, verdict.topology), []).append(verdict)
    for (name, _), verdicts in by_machine.items():
        yield _table(printable(name), verdicts)


def summary_of(verdicts: Sequence[Verdict]) -> str:
    """Count what was checked, and what fails."""
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
    """Say what to do."""
    found = {verdict.verdict for verdict in shown}
    if not whole and any(
        len(cause.verdicts) > 1 and cause.worst.verdict != SAME for cause in causes
    ):
        yield "Every bound of every machine: --all."
    words = {verdict.verdict for verdict in shown if verdict.is_acceptable and verdict.fails}
    if words:
        yield (
            f"{' and '.join(sorted(words))}: review it; then --accept ID, and --write-baseline "
            "FILE to keep that."
        )
    if MISSING in found:
        yield "missing: give its --topology and --design, or write the baseline again."
    if ACCEPTED in found:
        yield "accepted: --write-baseline FILE puts that on record."
    if BETTER in found or NEW in found:
        yield "To put these bounds on record: rssbound check --write-baseline FILE .."


def _finding(verdict: Verdict) -> str:
    named = "" if verdict.name == SOURCE else f"{verdict.name}: "
    return f"{verdict.location}: {named}{verdict.why}"


def _listings(verdicts: Sequence[Verdict]) -> Iterator[Listing]:
    """Yield the diff of each change of a tree's code, or the line itself."""
    for verdict in verdicts:
        if verdict.verdict == CHANGED and verdict.text:
            yield Listing(printable(verdict.name), tuple(map(printable, lines_of(verdict))))


def lines_of(verdict: Verdict) -> list[str]:
    """Give what is shown of a diff, or the first line of the source where there is none."""
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
    """Whether a figure is not there at all, which is not the same as "no bound"."""
    if verdict.verdict in {MISSING, NEW}:
        return True
    return (of == "before" and verdict.kind == "limit") or (of == "limit" and verdict.limit is None)


def document_of(
    verdicts: Sequence[Verdict], machines: Sequence[CheckedMachine] = ()
) -> dict[str, Any]:
    """Give verdicts as JSON, `"kind": "rssbound.check"`; figures in pages, null is "no bound"."""
    return {
        "kind": "rssbound.check",
        "format_version": "1.3",
        "passed": not any(verdict.fails for verdict in verdicts),
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
