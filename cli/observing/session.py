"""A watch from start to end: starting a command, showing, streaming and recording samples.

At the end, for any reason, files are closed, the terminal is restored, and a started command is
stopped.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.observing.pace import Pace, beats
from rssbound.cli.observing.started import Started, started
from rssbound.cli.output import EXIT_INTERRUPTED, EXIT_VIOLATED, STANDARD_OUTPUT, say
from rssbound.cli.render.units import counted
from rssbound.errors import InputError, naming
from rssbound.live.procfs import online_cpus
from rssbound.live.recording import line_of, line_recorder, recorder
from rssbound.live.sample import is_outside
from rssbound.live.summary import Summing
from rssbound.live.wanted import Wanted
from rssbound.live.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from rssbound.cli.observing.screen import Screen
    from rssbound.cli.render.results.observation_screen import View
    from rssbound.live.facts import Bounds, Facts
    from rssbound.live.watch import Look

__all__ = ("EXIT_CLOSED_PIPE", "LOOK", "SCREEN", "STREAM", "SUMMARY", "Plan", "Seen", "watched")

SCREEN, STREAM, LOOK, SUMMARY = "screen", "stream", "look", "summary"
"""What is printed: a live screen, every sample at once, a single look, or a summary of all."""

EXIT_CLOSED_PIPE = 141


@dataclass(frozen=True)
class Plan:
    """What to do; `shows` is one of the four above, `threshold` is in pages."""

    wanted: Wanted
    shows: str
    pace: Pace
    command: tuple[str, ...] = ()
    threshold: int | None = None
    share: float = 0.01
    record: str | None = None
    metrics: str | None = None
    output: str = "-"


@dataclass
class Seen:
    """The result of a watch: the last look, the summary, and the exit code.

    sampled  looks with at least one sample
    cost     CPU time of the watch, in words
    limits   in words: the walks that the budget allowed, and the samples that were skipped
    """

    look: Look | None = None
    sampled: int = 0
    summing: Summing | None = None
    outside: int = 0
    missed: int = 0
    code: int = 0
    cost: str = ""
    limits: tuple[str, ...] = ()


class _AskedToEndError(BaseException):
    """SIGTERM or SIGHUP was received."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


def watched(plan: Plan, facts: Facts, bounds: Bounds, view: View, *, color: bool) -> Seen:
    """Watch, and give the result.

    InputError if nothing can be watched, OSError if a file cannot be written.
    """
    seen = Seen(summing=Summing() if plan.shows in {SUMMARY, SCREEN} else None)
    with _ends_in_order() as asked:
        try:
            _run(plan, facts, bounds, view, seen, asked, color=color)
        except KeyboardInterrupt:
            seen.code = EXIT_INTERRUPTED
        except _AskedToEndError as error:
            seen.code = error.code
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            seen.code = EXIT_CLOSED_PIPE
    if seen.outside:
        seen.code = EXIT_VIOLATED
    return seen


def _run(
    plan: Plan,
    facts: Facts,
    bounds: Bounds,
    view: View,
    seen: Seen,
    asked: Sequence[BaseException],
    *,
    color: bool,
) -> None:
    """Take samples until the watched processes or the requested time have ended.

    `asked` has the exception of a signal that asked for the end.
    """
    with ExitStack() as stack:
        takers = _takers(plan, stack, seen)
        child = _child(plan, stack)
        watch = _watch(plan, facts, bounds, child)
        stack.callback(watch.close)
        ready: dict[int, Callable[[], bool]] = {}
        if child is not None and child.ended is not None:
            ready[child.ended] = lambda: False
        shown = _screen(facts, view, stack, ready, color=color) if plan.shows == SCREEN else None
        meter = _Meter(watch)
        stack.callback(meter.report, seen)
        cpus = _OnlineCpus()
        for missed in beats(plan.pace, ready):
            if asked:  # the interpreter drops an exception that is raised in a finaliser
                raise asked[0]
            if cpus.have_changed():
                bounds.renew(read_machine(None, None))
                watch.forget()
            look = watch.look()
            seen.look = look
            seen.sampled += bool(look.samples)
            seen.missed += missed
            seen.outside += sum(map(is_outside, look.samples))
            for take in takers:
                take(look)
            if shown is not None:
                shown.show(look, meter.words())
            if _is_over(plan, look, child):
                break
        if child is not None and child.has_ended():
            seen.code = child.exit_code
            _say_end(child, seen, plan.pace)


def _say_end(child: Started, seen: Seen, pace: Pace) -> None:
    """Say how a command ended if it failed, and that it ended too soon to be watched."""
    if seen.code:
        say(child.describe_end())
    if not seen.sampled:
        say(f"{child.command[0]}: ended before it could be sampled")
    elif seen.sampled == 1:
        say(
            f"{child.command[0]}: sampled only once, because it ended within --interval "
            f"({pace.interval:g} s); a shorter one takes more samples"
        )


def _is_over(plan: Plan, look: Look, child: Started | None) -> bool:
    """Return whether no further sample is possible; InputError if there never was one."""
    if child is not None:
        return child.has_ended()
    if not look.samples and not plan.wanted.looks_around:
        return True
    if not look.samples and plan.shows == LOOK:
        raise InputError("nothing to watch: none of the selected processes can be read")
    return False


def _takers(plan: Plan, stack: ExitStack, seen: Seen) -> list[Callable[[Look], None]]:
    """Open the outputs that take looks."""
    takers: list[Callable[[Look], None]] = []
    if seen.summing is not None:
        summing = seen.summing
        takers.append(lambda look: summing.add(look.samples))
    if plan.record is not None:
        write = stack.enter_context(recorder(plan.record))
        takers.append(lambda look: write(look.samples))
    if plan.metrics is not None:
        from rssbound.cli.observing.metrics import metrics_at  # noqa: PLC0415 (an extra)

        expose = stack.enter_context(metrics_at(plan.metrics))
        takers.append(lambda look: expose(look.samples))
    if plan.shows == STREAM:
        takers.append(_stream(plan, stack))
    return takers


def _stream(plan: Plan, stack: ExitStack) -> Callable[[Look], None]:
    """Open the output for samples that are printed at once."""
    if plan.output != "-":
        record = stack.enter_context(line_recorder(plan.output))
        return lambda look: record(look.samples)

    def write(look: Look) -> None:
        with naming(STANDARD_OUTPUT):
            sys.stdout.writelines(map(line_of, look.samples))
            sys.stdout.flush()

    return write


def _child(plan: Plan, stack: ExitStack) -> Started | None:
    if not plan.command:
        return None
    return stack.enter_context(
        started(plan.command, quiet=plan.shows == SCREEN, to_stderr=plan.output == "-")
    )


def _watch(plan: Plan, facts: Facts, bounds: Bounds, child: Started | None) -> Watch:
    wanted = plan.wanted
    if child is not None:
        wanted = Wanted(pids=frozenset({child.pid}), children=child.pid)
    return Watch(wanted, facts, bounds, threshold=plan.threshold, share=plan.share)


def _screen(
    facts: Facts,
    view: View,
    stack: ExitStack,
    ready: dict[int, Callable[[], bool]],
    *,
    color: bool,
) -> Screen:
    from rssbound.cli.observing.screen import screen  # noqa: PLC0415 (needs a terminal, loads rich)

    shown = stack.enter_context(screen(facts, view, color=color))
    ready[shown.keys] = shown.press
    return shown


@contextmanager
def _ends_in_order() -> Iterator[Sequence[BaseException]]:
    """Turn signals that would end the program into exceptions, so that everything is restored.

    Gives the exceptions that were raised, for callers to raise one again that was lost.

    Only the first signal counts; a second one could leave an incomplete record and is ignored.
    Signals that are ignored already, as SIGHUP is under nohup, stay ignored.
    """

    def ask(number: int, _: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        asked.append(KeyboardInterrupt() if number == signal.SIGINT else _AskedToEndError(number))
        raise asked[-1]

    asked: list[BaseException] = []
    ends = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    heeded = [number for number in ends if signal.getsignal(number) is not signal.SIG_IGN]
    before: dict[int, Any] = {number: signal.getsignal(number) for number in heeded}
    for each in heeded:
        signal.signal(each, ask)
    before[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # BrokenPipeError
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _OnlineCpus:
    """The online CPUs, which the kernel's batch depends on."""

    def __init__(self) -> None:
        self._online = online_cpus()

    def have_changed(self) -> bool:
        """Return whether they have changed since the last call; prints a change."""
        online = online_cpus()
        if online == self._online:
            return False
        say(f"online CPUs changed from {self._online} to {online}: bounds now cover both")
        self._online = online
        return True


class _Meter:
    """The cost of the watch itself."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._begun = self._at = time.monotonic()
        self._cpu_begun = self._cpu = time.process_time()

    def words(self) -> str:
        """Describe the CPU time since the last call, and that of all walks."""
        now, cpu = time.monotonic(), time.process_time()
        share = (cpu - self._cpu) / max(now - self._at, 1e-3)
        self._at, self._cpu = now, cpu
        walks = f"; {self._walks(now)}" if self._watch.facts.walks else ""
        return f"rssbound uses {share:.1%} of a CPU{walks}"

    def report(self, seen: Seen) -> None:
        """Describe the total cost at the end."""
        now, cpu = time.monotonic(), time.process_time()
        share = (cpu - self._cpu_begun) / max(now - self._begun, 1e-3)
        seen.cost = f"rssbound used {share:.1%} of a CPU."
        walks = [f"{self._walks(now)}."] if self._watch.facts.walks else []
        late = f"{counted(seen.missed, 'sample')} skipped, because the one before took too long."
        seen.limits = (*walks, *([late] if seen.missed else []))

    def _walks(self, now: float) -> str:
        budget = self._watch.budget
        each = f" of {1000 * budget.spent / budget.times:.2f} ms" if budget.times else ""
        share = budget.spent / max(now - self._begun, 1e-3)
        reads = counted(budget.times, "read")
        return f"{self._watch.facts.precise}: {reads}{each}, {share:.2%} of a CPU"
