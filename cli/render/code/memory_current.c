/*
 * Makes memory.current of a memory cgroup as wrong as it can be, and shows by how much.
 *
 *     cc -O1 -static -pthread -o witness witness.c && ./witness
 *
 * libc only, as root. Prints key=value lines; all sizes in pages, every error is precise -
 * approximate: below 0 where the file shows too much. Exit 0 when measured (whatever came out), 1
 * when it could not be measured. Where the memory controller is one of cgroup v1, the number is that
 * of memory.usage_in_bytes, which is the same counter.
 *
 * A charge takes a batch from the cgroup's counter, and what it does not need stays with the CPU,
 * as its stock. A process in a cgroup of its own touches pages on each CPU until the counter jumps
 * by a batch: then the CPU has a batch less the page in stock. The page of a pipe that is closed
 * there goes back to the stock, not to the counter, so that the stock becomes the batch itself. One
 * more would empty it: how many pages are touched after the jump so that just a batch remains is
 * found out before, by trying. What else a pipe is made of is freed late, and a late free of one
 * cgroup can evict the stock of another: so the pipe is opened by this process, which is charged to
 * the root cgroup where it may move there, and only its page is charged to the measured one. With
 * several groups the measured cgroup is the parent of them all, whose counter has the stocks of all.
 *
 * What is precise: what memory.stat counts of the cgroup, once it is up to date. That is proved by
 * returning the stocks: a write to memory.high (to memory.limit_in_bytes) of one page less than is in
 * use returns them before it reclaims anything, and does no more if that was enough. Afterwards both
 * agree, error_after_drain is 0. It also returns whole pages that were paid for kernel objects and
 * hold none; both count these, before and after.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* @PARAMETERS@ */

enum {
	MASK_BITS = 1 << 16,
	SPARE = 8, /* pages touched after the jump, at most */
	TRIES = 3, /* of the whole machine, where something else disturbed one */
	TOUCHES = 2 * BATCH + 2, /* until a jump, at most */
	SETTLE_MS = 100, /* without a change, for a counter that is settled */
	FLUSH_S = 20, /* for memory.stat to be up to date, at most */
	SAME_S = 4, /* seconds without a change; it is brought up to date every two */
};

/* What a process is told to do. */
enum job { RUN_ON, TOUCH, FILL_PIPE, CLOSE_PIPE };

/* The processes that are charged, one in each cgroup. */
static struct charged {
	sem_t asked, done;
	enum job job;
	int cpu, failed, pipe_ends[2];
	size_t size; /* of what it touches in all, in bytes */
	pid_t pid;
	char group[PATH_MAX];
} *charged;

static long page_size;
static char measured[PATH_MAX]; /* the cgroup above them all */
static int v1, usage_file, limit_file;
static char *pages;
static size_t touched;
static char child_stack[1 << 16] __attribute__((aligned(64)));

static void leave(int status)
{
	int at;

	for (at = 0; charged && at < GROUPS; at++) {
		if (charged[at].pid > 0) {
			kill(charged[at].pid, SIGKILL);
			waitpid(charged[at].pid, NULL, 0);
		}
		if (*charged[at].group)
			rmdir(charged[at].group);
	}
	if (*measured)
		rmdir(measured);
	fflush(stdout);
	_exit(status);
}

/* Interrupted: leave no cgroup behind. */
static void stop(int signal_number)
{
	leave(128 + signal_number);
}

static void fail(const char *what, const char *which)
{
	printf("failed=%s %s: %s\n", what, which, strerror(errno));
	leave(1);
}

/* ---- files of the cgroup */

static int open_in(const char *folder, const char *name, int flags)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return open(path, flags);
}

static int write_to(int file, const char *text)
{
	return file >= 0 && pwrite(file, text, strlen(text), 0) == (ssize_t)strlen(text) ? 0 : -1;
}

static int write_in(const char *folder, const char *name, const char *text)
{
	int file = open_in(folder, name, O_WRONLY), failed = write_to(file, text);

	if (file >= 0)
		close(file);
	return failed;
}

/* Pages by the counter. The file stays open: its buffer is there already and charged to nobody. */
static long usage(void)
{
	char text[64] = "";

	if (pread(usage_file, text, sizeof(text) - 1, 0) <= 0)
		fail("cannot read", "the counter");
	return atoll(text) / page_size;
}

/* Bytes of some lines of memory.stat, in pages; of no lines, 0. */
static long stat_pages(const char *const *keys)
{
	static char text[1 << 16];
	int file = open_in(measured, "memory.stat", O_RDONLY);
	ssize_t got = file < 0 ? -1 : read(file, text + 1, sizeof(text) - 2);
	long long bytes = 0;
	char key[64], *at;

	if (got < 0)
		fail("cannot read", "memory.stat");
	close(file);
	text[0] = '\n';
	text[got + 1] = 0;
	for (; *keys; keys++) {
		snprintf(key, sizeof(key), "\n%s ", *keys);
		at = strstr(text, key);
		bytes += at ? atoll(at + strlen(key)) : 0;
	}
	return bytes / page_size;
}

/* What memory.stat counts of the cgroup; kernel memory has a file of its own in v1, an exact one. */
static long counted(void)
{
	static const char *const in_v1[] = { "total_cache", "total_rss", NULL };
	static const char *const in_v2[] = { "anon", "file", "kernel", "sock", NULL };
	char text[64] = "";
	int file;

	if (!v1)
		return stat_pages(in_v2);
	file = open_in(measured, "memory.kmem.usage_in_bytes", O_RDONLY);
	if (file < 0 || read(file, text, sizeof(text) - 1) < 0)
		fail("cannot read", "memory.kmem.usage_in_bytes");
	close(file);
	return stat_pages(in_v1) + atoll(text) / page_size;
}

/* ---- the child, which is charged */

static int run_on(int cpu)
{
	static unsigned long mask[MASK_BITS / (8 * sizeof(long))];
	const int bits = 8 * sizeof(long);
	long failed;

	mask[cpu / bits] = 1UL << cpu % bits;
	failed = syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask);
	mask[cpu / bits] = 0;
	return failed ? -1 : 0;
}

/* Leave a page with the pipe, which keeps that of what was written and read. */
static int fill_pipe(const int *ends)
{
	char one = 1;

	return write(ends[1], &one, 1) != 1 || read(ends[0], &one, 1) != 1 ? -1 : 0;
}

static int do_job(const struct charged *self)
{
	if (self->job == RUN_ON)
		return run_on(self->cpu);
	if (self->job == FILL_PIPE)
		return fill_pipe(self->pipe_ends);
	if (self->job == CLOSE_PIPE)
		return close(self->pipe_ends[0]) | close(self->pipe_ends[1]);
	pages[touched++ * (size_t)page_size] = 1;
	return 0;
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

static void be_charged(struct charged *self)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	for (;;) {
		wait_for(&self->asked);
		errno = 0;
		self->failed = do_job(self) ? errno : 0;
		sem_post(&self->done);
	}
}

static void ask(int which, enum job job, int cpu)
{
	struct charged *process = &charged[which];
	char text[32];

	process->job = job;
	process->cpu = cpu;
	sem_post(&process->asked);
	wait_for(&process->done);
	errno = process->failed;
	snprintf(text, sizeof(text), "%d", cpu);
	if (errno)
		fail(job == RUN_ON ? "cannot run on CPU" : "cannot use a pipe on CPU", text);
}

/* ---- set up */

static int move_to(const char *group, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", (long)pid);
	return write_in(group, "cgroup.procs", text);
}

/* Make the cgroup whose counter is measured; 0 if it has a memory controller. */
static int make_measured(const char *root, int hierarchy)
{
	v1 = hierarchy == 1;
	if (!v1 && write_in(root, "cgroup.subtree_control", "+memory"))
		return -1;
	snprintf(measured, sizeof(measured), "%s/rssbound-witness-%ld", root, (long)getpid());
	if (mkdir(measured, 0755)) {
		*measured = 0;
		return -1;
	}
	usage_file = open_in(measured, v1 ? "memory.usage_in_bytes" : "memory.current", O_RDONLY);
	limit_file = open_in(measured, v1 ? "memory.limit_in_bytes" : "memory.high", O_WRONLY);
	if (usage_file < 0 || limit_file < 0)
		return -1;
	move_to(root, getpid()); /* where it may */
	return v1 ? 0 : write_in(measured, "cgroup.subtree_control", "+memory");
}

static void reserve(size_t size)
{
	charged = mmap(NULL, GROUPS * sizeof(*charged), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (charged == MAP_FAILED || pages == MAP_FAILED)
		fail("cannot reserve", "memory");
}

/* What a process does once it is in its cgroup; its page tables are there before it is asked. */
static int run_charged(void *process)
{
	struct charged *self = process;
	size_t at;

	wait_for(&self->asked);
	for (at = 0; at < self->size; at += (size_t)page_size)
		pages[at] = 1;
	madvise(pages, self->size, MADV_DONTNEED);
	sem_post(&self->done);
	be_charged(self);
	return 0;
}

/* Start a process in a cgroup of its own. It shares open files, for the pipes, and no memory. */
static void start(int which, size_t size)
{
	struct charged *process = &charged[which];

	sem_init(&process->asked, 1, 0);
	sem_init(&process->done, 1, 0);
	process->size = size;
	snprintf(process->group, sizeof(process->group), "%.4000s/%d", measured, which);
	if (mkdir(process->group, 0755))
		fail("cannot make", process->group);
	process->pid = clone(run_charged, child_stack + sizeof(child_stack),
			     CLONE_FILES | SIGCHLD, process);
	if (process->pid < 0)
		fail("cannot", "clone");
	if (move_to(process->group, process->pid))
		fail("cannot move a process to", process->group);
	sem_post(&process->asked);
	wait_for(&process->done);
}

/* ---- measuring */

static void sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* The counter, once nothing changes it. */
static long settled(void)
{
	long before, now = usage();

	do {
		before = now;
		sleep_ms(SETTLE_MS);
		now = usage();
	} while (now != before);
	return now;
}

/* Return all stocks to the counter; gives how many pages that were. This CPU must have one. */
static long drain(void)
{
	char text[32];
	long before = settled(), after;

	snprintf(text, sizeof(text), "%lld", (long long)(before - 1) * page_size);
	if (write_to(limit_file, text) && errno != EBUSY)
		fail("cannot lower the limit of", measured);
	after = settled();
	if (write_to(limit_file, v1 ? "-1" : "max"))
		fail("cannot raise the limit of", measured);
	return before - after;
}

/* Touch pages until the counter jumps; gives by how much, 0 if it never did. */
static long touch_to_jump(int which)
{
	long before = usage(), now;
	int at;

	for (at = 0; at < TOUCHES; at++) {
		ask(which, TOUCH, 0);
		now = usage();
		if (now > before + 1)
			return now - before;
		before = now; /* something of the cgroup's may be freed meanwhile */
	}
	return 0;
}

/* Leave as much of a cgroup as can be in stock on a CPU; gives the size of the jump. */
static long fill(int which, int cpu, int spare)
{
	long jump;

	ask(which, RUN_ON, cpu);
	if (pipe(charged[which].pipe_ends))
		fail("cannot open", "a pipe");
	ask(which, FILL_PIPE, cpu);
	jump = touch_to_jump(which);
	for (; spare; spare--)
		ask(which, TOUCH, cpu);
	ask(which, CLOSE_PIPE, cpu);
	return jump;
}

/* Fill the stocks of all CPUs; gives the smallest jump seen. */
static long fill_all(int spare)
{
	long jump, smallest = LONG_MAX;
	int at, which;

	for (at = 0; at < WITNESS_CPUS; at++) {
		for (which = 0; which < GROUPS; which++) {
			jump = fill(which, ON_CPU[at], spare);
			smallest = jump < smallest ? jump : smallest;
		}
	}
	return smallest;
}

/* The counter and what memory.stat counts, at one moment; quiet if that could be found. */
struct moment {
	long current, counted;
	int quiet;
};

/* Both files once neither has changed for longer than memory.stat takes to be up to date. */
static struct moment quiet_moment(void)
{
	struct moment now, before = { usage(), counted(), 0 };
	int second, same = 0;

	for (second = 0; second < FLUSH_S && same < SAME_S; second++) {
		sleep_ms(1000);
		now = (struct moment){ usage(), counted(), 0 };
		same = now.current == before.current && now.counted == before.counted ? same + 1 : 0;
		before = now;
	}
	before.quiet = same >= SAME_S;
	return before;
}

/* How many pages to touch after the jump so that most remains in stock, and how much that is. */
static int best_spare(long *most)
{
	int spare, best = 0;
	long drained;

	fill(0, ON_CPU[0], 0);
	run_on(ON_CPU[0]);
	drain(); /* what other CPUs hold */
	for (*most = spare = 0; spare < SPARE && *most < BATCH; spare++) {
		fill(0, ON_CPU[0], spare);
		run_on(ON_CPU[0]);
		drained = drain();
		if (drained > *most) {
			*most = drained;
			best = spare;
		}
	}
	return best;
}

/* What one try has shown. */
struct result {
	long jump, current, error, drained, error_after_drain;
};

/*
 * Fill all stocks and compare; 0 if both files were compared at a quiet moment. A page that is freed
 * late leaves both files, so both are read at the same moment: an earlier counter would still have it.
 */
static int measure(int spare, struct result *result)
{
	struct moment filled, drained;

	result->jump = fill_all(spare);
	run_on(ON_CPU[WITNESS_CPUS - 1]); /* whose stock the drain finds at once */
	filled = quiet_moment();
	drain();
	drained = quiet_moment();
	result->current = filled.current;
	result->error = filled.counted - filled.current;
	result->drained = filled.current - drained.current;
	result->error_after_drain = drained.counted - drained.current;
	return filled.quiet && drained.quiet ? 0 : -1;
}

static void print(const struct result *result, int spare, long one_cpu, int tries)
{
	struct utsname kernel;

	uname(&kernel);
	printf("kernel=%s\ndesign=%s\nside=%s\n", kernel.release, DESIGN, SIDE);
	printf("page_size=%ld\nhierarchy=%d\ngroups=%d\n", page_size, v1 ? 1 : 2, GROUPS);
	printf("cpus=%d\nbatch=%d\nbound=%ld\n", WITNESS_CPUS, BATCH, BOUND);
	printf("jump=%ld\none_cpu=%ld\ntouched_after_jump=%d\n", result->jump, one_cpu, spare);
	printf("tries=%d\ncurrent=%ld\nerror=%ld\n", tries, result->current, result->error);
	printf("drained=%ld\nerror_after_drain=%ld\n", result->drained, result->error_after_drain);
}

int main(void)
{
	struct result result, best = { 0, 0, 0, 0, 0 };
	size_t size;
	int at, spare, tries;
	long one_cpu;

	page_size = sysconf(_SC_PAGESIZE);
	size = (size_t)page_size * (TOUCHES + SPARE) * (1 + SPARE + TRIES * WITNESS_CPUS);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* a huge page is charged without the stock */
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	if (make_measured("/sys/fs/cgroup", 2) && make_measured("/sys/fs/cgroup/unified", 2) &&
	    make_measured("/sys/fs/cgroup/memory", 1))
		fail("no memory cgroup can be made below", "/sys/fs/cgroup");
	reserve(size);
	for (at = 0; at < GROUPS; at++)
		start(at, size);
	spare = best_spare(&one_cpu);
	for (tries = 0; tries < TRIES && best.error > -BOUND; tries++)
		if (!measure(spare, &result) && (!best.jump || result.error < best.error))
			best = result;
	if (!best.jump) {
		errno = EBUSY;
		fail("memory changes all the time in", measured);
	}
	print(&best, spare, one_cpu, tries);
	leave(0);
}
