#define SHOW(m, text, pages)	seq_put_pages(m, text, (pages) << (PAGE_SHIFT - 10))

void task_mem(struct seq_file *m, struct mm_struct *mm)
{
	unsigned long anon = get_mm_counter_sum(mm, MM_ANONPAGES);
	unsigned long file = get_mm_counter_sum(mm, MM_FILEPAGES);
	unsigned long shmem = get_mm_counter_sum(mm, MM_SHMEMPAGES);
	unsigned long swap = get_mm_counter_sum(mm, MM_SWAPENTS);
	unsigned long total = anon + file + shmem;
	unsigned long peak = total;

	if (peak < mm->hiwater_rss)
		peak = mm->hiwater_rss;
	SHOW(m, "VmSize:", mm->total_vm);
	SHOW(m, "VmHWM:", peak);
	SHOW(m, "VmRSS:", total);
	SHOW(m, "RssAnon:", anon);
	SHOW(m, "RssFile:", file);
	SHOW(m, "RssShmem:", shmem);
	SHOW(m, "VmSwap:", swap);
}

unsigned long task_statm(struct mm_struct *mm, unsigned long *shared, unsigned long *resident)
{
	*shared = get_mm_counter_sum(mm, MM_FILEPAGES) + get_mm_counter_sum(mm, MM_SHMEMPAGES);
	*resident = *shared + get_mm_counter_sum(mm, MM_ANONPAGES);
	return mm->total_vm;
}

int pagemap_read(struct mm_struct *mm)
{
	return walk(mm);
}
