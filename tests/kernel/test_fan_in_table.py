"""The table of the tree: an unreadable entry is an error, never a smaller bound."""

import pytest

import rssbound
from rssbound.cli.inputs.kernel_source import from_source
from rssbound.errors import InputError, ScenarioError
from rssbound.kernel import read_kernel_source

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

FILE = "lib/percpu_counter_tree.c"


def changed(table, before, after):
    assert before in table
    return {FILE: table.replace(before, after)}


def fault(source_tree, changes):
    with pytest.raises(InputError) as raised:
        read_kernel_source(source_tree("tree", changes))
    return str(raised.value)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            "{ 2, 1, 1 }",
            "{ ORD2, 1, 1 }",
            "8: order 4: n_arity_order has ORD2, which is not understood as a number",
        ),
        ("{ 2, 1, 1 }", "ARITY(2, 1, 1)", "8: order 4: n_arity_order is not a list"),
        ("{ 2, 1, 1 }", "{ 2, 0, 2 }", "8: order 4: the fan-in orders 2, 0, 2 are not valid"),
        ("{ 2, 1, 1 }", "{ 6, -2 }", "8: order 4: the fan-in orders 6, -2 are not valid"),
        ("{ 2, 1, 1 }", "{ 700000000 }", "the fan-in orders 700000000 are not valid"),
        (",\\t.n_arity_order = { 2, 1, 1 }", "", "8: order 4 has no n_arity_order"),
        (".nr_items = 3", ".nr_items = NR(3)", "6: order 2: nr_items has NR(3), which is no"),
        (
            ".nr_levels = 2",
            ".nr_levels = L2",
            "6: order 2: nr_levels has L2, which is not understood as a number",
        ),
        ("[3] =", "[ORDER_3] =", "7: [ORDER_3] is not understood as an order"),
        ("[3] =", "[3 ... 4] =", "7: [3 ... 4] is not understood as an order"),
        ("[3] =", "[900000000] =", "7: [900000000] is not understood as an order"),
        ("[3] =", "[2] =", "6: order 2 appears twice in per_nr_cpu_order_config"),
        ("[3] =", "#ifdef CONFIG_X\n\t[3] =", "cannot be parsed here"),
        ("\n};", "\n", "the table per_nr_cpu_order_config cannot be found or parsed"),
        ("per_nr_cpu_order_config", "config_of_order", "the table per_nr_cpu_order_config cannot"),
        ("#define MAX_NR_LEVELS 5\n", "", "MAX_NR_LEVELS cannot be found"),
        (
            "#define MAX_NR_LEVELS 5",
            "#define MAX_NR_LEVELS most()",
            "the value of MAX_NR_LEVELS is not understood",
        ),
    ],
)
def test_an_unreadable_table_is_an_error(before, after, text, source_tree, table):
    assert text in fault(source_tree, changed(table, before.replace("\\t", "\t"), after))


@pytest.mark.parametrize("text", [None, "", "/* a file that was cut off"])
def test_a_missing_file_is_not_a_binary_tree(text, source_tree):
    assert FILE in fault(source_tree, {FILE: text})


def test_two_tables(source_tree, table):
    body = table.partition("static")[2]
    twice = f"{table}#ifdef CONFIG_X\nstatic{body}#endif\n"

    assert "is defined at lib/percpu_counter_tree.c:3 and" in fault(source_tree, {FILE: twice})
    config = {".config": "CONFIG_SMP=y\nCONFIG_NUMA=y\n"}
    read = read_kernel_source(source_tree("tree", {FILE: twice} | config, "configured"))
    assert len(read.constants.arities) == 5


def test_macros_of_the_file_are_known(source_tree, table):
    changes = changed(table, "{ 2, 1, 1 }", "{ WIDE, 1, 1 }")
    changes[FILE] = f"#define WIDE 2\n{changes[FILE]}"
    read = read_kernel_source(source_tree("tree", changes))

    assert (read.constants.arities[4], read.findings) == ((2, 1, 1), ())


@pytest.mark.parametrize(("after", "total"), [("{ 1, 1 }", 2), ("{ 2, 1, 1 }", 4)])
def test_fan_ins_that_do_not_add_up_have_no_bound(after, total, source_tree, table):
    """A finding for all machines, an error for one of that order."""
    tree = source_tree("tree", changed(table, "{ 1, 1, 1 }", after))
    scenario = from_source(rssbound.Scenario(), read_kernel_source(tree), set())

    (small,) = rssbound.analyze(rssbound.read("core:4"), scenario, designs=["tree"])
    assert small.worst_counter.under == 188
    assert any(f"add up to {total}" in found.text for found in read_kernel_source(tree).findings)
    with pytest.raises(ScenarioError, match=f"order 3: they add up to {total}"):
        rssbound.analyze(rssbound.read("core:8"), scenario, designs=["tree"])


def test_an_unknown_number_of_counters_is_an_error(source_tree):
    path = "include/linux/mm_types_task.h"

    assert "NR_MM_COUNTERS cannot be found in any of" in fault(source_tree, {path: "\n"})
    unknown = "enum { MM_FILEPAGES,\n#ifdef CONFIG_GPU\nMM_GPU,\n#endif\nNR_MM_COUNTERS };\n"
    assert f"{path}:5: the value of NR_MM_COUNTERS is not understood" in fault(
        source_tree, {path: unknown}
    )
