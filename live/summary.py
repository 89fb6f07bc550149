"""Summarise samples, by process and for all: the largest and the usual differences.

Samples are added one by one. If there are very many processes, only those with the largest
differences are kept separately, so that memory does not grow with the duration of a watch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rssbound.live.sample import is_outside, share_of_bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rssbound.live.sample import Sample

__all__ = ("SHARES", "ProcessSummary", "Summary", "Summing", "quantile", "summary_of")

MOST_APART = 2000
"""Limit of processes that are kept separately; above it, their number is halved."""

SHARES = (0.5, 0.9, 0.99)
"""The shares of the samples (quantiles) for which the size of the difference is given."""


@dataclass(frozen=True)
class ProcessSummary:
    """The summary of one process, in pages.

    compared     samples whose difference is known; `outside` of them contradict the bound
    too_low, too_high     largest difference to either side, 0 or more
    bound_under, bound_over     largest bound it had; None: no bound
    share        largest share of its bound that a difference reached; None: unknown
    sizes        quantiles of the size of the difference, at SHARES
    verdicts     verdict on the threshold -> samples; empty without a threshold
    """

    pid: int
    comm: str
    first: float
    last: float
    threads: int
    samples: int
    compared: int
    outside: int
    too_low: int
    too_high: int
    bound_under: int | None
    bound_over: int | None
    share: float | None
    sizes: tuple[int, ...] | None
    verdicts: Mapping[str, int]

    @property
    def largest(self) -> int:
        """The largest difference on either side."""
        return max(self.too_low, self.too_high)


@dataclass(frozen=True)
class Summary:
    """The summary of all processes, the largest difference first.

    `others` are processes that are counted but not kept separately, because their differences were
    smaller. `sizes` are for the samples of all processes together. page_size, design and kernel
    are those of the samples; None if there is none, or if there are several.
    """

    processes: tuple[ProcessSummary, ...]
    others: int
    samples: int
    compared: int
    outside: int
    first: float | None
    last: float | None
    sizes: tuple[int, ...] | None
    page_size: int | None
    design: str | None
    kernel: str | None


@dataclass
class _Seen:
    first: float
    last: float = 0.0
    threads: int = 0
    samples: int = 0
    outside: int = 0
    under: int | None = 0
    over: int | None = 0
    share: float | None = None
    differences: Counter[int] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def largest(self) -> int:
        return max(map(abs, self.differences), default=0)

    def join(self, other: _Seen) -> None:
        """Add the samples of another process."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.samples += other.samples
        self.outside += other.outside
        self.differences.update(other.differences)

    def add(self, sample: Sample) -> None:
        self.last = sample.time
        self.threads = max(self.threads, sample.threads)
        self.samples += 1
        self.under = _larger(self.under, sample.bound_under_pages)
        self.over = _larger(self.over, sample.bound_over_pages)
        if sample.verdict is not None:
            self.verdicts[sample.verdict] += 1
        if sample.difference_pages is None:
            return
        self.differences[sample.difference_pages] += 1
        self.outside += is_outside(sample)
        share = share_of_bound(sample)
        if share is not None:
            self.share = max(self.share or 0.0, share)

    def summary(self, pid: int, comm: str) -> ProcessSummary:
        return ProcessSummary(
            pid=pid,
            comm=comm,
            first=self.first,
            last=self.last,
            threads=self.threads,
            samples=self.samples,
            compared=self.differences.total(),
            outside=self.outside,
            too_low=max(0, *self.differences, 0),
            too_high=-min(0, *self.differences, 0),
            bound_under=self.under,
            bound_over=self.over,
            share=self.share,
            sizes=_sizes(self.differences),
            verdicts=dict(self.verdicts),
        )


class Summing:
    """A summary that samples are added to. A process is a PID with a command."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], _Seen] = {}
        self._rest = _Seen(float("inf"))
        self._others = 0
        self._of: set[tuple[int, str, str]] = set()
        self.outside = 0

    def add(self, samples: Iterable[Sample]) -> None:
        """Add samples, in the order in which they were taken."""
        for sample in samples:
            key = (sample.pid, sample.comm)
            seen = self._seen.get(key)
            if seen is None:
                seen = self._seen[key] = _Seen(sample.time)
            self._of.add((sample.page_size, sample.design, sample.kernel))
            before = seen.outside
            seen.add(sample)
            self.outside += seen.outside - before
        if len(self._seen) > MOST_APART:
            self._fold()

    def _fold(self) -> None:
        """Stop keeping the processes with the smaller differences separately; only count them."""
        by_size = sorted(self._seen, key=lambda key: self._seen[key].largest, reverse=True)
        for key in by_size[MOST_APART // 2 :]:
            self._rest.join(self._seen.pop(key))
            self._others += 1

    def summary(self) -> Summary:
        """Give the summary so far."""
        processes = [seen.summary(*key) for key, seen in self._seen.items()]
        processes.sort(key=lambda process: (-process.largest, process.pid, process.comm))
        whole = _Seen(float("inf"))
        for seen in (self._rest, *self._seen.values()):
            whole.join(seen)
        page_size, design, kernel = next(iter(self._of)) if len(self._of) == 1 else (None,) * 3
        return Summary(
            processes=tuple(processes),
            others=self._others,
            samples=whole.samples,
            compared=whole.differences.total(),
            outside=whole.outside,
            first=whole.first if whole.samples else None,
            last=whole.last if whole.samples else None,
            sizes=_sizes(whole.differences),
            page_size=page_size,
            design=design,
            kernel=kernel,
        )


def summary_of(samples: Iterable[Sample]) -> Summary:
    """Summarise samples."""
    summing = Summing()
    summing.add(samples)
    return summing.summary()


def _sizes(differences: Counter[int]) -> tuple[int, ...] | None:
    """Give the sizes of differences at SHARES; None without differences."""
    if not differences:
        return None
    sizes: Counter[int] = Counter()
    for difference, times in differences.items():
        sizes[abs(difference)] += times
    return tuple(quantile(sizes, share) for share in SHARES)


def quantile(times: Mapping[int, int], share: float) -> int:
    """Give the quantile at a share of values that are given with their counts."""
    wanted, below = share * sum(times.values()), 0
    for value in sorted(times):
        below += times[value]
        if below >= wanted - 1e-9:
            return value
    raise ValueError("a quantile of nothing")


def _larger(one: int | None, other: int | None) -> int | None:
    """Give the larger of two bounds; None means no bound."""
    return None if one is None or other is None else max(one, other)
