"""Trees of the series after v17: no table, a shape at boot, residuals of both signs."""

import pytest
from counter_trees import TREES

from rssbound.bounds import Scenario
from rssbound.kernel import read_kernel_source
from rssbound.kernel.execution.measurement import measure
from rssbound.topology import read

LIB = "lib/percpu_counter_tree.c"
HEADER = "include/linux/percpu_counter_tree.h"
FLAT = """
#include <linux/percpu_counter_tree.h>
static char *arity;
%s
int percpu_counter_tree_init_many(struct percpu_counter_tree *counters, void *items,
		unsigned int nr, unsigned long batch, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		counters[i].level0 = alloc_percpu(long);
		counters[i].batch = batch;
		atomic_long_set(&counters[i].root, 0);
	}
	return 0;
}
void percpu_counter_tree_add(struct percpu_counter_tree *counter, long inc)
{
	long batch = nr_cpu_ids > 1 ? counter->batch : 1;
	unsigned long flags;
	long held, whole;

	local_irq_save(flags);
	held = __this_cpu_read(*counter->level0) + inc;
	whole = held / batch * batch;
	__this_cpu_write(*counter->level0, held - whole);
	local_irq_restore(flags);
	if (whole)
		atomic_long_add(whole, &counter->root);
}
long percpu_counter_tree_precise_sum(struct percpu_counter_tree *counter)
{
	long sum = atomic_long_read(&counter->root);
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(counter->level0, cpu);
	return sum;
}
"""
"""A flat tree of tree-symmetric: a CPU keeps less than a batch, of either sign."""

STRUCT = """
struct percpu_counter_tree_level_item {
	atomic_long_t count;
};
struct percpu_counter_tree {
	long __percpu *level0;
	atomic_long_t root;
	unsigned long batch;
};
static inline long percpu_counter_tree_approximate_sum(struct percpu_counter_tree *counter)
{
	return atomic_long_read(&counter->root);
}
"""
PARAMETERS = (
    "module_param(arity, charp, 0444);",
    "core_param_cb(arity, &arity_ops, &arity, 0444);\nmodule_param_named(arity, arity, charp, 0);",
    '__setup("percpu_counter_tree.arity=", arity_setup);',
    'early_param("percpu_counter_tree.arity", arity_setup);',
)


@pytest.fixture
def tree_at_boot(tmp_path):
    """Write a tree that sets its shape at boot, by a parameter, with more code in fork.c."""

    def write(parameter, fork=""):
        files = {**TREES["tree"], LIB: FLAT % parameter, HEADER: STRUCT}
        files["kernel/fork.c"] += fork
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return str(tmp_path)

    return write


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_tree_with_a_shape_at_boot_is_recognised(tree_at_boot, parameter):
    assert read_kernel_source(tree_at_boot(parameter)).constants.design == "tree-symmetric"


def test_a_tree_that_is_activated_later_is_recognised(tree_at_boot):
    activate = (
        "void a(struct mm_struct *mm)\n{\n\tpercpu_counter_tree_activate_many(mm->rss_stat);\n}"
    )
    found = read_kernel_source(tree_at_boot(PARAMETERS[0], activate)).constants

    assert found.design == "lazy-tree"


def test_functions_with_a_shape_at_boot_reach_the_assumed_bound(tree_at_boot):
    """8 CPUs, a flat shape: each keeps up to 31 pages, either way."""
    measured = measure(tree_at_boot(PARAMETERS[0]), read("core:8"), Scenario())

    assert (measured.findings, measured.design) == ((), "tree-symmetric")
    assert {one.error for one in measured.reached if one.road != "random"} == {8 * 31}
    assert measured.small[-1].complete
