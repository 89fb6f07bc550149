"""Watch processes: each look takes one sample of every selected process that can be read.

Processes that cannot be read are left out and counted by reason. At any time between two reads, a
process may start, end, execute another program, or its PID may be reused.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rssbound.live.budget import Budget
from rssbound.live.procfs import PROC, GoneError, ProcessFiles, cgroup_pids, cpus_allowed
from rssbound.live.sample import UNDECIDED, Bracket, Sample, compared, is_within, verdict_on
from rssbound.topology import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rssbound.bounds.counter.interval import Interval
    from rssbound.live.facts import Bounds, Facts
    from rssbound.live.procfs import Stat
    from rssbound.live.wanted import Wanted

__all__ = (
    "DENIED",
    "ELSEWHERE",
    "KERNEL_THREAD",
    "MOVED",
    "NESTED",
    "UNREAD",
    "WALK_DENIED",
    "ZOMBIE",
    "Ended",
    "Look",
    "Watch",
)

KERNEL_THREAD = "kernel thread"
ZOMBIE = "zombie"
DENIED = "permission denied"
ELSEWHERE = "in another PID namespace"
UNWANTED = "not selected"
"""Reasons for leaving a process out; the last one is not reported."""

WALK_DENIED = "precise value not permitted"
UNREAD = "precise value not read"
MOVED = "changed while read"
NESTED = "in a nested PID namespace"
"""Remarks about watched processes."""

RECHECK_SECONDS = {KERNEL_THREAD: 30.0, ZOMBIE: 1.0, DENIED: 5.0, UNWANTED: 1.0}

TRIES, WALKS = 4, 2
"""How often a process that changes or contradicts its bound is read; walks are expensive."""

CPUS_SECONDS = 5.0
CPUS_SHARE = 0.01
"""Seconds until the CPUs of a process are read again, and their limit as a share of one CPU."""


class Ended(NamedTuple):
    """A process that has ended, with its last known values."""

    pid: int
    comm: str


class Look(NamedTuple):
    """The result of one look.

    started, ended  new processes, and watched processes that have ended
    left_out        reason -> selected processes that cannot be watched
    remarks         remark about watched processes -> how many
    """

    time: float
    samples: tuple[Sample, ...]
    started: int
    ended: tuple[Ended, ...]
    left_out: Mapping[str, int]
    remarks: Mapping[str, int]


@dataclass
class _Watched:
    pid: int
    files: ProcessFiles
    started: int
    comm: str
    nested: bool
    cpus: CpuSet = field(default_factory=CpuSet)
    cpus_text: str = ""
    cpus_due: float = 0.0
    stat: Stat | None = None
    precise: int | None = None
    sample: Sample | None = None  # of the last two, if the process did not change
    walk_denied: bool = False
    walked_at: float = 0.0


class Watch:
    """Processes that are watched; `threshold` in pages, `share` of one CPU for walks."""

    def __init__(
        self,
        wanted: Wanted,
        facts: Facts,
        bounds: Bounds,
        *,
        threshold: int | None = None,
        share: float = 0.01,
        root: str = PROC,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.facts = facts
        self.budget = Budget(share, clock())
        self._wanted = wanted
        self._bounds = bounds
        self._threshold = threshold
        self._root = root
        self._clock = clock
        self._watched: dict[int, _Watched] = {}
        self._skipped: dict[int, tuple[str, float]] = {}
        self._remarks: Counter[str] = Counter()
        self._family = set() if wanted.children is None else {wanted.children}

    def look(self) -> Look:
        """Take one sample of each process; InputError if processes cannot be listed."""
        now = self._clock()
        candidates = self._wanted.candidates(self._root)
        ended = [self._drop(pid) for pid in self._watched.keys() - candidates]
        self._family &= candidates | self._family_root
        started = self._take_in(candidates, now)
        self._remarks = Counter()
        samples: list[Sample] = []
        for one in self._in_turn():
            try:
                samples.append(self._sample(one, now))
            except GoneError:
                ended.append(self._drop(one.pid))
            except PermissionError:  # it now belongs to another user
                self._drop(one.pid)
                self._skip(one.pid, DENIED, now)
        left_out = Counter(reason for reason, _ in self._skipped.values() if reason != UNWANTED)
        left_out[ELSEWHERE] += 0 in candidates
        nested = sum(one.nested for one in self._watched.values())
        return Look(
            time=time.time(),
            samples=tuple(samples),
            started=started,
            ended=tuple(ended),
            left_out=+left_out,
            remarks=+(self._remarks + Counter({NESTED: nested})),
        )

    def forget(self) -> None:
        """Discard results from samples whose bounds no longer hold."""
        for one in self._watched.values():
            one.sample = None

    def close(self) -> None:
        """Close all files."""
        for pid in list(self._watched):
            self._drop(pid)

    # -- the watched processes

    @property
    def _family_root(self) -> set[int]:
        return set() if self._wanted.children is None else {self._wanted.children}

    def _take_in(self, candidates: set[int], now: float) -> int:
        """Begin to watch new processes; give their number."""
        for pid in self._skipped.keys() - candidates:
            del self._skipped[pid]
        fresh = [
            pid
            for pid in sorted(candidates - self._watched.keys())
            if pid and self._skipped.get(pid, ("", 0.0))[1] <= now
        ]
        members = self._members() if fresh else set()
        return sum(self._taken(pid, members, now) for pid in fresh)

    def _members(self) -> set[int]:
        """List the processes of the selected cgroups."""
        found: set[int] = set()
        for folder in self._wanted.cgroups:
            try:
                found.update(cgroup_pids(folder))
            except OSError:
                continue
        return found

    def _taken(self, pid: int, members: set[int], now: float) -> bool:
        """Begin to watch a process, or note the reason against it."""
        files = ProcessFiles(self._root, pid)
        try:
            stat = files.stat()
            reason = self._reason_against(pid, stat, members)
            if (
                not reason and stat.has_ended
            ):  # only its main thread has ended: another thread has the memory
                files.close()
                files, stat = self._of_other_task(pid)
        except GoneError:
            files.close()
            return False
        except PermissionError:
            files.close()
            self._skip(pid, DENIED, now)
            return False
        if reason:
            files.close()
            self._skip(pid, reason, now)
            return False
        self._skipped.pop(pid, None)
        if self._wanted.children is not None:
            self._family.add(pid)
        nested = _is_nested(self._root, pid)
        self._watched[pid] = _Watched(pid, files, stat.started, stat.comm, nested)
        return True

    def _reason_against(self, pid: int, stat: Stat, members: set[int]) -> str:
        """Say why a process is not watched; empty if it is."""
        if not self._wanted.takes(pid, stat, self._family, members):
            return UNWANTED
        if stat.is_kernel_thread:
            return KERNEL_THREAD
        return ZOMBIE if stat.has_ended and stat.threads <= 1 else ""

    def _of_other_task(self, pid: int) -> tuple[ProcessFiles, Stat]:
        """Give the files of a thread that outlives the main one; GoneError if there is none."""
        try:
            tasks = sorted(map(int, os.listdir(f"{self._root}/{pid}/task")))
        except OSError:
            raise GoneError from None
        for task in tasks:
            files = ProcessFiles(self._root, pid, task)
            try:
                stat = files.stat()
            except GoneError:
                continue
            if not stat.has_ended:
                return files, stat
            files.close()
        raise GoneError

    def _skip(self, pid: int, reason: str, now: float) -> None:
        self._skipped[pid] = (reason, now + RECHECK_SECONDS[reason])

    def _drop(self, pid: int) -> Ended:
        one = self._watched.pop(pid)
        one.files.close()
        return Ended(pid, one.comm)

    # -- one sample

    def _in_turn(self) -> Iterable[_Watched]:
        """Give the processes in the order of reading: the longest wait first."""
        if not self.facts.walks:
            return list(self._watched.values())
        return sorted(self._watched.values(), key=lambda one: one.walked_at)

    def _sample(self, one: _Watched, now: float) -> Sample:
        stat = self._stat_of(one)
        if one.cpus_due <= now:
            self._read_cpus(one, now)
        elif stat is one.stat and one.sample and not self.facts.walks:
            if one.files.resident() == one.precise:  # nothing has changed since
                return Sample(round(time.time(), 3), *one.sample[1:])
            stat = self._stat_of(one)
        one.comm, one.stat, one.sample = stat.comm, stat, None
        return self._made(one, stat, now)

    def _made(self, one: _Watched, stat: Stat, now: float) -> Sample:
        bound = self._bounds.of(stat.threads, one.cpus)
        verdict = None
        if self._threshold is not None:
            verdict = verdict_on(stat.rss, bound, self._threshold)
        brackets, threads = self._brackets(one, stat, bound, verdict, now)
        bound = self._bounds.of(threads, one.cpus)
        approximate, precise, difference = stat.rss, None, None
        if brackets:
            approximate, precise, difference = compared(brackets, bound)
            self._remarks[MOVED] += difference is None
            if self._threshold is not None:
                verdict = verdict_on(approximate, bound, self._threshold)
        under = bound.under
        if precise is not None and (under is None or precise < under):
            under = precise  # no reading can be too low by more than the RSS
        sample = Sample(
            time=round(time.time(), 3),
            pid=one.pid,
            comm=one.comm,
            threads=threads,
            cpus=one.cpus_text,
            approximate_pages=approximate,
            precise_pages=precise,
            difference_pages=difference,
            bound_under_pages=under,
            bound_over_pages=bound.over,
            page_size=self.facts.page_size,
            design=self.facts.design,
            kernel=self.facts.kernel,
            verdict=verdict,
        )
        if one.stat is stat and len(brackets) == 1 and not brackets[0].moved:
            one.precise, one.sample = precise, sample
        return sample

    def _stat_of(self, one: _Watched) -> Stat:
        """Read stat of a process; GoneError if it has ended or its PID was reused."""
        stat = one.files.stat()
        if stat.has_ended or stat.started != one.started:
            raise GoneError
        return stat

    def _brackets(
        self, one: _Watched, stat: Stat, bound: Interval, verdict: str | None, now: float
    ) -> tuple[list[Bracket], int]:
        """Read the precise value between cheap ones; give the result and the most threads seen.

        One read suffices if the process does not change and the bound allows the difference.
        """
        found: list[Bracket] = []
        threads, before = stat.threads, stat.rss
        for _ in range(WALKS if self.facts.walks else TRIES):
            precise = self._precise(one, verdict, now)
            if precise is None:
                break
            after = before
            if precise != before:
                again = self._stat_of(one)
                threads, after = max(threads, again.threads), again.rss
            found.append(Bracket(before, precise, after))
            if before == after and is_within(precise - before, bound):
                break
            before = after
        return found, threads

    def _precise(self, one: _Watched, verdict: str | None, now: float) -> int | None:
        """Read the precise value in pages, if permissions and the budget allow it."""
        if not self.facts.walks:
            return one.files.resident()
        if verdict not in {None, UNDECIDED}:
            return None  # the cheap value decides
        if one.walk_denied:
            self._remarks[WALK_DENIED] += 1
            return None
        if not self.budget.allows(self._clock()):
            self._remarks[UNREAD] += 1
            return None
        return self._walked(one, now)

    def _walked(self, one: _Watched, now: float) -> int | None:
        """Walk the page tables of a process, and charge the cost to the budget."""
        begun = time.thread_time()
        one.walked_at = now
        try:
            return one.files.walked(self.facts.precise, self.facts.page_size)
        except PermissionError:
            one.walk_denied = True
            self._remarks[WALK_DENIED] += 1
            return None
        finally:
            self.budget.spend(time.thread_time() - begun)

    def _read_cpus(self, one: _Watched, now: float) -> None:
        """Read the CPUs that the threads may run on; less often if there are more threads."""
        begun = self._clock()
        one.cpus = cpus_allowed(self._root, one.pid)
        one.cpus_text = str(one.cpus)
        took = self._clock() - begun
        one.cpus_due = now + max(CPUS_SECONDS, took / CPUS_SHARE)


def _is_nested(root: str, pid: int) -> bool:
    """Return whether a process also has a PID in a nested PID namespace, that is, a container."""
    try:
        with open(f"{root}/{pid}/status", "rb") as file:
            found = re.search(rb"^NSpid:((?:\s+\d+)+)$", file.read(), re.MULTILINE)
    except OSError:
        return False
    return found is not None and len(found[1].split()) > 1
