/*
 * Moves pages as it is told, so that another process can read all files of it while nothing moves.
 *
 * A line "KIND CPU PAGES" has it go to a CPU and map or take away pages there, one by one: KIND a is
 * anonymous, s is shmem; PAGES below 0 are taken away. It answers with its ru_maxrss, in KiB.
 */
#include "read.h"

enum { PAGE = 4096, MOST = 4096 };

static struct pool {
	char *pages;
	long used;
} anon, shmem;

static void move(struct pool *pool, long count)
{
	for (; count > 0 && pool->used < MOST; count--)
		pool->pages[pool->used++ * PAGE] = 1;
	for (; count < 0 && pool->used > 0; count++)
		madvise(pool->pages + --pool->used * PAGE, PAGE, MADV_DONTNEED);
}

static void go(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		cannot("sched_setaffinity");
}

int main(void)
{
	static char line[64], answer[32];
	int file = memfd_create("pages", 0), length;
	ssize_t got;
	char *end;
	long cpu;

	if (file < 0 || ftruncate(file, (off_t)MOST * PAGE))
		cannot("memfd_create");
	anon.pages = anonymous((size_t)MOST * PAGE);
	shmem.pages = mmap(NULL, (size_t)MOST * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (shmem.pages == MAP_FAILED)
		cannot("mmap");
	while ((got = read(0, line, sizeof(line) - 1)) > 0) {
		line[got] = 0;
		cpu = strtol(line + 1, &end, 10);
		go((int)cpu);
		move(line[0] == 's' ? &shmem : &anon, strtol(end, NULL, 10));
		length = snprintf(answer, sizeof(answer), "%ld\n", maxrss_kib());
		if (write(1, answer, (size_t)length) != length)
			return 1;
	}
	return 0;
}
