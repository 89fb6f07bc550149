/*
 * Processes that start, grow, shrink, fork, exec, change threads and CPUs, and end: something to
 * be watched.
 *
 *     load PROCESSES SECONDS SEED
 *
 * Keeps about so many processes for so long, each of a few MiB, and starts a new one for each that
 * has ended. Everything it started has ended when it does.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REGIONS 8
#define MOST_PAGES 120

static struct { char *start; size_t pages; } regions[REGIONS];
static long page;

static void rest(int least, int most)
{
	long ms = least + rand() % (most - least);
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static void touch(char *start, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		((volatile char *)start)[i * page] = 1;
}

static void grow_or_shrink(int i)
{
	if (regions[i].start) {
		munmap(regions[i].start, regions[i].pages * page);
		regions[i].start = NULL;
		return;
	}
	size_t pages = 1 + rand() % MOST_PAGES;
	char *start = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
			   MAP_ANONYMOUS | (rand() % 4 ? MAP_PRIVATE : MAP_SHARED), -1, 0);
	if (start == MAP_FAILED)
		return;
	touch(start, pages);
	regions[i].start = start;
	regions[i].pages = pages;
}

static void fork_one(void)
{
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(getpid());
	for (int i = 0; i < REGIONS; i++)
		if (regions[i].start && rand() % 2)
			touch(regions[i].start, regions[i].pages);
	rest(20, 400);
	_exit(0);
}

static void *thread(void *unused)
{
	char *start = mmap(NULL, 32 * page, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);

	if (start == MAP_FAILED)
		return unused;
	touch(start, 32);
	rest(20, 200);
	munmap(start, 32 * page);
	return unused;
}

static void start_threads(void)
{
	for (int i = 1 + rand() % 3; i > 0; i--) {
		pthread_t id;

		if (!pthread_create(&id, NULL, thread, NULL))
			pthread_detach(id);
	}
}

static void move(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(rand() % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void work(char *self)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	srand(getpid() ^ time(NULL));
	for (;;) {
		int what = rand() % 60;

		if (what < 40)
			grow_or_shrink(rand() % REGIONS);
		else if (what < 46)
			move();
		else if (what < 51)
			fork_one();
		else if (what < 55)
			start_threads();
		else if (what < 58)
			execl(self, what == 55 ? "load-again" : self, "work", NULL);
		else
			_exit(0);
		rest(50, 1500);
	}
}

int main(int argc, char **argv)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	page = sysconf(_SC_PAGESIZE);
	if (length < 0)
		return 2;
	self[length] = 0;
	if (argc == 2 && !strcmp(argv[1], "work"))
		work(self);
	if (argc != 4)
		return 2;
	int wanted = atoi(argv[1]), live = 0;
	time_t end = time(NULL) + atoi(argv[2]);

	setpgid(0, 0);
	srand(atoi(argv[3]));
	while (time(NULL) < end) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			live--;
		for (int i = 0; live < wanted && i < 20; i++, live++)
			if (!fork())
				work(self);
		rest(10, 30);
	}
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return 0;
}
