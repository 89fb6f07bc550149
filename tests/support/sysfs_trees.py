"""Sysfs trees of any size, which lscpu and lstopo can read as well as rssbound.

Two packages of four NUMA nodes, cores of two threads, caches shared by eight cores. The second
thread of core c is CPU c + half of all, as on x86 servers.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import NamedTuple
from xml.etree import ElementTree as ET

import rssbound
from rssbound.topology import CpuSet

PACKAGES = 2
THREADS = 2
CORES_OF_CACHE = 8
MOST_NODES = 8
HWLOC = {"HWLOC_COMPONENTS": "linux,stop", "HWLOC_THISSYSTEM": "0"}

CPUINFO = """\
processor\t: {cpu}
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Made for a benchmark
stepping\t: 8
physical id\t: {package}
siblings\t: {siblings}
core id\t\t: {core}
cpu cores\t: {cores}
flags\t\t: fpu tsc msr apic lm
bogomips\t: 4000.00

"""


class Counts(NamedTuple):
    """The counts on which two readers of one machine must agree."""

    cpus: int
    cores: int
    packages: int
    nodes: int


def expected(cpus):
    """Give the counts of a tree with a number of CPUs, a power of two from 8."""
    return Counts(cpus, cpus // THREADS, PACKAGES, nodes_of(cpus))


def nodes_of(cpus):
    return min(MOST_NODES, cpus // (THREADS * PACKAGES))


def write_tree(root, cpus):
    """Write sys/ and proc/ of such a machine to a folder."""
    half = cpus // THREADS
    of_package, of_node = half // PACKAGES, half // nodes_of(cpus)
    system = root / "sys/devices/system"

    def group(core, size):
        first = core // size * size
        return CpuSet.of(c + t * half for c in range(first, first + size) for t in range(THREADS))

    sets = {}  # the texts of a set, which many CPUs share

    def put(folder, stem, members, listed):
        if members not in sets:
            sets[members] = (f"{mask_text(members, cpus)}\n", f"{members}\n")
        for name, text in zip((stem, listed), sets[members], strict=True):
            (folder / name).write_text(text)

    for name in ("possible", "present", "online"):
        write(system / "cpu" / name, f"0-{cpus - 1}")
    write(system / "cpu/kernel_max", cpus - 1)
    for cpu in range(cpus):
        core = cpu % half
        topology = system / f"cpu/cpu{cpu}/topology"
        topology.mkdir(parents=True)
        of_core, package = group(core, 1), group(core, of_package)
        for stem, members in {
            **dict.fromkeys(("core_cpus", "thread_siblings"), of_core),
            **dict.fromkeys(("package_cpus", "core_siblings", "die_cpus"), package),
        }.items():
            put(topology, stem, members, f"{stem}_list")
        write(topology / "core_id", core % of_package)
        write(topology / "physical_package_id", core // of_package)
        write(topology / "die_id", 0)
        shared = group(core, min(CORES_OF_CACHE, of_node))
        for index, (level, kind, members) in enumerate(
            [(1, "Data", of_core), (1, "Instruction", of_core), (3, "Unified", shared)]
        ):
            cache = system / f"cpu/cpu{cpu}/cache/index{index}"
            cache.mkdir(parents=True)
            write(cache / "level", level)
            write(cache / "type", kind)
            write(cache / "size", "32K")
            write(cache / "id", core)
            put(cache, "shared_cpu_map", members, "shared_cpu_list")
    write(system / "node/online", f"0-{nodes_of(cpus) - 1}")
    for node in range(nodes_of(cpus)):
        folder = system / f"node/node{node}"
        folder.mkdir()
        put(folder, "cpumap", group(node * of_node, of_node), "cpulist")
        write(folder / "meminfo", f"Node {node} MemTotal: 67108864 kB")
        write(folder / "distance", " ".join(["10"] * nodes_of(cpus)))
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(
        "".join(
            CPUINFO.format(
                cpu=cpu,
                package=cpu % half // of_package,
                siblings=of_package * THREADS,
                core=cpu % half % of_package,
                cores=of_package,
            )
            for cpu in range(cpus)
        )
    )
    (root / "proc/meminfo").write_text("MemTotal: 536870912 kB\n")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def mask_text(members, cpus):
    """Print a set as the kernel's mask files do, with a word for each 32 CPUs of the machine."""
    digits = f"{members.mask:0{-(-cpus // 32) * 8}x}"
    return ",".join(digits[place : place + 8] for place in range(0, len(digits), 8))


# -- what each reader finds


def ours(root):
    """Give our counts."""
    host = rssbound.read(root)
    return Counts(len(host.online), host.count("core"), host.count("package"), host.numa_nodes)


def lscpu(root):
    """Give the counts of lscpu, by the columns of its table."""
    rows = json.loads(run([*lscpu_command(root), "-J"]))["cpus"]
    return Counts(
        len({row["cpu"] for row in rows}),
        len({row["core"] for row in rows}),
        len({row["socket"] for row in rows}),
        len({row["node"] for row in rows}),
    )


def lscpu_command(root):
    """The command that prints a row for each CPU."""
    return ["lscpu", "--sysroot", str(root), "-e=CPU,CORE,SOCKET,NODE"]


def lstopo(root):
    """Give the counts of lstopo, by the objects of its XML."""
    types = [
        element.get("type")
        for element in ET.fromstring(run(lstopo_command(), **lstopo_environment(root))).iter(
            "object"
        )
    ]
    return Counts(*(types.count(name) for name in ("PU", "Core", "Package", "NUMANode")))


def lstopo_command():
    """The command that reads the whole topology and prints it."""
    return ["lstopo-no-graphics", "--of", "xml", "-"]


def lstopo_environment(root):
    """The environment that makes hwloc read a tree instead of this machine."""
    return {"HWLOC_FSROOT": str(root), **HWLOC}


def run(command, **environment):
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, check=True, text=True
    ).stdout
