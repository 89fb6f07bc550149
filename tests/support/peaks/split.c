/*
 * A huge page of shmem that is split falls out of RSS, and no peak is kept before.
 *
 * One thread maps 100 huge pages of a tmpfs by a fault each, so that nothing has fallen yet and no
 * peak is stored, and then protects the last page of each: the kernel cannot keep the mapping of a
 * huge page, drops it, and waits for faults to map its pages one by one (__split_huge_pmd_locked).
 *
 * FOLDER is of a tmpfs mounted with huge=always.
 */
#include "read.h"

enum { HUGE = 2 * MIB, COUNT = 100 };

int main(int count, char **arguments)
{
	char *at, *whole;
	int file, i;
	long seen;

	file = count > 1 ? open(arguments[1], O_TMPFILE | O_RDWR, 0600) : -1;
	if (file < 0 || ftruncate(file, (off_t)HUGE * COUNT))
		cannot("a file in FOLDER");
	whole = mmap(NULL, (size_t)HUGE * (COUNT + 1), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	at = whole + (HUGE - (unsigned long)whole % HUGE) % HUGE;
	at = mmap(at, (size_t)HUGE * COUNT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
	if (at == MAP_FAILED)
		cannot("mmap");
	touch(at, (size_t)HUGE * COUNT, HUGE);
	seen = statm_kib();
	if (seen < HUGE / KIB * COUNT)
		cannot("huge pages");
	for (i = 0; i < COUNT; i++)
		if (mprotect(at + (size_t)HUGE * (i + 1) - 4096, 4096, PROT_READ))
			cannot("mprotect");
	printf("seen=%ld\nhwm=%ld\nmaxrss=%ld\n", seen, status_kib("VmHWM:"), maxrss_kib());
	return 0;
}
