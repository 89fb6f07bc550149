/*
 * What other threads map while one takes memory away, no peak is kept of: the kernel looks once,
 * before the first page goes.
 *
 * One thread takes 128 MiB away. The other waits until that has begun, moves to the same CPU, where it
 * runs first, and maps 128 MiB more: there were nearly 256.
 */
#include "read.h"

#include <pthread.h>

enum { SIZE = 128 * MIB };

static char *taken;
static volatile pid_t taker;
static int first;

static void *take(void *unused)
{
	pin(0);
	if (!first)
		runs_last(0, 1);
	taker = (pid_t)syscall(SYS_gettid);
	madvise(taken, SIZE, MADV_DONTNEED);
	return unused;
}

/* Give the most that was seen while one thread took memory away and this one mapped some. */
static long once(char *mapped)
{
	long before, seen;
	pthread_t thread;

	touch(taken, SIZE, 4096);
	before = statm_kib();
	if (pthread_create(&thread, NULL, take, NULL))
		cannot("pthread_create");
	while (!taker || statm_kib() >= before)
		sched_yield();
	pin(0);
	if (madvise(mapped, SIZE, MADV_POPULATE_READ))
		cannot("MADV_POPULATE_READ");
	seen = statm_kib();
	if (!first)
		runs_last(taker, 0);
	pthread_join(thread, NULL);
	return seen;
}

int main(void)
{
	int file = memfd_create("pages", 0);
	char *mapped;
	size_t at;
	long seen;

	if (file < 0 || ftruncate(file, SIZE))
		cannot("memfd_create");
	for (at = 0; at < SIZE; at += sizeof(text))
		if (write(file, text, sizeof(text)) != sizeof(text))
			cannot("write");
	mapped = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
	if (mapped == MAP_FAILED)
		cannot("mmap");
	taken = anonymous(SIZE);
	pin(1);
	first = runs_first();
	seen = once(mapped);
	printf("seen=%ld\nhwm=%ld\n", seen, status_kib("VmHWM:"));
	return 0;
}
