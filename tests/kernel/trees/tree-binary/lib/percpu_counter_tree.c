static unsigned int nr_cpus_order;

static long percpu_counter_tree_carry(long orig, long res, long inc, unsigned long bit_mask)
{
	long kept = bit_mask - 1;

	if (inc >= 0) {
		inc &= ~kept;
		if ((inc ^ orig ^ res) & bit_mask)
			inc += bit_mask;
	} else {
		inc = -(-inc & ~kept);
		if ((inc ^ orig ^ res) & bit_mask)
			inc -= bit_mask;
	}
	return inc;
}

static void percpu_counter_tree_add_slowpath(struct percpu_counter_tree *counter, long inc)
{
	struct percpu_counter_tree_level_item *item = counter->items;
	unsigned int items = 1U << (nr_cpus_order - 1);
	unsigned long bit_mask = counter->level0_bit_mask << 1;
	unsigned int cpu = raw_smp_processor_id();

	while (items > 1) {
		long res = atomic_long_add_return(inc, &item[cpu & (items - 1)].count);

		inc = percpu_counter_tree_carry(res - inc, res, inc, bit_mask);
		if (!inc)
			return;
		item += items;
		items >>= 1;
		bit_mask <<= 1;
	}
	atomic_long_add(inc, counter->root);
}

static long percpu_counter_tree_precise_sum_unbiased(struct percpu_counter_tree *counter)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(counter->level0, cpu);
	return (long)sum;
}

long percpu_counter_tree_precise_sum(struct percpu_counter_tree *counter)
{
	return percpu_counter_tree_precise_sum_unbiased(counter) + READ_ONCE(counter->bias);
}

void percpu_counter_tree_add(struct percpu_counter_tree *counter, long inc)
{
	unsigned long bit_mask = counter->level0_bit_mask;
	long res = this_cpu_add_return(*counter->level0, inc);

	inc = percpu_counter_tree_carry(res - inc, res, inc, bit_mask);
	if (likely(!inc))
		return;
	percpu_counter_tree_add_slowpath(counter, inc);
}

int percpu_counter_tree_init_many(struct percpu_counter_tree *counters,
				  struct percpu_counter_tree_level_item *items,
				  unsigned int nr_counters, unsigned long batch_size, gfp_t gfp)
{
	unsigned int i;

	nr_cpus_order = get_count_order(nr_cpu_ids);
	memset(items, 0, (nr_counters << nr_cpus_order) * sizeof(*items));
	for (i = 0; i < nr_counters; i++) {
		counters[i].level0 = __alloc_percpu_gfp(sizeof(*counters->level0), 8, gfp);
		counters[i].items = items + (i << nr_cpus_order);
		counters[i].root = &counters[i].items[(1 << nr_cpus_order) - 2].count;
		counters[i].level0_bit_mask = batch_size;
		counters[i].bias = 0;
		if (!nr_cpus_order) {
			counters[i].root = (atomic_long_t *)per_cpu_ptr(counters[i].level0, 0);
			counters[i].level0_bit_mask = 0;
		}
	}
	return 0;
}
