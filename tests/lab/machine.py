"""Boot a kernel in QEMU with software emulation, and read its serial console."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import obtain
from initramfs import initramfs

from rssbound.topology.capture import raw_capture
from rssbound.topology.sources import open_source

HERE = Path(__file__).parent

INCLUDES = HERE.parent / "support" / "peaks"

BUILD = ("-O1", "-static", "-pthread", "-Wall", "-Wextra", "-Werror", f"-I{INCLUDES}")

APPEND = "console=ttyS0 quiet panic=-1 tsc=reliable"
"""With tsc=reliable, a kernel that gets little CPU time does not find its clock unstable. It would
then patch code that other CPUs run, which software emulation does not always survive."""

TRIES = 3
"""Boots that may end early before a machine counts as broken."""


@dataclass(frozen=True)
class Run:
    """The key=value lines of one program, numbers as ints, and its exit status."""

    status: int
    values: dict[str, int | str]

    def __getitem__(self, key: str) -> int | str:
        return self.values[key]


@dataclass(frozen=True)
class Boot:
    """The output of a boot, by program, and the files of sysfs if requested."""

    console: str
    runs: dict[str, Run]
    sysfs: dict[str, str]

    def shown(self, path: str) -> str:
        """Give the text of a file of the guest that a step `show` has printed."""
        lines = re.findall(rf"^line {re.escape(path)} (.*)$", self.console, re.MULTILINE)
        return "".join(f"{line}\n" for line in lines)

    def topology_archive(self, folder: Path) -> bytes:
        """Give the captured sysfs as a .tar.gz; it is also unpacked below `folder`."""
        for path, content in self.sysfs.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")
        return raw_capture(open_source(str(folder)))


def compiled(source: str) -> bytes:
    """Compile a C program to a static binary; any warning is an error."""
    with tempfile.TemporaryDirectory() as folder:
        code, binary = Path(folder, "program.c"), Path(folder, "program")
        code.write_text(source)
        command = [obtain.compiler(), *BUILD, "-o", str(binary), str(code)]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        if done.returncode:
            raise AssertionError(done.stderr)
        return binary.read_bytes()


def boot(
    series: str,
    cpus: str,
    steps: list[str],
    programs: dict[str, str] | None = None,
    options: tuple[str, ...] = (),
    *,
    cpu: str = "max",
    seconds: int = 300,
) -> Boot:
    """Boot a kernel with `-smp cpus`, run steps (see init.c), and give their output.

    `programs` are C sources by the name that `run NAME` has. AssertionError with the end of the
    console if the machine panics again and again, or has not finished after `seconds`. A completed
    measurement is not repeated.
    """
    files = {f"run/{name}": compiled(source) for name, source in (programs or {}).items()}
    return boot_files(series, cpus, steps, files, options, cpu=cpu, seconds=seconds)


def boot_files(
    series: str,
    cpus: str,
    steps: list[str],
    files: dict[str, bytes],
    options: tuple[str, ...] = (),
    *,
    cpu: str = "max",
    seconds: int = 300,
) -> Boot:
    """Boot as above with given files, by their path in the guest."""
    init = compiled((HERE / "init.c").read_text())
    todo = "".join(f"{step}\n" for step in steps).encode()
    files = {**files, "init": init, "steps": todo}
    console = ""
    for _ in range(TRIES):
        console = console_of(series, cpus, files, options, cpu=cpu, seconds=seconds)
        if "Kernel panic" not in console or "lab: done" in console:
            break
    assert "lab: done" in console, console[-2000:]
    return Boot(console, _runs(console), _sysfs(console))


def console_of(
    series: str,
    cpus: str,
    files: dict[str, bytes],
    options: tuple[str, ...] = (),
    *,
    cpu: str = "max",
    seconds: int = 300,
) -> str:
    """Boot with an initramfs of some files until the machine is off; gives its console."""
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder, "initramfs")
        packed.write_bytes(initramfs(files))
        command = [
            *(obtain.qemu(), "-accel", "tcg,thread=multi", "-cpu", cpu, "-smp", cpus),
            *(() if "-m" in options else ("-m", "1G")),
            *("-nographic", "-no-reboot", "-nic", "none", *options),
            *("-kernel", str(obtain.kernel(series)), "-initrd", str(packed), "-append", APPEND),
        ]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
            raise AssertionError(f"not finished after {seconds} s:\n{said[-2000:]}") from None
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode(errors="replace").replace("\r", "")


def values_of(text: str) -> dict[str, int | str]:
    """Read key=value lines; other lines of the console are ignored."""
    pairs = re.findall(r"^([a-z_]+)=(.*)$", text, re.MULTILINE)
    return {key: int(value) if re.fullmatch(r"-?\d+", value) else value for key, value in pairs}


def _runs(console: str) -> dict[str, Run]:
    found = re.findall(r"^begin (\S+)\n(.*?)^end \1 (\d+)$", console, re.MULTILINE | re.DOTALL)
    return {name: Run(int(status), values_of(text)) for name, text, status in found}


def _sysfs(console: str) -> dict[str, str]:
    return dict(re.findall(r"^sysfs (\S+) ?(.*)$", console, re.MULTILINE))
