"""Wrappers of counters and sets of callers in another style, with some that differ in more."""

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from signs import signs_of_change

MM_H = "include/linux/mm.h"
EXIT = "kernel/exit.c"
MADVISE = "mm/madvise.c"
LIB = "lib/percpu_counter.c"

INC = "\tpercpu_counter_inc(&mm->rss_stat[member]);\n\n\tmm_trace_rss_stat(mm, member);\n"
DEC = (
    "\tlong after = atomic_long_dec_return(&mm->rss_stat.count[member]);\n\n"
    "\tmm_trace_rss_stat(mm, member, after);\n"
)
MM = "\tstruct mm_struct *mm = current->mm;\n"
TASK = "\tstruct task_struct *tsk = current;\n\tstruct mm_struct *mm = tsk->mm;\n"
ADD = "add_mm_counter(mm, MM_SWAPENTS, nr_swap);"
CALLERS = "callers:sync_mm_rss"
ADD_N = "add_mm_counter(mm, MM_SWAPENTS, n);"
CALL = "add_mm_counter(mm, MM_SWAPENTS, pages_of(nr_swap));"
BATCH = "percpu_counter_batch = max(32, nr * 2);"


@pytest.fixture
def signs(whole_tree):
    """List the signs of one version of a tree after another."""

    def run(era, file, before, after, original):
        folders = []
        for name, text in (("before", before), ("after", after)):
            folder = whole_tree(era, name=name)
            assert original in (folder / file).read_text()
            changed = (folder / file).read_text().replace(original, text, 1)
            (folder / file).write_text(changed)
            folders.append(folder)
        unedited = signs_of_change(folders[0], folders[0])
        return signs_of_change(*folders) - unedited

    return run


@pytest.mark.parametrize(
    ("era", "file", "before", "after", "original"),
    [
        ("percpu", MM_H, INC, "\tadd_mm_counter(mm, member, 1);\n", INC),
        ("per-thread", MM_H, DEC, "\tadd_mm_counter(mm, member, -1);\n", DEC),
        ("per-thread", EXIT, MM, TASK, MM),
        ("per-thread", MADVISE, CALL, f"long n = pages_of(nr_swap);\n\n\t\t{ADD_N}", ADD),
        ("per-thread", MADVISE, CALL, f"long n;\n\n\t\tn = pages_of(nr_swap);\n\t\t{ADD_N}", ADD),
        (
            "percpu",
            LIB,
            BATCH,
            "int n;\n\n\tn = max(32, nr * 2);\n\tpercpu_counter_batch = n;",
            BATCH,
        ),
    ],
)
def test_another_style_is_no_change(era, file, before, after, original, signs):
    assert signs(era, file, before, after, original) == set()


@pytest.mark.parametrize(
    ("era", "file", "before", "after", "original", "sign"),
    [
        ("percpu", MM_H, INC, "\tadd_mm_counter(mm, member, 2);\n", INC, "function:inc_mm_counter"),
        ("percpu", MM_H, INC, "\tadd_mm_counter(mm, 0, 1);\n", INC, "function:inc_mm_counter"),
        (
            "per-thread",
            MM_H,
            DEC,
            "\tadd_mm_counter(mm, member, 1);\n",
            DEC,
            "function:dec_mm_counter",
        ),
        (
            *("percpu", MM_H, INC, "\tinc_mm_counter(mm, member);\n", INC),
            "function:inc_mm_counter",
        ),
        ("per-thread", EXIT, MM, TASK.replace("= current", "= other"), MM, CALLERS),
        ("per-thread", EXIT, MM, f"{TASK}\n\ttsk = other;\n", MM, CALLERS),
        *[
            ("per-thread", MADVISE, CALL, f"{set_}\n\n\t\t{ADD_N}", ADD, "callers:add_mm_counter")
            for set_ in (
                *("long n = pages_of(nr_swap) * 2;", "int n = pages_of(nr_swap);"),
                *("char n = pages_of(nr_swap);", "static long n = pages_of(nr_swap);"),
                *("long n = pages_of(nr_swap); n++;", "long n = pages_of(nr_swap); lock(mm);"),
                *("long n = pages_of(mm);", "long n = 0; n = pages_of(nr_swap); show(n);"),
            )
        ],
    ],
)
def test_a_change_in_another_style_is_found(era, file, before, after, original, sign, signs):
    assert sign in signs(era, file, before, after, original)
