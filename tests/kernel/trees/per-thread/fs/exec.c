static int exec_mmap(struct mm_struct *mm)
{
	struct mm_struct *old_mm = current->mm;

	if (old_mm)
		sync_mm_rss(old_mm);
	current->mm = mm;
	return 0;
}
