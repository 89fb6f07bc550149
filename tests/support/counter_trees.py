"""Small source trees whose counters can be run, one for each design; names are the kernel's.

The code was written for this project, from docs/theory.md and the facts stated there.
"""
# ruff: noqa: E101 - C is indented with tabs and aligned with spaces

TASK = """
struct task_struct {
	int prio;
	struct mm_struct *mm;
	struct task_rss_stat rss_stat;
};
"""
TYPES = """
enum {
	MM_FILEPAGES,
	MM_ANONPAGES,
	MM_SWAPENTS,
	MM_SHMEMPAGES,
	NR_MM_COUNTERS
};
"""
SPLIT_TYPES = (
    TYPES
    + """
#define SPLIT_RSS_COUNTING
struct task_rss_stat {
	int events;
	int count[NR_MM_COUNTERS];
};
struct mm_rss_stat {
	atomic_long_t count[NR_MM_COUNTERS];
};
"""
)
RSS = """
static inline unsigned long get_mm_rss(struct mm_struct *mm)
{
	return get_mm_counter(mm, MM_FILEPAGES) + get_mm_counter(mm, MM_ANONPAGES) +
	       get_mm_counter(mm, MM_SHMEMPAGES);
}
"""
READERS = {
    "fs/proc/task_mmu.c": """
#define SEQ_PUT_DEC(str, val) seq_put_decimal_ull_width(m, str, (val) << (PAGE_SHIFT - 10), 8)
void task_mem(struct seq_file *m, struct mm_struct *mm)
{
	unsigned long anon, file, shmem, swap;

	anon = %(read)s(mm, MM_ANONPAGES);
	file = %(read)s(mm, MM_FILEPAGES);
	shmem = %(read)s(mm, MM_SHMEMPAGES);
	swap = %(read)s(mm, MM_SWAPENTS);
	SEQ_PUT_DEC("VmRSS:\\t", anon + file + shmem);
	SEQ_PUT_DEC(" kB\\nRssAnon:\\t", anon);
	SEQ_PUT_DEC(" kB\\nVmSwap:\\t", swap);
	seq_puts(m, " kB\\n");
}
unsigned long task_statm(struct mm_struct *mm, unsigned long *shared, unsigned long *text,
			 unsigned long *data, unsigned long *resident)
{
	*shared = %(read)s(mm, MM_FILEPAGES) + %(read)s(mm, MM_SHMEMPAGES);
	*resident = *shared + %(read)s(mm, MM_ANONPAGES);
	return 0;
}
""",
    "fs/proc/array.c": """
static int do_task_stat(struct seq_file *m, struct task_struct *task, int whole)
{
	struct mm_struct *mm = get_task_mm(task);

	seq_put_decimal_ull(m, " ", mm ? get_mm_rss(mm) : 0);
	return 0;
}
""",
    "mm/oom_kill.c": """
long oom_badness(struct task_struct *p, unsigned long totalpages)
{
	long points;

	p = find_lock_task_mm(p);
	points = get_mm_rss(p->mm) + get_mm_counter(p->mm, MM_SWAPENTS) +
		 mm_pgtables_bytes(p->mm) / PAGE_SIZE;
	return points;
}
""",
}


def readers(function):
    return {path: text % {"read": function} for path, text in READERS.items()}


def struct(*members):
    inner = "\n\t\t".join(members)
    body = f"struct {{\n\t\tlong pad;\n\t\t{inner}\n\t}} __randomize_layout;"
    return f"struct mm_struct {{\n\t{body}\n}};\n"


def updates(add):
    """Give add_mm_counter and its kin; `add` is a call with POINTER and AMOUNT in it."""

    def call(amount):
        return add.replace("POINTER", "&mm->rss_stat[member]").replace("AMOUNT", amount)

    return f"""
static inline void add_mm_counter(struct mm_struct *mm, int member, long value)
{{
	{call("value")};
	mm_trace_rss_stat(mm, member);
}}
static inline void inc_mm_counter(struct mm_struct *mm, int member)
{{
	{call("1")};
	mm_trace_rss_stat(mm, member);
}}
static inline void dec_mm_counter(struct mm_struct *mm, int member)
{{
	{call("-1")};
	mm_trace_rss_stat(mm, member);
}}
"""


MEMORY = """
static unsigned long fault_around_pages __read_mostly = 65536 >> PAGE_SHIFT;

void mm_trace_rss_stat(struct mm_struct *mm, int member)
{
	trace_rss_stat(mm, member);
}
"""

PERCPU_H = """
#ifndef _LINUX_PERCPU_COUNTER_H
#define _LINUX_PERCPU_COUNTER_H
#ifdef CONFIG_SMP
struct percpu_counter {
	raw_spinlock_t lock;
	s64 count;
#ifdef CONFIG_HOTPLUG_CPU
	struct list_head list;
#endif
	s32 __percpu *counters;
};
extern int percpu_counter_batch;
#define percpu_counter_init_many(fbc, value, gfp, n)			\\
	({								\\
		static struct lock_class_key __key;			\\
									\\
		__percpu_counter_init_many(fbc, value, gfp, n, &__key);	\\
	})
static inline void percpu_counter_add(struct percpu_counter *fbc, s64 amount)
{
	percpu_counter_add_batch(fbc, amount, percpu_counter_batch);
}
static inline s64 percpu_counter_read_positive(struct percpu_counter *fbc)
{
	s64 value = READ_ONCE(fbc->count);

	return value < 0 ? 0 : value;
}
static inline s64 percpu_counter_sum_positive(struct percpu_counter *fbc)
{
	s64 value = __percpu_counter_sum(fbc);

	return value < 0 ? 0 : value;
}
#else
struct percpu_counter {
	s64 count;
};
static inline void percpu_counter_add(struct percpu_counter *fbc, s64 amount)
{
	fbc->count += amount;
}
#endif
#endif
"""
PERCPU_C = """
static LIST_HEAD(percpu_counters);
static DEFINE_SPINLOCK(percpu_counters_lock);
int percpu_counter_batch __read_mostly = 32;

#ifdef CONFIG_HAVE_CMPXCHG_LOCAL
void percpu_counter_add_batch(struct percpu_counter *fbc, s64 amount, s32 batch)
{
	unsigned long flags;
	s64 held;

	held = this_cpu_read(*fbc->counters);
	do {
		if (unlikely(abs(held + amount) >= batch)) {
			raw_spin_lock_irqsave(&fbc->lock, flags);
			held = __this_cpu_read(*fbc->counters);
			fbc->count += held + amount;
			__this_cpu_sub(*fbc->counters, held);
			raw_spin_unlock_irqrestore(&fbc->lock, flags);
			return;
		}
	} while (!this_cpu_try_cmpxchg(*fbc->counters, &held, held + amount));
}
#else
void percpu_counter_add_batch(struct percpu_counter *fbc, s64 amount, s32 batch)
{
	unsigned long flags;
	s64 held;

	local_irq_save(flags);
	held = __this_cpu_read(*fbc->counters) + amount;
	if (abs(held) >= batch) {
		raw_spin_lock(&fbc->lock);
		fbc->count += held;
		__this_cpu_sub(*fbc->counters, held - amount);
		raw_spin_unlock(&fbc->lock);
	} else {
		this_cpu_add(*fbc->counters, amount);
	}
	local_irq_restore(flags);
}
#endif

s64 __percpu_counter_sum(struct percpu_counter *fbc)
{
	unsigned long flags;
	s64 sum;
	int cpu;

	raw_spin_lock_irqsave(&fbc->lock, flags);
	sum = fbc->count;
	for_each_cpu_or(cpu, cpu_online_mask, cpu_dying_mask) {
		s32 *held = per_cpu_ptr(fbc->counters, cpu);
		sum += *held;
	}
	raw_spin_unlock_irqrestore(&fbc->lock, flags);
	return sum;
}

int __percpu_counter_init_many(struct percpu_counter *fbc, s64 amount, gfp_t gfp, u32 n,
			       struct lock_class_key *key)
{
	unsigned long flags __maybe_unused;
	s32 __percpu *counters;
	size_t size;
	u32 i;

	size = ALIGN(sizeof(*counters), __alignof__(*counters));
	counters = __alloc_percpu_gfp(n * size, __alignof__(*counters), gfp);
	if (!counters)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		raw_spin_lock_init(&fbc[i].lock);
		lockdep_set_class(&fbc[i].lock, key);
		INIT_LIST_HEAD(&fbc[i].list);
		fbc[i].count = amount;
		fbc[i].counters = (void __percpu *)counters + i * size;
	}
	spin_lock_irqsave(&percpu_counters_lock, flags);
	for (i = 0; i < n; i++)
		list_add(&fbc[i].list, &percpu_counters);
	spin_unlock_irqrestore(&percpu_counters_lock, flags);
	return 0;
}

static int compute_batch_value(unsigned int cpu)
{
	int nr = num_online_cpus();

	percpu_counter_batch = max(32, nr*2);
	return 0;
}

static int percpu_counter_cpu_dead(unsigned int cpu)
{
#ifdef CONFIG_HOTPLUG_CPU
	struct percpu_counter *fbc;

	compute_batch_value(cpu);
	spin_lock_irq(&percpu_counters_lock);
	list_for_each_entry(fbc, &percpu_counters, list) {
		s32 *held;

		raw_spin_lock(&fbc->lock);
		held = per_cpu_ptr(fbc->counters, cpu);
		fbc->count += *held;
		*held = 0;
		raw_spin_unlock(&fbc->lock);
	}
	spin_unlock_irq(&percpu_counters_lock);
#endif
	return 0;
}

static int __init percpu_counter_startup(void)
{
	int ret;

	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "online", compute_batch_value, NULL);
	WARN_ON(ret < 0);
	ret = cpuhp_setup_state_nocalls(CPUHP_PERCPU_CNT_DEAD, "dead", NULL,
					percpu_counter_cpu_dead);
	WARN_ON(ret < 0);
	return 0;
}
module_init(percpu_counter_startup);
"""
PERCPU_FORK = """
static struct mm_struct *mm_init(struct mm_struct *mm, struct task_struct *p)
{
	mm->pad = 0;
	memset(&mm->rss_stat, 0, sizeof(mm->rss_stat));
	if (mm_alloc_pgd(mm))
		goto fail_nopgd;
	if (percpu_counter_init_many(mm->rss_stat, 0, GFP_KERNEL_ACCOUNT, NR_MM_COUNTERS))
		goto fail_pcpu;
	return mm;

fail_pcpu:
	mm_free_pgd(mm);
fail_nopgd:
	free_mm(mm);
	return NULL;
}
"""
PERCPU_READ = """
static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	return percpu_counter_read_positive(&mm->rss_stat[member]);
}
static inline unsigned long get_mm_counter_sum(struct mm_struct *mm, int member)
{
	return percpu_counter_sum_positive(&mm->rss_stat[member]);
}
"""

PERCPU = {
    "include/linux/mm_types_task.h": TYPES,
    "include/linux/mm_types.h": struct("struct percpu_counter rss_stat[NR_MM_COUNTERS];"),
    "include/linux/mm.h": (
        "#include <linux/percpu_counter.h>\n"
        + PERCPU_READ
        + updates("percpu_counter_add(POINTER, AMOUNT)")
        + RSS
    ),
    "include/linux/percpu_counter.h": PERCPU_H,
    "lib/percpu_counter.c": PERCPU_C,
    "kernel/fork.c": PERCPU_FORK,
    "mm/memory.c": MEMORY,
    **readers("get_mm_counter_sum"),
}

SPLIT_MM = (
    """
static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	long value = atomic_long_read(&mm->rss_stat.count[member]);

#ifdef SPLIT_RSS_COUNTING
	if (value < 0)
		value = 0;
#endif
	return (unsigned long)value;
}
static inline void add_mm_counter(struct mm_struct *mm, int member, long value)
{
	atomic_long_add(value, &mm->rss_stat.count[member]);
}
static inline void inc_mm_counter(struct mm_struct *mm, int member)
{
	atomic_long_inc(&mm->rss_stat.count[member]);
}
static inline void dec_mm_counter(struct mm_struct *mm, int member)
{
	atomic_long_dec(&mm->rss_stat.count[member]);
}
"""
    + RSS
)
SPLIT_MEMORY = """
static unsigned long fault_around_bytes __read_mostly = rounddown_pow_of_two(65536);

#if defined(SPLIT_RSS_COUNTING)
void sync_mm_rss(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++) {
		if (current->rss_stat.count[i]) {
			add_mm_counter(mm, i, current->rss_stat.count[i]);
			current->rss_stat.count[i] = 0;
		}
	}
	current->rss_stat.events = 0;
}
static void add_mm_counter_fast(struct mm_struct *mm, int member, int val)
{
	struct task_struct *task = current;

	if (likely(task->mm == mm))
		task->rss_stat.count[member] += val;
	else
		add_mm_counter(mm, member, val);
}
#define inc_mm_counter_fast(mm, member) add_mm_counter_fast(mm, member, 1)
#define dec_mm_counter_fast(mm, member) add_mm_counter_fast(mm, member, -1)

#define TASK_RSS_EVENTS_THRESH	(64)
static void check_sync_rss_stat(struct task_struct *task)
{
	if (unlikely(task != current))
		return;
	if (unlikely(task->rss_stat.events++ > TASK_RSS_EVENTS_THRESH))
		sync_mm_rss(task->mm);
}
#else
#define inc_mm_counter_fast(mm, member) inc_mm_counter(mm, member)
#define dec_mm_counter_fast(mm, member) dec_mm_counter(mm, member)
static void check_sync_rss_stat(struct task_struct *task)
{
}
#endif

int handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags)
{
	__set_current_state(TASK_RUNNING);
	check_sync_rss_stat(current);
	if (flags & FAULT_FLAG_USER)
		mem_cgroup_enter_user_fault();
	return __handle_mm_fault(vma, address, flags);
}
"""
SPLIT = {
    "include/linux/mm_types_task.h": SPLIT_TYPES,
    "include/linux/mm_types.h": struct("struct mm_rss_stat rss_stat;"),
    "include/linux/sched.h": TASK,
    "include/linux/mm.h": SPLIT_MM,
    "mm/memory.c": SPLIT_MEMORY,
    "kernel/fork.c": (
        "static struct mm_struct *mm_init(struct mm_struct *mm)\n{\n"
        "\tmemset(&mm->rss_stat, 0, sizeof(mm->rss_stat));\n\treturn mm;\n}\n"
    ),
    **readers("get_mm_counter"),
}

TREE_H = """
#ifndef _PERCPU_COUNTER_TREE_H
#define _PERCPU_COUNTER_TREE_H
struct percpu_counter_tree_level_item {
	atomic_long_t count;
} ____cacheline_aligned_in_smp;
struct percpu_counter_tree {
	unsigned long __percpu *level0;
	unsigned long mask;
	union {
		unsigned long *i;
		atomic_long_t *a;
	} approx_sum;
	long bias;
	struct percpu_counter_tree_level_item *items;
	unsigned long batch_size;
	struct {
		unsigned long under;
		unsigned long over;
	} range;
};
static inline long percpu_counter_tree_approximate_sum(struct percpu_counter_tree *counter)
{
	unsigned long value;

	if (!counter->mask)
		value = READ_ONCE(*counter->approx_sum.i);
	else
		value = atomic_long_read(counter->approx_sum.a);
	return (long)(value + (unsigned long)READ_ONCE(counter->bias));
}
#endif
"""
TREE_C = """
#define MAX_NR_LEVELS 5
struct counter_config {
	unsigned int nr_items;
	unsigned char nr_levels;
	unsigned char n_arity_order[MAX_NR_LEVELS];
};
static const struct counter_config per_nr_cpu_order_config[] = {
	[0] =	{ .nr_items = 0,	.nr_levels = 0,	.n_arity_order = { 0 } },
	[1] =	{ .nr_items = 1,	.nr_levels = 1,	.n_arity_order = { 1 } },
	[2] =	{ .nr_items = 3,	.nr_levels = 2,	.n_arity_order = { 1, 1 } },
	[3] =	{ .nr_items = 7,	.nr_levels = 3,	.n_arity_order = { 1, 1, 1 } },
	[4] =	{ .nr_items = 7,	.nr_levels = 3,	.n_arity_order = { 2, 1, 1 } },
	[5] =	{ .nr_items = 11,	.nr_levels = 3,	.n_arity_order = { 2, 2, 1 } },
	[6] =	{ .nr_items = 21,	.nr_levels = 3,	.n_arity_order = { 2, 2, 2 } },
	[7] =	{ .nr_items = 21,	.nr_levels = 3,	.n_arity_order = { 3, 2, 2 } },
	[8] =	{ .nr_items = 37,	.nr_levels = 3,	.n_arity_order = { 3, 3, 2 } },
	[9] =	{ .nr_items = 73,	.nr_levels = 3,	.n_arity_order = { 3, 3, 3 } },
};
static const struct counter_config *counter_config;
static unsigned int nr_cpus_order, accuracy_multiplier;

static int __percpu_counter_tree_init(struct percpu_counter_tree *counter, unsigned long batch,
				      unsigned long __percpu *level0,
				      struct percpu_counter_tree_level_item *items)
{
	if (WARN_ON(batch <= 1 || (batch & (batch - 1))))
		return -EINVAL;
	counter->batch_size = batch;
	counter->bias = 0;
	counter->level0 = level0;
	counter->items = items;
	if (!nr_cpus_order) {
		counter->approx_sum.i = per_cpu_ptr(counter->level0, 0);
		counter->mask = 0;
	} else {
		counter->approx_sum.a = &counter->items[counter_config->nr_items - 1].count;
		counter->mask = 1UL << get_count_order(batch);
	}
	counter->range.under = batch * accuracy_multiplier;
	counter->range.over = (batch - 1) * accuracy_multiplier;
	return 0;
}

size_t percpu_counter_tree_items_size(void)
{
	if (!nr_cpus_order)
		return 0;
	return counter_config->nr_items * sizeof(struct percpu_counter_tree_level_item);
}

int percpu_counter_tree_init_many(struct percpu_counter_tree *counters,
				  struct percpu_counter_tree_level_item *items, unsigned int n,
				  unsigned long batch, gfp_t gfp)
{
	void __percpu *level0, *level0_iter;
	size_t size, items_size = 0;
	void *items_iter;
	unsigned int i;
	int ret;

	size = ALIGN(sizeof(*counters->level0), __alignof__(*counters->level0));
	level0 = __alloc_percpu_gfp(n * size, __alignof__(*counters->level0), gfp);
	if (!level0)
		return -ENOMEM;
	if (nr_cpus_order) {
		items_size = percpu_counter_tree_items_size();
		memset(items, 0, items_size * n);
	}
	level0_iter = level0;
	items_iter = items;
	for (i = 0; i < n; i++) {
		ret = __percpu_counter_tree_init(&counters[i], batch, level0_iter, items_iter);
		if (ret)
			goto free_level0;
		level0_iter += size;
		if (nr_cpus_order)
			items_iter += items_size;
	}
	return 0;

free_level0:
	free_percpu(level0);
	return ret;
}

static long percpu_counter_tree_carry(unsigned long orig, unsigned long res, long inc,
				      unsigned long mask)
{
	if (inc < 0) {
		inc = -(-inc & ~(mask - 1));
		if ((inc ^ orig ^ res) & mask)
			inc -= mask;
	} else {
		inc &= ~(mask - 1);
		if ((inc ^ orig ^ res) & mask)
			inc += mask;
	}
	return inc;
}

static void percpu_counter_tree_add_slowpath(struct percpu_counter_tree *counter, long inc)
{
	unsigned int items, levels = counter_config->nr_levels, level, order;
	struct percpu_counter_tree_level_item *item = counter->items;
	unsigned int cpu = raw_smp_processor_id();
	unsigned long mask;

	WARN_ON_ONCE(!nr_cpus_order);
	order = counter_config->n_arity_order[0];
	mask = counter->mask << order;
	items = 1U << (nr_cpus_order - order);
	for (level = 1; level < levels; level++) {
		if (abs(inc) & (mask - 1)) {
			atomic_long_t *count = &item[cpu & (items - 1)].count;
			unsigned long orig, res;

			res = atomic_long_add_return_relaxed(inc, count);
			orig = res - inc;
			inc = percpu_counter_tree_carry(orig, res, inc, mask);
			if (likely(!inc))
				return;
		}
		item += items;
		order = counter_config->n_arity_order[level];
		items >>= order;
		mask <<= order;
	}
	atomic_long_add(inc, counter->approx_sum.a);
}

void percpu_counter_tree_add(struct percpu_counter_tree *counter, long inc)
{
	unsigned long mask = counter->mask, orig, res;

	res = this_cpu_add_return(*counter->level0, inc);
	orig = res - inc;
	inc = percpu_counter_tree_carry(orig, res, inc, mask);
	if (likely(!inc) || !mask)
		return;
	percpu_counter_tree_add_slowpath(counter, inc);
}

long percpu_counter_tree_precise_sum(struct percpu_counter_tree *counter)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(counter->level0, cpu);
	return (long)sum + READ_ONCE(counter->bias);
}

static unsigned int __init calculate_accuracy_topology(void)
{
	unsigned int items = 1U << nr_cpus_order, level, total = 0, bit = 1;

	for (level = 0; level < counter_config->nr_levels; level++) {
		total += bit * items;
		bit <<= counter_config->n_arity_order[level];
		items >>= counter_config->n_arity_order[level];
	}
	return total;
}

int __init percpu_counter_tree_subsystem_init(void)
{
	nr_cpus_order = get_count_order(nr_cpu_ids);
	if (WARN_ON_ONCE(nr_cpus_order >= ARRAY_SIZE(per_nr_cpu_order_config)))
		return -1;
	counter_config = &per_nr_cpu_order_config[nr_cpus_order];
	accuracy_multiplier = calculate_accuracy_topology();
	return 0;
}
"""
TREE = {
    "include/linux/mm_types_task.h": TYPES,
    "include/linux/mm_types.h": struct(
        "struct percpu_counter_tree rss_stat[NR_MM_COUNTERS];", "char flexible_array[];"
    ),
    "include/linux/mm.h": (
        "#include <linux/percpu_counter_tree.h>\n"
        "static inline struct percpu_counter_tree_level_item *get_rss_stat_items("
        "struct mm_struct *mm)\n"
        "{\n\tunsigned long items = (unsigned long)mm;\n\n"
        "\titems += offsetof(struct mm_struct, flexible_array) + cpumask_size();\n"
        "\treturn (struct percpu_counter_tree_level_item *)items;\n}\n"
        "static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)\n"
        "{\n\tlong value = percpu_counter_tree_approximate_sum(&mm->rss_stat[member]);\n\n"
        "\treturn value > 0 ? value : 0;\n}\n"
        "static inline unsigned long get_mm_counter_sum(struct mm_struct *mm, int member)\n"
        "{\n\tlong value = percpu_counter_tree_precise_sum(&mm->rss_stat[member]);\n\n"
        "\treturn value > 0 ? value : 0;\n}\n"
        + updates("percpu_counter_tree_add(POINTER, AMOUNT)")
        + RSS
    ),
    "include/linux/percpu_counter_tree.h": TREE_H,
    "lib/percpu_counter_tree.c": TREE_C,
    "lib/percpu_counter.c": PERCPU_C,
    "include/linux/percpu_counter.h": PERCPU_H,
    "kernel/fork.c": (
        "#define RSS_STAT_BATCH_SIZE\t32\n"
        "static struct mm_struct *mm_init(struct mm_struct *mm, struct task_struct *p)\n{\n"
        "\tif (percpu_counter_tree_init_many(mm->rss_stat, get_rss_stat_items(mm),\n"
        "\t\t\t\t\t  NR_MM_COUNTERS, RSS_STAT_BATCH_SIZE, GFP_KERNEL_ACCOUNT))\n"
        "\t\tgoto fail_pcpu;\n\treturn mm;\n\nfail_pcpu:\n\tfree_mm(mm);\n\treturn NULL;\n}\n"
    ),
    "mm/memory.c": MEMORY,
    **readers("get_mm_counter_sum"),
}

SHARED = {
    "include/linux/mm_types.h": struct("mm_counter_t _file_rss;", "mm_counter_t _anon_rss;"),
    "include/linux/mm.h": "#include <linux/sched.h>\n",
    "include/linux/sched.h": """
typedef atomic_long_t mm_counter_t;
#define set_mm_counter(mm, member, value) atomic_long_set(&(mm)->_##member, value)
#define get_mm_counter(mm, member) ((unsigned long)atomic_long_read(&(mm)->_##member))
#define add_mm_counter(mm, member, value) atomic_long_add(value, &(mm)->_##member)
#define inc_mm_counter(mm, member) atomic_long_inc(&(mm)->_##member)
#define dec_mm_counter(mm, member) atomic_long_dec(&(mm)->_##member)
#define get_mm_rss(mm) (get_mm_counter(mm, file_rss) + get_mm_counter(mm, anon_rss))
struct task_struct {
	struct mm_struct *mm;
};
""",
    "mm/memory.c": "int pages;\n",
    "kernel/fork.c": (
        "static struct mm_struct *mm_init(struct mm_struct *mm)\n{\n"
        "\tset_mm_counter(mm, file_rss, 0);\n\tset_mm_counter(mm, anon_rss, 0);\n"
        "\treturn mm;\n}\n"
    ),
}

DUAL_ADD = """
static inline bool percpu_counter_initialized(struct percpu_counter *fbc)
{
	return fbc->counters != NULL;
}
static inline void mm_counter_add(struct percpu_counter *fbc, s64 amount)
{
	if (percpu_counter_initialized(fbc))
		percpu_counter_add(fbc, amount);
	else
		atomic64_add(amount, (atomic64_t *)&fbc->count);
}
"""
DUAL = {
    **PERCPU,
    "include/linux/mm.h": (
        "#include <linux/percpu_counter.h>\n"
        + DUAL_ADD
        + PERCPU_READ
        + updates("struct percpu_counter *fbc = POINTER; mm_counter_add(fbc, AMOUNT)")
        + RSS
    ),
    "include/linux/sched.h": "struct task_struct {\n\tstruct mm_struct *mm;\n};\n",
    "lib/percpu_counter.c": PERCPU_C.replace(
        "	if (!counters)", "	if (!counters) /* none left */"
    )
    .replace(
        "	sum = fbc->count;\n",
        "	sum = fbc->count;\n	if (!fbc->counters)\n		goto out;\n",
    )
    .replace(
        "	raw_spin_unlock_irqrestore(&fbc->lock, flags);\n	return sum;",
        "out:\n	raw_spin_unlock_irqrestore(&fbc->lock, flags);\n	return sum;",
    ),
    "kernel/fork.c": """
static struct mm_struct *mm_init(struct mm_struct *mm, struct task_struct *p)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++) {
		mm->rss_stat[i].count = 0;
		mm->rss_stat[i].counters = NULL;
	}
	return mm;
}
static int mm_switch_to_pcpu(struct mm_struct *mm)
{
	s64 held[NR_MM_COUNTERS];
	int i;

	if (mm->rss_stat[0].counters)
		return 0;
	for (i = 0; i < NR_MM_COUNTERS; i++)
		held[i] = mm->rss_stat[i].count;
	if (percpu_counter_init_many(mm->rss_stat, 0, GFP_ATOMIC, NR_MM_COUNTERS))
		return -ENOMEM;
	for (i = 0; i < NR_MM_COUNTERS; i++)
		mm->rss_stat[i].count = held[i];
	return 0;
}
static int copy_mm(unsigned long clone_flags, struct task_struct *tsk)
{
	struct mm_struct *mm, *oldmm;

	tsk->mm = NULL;
	oldmm = current->mm;
	if (!oldmm)
		return 0;
	if (clone_flags & CLONE_VM) {
		if (clone_flags & CLONE_THREAD && mm_switch_to_pcpu(oldmm))
			return -ENOMEM;
		mmget(oldmm);
		mm = oldmm;
	} else {
		mm = dup_mm(tsk, current->mm);
	}
	tsk->mm = mm;
	return 0;
}
""",
}

NODE_MM = """
#define MM_NUMA_COUNTERS 4
#define MM_NUMA_BATCH 32
struct mm_numa_counter {
	atomic64_t global;
	atomic64_t numa[MM_NUMA_COUNTERS];
};
"""
PER_NODE = {
    "mm/memory.c": MEMORY,
    "include/linux/sched.h": "struct task_struct {\n\tstruct mm_struct *mm;\n};\n",
    "include/linux/mm_types_task.h": TYPES + NODE_MM,
    "include/linux/mm_types.h": struct("struct mm_numa_counter rss_stat[NR_MM_COUNTERS];"),
    "include/linux/mm.h": """
static inline void mm_numa_add(struct mm_numa_counter *counter, long value)
{
	atomic64_t *slot = &counter->numa[numa_node_id() % MM_NUMA_COUNTERS];
	s64 held = atomic64_add_return(value, slot);

	if (abs(held) >= MM_NUMA_BATCH) {
		atomic64_add(held, &counter->global);
		atomic64_add(-held, slot);
	}
}
static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	s64 value = atomic64_read(&mm->rss_stat[member].global);

	return value < 0 ? 0 : value;
}
"""
    + updates("mm_numa_add(POINTER, AMOUNT)")
    + RSS,
    "kernel/fork.c": (
        "static struct mm_struct *mm_init(struct mm_struct *mm)\n{\n"
        "\tmemset(&mm->rss_stat, 0, sizeof(mm->rss_stat));\n\treturn mm;\n}\n"
    ),
}

TREES = {
    "shared": SHARED,
    "per-thread": SPLIT,
    "percpu": PERCPU,
    "per-node": PER_NODE,
    "tree": TREE,
    "dual-mode": DUAL,
}
"""Design -> the files of a tree of it."""


def write_tree(folder, files):
    """Write files below a folder; None leaves one out."""
    for path, text in files.items():
        if text is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    return folder
