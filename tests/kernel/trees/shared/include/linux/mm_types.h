#define USE_SPLIT_PTLOCKS	(NR_CPUS >= CONFIG_SPLIT_PTLOCK_CPUS)

#if USE_SPLIT_PTLOCKS
typedef atomic_long_t mm_counter_t;
#else
typedef unsigned long mm_counter_t;
#endif

struct mm_struct {
	struct vm_area_struct *mmap;
	unsigned long total_vm;
	mm_counter_t _file_rss;
	mm_counter_t _anon_rss;
	unsigned long hiwater_rss;
};
