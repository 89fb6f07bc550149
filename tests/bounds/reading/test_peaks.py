"""Peaks on the running kernel: each rule of docs/interfaces.md, shown by a program."""

import os
import re
import resource
import sys
from pathlib import Path

import pytest
from peaks_programs import measured, program

import rssbound
from rssbound.bounds.counter.design import version_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures a Linux kernel")

KIB_OF_A_HUGE_PAGE = 2048


def kernel():
    return version_of(os.uname().release)


def most(file, side, **question):
    """Give a tolerance of this machine, in KiB; for a kernel of its own release, guessed or not."""
    found = rssbound.tolerance(rssbound.read(), file, **question)
    return getattr(found, side) // 1024


def on_huge_tmpfs(name):
    """Run a program with the folder of a tmpfs of huge pages, mounted for it alone."""
    mount = 'mount -t tmpfs -o huge=always none /mnt && exec "$0" /mnt || exit 77'
    unshare = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "-Ur")
    return measured(*unshare, "sh", "-c", mount, program(name))


def test_a_split_huge_page_is_missed():
    """One thread held 200 MiB and more; no peak shows this."""
    huge = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
    if not huge.exists() or huge.read_text() != f"{KIB_OF_A_HUGE_PAGE * 1024}\n":
        pytest.skip("no transparent huge pages of 2 MiB here")
    before_exec = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = on_huge_tmpfs("split")

    assert found["seen"] >= 100 * KIB_OF_A_HUGE_PAGE
    assert found["hwm"] < found["seen"] // 10
    assert found["maxrss"] < found["seen"] // 10 + before_exec


@pytest.mark.parametrize("how", ["droppable", "free"])
def test_huge_pages_that_are_freed_lazily_are_missed_unless_they_are_split_first(how):
    """Which of the two a kernel does shows in its count of split mappings."""
    found = measured(program("lazily_freed"))
    if f"{how}_seen" not in found:
        pytest.skip("no MAP_DROPPABLE here")
    missing = found[f"{how}_seen"] - found[f"{how}_hwm"]

    if found[f"{how}_splits"] >= found["huge_pages"]:
        assert missing <= most("stat", "under")
    else:
        assert missing >= found["huge_pages"] * KIB_OF_A_HUGE_PAGE - most("stat", "under")


def test_pages_collapsed_by_khugepaged_are_missed():
    """64 MiB of small pages were held; khugepaged drops their page tables."""
    found = on_huge_tmpfs("collapse")

    assert found["seen"] >= 64 << 10
    assert found["hwm"] < found["seen"] // 2 + 1024


def test_pages_replaced_by_ksm_are_missed():
    """32 MiB of zero-filled pages."""
    found = measured(program("zero_pages"))

    assert found["seen"] >= 32 << 10
    assert found["hwm"] < found["seen"] // 2


def test_pages_freed_by_process_mrelease_are_missed():
    """Of 200 MiB; without the right to run first, as much as the victim left."""
    found = measured(program("mrelease"))

    assert found["seen"] >= 200 << 10
    assert found["maxrss"] < found["seen"] - most("stat", "under") - 1024


def test_pages_that_other_threads_map_meanwhile_are_missed():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("takes a second CPU")
    found = max(
        (measured(program("threads")) for _ in range(3)),
        key=lambda once: once["seen"] - once["hwm"],
    )

    assert found["seen"] > found["hwm"] + 16 * 1024 > 128 << 10


def test_ru_maxrss_includes_the_time_before_exec():
    found = measured(program("exec"))

    assert found["parent"] >= 200 << 10
    assert found["maxrss"] >= found["parent"] - most("stat", "under") - 1024
    assert found["hwm"] < 50 << 10


def test_vmhwm_falls():
    """By at most the error of the cheap value, if status is precise."""
    if kernel() < (6, 16, 0):
        pytest.skip("before 6.16 what is stored and what is read are cheap alike")
    found = measured(program("hwm_falls"))

    assert 0 < found["first"] - found["second"] <= most("stat", "under")
    assert found["second"] < found["rss"] <= found["first"]


def test_ru_maxrss_falls_while_rss_does_not(tmp_path):
    """Copies on write remove as many pages as they add."""
    if kernel() < (6, 2, 0):
        pytest.skip("before 6.2 copies on write cancel")
    pages = tmp_path / "pages"
    pages.write_bytes(bytes(512 * resource.getpagesize()))
    found = measured(program("maxrss_falls"), pages)

    assert found["rss_fell"] == 0
    assert 0 < found["maxrss_fell"] <= most("stat", "over", change=True)


def test_vmhwm_is_not_below_vmrss_within_one_read_of_status():
    """Independent of what this process does meanwhile."""
    blocks = []
    for size in (1 << 20, 5000, 3 << 20, 1 << 12, 7 << 20):
        blocks.append(b"x" * size)
        text = Path("/proc/self/status").read_text()
        now = {key: int(kib) for key, kib in re.findall(r"(VmHWM|VmRSS):\s+(\d+)", text)}
        assert now["VmHWM"] >= now["VmRSS"]
        if len(blocks) % 2:
            blocks.pop()
