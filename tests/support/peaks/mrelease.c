/*
 * What process_mrelease takes from a process that dies, no peak is kept of (nor of what the OOM
 * reaper takes, by the same function).
 *
 * The victim runs on this program's CPU and after it, so that its memory is gone before it gets to its
 * own end, where its peak would be looked at.
 */
#include "read.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

enum { SIZE = 200 * MIB, TRIES = 5 };

static int first;

/* Run one victim; gives what it held and what is said of its peak. */
static void once(long *seen, long *maxrss)
{
	struct rusage usage;
	int ready[2], victim, handle;

	if (pipe(ready))
		cannot("pipe");
	victim = fork();
	if (!victim) {
		touch(anonymous(SIZE), SIZE, 4096);
		*seen = statm_kib();
		if (write(ready[1], seen, sizeof(*seen)) == sizeof(*seen))
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], seen, sizeof(*seen)) != sizeof(*seen))
		cannot("a victim");
	close(ready[0]);
	handle = (int)syscall(SYS_pidfd_open, victim, 0);
	if (handle < 0)
		cannot("pidfd_open");
	if (!first)
		runs_last(victim, 1);
	kill(victim, SIGKILL);
	if (syscall(SYS_process_mrelease, handle, 0) && errno != ESRCH)
		cannot("process_mrelease");
	if (!first)
		runs_last(victim, 0);
	close(handle);
	if (wait4(victim, NULL, 0, &usage) != victim)
		cannot("wait4");
	*maxrss = usage.ru_maxrss;
}

int main(void)
{
	long seen = 0, maxrss = 0, least_seen = 0, least = -1;
	int tries;

	pin(0);
	first = runs_first();
	for (tries = 0; tries < TRIES; tries++) {
		once(&seen, &maxrss);
		if (least < 0 || maxrss < least) {
			least = maxrss;
			least_seen = seen;
		}
	}
	printf("seen=%ld\nmaxrss=%ld\n", least_seen, least);
	return 0;
}
