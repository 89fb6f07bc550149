"""Get the kernels and QEMU for the lab.

Kernels are Debian's packages, unpacked into a folder and never installed or booted on this machine:
$RSSBOUND_LAB, or ~/.cache/rssbound-lab. `python tests/lab/obtain.py` (make lab-tools) gets
everything, and installs QEMU if permitted; the tests get kernels themselves and skip, with the
reason, where they cannot.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

QEMU = "qemu-system-x86_64"

SUITES = {"6.1": "bookworm", "6.12": "trixie", "7.2": "forky"}
"""Kernel series that is booted -> release of Debian that has it."""

SOURCE_SUITES = {"5.10": "bullseye", **SUITES}
"""The same for series whose source is read."""

SOURCES = (
    *("Makefile", "mm/*.[ch]", "fs/exec.c", "fs/proc/*.[ch]", "lib/percpu_counter*.c"),
    *("kernel/fork.c", "kernel/exit.c", "kernel/kthread.c", "kernel/events/uprobes.c"),
    *("kernel/sys.c", "kernel/sysctl.c", "kernel/tsacct.c"),
    *("include/linux/mm*.h", "include/linux/sched.h", "include/linux/sched/mm.h"),
    *("include/linux/percpu_counter*.h", "include/trace/events/kmem.h"),
    *("include/linux/*.h", "include/net/*.h", "include/asm-generic/*.h"),
    *(
        "include/uapi/asm-generic/*.h",
        "include/vdso/*.h",
        "net/core/*.c",
        "net/ipv4/proc.c",
        "kernel/cgroup/rstat.c",
    ),
)
"""Files of a kernel source tree that are read; tests/lab/test_kernel_sources.py compares."""

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


SECONDS = 300
"""Timeout of a download."""


class Missing(Exception):  # noqa: N818 - a reason to skip, not a fault
    """Something that the lab needs is not available; the text says what, why, and what to do."""


def cache() -> Path:
    """Give the folder of packages and kernels."""
    named = os.environ.get("RSSBOUND_LAB")
    return Path(named) if named else Path.home() / ".cache" / "rssbound-lab"


def qemu() -> str:
    """Give the path of QEMU."""
    found = shutil.which(QEMU)
    if found is None:
        raise Missing(f"{QEMU} is not installed; make lab-tools, or install qemu-system-x86")
    return found


def compiler() -> str:
    """Give the path of a C compiler."""
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("musl-gcc")
    if found is None:
        raise Missing("no C compiler; install gcc")
    return found


@functools.cache
def kernel(series: str) -> Path:
    """Give Debian's newest kernel image of a series, such as 6.12; fetch it if there is none."""
    found = _found(series)
    if found is None:
        _fetch(series)
        found = _found(series)
    if found is None:
        raise Missing(f"the package of Linux {series} has no boot/vmlinuz in it")
    return found


def _found(series: str) -> Path | None:
    images = cache().glob(f"{series}/boot/vmlinuz-{series}.*")
    return max(images, key=lambda image: _numbers(image.name), default=None)


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def source_folder(series: str) -> Path:
    """Give the folder of the source of a series."""
    return cache() / f"linux-source-{series}"


def is_there(series: str) -> bool:
    """Return whether the source of a series is here and need not be fetched."""
    return all(any(source_folder(series).glob(pattern)) for pattern in SOURCES)


@functools.cache
def source(series: str) -> Path:
    """Give a tree with the files of Debian's kernel source that bounds depend on; fetch them."""
    tree = source_folder(series)
    if not is_there(series):
        shutil.rmtree(tree, ignore_errors=True)
        root = _apt_root(series)
        _apt(root, "apt-get", "download", f"linux-source-{series}")
        (package,) = root.glob("linux-source-*.deb")
        _run(["dpkg-deb", "--extract", str(package), str(root / "unpacked")], root)
        archive = root / "unpacked" / "usr" / "src" / f"{tree.name}.tar.xz"
        wanted = [f"{tree.name}/{path}" for path in SOURCES]
        how = ("--wildcards", "--no-wildcards-match-slash")
        _run(["tar", "--extract", "--file", str(archive), *how, *wanted], root)
        (root / tree.name).rename(tree)
        shutil.rmtree(root)
    return tree


def _apt_root(series: str) -> Path:
    """Make a folder for an apt that is independent of this machine's packages."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        image = cache() / series / "boot" / f"vmlinuz-{series}.*"
        raise Missing(f"no apt-get to fetch Linux {series} with; put its image at {image}")
    root = cache() / "apt" / series
    for folder in ("lists/partial", "archives/partial"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    suite = SOURCE_SUITES[series]
    (root / "sources.list").write_text(
        f"deb [arch=amd64 signed-by={KEYRING}] http://deb.debian.org/debian {suite} main\n"
    )
    _apt(root, "apt-get", "update")
    return root


def _fetch(series: str) -> None:
    """Download and unpack a kernel; from Linux 7 on its image is in a package linux-binary."""
    root, suite = _apt_root(series), SOURCE_SUITES[series]
    wanted = _packages(root, "binary", series) or _packages(root, "image", series)
    if not wanted:
        raise Missing(f"Debian {suite} has no linux-image-{series}.*-cloud-amd64")
    _apt(root, "apt-get", "download", f"{max(wanted, key=_numbers)}:amd64")
    for package in root.glob("linux-*.deb"):
        _run(["dpkg-deb", "--extract", str(package), str(root / "unpacked")], root)
        package.unlink()
    boot = cache() / series / "boot"
    boot.mkdir(parents=True, exist_ok=True)
    for image in root.glob("unpacked/boot/*"):
        image.replace(boot / image.name)
    for image in root.glob("unpacked/usr/lib/modules/*/vmlinuz"):
        image.replace(boot / f"vmlinuz-{image.parent.name}")
    shutil.rmtree(root)


def _packages(root: Path, kind: str, series: str) -> list[str]:
    names = _apt(root, "apt-cache", "pkgnames", f"linux-{kind}-{series}.").split()
    pattern = rf"linux-{kind}-[\d.]+\S*-cloud-amd64"
    return [name for name in names if re.fullmatch(pattern, name)]


def _apt(root: Path, program: str, *words: str) -> str:
    """Run apt with all its folders below `root`."""
    options = {
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "",  # apt's own user cannot write below a home folder
        "APT::Update::Error-Mode": "any",  # a mirror that cannot be reached is an error
        "Acquire::Languages": "none",
        "Dir::Etc::SourceList": root / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": root / "lists",
        "Dir::State::Status": "/dev/null",
        "Dir::Cache": root,
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return _run([program, *given, *words], root)


def _run(command: list[str], folder: Path) -> str:
    """Run a program in a folder; Missing with the error it names if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, cwd=folder, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[0]} {command[-1]}: not finished after {SECONDS} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        named = next((line for line in said if line.startswith("E: ")), said[-1])
        raise Missing(f"{command[0]} {command[-1]}: {named}")
    return done.stdout


def install_qemu() -> None:
    """Install QEMU with the machine's apt-get if it is missing and this user is allowed to."""
    if shutil.which(QEMU) or os.geteuid() or not shutil.which("apt-get"):
        return
    folder = Path("/")
    _run(["apt-get", "update"], folder)
    _run(["apt-get", "install", "-y", "--no-install-recommends", "qemu-system-x86"], folder)


def main() -> int:
    """Get everything; prints what is available, and why something is not."""
    missing = 0
    for what in (install_qemu, qemu, compiler, *(functools.partial(kernel, s) for s in SUITES)):
        try:
            place = what()
        except Missing as reason:
            place, missing = reason, missing + 1
        if place:
            sys.stdout.write(f"{place}\n")
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
