/* what a process's memory is described by */
struct mm_struct {
	struct {
		struct vm_area_struct *mmap;
		unsigned long hiwater_rss;
		unsigned long total_vm;
		struct mm_rss_stat rss_stat;
	} __randomize_layout;
};
