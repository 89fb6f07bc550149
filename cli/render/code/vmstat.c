/*
 * Drives nr_anon_pages of /proc/vmstat to its largest error, and measures it.
 *
 *     cc -O1 -static -pthread -o witness witness.c && ./witness
 *
 * libc only; needs root. Prints key=value lines. All sizes are in pages; every error is precise -
 * approximate, above 0 if the file is too low. Exit 0 if measured (with any result), 1 if it could
 * not be measured.
 *
 * Each CPU keeps a difference for each node until it exceeds the node's threshold. A thread on each
 * CPU maps (over: unmaps) as many pages of each node as the threshold, one at a time, and then spins,
 * because an idle CPU flushes its differences. Each CPU also flushes them once per vm.stat_interval,
 * one second by default. Such a flush, or pages of other processes, disturb a run, which then shows
 * less (or more, if others freed pages meanwhile) and is repeated.
 *
 * bound was computed when the program was written; bound_here is the number of CPUs times the
 * thresholds of this machine's nodes, from /proc/zoneinfo. A node has the largest threshold of its
 * zones.
 *
 * The precise value is the same file after a write to /proc/sys/vm/stat_refresh, which adds the
 * differences of all CPUs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* @PARAMETERS@ */

enum {
	MASK_BITS = 1 << 16,
	NODES = 1024,
	MOST = 127, /* largest threshold: differences have 8 bits */
	TRIES = 200, /* a try takes a few milliseconds */
	STACK = 64 << 10,
	TEXT = 1 << 20,
	BIND = 2, /* MPOL_BIND */
};

/* The next step of all threads, and the number of threads that have done it. */
enum step { REST, MAP, UNMAP, UPDATE, SPIN, STOP };

static _Atomic int step, arrived;
static long page_size;
static int threshold[NODES], thresholds; /* of a node, 0 if it has no memory; their sum */
static char *pages[WITNESS_CPUS];
static char text[TEXT];
static char stacks[WITNESS_CPUS][STACK] __attribute__((aligned(4096)));

static void fail(const char *what)
{
	printf("failed=%s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static void read_text(const char *path)
{
	size_t used = 0;
	ssize_t got;
	int file = open(path, O_RDONLY);

	if (file < 0)
		fail(path);
	while (used < sizeof(text) - 1 && (got = read(file, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)got;
	close(file);
	text[used] = 0;
}

static long counted(void)
{
	static const char key[] = "\nnr_anon_pages ";
	char *at;

	read_text("/proc/vmstat");
	at = strstr(text, key);
	if (!at)
		fail("nr_anon_pages is not in /proc/vmstat");
	return atol(at + strlen(key));
}

/* Add the differences of all CPUs. */
static void refresh(void)
{
	int file = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	/* It also returns EINVAL if a counter is below 0, after adding all of them. */
	if (file < 0 || (write(file, "1", 1) != 1 && errno != EINVAL))
		fail("cannot write to /proc/sys/vm/stat_refresh");
	close(file);
}

/* A node's threshold is the largest of its zones with pages. */
static void read_thresholds(void)
{
	int node = -1, value, at;
	long managed = 0;
	char *line;

	read_text("/proc/zoneinfo");
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "Node %d, zone", &node) == 1)
			managed = 0;
		sscanf(line, " managed %ld", &managed);
		if (sscanf(line, " vm stats threshold: %d", &value) == 1 && managed && node < NODES &&
		    value > threshold[node])
			threshold[node] = value;
	}
	for (at = 0; at < NODES; at++)
		thresholds += threshold[at];
	if (!thresholds)
		fail("no threshold in /proc/zoneinfo");
}

/* ---- one thread on each CPU */

static void run_on(int cpu)
{
	unsigned long mask[MASK_BITS / (8 * sizeof(long))] = { 0 };
	const int bits = 8 * sizeof(long);

	mask[cpu / bits] = 1UL << cpu % bits;
	if (syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask))
		fail("cannot run on a CPU of the witness");
}

static void bind_to(int node)
{
	unsigned long mask[NODES / (8 * sizeof(long)) + 1] = { 0 };
	const int bits = 8 * sizeof(long);

	mask[node / bits] = 1UL << node % bits;
	/* A kernel without NUMA has no memory policies, and one node. */
	if (syscall(SYS_set_mempolicy, BIND, mask, (long)NODES + 1) && errno != ENOSYS)
		fail("cannot allocate from a node");
}

/* Touch pages of a thread: for each node, as many as its threshold. */
static void touch(char *start)
{
	int node, at;

	for (node = 0; node < NODES; node++) {
		if (threshold[node])
			bind_to(node);
		for (at = 0; at < threshold[node]; at++, start += page_size)
			*start = 1;
	}
}

static void unmap(char *start)
{
	if (madvise(start, (size_t)(thresholds * page_size), MADV_DONTNEED))
		fail("madvise");
}

static void do_step(int now, char *own)
{
	if (now == MAP || (now == UPDATE && *SIDE == 'u'))
		touch(own);
	else if (now == UNMAP || now == UPDATE)
		unmap(own);
}

static void *thread_main(void *number)
{
	int at = (int)(long)number, seen = REST, now;

	run_on(ON_CPU[at]);
	for (;;) {
		while ((now = atomic_load(&step)) == seen)
			; /* the CPU must not become idle */
		seen = now;
		if (now == STOP)
			return NULL;
		do_step(now, pages[at]);
		atomic_fetch_add(&arrived, 1);
	}
}

/* Let all threads do a step; the main thread sleeps meanwhile. */
static void all(int next)
{
	static const struct timespec moment = { 0, 100000 };

	atomic_store(&arrived, 0);
	atomic_store(&step, next);
	while (atomic_load(&arrived) < WITNESS_CPUS)
		nanosleep(&moment, NULL);
}

static void start_threads(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	long at;

	pthread_attr_init(&attributes);
	for (at = 0; at < WITNESS_CPUS; at++) {
		pages[at] = mmap(NULL, (size_t)(thresholds * page_size), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (pages[at] == MAP_FAILED)
			fail("cannot reserve memory");
		memset(stacks[at], 0, STACK);
		pthread_attr_setstack(&attributes, stacks[at], STACK);
		errno = pthread_create(&thread, &attributes, thread_main, (void *)at);
		if (errno)
			fail("cannot start a thread");
	}
}

struct result {
	long before, approximate, precise, updates;
};

/* Update on all CPUs; the value before is precise. */
static void measure(struct result *result)
{
	int under = *SIDE == 'u';

	all(under ? UNMAP : MAP);
	all(SPIN);
	refresh();
	result->before = counted();
	all(UPDATE);
	result->approximate = counted();
	refresh();
	result->precise = counted();
	result->updates = (under ? 1L : -1L) * thresholds * WITNESS_CPUS;
	all(REST);
}

static void print(const struct result *result, int tries)
{
	struct utsname kernel;

	uname(&kernel);
	printf("kernel=%s\ndesign=%s\nside=%s\n", kernel.release, DESIGN, SIDE);
	printf("page_size=%ld\ncpus=%d\nthresholds=%d\n", page_size, WITNESS_CPUS, thresholds);
	printf("bound=%ld\nbound_here=%d\n", BOUND, thresholds * WITNESS_CPUS);
	printf("tries=%d\nupdates=%ld\n", tries, result->updates);
	printf("before=%ld\napproximate=%ld\nprecise=%ld\n", result->before, result->approximate,
	       result->precise);
	printf("changed=%ld\nerror=%ld\n", result->precise - result->before,
	       result->precise - result->approximate);
}

/* Nothing else changed the counter, and the error is the whole bound. */
static int reached(const struct result *result)
{
	return result->precise - result->before == result->updates &&
	       result->precise - result->approximate == result->updates;
}

int main(void)
{
	struct result result;
	int tries = 0;

	page_size = sysconf(_SC_PAGESIZE);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* a huge page exceeds any threshold */
	read_thresholds();
	start_threads();
	all(MAP); /* creates the page tables, which stay */
	all(REST);
	do
		measure(&result);
	while (!reached(&result) && ++tries < TRIES);
	print(&result, tries + 1);
	fflush(stdout);
	_exit(0);
}
