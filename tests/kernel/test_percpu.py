"""The formula of percpu_counter's batch, and the batches of RSS: which code is understood."""

import pytest

from rssbound.errors import InputError
from rssbound.kernel import read_kernel_source

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

FORMULA = """#define MIN_BATCH 48
int percpu_counter_batch __read_mostly = 32;
static int compute_batch_value(unsigned int cpu)
{{
	int nr = {count};

	{set}
	return 0;
}}
"""

BRANCHES = """
#ifdef CONFIG_BIG
	percpu_counter_batch = max(256, nr*8);
#else
	percpu_counter_batch = max(32, nr*2);
#endif
"""


def formula(set_, count="num_online_cpus()"):
    return {"lib/percpu_counter.c": FORMULA.format(set=set_, count=count)}


def constants(source_tree, era, changes):
    return read_kernel_source(source_tree(era, changes)).constants


def fault(source_tree, era, changes):
    with pytest.raises(InputError) as raised:
        read_kernel_source(source_tree(era, changes))
    return str(raised.value)


@pytest.mark.parametrize(
    ("right", "least", "each"),
    [
        ("max(32, nr*2)", 32, 2),
        ("max(64, 4 * nr)", 64, 4),
        ("max(nr * 2, 32)", 32, 2),
        ("max_t(int, 32, nr*2)", 32, 2),
        ("max(32, nr << 1)", 32, 2),
        ("max(32, nr)", 32, 1),
        ("max(32, (nr) * (1 + 2))", 32, 3),
        ("max(MIN_BATCH, 2 * num_online_cpus())", 48, 2),
        ("(max(BIT(6), (int)nr))", 64, 1),
        ("max(32, nr*2*2)", 32, 4),
        ("max(32, nr + nr)", 32, 2),
        ("max(32, 3 * nr - nr)", 32, 2),
        ("nr * 2 > 32 ? nr * 2 : 32", 32, 2),
        ("(nr*2 < 32) ? 32 : nr * 2", 32, 2),
        ("32 >= nr ? 32 : nr", 32, 1),
        ("max(32, nr + (int)num_online_cpus() * 2)", 32, 3),
    ],
)
def test_a_formula_that_is_understood(right, least, each, source_tree):
    read = constants(source_tree, "percpu", formula(f"percpu_counter_batch = {right};"))

    assert (read.percpu_least, read.percpu_each) == (least, each)


@pytest.mark.parametrize(
    "set_", ["int batch;\n\tbatch = max(48, nr*3);", "s64 batch = max(48, nr*3);"]
)
def test_a_formula_with_a_name(set_, source_tree):
    read = constants(source_tree, "percpu", formula(f"{set_}\n\tpercpu_counter_batch = batch;"))

    assert (read.percpu_least, read.percpu_each) == (48, 3)


@pytest.mark.parametrize(
    "set_",
    [
        "percpu_counter_batch = max(32, nr*2 + 8);",
        "percpu_counter_batch = max(32, nr / 2);",
        "percpu_counter_batch = max(32, nr - 2);",
        "percpu_counter_batch = max(32, (u8)(nr*2));",
        "percpu_counter_batch = max(32, nr*2 + nr/2);",
        "percpu_counter_batch = max(32, -nr);",
        "widen(&nr); percpu_counter_batch = max(32, nr*2);",
        "percpu_counter_batch = max(32, nr*nr*2);",
        "percpu_counter_batch = max(32, 2 << nr);",
        "percpu_counter_batch = max(32, ilog2(nr)*2);",
        "percpu_counter_batch = min(max(32, nr*2), 128);",
        "percpu_counter_batch = max(32, min(nr*2, 128));",
        "percpu_counter_batch = max(32, nr*2) / 4;",
        "percpu_counter_batch = max(LEAST, nr*2);",
        "percpu_counter_batch = max(-32, nr*2);",
        "percpu_counter_batch = nr * 2;",
        "percpu_counter_batch += max(32, nr*2);",
        "nr++; percpu_counter_batch = max(32, nr*2);",
        "nr = 7; percpu_counter_batch = max(32, nr*2);",
        "nr *= 3; percpu_counter_batch = max(32, nr*2);",
        "percpu_counter_batch = max3(32, 64, nr*2);",
        "percpu_counter_batch = nr*2 > 32 ? 32 : nr*2;",
        "percpu_counter_batch = nr*2 < 32 ? nr*2 : 32;",
        "percpu_counter_batch = nr*2 > 64 ? nr*2 : 32;",
        "percpu_counter_batch = nr ? nr*2 : 32;",
        "int batch = max(32, nr*2) / 4; percpu_counter_batch = batch;",
        "int batch = max(32, nr*2); batch += nr; percpu_counter_batch = batch;",
        "int batch = max(32, nr*2); widen(&batch); percpu_counter_batch = batch;",
        "int batch = max(32, nr*2); if (nr > 8) batch = 8; percpu_counter_batch = batch;",
        "u8 batch = max(32, nr*2); percpu_counter_batch = batch;",
        "int batch = batch; percpu_counter_batch = batch;",
    ],
)
def test_a_formula_that_is_not_understood_is_an_error_with_its_place(set_, source_tree):
    text = fault(source_tree, "percpu", formula(set_))

    assert "lib/percpu_counter.c:7: percpu_counter_batch" in text
    assert (
        "is not understood; expected max(LEAST, EACH * nr), where nr is num_online_cpus()" in text
    )
    assert "cannot be found" not in text


def test_a_macro_without_parentheses_gives_an_operand_to_the_operator_beside_it(source_tree):
    changes = formula("percpu_counter_batch = max(32, nr * EACH);\n#define EACH 1 + 1")

    assert "is not understood" in fault(source_tree, "percpu", changes)


def test_other_cpus_than_those_online_are_not_understood(source_tree):
    changes = formula("percpu_counter_batch = max(32, nr*2);", "num_possible_cpus()")

    assert "is not understood" in fault(source_tree, "percpu", changes)


@pytest.mark.parametrize(
    "set_",
    [
        "percpu_counter_batch = max(32, nr*2); percpu_counter_batch *= 4;",
        BRANCHES,
    ],
)
def test_a_batch_that_is_set_twice(set_, source_tree):
    text = fault(source_tree, "percpu", formula(set_))

    assert "percpu_counter_batch is set again at lib/percpu_counter.c" in text


def test_the_configuration_decides_which_batch_applies(source_tree):
    small = formula(BRANCHES) | {".config": "CONFIG_SMP=y\nCONFIG_NUMA=y\n"}
    large = formula(BRANCHES) | {".config": "CONFIG_SMP=y\nCONFIG_NUMA=y\nCONFIG_BIG=y\n"}

    assert constants(source_tree, "percpu", small).percpu_least == 32
    assert constants(source_tree, "percpu", large).percpu_least == 256


def updates(call):
    return {
        "include/linux/mm.h": "static inline void add_mm_counter(struct mm_struct *mm, int member, "
        f"long value)\n{{\n\t{call};\n}}\n"
    }


def test_a_batch_that_updates_of_rss_pass(source_tree):
    """(4096 - 1) on each of 8 CPUs, independent of the number online."""
    from rssbound import Scenario, analyze, read
    from rssbound.cli.inputs.kernel_source import from_source

    changes = updates("percpu_counter_add_batch(&mm->rss_stat[member], value, 1 << 12)")
    tree = source_tree("percpu", changes)
    (result,) = analyze(
        read("core:8"), from_source(Scenario(), read_kernel_source(tree), set()), designs=["percpu"]
    )

    assert read_kernel_source(tree).constants.percpu_each == 0
    assert result.worst_counter.under == 8 * 4095


def test_the_usual_batch_can_be_passed_by_name(source_tree):
    named = updates("percpu_counter_add_batch(&mm->rss_stat[member], value, percpu_counter_batch)")

    assert constants(source_tree, "percpu", named).percpu_each == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            updates("percpu_counter_add_local(&mm->rss_stat[member], value)"),
            "the update of RSS by percpu_counter_add_local is not understood",
        ),
        (
            updates("percpu_counter_add_batch(&mm->rss_stat[member], value, big(mm))"),
            "the update of RSS by percpu_counter_add_batch is not understood",
        ),
        (
            updates(
                "percpu_counter_add_batch(&mm->rss_stat[member], value, 64); "
                "percpu_counter_add(&mm->rss_stat[member], value)"
            ),
            "the batch of RSS is 64 at include/linux/mm.h:3 and percpu_counter_batch at",
        ),
        ({"include/linux/mm.h": "int x;\n"}, "include/linux/mm.h: no update of rss_stat"),
        ({"include/linux/mm.h": None}, "include/linux/mm.h: no update of rss_stat"),
    ],
)
def test_an_update_of_rss_that_is_not_understood(text, expected, source_tree):
    assert expected in fault(source_tree, "percpu", text)


@pytest.mark.parametrize("sign", [">=", "<", "=="])
def test_another_comparison_with_the_threshold(sign, source_tree):
    memory = (
        "#define TASK_RSS_EVENTS_THRESH 64\n"
        "static void check_sync_rss_stat(struct task_struct *task)\n{\n"
        f"\tif (unlikely(task->rss_stat.events++ {sign} TASK_RSS_EVENTS_THRESH))\n"
        "\t\tsync_mm_rss(task->mm);\n}\n"
    )
    text = fault(source_tree, "per-thread", {"mm/memory.c": memory})

    assert f"mm/memory.c:4: task->rss_stat.events++ {sign} TASK_RSS_EVENTS_THRESH is not" in text


def test_a_tree_that_is_made_with_another_batch(source_tree):
    fork = (
        "#define RSS_STAT_BATCH_SIZE 32\nint mm_init(struct mm_struct *mm)\n{\n"
        "\treturn percpu_counter_tree_init_many(mm->rss_stat, items, NR_MM_COUNTERS, 4096, 0);\n}\n"
    )
    text = fault(source_tree, "tree", {"kernel/fork.c": fork})

    assert "kernel/fork.c:4: percpu_counter_tree_init_many initialises rss_stat without" in text


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("fault_around_bytes = 65536", 65536),
        ("fault_around_bytes = SZ_2M", 2 << 20),
        ("fault_around_pages = 65536 >> PAGE_SHIFT", 65536),
        ("fault_around_pages = (SZ_64K >> PAGE_SHIFT)", 65536),
        ("fault_around_pages = rounddown_pow_of_two(65536 >> PAGE_SHIFT)", 65536),
    ],
)
def test_the_window_of_fault_around(value, size, source_tree):
    memory = f"static unsigned long {value};\n"

    assert constants(source_tree, "percpu", {"mm/memory.c": memory}).fault_around_bytes == size


def test_a_window_in_pages_needs_the_page_size(source_tree):
    memory = {"mm/memory.c": "static unsigned long fault_around_pages = 16;\n"}
    config = {".config": "CONFIG_SMP=y\nCONFIG_NUMA=y\nCONFIG_PAGE_SHIFT=16\n"}

    assert "mm/memory.c:1: the value of fault_around_bytes is not understood" in fault(
        source_tree, "percpu", memory
    )
    read = read_kernel_source(source_tree("percpu", memory | config, "configured"))
    assert read.constants.fault_around_bytes == 16 << 16
