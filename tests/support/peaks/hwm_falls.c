/*
 * VmHWM falls: it is the larger of what is stored, which is cheap, and the true RSS of the moment,
 * which is not stored.
 *
 * Pages are touched one by one until the cheap value lacks most. Then they go: what is stored before
 * is the cheap value.
 */
#include "read.h"

enum { PAGE = 4096, CYCLE = 256 };

static char *pages;
static size_t used;

/* Touch a page; gives what the cheap value lacks now. */
static long grow(void)
{
	pages[used++ * PAGE] = 1;
	return statm_kib() - stat_kib();
}

int main(void)
{
	long lacks = 0, most = 0, rss, first, second;

	pin(0);
	pages = anonymous(2 * CYCLE * PAGE);
	status_kib("VmHWM:");
	while (used < CYCLE) {
		lacks = grow();
		most = lacks > most ? lacks : most;
	}
	while (used < 2 * CYCLE && lacks < most)
		lacks = grow();
	rss = status_kib("VmRSS:");
	first = status_kib("VmHWM:");
	madvise(pages, used * PAGE, MADV_DONTNEED);
	second = status_kib("VmHWM:");
	printf("lacks=%ld\nrss=%ld\nfirst=%ld\nsecond=%ld\n", lacks, rss, first, second);
	return 0;
}
