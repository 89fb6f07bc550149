static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	struct percpu_counter *counter = &mm->rss_stat[member];

	if (!percpu_counter_initialized(counter))
		return percpu_counter_atomic_read(counter);
	return percpu_counter_read_positive(counter);
}

static inline unsigned long get_mm_counter_sum(struct mm_struct *mm, int member)
{
	struct percpu_counter *counter = &mm->rss_stat[member];

	if (!percpu_counter_initialized(counter))
		return percpu_counter_atomic_read(counter);
	return percpu_counter_sum_positive(counter);
}

void mm_trace_rss_stat(struct mm_struct *mm, int member);

static inline void add_mm_counter(struct mm_struct *mm, int member, long value)
{
	struct percpu_counter *counter = &mm->rss_stat[member];

	if (!percpu_counter_initialized(counter))
		percpu_counter_atomic_add(counter, value);
	else
		percpu_counter_add(counter, value);

	mm_trace_rss_stat(mm, member);
}

static inline void inc_mm_counter(struct mm_struct *mm, int member)
{
	add_mm_counter(mm, member, 1);
}

static inline void dec_mm_counter(struct mm_struct *mm, int member)
{
	add_mm_counter(mm, member, -1);
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
