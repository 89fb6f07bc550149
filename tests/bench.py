"""Budgets as ratios in one run: `make bench`. Nothing here fails; timings are for people to read.

Each pair of commands is run in turns, and the median of the ratios of processor time is printed.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rssbound
from rssbound.bounds.designs import tree
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve

RUNS = 11
SYNTHETIC = "package:2 numa:4 l3:3 core:8 pu:2"
PYTHON = os.path.realpath(sys.executable)
RSSBOUND = [PYTHON, "-m", "rssbound"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def seconds(command, **environment):
    """Processor time of one run of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, env={**ENVIRONMENT, **environment}, capture_output=True, check=False, timeout=300
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratio(one, other, **environment):
    """Median of time of one command over that of the other, run in turns."""
    pairs = [(seconds(one, **environment), seconds(other, **environment)) for _ in range(RUNS)]
    return statistics.median(a / b for a, b in pairs if b)


def write_tree(root, cpus):
    """Write a sysfs tree of two packages of two-threaded cores with 8-core caches."""
    half, base = cpus // 2, root / "sys/devices/system/cpu"

    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def both(path, members):
        mask, words = members.mask, []
        for _ in range(-(-cpus // 32)):
            words.insert(0, f"{mask & 0xFFFFFFFF:08x}")
            mask >>= 32
        write(path, ",".join(words))
        write(path.with_name(f"{path.name}_list"), members)

    for name in ("possible", "present", "online"):
        write(base / name, f"0-{cpus - 1}")
    for cpu in range(cpus):
        core = cpu % half

        def threads(first, count):
            return rssbound.CpuSet.of(c + t for c in range(first, first + count) for t in (0, half))

        package = threads(core // (half // 2) * (half // 2), half // 2)
        for name, members in {
            "core_cpus": threads(core, 1),
            "thread_siblings": threads(core, 1),
            "package_cpus": package,
            "core_siblings": package,
            "die_cpus": package,
        }.items():
            both(base / f"cpu{cpu}/topology/{name}", members)
        write(base / f"cpu{cpu}/topology/core_id", core)
        write(base / f"cpu{cpu}/topology/physical_package_id", core // (half // 2))
        for index, (level, kind, members) in enumerate(
            [(1, "Data", threads(core, 1)), (3, "Unified", threads(core // 8 * 8, 8))]
        ):
            cache = base / f"cpu{cpu}/cache/index{index}"
            write(cache / "level", level)
            write(cache / "type", kind)
            write(cache / "shared_cpu_list", members)
            write(cache / "shared_cpu_map", f"{members.mask:x}")
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text("".join(f"processor\t: {c}\n\n" for c in range(cpus)))


def bench_start(folder):
    host = folder / "host.json"
    host.write_text(json.dumps({"kind": "rssbound.topology", "synthetic": SYNTHETIC}))
    imports = [PYTHON, "-c", "import click, rich.console, rich.table"]
    found = ratio([*RSSBOUND, "analyze", "--topology", str(host)], imports)
    print(f"analyze of a JSON host / importing click and rich: {found:.2f}  (budget 1.5)")


def bench_reading(folder):
    for cpus in (512, 1024, 4096):
        root = folder / str(cpus)
        write_tree(root, cpus)
        ours = [*RSSBOUND, "analyze", "--topology", str(root)]
        if shutil.which("lstopo-no-graphics"):
            peer = ["lstopo-no-graphics", "--of", "xml", "-"]
            hwloc = {"HWLOC_FSROOT": str(root), "HWLOC_COMPONENTS": "linux,stop"}
            print(f"{cpus} CPUs: analyze / lstopo: {ratio(ours, peer, **hwloc):.2f}  (budget 1)")
        if shutil.which("lscpu"):
            peer = ["lscpu", "--sysroot", str(root), "-e"]
            print(f"{cpus} CPUs: analyze / lscpu: {ratio(ours, peer):.2f}  (budget 1)")


def bench_million():
    command = [*RSSBOUND, "analyze", "--topology", "core:1048576 pu:1"]
    taken = statistics.median(seconds(command) for _ in range(3))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"analyze of 2^20 CPUs: {taken:.2f} s, at most {peak:.0f} MiB  (budget 2 s, 1024 MiB)")


def bench_replay():
    topology = rssbound.read("core:256")
    machine = tree.TREE.model(parameters_of(topology, resolve(Scenario(), topology)))
    updates = [(cpu * 97 % 256, 1 if cpu % 3 else -1) for cpu in range(1_000_000)]
    start = time.process_time()
    machine.replay(updates)
    rate = len(updates) / (time.process_time() - start)
    print(f"replay on the tree: {rate / 1e6:.1f} million updates a second  (budget 1)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        bench_start(Path(name))
        bench_million()
        bench_replay()
        bench_reading(Path(name))
