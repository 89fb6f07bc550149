static void check_mm(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++) {
		long left = get_mm_counter_slow(mm, i);

		if (unlikely(left))
			pr_alert("BUG: Bad rss-counter state mm:%p val:%ld\n", mm, left);
	}
}

static struct mm_struct *mm_init(struct mm_struct *mm, struct task_struct *p)
{
	mm->mmap = NULL;
	memset(&mm->rss_stat, 0, sizeof(mm->rss_stat));
	return mm;
}
