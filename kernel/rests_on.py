"""What each design's bound rests on in the kernel, and why: functions, tables, writers, callers.

In the order in which an update goes: from the place that asks for it to the cache, from there to
the counter, and from the counter to each reader.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from rssbound.bounds.counter.rests import (
    CALLERS,
    CONSTANT,
    FORMULA,
    FUNCTION,
    MACRO,
    PATH,
    READER,
    STRUCT,
    TABLE,
    USERS,
    WRITERS,
    Rest,
)

__all__ = ("RESTS_ON", "rest_of")

MM = ("include/linux/mm.h", "include/linux/sched.h")
MM_TYPES = ("include/linux/mm_types.h", "include/linux/mm_types_task.h")
MEMORY = ("mm/memory.c",)
PERCPU = ("lib/percpu_counter.c", "include/linux/percpu_counter.h")
TREE = ("lib/percpu_counter_tree.c", "include/linux/percpu_counter_tree.h")

UPDATES = (
    Rest("add_mm_counter", FUNCTION, MM, "All updates of RSS but the cached ones go through it."),
    Rest("inc_mm_counter", FUNCTION, MM, "It adds one page to the counter that it is given."),
    Rest("dec_mm_counter", FUNCTION, MM, "It takes one page off the counter that it is given."),
    Rest("mm_trace_rss_stat", FUNCTION, MEMORY, "It runs after each update and changes nothing."),
    Rest("init_rss_vec", FUNCTION, MEMORY, "What a zap or a fork gathers starts at nothing."),
    Rest("add_mm_rss_vec", FUNCTION, MEMORY, "It adds what a zap or a fork has gathered."),
    Rest("mm_counter", FUNCTION, MM, "Which counter a page is counted in."),
    Rest("mm_counter_file", FUNCTION, MM, "Which counter a page of a file is counted in."),
)

READERS = (
    Rest("get_mm_counter", FUNCTION, MM, "The cheap read, whose error is the bound."),
    Rest("get_mm_counter_sum", FUNCTION, MM, "The precise read, which adds all caches up."),
    Rest("get_mm_rss", FUNCTION, MM, "The bound of RSS is that of the counters that it adds."),
    Rest("get_mm_rss_sum", FUNCTION, MM, "As get_mm_rss, of precise reads."),
    Rest("get_mm_hiwater_rss", FUNCTION, MM, "The peak that ru_maxrss shows, of cheap reads."),
    Rest("update_hiwater_rss", FUNCTION, MM, "It keeps the peak of cheap reads."),
    Rest("setmax_mm_hiwater_rss", FUNCTION, MM, "It takes the peak over into ru_maxrss."),
    Rest("task_mem", READER, ("fs/proc/task_mmu.c",), "What VmRSS and its kin in status add."),
    Rest("task_statm", READER, ("fs/proc/task_mmu.c",), "What the fields of statm add."),
    Rest("do_task_stat", READER, ("fs/proc/array.c",), "What field 24 of stat shows."),
    Rest("proc_pid_status", READER, ("fs/proc/array.c",), "It prints what task_mem adds."),
    Rest("proc_pid_statm", READER, ("fs/proc/array.c",), "It prints what task_statm adds."),
    Rest("proc_oom_score", READER, ("fs/proc/base.c",), "It prints what oom_badness adds."),
    Rest("getrusage", READER, ("kernel/sys.c",), "Where ru_maxrss comes from."),
    Rest("k_getrusage", READER, ("kernel/sys.c",), "Where ru_maxrss came from before 2.6.32."),
    Rest("xacct_add_tsk", READER, ("kernel/tsacct.c",), "What taskstats shows of the peak."),
    Rest("oom_badness", READER, ("mm/oom_kill.c",), "What the OOM killer compares."),
    Rest("badness", READER, ("mm/oom_kill.c",), "What the OOM killer compared before 2.6.36."),
    Rest("dump_task*", READER, ("mm/oom_kill.c",), "What the OOM killer's table shows."),
)

COUNTERS = (
    Rest("rss_stat", USERS, (), "Whoever else has the counters may change them another way."),
)

FAULT_AROUND = (
    Rest(
        "fault_around_bytes",
        CONSTANT,
        MEMORY,
        "One fault maps as many pages of a file as fit in this window.",
    ),
    Rest("fault_around_bytes", WRITERS, MEMORY, "The window is at most what its writers allow."),
    Rest("fault_around_pages", WRITERS, MEMORY, "The window is at most what its writers allow."),
    Rest("fault_around_*_set", FUNCTION, MEMORY, "It keeps the window within a page table."),
    Rest("do_fault_around", FUNCTION, MEMORY, "It keeps what one fault maps within the window."),
    Rest("should_fault_around", FUNCTION, MEMORY, "It tells when a fault maps the window."),
    Rest("filemap_map_pages", PATH, ("mm/filemap.c",), "It maps each page of the window once."),
    Rest("filemap_map_*range", PATH, ("mm/filemap.c",), "It maps each page of the window once."),
)

SHARED = (
    *(
        Rest(name, MACRO, MM, why)
        for name, why in (
            ("add_mm_counter", "An update goes to the one counter at once."),
            ("inc_mm_counter", "An update goes to the one counter at once."),
            ("dec_mm_counter", "An update goes to the one counter at once."),
            ("set_mm_counter", "A counter starts at what it is set to."),
            ("get_mm_counter", "A read is the one counter, so it has no error."),
            ("get_mm_rss", "RSS is the sum of the two counters."),
        )
    ),
    Rest("add_mm_rss", FUNCTION, MEMORY, "It adds what a zap or a fork has gathered."),
    Rest("mm_init", PATH, ("kernel/fork.c",), "The counters of a process start at nothing."),
    Rest("mm_counter_t", USERS, MM_TYPES, "The type tells whether updates are atomic."),
    Rest("_file_rss", USERS, (), "Whoever else has the counter may cache updates of it."),
    Rest("_anon_rss", USERS, (), "Whoever else has the counter may cache updates of it."),
    *UPDATES,
    *READERS,
    *COUNTERS,
)

PER_THREAD = (
    Rest(
        "add_mm_counter_fast",
        FUNCTION,
        MEMORY,
        "It caches an update in the thread, and only for the thread's own process.",
    ),
    *(
        Rest(name, MACRO, MEMORY, "One call of it caches one page.")
        for name in ("inc_mm_counter_fast", "dec_mm_counter_fast")
    ),
    Rest(
        "check_sync_rss_stat",
        FUNCTION,
        MEMORY,
        "It flushes at the fault after TASK_RSS_EVENTS_THRESH + 1 others.",
    ),
    Rest("sync_mm_rss", FUNCTION, MEMORY, "It flushes all counters and starts to count anew."),
    Rest(
        "TASK_RSS_EVENTS_THRESH",
        CONSTANT,
        MEMORY,
        "Faults between two flushes, which the bound is a multiple of.",
    ),
    Rest("SPLIT_RSS_COUNTING", MACRO, (), "Whether threads cache at all."),
    Rest("task_rss_stat", STRUCT, MM_TYPES, "What a thread caches, and in which type."),
    Rest("mm_rss_stat", STRUCT, MM_TYPES, "The counters are atomic, so none loses an update."),
    Rest(
        "handle_mm_fault",
        PATH,
        MEMORY,
        "Every fault counts as one event before it caches anything.",
    ),
    Rest("do_set_pte", PATH, MEMORY, "Mapping a page of a file caches one page."),
    Rest("alloc_set_pte", PATH, MEMORY, "Mapping a page of a file caches one page."),
    Rest("finish_fault", PATH, MEMORY, "A fault without fault-around maps one page."),
    *FAULT_AROUND,
    *(
        Rest(name, CALLERS, (), "A fault caches at most as much as its callers hand over.")
        for name in (
            *("add_mm_counter_fast", "inc_mm_counter_fast", "dec_mm_counter_fast"),
            *("do_set_pte", "alloc_set_pte"),
        )
    ),
    Rest("check_sync_rss_stat", CALLERS, (), "Who else counts an event moves the flush."),
    Rest("sync_mm_rss", CALLERS, (), "A thread that leaves its process must have flushed."),
    *UPDATES,
    *READERS,
    *COUNTERS,
)

PERCPU_COUNTER = (
    *(
        Rest(name, FUNCTION, PERCPU, "It hands on percpu_counter_batch and the amount as they are.")
        for name in ("percpu_counter_add", "percpu_counter_sub")
    ),
    *(
        Rest(name, FUNCTION, PERCPU, "It is an update of one page.")
        for name in ("percpu_counter_inc", "percpu_counter_dec")
    ),
    Rest(
        "*percpu_counter_add_batch",
        FUNCTION,
        PERCPU,
        "A CPU keeps back at most the batch less one, either way.",
    ),
    Rest(
        "percpu_counter_add_local*",
        FUNCTION,
        PERCPU,
        "A CPU keeps back at most the batch that it is given, less one.",
    ),
    Rest("percpu_counter_sync", FUNCTION, PERCPU, "It moves what a CPU keeps back to the counter."),
    Rest("percpu_counter_set", FUNCTION, PERCPU, "It empties the caches of all CPUs."),
    Rest("percpu_counter", STRUCT, PERCPU, "What a CPU caches, and in which type."),
    Rest("compute_batch_value", FORMULA, PERCPU, "The batch, by the number of online CPUs."),
    Rest("percpu_counter_batch", WRITERS, (), "The batch is what compute_batch_value says."),
    Rest(
        "percpu_counter_cpu_dead",
        FUNCTION,
        PERCPU,
        "A CPU that goes offline leaves nothing behind.",
    ),
    Rest("percpu_counter_hotcpu_callback", FUNCTION, PERCPU, "As percpu_counter_cpu_dead."),
    Rest("percpu_counter_startup", FUNCTION, PERCPU, "The batch follows the online CPUs."),
    Rest("percpu_counter_init*", MACRO, PERCPU, "Counters start with empty caches."),
    Rest("*percpu_counter_init*", FUNCTION, PERCPU, "Counters start with empty caches."),
    Rest("*percpu_counter_read*", FUNCTION, PERCPU, "The cheap read lacks just the caches."),
    Rest("*percpu_counter_sum*", FUNCTION, PERCPU, "The precise read adds every cache there is."),
    Rest("percpu_counter_add_batch", CALLERS, (), "A caller may bring a batch of its own."),
    Rest("percpu_counter_sync", CALLERS, (), "Flushes that there are."),
    Rest("mm_init", READER, ("kernel/fork.c",), "The counters of a process are made in it."),
)

OVER_PERCPU = (*UPDATES, *READERS, *COUNTERS)

DUAL_MODE = (
    Rest(
        "percpu_counter_switch_to_pcpu_many",
        FUNCTION,
        PERCPU,
        "There is no way back once the counter has caches.",
    ),
    *(
        Rest(name, FUNCTION, PERCPU, "Without caches an update is exact, and so is a read.")
        for name in ("percpu_counter_initialized", "percpu_counter_atomic_*")
    ),
    Rest(
        "percpu_counter_switch_to_pcpu_many",
        CALLERS,
        (),
        "A process is exact until its first second thread, which calls it.",
    ),
    Rest("mm_counter_switch_to_pcpu_many", FUNCTION, MM, "It switches all counters of a process."),
    Rest(
        "mm_counter_switch_to_pcpu_many",
        CALLERS,
        (),
        "A process is exact until its first second thread, which calls it.",
    ),
    *PERCPU_COUNTER,
    *OVER_PERCPU,
)

PER_NODE = (
    Rest(
        "__mm_update_numa_counter",
        FUNCTION,
        MM,
        "A node keeps back at most the batch less one, either way.",
    ),
    Rest("_MM_NUMA_COUNTERS_BATCH", MACRO, MM_TYPES, "The bound is a multiple of the batch."),
    Rest("_MM_NUMA_COUNTERS", MACRO, MM_TYPES, "How many nodes have a cache of their own."),
    Rest("mm_pernuma_counter", STRUCT, MM_TYPES, "What a node caches, and in which type."),
    Rest("get_mm_counter_slow", FUNCTION, MM, "The precise read adds every node's cache."),
    Rest("__mm_update_numa_counter", CALLERS, (), "Who else updates a node's cache."),
    Rest("mm_init", READER, ("kernel/fork.c",), "The counters of a process are made in it."),
    *UPDATES,
    *READERS,
    *COUNTERS,
)

COUNTER_TREE = (
    Rest(
        "percpu_counter_tree_add",
        FUNCTION,
        TREE,
        "A CPU keeps back its value modulo the batch, and hands the rest on.",
    ),
    Rest(
        "percpu_counter_tree_carry",
        FUNCTION,
        TREE,
        "What is handed on is a multiple of the modulus, rounded towards minus infinity.",
    ),
    Rest(
        "percpu_counter_tree_add_slowpath",
        FUNCTION,
        TREE,
        "Each level keeps back its value modulo the modulus of the level.",
    ),
    Rest(
        "*percpu_counter_tree_init*",
        FUNCTION,
        TREE,
        "The mask of level 0 is the batch, and the caches start empty.",
    ),
    Rest(
        "percpu_counter_tree_subsystem_init",
        FUNCTION,
        TREE,
        "The order and the row of the table follow nr_cpu_ids.",
    ),
    Rest("*approximate_sum*", FUNCTION, TREE, "The cheap read is the root and the bias."),
    Rest("*precise_sum*", FUNCTION, TREE, "The precise read adds what every CPU has counted."),
    Rest("percpu_counter_tree*", STRUCT, TREE, "What a level caches, and in which type."),
    Rest("counter_config", STRUCT, TREE, "The types that the table's numbers must fit in."),
    Rest("per_nr_cpu_order_config", TABLE, TREE, "The fan-ins, which the bound is computed of."),
    Rest("MAX_NR_LEVELS", CONSTANT, TREE, "The most levels that a row of the table can have."),
    Rest("per_nr_cpu_order_config", USERS, TREE, "The row that is taken is that of the order."),
    Rest("counter_config", WRITERS, TREE, "The row that is taken stays what it is."),
    Rest("nr_cpus_order", WRITERS, TREE, "The order is that of nr_cpu_ids and stays so."),
    Rest("bias", WRITERS, TREE, "The cheap read is off by the bias, if it has one."),
    Rest("level0_bit_mask", WRITERS, TREE, "The mask of level 0 is the batch and stays so."),
    Rest("RSS_STAT_BATCH_SIZE", CONSTANT, (), "The batch, which the bound is computed of."),
    Rest("RSS_STAT_BATCH_SIZE", USERS, (), "The counters of a process are made with the batch."),
    Rest("*", FUNCTION, TREE, "All else that works on the counter."),
    Rest("mm_init", READER, ("kernel/fork.c",), "The counters of a process are made in it."),
    Rest(
        "add_mm_counter",
        CALLERS,
        (),
        "In flight, an updater is off by the amount that it hands over, rounded up.",
    ),
    *UPDATES,
    *READERS,
    *COUNTERS,
)

RESTS_ON: dict[str, tuple[Rest, ...]] = {
    "shared": SHARED,
    "per-thread": PER_THREAD,
    "percpu": (*PERCPU_COUNTER, *OVER_PERCPU),
    "dual-mode": DUAL_MODE,
    "per-node": PER_NODE,
    "tree-binary": COUNTER_TREE,
    "tree": COUNTER_TREE,
    "tree-centred": COUNTER_TREE,
    "tree-aligned": COUNTER_TREE,
}
"""Design id -> what its bound rests on."""


def rest_of(design: str, kind: str, name: str) -> Rest | None:
    """Give the first entry of a design's list that a name of a kind belongs to."""
    found = (rest for rest in RESTS_ON.get(design, ()) if rest.kind == kind)
    return next((rest for rest in found if fnmatchcase(name, rest.name)), None)
