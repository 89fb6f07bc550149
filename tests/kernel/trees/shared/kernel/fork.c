static struct mm_struct *mm_init(struct mm_struct *mm, struct task_struct *p)
{
	set_mm_counter(mm, file_rss, 0);
	set_mm_counter(mm, anon_rss, 0);
	return mm;
}
