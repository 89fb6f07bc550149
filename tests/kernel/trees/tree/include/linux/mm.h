static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	return percpu_counter_tree_approximate_sum_positive(&mm->rss_stat[member]);
}

static inline unsigned long get_mm_counter_sum(struct mm_struct *mm, int member)
{
	return percpu_counter_tree_precise_sum_positive(&mm->rss_stat[member]);
}

void mm_trace_rss_stat(struct mm_struct *mm, int member);

static inline void add_mm_counter(struct mm_struct *mm, int member, long value)
{
	percpu_counter_tree_add(&mm->rss_stat[member], value);

	mm_trace_rss_stat(mm, member);
}

static inline void inc_mm_counter(struct mm_struct *mm, int member)
{
	percpu_counter_tree_add(&mm->rss_stat[member], 1);

	mm_trace_rss_stat(mm, member);
}

static inline void dec_mm_counter(struct mm_struct *mm, int member)
{
	percpu_counter_tree_add(&mm->rss_stat[member], -1);

	mm_trace_rss_stat(mm, member);
}

static inline unsigned long get_mm_rss(struct mm_struct *mm)
{
	unsigned long pages = get_mm_counter(mm, MM_FILEPAGES);

	pages += get_mm_counter(mm, MM_ANONPAGES);
	pages += get_mm_counter(mm, MM_SHMEMPAGES);
	return pages;
}

static inline unsigned long get_mm_hiwater_rss(struct mm_struct *mm)
{
	return max(mm->hiwater_rss, get_mm_rss(mm));
}

static inline void update_hiwater_rss(struct mm_struct *mm)
{
	unsigned long now = get_mm_rss(mm);

	if (now > mm->hiwater_rss)
		mm->hiwater_rss = now;
}
