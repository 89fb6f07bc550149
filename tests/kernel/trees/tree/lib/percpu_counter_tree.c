#define MAX_NR_LEVELS 5

struct counter_config {
	unsigned int nr_items;
	unsigned char nr_levels;
	unsigned char n_arity_order[MAX_NR_LEVELS];
};

/* fan-ins by the order of the number of CPUs */
static const struct counter_config per_nr_cpu_order_config[] = {
	[0] = { .nr_items = 0, .nr_levels = 0, .n_arity_order = { 0 } },
	[1] = { .nr_items = 1, .nr_levels = 1, .n_arity_order = { 1 } },
	[2] = { .nr_items = 3, .nr_levels = 2, .n_arity_order = { 1, 1 } },
	[3] = { .nr_items = 7, .nr_levels = 3, .n_arity_order = { 1, 1, 1 } },
	[4] = { .nr_items = 7, .nr_levels = 3, .n_arity_order = { 2, 1, 1 } },
	[5] = { .nr_items = 11, .nr_levels = 3, .n_arity_order = { 2, 2, 1 } },
	[6] = { .nr_items = 21, .nr_levels = 3, .n_arity_order = { 2, 2, 2 } },
};

static const struct counter_config *counter_config;
static unsigned int nr_cpus_order, accuracy_multiplier;

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
	unsigned int arity = counter_config->n_arity_order[0];
	unsigned int items = 1U << (nr_cpus_order - arity);
	unsigned long bit_mask = counter->level0_bit_mask << arity;
	unsigned int cpu = raw_smp_processor_id();
	unsigned int level;

	for (level = 1; level < counter_config->nr_levels; level++) {
		long res = atomic_long_add_return_relaxed(inc, &item[cpu & (items - 1)].count);

		inc = percpu_counter_tree_carry(res - inc, res, inc, bit_mask);
		if (!inc)
			return;
		item += items;
		arity = counter_config->n_arity_order[level];
		items >>= arity;
		bit_mask <<= arity;
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

static void percpu_counter_tree_set_bias(struct percpu_counter_tree *counter, long bias)
{
	WRITE_ONCE(counter->bias, bias);
}

int percpu_counter_tree_init_many(struct percpu_counter_tree *counters,
				  struct percpu_counter_tree_level_item *items,
				  unsigned int nr_counters, unsigned long batch_size, gfp_t gfp)
{
	unsigned int i;

	if (batch_size < 2 || !is_power_of_2(batch_size))
		return -EINVAL;
	memset(items, 0, nr_counters * counter_config->nr_items * sizeof(*items));
	for (i = 0; i < nr_counters; i++) {
		struct percpu_counter_tree *counter = &counters[i];

		counter->level0 = __alloc_percpu_gfp(sizeof(*counter->level0), 8, gfp);
		counter->items = items + i * counter_config->nr_items;
		counter->root = &counter->items[counter_config->nr_items - 1].count;
		counter->level0_bit_mask = batch_size;
		if (!nr_cpus_order) {
			counter->root = (atomic_long_t *)per_cpu_ptr(counter->level0, 0);
			counter->level0_bit_mask = 0;
		}
		percpu_counter_tree_set_bias(counter, 0);
	}
	return 0;
}

int __init percpu_counter_tree_subsystem_init(void)
{
	nr_cpus_order = get_count_order(nr_cpu_ids);
	if (nr_cpus_order >= ARRAY_SIZE(per_nr_cpu_order_config))
		return -EINVAL;
	counter_config = &per_nr_cpu_order_config[nr_cpus_order];
	return 0;
}
