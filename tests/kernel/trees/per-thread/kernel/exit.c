static void exit_mm(void)
{
	struct mm_struct *mm = current->mm;

	if (!mm)
		return;
	sync_mm_rss(mm);
	mmput(mm);
}
