"""A running process (--pid): its threads, CPUs, page size and RSS by counter, read from /proc.

The fields of /proc/PID/status are those of fs/proc/array.c and task_mmu.c. A thread's CPUs are
those that its affinity and its cpuset both allow.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds.reading.accuracy import accuracy_on
from rssbound.bounds.reading.catalogue import INTERFACES, PRECISE
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
from rssbound.cli.command import Whole
from rssbound.cli.inputs.options import is_given
from rssbound.cli.output import say
from rssbound.errors import InputError
from rssbound.records import dataclass, field, replace
from rssbound.topology import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.bounds import Scenario
    from rssbound.topology import Topology

__all__ = ("Process", "asked_process", "pid_option", "process_of", "with_process")

PROC = "/proc"
CGROUPS = "/sys/fs/cgroup"

COUNTERS = {"file": "RssFile", "anon": "RssAnon", "swap": "VmSwap", "shmem": "RssShmem"}
"""Counter -> its line in /proc/PID/status, since 4.5; VmSwap since 2.6.34."""


@dataclass(frozen=True)
class Process:
    """What /proc says about a process at one moment.

    `cpus` are the CPUs that any of its threads may run on now; `cpuset` those that its cgroup
    allows, None without cgroup v2; `page_size` is in bytes; `rss` is in bytes by counter, empty
    if the kernel does not show it. `unread` has a line for each value that could not be read.
    """

    pid: int
    name: str
    threads: int
    cpus: CpuSet
    cpuset: CpuSet | None
    page_size: int
    rss: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def pid_option() -> Callable[[Any], Any]:
    """Give the option that names a running process."""
    return click.option(
        "--pid",
        type=Whole(min=1),
        metavar="PID",
        help="A running process of this machine. Its threads and CPUs are read from /proc unless "
        "options set them.",
    )


def asked_process(context: click.Context, pid: int | None) -> Process | None:
    """Read the process of --pid, None without one; warns about what could not be read.

    InputError if there is no such process with memory; UsageError together with another machine.
    """
    if pid is None:
        return None
    if is_given(context, "topology"):
        raise click.UsageError("--pid names a process of this machine; leave out --topology.")
    process = process_of(pid)
    for line in process.unread:
        say(f"warning: process {pid}: {line}")
    return process


def with_process(
    context: click.Context,
    scenario: Scenario,
    machine: Topology,
    process: Process | None,
    *,
    stays: bool = True,
) -> Scenario:
    """Fill in a scenario from a process, except for what the command line sets.

    `stays`: the question is about the process as it is now, so its size is used too.
    """
    if process is None:
        return scenario
    found: dict[str, Any] = {"threads": process.threads, "page_size": process.page_size}
    allowed = process.cpus & machine.online
    if allowed and allowed != machine.online:
        found["cpus"] = allowed
    if stays and process.rss and _is_precise(machine, scenario):
        sizes = {counter: SizeRange(size, size) for counter, size in process.rss.items()}
        found["rss"] = ProcessSize(counters=sizes)
    open_ = {name for name in found if name in context.params and not is_given(context, name)}
    return replace(scenario, **{name: found[name] for name in open_})


def _is_precise(machine: Topology, scenario: Scenario) -> bool:
    """Return whether status shows the true sizes; if not, a process can hold more than it shows."""
    if machine.kernel is None:
        return False
    accuracy = accuracy_on(INTERFACES["status"], machine.kernel, scenario.constants)
    return accuracy.kind == PRECISE and not accuracy.guess


def process_of(pid: int) -> Process:
    """Read a process of this machine; the InputError says why it cannot be read."""
    status = _status(pid)
    _check(pid, status)
    unread: list[str] = []
    cpuset = _cpuset(pid, unread)
    cpus = _cpus(pid, status, unread)
    rss = {
        counter: int(status[line].split()[0]) * 1024
        for counter, line in COUNTERS.items()
        if line in status
    }
    if len(rss) < len(COUNTERS):
        unread.append("its status does not show RSS by counter, which needs Linux 4.5")
    return Process(
        pid=pid,
        name=status.get("Name", ""),
        threads=int(status["Threads"]),
        cpus=cpus if cpuset is None else cpus & cpuset or cpus,
        cpuset=cpuset,
        page_size=os.sysconf("SC_PAGE_SIZE"),
        rss=rss,
        unread=tuple(unread),
    )


def _status(pid: int) -> dict[str, str]:
    """Read the lines of /proc/PID/status by name."""
    try:
        text = _text(f"{PROC}/{pid}/status")
    except PermissionError:
        raise InputError(
            f"--pid {pid}: permission denied; /proc is mounted with hidepid; run as the user of "
            "the process or as root"
        ) from None
    except OSError:
        raise InputError(_missing(pid)) from None
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE))


def _missing(pid: int) -> str:
    """Explain why there is no /proc/PID: hidepid=invisible hides the processes of other users."""
    if not os.path.exists(f"{PROC}/self/status"):
        return f"--pid {pid}: {PROC} is not mounted; mount it"
    try:
        os.kill(pid, 0)  # signal 0 only checks that the process exists
    except PermissionError:
        return (
            f"--pid {pid}: hidden; /proc is mounted with hidepid; run as the user of the process "
            "or as root"
        )
    except (OSError, OverflowError):
        pass
    return f"--pid {pid}: no such process"


def _check(pid: int, status: Mapping[str, str]) -> None:
    """Raise InputError for a process or thread that has no memory of its own."""
    leader = status.get("Tgid", str(pid))
    if leader != str(pid):
        raise InputError(f"--pid {pid}: this is a thread; its process is {leader}")
    state = status.get("State", "")[:1]
    if state in {"Z", "X"}:
        raise InputError(f"--pid {pid}: this process has ended (a zombie) and holds no memory")
    if "VmRSS" not in status:
        raise InputError(f"--pid {pid}: this is a kernel thread, which has no memory of its own")


def _cpus(pid: int, status: Mapping[str, str], unread: list[str]) -> CpuSet:
    """Give the CPUs that any of its threads may run on."""
    from rssbound.live.procfs import cpus_of_threads  # noqa: PLC0415 (only for a process)

    cpus = CpuSet.parse(status.get("Cpus_allowed_list", ""))
    try:
        return cpus | cpus_of_threads(PROC, pid)
    except OSError as error:
        unread.append(f"task: {error.strerror}; using the CPUs of its main thread")
        return cpus


def _cpuset(pid: int, unread: list[str]) -> CpuSet | None:
    """Give the CPUs of its v2 cgroup, or of the nearest ancestor that lists them; None if none."""
    try:
        found = re.search(r"^0::(/.*)$", _text(f"{PROC}/{pid}/cgroup"), re.MULTILINE)
        folder = found[1] if found else None
        while folder:
            file = f"{CGROUPS}{folder.rstrip('/')}/cpuset.cpus.effective"
            if os.path.exists(file):
                return CpuSet.parse(_text(file).strip())
            folder = folder.rstrip("/").rpartition("/")[0]
    except OSError as error:
        unread.append(f"{error.filename}: {error.strerror}; its cpuset is not known")
    return None


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
