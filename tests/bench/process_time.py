"""Time a command as pyperf does, but in processor time, on which other work has less effect.

    process_time.py --name NAME --peaks FILE [--by-clock] -o FILE -- COMMAND...

A run that does not exit with 0 ends the measurement.
"""

import os
import resource
import subprocess
import time

import pyperf

LONGEST = 120
"""Seconds after which a run is stopped and not counted."""


def seconds(loops, command, peaks, by_clock):
    """Processor time of some runs of a command, in user and kernel; notes the memory they held.

    `by_clock`: the time that passes instead.
    """
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(loops):
        subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, timeout=LONGEST
        )
    passed = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(peaks, "a", encoding="utf-8") as file:
        print(after.ru_maxrss / 1024, file=file)
    if by_clock:
        return passed
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def pass_on(command, arguments):
    """Pass our own arguments on to the worker processes."""
    command.extend(["--by-clock"] * arguments.by_clock)
    command.extend(("--name", arguments.name, "--peaks", arguments.peaks, "--", *arguments.command))


if __name__ == "__main__":
    runner = pyperf.Runner(loops=1, add_cmdline_args=pass_on)
    runner.argparser.add_argument("--name", required=True)
    runner.argparser.add_argument("--peaks", required=True, help="gets the MiB of each run")
    runner.argparser.add_argument("--by-clock", action="store_true")
    runner.argparser.add_argument("command", nargs="+")
    arguments = runner.parse_args()
    runner.metadata["command"] = " ".join(map(os.path.basename, arguments.command[:4]))
    runner.bench_time_func(
        arguments.name, seconds, arguments.command, arguments.peaks, arguments.by_clock
    )
