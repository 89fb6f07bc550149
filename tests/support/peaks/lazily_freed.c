/*
 * A huge page that was freed lazily can be discarded without a look at the peak.
 *
 * Pages are freed lazily if they are given up by MADV_FREE, or if they are of a MAP_DROPPABLE
 * mapping. Reclaim, here that of MADV_PAGEOUT, discards a whole huge page at once
 * (__discard_anon_folio_pmd_locked), or splits its mapping and discards its pages one by one
 * (try_to_unmap_one). Only the second looks at the peak. `splits` tells them apart: thp_split_pmd
 * of the whole machine.
 *
 * MADV_FREE looks as well, so what it gives up is missed only where the process grows afterwards.
 */
#include "read.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08 /* since 6.11 */
#endif

enum { HUGE = 2 * MIB, COUNT = 50, SIZE = HUGE * COUNT };

static char *huge_pages(int flags)
{
	char *at = mmap(NULL, SIZE + HUGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	long before = statm_kib();

	if (at == MAP_FAILED)
		return NULL;
	at += (HUGE - (unsigned long)at % HUGE) % HUGE;
	if (madvise(at, SIZE, MADV_HUGEPAGE))
		cannot("MADV_HUGEPAGE");
	touch(at, SIZE, HUGE);
	if (statm_kib() < before + SIZE / KIB * 9 / 10)
		cannot("huge pages");
	return at;
}

static long splits(void)
{
	const char *key = "thp_split_pmd ", *at;

	read_text("/proc/vmstat");
	at = strstr(text, key);
	return at ? atol(at + strlen(key)) : 0;
}

static void discard(const char *name, char *pages)
{
	long seen = statm_kib(), before = splits();

	if (madvise(pages, SIZE, MADV_PAGEOUT))
		cannot("MADV_PAGEOUT");
	if (statm_kib() > seen - SIZE / KIB / 2)
		cannot("reclaim");
	printf("%s_splits=%ld\n", name, splits() - before);
	printf("%s_seen=%ld\n%s_hwm=%ld\n", name, seen, name, status_kib("VmHWM:"));
}

int main(void)
{
	char *droppable = huge_pages(MAP_DROPPABLE), *given_up;

	if (droppable)
		discard("droppable", droppable);
	given_up = huge_pages(MAP_PRIVATE);
	if (!given_up || madvise(given_up, SIZE, MADV_FREE))
		cannot("MADV_FREE");
	if (!huge_pages(MAP_PRIVATE))
		cannot("mmap");
	discard("free", given_up);
	printf("huge_pages=%d\nmaxrss=%ld\n", COUNT, maxrss_kib());
	return 0;
}
