unsigned long badness(struct task_struct *p, unsigned long uptime)
{
	unsigned long points = p->mm->total_vm;
	struct task_struct *child;

	list_for_each_entry(child, &p->children, sibling) {
		if (child->mm != p->mm)
			points += child->mm->total_vm / 2 + 1;
	}
	return points;
}

static void dump_tasks(void)
{
	struct task_struct *g, *p;

	do_each_thread(g, p) {
		printk(KERN_INFO "[%5d] %8lu %8lu\n", p->pid, p->mm->total_vm, get_mm_rss(p->mm));
	} while_each_thread(g, p);
}
