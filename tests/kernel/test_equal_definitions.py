"""Structures, constants and sets that differ only in style, each with one that differs in more."""

from pathlib import Path

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from signs import signs_of_change

from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.source_tree import SourceTree

HEADER = "include/linux/percpu_counter.h"
LIB = "lib/percpu_counter.c"
FORK = "kernel/fork.c"
MM = "mm/memory.c"


@pytest.fixture
def signs(whole_tree, unedited):
    """List the signs of an edit of the tree of an era."""

    def run(era, file, before, after):
        folder = whole_tree(era)
        text = (folder / file).read_text()
        assert before in text
        (folder / file).write_text(text.replace(before, after, 1))
        return signs_of_change(unedited(era), folder)

    return run


STRUCT = "\ts64 count;\n"
SIZE = "#define RSS_STAT_BATCH_SIZE\t32\n"
TRACE = "include/trace/events/kmem.h"
SHOWN = "__entry->size = (count) << PAGE_SHIFT;"
ADD_ONE = "add_mm_counter_fast(mm, member, 1)"
INC, RSS_STAT = "macro:inc_mm_counter_fast", "tracepoint:rss_stat"
THRESH = "#define TASK_RSS_EVENTS_THRESH\t(64)\n"


@pytest.mark.parametrize(
    ("era", "file", "before", "after"),
    [
        ("percpu", HEADER, STRUCT, "\tlong long count;\t/* pages */\n"),
        ("percpu", HEADER, STRUCT, "\tconst char *name;\n\ts64 count;\n"),
        ("percpu", HEADER, STRUCT, "\ts64 __aligned_count_pad[2];\n\t__s64 count;\n"),
        ("tree", FORK, SIZE, "#define RSS_STAT_BATCH_SIZE\t(1UL << 5)\n"),
        ("tree", FORK, SIZE, "#define SHIFT\t5\n#define RSS_STAT_BATCH_SIZE\tBIT(SHIFT)\n"),
        ("tree", FORK, SIZE, "enum { RSS_STAT_BATCH_SIZE = 0x20 };\n"),
        ("per-thread", MM, THRESH, "enum { TASK_RSS_EVENTS_THRESH = 64 };\n"),
        ("per-thread", MM, ADD_ONE, "add_mm_counter_fast((mm), (member), 1)"),
        ("per-thread", TRACE, SHOWN, "__entry->size\t= (count << PAGE_SHIFT);"),
        ("per-thread", TRACE, SHOWN, "__entry->size =\n\t\t\t(count)\n\t\t\t<< PAGE_SHIFT;"),
    ],
)
def test_a_definition_in_another_style_is_equal(era, file, before, after, signs):
    assert signs(era, file, before, after) == set()


@pytest.mark.parametrize(
    ("era", "file", "before", "after", "sign"),
    [
        ("percpu", HEADER, STRUCT, "\ts32 count;\n", "struct:percpu_counter"),
        ("percpu", HEADER, STRUCT, "\tu64 count;\n", "struct:percpu_counter"),
        ("percpu", HEADER, STRUCT, "\ts64 count[2];\n", "struct:percpu_counter"),
        (
            "percpu",
            HEADER,
            STRUCT,
            "#ifdef CONFIG_A\n\ts64 count;\n#endif\n",
            "struct:percpu_counter",
        ),
        ("tree", FORK, SIZE, "#define RSS_STAT_BATCH_SIZE\t(1UL << 6)\n", "batch"),
        ("tree", FORK, SIZE, "enum { RSS_STAT_BATCH_SIZE = 64 };\n", "batch"),
        ("tree", FORK, SIZE, SIZE.replace("32", "32 + (0)"), "constant:RSS_STAT_BATCH_SIZE"),
        (
            *("per-thread", MM, THRESH, THRESH.replace("64", "64UL")),
            "constant:TASK_RSS_EVENTS_THRESH",  # -1 > 64UL
        ),
        ("per-thread", MM, THRESH, "enum { TASK_RSS_EVENTS_THRESH = 65 };\n", "events_thresh"),
        ("per-thread", MM, ADD_ONE, "add_mm_counter_fast((mm), (member), 2)", INC),
        ("per-thread", MM, ADD_ONE, "add_mm_counter_fast((mm), -(member), 1)", INC),
        ("per-thread", MM, ADD_ONE, "note((mm), (member), 1)", INC),
        ("per-thread", TRACE, SHOWN, "__entry->size = count << (PAGE_SHIFT - 1);", RSS_STAT),
        ("per-thread", TRACE, SHOWN, "__entry->size = (int)(count << PAGE_SHIFT);", RSS_STAT),
    ],
)
def test_a_definition_that_differs_in_more_is_not(era, file, before, after, sign, signs):
    assert sign in signs(era, file, before, after)


CALLER = """
void install(struct vm_area_struct *vma, struct vm_area_struct *other, int nr)
{
%s}
EXPORT_SYMBOL(install);
"""


@pytest.fixture
def callers(whole_tree):
    """Give the fingerprint of the callers of add_mm_counter, with one more caller."""

    def run(body, name):
        folder = whole_tree("percpu", name=name)
        file = folder / "mm/mremap.c"
        file.write_text((file.read_text() if file.exists() else "") + CALLER % body)
        found = {each.id: each for each in fingerprints_of(SourceTree(Path(folder)), "percpu")}
        return found["callers:add_mm_counter"].digest

    return run


ADD = "add_mm_counter(vma->vm_mm, MM_ANONPAGES, 1);\n"
LOCAL = "\tstruct mm_struct *mm = vma->vm_mm;\n\n"
ONE = f"\tif (nr && vma)\n\t\t{ADD}"
OF_LOCAL = ONE.replace("vma->vm_mm", "mm")


@pytest.mark.parametrize(
    "body",
    [
        f"\tif (nr != 0 && vma)\n\t\t{ADD}",
        f"\tif (nr)\n\t\tif (vma)\n\t\t\t{ADD}",
        f"\tif (!nr || !vma)\n\t\tnr = 1;\n\telse\n\t\t{ADD}",
        LOCAL + OF_LOCAL,
    ],
)
def test_a_caller_under_the_same_conditions_is_equal(body, callers):
    assert callers(body, "other") == callers(ONE, "one")


@pytest.mark.parametrize(
    "body",
    [
        f"\tif (nr || vma)\n\t\t{ADD}",
        f"\tif (nr && vma)\n\t\tnr = 1;\n\telse\n\t\t{ADD}",
        f"\tif (nr)\n\t\tif (vma)\n\t\t\t{ADD.replace('1', '2')}",
        f"{LOCAL}\tvma = other;\n{OF_LOCAL}",
        f"{LOCAL}\tvma->vm_mm = other->vm_mm;\n{OF_LOCAL}",
        f"{LOCAL}\tmm = other->vm_mm;\n{OF_LOCAL}",
    ],
)
def test_a_caller_that_adds_elsewhere_or_at_other_times_is_not(body, callers):
    assert callers(body, "other") != callers(ONE, "one")


ADD_BODY = (
    "{\n\tpercpu_counter_add(&mm->rss_stat[member], value);\n\n\tmm_trace_rss_stat(mm, member);\n}"
)
HEAD = "static inline void add_mm_counter(struct mm_struct *mm, int member, long value)\n"
HELPER = f"{HEAD.replace('add_mm_counter', 'update')}{ADD_BODY}\n\n"
TAKEN_OUT = f"{HELPER}{HEAD}{{\n\tupdate(mm, member, value);\n}}"
MM_H = "include/linux/mm.h"
TREE = "lib/percpu_counter_tree.c"
SET = (
    "static void percpu_counter_tree_set_bias(struct percpu_counter_tree *counter, long bias)\n"
    "{\n\tWRITE_ONCE(counter->bias, bias);\n}"
)


def test_a_helper_that_is_only_called_in_a_function_that_counts_as_a_whole_is_no_user(signs):
    assert signs("percpu", MM_H, HEAD + ADD_BODY, TAKEN_OUT) == set()


@pytest.mark.parametrize(
    "more",
    [
        "\nvoid f(struct mm_struct *mm)\n{\n\tupdate(mm, 0, 9);\n}",
        "\nstatic void (*g)(struct mm_struct *, int, long) = update;",
        "\n#define grow(mm) update(mm, 0, 9)",
    ],
)
def test_a_helper_that_others_can_call_is_a_user(more, signs):
    assert "users:rss_stat" in signs("percpu", MM_H, HEAD + ADD_BODY, TAKEN_OUT + more)


def test_a_helper_of_the_tree_is_not_one_more_function_of_it(signs):
    """A function that is called nowhere is: others could."""
    put = SET.replace("percpu_counter_tree_set_bias", "put")
    called = SET.replace("WRITE_ONCE(counter->bias, bias)", "put(counter, bias)")

    assert signs("tree", TREE, SET, f"{put}\n\n{called}") == set()
    assert signs("tree", TREE, SET, f"{put}\n\n{SET}") == {"function:put"}


def test_a_report_of_the_batch_is_no_write_unless_the_tree_redefines_it(signs):
    start = "static int percpu_counter_cpu_dead("
    report = 'static void f(void)\n{\n\tpr_debug("%d", percpu_counter_batch);\n}\n'
    other = "#define pr_debug(format, n) ((n) = 9)\n"

    assert signs("percpu", LIB, start, report + start) == set()
    assert "writers:percpu_counter_batch" in signs("percpu", LIB, start, other + report + start)
