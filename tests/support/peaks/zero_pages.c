/*
 * Pages that KSM replaces by the zero page fall out of RSS, and no peak is kept before
 * (replace_page).
 *
 * 32 MiB of anonymous pages are touched and hold nothing. KSM finds that with its setting
 * use_zero_pages, which takes root; it looks at a page twice.
 */
#include "setting.h"

#define KSM "/sys/kernel/mm/ksm/"

enum { SIZE = 32 * MIB, ENOUGH = SIZE / KIB * 9 / 10, TICK = 20000 };

int main(void)
{
	long seen, now;
	char *pages;

	pages = anonymous(SIZE);
	set(KSM "use_zero_pages", "1");
	set(KSM "pages_to_scan", "20000");
	set(KSM "run", "1");
	memset(pages, 1, SIZE);
	memset(pages, 0, SIZE);
	seen = statm_kib();
	if (madvise(pages, SIZE, MADV_MERGEABLE))
		cannot("MADV_MERGEABLE");
	do {
		usleep(TICK);
		now = statm_kib();
	} while (now > seen - ENOUGH);
	put_back();
	printf("seen=%ld\nhwm=%ld\n", seen, status_kib("VmHWM:"));
	return 0;
}
