"""Running a witness on this machine's kernel, in a process of its own that leaves nothing."""

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
"""What else runs on the machine may disturb a run: reclaim, a signal. Then it is run again."""

PROGRAM_BYTES = 64 << 20
"""More than an interpreter needs beside the pages of a witness, and a C program needs less."""

IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}
ENDS = (signal.SIGTERM, signal.SIGHUP)
COMPILERS = ("cc", "gcc", "clang")


def run_witness(witness: Witness, *, compiled: bool) -> list[WitnessRun]:
    """Run a witness; of one counter, once for each that a process can bring to its bound.

    InputError where this machine has not what it takes, ScenarioError for a witness that no process
    can make.
    """
    updates = plain_updates(witness, OPTION)
    threads = witness.place is Place.THREAD
    if threads and not compiled:
        raise ScenarioError(
            f"{OPTION}: {witness.design} counts by thread, and an interpreter's threads have pages "
            "of their own; add --compiled"
        )
    _check_cpus(witness)
    folder = None if threads else _folder_on_disk()
    together = len(witness.counters) > 1
    sets = [witness.counters] if together or threads else [(counter,) for counter in RSS]
    _check_memory(witness, updates, len(sets[0]), folder)
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
    """Run it until nothing has disturbed it, a few times at most."""
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
    """Let what tells this program to end be an exception meanwhile, so that all is cleaned up."""
    heeded = [number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _end_in_order) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_in_order(number: int, _: object) -> None:
    raise SystemExit(128 + number)


# -- what it takes


def _check_cpus(witness: Witness) -> None:
    """InputError where updates are made on CPUs that this process may not use."""
    if witness.place is Place.THREAD:
        return
    allowed = os.sched_getaffinity(0)
    missing = sorted({cpu for cpu, _ in witness.updates if cpu is not None} - allowed)
    if missing:
        raise InputError(
            f"{OPTION}: the witness makes updates on CPU {missing[0]}, where this process may not "
            "run; name others with --cpus and --updaters own, or run on the machine itself"
        )


def _check_memory(
    witness: Witness, updates: Sequence[tuple[int, int]], counters: int, folder: str | None
) -> None:
    """InputError where the pages do not fit: into memory, the cgroup, RLIMIT_AS, or the disk."""
    page = resource.getpagesize()
    spare = _sync_pages(witness)
    held = counters * (most_held(updates) + spare) * page + PROGRAM_BYTES
    room, limit = available()
    if held > room:
        raise InputError(
            f"{OPTION}: takes {bound_text(held)} of memory, and {limit} leaves {bytes_text(room)}"
        )
    mapped = sum(max(0, pages) for _, pages in updates)
    reserved = counters * (mapped + 2 * spare) * page + 4 * PROGRAM_BYTES
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and reserved > most:
        raise InputError(
            f"{OPTION}: reserves {bound_text(reserved)} of addresses, and RLIMIT_AS (ulimit -v) is "
            f"{bytes_text(most)}"
        )
    disk = os.statvfs(folder or ".")
    free = disk.f_bavail * disk.f_frsize
    if folder and held // counters > free:
        raise InputError(
            f"{OPTION}: may write {bound_text(held // counters)} to {folder}, where "
            f"{bytes_text(free)} are free; set TMPDIR"
        )


def _sync_pages(witness: Witness) -> int:
    """Give pages that surely empty a CPU's cache, as render/code/witness.c has them."""
    return 2 * ((witness.bound or 0) + witness.batch) + 4


def _folder_on_disk() -> str:
    """Give a folder whose files count as file and not as shmem; InputError if there is none."""
    kinds = _file_systems()
    for folder in (os.environ.get("TMPDIR"), "/var/tmp", "/tmp", os.getcwd(), str(Path.home())):  # noqa: S108
        if (
            folder
            and os.access(folder, os.W_OK | os.X_OK)
            and _kind_of(folder, kinds) not in IN_MEMORY
        ):
            return folder
    raise InputError(f"{OPTION}: no folder of a disk to make a file in; set TMPDIR to one")


def _file_systems() -> dict[str, str]:
    """Give the kind of file system of each place where one is mounted; the last one counts."""
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
    """Give a command that runs a witness, and its standard input; what was made for it goes."""
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
    """Compile a program; InputError without a compiler, or where it cannot."""
    compiler = _compiler()
    code, binary = Path(folder, "witness.c"), Path(folder, "witness")
    code.write_text(source, encoding="utf-8")
    command = [*compiler, "-O1", "-pthread", "-o", str(binary), str(code)]
    for static in (["-static"], []):  # a shared libc may not be there as an archive
        status, _, error = _ran([*command, *static], folder=folder)
        if not status:
            return str(binary)
    first = next(iter(error.splitlines()), "no message")
    raise InputError(f"--compiled: {compiler[0]} fails: {first}")


def _compiler() -> list[str]:
    """Give the compiler that $CC names, with its arguments, else the first that is installed."""
    if named := shlex.split(os.environ.get("CC", "")):
        if shutil.which(named[0]) is None:
            raise InputError(f"--compiled: $CC names {named[0]}, which is not installed")
        return named
    found = next((path for name in COMPILERS if (path := shutil.which(name))), None)
    if found is None:
        raise InputError(
            f"--compiled: no C compiler, {', '.join(COMPILERS)}; install one, or leave it out"
        )
    return [found]


def _output(command: list[str], text: str) -> str:
    """Run a witness; gives what it prints."""
    status, out, error = _ran(command, text)
    if status:
        raise InputError(f"{OPTION}: {_fault(out, error, status)}")
    return out


def _ran(command: list[str], text: str = "", folder: str | None = None) -> tuple[int, str, str]:
    """Run a command in a session of its own; whatever ends this, all that it has started ends.

    Gives its status and what it printed. `folder` is where it is to put files of its own.
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
    """Kill what is left of a session; its leader may not have been waited for."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _fault(out: str, error: str, status: int) -> str:
    """Say in a line why a run has failed."""
    said = [line.removeprefix("failed=") for line in out.splitlines() if line.startswith("failed=")]
    if said:
        return said[0]
    if status < 0:
        return f"the process was ended by {signal.Signals(-status).name}"
    return next(iter(reversed(error.splitlines())), f"exit {status}")


def _values(out: str) -> dict[str, int]:
    """Read the lines key=value whose value is a number."""
    pairs = (line.partition("=") for line in out.splitlines())
    return {key: int(value) for key, _, value in pairs if value.lstrip("-").isdigit()}
