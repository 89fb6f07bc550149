/*
 * What `interfaces --probe` measures, without an interpreter: on CPU 0, map single pages until
 * field 24 of /proc/self/stat has risen three times, then unmap them one by one until it has fallen;
 * with one thread, then with a second one that sleeps. Prints the reads in pages, one line a series.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 4096, RISES = 3 };

static long rising[PAGES + 1], falling[PAGES + 1];
static int stat_file;

static long rss(void)
{
	static char text[4096];
	ssize_t got = pread(stat_file, text, sizeof(text) - 1, 0);
	char *at;
	int field;

	if (got <= 0)
		exit(1);
	text[got] = 0;
	at = strrchr(text, ')') + 1;
	for (field = 2; field < 24; field++)
		at = strchr(at, ' ') + 1;
	return atol(at);
}

static void print(const char *name, const char *threads, const long *reads, int last)
{
	int at;

	printf("%s_%s=", name, threads);
	for (at = 0; at <= last; at++)
		printf("%s%ld", at ? " " : "", reads[at]);
	printf("\n");
}

static void series(const char *threads)
{
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	int mapped = 0, unmapped = 0, seen = 0;

	if (memory == MAP_FAILED)
		exit(1);
	madvise(memory, PAGES * page, MADV_NOHUGEPAGE); /* refused where there are none */
	rising[0] = rss();
	while (mapped < PAGES && seen < RISES) {
		memory[mapped++ * page] = 1;
		rising[mapped] = rss();
		seen += rising[mapped] != rising[mapped - 1];
	}
	falling[0] = rss();
	while (unmapped < mapped && falling[unmapped] >= falling[0]) {
		madvise(memory + (mapped - ++unmapped) * page, page, MADV_DONTNEED);
		falling[unmapped] = rss();
	}
	munmap(memory, PAGES * page);
	if (threads) {
		print("rising", threads, rising, mapped);
		print("falling", threads, falling, unmapped);
	}
}

static void *sleeper(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	pthread_t thread;
	cpu_set_t first;

	memset(rising, 1, sizeof(rising)); /* their pages are mapped before */
	memset(falling, 1, sizeof(falling));
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first))
		return 1;
	stat_file = open("/proc/self/stat", O_RDONLY);
	series(NULL); /* once in vain, for what the program itself still needs */
	series("alone");
	if (pthread_create(&thread, NULL, sleeper, NULL))
		return 1;
	usleep(100000);
	series(NULL);
	series("threaded");
	return 0;
}
