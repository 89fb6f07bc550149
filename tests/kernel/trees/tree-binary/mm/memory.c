void mm_trace_rss_stat(struct mm_struct *mm, int member)
{
	trace_rss_stat(mm, member);
}

static inline void init_rss_vec(int *rss)
{
	memset(rss, 0, sizeof(int) * NR_MM_COUNTERS);
}

static inline void add_mm_rss_vec(struct mm_struct *mm, int *rss)
{
	int member;

	for (member = 0; member < NR_MM_COUNTERS; member++)
		if (rss[member])
			add_mm_counter(mm, member, rss[member]);
}

static unsigned long fault_around_pages __read_mostly =
	65536 >> PAGE_SHIFT;

static int fault_around_bytes_set(void *data, u64 val)
{
	if (val / PAGE_SIZE > PTRS_PER_PTE)
		return -EINVAL;
	fault_around_pages = max(rounddown_pow_of_two(val) >> PAGE_SHIFT, 1UL);
	return 0;
}

static vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	if (anon_vma_prepare(vma))
		return VM_FAULT_OOM;
	inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
	return 0;
}

static vm_fault_t wp_page_copy(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct page *old = vmf->page;

	if (old) {
		if (!PageAnon(old)) {
			dec_mm_counter(mm, mm_counter_file(old));
			inc_mm_counter(mm, MM_ANONPAGES);
		}
	} else {
		inc_mm_counter(mm, MM_ANONPAGES);
	}
	return 0;
}

vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct page *page = lookup_swap_cache(vmf);

	if (!page)
		return VM_FAULT_RETRY;
	inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
	dec_mm_counter(vma->vm_mm, MM_SWAPENTS);
	return 0;
}

void do_set_pte(struct vm_fault *vmf, struct page *page, unsigned long addr)
{
	struct vm_area_struct *vma = vmf->vma;
	bool write = vmf->flags & FAULT_FLAG_WRITE;

	if (write && !(vma->vm_flags & VM_SHARED))
		inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
	else
		inc_mm_counter(vma->vm_mm, mm_counter_file(page));
	set_pte_at(vma->vm_mm, addr, vmf->pte, vmf->entry);
}

vm_fault_t finish_fault(struct vm_fault *vmf)
{
	do_set_pte(vmf, vmf->page, vmf->address);
	return 0;
}

static vm_fault_t do_fault_around(struct vm_fault *vmf)
{
	pgoff_t nr_pages = (READ_ONCE(fault_around_pages));
	pgoff_t first = round_down(vmf->pgoff, nr_pages);
	pgoff_t last = min(first + nr_pages - 1, vmf->vma->vm_last);

	return vmf->vma->vm_ops->map_pages(vmf, first, last);
}

static inline bool should_fault_around(struct vm_fault *vmf)
{
	return vmf->vma->vm_ops->map_pages && (READ_ONCE(fault_around_pages)) > 1;
}

vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags)
{
	count_vm_event(PGFAULT);
	if (unlikely(is_vm_hugetlb_page(vma)))
		return hugetlb_fault(vma->vm_mm, vma, address, flags);
	return __handle_mm_fault(vma, address, flags);
}

static void zap_pte_range(struct mm_struct *mm, struct page *page)
{
	int rss[NR_MM_COUNTERS];

	init_rss_vec(rss);
	rss[mm_counter(page)]--;
	add_mm_rss_vec(mm, rss);
}
