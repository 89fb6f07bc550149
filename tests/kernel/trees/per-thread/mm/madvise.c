static int madvise_free_pte_range(struct mm_struct *mm, int nr_swap)
{
	if (nr_swap) {
		if (current->mm == mm)
			sync_mm_rss(mm);
		add_mm_counter(mm, MM_SWAPENTS, nr_swap);
	}
	return 0;
}
