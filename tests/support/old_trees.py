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

AROUND = """
int places __read_mostly =
#ifdef CONFIG_COMPAT_PLACES
		1;
#else
		2;
#endif
__cacheline_aligned_in_smp DEFINE_SPINLOCK(places_lock);
#define in_order(first, relation, second) ((first) relation (second) ? 0 : -EINVAL)
static inline int place(struct place *at, int far)
	__releases(at->lock)
{
	spinlock_t *uninitialized_var(lock);
	int least, found;

	least = in_order(at->low, <=, at->high);
	(void) __cond_lock(*lock, !(found = place_of(at, far, &lock)));
	return found;
}
static int walk(struct place *at, unsigned long end)

{
	struct task_struct *p = current, *t = p;
	struct radix_tree_iter iter;
	void **slot;

	do {
		at->sum += t->places;
	} while_each_thread(p, t);
	while_each_thread(p, t) {
		if (t->mm == p->mm)
			at->count++;
	}
	radix_tree_for_each_slot(slot, &at->slots, &iter, at->low) {
again:
		if (iter.index > end)
			break;
		if (unlikely(!*slot))
			goto again;
	}
#ifndef __ARCH_HAS_FIVE_LEVELS
	if (!present(at)) {
		at->count++;
	} else	/* somebody was faster */
		give_back(at);
#else
	if (!present(at->up))
		at->count++;
	else	/* somebody was faster */
		give_back(at);
#endif
	if (end <= at->high) {
#ifndef CONFIG_HAVE_PLACES
		return 0;
#else
		at->high = end;
		if (at->low > end)
			return 0;
#endif
	} else {
		printk(KERN_ALERT "a place "
				  "too far: %lu\\n", end);
	}
	return at->next ?: at->last;
}
#ifdef CONFIG_PLACES
static int __init start_places(void)
{
	return 0;
}
subsys_initcall(start_places)
#else
static inline void start_places(void)
{
}
#endif
"""
"""Code of the kinds that stand between the functions of the counters in old releases."""


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
