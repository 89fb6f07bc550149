static LIST_HEAD(percpu_counters);
static DEFINE_SPINLOCK(percpu_counters_lock);

#ifdef CONFIG_HAVE_CMPXCHG_LOCAL
void percpu_counter_add_batch(struct percpu_counter *fbc, s64 amount, s32 batch)
{
	unsigned long flags;
	s64 old = this_cpu_read(*fbc->counters);

	do {
		if (unlikely(abs(old + amount) >= batch)) {
			raw_spin_lock_irqsave(&fbc->lock, flags);
			/* this may be another CPU by now */
			old = __this_cpu_read(*fbc->counters);
			fbc->count += old + amount;
			__this_cpu_sub(*fbc->counters, old);
			raw_spin_unlock_irqrestore(&fbc->lock, flags);
			return;
		}
	} while (!this_cpu_try_cmpxchg(*fbc->counters, &old, old + amount));
}
#else
void percpu_counter_add_batch(struct percpu_counter *fbc, s64 amount, s32 batch)
{
	unsigned long flags;
	s64 cached;

	local_irq_save(flags);
	cached = __this_cpu_read(*fbc->counters) + amount;
	if (abs(cached) < batch) {
		this_cpu_add(*fbc->counters, amount);
	} else {
		raw_spin_lock(&fbc->lock);
		fbc->count += cached;
		__this_cpu_sub(*fbc->counters, cached - amount);
		raw_spin_unlock(&fbc->lock);
	}
	local_irq_restore(flags);
}
#endif

s64 __percpu_counter_sum(struct percpu_counter *fbc)
{
	unsigned long flags;
	s64 sum;
	int cpu;

	raw_spin_lock_irqsave(&fbc->lock, flags);
	sum = fbc->count;
	for_each_cpu_or(cpu, cpu_online_mask, cpu_dying_mask)
		sum += *per_cpu_ptr(fbc->counters, cpu);
	raw_spin_unlock_irqrestore(&fbc->lock, flags);
	return sum;
}

int __percpu_counter_init_many(struct percpu_counter *fbc, s64 amount, gfp_t gfp, u32 nr_counters)
{
	s32 __percpu *counters = __alloc_percpu_gfp(nr_counters * sizeof(*counters), 4, gfp);
	u32 i;

	if (!counters)
		return -ENOMEM;
	for (i = 0; i < nr_counters; i++) {
		raw_spin_lock_init(&fbc[i].lock);
		fbc[i].count = amount;
		fbc[i].counters = counters + i;
		list_add(&fbc[i].list, &percpu_counters);
	}
	return 0;
}

int percpu_counter_batch __read_mostly = 32;

static int compute_batch_value(unsigned int cpu)
{
	int nr = num_online_cpus();

	percpu_counter_batch = max(32, nr * 2);
	return 0;
}

static int percpu_counter_cpu_dead(unsigned int cpu)
{
#ifdef CONFIG_HOTPLUG_CPU
	struct percpu_counter *fbc;

	compute_batch_value(cpu);
	spin_lock_irq(&percpu_counters_lock);
	list_for_each_entry(fbc, &percpu_counters, list) {
		s32 *cached = per_cpu_ptr(fbc->counters, cpu);

		raw_spin_lock(&fbc->lock);
		fbc->count += *cached;
		*cached = 0;
		raw_spin_unlock(&fbc->lock);
	}
	spin_unlock_irq(&percpu_counters_lock);
#endif
	return 0;
}

static int __init percpu_counter_startup(void)
{
	int online = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "lib/percpu_cnt:online",
				       compute_batch_value, NULL);
	int dead = cpuhp_setup_state_nocalls(CPUHP_PERCPU_CNT_DEAD, "lib/percpu_cnt:dead", NULL,
					     percpu_counter_cpu_dead);

	WARN_ON(online < 0 || dead < 0);
	return 0;
}
module_init(percpu_counter_startup);
