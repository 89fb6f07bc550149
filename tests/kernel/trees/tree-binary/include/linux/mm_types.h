/* what a process's memory is described by */
struct mm_struct {
	struct {
		struct vm_area_struct *mmap;
		unsigned long hiwater_rss;
		unsigned long total_vm;
		struct percpu_counter_tree rss_stat[NR_MM_COUNTERS];
	} __randomize_layout;
};
