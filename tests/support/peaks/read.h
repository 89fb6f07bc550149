/*
 * What these programs share: reading RSS and its peaks without changing them, and failing.
 *
 * Files are read into static memory. A program prints key=value lines, sizes in KiB; it exits with 0
 * when it has measured, whatever came out, and with 77 where this machine cannot show it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* since 5.14 */
#endif

enum { KIB = 1024, MIB = 1 << 20, CANNOT = 77 };

static char text[8192];

static inline void cannot(const char *what)
{
	printf("cannot=%s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(CANNOT);
}

static inline void read_text(const char *path)
{
	int file = open(path, O_RDONLY);
	ssize_t got = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

	if (got < 0)
		cannot(path);
	close(file);
	text[got] = 0;
}

/* A line of /proc/self/status, in KiB. */
static inline long status_kib(const char *key)
{
	const char *at;

	read_text("/proc/self/status");
	at = strstr(text, key);
	if (!at) {
		errno = ENOENT;
		cannot(key);
	}
	return atol(at + strlen(key));
}

/* The second field of /proc/self/statm. */
static inline long statm_kib(void)
{
	read_text("/proc/self/statm");
	return atol(strchr(text, ' ') + 1) * (sysconf(_SC_PAGESIZE) / KIB);
}

/* Field 24 of /proc/self/stat; the fields are counted behind the name. */
static inline long stat_kib(void)
{
	const char *at;
	int field;

	read_text("/proc/self/stat");
	at = strrchr(text, ')');
	for (field = 2; at && field < 24; field++)
		at = strchr(at + 1, ' ');
	return at ? atol(at + 1) * (sysconf(_SC_PAGESIZE) / KIB) : -1;
}

static inline long maxrss_kib(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		cannot("getrusage");
	return usage.ru_maxrss;
}

static inline void touch(volatile char *from, size_t size, size_t step)
{
	size_t at;

	for (at = 0; at < size; at += step)
		from[at] = 1;
}

static inline char *anonymous(size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		cannot("mmap");
	madvise(at, size, MADV_NOHUGEPAGE);
	return at;
}

/* Run before all others, where this is allowed; gives whether it is. */
static inline int runs_first(void)
{
	struct sched_param first = { .sched_priority = 1 };

	return !sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
}

/* Run a task (0 is the caller) only when no other wants to, or as usual again where that is allowed. */
static inline void runs_last(pid_t task, int last)
{
	struct sched_param none = { 0 };

	if (sched_setscheduler(task, last ? SCHED_IDLE : SCHED_OTHER, &none) && last)
		cannot("SCHED_IDLE");
}

/* Stay on one CPU of those that were allowed at first, the first (0) or the second (1) of them. */
static inline void pin(int which)
{
	static cpu_set_t allowed;
	cpu_set_t one;
	int cpu;

	if (!CPU_COUNT(&allowed) && sched_getaffinity(0, sizeof(allowed), &allowed))
		cannot("sched_getaffinity");
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && !which--)
			break;
	if (cpu == CPU_SETSIZE) {
		errno = ENODEV;
		cannot("a second CPU");
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		cannot("sched_setaffinity");
}
