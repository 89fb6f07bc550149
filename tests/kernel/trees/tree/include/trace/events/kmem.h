TRACE_EVENT(mm_page_free,

	TP_PROTO(struct page *page, unsigned int order),

	TP_ARGS(page, order),

	TP_fast_assign(
		__entry->pfn = page_to_pfn(page);
	)
);

TRACE_EVENT(rss_stat,

	TP_PROTO(struct mm_struct *mm, int member),

	TP_ARGS(mm, member),

	TP_STRUCT__entry(
		__field(int, member)
		__field(long, size)
	),

	TP_fast_assign(
		__entry->member = member;
		__entry->size = percpu_counter_tree_approximate_sum_positive(&mm->rss_stat[member]) << PAGE_SHIFT;
	),

	TP_printk("member=%d size=%ldB", __entry->member, __entry->size)
);
