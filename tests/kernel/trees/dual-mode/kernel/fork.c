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
	memset(mm->rss_stat, 0, sizeof(mm->rss_stat));
	return mm;
}

static int copy_mm(unsigned long clone_flags, struct task_struct *tsk)
{
	struct mm_struct *oldmm = current->mm;

	if (clone_flags & CLONE_VM) {
		if (clone_flags & CLONE_THREAD)
			percpu_counter_switch_to_pcpu_many(oldmm->rss_stat, NR_MM_COUNTERS);
		tsk->mm = oldmm;
	}
	return 0;
}
