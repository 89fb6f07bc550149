/*
 * Threads that hold pages: five touch fifty each, which is less than a thread may keep back on kernels
 * that count by thread, and then nothing changes any more.
 *
 * Prints key=value lines, pages: what smaps_rollup says before and after, and field 24 of stat.
 */
#include "read.h"

#include <pthread.h>

enum { THREADS = 5, KEPT = 50, PAGE = 4096 };

static char *pages[THREADS];
static pthread_barrier_t step;

static void *hold(void *own)
{
	pthread_barrier_wait(&step);
	touch(own, (size_t)KEPT * PAGE, PAGE);
	pthread_barrier_wait(&step);
	for (;;)
		pause();
	return NULL;
}

static long walked(void)
{
	read_text("/proc/self/smaps_rollup");
	return atol(strstr(text, "Rss:") + 4) * KIB / PAGE;
}

int main(void)
{
	pthread_t thread;
	long before;
	int i;

	memset(text, 1, sizeof(text));
	pthread_barrier_init(&step, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++) {
		pages[i] = anonymous((size_t)KEPT * PAGE);
		if (pthread_create(&thread, NULL, hold, pages[i]))
			cannot("pthread_create");
	}
	printf("threads=%d\nkept=%d\n", THREADS + 1, THREADS * KEPT);
	usleep(200000);
	before = walked();
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	printf("before=%ld\nafter=%ld\n", before, walked());
	printf("stat=%ld\n", stat_kib() * KIB / PAGE);
	fflush(stdout);
	for (;;)
		pause();
}
