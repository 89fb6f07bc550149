"""Hand-made machines: files of a sysfs tree as a dictionary, written to a folder or archive."""

from __future__ import annotations

import io
import tarfile

import pytest

SYSTEM = "sys/devices/system"

OLD = {"core": "thread_siblings", "package": "core_siblings"}
NEW = {"core": "core_cpus", "die": "die_cpus", "package": "package_cpus"}


def listed(cpus):
    """Print CPU ids as the kernel's lists."""
    return ",".join(map(str, cpus))


def masked(cpus, words=1):
    """Print CPU ids as the kernel's masks, in at least `words` words of 32 bits."""
    value = sum(1 << cpu for cpu in cpus)
    words = max(words, -(-value.bit_length() // 32))
    return ",".join(f"{value >> 32 * word & 0xFFFFFFFF:08x}" for word in reversed(range(words)))


def sysfs_of(packages=2, cores=2, threads=2, names=None, forms=("list", "mask")):
    """Make the files of a machine that numbers its CPUs in order, one NUMA node to a package."""
    size = packages * cores * threads
    width = {"core": threads, "die": cores * threads, "package": cores * threads}
    files = {f"cpu/{name}": f"0-{size - 1}\n" for name in ("possible", "present", "online")}
    for cpu in range(size):
        topology = f"cpu/cpu{cpu}/topology"
        for level, name in {**OLD, **NEW}.items() if names is None else names.items():
            group = range(
                cpu // width[level] * width[level], (cpu // width[level] + 1) * width[level]
            )
            if "list" in forms:
                files[f"{topology}/{name}_list"] = listed(group) + "\n"
            if "mask" in forms:
                files[f"{topology}/{name}"] = masked(group) + "\n"
        files[f"{topology}/physical_package_id"] = f"{cpu // width['package']}\n"
        files[f"{topology}/core_id"] = f"{cpu // threads % cores}\n"
    for node in range(packages):
        first = node * width["package"]
        files[f"node/node{node}/cpulist"] = f"{first}-{first + width['package'] - 1}\n"
    return files


def encoded(content):
    return content if isinstance(content, bytes) else content.encode()


@pytest.fixture
def machine():
    """Give the maker of sysfs files: path below sys/devices/system -> content."""
    return sysfs_of


@pytest.fixture
def capture(tmp_path):
    """Give a function that writes such files to a folder `host` and gives the folder."""

    def write(files, inside=SYSTEM):
        for path, content in files.items():
            file = tmp_path / "host" / inside / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.mkdir(exist_ok=True)
            else:
                file.write_bytes(encoded(content))
        return tmp_path / "host"

    return write


@pytest.fixture
def packed():
    """Give a function that packs such files into the bytes of a tar archive."""

    def pack(files, inside=SYSTEM, mode="w", members=()):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as archive:
            for path, content in files.items():
                member = tarfile.TarInfo(f"{inside}/{path}" if inside else path)
                member.size = len(encoded(content))
                archive.addfile(member, io.BytesIO(encoded(content)))
            for member in members:
                archive.addfile(member)
        return buffer.getvalue()

    return pack


@pytest.fixture
def on_disk(tmp_path):
    """Give a function that writes bytes or text to a file and gives its path."""

    def write(content, name="host"):
        path = tmp_path / name
        path.write_bytes(encoded(content))
        return path

    return write
