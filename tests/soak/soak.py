"""Watch processes that start, grow, fork, exec and end for a long time; measure the watch.

    python tests/soak/soak.py [--processes 500] [--seconds 1800] [--interval 0.1] [--walk]

Fails if a sample is outside its bound, if the watch ends with an error, if its own precise RSS
grows, or if it uses too much of a CPU: MOST_CPU in all or, with --walk (as on a kernel whose statm
is not precise), 1% for walks of page tables.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = os.path.realpath(sys.executable)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

MOST_CPU = 0.25
LEAST_CPU = 0.10
"""Share of one CPU for 5,000 samples a second, in proportion for fewer, and a minimum."""
MOST_GROWTH = 2 << 20
"""Bytes by which the watch may grow in the second half of a long run."""
MOST_WALKS = 1.05
WALKS = re.compile(r"^smaps_rollup: .* ms, ([\d.]+)% of a CPU")
"""Percent of a CPU for walks: the budget, and the cost of one walk in a short run."""
WARM_UP = 0.25
LONG_SECONDS = 600

OBSERVE = "import sys; from rssbound.cli.main import main; sys.exit(main())"
WALKING = (
    "from rssbound.cli.commands import observe; observe._is_statm_precise = lambda: False; "
) + OBSERVE
"""The program as if statm were not precise, for kernels whose release does not say it."""


def built(folder):
    """Compile the load; give its path."""
    path = Path(folder) / "load"
    subprocess.run(
        ["cc", "-O1", "-pthread", "-o", str(path), str(HERE / "load.c")], check=True, timeout=60
    )
    return path


def precise_rss(pid):
    """Bytes of a process, by a walk of its page tables."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Rss:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024


def cpu_seconds(pid):
    """Processor time of a process itself."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def soak(processes, seconds, interval, *, walk=False):
    """Watch a load; give the measurements."""
    with tempfile.TemporaryDirectory() as folder:
        load = built(folder)
        result = Path(folder) / "summary.json"
        command = [PYTHON, "-c", WALKING if walk else OBSERVE, "observe"]
        command += ["--interval", str(interval), "--threshold", "2MiB", "-o", str(result)]
        command += ["--", str(load), str(processes), str(seconds), "1"]
        begun = time.monotonic()
        with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as watch:
            series = list(_series(watch, max(seconds / 180, 0.5)))
            _, said = watch.communicate()
        took = time.monotonic() - begun
        summary = json.loads(result.read_text()) if result.exists() else None
    return {
        "code": watch.returncode,
        "said": said,
        "seconds": took,
        "series": series,
        "summary": summary,
    }


def _series(watch, every):
    """Yield the time, processor time and RSS of the watch while it runs."""
    while watch.poll() is None:
        try:
            yield time.monotonic(), cpu_seconds(watch.pid), precise_rss(watch.pid)
        except (OSError, TypeError):  # it is about to end
            return
        time.sleep(every)


def figures(found):
    """Give the figures to print and check."""
    series, summary = found["series"], found["summary"]
    start = series[0][0] + WARM_UP * (series[-1][0] - series[0][0])
    steady = [point for point in series if point[0] >= start]
    half = len(steady) // 2
    (first, cpu, _), (last, cpu_last, _) = steady[0], steady[-1]
    means = [statistics.mean(rss for _, _, rss in part) for part in (steady[:half], steady[half:])]
    watched = summary["last"] - summary["first"]
    return {
        "samples": summary["samples"],
        "per_second": summary["samples"] / watched,
        "compared": summary["compared"],
        "outside": summary["outside"],
        "processes": len(summary["processes"]) + summary["other_processes"],
        "cpu": (cpu_last - cpu) / max(last - first, 1e-3),
        "rss_first_half": means[0],
        "rss_second_half": means[1],
        "rss_largest": max(rss for _, _, rss in series),
        "quantiles": summary["quantiles"],
        "largest": summary["processes"][0],
        "notes": summary["notes"],
    }


def faults(found, measured, *, walk=False):
    """List the failures."""
    wrong = []
    if found["code"] != 0 or found["said"]:
        wrong.append(f"exit code {found['code']}: {found['said']}")
    if measured["outside"]:
        wrong.append(f"{measured['outside']} samples outside the bound")
    walks = [float(share) for note in measured["notes"] for share in WALKS.findall(note)]
    if walk and (not walks or walks[0] > MOST_WALKS):
        wrong.append(f"walks of page tables took {walks}% of a CPU, allowed are {MOST_WALKS}%")
    if found["seconds"] < LONG_SECONDS:
        return wrong  # too short to judge growth and processor time
    growth = measured["rss_second_half"] - measured["rss_first_half"]
    if growth > MOST_GROWTH:
        wrong.append(f"its own RSS grew by {growth / 1024:,.0f} KiB")
    allowed = max(LEAST_CPU, MOST_CPU * measured["per_second"] / 5000)
    if measured["cpu"] > allowed and not walk:
        wrong.append(f"{measured['cpu']:.1%} of a CPU, allowed are {allowed:.1%}")
    return wrong


def main():
    """Run, print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--interval", type=float, default=0.1)
    parser.add_argument("--walk", action="store_true", help="as where statm is not precise")
    asked = parser.parse_args()
    found = soak(asked.processes, asked.seconds, asked.interval, walk=asked.walk)
    if found["summary"] is None:
        print(found["said"])
        return 1
    measured = figures(found)
    print(os.uname().release, json.dumps(measured, indent=2))
    wrong = faults(found, measured, walk=asked.walk)
    for fault in wrong:
        print(f"FAULT: {fault}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
