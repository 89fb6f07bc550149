/*
 * How much a parent's memory.stat lacks of what its children have, at worst of many trials.
 *
 *     cc -O1 -static -o parent parent.c && ./parent 500
 *
 * Prints pages: `lacked` by the parent, at a second reading `again`, by the `child` that had most of
 * them, and what the parent `had`; and the trials it took to see more than 127 pages a CPU. Needs
 * root and a memory controller, v1 or v2; its cgroups are removed at the end. Exit 77: cannot run.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 8000, LAST = 4000, BATCH = 64 };

struct order { int cpu, pages, drop; };
struct child { pid_t pid; int orders[2], answers[2]; char folder[300]; };

static char parent[256];
static const char *item; /* of memory.stat, in bytes */

static void cannot(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(77);
}

static void put(const char *folder, const char *name, const char *text)
{
	char path[400];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		cannot(path);
	close(fd);
}

static long pages_of(const char *folder)
{
	char path[400], text[16384], *line;
	size_t length = strlen(item);
	snprintf(path, sizeof path, "%s/memory.stat", folder);
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (got < 0)
		cannot(path);
	close(fd);
	text[got] = 0;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, item, length) && line[length] == ' ')
			return atol(line + length + 1) / sysconf(_SC_PAGESIZE);
	cannot(item);
	return 0;
}

static void touch_pages(const struct child *me)
{
	long size = sysconf(_SC_PAGESIZE);
	char pid[20];
	int held = 0;
	struct order order;
	snprintf(pid, sizeof pid, "%d", getpid());
	put(me->folder, "cgroup.procs", pid);
	char *room = mmap(NULL, MOST * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(room, MOST * size, MADV_NOHUGEPAGE);
	while (read(me->orders[0], &order, sizeof order) == sizeof order) {
		cpu_set_t cpus;
		CPU_ZERO(&cpus);
		CPU_SET(order.cpu, &cpus);
		sched_setaffinity(0, sizeof cpus, &cpus);
		if (order.drop) {
			madvise(room, MOST * size, MADV_DONTNEED);
			held = 0;
		}
		for (int page = 0; page < order.pages && held < MOST; page++)
			room[held++ * size] = 1;
		if (write(me->answers[1], &held, sizeof held) != sizeof held)
			break;
	}
	_exit(0);
}

static void start(struct child *child, const char *name)
{
	snprintf(child->folder, sizeof child->folder, "%s/%s", parent, name);
	mkdir(child->folder, 0755);
	if (pipe(child->orders) || pipe(child->answers))
		cannot("pipe");
	child->pid = fork();
	if (!child->pid)
		touch_pages(child);
}

static int tell(struct child *child, int cpu, int pages, int drop)
{
	struct order order = { cpu, pages, drop };
	int held = -1;
	if (write(child->orders[1], &order, sizeof order) != sizeof order)
		exit(77);
	if (read(child->answers[0], &held, sizeof held) != sizeof held)
		exit(77);
	return held;
}

static void find_controller(void)
{
	const char *v1 = "/sys/fs/cgroup/memory", *v2 = "/sys/fs/cgroup";
	int is_v1 = !access("/sys/fs/cgroup/memory/memory.stat", R_OK);
	item = is_v1 ? "total_rss" : "anon";
	snprintf(parent, sizeof parent, "%s/rssbound.%d", is_v1 ? v1 : v2, getpid());
	if (!is_v1)
		put(v2, "cgroup.subtree_control", "+memory");
	if (mkdir(parent, 0755))
		cannot(parent);
	if (!is_v1)
		put(parent, "cgroup.subtree_control", "+memory");
}

static void finish(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	rmdir(child->folder);
}

int main(int count, char **words)
{
	int trials = count > 1 ? atoi(words[1]) : 500, trial;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), lacked = 0, again = 0, of_child = 0, had = 0;
	struct child many, few;
	find_controller();
	start(&many, "many");
	start(&few, "few");
	int some = tell(&many, 0, 10, 0) + tell(&few, 0, 10, 0);
	sleep(5); /* the kernel flushes every 2 s */
	long before = pages_of(parent) - some;
	for (trial = 1; trial <= trials; trial++) {
		int a = tell(&many, 0, 0, 1), b = tell(&few, 0, 0, 1);
		pages_of(parent);
		pages_of(many.folder);
		for (int cpu = 0; cpu < cpus; cpu++) {
			b = tell(&few, cpu, rand() % 40, 0);
			a = tell(&many, cpu, rand() % 120, 0);
		}
		a = tell(&many, 0, LAST, 0);
		long lacks = before + a + b - pages_of(parent);
		if (lacks <= lacked)
			continue;
		lacked = lacks;
		again = before + a + b - pages_of(parent);
		of_child = a - pages_of(many.folder);
		had = a + b;
		if (lacked > (2 * BATCH - 1) * cpus)
			break;
	}
	printf("lacked=%ld\nagain=%ld\nchild=%ld\nhad=%ld\ntrials=%d\n", lacked, again, of_child, had,
	       trial);
	finish(&many);
	finish(&few);
	rmdir(parent);
	return 0;
}
