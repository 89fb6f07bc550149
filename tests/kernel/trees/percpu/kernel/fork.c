static void check_mm(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++) {
		long left = percpu_counter_sum(&mm->rss_stat[i]);

		if (unlikely(left))
			pr_alert("BUG: Bad rss-counter state mm:%p val:%ld\n", mm, left);
	}
}

static struct mm_struct *mm_init(struct mm_struct *mm, struct task_struct *p)
{
	mm->mmap = NULL;
	if (percpu_counter_init_many(mm->rss_stat, 0, GFP_KERNEL_ACCOUNT, NR_MM_COUNTERS))
		return NULL;
	return mm;
}

void __mmdrop(struct mm_struct *mm)
{
	check_mm(mm);
	percpu_counter_destroy_many(mm->rss_stat, NR_MM_COUNTERS);
	free_mm(mm);
}
