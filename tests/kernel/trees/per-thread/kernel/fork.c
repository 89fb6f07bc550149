static void check_mm(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++) {
		long left = atomic_long_read(&mm->rss_stat.count[i]);

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

static struct task_struct *copy_process(struct task_struct *p, unsigned long clone_flags)
{
#if defined(SPLIT_RSS_COUNTING)
	memset(&p->rss_stat, 0, sizeof(p->rss_stat));
#endif
	return p;
}
