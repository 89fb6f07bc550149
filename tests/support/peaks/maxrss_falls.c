/*
 * ru_maxrss falls while RSS does not: copies on write take pages of a file and add anonymous ones. No
 * peak is kept before, and the two counters hand their caches on at different moments.
 *
 * FILE has 512 pages or more.
 */
#include "read.h"

enum { PAGE = 4096, PAGES = 512, ROUND = 64 };

static long largest_maxrss, maxrss_fell, largest_rss, rss_fell;

static void look(void)
{
	long maxrss = maxrss_kib(), rss = statm_kib();

	largest_maxrss = maxrss > largest_maxrss ? maxrss : largest_maxrss;
	largest_rss = rss > largest_rss ? rss : largest_rss;
	maxrss_fell = largest_maxrss - maxrss > maxrss_fell ? largest_maxrss - maxrss : maxrss_fell;
	rss_fell = largest_rss - rss > rss_fell ? largest_rss - rss : rss_fell;
}

int main(int count, char **arguments)
{
	int file = count > 1 ? open(arguments[1], O_RDONLY) : -1, page;
	size_t size = (size_t)maxrss_kib() * KIB + 8 * MIB;
	char *pages, *more = anonymous(PAGES * PAGE);

	pin(0);
	pages = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	if (file < 0 || pages == MAP_FAILED)
		cannot("FILE");
	madvise(pages, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
	if (madvise(pages, (size_t)PAGES * PAGE, MADV_POPULATE_READ))
		cannot("MADV_POPULATE_READ");
	touch(anonymous(size), size, PAGE); /* more than ru_maxrss has from before exec */
	for (page = 0; page < PAGES; page++) {
		pages[(size_t)page * PAGE] = 1;
		if (page % ROUND == 0) /* or the caches might be handed on in step */
			more[(size_t)page * PAGE] = 1;
		look();
	}
	printf("maxrss_fell=%ld\nrss_fell=%ld\n", maxrss_fell, rss_fell);
	return 0;
}
