"""Read /proc/PID: the files with a process's memory, and the CPUs that it may run on.

Fields are of fs/proc/array.c (do_task_stat) and fs/proc/task_mmu.c (proc_pid_statm, show_smap).
Files are kept open: an open file still refers to its process when the PID is reused, and reading
it costs a fraction of opening it again.
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from rssbound.topology import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = (
    "PROC",
    "GoneError",
    "ProcessFiles",
    "Stat",
    "cgroup_pids",
    "cpus_allowed",
    "cpus_of_threads",
    "hides_others",
    "is_in_container",
    "online_cpus",
    "parse_stat",
    "pids_in",
)

PROC = "/proc"

PF_KTHREAD = 0x00200000
"""include/linux/sched.h: the flag of kernel threads."""

ENDED = "ZXx"
"""States of a process that has ended: zombie or dead."""

MOST_BYTES = 4096
"""More bytes than stat and statm ever have."""


class GoneError(LookupError):
    """The process has ended."""


class Stat(NamedTuple):
    """The fields of /proc/PID/stat; `rss` in pages, the counters' approximate values.

    `started` is in clock ticks since boot; together with the PID it identifies a process.
    """

    comm: str
    state: str
    parent: int
    is_kernel_thread: bool
    threads: int
    started: int
    rss: int

    @property
    def has_ended(self) -> bool:
        """Whether it is a zombie or dead."""
        return self.state in ENDED


def parse_stat(raw: bytes) -> Stat:
    """Read the fields of stat; a command may contain blanks and parentheses. GoneError if empty."""
    end = raw.rfind(b")")
    if end < 0:
        raise GoneError
    fields = raw[end + 2 :].split(None, 22)
    return Stat(
        comm=raw[raw.index(b"(") + 1 : end].decode(errors="replace"),
        state=fields[0].decode(),
        parent=int(fields[1]),
        is_kernel_thread=bool(int(fields[6]) & PF_KTHREAD),
        threads=int(fields[17]),
        started=int(fields[19]),
        rss=int(fields[21]),
    )


class ProcessFiles:
    """The files of one process.

    Every method raises GoneError after the process has ended, and PermissionError if reading is
    not allowed. Near the limit of open files, files are opened for each read and not kept.
    """

    def __init__(self, root: str, pid: int, task: int | None = None) -> None:
        self._folder = f"{root}/{pid}" if task is None else f"{root}/{pid}/task/{task}"
        self._kept: dict[str, int] = {}
        self._raw = b""
        self._stat: Stat | None = None

    def stat(self) -> Stat:
        """Read stat; return the same object as before if the file has not changed."""
        raw = self._read("stat")
        if self._stat is None or raw != self._raw:
            self._raw, self._stat = raw, parse_stat(raw)
        return self._stat

    def resident(self) -> int:
        """Read the second field of statm, in pages."""
        fields = self._read("statm").split(None, 2)
        if len(fields) < 2:
            raise GoneError
        return int(fields[1])

    def walked(self, name: str, page_size: int) -> int:
        """Read the pages that a walk of the page tables finds, in smaps_rollup or in smaps.

        The open file refers to the address space at the time of opening, so it is not kept.
        """
        with _GONE:
            fd = os.open(f"{self._folder}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file, _GONE:
            lines = re.findall(rb"^Rss:\s*(\d+) kB", file.read(), re.MULTILINE)
        if not lines:  # nothing is mapped any more
            raise GoneError
        return sum(map(int, lines)) * 1024 // page_size

    def close(self) -> None:
        """Close the open files."""
        for fd in self._kept.values():
            os.close(fd)
        self._kept.clear()

    def _read(self, name: str) -> bytes:
        with _GONE:
            fd = self._kept.get(name)
            if fd is not None:
                return os.pread(fd, MOST_BYTES, 0)
            fd = os.open(f"{self._folder}/{name}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                raw = os.pread(fd, MOST_BYTES, 0)
            except OSError:
                os.close(fd)
                raise
            if self._may_keep(fd):
                self._kept[name] = fd
            else:
                os.close(fd)
            return raw

    @staticmethod
    def _may_keep(fd: int) -> bool:
        """Return whether enough file numbers remain for other uses, given the lowest free one."""
        return fd < _most_kept()


SPARE_FILES = 64
_limit: list[int] = []


def _most_kept() -> int:
    """Give the limit of kept file numbers; raise the soft limit of open files as far as allowed."""
    if not _limit:
        import resource  # noqa: PLC0415 (Unix only)

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        _limit.append((1 << 20 if soft == resource.RLIM_INFINITY else soft) - SPARE_FILES)
    return _limit[0]


class _Gone:
    """Convert the errors of a process that has ended to GoneError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError) and error.errno in {errno.ENOENT, errno.ESRCH, errno.ENOTDIR}:
            raise GoneError from None


_GONE = _Gone()


def pids_in(root: str) -> list[int]:
    """List the visible processes; OSError if the folder does not exist."""
    return [int(name) for name in os.listdir(root) if name.isdecimal()]


def cgroup_pids(folder: str) -> list[int]:
    """List the processes of a cgroup and its descendants; OSError if the folder does not exist.

    0 stands for each process of another PID namespace without a PID in this one.
    """
    found: list[int] = []
    for path, folders, _ in os.walk(folder, onerror=_raised_at(folder)):
        folders.sort()
        try:
            with open(f"{path}/cgroup.procs", encoding="ascii") as file:
                found += map(int, file.read().split())
        except (FileNotFoundError, ProcessLookupError):  # it was removed in the meantime
            if path == folder:
                raise
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:  # a threaded cgroup lists only its threads
                raise
    return found


def _raised_at(folder: str):  # type: ignore[no-untyped-def] # noqa: ANN202
    def on_error(error: OSError) -> None:
        if error.filename == folder:
            raise error

    return on_error


def cpus_allowed(root: str, pid: int) -> CpuSet:
    """Give the CPUs that any thread of a process may run on; empty if none can be read."""
    try:
        return cpus_of_threads(root, pid)
    except OSError:
        return CpuSet()


def cpus_of_threads(root: str, pid: int) -> CpuSet:
    """Give the CPUs that any thread of a process may run on; OSError if it has no list of them."""
    texts: set[str] = set()
    for task in os.listdir(f"{root}/{pid}/task"):
        with suppress(OSError), open(f"{root}/{pid}/task/{task}/status", "rb") as file:
            found = re.search(rb"^Cpus_allowed_list:\s*(.*)$", file.read(), re.MULTILINE)
            if found:
                texts.add(found[1].decode())
    return _union(texts)


def _union(texts: Iterable[str]) -> CpuSet:
    allowed = CpuSet()
    for text in texts:
        allowed |= CpuSet.parse(text)
    return allowed


INITIAL_PID_NAMESPACE = 0xEFFFFFFC
"""include/linux/proc_ns.h: PROC_PID_INIT_INO."""


def online_cpus(root: str = "/sys/devices/system/cpu") -> str | None:
    """Give the list of online CPUs as the kernel prints it; None if it is not available."""
    try:
        with open(f"{root}/online", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def hides_others(root: str = PROC) -> bool:
    """Return whether /proc is mounted so that other users' processes are hidden."""
    if os.geteuid() == 0:
        return False
    with suppress(OSError), open(f"{root}/self/mounts", encoding="utf-8", errors="replace") as file:
        for line in file:
            _, folder, _, options = line.split()[:4]
            if folder == root and re.search(r"\bhidepid=(?!0\b|off\b)", options):
                return True
    return False


def is_in_container(root: str = PROC) -> bool:
    """Return whether this process is in a PID namespace other than the initial one."""
    try:
        return os.stat(f"{root}/self/ns/pid").st_ino != INITIAL_PID_NAMESPACE
    except OSError:
        return False
