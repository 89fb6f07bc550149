vm_fault_t filemap_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	struct page *page;
	pgoff_t index;

	for (index = first; index <= last; index++) {
		page = next_uptodate_page(vmf->vma->vm_file, index);
		if (page)
			do_set_pte(vmf, page, vmf->address + index - first);
	}
	return 0;
}
