struct percpu_counter_tree_level_item {
	atomic_long_t count;
} ____cacheline_aligned_in_smp;

struct percpu_counter_tree {
	unsigned long __percpu *level0;
	struct percpu_counter_tree_level_item *items;
	atomic_long_t *root;
	unsigned long level0_bit_mask;
	long bias;
};

static inline long percpu_counter_tree_approximate_sum(struct percpu_counter_tree *counter)
{
	return atomic_long_read(counter->root) + READ_ONCE(counter->bias);
}

static inline long percpu_counter_tree_approximate_sum_positive(struct percpu_counter_tree *counter)
{
	long sum = percpu_counter_tree_approximate_sum(counter);

	return sum < 0 ? 0 : sum;
}

static inline long percpu_counter_tree_precise_sum_positive(struct percpu_counter_tree *counter)
{
	long sum = percpu_counter_tree_precise_sum(counter);

	return sum < 0 ? 0 : sum;
}
