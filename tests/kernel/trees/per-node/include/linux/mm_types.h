#define _MM_NUMA_COUNTERS MIN(MAX_NUMNODES, 32)
#define _MM_NUMA_COUNTERS_BATCH max(32, (num_possible_cpus() >> NODES_SHIFT) * 2)

struct mm_pernuma_counter {
	atomic64_t global;
	atomic64_t numa_counters[_MM_NUMA_COUNTERS];
};

/* what a process's memory is described by */
struct mm_struct {
	struct {
		struct vm_area_struct *mmap;
		unsigned long hiwater_rss;
		unsigned long total_vm;
		struct mm_pernuma_counter rss_stat[NR_MM_COUNTERS];
	} __randomize_layout;
};
