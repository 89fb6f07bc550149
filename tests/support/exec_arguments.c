/*
 * Shows that the arguments of an exec are counted as pages of the process that spawns it.
 *
 *     cc -O1 -static -o exec_arguments exec_arguments.c && ./exec_arguments FOLDER [STACK_LIMIT]
 *
 * A process of its own vforks a child, which execs with as many arguments as the kernel takes under
 * STACK_LIMIT (bytes, 64 MiB if not given). What is run is a script, whose interpreter this program
 * holds a lease on: the kernel has copied all arguments when it opens the interpreter, and there it
 * waits until the lease is given back. Meanwhile the files of the process that spawned are read.
 *
 * libc only. Prints key=value lines, in pages: before, while the exec waits (`held_`), and after it.
 * Exit 0 when measured, 1 when it could not be.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of fs/exec.c and include/uapi/linux: see docs/theory.md, "The largest update". */
enum { MOST = 6 << 20, LEAST = 128 << 10, STRING_PAGES = 32, SLACK = 2048, SECONDS = 20 };
enum { STRINGS = MOST / (STRING_PAGES * 4096) + 3 };

static long page_size;
static char interpreter[PATH_MAX], script[PATH_MAX];

static void fail(const char *what)
{
	printf("failed=%s: %s\n", what, strerror(errno));
	fflush(stdout);
	unlink(interpreter);
	unlink(script);
	_exit(1);
}

/* ---- reading */

static void read_text(pid_t process, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t got;
	size_t used = 0;
	int file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)process, name);
	file = open(path, O_RDONLY);
	if (file < 0)
		fail(path);
	while (used < size - 1 && (got = read(file, text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	close(file);
	text[used] = 0;
}

/* The value of a line of kB, in pages. */
static long line_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? atol(at + strlen(key)) * 1024 / page_size : -1;
}

static void print_readings(pid_t process, const char *when)
{
	static char text[1 << 16];
	char *at;
	int field;

	read_text(process, "stat", text, sizeof(text));
	at = strrchr(text, ')');
	for (field = 2; at && field < 24; field++)
		at = strchr(at + 1, ' ');
	printf("%sstat=%ld\n", when, at ? atol(at + 1) : -1);
	read_text(process, "statm", text, sizeof(text));
	printf("%sstatm=%ld\n", when, atol(strchr(text, ' ') + 1));
	read_text(process, "status", text, sizeof(text));
	printf("%sstatus_vmrss=%ld\n", when, line_of(text, "VmRSS:"));
	printf("%sstatus_rssanon=%ld\n", when, line_of(text, "RssAnon:"));
	read_text(process, "smaps_rollup", text, sizeof(text));
	printf("%sprecise_rss=%ld\n", when, line_of(text, "\nRss:"));
	printf("%sprecise_anon=%ld\n", when, line_of(text, "Anonymous:"));
}

/* ---- the arguments */

/* As many bytes of strings as the kernel takes, but for what it adds itself: the names. */
static size_t room(rlim_t stack_limit)
{
	size_t most = stack_limit / 4 < MOST ? (size_t)(stack_limit / 4) : MOST;

	return (most > LEAST ? most : LEAST) - STRINGS * sizeof(char *) - SLACK;
}

static void fill(char **arguments, size_t bytes)
{
	size_t longest = STRING_PAGES * (size_t)page_size;
	char *text = malloc(longest);
	int count = 0;

	if (!text)
		fail("malloc");
	memset(text, 'a', longest);
	text[longest - 1] = 0;
	for (; bytes > longest; bytes -= longest)
		arguments[count++] = text;
	arguments[count++] = text + longest - bytes;
	arguments[count] = NULL;
}

static void spawn(char **arguments, int say)
{
	char *none[] = { NULL };
	pid_t child;

	if (write(say, "", 1) != 1) /* ready; now nothing of this process changes */
		_exit(1);
	child = vfork();
	if (!child) {
		execve(script, arguments, none);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	if (write(say, "", 1) != 1)
		_exit(1);
	pause();
}

/* ---- a file that the kernel waits for */

static int make_file(char *path, const char *folder, const char *name, const char *text)
{
	int file;

	snprintf(path, PATH_MAX, "%.900s/exec-arguments-%d-%s", folder, (int)getpid(), name);
	file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text))
		fail(path);
	return file;
}

static int make_files(const char *folder)
{
	char first_line[PATH_MAX + 8];
	int file = make_file(interpreter, folder, "i", "none");

	snprintf(first_line, sizeof(first_line), "#!%s\n", interpreter);
	close(make_file(script, folder, "s", first_line));
	return file;
}

static void wait_for_exec(const sigset_t *set)
{
	const struct timespec most = { SECONDS, 0 };

	if (sigtimedwait(set, NULL, &most) != SIGIO)
		fail("the exec has not opened the interpreter");
}

static void hear(int from)
{
	char one;

	if (read(from, &one, 1) != 1)
		fail("the process that spawns has gone");
}

int main(int argc, char **argv)
{
	static char *arguments[STRINGS];
	struct rlimit limit = { 64 << 20, 64 << 20 };
	struct utsname name;
	sigset_t set;
	int ends[2], file;
	pid_t process;

	page_size = sysconf(_SC_PAGESIZE);
	if (argc > 2)
		limit.rlim_cur = limit.rlim_max = strtoul(argv[2], NULL, 10);
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	file = make_files(argc > 1 ? argv[1] : ".");
	fill(arguments, room(limit.rlim_cur));
	if (pipe(ends) || setrlimit(RLIMIT_STACK, &limit))
		fail("stack limit");
	if (fcntl(file, F_SETLEASE, F_WRLCK))
		fail("lease");
	process = fork();
	if (!process) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(file);
		spawn(arguments, ends[1]);
	}
	close(ends[1]);
	hear(ends[0]);
	uname(&name);
	printf("kernel=%s\npage_size=%ld\nstack_limit=%lu\n", name.release, page_size,
	       (unsigned long)limit.rlim_cur);
	wait_for_exec(&set);
	print_readings(process, "held_");
	fcntl(file, F_SETLEASE, F_UNLCK);
	hear(ends[0]);
	print_readings(process, "after_");
	kill(process, SIGKILL);
	waitpid(process, NULL, 0);
	unlink(interpreter);
	unlink(script);
	return 0;
}
