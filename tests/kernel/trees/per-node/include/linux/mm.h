static inline long get_mm_counter_slow(struct mm_struct *mm, int member)
{
	struct mm_pernuma_counter *counter = &mm->rss_stat[member];
	long sum = atomic64_read(&counter->global);
	int slot;

	for (slot = 0; slot < _MM_NUMA_COUNTERS; slot++)
		sum += atomic64_read(&counter->numa_counters[slot]);
	return sum;
}

static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	s64 pages = atomic64_read(&mm->rss_stat[member].global);

	return pages < 0 ? 0 : pages;
}

void mm_trace_rss_stat(struct mm_struct *mm, int member);

static inline void __mm_update_numa_counter(struct mm_struct *mm, int member, long value)
{
	struct mm_pernuma_counter *counter = &mm->rss_stat[member];
	atomic64_t *slot = &counter->numa_counters[numa_node_id() % _MM_NUMA_COUNTERS];
	s64 cached = atomic64_add_return(value, slot);

	if (abs(cached) < _MM_NUMA_COUNTERS_BATCH)
		return;
	atomic64_add(cached, &counter->global);
	atomic64_add(-cached, slot);
}

static inline void add_mm_counter(struct mm_struct *mm, int member, long value)
{
	__mm_update_numa_counter(mm, member, value);

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
