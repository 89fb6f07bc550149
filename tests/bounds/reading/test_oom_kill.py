"""The running kernel's OOM killer kills the smaller of two processes if rssbound says it can.

A separate cgroup runs out of memory, so no other process of the machine is affected.
"""

import os
import re
import resource
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from limits import PATIENCE_SECONDS
from peaks_programs import program

import rssbound
from rssbound.bounds import Scenario
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.reading.ranking import Subject, ranking_of

PAGE = resource.getpagesize()
BATCH = 32
HELD = 2000

TRIGGER = """
import mmap, time
held = []
while True:
    held.append(mmap.mmap(-1, 1 << 18))
    held[-1].write(b'x' * (1 << 18))
    time.sleep(0.01)
"""
"""A program that allocates memory slowly, because ending a process takes time."""

TRIES = 5

ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
"""A shell script that enters a cgroup and runs a command."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="measures a Linux kernel"),
    pytest.mark.skipif(
        sys.platform == "linux" and not (6, 2, 0) <= version_of(os.uname().release) < (7, 0, 0),
        reason="this kernel does not rank by cheap reads of percpu counters",
    ),
]


@pytest.fixture
def cgroup():
    """A memory cgroup of version 2 or 1, as (folder, file of the limit, file of the usage)."""
    places = {
        Path("/sys/fs/cgroup"): ("memory.max", "memory.current"),
        Path("/sys/fs/cgroup/memory"): ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    }
    for root, (limit, usage) in places.items():
        folder = root / f"rssbound-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        if (folder / limit).exists():
            yield folder, limit, usage
            folder.rmdir()
            return
        folder.rmdir()
    pytest.skip("no memory cgroup that can be made here")


class Mover:
    """A process in a cgroup that maps and unmaps pages on command."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [program("mover")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        (folder / "cgroup.procs").write_text(str(self.pid))
        Path(f"/proc/{self.pid}/oom_score_adj").write_text(
            "500"
        )  # so that no third process is chosen

    def move(self, kind, cpu, pages):
        self.process.stdin.write(f"{kind} {cpu} {pages}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def sizes(self, name):
        text = Path(f"/proc/{self.pid}/{name}").read_text()
        return {
            key: int(kib) << 10
            for key, kib in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)
        }

    @property
    def size(self):
        """The pages of the process, page tables included."""
        rss, status = self.sizes("smaps_rollup")["Rss"], self.sizes("status")
        return (rss + status["VmPTE"] + status["VmSwap"]) // PAGE

    @property
    def lacks(self):
        """Give the pages by which a cheap reading of RSS is too low."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return self.sizes("smaps_rollup")["Rss"] // PAGE - int(stat[21])

    def fill(self, cpu, kind, step):
        """Leave 31 pages in a CPU's slot of a counter, with the sign of a step."""
        before = self.lacks
        for _ in range(2 * BATCH):
            self.move(kind, cpu, step)
            now = self.lacks
            if abs(now - before) > 1:  # the slot was flushed and is empty
                break
            before = now
        for _ in range(BATCH - 1):
            self.move(kind, cpu, step)

    def end(self):
        self.process.kill()
        self.process.communicate()


@contextmanager
def two(folder):
    """Give two processes of equal size; the first reads too low and the second too high."""
    movers = [Mover(folder), Mover(folder)]
    try:
        for mover, step in zip(movers, (1, -1), strict=True):
            for kind in "as":
                mover.move(kind, 0, HELD)
                for cpu in sorted(os.sched_getaffinity(0)):
                    mover.fill(cpu, kind, step)
        yield movers
    finally:
        for mover in movers:
            mover.end()


def larger_by(movers, pages):
    """Make the first process larger than the second by about `pages` pages, in whole batches."""
    low, high = movers
    missing = pages - (low.size - high.size)
    (low if missing > 0 else high).move("a", 0, abs(missing) // BATCH * BATCH)


def victim_of(cgroup, movers):
    """Let the cgroup run out of memory; gives the process that was killed, None if both were.

    The kernel kills another one if the first takes long to end; such a run has no result.
    """
    folder, limit, usage = cgroup
    (folder / limit).write_text(str(int((folder / usage).read_text()) + (24 << 20)))
    trigger = subprocess.Popen(["sh", "-c", ENTER, folder, sys.executable, "-c", TRIGGER])
    first, number = select.poll(), {}
    for mover in movers:
        number[os.pidfd_open(mover.pid)] = mover
    for handle in number:
        first.register(handle, select.POLLIN)
    try:
        assert first.poll(PATIENCE_SECONDS * 1000)
    finally:
        trigger.kill()
        trigger.wait()
        (folder / limit).write_text(str(1 << 40))
        for handle in number:
            os.close(handle)
    time.sleep(0.3)
    killed = [mover for mover in movers if mover.process.poll() is not None]
    return killed[0] if len(killed) == 1 else None


def is_safe(movers):
    """Give rssbound's answer for the two processes."""
    subjects = [Subject(str(mover.pid), mover.size, Scenario()) for mover in movers]
    return ranking_of(rssbound.read(), subjects).right


def seen_in(cgroup, difference):
    """Repeat until one is killed; gives the two, whether their ranking was safe, and the victim."""
    for _ in range(TRIES):
        with two(cgroup[0]) as movers:
            larger_by(movers, difference)
            larger, smaller = movers
            assert larger.size > smaller.size
            assert larger.lacks > 0 > smaller.lacks
            safe = is_safe(movers)
            victim = victim_of(cgroup, movers)
        if victim is not None:
            return larger, smaller, safe, victim
    return pytest.skip("the machine is too busy: both were killed each time")


def test_the_smaller_process_is_killed_if_it_can_be_ranked_wrongly(cgroup):
    """It has fewer pages, but reads as having more."""
    _, smaller, safe, victim = seen_in(cgroup, 2 * BATCH)

    assert not safe
    assert victim is smaller


def test_the_larger_process_is_killed_if_the_ranking_is_safe(cgroup):
    larger, _, safe, victim = seen_in(cgroup, 1000)

    assert safe
    assert victim is larger
