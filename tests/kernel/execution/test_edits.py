"""Edits of a tree that move a bound or a reader are found, with numbers; others are not."""

import pytest
from edits import sampled

from rssbound.bounds import Scenario
from rssbound.kernel.execution.measurement import measure
from rssbound.topology import read

ADD = "lib/percpu_counter.c"
TREE = "lib/percpu_counter_tree.c"
MM = "include/linux/mm.h"
FORK = "kernel/fork.c"
FAULT = "mm/memory.c"
TASK_MMU = "fs/proc/task_mmu.c"
NOT_AT_BATCH = (
    "if (unlikely(abs(held + amount) >= batch))",
    "if (unlikely(abs(held + amount) > batch))",
)
ONE_SIDE = ("if (unlikely(abs(held + amount) >= batch))", "if (unlikely(held + amount >= batch))")

WRONG = {
    "percpu: > for >=": ("percpu", ADD, *NOT_AT_BATCH),
    "percpu: one side only": ("percpu", ADD, *ONE_SIDE),
    "percpu: batch scaled where it is used": (
        "percpu",
        ADD,
        "held + amount) >= batch",
        "held + amount) >= 2 * batch",
    ),
    "percpu: early return": (
        "percpu",
        ADD,
        "	do {",
        "	if (amount == 1) { this_cpu_add(*fbc->counters, amount); return; }\n	do {",
    ),
    "percpu: the cache is not emptied": (
        "percpu",
        ADD,
        "__this_cpu_sub(*fbc->counters, held);",
        "__this_cpu_sub(*fbc->counters, held / 2);",
    ),
    "percpu: batch given by a helper": (
        "percpu",
        "include/linux/percpu_counter.h",
        "percpu_counter_add_batch(fbc, amount, percpu_counter_batch);",
        "percpu_counter_add_batch(fbc, amount, max(percpu_counter_batch, 512));",
    ),
    "percpu: batch changed after it is set": (
        "percpu",
        ADD,
        "percpu_counter_batch = max(32, nr*2);",
        "percpu_counter_batch = max(32, nr*2);\n	percpu_counter_batch += nr;",
    ),
    "percpu: a macro redefined": (
        "percpu",
        ADD,
        "int percpu_counter_batch",
        "#undef abs\n#define abs(x) ((x) / 2)\nint percpu_counter_batch",
    ),
    "percpu: an offline CPU is not folded": ("percpu", ADD, "		fbc->count += *held;\n", ""),
    "percpu: an offline CPU is folded only if it has added pages": (
        "percpu",
        ADD,
        "		fbc->count += *held;\n		*held = 0;\n",
        (
            "		if (*held > 0) {\n"
            "			fbc->count += *held;\n"
            "			*held = 0;\n"
            "		}\n"
        ),
    ),
    "percpu: no callback for offline CPUs": (
        "percpu",
        ADD,
        "NULL,\n					percpu_counter_cpu_dead",
        "NULL,\n					NULL",
    ),
    "percpu: the sum skips a CPU": (
        "percpu",
        ADD,
        "		sum += *held;",
        "		if (cpu)\n			sum += *held;",
    ),
    "percpu: an update by a step of the local CPU that races": (
        "percpu",
        ADD,
        "while (!this_cpu_try_cmpxchg(*fbc->counters, &held, held + amount));",
        "while (0);\n	__this_cpu_write(*fbc->counters, held + amount);",
    ),
    "percpu: a fourth counter in get_mm_rss": (
        "percpu",
        MM,
        "	       get_mm_counter(mm, MM_SHMEMPAGES);",
        "	       get_mm_counter(mm, MM_SHMEMPAGES) + get_mm_counter(mm, MM_SWAPENTS);",
    ),
    "percpu: a factor in statm": (
        "percpu",
        TASK_MMU,
        "*resident = *shared +",
        "*resident = 2 * *shared +",
    ),
    "percpu: a precise reader made approximate by its helper": (
        "percpu",
        MM,
        "return percpu_counter_sum_positive(&mm->rss_stat[member]);",
        "return percpu_counter_read_positive(&mm->rss_stat[member]);",
    ),
    "percpu: single pages by another way": (
        "percpu",
        MM,
        "	percpu_counter_add(&mm->rss_stat[member], 1);",
        "	percpu_counter_add_batch(&mm->rss_stat[member], 1, INT_MAX);",
    ),
    "percpu: a local pointer and a batch of its own": (
        "percpu",
        MM,
        "	percpu_counter_add(&mm->rss_stat[member], value);",
        "	int *own = &member;\n	percpu_counter_add_batch(&mm->rss_stat[*own], value, 999);",
    ),
    "tree: the batch at init": (
        "tree",
        FORK,
        "NR_MM_COUNTERS, RSS_STAT_BATCH_SIZE,",
        "NR_MM_COUNTERS, 2 * RSS_STAT_BATCH_SIZE,",
    ),
    "tree: the batch in init": (
        "tree",
        TREE,
        "counter->mask = 1UL << get_count_order(batch);",
        "counter->mask = 1UL << get_count_order(batch + 1);",
    ),
    "tree: the carry rule": ("tree", TREE, "			inc -= mask;", "			inc += mask;"),
    "tree: a level skipped": (
        "tree",
        TREE,
        "for (level = 1; level < levels; level++)",
        "for (level = 1; level < levels - 1; level++)",
    ),
    "tree: items grouped otherwise": (
        "tree",
        TREE,
        "&item[cpu & (items - 1)]",
        "&item[(cpu >> 2) & (items - 1)]",
    ),
    "tree: the order chosen otherwise": (
        "tree",
        TREE,
        "nr_cpus_order = get_count_order(nr_cpu_ids);",
        "nr_cpus_order = get_count_order(nr_cpu_ids) + 1;",
    ),
    "tree: mask of the levels": (
        "tree",
        TREE,
        "		mask <<= order;",
        "		mask <<= order + 1;",
    ),
    "tree: small updates return early": (
        "tree",
        TREE,
        "	if (likely(!inc) || !mask)",
        "	if (likely(!inc) || !mask || inc < 0)",
    ),
    "split: >= for >": (
        "per-thread",
        FAULT,
        "rss_stat.events++ > TASK",
        "rss_stat.events++ >= TASK",
    ),
    "split: threshold scaled where it is used": (
        "per-thread",
        FAULT,
        "> TASK_RSS_EVENTS_THRESH))",
        "> 2 * TASK_RSS_EVENTS_THRESH))",
    ),
    "split: the hand-over is conditional": (
        "per-thread",
        FAULT,
        "		sync_mm_rss(task->mm);",
        "		if (task->prio)\n			sync_mm_rss(task->mm);",
    ),
    "split: the call is removed": ("per-thread", FAULT, "	check_sync_rss_stat(current);\n", ""),
    "split: one counter skipped": ("per-thread", FAULT, "for (i = 0; i < NR", "for (i = 1; i < NR"),
    "split: the last counter skipped": (
        "per-thread",
        FAULT,
        "i < NR_MM_COUNTERS; i++",
        "i < NR_MM_COUNTERS - 1; i++",
    ),
    "split: events reset otherwise": (
        "per-thread",
        FAULT,
        "	current->rss_stat.events = 0;",
        "	current->rss_stat.events = -8;",
    ),
    "split: a page counts twice": (
        "per-thread",
        FAULT,
        "add_mm_counter_fast(mm, member, 1)",
        "add_mm_counter_fast(mm, member, 2)",
    ),
    "split: a clamp removed": (
        "per-thread",
        MM,
        "	if (value < 0)\n		value = 0;",
        "	if (value < 4096)\n		value = 0;",
    ),
}
"""What -> design, file, from, to."""

RIGHT = {
    "percpu: names": ("percpu", ADD, "	s64 sum;\n	int cpu;", "	int cpu;\n	s64 sum;"),
    "percpu: likely": (
        "percpu",
        ADD,
        "if (unlikely(abs(held + amount) >= batch))",
        "if (abs(held + amount) >= batch)",
    ),
    "percpu: the condition turned": (
        "percpu",
        ADD,
        "abs(held + amount) >= batch",
        "!(batch > abs(held + amount))",
    ),
    "percpu: two comparisons": (
        "percpu",
        ADD,
        "abs(held + amount) >= batch",
        "held + amount >= batch || held + amount <= -batch",
    ),
    "percpu: a shift": ("percpu", ADD, "max(32, nr*2)", "max(32, nr << 1)"),
    "percpu: a local variable": (
        "percpu",
        ADD,
        "fbc->count += held + amount;",
        "s64 new = held + amount;\n\n			fbc->count += new;",
    ),
    "percpu: a trace": (
        "percpu",
        ADD,
        "fbc->count += held + amount;",
        "fbc->count += held + amount;\n			trace_percpu_flush(fbc);",
    ),
    "percpu: irqs instead of cmpxchg": (
        "percpu",
        ADD,
        "#ifdef CONFIG_HAVE_CMPXCHG_LOCAL",
        "#ifdef CONFIG_NO_SUCH",
    ),
    "tree: no skipping of levels": (
        "tree",
        TREE,
        "		if (abs(inc) & (mask - 1)) {",
        "		if (1) {",
    ),
    "tree: a mask for a remainder": ("tree", TREE, "cpu & (items - 1)", "cpu % items"),
    "split: likely": ("per-thread", FAULT, "if (likely(task->mm == mm))", "if (task->mm == mm)"),
    "split: pre-increment": (
        "per-thread",
        FAULT,
        "rss_stat.events++ > TASK_RSS_EVENTS_THRESH",
        "rss_stat.events++ > (64)",
    ),
}
"""The same for edits that change no value."""


def found(tree_of, edit):
    design, path, before, after = edit
    tree = tree_of(design, {path: [(before, after)]})
    return measure(tree, read("core:12"), Scenario(threads=2)).findings


@pytest.mark.parametrize("name", sampled(WRONG, 4))
def test_an_edit_that_moves_a_bound_or_a_reader_is_found(tree_of, name):
    assert found(tree_of, WRONG[name])


@pytest.mark.parametrize("name", sampled(RIGHT, 4))
def test_an_edit_that_changes_no_value_is_not(tree_of, name):
    assert found(tree_of, RIGHT[name]) == ()
