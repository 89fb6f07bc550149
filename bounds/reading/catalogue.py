"""The interfaces that show memory: what each adds up and who reads it.

The interfaces of counters other than RSS read no counters of a process. Their ids are those of the
counters, whose designs give the error.

Sources: fs/proc/task_mmu.c (task_mem, task_statm), fs/proc/array.c (do_task_stat), mm/oom_kill.c,
kernel/sys.c (getrusage).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import METRICS
from rssbound.bounds.reading.releases import FIRST_TRACE, OOM_FIX, READERS_FIX
from rssbound.errors import ScenarioError
from rssbound.records import dataclass

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Version
    from rssbound.bounds.reading.releases import Fix

__all__ = (
    "ABSENT",
    "ALIASES",
    "APPROXIMATE",
    "ELSEWHERE",
    "INTERFACES",
    "PEAK",
    "PRECISE",
    "ROLLUP",
    "WALK",
    "Interface",
    "interface_id",
)

APPROXIMATE, PRECISE, WALK, PEAK, ELSEWHERE = "approximate", "precise", "exact", "peak", "other"
ABSENT = "absent"
"""Kinds of interfaces on a kernel; accuracy.py gives the error of each."""

ROLLUP = "smaps_rollup"
REFRESHED = "the same file after a write to /proc/sys/vm/stat_refresh"
RSS = METRICS["rss"]


@dataclass(frozen=True)
class Interface:
    """A file or call: the counters that it adds up, and the fix that made it precise, if any.

    `kind` is its kind without the fix. `users` read it; `cost` is the kernel's cost of a read;
    `instead` is what to read if it is not accurate enough. It came with release `first` and the
    commit `origin`; empty if all kernels have it.
    """

    id: str
    where: str
    counters: tuple[str, ...]
    kind: str
    users: str
    cost: str
    instead: str
    fix: Fix | None = None
    first: Version = (2, 6, 0)
    origin: str = ""


INTERFACES: dict[str, Interface] = {
    interface.id: interface
    for interface in (
        Interface(
            "status",
            "/proc/PID/status: VmRSS, RssAnon, RssFile, RssShmem",
            RSS,
            APPROXIMATE,
            "ps (RSS, %MEM), systemd scripts",
            "O(1); precise: O(CPUs)",
            ROLLUP,
            READERS_FIX,
        ),
        Interface(
            "statm",
            "/proc/PID/statm: resident, shared",
            RSS,
            APPROXIMATE,
            "top (RES, %MEM), htop, psutil memory_info",
            "O(1); precise: O(CPUs)",
            ROLLUP,
            READERS_FIX,
        ),
        Interface(
            "stat",
            "/proc/PID/stat: field 24, rss",
            RSS,
            APPROXIMATE,
            "Prometheus clients (process_resident_memory_bytes)",
            "O(1)",
            ROLLUP,
        ),
        Interface(
            "hwm",
            "/proc/PID/status: VmHWM",
            RSS,
            PEAK,
            "memory tests, programming contest judges",
            "O(1)",
            "memory.peak of a cgroup of its own",
        ),
        Interface(
            "maxrss",
            "getrusage and wait4: ru_maxrss",
            RSS,
            PEAK,
            "time -v, Python's resource, benchmarks",
            "O(1)",
            "memory.peak of a cgroup of its own",
        ),
        Interface(
            "oom_badness",
            "/proc/PID/oom_score; the OOM killer's choice",
            METRICS["oom"],
            APPROXIMATE,
            "the OOM killer, earlyoom",
            "O(1); precise: O(CPUs) for each process",
            "memory.current of a cgroup",
            OOM_FIX,
        ),
        Interface(
            "oom_report",
            "the OOM killer's table of processes in the kernel log",
            RSS,
            APPROXIMATE,
            "administrators, after an OOM kill",
            "O(1); precise: O(CPUs) for each process",
            "-",
            OOM_FIX,
        ),
        Interface(
            "trace",
            "tracepoint kmem:rss_stat, one counter",
            ("file",),  # the worst: split counting holds most of file mappings
            APPROXIMATE,
            "perf, BPF, Perfetto",
            "O(1) to 6.1; a sum over all CPUs for each event since",
            ROLLUP,
            first=FIRST_TRACE,
            origin="b3d1411b6726",
        ),
        Interface(
            ROLLUP,
            "/proc/PID/smaps_rollup, smaps: Rss",
            RSS,
            WALK,
            "psutil memory_full_info, Android, smem",
            "O(mapped pages), under mmap_lock",
            "-",
        ),
        Interface(
            "memory.current",
            "memory.current of a cgroup; v1: memory.usage_in_bytes",
            (),
            ELSEWHERE,
            "systemd-oomd, kubelet, cAdvisor, kernel selftests, LTP",
            "O(1)",
            "-",
        ),
        Interface(
            "memory.stat",
            "memory.stat and memory.numa_stat (not of 5.13, 5.14) of a cgroup, one item",
            (),
            ELSEWHERE,
            "kubelet, cAdvisor, kernel selftests, LTP",
            "O(1); a flush is O(CPUs and cgroups)",
            "the same file after the next flush (usually within 2 s)",
        ),
        *(
            Interface(id_, where, (), ELSEWHERE, users, "O(1)", REFRESHED)
            for id_, where, users in (
                (
                    "vmstat.zone",
                    "/proc/vmstat: nr_free_pages, nr_mlock; meminfo: MemFree",
                    "free, vmstat, node_exporter",
                ),
                (
                    "vmstat.node",
                    "/proc/vmstat: nr_anon_pages, nr_dirty; meminfo: AnonPages, Mapped, Dirty",
                    "free, vmstat, node_exporter",
                ),
                ("zoneinfo.zone", "/proc/zoneinfo: an item of one zone", "monitoring by zone"),
                (
                    "zoneinfo.node",
                    "/sys/devices/system/node/nodeN/vmstat: an item of one node",
                    "numastat -m, node_exporter",
                ),
            )
        ),
        Interface(
            "sockets",
            "/proc/net/sockstat: mem; /proc/net/protocols: memory, one protocol",
            (),
            ELSEWHERE,
            "node_exporter, BPF selftests",
            "O(1)",
            "-",
        ),
    )
}
"""Interface id -> interface."""

ALIASES = {
    "VmRSS": "status",
    "RssAnon": "status",
    "RssFile": "status",
    "RssShmem": "status",
    "VmHWM": "hwm",
    "ru_maxrss": "maxrss",
    "smaps": ROLLUP,
    "oom_score": "oom_badness",
    "rss_stat": "trace",
    "memory.usage_in_bytes": "memory.current",
    "memory.numa_stat": "memory.stat",
}
"""Name of a value in the kernel or its callers -> id of the interface that shows it."""


def interface_id(name: str) -> str:
    """Give the id of an interface from its id or an alias; ScenarioError if unknown."""
    id_ = ALIASES.get(name, name)
    if id_ not in INTERFACES:
        raise ScenarioError(
            f"interface: unknown {name!r}; known: {', '.join((*INTERFACES, *ALIASES))}"
        )
    return id_
