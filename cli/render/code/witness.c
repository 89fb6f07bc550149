/*
 * Drives the RSS counters of the running kernel to their largest error, and measures it.
 *
 *     cc -O1 -static -pthread -o witness witness.c && ./witness [FOLDER]
 *
 * libc only. Prints key=value lines. All sizes are in pages; every error is precise - approximate,
 * above 0 if the approximate value is too low. Exit 0 if measured (with any result), 1 if it could
 * not be measured. As process 1, it mounts /proc and /sys and powers off at the end. FOLDER is for
 * the file to map, if one is needed. Without FOLDER, the file is in memory for split counting, and
 * otherwise in the current folder.
 *
 * The precise value is smaps_rollup, because it walks the page tables. Field 24 of /proc/self/stat
 * misses the pages that the kernel's design leaves in slots; status and statm depend on the release.
 *
 * The updates run in a child process. fork gives it counters of its own, with empty slots except for
 * the CPU that ran the fork. Pages are touched there until field 24 jumps: this has moved the slot to
 * the shared count, so that it is empty too. Counters without updates (for one counter, all the
 * others) do not change from then on; start_error_stat is the error that they have.
 *
 * Updates on CPUs that the process does not use are made by its parent, which runs there. It writes
 * into the child's memory (process_vm_writev: a page fault of the child that is counted on the
 * parent's CPU), and it truncates the mapped file, which removes the page from the child's page
 * tables, again counted on the parent's CPU. The child stays on its own CPUs from its start.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* An update of one page, or one page fault, repeated `times` times. */
struct update {
	int place; /* CPU; thread if PER_THREAD, 0 is the main thread */
	int pages; /* see update_cpu and update_thread */
	int times;
	int foreign; /* 1: made by the other process, on a CPU that this one does not use */
};

/* @PARAMETERS@ */

enum { CPUS = 1 << 16, STACK = 64 << 10, TEXT = 512 << 10, TMPFS = 0x01021994 };

/* The counters of RSS. Those that get updates are KINDS, in this order. */
enum { ANON, FILES, SHMEM };
static const int KINDS[COUNTERS] = COUNTERS_UPDATED;

/* More than the slot of one CPU can hold, plus the pages that each thread needs. */
#define SYNC_PAGES ((size_t)(2 * (BOUND + BATCH) + 2 * THREADS + 2))

#ifndef MADV_NOHUGEPAGE
#define MADV_NOHUGEPAGE 15
#endif

static long page_size;
/* For each counter: pages for the updates, pages for emptying a slot, and how many are used. */
static struct pool {
	char *pages, *sync_pages;
	size_t mapped, unmapped, sync_used;
	int file; /* the file behind the pages, if another process makes updates */
} pool[COUNTERS];
static char *file_pages; /* private mapping, for split counting */
static size_t faulted, copied; /* pages of it that are used */
static size_t pool_size, file_size; /* in pages */
static const char *folder;
static volatile char sink;

static void fail(const char *what, long which)
{
	printf("failed=%s %ld: %s\n", what, which, strerror(errno));
	fflush(stdout);
	_exit(1);
}

/* ---- reading, into static memory that is already mapped, so that reads cause no page faults */

static char stat_text[4096], statm_text[256], status_text[8192], smaps_text[TEXT];

static void read_text(const char *path, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got;
	int file = open(path, O_RDONLY);

	if (file < 0)
		fail(path, 0);
	while (used < size - 1 && (got = read(file, text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	close(file);
	text[used] = 0;
}

/* Field 24 of stat; fields are counted after the name, which can contain any character. */
static long approximate_stat(void)
{
	char *at;
	int field;

	read_text("/proc/self/stat", stat_text, sizeof(stat_text));
	at = strrchr(stat_text, ')');
	for (field = 2; at && field < 24; field++)
		at = strchr(at + 1, ' ');
	return at ? atol(at + 1) : -1;
}

/* The sum of all lines that start with a key, in pages; -1 if there is none. */
static long sum_of(const char *text, const char *key)
{
	long sum = 0, found = 0;
	const char *line = text;

	while (line && *line) {
		if (!strncmp(line, key, strlen(key))) {
			sum += atol(line + strlen(key)) * 1024 / page_size;
			found = 1;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return found ? sum : -1;
}

struct reading {
	long stat, statm, vmrss, anon, file, shmem, swap, precise, precise_anon;
};

static void measure(struct reading *now)
{
	const char *smaps = "/proc/self/smaps_rollup"; /* since 4.14 */

	now->stat = approximate_stat();
	read_text("/proc/self/statm", statm_text, sizeof(statm_text));
	read_text("/proc/self/status", status_text, sizeof(status_text));
	read_text(access(smaps, R_OK) ? "/proc/self/smaps" : smaps, smaps_text, sizeof(smaps_text));
	now->statm = atol(strchr(statm_text, ' ') + 1);
	now->vmrss = sum_of(status_text, "VmRSS:");
	now->anon = sum_of(status_text, "RssAnon:");
	now->file = sum_of(status_text, "RssFile:");
	now->shmem = sum_of(status_text, "RssShmem:");
	now->swap = sum_of(status_text, "VmSwap:");
	now->precise = sum_of(smaps_text, "Rss:");
	now->precise_anon = sum_of(smaps_text, "Anonymous:");
}

/* ---- updates */

/* Move to a CPU; returns 0, or -1 with errno. */
static int move_to(int cpu)
{
	static unsigned long mask[CPUS / (8 * sizeof(long))];
	const int bits = 8 * sizeof(long);
	long failed;

	if (cpu < 0 || cpu >= CPUS) {
		errno = EINVAL;
		return -1;
	}
	mask[cpu / bits] = 1UL << cpu % bits;
	failed = syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask);
	mask[cpu / bits] = 0;
	return failed ? -1 : 0;
}

static void run_on(int cpu)
{
	if (move_to(cpu))
		fail("cannot run on CPU", cpu);
}

static void touch(char *start, size_t page)
{
	start[page * (size_t)page_size] = 1;
}

static void drop(char *start, size_t page)
{
	if (madvise(start + page * (size_t)page_size, (size_t)page_size, MADV_DONTNEED))
		fail("madvise", (long)page);
}

/*
 * Map a page of each counter if pages > 0, or else unmap the oldest one; |pages| times.
 */
static void update_cpu(const struct update *update)
{
	long times = (long)update->times * labs(update->pages);
	int counter;

	run_on(update->place);
	for (; times; times--) {
		for (counter = 0; counter < COUNTERS; counter++) {
			if (update->pages > 0)
				touch(pool[counter].pages, pool[counter].mapped++);
			else
				drop(pool[counter].pages, pool[counter].unmapped++);
		}
	}
}

/* ---- updates by another process, the parent, in the memory of this one */

/* A request to the parent; the answer has the new state of the counters' pages. */
struct request {
	struct update update;
	struct pool pool[COUNTERS];
	int error; /* errno if the update failed */
};

static int requests[2], answers[2]; /* pipes to the parent and back */

/* Write to the next page of a process: a page fault of that process, counted on this CPU. */
static int touch_of(pid_t process, struct pool *pages)
{
	char one = 1;
	struct iovec from = { &one, 1 };
	struct iovec to = { pages->pages + pages->mapped * (size_t)page_size, 1 };

	pages->mapped++;
	return process_vm_writev(process, &from, 1, &to, 1, 0) == 1 ? 0 : -1;
}

/* Truncate the file before the last mapped page, which unmaps the page in every process. */
static int drop_last(struct pool *pages)
{
	pages->mapped--;
	return ftruncate(pages->file, (off_t)pages->mapped * page_size);
}

static int lengthen(struct pool *pages)
{
	return ftruncate(pages->file, (off_t)(pool_size + 1) * page_size);
}

/* Like update_cpu, in the memory of another process; returns 0, or -1 with errno. */
static int update_process(pid_t process, struct request *asked)
{
	long times = (long)asked->update.times * labs(asked->update.pages);
	int counter, failed = move_to(asked->update.place);

	for (; times && !failed; times--)
		for (counter = 0; counter < COUNTERS && !failed; counter++)
			failed = asked->update.pages > 0 ? touch_of(process, &asked->pool[counter])
							 : drop_last(&asked->pool[counter]);
	for (counter = 0; counter < COUNTERS && !failed; counter++)
		failed = lengthen(&asked->pool[counter]);
	return failed;
}

static void serve(pid_t process)
{
	static struct request asked;

	while (read(requests[0], &asked, sizeof(asked)) == sizeof(asked)) {
		asked.error = update_process(process, &asked) ? errno : 0;
		if (write(answers[1], &asked, sizeof(asked)) != sizeof(asked))
			return;
	}
}

static void ask_parent(const struct update *update)
{
	static struct request request;

	request.update = *update;
	memcpy(request.pool, pool, sizeof(pool));
	if (write(requests[1], &request, sizeof(request)) != sizeof(request) ||
	    read(answers[0], &request, sizeof(request)) != sizeof(request))
		fail("the other process has exited; it should run on CPU", update->place);
	errno = request.error;
	if (errno)
		fail("another process cannot update from CPU", update->place);
	memcpy(pool, request.pool, sizeof(pool));
}

/* ---- updates by threads */

/*
 * One page fault of this thread: 1 maps an anonymous page; a larger number maps that many pages of a
 * file, as fault-around does; -1 makes a private copy of a page of the file.
 */
static void update_thread(const struct update *update)
{
	int times;

	for (times = update->times; times; times--) {
		if (update->pages < 0) {
			touch(file_pages, copied++);
		} else if (MAPS_FILE) {
			sink = file_pages[faulted * (size_t)page_size];
			faulted += (size_t)update->pages;
		} else {
			touch(pool[0].pages, pool[0].mapped++);
		}
	}
}

/* ---- an empty start */

/* Map all pages of this program. This must come before the reservations, or it would map them too. */
static void settle_in(void)
{
	volatile char deep[32 << 10];
	size_t at;

	for (at = 0; at < sizeof(deep); at += 1024)
		deep[at] = 0;
	if (!mlockall(MCL_CURRENT)) /* if a limit prevents this, the rehearsal must suffice */
		munlockall();
}

static void touch_sync_page(int counter)
{
	touch(pool[counter].sync_pages, pool[counter].sync_used++);
}

static void touch_and_drop_sync_page(int counter)
{
	touch(pool[counter].sync_pages, pool[counter].sync_used);
	drop(pool[counter].sync_pages, pool[counter].sync_used++);
}

/* Do every step once, so that this program touches no new page while it measures. */
static void rehearse(void)
{
	static struct reading reading;
	size_t at;
	int counter;

	for (at = 0; at < sizeof(UPDATES); at += 1024)
		sink = ((const volatile char *)UPDATES)[at];
	measure(&reading);
	for (counter = 0; counter < COUNTERS; counter++)
		touch_and_drop_sync_page(counter);
	if (FOREIGN)
		ask_parent(&(struct update){ .place = FIRST_CPU, .pages = 1 }); /* 0 times */
}

/* Empty this CPU's slot of a counter; it is empty just after it has moved to the shared count. */
static int empty_cpu_slot(int counter)
{
	long before = approximate_stat();

	while (pool[counter].sync_used < SYNC_PAGES) {
		touch_sync_page(counter);
		if (approximate_stat() != before)
			return 1;
	}
	return 0;
}

static int empty_cpu_slots(void)
{
	int counter, emptied = 1;

	for (counter = 0; counter < COUNTERS; counter++)
		emptied &= empty_cpu_slot(counter);
	return emptied;
}

/* ---- threads, which take turns, and sleep while others work or measure */

static char stacks[THREADS][STACK] __attribute__((aligned(4096)));
static sem_t turn[THREADS], done;
static const struct update *job; /* NULL: empty the slot */

static void run_job(void)
{
	if (job)
		update_thread(job);
	else
		touch_and_drop_sync_page(0); /* unmapping empties the slot and restarts the fault count */
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

static void *thread_main(void *own_turn)
{
	for (;;) {
		wait_for(own_turn);
		run_job();
		sem_post(&done);
	}
	return NULL;
}

static void start_threads(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int number;

	sem_init(&done, 0, 0);
	pthread_attr_init(&attributes);
	for (number = 1; number < THREADS; number++) {
		sem_init(&turn[number], 0, 0);
		memset(stacks[number], 0, STACK);
		pthread_attr_setstack(&attributes, stacks[number], STACK);
		errno = pthread_create(&thread, &attributes, thread_main, &turn[number]);
		if (errno)
			fail("cannot start thread", number);
	}
}

static void run_in_thread(int number, const struct update *update)
{
	job = update;
	if (!number) {
		run_job();
		return;
	}
	sem_post(&turn[number]);
	wait_for(&done);
}

static void empty_thread_slots(void)
{
	int round, number;

	for (round = 0; round < 2; round++) /* the first round maps the pages that a turn needs */
		for (number = 0; number < THREADS; number++)
			run_in_thread(number, NULL);
}

/* ---- memory to map */

static char *map(size_t pages, int flags, int file)
{
	char *start = mmap(NULL, pages * (size_t)page_size, PROT_READ | PROT_WRITE,
			   flags | MAP_NORESERVE, file, 0);

	if (start == MAP_FAILED)
		fail("cannot reserve pages:", (long)pages);
	madvise(start, pages * (size_t)page_size, MADV_NOHUGEPAGE);
	return start;
}

/* Make an unnamed file. */
static int make_file(const char *where)
{
	char path[PATH_MAX];
	int file;

	snprintf(path, sizeof(path), "%s/witness-XXXXXX", where);
	file = mkstemp(path);
	if (file < 0)
		fail("cannot create a file; give a writable folder", 0);
	unlink(path);
	return file;
}

/* Make a file in memory; its pages count as shmem. */
static int make_file_in_memory(void)
{
	int file = (int)syscall(SYS_memfd_create, "witness", 0);

	if (file < 0)
		fail("cannot create a file in memory", 0);
	return file;
}

/* Make a file whose mapped pages count as file. */
static int make_file_on_disk(void)
{
	int file = make_file(folder ? folder : ".");
	struct statfs system;

	if (fstatfs(file, &system) || system.f_type == TMPFS) {
		errno = EINVAL;
		fail("files of tmpfs count as shmem; give a folder on another file system", 0);
	}
	return file;
}

static int make_file_of(int counter, size_t pages)
{
	int file = counter == FILES ? make_file_on_disk() : make_file_in_memory();

	if (ftruncate(file, (off_t)pages * page_size))
		fail("cannot create a file; pages:", (long)pages);
	return file;
}

/* Reserve pages that count once they are written; anon pages of a file are private copies. */
static char *reserve_of(int counter, size_t pages, int file)
{
	return map(pages, counter == ANON ? MAP_PRIVATE : MAP_SHARED, file);
}

static char *reserve(int counter, size_t pages)
{
	char *start;
	int file;

	if (counter != FILES)
		return map(pages, MAP_ANONYMOUS | (counter == SHMEM ? MAP_SHARED : MAP_PRIVATE), -1);
	file = make_file_of(counter, pages);
	start = reserve_of(counter, pages, file);
	close(file);
	return start;
}

/* Make a file with all its pages in the page cache, and map it with the alignment of fault-around. */
static void map_file(void)
{
	static char zeros[1 << 16];
	size_t window = MOST_PAGES * (size_t)page_size, bytes = file_size * (size_t)page_size, at;
	char *start = reserve(ANON, file_size + MOST_PAGES);
	int file = folder ? make_file(folder) : make_file_in_memory();

	for (at = 0; at < bytes; at += sizeof(zeros))
		if (write(file, zeros, sizeof(zeros)) != (ssize_t)sizeof(zeros))
			fail("cannot write the file", (long)at);
	start += window - (unsigned long)start % window;
	file_pages = mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0);
	if (file_pages == MAP_FAILED)
		fail("cannot map the file", 0);
	close(file);
}

/* Count the pages that the updates map. */
static void count_pages(void)
{
	size_t at;

	for (at = 0; at < COUNT; at++) {
		if (UPDATES[at].pages > 0 && MAPS_FILE)
			file_size += (size_t)UPDATES[at].times * (size_t)UPDATES[at].pages;
		else if (UPDATES[at].pages > 0)
			pool_size += (size_t)UPDATES[at].times * (size_t)UPDATES[at].pages;
	}
}

/* The files that both processes need: one maps them, the other truncates them. */
static void make_shared_files(void)
{
	int counter;

	for (counter = 0; counter < COUNTERS; counter++)
		pool[counter].file = make_file_of(KINDS[counter], pool_size + 1);
}

static void prepare_memory(void)
{
	int counter, kind;

	for (counter = 0; counter < COUNTERS; counter++) {
		kind = KINDS[counter];
		pool[counter].pages = FOREIGN ? reserve_of(kind, pool_size + 1, pool[counter].file)
					      : reserve(kind, pool_size + 1);
		pool[counter].sync_pages = reserve(kind, SYNC_PAGES + 1);
	}
	if (file_size)
		map_file();
}

/* ---- the run */

static void print_reading(const char *when, const struct reading *now)
{
	long precise_file = now->precise - now->precise_anon;

	printf("%sapproximate_stat=%ld\n%sapproximate_statm=%ld\n", when, now->stat, when, now->statm);
	printf("%sstatus_vmrss=%ld\n%sstatus_rssanon=%ld\n", when, now->vmrss, when, now->anon);
	printf("%sstatus_rssfile=%ld\n%sstatus_rssshmem=%ld\n", when, now->file, when, now->shmem);
	printf("%sstatus_vmswap=%ld\n%sprecise_rss=%ld\n", when, now->swap, when, now->precise);
	printf("%sprecise_anon=%ld\n", when, now->precise_anon);
	printf("%sprecise_file_and_shmem=%ld\n", when, precise_file);
	printf("%serror_stat=%ld\n", when, now->precise - now->stat);
	printf("%serror_statm=%ld\n", when, now->precise - now->statm);
	printf("%serror_status=%ld\n", when, now->precise - now->vmrss);
	printf("%serror_status_anon=%ld\n", when, now->precise_anon - now->anon);
	printf("%serror_status_file_and_shmem=%ld\n", when, precise_file - now->file - now->shmem);
}

static void print_machine(void)
{
	struct utsname name;

	uname(&name);
	printf("kernel=%s\npage_size=%ld\n", name.release, page_size);
	printf("cpus_online=%ld\ncpus_configured=%ld\n", sysconf(_SC_NPROCESSORS_ONLN),
	       sysconf(_SC_NPROCESSORS_CONF));
	printf("design=%s\nside=%s\nbatch=%ld\nbound=%ld\n", DESIGN, SIDE, BATCH, BOUND);
	printf("counters=%d\nthreads=%d\nforeign_updates=%d\n", COUNTERS, THREADS, FOREIGN);
}

static void make_update(const struct update *update)
{
	if (PER_THREAD)
		run_in_thread(update->place, update);
	else if (update->foreign)
		ask_parent(update);
	else
		update_cpu(update);
}

static int witness(void)
{
	static struct reading start, end, again;
	int emptied = 1;
	size_t at;

	if (PER_THREAD)
		start_threads();
	settle_in();
	prepare_memory();
	rehearse();
	if (PER_THREAD)
		empty_thread_slots();
	else
		emptied = empty_cpu_slots();
	measure(&start);
	for (at = 0; at < COUNT; at++)
		make_update(&UPDATES[at]);
	measure(&end);
	measure(&again);

	print_machine();
	print_reading("start_", &start);
	print_reading("", &end);
	printf("emptied=%d\nsettled=%d\n", emptied, end.stat == again.stat && end.precise == again.precise);
	printf("error_stat_by_updates=%ld\n", end.precise - end.stat - (start.precise - start.stat));
	fflush(stdout);
	return 0;
}

static void mount_as_init(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/ram", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	if (!mount("ramfs", "/ram", "ramfs", 0, NULL))
		folder = "/ram";
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

/* Close the ends of the pipes that the other process uses, so that each sees when the other exits. */
static void close_ends(int of_parent)
{
	close(of_parent ? requests[1] : requests[0]);
	close(of_parent ? answers[0] : answers[1]);
}

int main(int argc, char **argv)
{
	int status = 1;
	pid_t child;

	page_size = sysconf(_SC_PAGESIZE);
	folder = argc > 1 ? argv[1] : NULL;
	if (getpid() == 1)
		mount_as_init();
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* a huge page would be one update of many pages */
	if (!PER_THREAD)
		run_on(FIRST_CPU);
	count_pages();
	if (FOREIGN) {
		make_shared_files();
		if (pipe(requests) || pipe(answers))
			fail("pipe", 0);
	}
	child = fork();
	if (child < 0)
		fail("fork", 0);
	if (FOREIGN)
		close_ends(child != 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* the child must not outlive its parent */
		_exit(witness());
	}
	if (FOREIGN)
		serve(child);
	waitpid(child, &status, 0);
	if (getpid() == 1)
		power_off();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
