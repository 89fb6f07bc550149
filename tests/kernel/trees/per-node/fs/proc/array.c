static int do_task_stat(struct seq_file *m, struct task_struct *task, int whole)
{
	struct mm_struct *mm = get_task_mm(task);
	unsigned long vsize = 0;
	char state = *get_task_state(task);

	if (mm)
		vsize = task_vsize(mm);
	if (whole) {
		struct task_struct *t = task;

		do {
			vsize += t->extra;
		} while_each_thread(task, t);
	}
	seq_putc(m, state);
	seq_put_decimal_ull(m, " ", vsize);
	seq_put_decimal_ull(m, " ", mm ? get_mm_rss(mm) : 0);
	seq_putc(m, '\n');
	return 0;
}
