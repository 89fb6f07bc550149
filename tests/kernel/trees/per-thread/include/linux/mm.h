static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	long pages = atomic_long_read(&mm->rss_stat.count[member]);

#ifdef SPLIT_RSS_COUNTING
	/* threads may have taken more off than the counter has */
	if (pages < 0)
		return 0;
#endif
	return (unsigned long)pages;
}

void mm_trace_rss_stat(struct mm_struct *mm, int member, long count);

static inline void add_mm_counter(struct mm_struct *mm, int member, long value)
{
	long after = atomic_long_add_return(value, &mm->rss_stat.count[member]);

	mm_trace_rss_stat(mm, member, after);
}

static inline void inc_mm_counter(struct mm_struct *mm, int member)
{
	long after = atomic_long_inc_return(&mm->rss_stat.count[member]);

	mm_trace_rss_stat(mm, member, after);
}

static inline void dec_mm_counter(struct mm_struct *mm, int member)
{
	long after = atomic_long_dec_return(&mm->rss_stat.count[member]);

	mm_trace_rss_stat(mm, member, after);
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

#ifdef SPLIT_RSS_COUNTING
void sync_mm_rss(struct mm_struct *mm);
#else
static inline void sync_mm_rss(struct mm_struct *mm)
{
}
#endif
