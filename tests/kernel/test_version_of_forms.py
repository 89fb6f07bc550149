"""The digests of fixed code change only with the version of the forms, FORMS.

Otherwise digests of two forms are compared, and unchanged code is reported as changed.
"""

import json

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from rssbound.kernel.fingerprints import FORMS, fingerprints_of
from rssbound.kernel.source_tree import SourceTree

FIXED = {
    "Makefile": "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\n",
    "include/linux/mm_types_task.h": "enum { MM_FILEPAGES, MM_ANONPAGES, NR_MM_COUNTERS };\n",
    "include/linux/percpu_counter.h": """
struct percpu_counter {
	raw_spinlock_t lock;
	s64 count;
	s32 __percpu *counters;
};
extern int percpu_counter_batch;
static inline s64 percpu_counter_read_positive(struct percpu_counter *fbc)
{
	s64 ret = READ_ONCE(fbc->count);

	if (ret >= 0)
		return ret;
	return 0;
}
static inline void percpu_counter_add(struct percpu_counter *fbc, s64 amount)
{
	percpu_counter_add_batch(fbc, amount, percpu_counter_batch);
}
""",
    "lib/percpu_counter.c": """
int percpu_counter_batch __read_mostly = 32;
static int compute_batch_value(unsigned int cpu)
{
	int nr = num_online_cpus();

	percpu_counter_batch = max(32, nr * 2);
	return 0;
}
static void moved(struct percpu_counter *fbc, s32 *slot)
{
	fbc->count = fbc->count + *slot;
	*slot = 0;
}
void percpu_counter_add_batch(struct percpu_counter *fbc, s64 amount, s32 batch)
{
	s64 count = this_cpu_read(*fbc->counters);

	do {
		if (unlikely(abs(count + amount) >= batch)) {
			raw_spin_lock(&fbc->lock);
			moved(fbc, this_cpu_ptr(fbc->counters));
			raw_spin_unlock(&fbc->lock);
			return;
		}
	} while (!this_cpu_try_cmpxchg(*fbc->counters, &count, count + amount));
}
void percpu_counter_set(struct percpu_counter *fbc, s64 amount)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		s32 *slot = per_cpu_ptr(fbc->counters, cpu);
		*slot = 0;
	}
	fbc->count = amount;
}
int __percpu_counter_init_many(struct percpu_counter *fbc, s64 amount, u32 nr)
{
	u32 i;

	for (i = 0; i != nr; i++) {
		WARN_ON(!fbc);
		fbc[i].count = (s64)amount / 4 > 1 << 6 ? amount : 0;
	}
	return nr ? 0 : -EINVAL;
}
static int percpu_counter_cpu_dead(unsigned int cpu)
{
#ifdef CONFIG_HOTPLUG_CPU
	struct percpu_counter *fbc;

	list_for_each_entry(fbc, &percpu_counters, list)
		moved(fbc, per_cpu_ptr(fbc->counters, cpu));
#endif
	return 0;
}
""",
    "mm/oom_kill.c": """
long oom_badness(struct task_struct *p, unsigned long totalpages)
{
	long points, adj;

	p = find_lock_task_mm(p);
	if (!p)
		return LONG_MIN;
	adj = p->signal->oom_score_adj;
	points = get_mm_rss(p->mm) + get_mm_counter(p->mm, MM_ANONPAGES);
	points += adj * totalpages / 1000;
	return points;
}
""",
    "include/trace/events/kmem.h": """
TRACE_EVENT(rss_stat,
	TP_PROTO(struct mm_struct *mm, int member),
	TP_ARGS(mm, member),
	TP_STRUCT__entry(__field(long, size)),
	TP_fast_assign(__entry->size = get_mm_counter(mm, member) << PAGE_SHIFT;),
	TP_printk("size=%ldB", __entry->size)
);
""",
    "kernel/fork.c": """
static struct mm_struct *mm_init(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (percpu_counter_init(&mm->rss_stat[i], 0, GFP_KERNEL))
			goto fail;
	return mm;
fail:
	while (i > 0)
		percpu_counter_destroy(&mm->rss_stat[--i]);
	return NULL;
}
""",
}
"""A tree with code that each part of the normal forms changes; its digests are written below."""

PINNED = 4
DIGESTS = {
    "function:percpu_counter_add": "08a3d645b93a0629",
    "function:percpu_counter_add_batch": "fa1bc563255ec89c",
    "function:percpu_counter_set": "56bd65d60375d121",
    "struct:percpu_counter": "9b892d665c21877c",
    "formula:compute_batch_value": "3b54100176b5a112",
    "writers:percpu_counter_batch": "5430711ef8b64e2f",
    "function:percpu_counter_cpu_dead": "7e4d706feb447603",
    "function:__percpu_counter_init_many": "b0bf576bcae39af1",
    "function:percpu_counter_read_positive": "29da7730fb7ec102",
    "reader:mm_init": "d5f7156db48a9f86",
    "reader:oom_badness": "101ac4c5cdd2fc3a",
    "tracepoint:rss_stat": "421fcb23eb1132cb",
    "users:rss_stat": "1915de1b10303772",
}
"""The version for which the digests of that tree are as written here."""


def test_the_digests_of_fixed_code_change_only_with_the_version_of_the_forms(tmp_path):
    for path, text in FIXED.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    tree = SourceTree(tmp_path)
    found = {each.id: each.digest for each in fingerprints_of(tree, "percpu", searched_only=True)}
    wanted = f"PINNED = {FORMS}\nDIGESTS = {json.dumps(found, indent=4)}"

    if FORMS == PINNED:
        assert found == DIGESTS, (
            "fixed code has other digests: raise FORMS in kernel/fingerprints.py if a released "
            f"version has this one, then write here\n{wanted}"
        )
    assert FORMS == PINNED, f"FORMS was raised: write here\n{wanted}"
