void task_mem(struct seq_file *m, struct mm_struct *mm)
{
	unsigned long total = get_mm_rss(mm);

	seq_printf(m, "VmRSS:\t%8lu kB\n", total << (PAGE_SHIFT - 10));
}

int task_statm(struct mm_struct *mm, int *shared, int *resident)
{
	*shared = get_mm_counter(mm, file_rss);
	*resident = *shared + get_mm_counter(mm, anon_rss);
	return mm->total_vm;
}
