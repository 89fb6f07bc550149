"""Trees with split counting of older releases are read, fingerprinted and run without a finding."""

from pathlib import Path

import pytest
from counter_trees import TASK, write_tree
from old_trees import AROUND, MEMORY, OLD_TREES, OOM

from rssbound.bounds import Scenario
from rssbound.errors import RssboundError
from rssbound.kernel import read_kernel_source
from rssbound.kernel.execution.measurement import measure
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.source_tree import SourceTree
from rssbound.topology import read

NO_SHMEM = ("4.4", "3.10", "3.2")
TABLE = {"5.4": "dump_task"}
"""Release -> the function that prints the OOM killer's table, dump_tasks in the others."""

PARTS = {"5.4": ("anon",), "4.19": ("anon",), "4.14": ("anon", "file", "shmem")}
"""Release -> the parts of RSS that the tree's status shows."""

FAULT_PAGES = {"3.10": 1, "3.2": 1}
"""Pages that one fault maps: 16 since fault-around."""


@pytest.fixture(params=OLD_TREES)
def release(request):
    return request.param


@pytest.fixture
def tree(release, tmp_path):
    return str(write_tree(tmp_path / "linux", OLD_TREES[release]))


def test_a_tree_is_read_without_a_finding(release, tree):
    found = read_kernel_source(tree)

    assert found.findings == ()
    assert found.constants.design == "per-thread"
    assert found.constants.release == f"{release}.0"
    accuracies = {name: one.accuracy for name, one in found.constants.readers.items()}
    assert accuracies.pop("trace") == "absent"
    assert accuracies == dict.fromkeys(
        ("status", "statm", "stat", "oom_badness", "oom_report"), "approximate"
    )


def test_what_stands_around_the_counters_hides_nothing(release, tree, tmp_path):
    """Macros that look like statements, branches across #if, a call without a semicolon."""
    files = {
        path: AROUND + text + AROUND if path.endswith(".c") else text
        for path, text in OLD_TREES[release].items()
    }
    surrounded = str(write_tree(tmp_path / "surrounded", files))
    plain, found = (
        {each.id: each.digest for each in fingerprints_of(SourceTree(Path(one)), "per-thread")}
        for one in (tree, surrounded)
    )

    assert read_kernel_source(surrounded).findings == ()
    assert found == plain
    assert measure(surrounded, read("core:2")).findings == ()


def test_the_code_reaches_the_bound_and_no_more(release, tree):
    """66 faults of a thread, of as many pages as one maps; each takes at most one."""
    most = 66 * FAULT_PAGES.get(release, 16)
    measured = measure(tree, read("core:4"), Scenario(threads=2))

    assert measured.findings == ()
    assert (measured.bound.under, measured.bound.over) == (2 * most, 2 * 66)
    for side, figure in (("under", 2 * most), ("over", 2 * 66)):
        roads = {one.road: one.error for one in measured.reached if one.side == side}
        assert (roads["witness"], roads["saturation"]) == (figure, figure)


def test_readers_add_up_the_counters_that_the_release_has(release, tree):
    shmem = {} if release in NO_SHMEM else {"shmem": 1}
    rss = {"file": 1, "anon": 1, **shmem}
    expected = {
        **dict.fromkeys(("get_mm_rss", "statm", "stat", "status VmRSS"), rss),
        "status VmSwap": {"swap": 1},
        "oom_badness": {**rss, "swap": 1},
        TABLE.get(release, "dump_tasks"): rss,
    }
    expected |= {f"status Rss{name.title()}": {name: 1} for name in PARTS.get(release, ())}
    runs = measure(tree, read("core:2")).readers

    assert {one.reader: one.counters for one in runs if not one.note} == expected
    assert {one.accuracy for one in runs if not one.note} == {"approximate"}
    assert not any(one.note for one in runs) or release in {"5.4", "4.19"}


@pytest.mark.parametrize(
    ("before", "after", "sum_"),
    [
        ("\tpoints += get_mm_counter(p->mm, MM_SWAPENTS);\n", "", "file + anon"),
        ("points += get", "points -= get", "file + anon + -1 x swap"),
        (
            "\tpoints *=",
            "\tpoints += get_mm_rss(p->mm);\n\tpoints *=",
            "2 x file + 2 x anon + swap",
        ),
    ],
)
def test_what_is_added_later_to_the_score_counts(before, after, sum_, tmp_path):
    files = OLD_TREES["3.2"]
    assert before in files[OOM]
    tree = write_tree(tmp_path / "linux", {**files, OOM: files[OOM].replace(before, after)})
    (found,) = measure(str(tree), read("core:2")).findings

    text, _, _ = found.text.partition(";")
    assert text == f"oom_badness: oom_badness adds up {sum_}, not file + anon + swap"


def test_three_counters_are_those_of_kernels_without_shmem(tmp_path):
    """Two of the three are a finding."""
    files = {**OLD_TREES["4.4"]}
    types = "include/linux/mm_types.h"
    files[types] = files[types].replace("\tMM_SWAPENTS,\n", "")
    fewer = read_kernel_source(str(write_tree(tmp_path / "fewer", files)))

    assert [one.id for one in fewer.findings] == ["read:NR_MM_COUNTERS"]
    assert "NR_MM_COUNTERS is 2" in fewer.findings[0].text


CHOSEN = "#ifndef __HAVE_ARCH_PTEP_SET_ACCESS_FLAGS\n\tPAGE_SIZE;\n#else\n\tWINDOW;\n#endif"


@pytest.mark.parametrize(
    ("window", "bytes_"),
    [("rounddown_pow_of_two(65536)", 65536), ("16384UL", 16384), ("2048", 4096)],
)
def test_a_window_that_the_architecture_chooses_is_the_wider_one(window, bytes_, tmp_path):
    files = {**OLD_TREES["4.19"]}
    before = " rounddown_pow_of_two(65536);"
    assert before in files[MEMORY]
    chosen = "\n" + CHOSEN.replace("WINDOW", window)
    files[MEMORY] = files[MEMORY].replace(before, chosen)
    found = read_kernel_source(str(write_tree(tmp_path / "linux", files)))

    assert found.findings == ()
    assert found.constants.fault_around_bytes == bytes_


def test_a_window_that_is_not_understood_is_an_error(tmp_path):
    files = {**OLD_TREES["4.19"]}
    chosen = "\n" + CHOSEN.replace("WINDOW", "window_of(cpu)")
    files[MEMORY] = files[MEMORY].replace(" rounddown_pow_of_two(65536);", chosen)

    with pytest.raises(RssboundError, match="fault_around_bytes is not understood"):
        read_kernel_source(str(write_tree(tmp_path / "linux", files)))


TYPES = "include/linux/mm_types_task.h"
SPLIT_LOCKS = "#define USE_SPLIT_PTE_PTLOCKS (NR_CPUS >= CONFIG_SPLIT_PTLOCK_CPUS)\n"


@pytest.mark.parametrize(
    ("config", "design"),
    [
        (
            "CONFIG_SMP=y\nCONFIG_MMU=y\nCONFIG_NR_CPUS=64\nCONFIG_SPLIT_PTLOCK_CPUS=4\n",
            "per-thread",
        ),
        ("CONFIG_SMP=y\nCONFIG_MMU=y\nCONFIG_NR_CPUS=2\nCONFIG_SPLIT_PTLOCK_CPUS=4\n", "shared"),
        ("CONFIG_SMP=y\n", "per-thread"),
        ("CONFIG_SMP=y\nCONFIG_NR_CPUS=2\n", "shared"),
        ("CONFIG_MMU=y\n", "shared"),
        ("CONFIG_NR_CPUS=512\nCONFIG_SPLIT_PTLOCK_CPUS=4\n", "shared"),
    ],
)
def test_the_build_whose_bound_is_computed_is_run(config, design, whole_tree):
    """Both branches of split counting are there; a .config without SMP or for few CPUs has one."""
    types = SPLIT_LOCKS + (whole_tree("per-thread") / TYPES).read_text()
    files = {TYPES: types, "include/linux/sched.h": TASK, ".config": config}
    measured = measure(str(whole_tree("per-thread", files, "configured")), read("core:2"))

    assert measured.findings == ()
    assert measured.design == design
    assert {one.error > 0 for one in measured.reached} == {design == "per-thread"}
