"""Running processes at one moment, in every format, and the wording shared by all views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.cli.render.documents import csv_side
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import NOTHING, Column, Sheet, Table
from rssbound.cli.render.units import (
    NO_BOUND,
    bound_text,
    bytes_text,
    counted,
    guessed,
    printable,
    side_bytes,
)
from rssbound.live.sample import (
    ABOVE,
    BELOW,
    FIELDS,
    UNDECIDED,
    is_outside,
    share_of_bound,
)
from rssbound.live.watch import (
    DENIED,
    ELSEWHERE,
    KERNEL_THREAD,
    MOVED,
    NESTED,
    UNREAD,
    WALK_DENIED,
    ZOMBIE,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rssbound.cli.render import Style
    from rssbound.live.facts import Facts
    from rssbound.live.sample import Sample
    from rssbound.live.watch import Look

__all__ = (
    "by_difference",
    "facts_line",
    "left_out_lines",
    "missing_lines",
    "off_by",
    "outside_line",
    "render",
    "share_text",
    "verdict_text",
)

UNKNOWN = "-"

LEFT_OUT = {
    KERNEL_THREAD: ("kernel thread", "a kernel thread has no memory of its own"),
    ZOMBIE: ("zombie", "a zombie has ended and holds no memory"),
    DENIED: (
        "process that may not be read",
        "/proc is mounted with hidepid; run as its user or as root",
    ),
    ELSEWHERE: (
        "cgroup with processes of another PID namespace",
        "these processes have no PID here",
    ),
}
"""Reason for leaving out processes -> what they are, and an explanation."""

REMARKS = {
    WALK_DENIED: "precise value not permitted; run as the user of the process or with "
    "CAP_SYS_PTRACE",
    UNREAD: "precise value not read this time, because --cpu-budget is used up",
    MOVED: "changed too fast to determine a difference",
    NESTED: "in a PID namespace below this one (a container); PIDs are those of this one",
}


def render(look: Look, facts: Facts, notes: Sequence[str], format_: str, style: Style) -> str:
    """Give one sample of processes in a format; `notes` are further sentences."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(look, facts, notes),
        document=lambda: _document(look, facts, notes),
        rows=lambda: (FIELDS, map(_csv_row, by_difference(look.samples))),
    )


def by_difference(samples: Sequence[Sample]) -> list[Sample]:
    """Sort samples by difference, largest first; samples without a difference come last."""
    return sorted(
        samples,
        key=lambda sample: (
            sample.difference_pages is None,
            -abs(sample.difference_pages or 0),
            sample.pid,
        ),
    )


def _document(look: Look, facts: Facts, notes: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": "rssbound.observation",
        "format_version": "1.0",
        "time": look.time,
        "kernel": facts.kernel,
        "design": facts.design,
        "guess": facts.guess,
        "page_size": facts.page_size,
        "files": {"approximate": "stat", "precise": facts.precise},
        "outside": sum(map(is_outside, look.samples)),
        "left_out": dict(look.left_out),
        "remarks": dict(look.remarks),
        "notes": list(notes),
        "samples": [sample._asdict() for sample in by_difference(look.samples)],
    }


def _csv_row(sample: Sample) -> list[object]:
    """Give the cells of a sample: empty for unknown, inf for no bound."""
    sides = {"bound_under_pages", "bound_over_pages"}
    return [csv_side(value) if name in sides else value for name, value in sample._asdict().items()]


# -- for people


def _sheet(look: Look, facts: Facts, notes: Sequence[str]) -> Sheet:
    samples = by_difference(look.samples)
    outside = sum(map(is_outside, samples))
    return Sheet(
        headlines=(facts_line(facts),),
        table=_table(samples) if samples else NOTHING,
        footlines=(
            f"{counted_processes(len(samples))} can be read.",
            *([outside_line(outside)] if outside else []),
            *left_out_lines(look.left_out, look.remarks),
            *notes,
        ),
    )


def counted_processes(count: int) -> str:
    """Print a number of processes."""
    return "1 process" if count == 1 else f"{count:,} processes"


def facts_line(facts: Facts) -> str:
    """Name the files that are read and the design of the kernel."""
    design = guessed(facts.design, guess=facts.guess)
    return (
        f"Linux {facts.kernel} uses {design}: stat (approximate) against {facts.precise} (precise)"
    )


def outside_line(count: int) -> str:
    """Report samples that contradict their bounds."""
    return (
        f"{counted(count, 'sample')} outside the bound, marked !: the kernel uses another design "
        "than its release suggests, or rssbound is wrong; rssbound interfaces --probe shows which."
    )


def left_out_lines(left_out: Mapping[str, int], remarks: Mapping[str, int]) -> list[str]:
    """List what is left out and why, and remarks on what is shown."""
    lines = []
    for reason, count in left_out.items():
        name, why = LEFT_OUT[reason]
        plural = _plural(name) if count > 1 else name
        lines.append(f"Left out: {count:,} {plural}; {why}.")
    lines += [
        f"{counted_processes(count)}: {REMARKS[remark]}." for remark, count in remarks.items()
    ]
    return lines


def missing_lines(look: Look) -> list[str]:
    """List what a stream of samples leaves out, except for tasks that never have memory."""
    left_out = {
        reason: count
        for reason, count in look.left_out.items()
        if reason not in {KERNEL_THREAD, ZOMBIE}
    }
    return left_out_lines(left_out, look.remarks)


def _plural(name: str) -> str:
    first, _, rest = name.partition(" that ")
    return f"{first}es that {rest}" if rest else f"{name}s"


def _table(samples: Sequence[Sample]) -> Table:
    def column(title: str, cells: Sequence[str], rank: int = 0, *, numeric: bool = True) -> Column:
        return Column("", title, tuple(cells), rank, numeric)

    sizes = [sample.page_size for sample in samples]
    pairs = list(zip(samples, sizes, strict=True))
    columns = [
        column("PID", [f"{'!' if is_outside(sample) else ''}{sample.pid}" for sample in samples]),
        column("command", [printable(sample.comm) for sample in samples], numeric=False),
        column("threads", [str(sample.threads) for sample in samples], 3),
        column("approximate", [bytes_text(s.approximate_pages * size) for s, size in pairs], 1),
        column("precise", [_pages(s.precise_pages, size) for s, size in pairs]),
        column("off by", [off_by(sample) for sample in samples]),
        column("can be low by", [side_bytes(s.bound_under_pages, size) for s, size in pairs]),
        column("high by", [side_bytes(s.bound_over_pages, size) for s, size in pairs], 2),
        column("used", [share_text(sample) for sample in samples], 1),
    ]
    if any(sample.verdict for sample in samples):
        columns.append(column("verdict", [verdict_text(s) for s in samples], numeric=False))
    return Table("", tuple(columns))


def _pages(pages: int | None, page_size: int) -> str:
    return UNKNOWN if pages is None else bytes_text(pages * page_size)


def off_by(sample: Sample) -> str:
    """Give the error of the cheap value and its side."""
    if sample.difference_pages is None:
        return UNKNOWN
    if sample.difference_pages == 0:
        return "0"
    side = "low" if sample.difference_pages > 0 else "high"
    return f"{bound_text(abs(sample.difference_pages) * sample.page_size)} {side}"


def share_text(sample: Sample) -> str:
    """Give a difference as a share of its bound."""
    share = share_of_bound(sample)
    if sample.difference_pages is not None and share is None:
        return NO_BOUND
    return UNKNOWN if share is None else f"{share:.0%}"


def verdict_text(sample: Sample) -> str:
    """Give the verdict of the cheap value on the threshold."""
    words = {ABOVE: "above", BELOW: "below", UNDECIDED: "cannot tell", None: UNKNOWN}
    return words[sample.verdict]
