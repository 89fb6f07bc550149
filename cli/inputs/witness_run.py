"""Running a witness on this machine's kernel, in a child process that leaves nothing behind."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Place
from rssbound.bounds.proof.witness_run import most_held, run_from
from rssbound.bounds.vendors import design_on
from rssbound.cli.inputs.memory import available
from rssbound.cli.progress import patience
from rssbound.cli.render.code.witness import RSS, plain_updates, program_of, runs_of
from rssbound.cli.render.units import bound_text, bytes_text
from rssbound.errors import InputError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rssbound.bounds.proof.witness import Witness
    from rssbound.bounds.proof.witness_run import WitnessRun

__all__ = ("run_witness",)

CHILD = os.path.join(os.path.dirname(__file__), "witness_child.py")
OPTION = "--run"
TRIES = 5
"""Attempts; reclaim or a signal can disturb a run, which is then repeated."""

PROGRAM_BYTES = 64 << 20
"""More than an interpreter needs in addition to the pages of a witness; a C program needs less."""

COMPILED_BYTES = 2 << 20
"""More than the compiled program has, even if it is static."""

IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}
ENDS = (signal.SIGTERM, signal.SIGHUP)
COMPILERS = ("cc", "gcc", "clang")


def run_witness(witness: Witness, *, compiled: bool) -> list[WitnessRun]:
    """Run a witness; one of a single counter is run for each counter that a process can update.

    InputError if this machine lacks something that the witness needs, ScenarioError for a witness
    that no process can make.
    """
    updates = plain_updates(witness, OPTION)
    threads = witness.place is Place.THREAD
    if threads and not compiled:
        raise ScenarioError(
            f"{OPTION}: {witness.design} counts by thread, and threads of the Python interpreter "
            "touch pages of their own; add --compiled"
        )
    _check_cpus(witness)
    folder = None if threads else _folder_on_disk()
    together = len(witness.counters) > 1
    sets = [witness.counters] if together or threads else [(counter,) for counter in RSS]
    _check_memory(witness, updates, len(sets[0]), folder)
    _check_files(witness, updates, folder, compiled=compiled)
    with patience(f"running {witness.design} {witness.side}"), _ended_in_order():
        return [_run(witness, updates, counters, folder, compiled=compiled) for counters in sets]


def _run(
    witness: Witness,
    updates: Sequence[tuple[int, int]],
    counters: Sequence[str],
    folder: str | None,
    *,
    compiled: bool,
) -> WitnessRun:
    """Repeat a run until it was not disturbed, TRIES times at most."""
    kernel = os.uname().release
    with _command(witness, updates, counters, folder, compiled=compiled) as (command, text):
        attempt = 1
        while True:
            values = _values(_output(command, text))
            found = run_from(values, witness, counters, kernel, design_on(kernel), attempt)
            if found.clean or attempt == TRIES:
                return found
            attempt += 1


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Turn signals that end this program into an exception, so that everything is cleaned up."""
    heeded = [number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _end_in_order) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_in_order(number: int, _: object) -> None:
    raise SystemExit(128 + number)


# -- requirements


def _check_cpus(witness: Witness) -> None:
    """Raise InputError for updates on CPUs that this process may not use."""
    if witness.place is Place.THREAD:
        return
    allowed = os.sched_getaffinity(0)
    missing = sorted({cpu for cpu, _ in witness.updates if cpu is not None} - allowed)
    if missing:
        raise InputError(
            f"{OPTION}: the witness makes updates on CPU {missing[0]}, which this process may not "
            "use; name other CPUs with --cpus and --updaters own, or run outside the container"
        )


def _check_memory(
    witness: Witness, updates: Sequence[tuple[int, int]], counters: int, folder: str | None
) -> None:
    """Raise InputError if the pages do not fit into memory, the cgroup, RLIMIT_AS, or the disk."""
    page = resource.getpagesize()
    spare = _sync_pages(witness)
    held = counters * (most_held(updates) + spare) * page + PROGRAM_BYTES
    room, limit = available()
    if held > room:
        raise InputError(
            f"{OPTION}: needs {bound_text(held)} of memory, and {limit} leaves {bytes_text(room)}"
        )
    mapped = sum(max(0, pages) for _, pages in updates)
    reserved = counters * (mapped + 2 * spare) * page + 4 * PROGRAM_BYTES
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and reserved > most:
        raise InputError(
            f"{OPTION}: needs {bound_text(reserved)} of address space, and RLIMIT_AS (ulimit -v) "
            f"is {bytes_text(most)}"
        )
    disk = os.statvfs(folder or ".")
    free = disk.f_bavail * disk.f_frsize
    if folder and held // counters > free:
        raise InputError(
            f"{OPTION}: can write up to {bound_text(held // counters)} to {folder}, which has "
            f"{bytes_text(free)} free; set TMPDIR to another folder"
        )


def _check_files(
    witness: Witness, updates: Sequence[tuple[int, int]], folder: str | None, *, compiled: bool
) -> None:
    """Raise InputError if the mapped file or the compiled program exceeds RLIMIT_FSIZE."""
    mapped = sum(max(0, pages) for _, pages in updates) + 2 * _sync_pages(witness)
    size = mapped * resource.getpagesize() if folder else 0
    size = max(size, COMPILED_BYTES if compiled else 0)
    most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if most != resource.RLIM_INFINITY and size > most:
        raise InputError(
            f"{OPTION}: writes files of up to {bound_text(size)}, and RLIMIT_FSIZE (ulimit -f) is "
            f"{bytes_text(most)}; raise it, for example with ulimit -f unlimited"
        )


def _sync_pages(witness: Witness) -> int:
    """Give a number of pages that is sure to empty a CPU's slot, as in render/code/witness.c."""
    return 2 * ((witness.bound or 0) + witness.batch) + 4


def _folder_on_disk() -> str:
    """Give a folder whose pages count as file rather than shmem; InputError if there is none."""
    kinds = _file_systems()
    for folder in (os.environ.get("TMPDIR"), "/var/tmp", "/tmp", os.getcwd(), str(Path.home())):  # noqa: S108
        if (
            folder
            and os.access(folder, os.W_OK | os.X_OK)
            and _kind_of(folder, kinds) not in IN_MEMORY
        ):
            return folder
    raise InputError(f"{OPTION}: no writable folder on a disk was found; set TMPDIR to one")


def _file_systems() -> dict[str, str]:
    """Map mount points to file system types; the last mount at a place counts."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
            rows = [line.split() for line in file]
    except OSError:
        return {}
    return {row[1].encode().decode("unicode_escape"): row[2] for row in rows}


def _kind_of(folder: str, kinds: Mapping[str, str]) -> str:
    path = Path(folder).resolve()
    places = (str(place) for place in (path, *path.parents))
    return next((kinds[place] for place in places if place in kinds), "")


# -- the process


@contextmanager
def _command(
    witness: Witness,
    updates: Sequence[tuple[int, int]],
    counters: Sequence[str],
    folder: str | None,
    *,
    compiled: bool,
) -> Iterator[tuple[list[str], str]]:
    """Give a command that runs a witness, and its standard input; removes its files at the end."""
    if not compiled:
        yield (
            [sys.executable, "-I", "-S", CHILD],
            _specification(witness, updates, counters, folder),
        )
        return
    with tempfile.TemporaryDirectory(prefix="rssbound-", ignore_cleanup_errors=True) as place:
        binary = _compiled(program_of(witness, counters, OPTION), place)
        yield [binary, *([folder] if folder else [])], ""


def _specification(
    witness: Witness,
    updates: Sequence[tuple[int, int]],
    counters: Sequence[str],
    folder: str | None,
) -> str:
    runs = runs_of(updates, set(witness.own_cpus))
    own = next((run.place for run in runs if not run.foreign), witness.own_cpus.lowest)
    return json.dumps(
        {
            "updates": runs,
            "counters": counters,
            "own_cpu": own,
            "sync_pages": _sync_pages(witness),
            "folder": folder,
        }
    )


def _compiled(source: str, folder: str) -> str:
    """Compile a program; InputError without a compiler, or if it fails."""
    compiler = _compiler()
    code, binary = Path(folder, "witness.c"), Path(folder, "witness")
    code.write_text(source, encoding="utf-8")
    command = [*compiler, "-O1", "-pthread", "-o", str(binary), str(code)]
    for static in (["-static"], []):  # a static libc may be missing
        status, _, error = _ran([*command, *static], folder=folder)
        if not status:
            return str(binary)
    first = next(iter(error.splitlines()), "no message")
    raise InputError(f"--compiled: {compiler[0]} failed: {first}")


def _compiler() -> list[str]:
    """Give the compiler in $CC with its arguments, else the first one that is installed."""
    if named := shlex.split(os.environ.get("CC", "")):
        if shutil.which(named[0]) is None:
            raise InputError(f"--compiled: $CC names {named[0]}, which is not installed")
        return named
    found = next((path for name in COMPILERS if (path := shutil.which(name))), None)
    if found is None:
        raise InputError(
            f"--compiled: no C compiler found ({', '.join(COMPILERS)}); install one, or leave out "
            "--compiled"
        )
    return [found]


def _output(command: list[str], text: str) -> str:
    """Run a witness; gives what it prints."""
    status, out, error = _ran(command, text)
    if status:
        raise InputError(f"{OPTION}: {_fault(out, error, status)}")
    return out


def _ran(command: list[str], text: str = "", folder: str | None = None) -> tuple[int, str, str]:
    """Run a command in a new session; if this program ends, everything it has started ends too.

    Gives its exit status, its output and its errors. `folder` is for its temporary files.
    """
    with subprocess.Popen(  # noqa: S603 (a program of this package, or a compiler)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": folder} if folder else None,
    ) as process:
        try:
            out, error = process.communicate(text)
        except BaseException:
            _end(process.pid)
            raise
    return process.returncode, out, error


def _end(leader: int) -> None:
    """Kill the rest of a session; its leader has not necessarily been waited for."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _fault(out: str, error: str, status: int) -> str:
    """Say in one line why a run failed."""
    said = [line.removeprefix("failed=") for line in out.splitlines() if line.startswith("failed=")]
    if said:
        return said[0]
    if status < 0:
        return f"the process was killed by {signal.Signals(-status).name}"
    return next(iter(reversed(error.splitlines())), f"exit {status}")


def _values(out: str) -> dict[str, int]:
    """Read the lines key=value whose value is a number."""
    pairs = (line.partition("=") for line in out.splitlines())
    return {key: int(value) for key, _, value in pairs if value.lstrip("-").isdigit()}
