"""The memory that a process can still use: free memory, and the limits of its cgroups."""

import pytest

from rssbound.cli.inputs import memory

GIB = 1 << 30


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Write /proc and /sys/fs/cgroup of a machine with 8 GiB free."""
    monkeypatch.setattr(memory, "PROC", str(tmp_path / "proc"))
    monkeypatch.setattr(memory, "CGROUPS", str(tmp_path / "cgroup"))

    def write(files):
        for name, text in {"proc/meminfo": f"MemAvailable:  {8 << 20} kB\n", **files}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    return write


def limits(folder, most, used, version=2):
    names = ("memory.max", "memory.current")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    return {f"cgroup/{folder}/{names[0]}": f"{most}\n", f"cgroup/{folder}/{names[1]}": f"{used}\n"}


@pytest.mark.parametrize(
    ("files", "room", "limit"),
    [
        ({}, 8, "MemAvailable"),
        ({"proc/self/cgroup": "0::/a/b\n", **limits("a/b", 3 * GIB, GIB)}, 2, "a/b/memory.max"),
        ({"proc/self/cgroup": "0::/a/b\n", **limits("a", 3 * GIB, 2 * GIB)}, 1, "a/memory.max"),
        ({"proc/self/cgroup": "0::/a\n", **limits("a", "max", GIB)}, 8, "MemAvailable"),
        ({"proc/self/cgroup": "0::/a\n", **limits("a", GIB, 2 * GIB)}, 0, "a/memory.max"),
        (
            {
                "proc/self/cgroup": "4:memory:/x\n0::/\n",
                **limits("memory/x", 5 * GIB, GIB, version=1),
            },
            4,
            "memory/x/memory.limit_in_bytes",
        ),
    ],
)
def test_the_least_of_all_limits_counts(tree, files, room, limit):
    tree(files)
    found, name = memory.available()

    assert found == room * GIB
    assert name.endswith(limit)


def test_a_machine_without_limits_in_proc_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PROC", str(tmp_path))
    monkeypatch.setattr(memory, "CGROUPS", str(tmp_path))

    assert memory.available() == (1 << 64, "nothing")
