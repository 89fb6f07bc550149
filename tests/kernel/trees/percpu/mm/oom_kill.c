long oom_badness(struct task_struct *p, unsigned long totalpages)
{
	long points;
	long adj = p->signal->oom_score_adj;

	if (oom_unkillable_task(p))
		return LONG_MIN;
	points = get_mm_rss(p->mm) + get_mm_counter(p->mm, MM_SWAPENTS) +
		mm_pgtables_bytes(p->mm) / PAGE_SIZE;
	adj *= totalpages / 1000;
	return points + adj;
}

static int dump_task(struct task_struct *p, void *arg)
{
	pr_info("%d %lu %lu\n", p->pid, get_mm_rss(p->mm), get_mm_counter(p->mm, MM_SWAPENTS));
	return 0;
}

static void select_bad_process(struct oom_control *oc)
{
	struct task_struct *p;

	for_each_process(p)
		if (oom_evaluate_task(p, oc))
			break;
}
