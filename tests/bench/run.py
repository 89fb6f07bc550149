"""`make bench`: time whole processes, keep the figures, write docs/performance.md.

An ordinary installation of the checkout is timed (installed.py). Nothing here fails on a slow
machine: docs/performance.md lists the budgets that are met, and by how much the others are missed.
pyperf (process_time.py) times each command; commands take turns, for several rounds, on one CPU.
The figures are kept in docs/performance.json, in pyperf's form: `pyperf show`, `pyperf compare_to`.

A part of the benchmark is a module with TITLE, `commands(folder)` and `report(results)`, listed in
PARTS; case.py has what they share. An optional `reason()` says why the part cannot be measured
here.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median
from time import monotonic

import pyperf
from case import Measured
from installed import PYTHON, ROOT, environment, install

TIMED = ("click", "rich", "networkx", "sympy", "duckdb")
"""Packages that are named with their versions."""

PARTS = ("start_up", "trees", "growth", "fleets", "engines", "work")
"""The modules of the parts, in the order of the document."""

KEPT = ROOT / "docs/performance.json"
DOCUMENT = ROOT / "docs/performance.md"
TIMER = str(Path(__file__).with_name("process_time.py"))
ROUNDS = 5
CPU, CPUS = "0", "0,1"
"""The CPU on which a command runs, and those of commands that use several."""
PEAK = "peak_mib"

HEAD = """\
# Performance

Written by `make bench`, which measures every figure again; all values are in performance.json. An
ordinary installation is timed: a wheel of the checkout in an environment of its own, compiled by
pip. Times are processor time of whole processes on one CPU, the median of several rounds in which
all commands of a part take turns, unless a section says otherwise. Compare ratios: times are those
of this machine.

{machine}
"""


def main():
    options = argparse.ArgumentParser(description="Time rssbound and write docs/performance.md.")
    options.add_argument("--rounds", type=int, default=ROUNDS, help="times that all commands run")
    options.add_argument("--part", action="append", choices=PARTS, help="only this; others stay")
    options.add_argument("--write", action="store_true", help="only write the document again")
    asked = options.parse_args()
    sys.path += [str(ROOT / "tests/support"), str(ROOT / "tests/lab")]
    parts = asked.part or PARTS
    if not (asked.write and Path(PYTHON).exists()):
        print("installing the checkout", file=sys.stderr)
        install(extra for part in parts for extra in getattr(import_module(part), "EXTRAS", ()))
    if not asked.write:
        for part in parts:
            if missing := missing_for(part):
                print(f"{part}: not measured, {missing}", file=sys.stderr)
                continue
            with tempfile.TemporaryDirectory() as name:
                started = monotonic()
                time_part(part, Path(name), asked.rounds)
                print(f"{part}: {monotonic() - started:.0f} s", file=sys.stderr)
    DOCUMENT.write_text(document(), encoding="utf-8")


def missing_for(part):
    """Say why a part cannot be measured here; "" if it can."""
    return getattr(import_module(part), "reason", str)()


def time_part(part, folder, rounds):
    """Time the commands of a part in turns, and replace the kept figures."""
    listed = import_module(part).commands(folder)
    new = folder / "new.json"
    for turn in range(rounds):
        for command in listed:
            if not (command.once and turn):
                print(f"{part}, round {turn + 1} of {rounds}: {command.name}", file=sys.stderr)
                time_command(part, command, new)
    suite = pyperf.BenchmarkSuite.load(str(new))
    for command in listed:
        name = f"{part}: {command.name}"
        if name in suite.get_benchmark_names():
            held = max(map(float, peaks_of(new, command).read_text(encoding="utf-8").split()))
            suite.get_benchmark(name).update_metadata({PEAK: str(round(held, 1))})
    keep(part, suite)


def time_command(part, command, new):
    """Add one process of pyperf, with some runs of the command, to the new figures."""
    names = ",".join(("PATH", *command.environment))
    runs = ("-n", "1", "-w", "0") if command.once else ("-n", "2", "-w", "1")
    done = subprocess.run(
        [
            *(sys.executable, TIMER, "--name", f"{part}: {command.name}", "--quiet"),
            *("-p", "1", *runs, "--inherit-environ", names),
            *(("--by-clock", "--affinity", CPUS) if command.by_clock else ("--affinity", CPU)),
            *("--peaks", str(peaks_of(new, command)), "--append", str(new)),
            *("--", *command.arguments),
        ],
        env={**environment(), **command.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    if done.returncode:
        print(f"not measured: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)


def peaks_of(new, command):
    """Give the file for the memory that the runs of a command held."""
    return new.with_name(re.sub(r"[^a-z0-9]+", "-", command.name) + ".peaks")


def keep(part, suite):
    """Replace the figures of a part by new ones."""
    found = list(suite)
    if KEPT.exists():
        old = pyperf.BenchmarkSuite.load(str(KEPT))
        found += [bench for bench in old if not bench.get_name().startswith(f"{part}: ")]
    pyperf.BenchmarkSuite(found).dump(str(KEPT), replace=True)


def results_of(part):
    """Give the results of the commands of a part."""
    results = {}
    for bench in pyperf.BenchmarkSuite.load(str(KEPT)):
        owner, _, name = bench.get_name().partition(": ")
        if owner == part:
            peak = float(bench.get_metadata()[PEAK])
            results[name] = Measured(median(bench.get_values()), peak)
    return results


def document():
    """Give docs/performance.md."""
    pieces = [HEAD.format(machine=machine())]
    for part in PARTS:
        module = import_module(part)
        if results := results_of(part):
            pieces.append(f"## {module.TITLE}\n\n{module.report(results).strip()}\n")
        elif missing := missing_for(part):
            pieces.append(f"## {module.TITLE}\n\nNot measured: {missing}.\n")
    return "\n".join(pieces)


def machine():
    """Describe the machine and the versions of the programs."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    peers = (first_line("lscpu", "--version"), first_line("lstopo-no-graphics", "--version"))
    versions = [
        f"CPython {platform.python_version()}",
        *(f"{name} {version(name)}" for name in TIMED),
        f"pyperf {pyperf.__version__}",
        f"Linux {platform.release()}",
        *filter(None, peers),
    ]
    cpu = models[0] if models else platform.machine()
    return f"{os.cpu_count()} CPUs of {cpu}.\n{', '.join(versions)}."


def version(package):
    """Give the version of a package that is installed with what is timed."""
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    return first_line(PYTHON, "-c", code, package)


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.partition("\n")[0]


if __name__ == "__main__":
    main()
