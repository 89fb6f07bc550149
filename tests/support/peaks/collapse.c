/*
 * What khugepaged collapses in a file falls out of RSS until it is touched again, and no peak is kept
 * before (collapse_pte_mapped_thp, of which an abort does the same to a part of a huge page).
 *
 * Huge pages of a tmpfs are mapped and split, and their small pages touched. khugepaged finds
 * that they are huge pages, and drops the table of each.
 *
 * FOLDER is of a tmpfs mounted with huge=always. The settings of khugepaged take root.
 */
#include "setting.h"

#define KHUGEPAGED "/sys/kernel/mm/transparent_hugepage/khugepaged/"

enum { HUGE = 2 * MIB, COUNT = 32, SIZE = HUGE * COUNT, TICK = 20000 };

static char *huge_pages(const char *folder)
{
	int file = open(folder, O_TMPFILE | O_RDWR, 0600);
	char *at, *whole;

	if (file < 0 || ftruncate(file, SIZE))
		cannot("a file in FOLDER");
	whole = mmap(NULL, SIZE + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	at = whole + (HUGE - (unsigned long)whole % HUGE) % HUGE;
	at = mmap(at, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
	if (at == MAP_FAILED || madvise(at, SIZE, MADV_HUGEPAGE))
		cannot("MADV_HUGEPAGE");
	touch(at, SIZE, HUGE);
	return at;
}

/* Protect the first small page of each huge one, which splits it, or give it back. */
static void edges(char *at, int protection)
{
	int i;

	for (i = 0; i < COUNT; i++)
		if (mprotect(at + (size_t)HUGE * i, 4096, protection))
			cannot("mprotect");
}

int main(int count, char **arguments)
{
	char *at = huge_pages(count > 1 ? arguments[1] : ".");
	long seen;
	int i;

	edges(at, PROT_READ);
	for (i = 0; i < SIZE; i += 4096)
		if (((volatile char *)at)[i] < 0)
			return 1;
	edges(at, PROT_READ | PROT_WRITE);
	seen = statm_kib();
	if (seen < SIZE / KIB)
		cannot("small pages of a huge page");
	set(KHUGEPAGED "scan_sleep_millisecs", "0");
	set(KHUGEPAGED "pages_to_scan", "20000");
	while (statm_kib() > seen - SIZE / KIB / 2)
		usleep(TICK);
	put_back();
	printf("seen=%ld\nhwm=%ld\n", seen, status_kib("VmHWM:"));
	return 0;
}
