#define RSS_STAT_BATCH_SIZE	32

static struct percpu_counter_tree_level_item *mm_items(struct mm_struct *mm)
{
	return (struct percpu_counter_tree_level_item *)(mm + 1);
}

static void check_mm(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++) {
		long left = percpu_counter_tree_precise_sum(&mm->rss_stat[i]);

		if (unlikely(left))
			pr_alert("BUG: Bad rss-counter state mm:%p val:%ld\n", mm, left);
	}
}

static struct mm_struct *mm_init(struct mm_struct *mm, struct task_struct *p)
{
	mm->mmap = NULL;
	if (percpu_counter_tree_init_many(mm->rss_stat, mm_items(mm), NR_MM_COUNTERS,
					  RSS_STAT_BATCH_SIZE, GFP_KERNEL_ACCOUNT))
		return NULL;
	return mm;
}
