"""Small trees with split counting as older releases have it; names are the kernel's.

The wording is that of this project, as in counter_trees. Each release is that after it, with what
had not come yet taken out.

5.4     no tracepoint; the table of the OOM killer is printed by dump_task
4.19    the table is printed by dump_tasks, in a loop over processes
4.14    status is printed by one seq_printf
4.4     three counters: shared memory is counted as file, and status has no parts of RSS
3.10    no fault-around; loops that end in while_each_thread
3.2     the cheap read and the sync are functions of mm/memory.c; the OOM score is added up in steps
"""
# ruff: noqa: E101 - C is indented with tabs and aligned with spaces

from counter_trees import SPLIT

MM, MEMORY, OOM = "include/linux/mm.h", "mm/memory.c", "mm/oom_kill.c"
TYPES, TASK_TYPES = "include/linux/mm_types.h", "include/linux/mm_types_task.h"
STATUS = "fs/proc/task_mmu.c"
EXIT = "kernel/exit.c"

NO_EVENT = """TRACE_EVENT(mm_page_free,
	TP_PROTO(struct page *page, unsigned int order),
	TP_ARGS(page, order)
);
"""
DUMP_TASK = """
static int dump_task(struct task_struct *p, void *arg)
{
	pr_info("%d %lu %lu\\n", p->pid, get_mm_rss(p->mm), get_mm_counter(p->mm, MM_SWAPENTS));
	return 0;
}
"""
DUMP_TASKS = """
static void dump_tasks(struct mem_cgroup *memcg, const nodemask_t *mask)
{
	struct task_struct *p;
	struct task_struct *t;

	for_each_process(p) {
		if (is_not_shown(p, memcg, mask))
			continue;
		t = find_lock_task_mm(p);
		pr_info("%d %lu %lu\\n", t->pid, get_mm_rss(t->mm), get_mm_counter(t->mm, MM_SWAPENTS));
		task_unlock(t);
	}
}
"""
OF_FOUR = """
void task_mem(struct seq_file *m, struct mm_struct *mm)
{
	unsigned long anon = get_mm_counter(mm, MM_ANONPAGES);
	unsigned long file = get_mm_counter(mm, MM_FILEPAGES);
	unsigned long shmem = get_mm_counter(mm, MM_SHMEMPAGES);
	unsigned long tables = PTRS_PER_PTE * sizeof(pte_t) * atomic_long_read(&mm->nr_ptes);

	seq_printf(m,
		"100%% of VmPTE:\\t%8lu kB\\n"
		"VmRSS:\\t%8lu kB\\n"
		"RssAnon:\\t%8lu kB\\n"
		"RssFile:\\t%8lu kB\\n"
		"RssShmem:\\t%8lu kB\\n"
		"VmSwap:\\t%8lu kB\\n",
		tables >> 10,
		(anon + file + shmem) << (PAGE_SHIFT - 10),
		anon << (PAGE_SHIFT - 10),
		file << (PAGE_SHIFT - 10),
		shmem << (PAGE_SHIFT - 10),
		get_mm_counter(mm, MM_SWAPENTS) << (PAGE_SHIFT - 10));
}
"""
OF_THREE = """
void task_mem(struct seq_file *m, struct mm_struct *mm)
{
	unsigned long swap = get_mm_counter(mm, MM_SWAPENTS);

	seq_printf(m,
		"VmRSS:\\t%8lu kB\\n"
		"VmSwap:\\t%8lu kB\\n",
		get_mm_rss(mm) << (PAGE_SHIFT - 10),
		swap << (PAGE_SHIFT - 10));
}
unsigned long task_statm(struct mm_struct *mm, unsigned long *shared, unsigned long *text,
			 unsigned long *data, unsigned long *resident)
{
	*shared = get_mm_counter(mm, MM_FILEPAGES);
	*resident = *shared + get_mm_counter(mm, MM_ANONPAGES);
	return 0;
}
"""
RSS_OF_THREE = """
static inline unsigned long get_mm_rss(struct mm_struct *mm)
{
	return get_mm_counter(mm, MM_FILEPAGES) + get_mm_counter(mm, MM_ANONPAGES);
}
"""
OLD_LOOP = """
static void find_other_owner(struct mm_struct *mm)
{
	struct task_struct *g, *t;

	do_each_thread(g, t) {
		if (t->mm == mm)
			goto found;
	} while_each_thread(g, t);
	return;
found:
	mm->owner = t;
}
static void exit_mm(struct mm_struct *mm)
{
	sync_mm_rss(mm);
}
"""
READ = """
unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	long held = atomic_long_read(&mm->rss_stat.count[member]);

	return held < 0 ? 0 : held;
}
"""
STEPS = """
unsigned int oom_badness(struct task_struct *p, unsigned long totalpages)
{
	long points;

	points = get_mm_rss(p->mm) + p->mm->nr_ptes;
	points += get_mm_counter(p->mm, MM_SWAPENTS);
	points *= 1000;
	return points / totalpages;
}
"""


def release(text):
    version, patchlevel = text.split(".")
    return f"VERSION = {version}\nPATCHLEVEL = {patchlevel}\nSUBLEVEL = 0\nEXTRAVERSION =\n"


def cut(text, first, last):
    """Leave out the part of a text from the first to the last of two strings."""
    start = text.index(first)
    return text[:start] + text[text.index(last, start) + len(last) :]


def function(text, head):
    """Leave out a function."""
    return cut(text, head, "\n}\n")


def swapped(text, before, after):
    assert before in text
    return text.replace(before, after)


def _trees():
    tree = {**SPLIT, "include/trace/events/kmem.h": NO_EVENT}
    yield "5.4", {**tree, OOM: tree[OOM] + DUMP_TASK}
    tree |= {OOM: tree[OOM] + DUMP_TASKS}
    yield "4.19", tree
    status = function(tree[STATUS], "void task_mem(")
    types = swapped(tree[TYPES], "long pad;", "long pad;\n\t\tatomic_long_t nr_ptes;")
    tree |= {STATUS: OF_FOUR + status, TYPES: types}
    yield "4.14", tree
    counters = swapped(tree.pop(TASK_TYPES), "\tMM_SHMEMPAGES,\n", "")
    tree |= {
        STATUS: OF_THREE,
        TYPES: counters + tree[TYPES],
        MM: function(tree[MM], "static inline unsigned long get_mm_rss(") + RSS_OF_THREE,
    }
    yield "4.4", tree
    around = "static unsigned long fault_around_bytes"
    tree |= {EXIT: OLD_LOOP, MEMORY: cut(tree[MEMORY], around, ";\n")}
    yield "3.10", tree
    memory = swapped(
        tree[MEMORY],
        "void sync_mm_rss(struct mm_struct *mm)",
        "static void __sync_task_rss_stat(struct task_struct *task, struct mm_struct *mm)",
    )
    memory = swapped(memory, "sync_mm_rss(task->mm)", "__sync_task_rss_stat(task, task->mm)")
    whole = "void sync_mm_rss(struct task_struct *task, struct mm_struct *mm)\n{\n"
    memory += READ + whole + "\t__sync_task_rss_stat(task, mm);\n}\n"
    read = "static inline unsigned long get_mm_counter("
    declared = "unsigned long get_mm_counter(struct mm_struct *mm, int member);\n"
    tree |= {
        MEMORY: memory,
        EXIT: swapped(OLD_LOOP, "sync_mm_rss(mm)", "sync_mm_rss(current, mm)"),
        MM: declared + function(tree[MM], read),
        TYPES: swapped(tree[TYPES], "atomic_long_t nr_ptes", "unsigned long nr_ptes"),
        OOM: STEPS + DUMP_TASKS,
    }
    yield "3.2", tree


OLD_TREES = {
    number: {**files, "Makefile": release(number)}
    for number, files in ((number, dict(files)) for number, files in _trees())
}
"""Release -> the files of a tree of its shape."""
