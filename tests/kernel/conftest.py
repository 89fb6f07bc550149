"""Small source trees, one for each era, written here; names and numbers are the kernel's.

`source_tree` has just what constants are read from; `whole_tree` copies one of trees/, which
has every function on the way from a fault to a counter and from there to its readers too.
"""

import functools
import shutil
import sys
from pathlib import Path

import pytest
from counter_trees import TYPES

sys.path.append(
    str(Path(__file__).parent)
)  # tests are not a package; these modules are for the tests of kernel/

TREES = Path(__file__).parent / "trees"
BASES = {"dual-mode": "percpu", "per-node": "percpu", "tree": "percpu", "tree-binary": "tree"}
"""A folder of trees/ has only the files that differ from the tree of another era."""

READ = """
void task_mem(struct seq_file *m, struct mm_struct *mm)
{
	unsigned long anon = %(read)s(mm, MM_ANONPAGES);
	show(m, anon);
}
unsigned long task_statm(struct mm_struct *mm, unsigned long *shared)
{
	*shared = %(read)s(mm, MM_FILEPAGES);
	return *shared + %(read)s(mm, MM_ANONPAGES);
}
"""
STAT = "static int do_task_stat(struct mm_struct *mm)\n{\n\treturn mm ? get_mm_rss(mm) : 0;\n}\n"
OOM = """
long oom_badness(struct task_struct *p, unsigned long total)
{
	return %(rss)s(p->mm) + %(read)s(p->mm, MM_SWAPENTS);
}
static int dump_task(struct task_struct *p, void *arg)
{
	return %(rss)s(p->mm);
}
"""
UPDATES = """
static inline void add_mm_counter(struct mm_struct *mm, int member, long value)
{
	percpu_counter_add(&mm->rss_stat[member], value);
}
static inline void inc_mm_counter(struct mm_struct *mm, int member)
{
	percpu_counter_inc(&mm->rss_stat[member]);
}
"""
THRESHOLD = """
static void check_sync_rss_stat(struct task_struct *task)
{
	if (unlikely(task->rss_stat.events++ > TASK_RSS_EVENTS_THRESH))
		sync_mm_rss(task->mm);
}
"""
FORK = """#define RSS_STAT_BATCH_SIZE	32
static struct mm_struct *mm_init(struct mm_struct *mm)
{
	if (percpu_counter_tree_init_many(mm->rss_stat, items, NR_MM_COUNTERS, RSS_STAT_BATCH_SIZE, 0))
		return 0;
	return mm;
}
"""
PERCPU_BATCH = """
static int compute_batch_value(unsigned int cpu)
{
	int nr = num_online_cpus();

	percpu_counter_batch = max(32, nr*2);
	return 0;
}
"""
TABLE = """
#define MAX_NR_LEVELS 5
static const struct counter_config per_nr_cpu_order_config[] = {
	[0] =	{ .nr_items = 0,	.nr_levels = 0,	.n_arity_order = { 0 } },
	[1] =	{ .nr_items = 1,	.nr_levels = 1,	.n_arity_order = { 1 } },
	[2] =	{ .nr_items = 3,	.nr_levels = 2,	.n_arity_order = { 1, 1 } },
	[3] =	{ .nr_items = 7,	.nr_levels = 3,	.n_arity_order = { 1, 1, 1 } },
	[4] =	{ .nr_items = 7,	.nr_levels = 3,	.n_arity_order = { 2, 1, 1 } },
};
"""


def struct(member):
    return f"struct mm_struct {{\n\tstruct {{\n\t\tlong pad;\n\t\t{member}\n\t}} randomized;\n}};\n"


APPROXIMATE = {"read": "get_mm_counter", "rss": "get_mm_rss"}
PRECISE = {"read": "get_mm_counter_sum", "rss": "get_mm_rss_sum"}

ERAS = {
    "per-thread": {
        "include/linux/mm_types.h": struct("struct mm_rss_stat rss_stat;"),
        "mm/memory.c": (
            "#define TASK_RSS_EVENTS_THRESH\t(64)\n"
            "static unsigned long fault_around_bytes __read_mostly =\n"
            "\trounddown_pow_of_two(65536);\n" + THRESHOLD
        ),
        "lib/percpu_counter.c": PERCPU_BATCH,
        "fs/proc/task_mmu.c": READ % APPROXIMATE,
        "fs/proc/array.c": STAT,
        "mm/oom_kill.c": OOM % APPROXIMATE,
    },
    "percpu": {
        "include/linux/mm_types.h": struct("struct percpu_counter rss_stat[NR_MM_COUNTERS];"),
        "include/linux/mm.h": UPDATES,
        "mm/memory.c": (
            "static unsigned long fault_around_pages __read_mostly =\n\t65536 >> PAGE_SHIFT;\n"
        ),
        "lib/percpu_counter.c": PERCPU_BATCH,
        "fs/proc/task_mmu.c": READ % PRECISE,
        "fs/proc/array.c": STAT,
        "mm/oom_kill.c": OOM % APPROXIMATE,
    },
    "tree": {
        "include/linux/mm_types.h": struct("struct percpu_counter_tree rss_stat[NR_MM_COUNTERS];"),
        "lib/percpu_counter.c": PERCPU_BATCH,
        "lib/percpu_counter_tree.c": TABLE,
        "kernel/fork.c": FORK,
        "fs/proc/task_mmu.c": READ % PRECISE,
        "fs/proc/array.c": STAT,
        "mm/oom_kill.c": OOM % PRECISE,
    },
}


@pytest.fixture
def source_tree(tmp_path):
    """Write the tree of an era, with some files replaced, added, or left out (None)."""

    def write(era, changes=None, name="linux"):
        folder = tmp_path / name
        usual = {"include/linux/mm_types_task.h": TYPES}
        for path, text in {**usual, **ERAS[era], **(changes or {})}.items():
            if text is not None:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
        return str(folder)

    return write


@pytest.fixture
def table():
    """Give the text of the tree's table for an edit."""
    return TABLE


def laid(era, folder):
    """Write the tree of an era: its base first, then its own files; gives the folder."""
    if era in BASES:
        laid(BASES[era], folder)
    return shutil.copytree(TREES / era, folder, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def unedited(tmp_path_factory):
    """Give the folder with the unchanged tree of an era, written once."""
    trees = tmp_path_factory.mktemp("trees")
    return functools.cache(lambda era: laid(era, trees / era))


@pytest.fixture
def whole_tree(tmp_path):
    """Copy the tree of an era, with some files replaced, added, or left out (None)."""

    def write(era, changes=None, name="whole"):
        folder = laid(era, tmp_path / name)
        for path, text in (changes or {}).items():
            (folder / path).unlink(missing_ok=True)
            if text is not None:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
        return folder

    return write
