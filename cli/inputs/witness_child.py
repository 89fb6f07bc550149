"""A child process that makes the updates of a witness, and prints what its files show.

    python -I -S witness_child.py < JSON

The JSON has `updates` (a list of CPU, pages, times, and whether another process makes them),
`counters` (of anon, file, shmem), `own_cpu`, `sync_pages` (enough pages to empty a slot) and
`folder`, where a file can be created and mapped. It prints the lines of render/code/witness.c and
works as that program does. The updates run in a forked child, which has counters of its own. Pages
are touched until field 24 of stat jumps, because then the CPU's slot is empty. Updates on CPUs that
the process does not use are made by the parent, which writes into the child's memory or truncates
the file that is mapped there. If that is impossible, it prints a line `failed=..` and exits with 1.

The interpreter must not touch new pages of its own while it measures. So every step is rehearsed,
files are read into existing memory, and freed memory is kept.
"""

from __future__ import annotations

import ctypes
import gc
import json
import mmap
import os
import signal
import sys
import tempfile
from struct import Struct
from typing import Any

__all__ = ("main",)

PAGE = mmap.PAGESIZE
PR_SET_PDEATHSIG, PR_SET_THP_DISABLE = 1, 41
MCL_CURRENT, M_TRIM_THRESHOLD = 1, -1
NO_RESERVE = 0x4000
NO_HUGE_PAGES = getattr(mmap, "MADV_NOHUGEPAGE", None)
REHEARSALS = 40
LIBC = ctypes.CDLL(None, use_errno=True)
REQUEST, ANSWER = Struct("qqq"), Struct("q")


class Vector(ctypes.Structure):
    """An iovec: an address and a length."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Pool:
    """Pages of one counter, for the updates and for emptying slots, and how many are used."""

    def __init__(self, kind: str, pages: int, sync_pages: int, file: int | None) -> None:
        """Reserve the pages; `file` is a file whose pages another process can map and remove."""
        self.file = file
        self.pages = pages
        self.memory = _reserve(kind, pages, file)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.sync = _reserve(kind, sync_pages, None)
        self.sync_used = self.mapped = self.unmapped = 0

    def touch(self) -> None:
        """Map the next page."""
        self.memory[self.mapped * PAGE] = 1
        self.mapped += 1

    def drop(self) -> None:
        """Unmap the oldest mapped page."""
        self.memory.madvise(mmap.MADV_DONTNEED, self.unmapped * PAGE, PAGE)
        self.unmapped += 1

    def touch_sync(self) -> None:
        """Map a page to empty a slot."""
        self.sync[self.sync_used * PAGE] = 1
        self.sync_used += 1


class Files:
    """The files of this process, which are read into existing memory."""

    def __init__(self) -> None:
        """Open them."""
        rollup = "smaps_rollup" if os.path.exists("/proc/self/smaps_rollup") else "smaps"
        names = ("stat", "statm", "status", rollup)
        self.stat, self.statm, self.status, self.rollup = (
            os.open(f"/proc/self/{name}", os.O_RDONLY) for name in names
        )
        self.buffer = bytearray(1 << 18)
        self.room = [self.buffer]

    def read(self, file: int) -> bytes:
        """Read a file from its start."""
        return bytes(self.buffer[: os.preadv(file, self.room, 0)])

    def approximate(self) -> int:
        """Give field 24 of stat, in pages."""
        return int(self.read(self.stat).rpartition(b")")[2].split()[21])

    def all(self) -> dict[str, int]:
        """Read every file, in pages."""
        found = {"stat": self.approximate(), "statm": int(self.read(self.statm).split()[1])}
        status = self.read(self.status)
        for name in (b"VmRSS", b"RssAnon", b"RssFile", b"RssShmem"):
            found[name.decode()] = _pages(status, name)
        rollup = self.read(self.rollup)
        found["precise"] = _pages(rollup, b"Rss")
        found["precise_anon"] = _pages(rollup, b"Anonymous")
        return found


def _pages(text: bytes, name: bytes) -> int:
    """Add up the lines with a name, in pages."""
    total = 0
    for line in text.split(b"\n"):
        if line.startswith(name + b":"):
            total += int(line.split()[1]) * 1024 // PAGE
    return total


def main() -> int:
    """Run the witness that standard input describes; gives the exit code."""
    asked = json.load(sys.stdin)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    LIBC.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    gc.disable()
    try:
        os.sched_setaffinity(0, {asked["own_cpu"]})
        return _both(asked)
    except OSError as error:
        print(f"failed={error.strerror}", flush=True)  # noqa: T201 (its one output)
        return 1


def _both(asked: dict[str, Any]) -> int:
    """Fork; the child runs the witness and the parent makes the updates that it asks for."""
    foreign = any(update[3] for update in asked["updates"])
    pages = 1 + sum(max(0, pages) * times for _, pages, times, _ in asked["updates"])
    files = [_file(kind, pages, asked["folder"]) if foreign else None for kind in asked["counters"]]
    requests, answers = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.close(requests[0])
        os.close(answers[1])
        os._exit(_child(asked, pages, files, (requests[1], answers[0])))
    os.close(requests[1])
    os.close(answers[0])
    _serve(child, files, pages, requests[0], answers[1])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _child(
    asked: dict[str, Any], pages: int, files: list[int | None], parent: tuple[int, int]
) -> int:
    try:
        _witness(asked, pages, files, parent)
    except (OSError, IndexError) as error:
        print(f"failed={getattr(error, 'strerror', None) or error}", flush=True)  # noqa: T201
        return 1
    return 0


# -- memory


def _reserve(kind: str, pages: int, file: int | None) -> mmap.mmap:
    """Reserve pages that count once they are written; anon pages of a file are private copies."""
    flags = (mmap.MAP_PRIVATE if kind == "anon" else mmap.MAP_SHARED) | NO_RESERVE
    if file is None and kind == "file":
        file = _file(kind, pages, FOLDER[0])
    flags |= mmap.MAP_ANONYMOUS if file is None else 0
    memory = mmap.mmap(-1 if file is None else file, pages * PAGE, flags=flags)
    if NO_HUGE_PAGES is not None:
        memory.madvise(NO_HUGE_PAGES)
    return memory


FOLDER = ["."]


def _file(kind: str, pages: int, folder: str) -> int:
    """Make an unnamed file: on disk, where its pages count as file, or else in memory."""
    FOLDER[0] = folder
    if kind == "file":
        file, path = tempfile.mkstemp(prefix="rssbound-", dir=folder)
        os.unlink(path)
    else:
        file = os.memfd_create("witness")
    os.ftruncate(file, pages * PAGE)
    return file


# -- updates


def _update(pools: list[Pool], cpu: int, pages: int, times: int) -> None:
    """Move to a CPU and map or unmap pages of each counter, one by one."""
    os.sched_setaffinity(0, {cpu})
    for _ in range(times * abs(pages)):
        for pool in pools:
            if pages > 0:
                pool.touch()
            else:
                pool.drop()


def _ask(pools: list[Pool], parent: tuple[int, int], cpu: int, pages: int, times: int) -> None:
    """Have the parent make updates in this process's memory, the same for every counter."""
    steps = times * abs(pages) * (1 if pages > 0 else -1)
    places = b"".join(REQUEST.pack(pool.address, pool.mapped, 0) for pool in pools)
    os.write(parent[0], REQUEST.pack(cpu, steps, len(pools)) + places)
    (failed,) = ANSWER.unpack(os.read(parent[1], ANSWER.size))
    if failed:
        raise OSError(failed, f"another process cannot update: {os.strerror(failed)}")
    for pool in pools:
        pool.mapped += steps


def _serve(child: int, files: list[int | None], pages: int, requests: int, answers: int) -> None:
    """Make the updates that the child asks for, until it exits."""
    size = REQUEST.size * (1 + len(files))
    while len(request := os.read(requests, size)) == size:
        (cpu, steps, _), *places = REQUEST.iter_unpack(request)
        try:
            os.sched_setaffinity(0, {cpu})
            _in_child(child, steps, [place[:2] for place in places], files, pages)
            failed = 0
        except OSError as error:
            failed = error.errno or 1
        os.write(answers, ANSWER.pack(failed))


def _in_child(
    child: int,
    steps: int,
    places: list[tuple[int, ...]],
    files: list[int | None],
    pages: int,
) -> None:
    """Write to pages of the child, or truncate its files before the last mapped page."""
    one = ctypes.create_string_buffer(b"\1", 1)
    source = Vector(ctypes.addressof(one), 1)
    for step in range(abs(steps)):
        for (address, mapped), file in zip(places, files, strict=True):
            if steps > 0:
                target = Vector(address + (mapped + step) * PAGE, 1)
                done = LIBC.process_vm_writev(
                    child, ctypes.byref(source), 1, ctypes.byref(target), 1, 0
                )
                if done != 1:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            elif file is not None:
                os.ftruncate(file, (mapped - step - 1) * PAGE)
    for file in files:
        if file is not None:
            os.ftruncate(file, pages * PAGE)


# -- the run


def _witness(
    asked: dict[str, Any], pages: int, files: list[int | None], parent: tuple[int, int]
) -> None:
    """Empty the slots, make the updates, and print what the files show before and after."""
    FOLDER[0] = asked["folder"]
    if hasattr(LIBC, "mallopt"):
        LIBC.mallopt(M_TRIM_THRESHOLD, 1 << 30)
    if not LIBC.mlockall(MCL_CURRENT):
        LIBC.munlockall()
    kinds, updates, cpu = asked["counters"], asked["updates"], asked["own_cpu"]
    pools = [
        Pool(kind, pages, asked["sync_pages"], file)
        for kind, file in zip(kinds, files, strict=True)
    ]
    read = Files()
    _rehearse(kinds, cpu, read, asked["sync_pages"])
    if any(update[3] for update in updates):
        _ask(pools, parent, cpu, 1, 0)
    emptied = sum(_emptied(pool, read) for pool in pools) == len(pools)
    start = read.all()
    for place, amount, times, foreign in updates:
        if foreign:
            _ask(pools, parent, place, amount, times)
        else:
            _update(pools, place, amount, times)
    end = read.all()
    again = read.all()
    settled = (end["stat"], end["precise"]) == (again["stat"], again["precise"])
    _print(start, end, emptied=emptied, settled=settled)


def _rehearse(kinds: list[str], cpu: int, read: Files, sync_pages: int) -> None:
    """Rehearse every step, so that the interpreter touches no new page while it measures."""
    spare = [Pool(kind, REHEARSALS + 1, sync_pages, None) for kind in kinds]
    for _ in range(3):
        for pool in spare:
            pool.mapped = pool.unmapped = 0
        _update(spare, cpu, 1, REHEARSALS)
        _update(spare, cpu, -1, REHEARSALS)
        for pool in spare:
            _emptied(pool, read)
        read.all()
        _print(read.all(), read.all(), emptied=True, settled=True, show=False)
    for pool in spare:
        pool.sync.madvise(mmap.MADV_DONTNEED)


def _emptied(pool: Pool, read: Files) -> bool:
    """Empty this CPU's slot of a counter; it is empty just after a move to the shared count."""
    before = read.approximate()
    while (pool.sync_used + 1) * PAGE < len(pool.sync):
        pool.touch_sync()
        if read.approximate() != before:
            return True
    return False


def _print(
    start: dict[str, int], end: dict[str, int], *, emptied: bool, settled: bool, show: bool = True
) -> None:
    lines = [f"emptied={int(emptied)}", f"settled={int(settled)}"]
    for when, found in (("start_", start), ("", end)):
        precise, anon = found["precise"], found["precise_anon"]
        mapped = found["RssFile"] + found["RssShmem"]
        lines += [
            f"{when}precise_rss={precise}",
            f"{when}error_stat={precise - found['stat']}",
            f"{when}error_statm={precise - found['statm']}",
            f"{when}error_status={precise - found['VmRSS']}",
            f"{when}error_status_anon={anon - found['RssAnon']}",
            f"{when}error_status_file_and_shmem={precise - anon - mapped}",
        ]
    if show:
        print("\n".join(lines), flush=True)  # noqa: T201 (its one output)


if __name__ == "__main__":
    sys.exit(main())
