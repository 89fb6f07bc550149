"""What a check found, one verdict for each bound: the words, the table and the JSON of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from rssbound.bounds.gate.changes import BETTER, MISSING, NEW, SAME
from rssbound.bounds.gate.verdicts import ACCEPTED, CHANGED, FAILING, HOLDS, SOURCE
from rssbound.cli.render.sheet import NOTHING, Column, Listing, Sheet, Table
from rssbound.cli.render.units import NO_BOUND, amount_text, counted, printable, side_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.bounds.gate.machines import CheckedMachine
    from rssbound.bounds.gate.verdicts import Verdict

    Named = TypeVar("Named", Verdict, CheckedMachine)

__all__ = ("document_of", "guesses_of", "lines_of", "sheet_of", "text_of", "told_apart")

MOST_LINES = 30
"""Lines of a diff that are shown to people."""


def text_of(verdict: Verdict) -> str:
    """Say in one line what was found, and why."""
    if not verdict.is_bound:
        return f"{verdict.name}: {verdict.why}"
    reason = f"; {verdict.why}" if verdict.why else ""
    return f"{verdict.name} on {verdict.host}: {_found(verdict)}{reason}"


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
    return f"{before} -> {now}{_growth(verdict)}, {verdict.verdict}"


def _amount(pages: int | None, page_size: int) -> str:
    return NO_BOUND if pages is None else amount_text(pages, page_size)


def _growth(verdict: Verdict) -> str:
    """Give the change in percent, to the nearest tenth of what is not too small to show."""
    if not verdict.before or verdict.now is None:
        return ""
    before = verdict.before * verdict.page_size_before
    permille = 1000 * (verdict.now * verdict.page_size - before) / before
    return f" ({permille / 10:+.1f}%)" if abs(permille) >= 1 else ""


def sheet_of(verdicts: Sequence[Verdict], machines: Sequence[CheckedMachine] = ()) -> Sheet:
    """Lay verdicts out: a summary, and for each machine a table of what is not as before.

    Which design a kernel has is said where it is a guess.
    """
    shown = sorted(
        (verdict for verdict in verdicts if verdict.verdict not in {SAME, HOLDS}),
        key=lambda verdict: (verdict.host, verdict.topology),
    )
    bounds = [verdict for verdict in shown if verdict.is_bound]
    tables = tuple(
        _table(printable(name), list(group))
        for (name, _), group in groupby(bounds, lambda verdict: (verdict.host, verdict.topology))
    )
    lines = tuple(map(printable, [*_advice(verdicts, shown), *guesses_of(machines)]))
    return Sheet(_summary(verdicts), NOTHING, lines, tables, tuple(_listings(shown)))


def _summary(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    failing = [verdict for verdict in verdicts if verdict.fails]
    machines = len({verdict.topology for verdict in verdicts if verdict.is_bound})
    kinds = [
        counted(sum(verdict.kind == kind for verdict in verdicts), word)
        for kind, word in (("baseline", "bound"), ("limit", "limit"))
        if any(verdict.kind == kind for verdict in verdicts)
    ]
    checked = f"{' and '.join(kinds)} checked on {counted(machines, 'machine')}"
    if not kinds:
        checked = "kernel source read"
    if not failing:
        return (f"{checked}: all hold.",)
    counts = [
        f"{sum(verdict.verdict == word for verdict in failing)} {word}"
        for word in (*FAILING, BETTER)
        if any(verdict.verdict == word for verdict in failing)
    ]
    return (f"{checked}: {', '.join(counts)}.",)


def _advice(verdicts: Sequence[Verdict], shown: Sequence[Verdict]) -> tuple[str, ...]:
    """Say what was found in a tree and what has changed, also where all hold, and what to do."""
    reasons = [
        f"{verdict.name.partition('.')[0]} on {verdict.host}: {verdict.why}"
        for verdict in verdicts
        if verdict.kind == "baseline" and verdict.why
    ]
    findings = [_finding(verdict) for verdict in shown if not verdict.is_bound]
    lines = [*findings, *dict.fromkeys(reasons)]
    found = {verdict.verdict for verdict in shown}
    if CHANGED in found:
        lines.append(
            "changed: review it; then --accept ID, and --write-baseline FILE to keep that."
        )
    if MISSING in found:
        lines.append("missing: in the baseline but not checked; give its --topology and --design.")
    if ACCEPTED in found:
        lines.append("accepted: --write-baseline FILE puts that on record.")
    if BETTER in found or NEW in found:
        lines.append("To put these bounds on record: rssbound check --write-baseline FILE ..")
    return tuple(lines)


def _finding(verdict: Verdict) -> str:
    named = "" if verdict.kind == SOURCE else f"{verdict.name}: "
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
        "format_version": "1.2",
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
            for verdict in verdicts
        ],
    }
