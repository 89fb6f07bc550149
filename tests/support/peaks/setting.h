/*
 * Settings of the kernel's memory management: changed for as long as a program runs, and then put
 * back, also when it cannot go on, takes too long or is told to end.
 */
#include "read.h"

enum { SETTINGS = 4, LONGEST = 60 };

static struct {
	const char *path;
	char before[64];
} settings[SETTINGS];
static int changed;

static inline int write_setting(const char *path, const char *value)
{
	int file = open(path, O_WRONLY);
	ssize_t done = file < 0 ? -1 : write(file, value, strlen(value));

	if (file >= 0)
		close(file);
	return done < 0;
}

static void put_back(void)
{
	while (changed > 0) {
		changed--;
		write_setting(settings[changed].path, settings[changed].before);
	}
}

static void end_early(int signal)
{
	put_back();
	_exit(signal == SIGALRM ? CANNOT : 1);
}

static inline void set(const char *path, const char *value)
{
	static const int ends[] = { SIGALRM, SIGINT, SIGTERM, SIGHUP };
	size_t i;

	if (!changed) {
		atexit(put_back);
		for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
			signal(ends[i], end_early);
		alarm(LONGEST);
	}
	read_text(path);
	settings[changed].path = path;
	strncpy(settings[changed].before, text, sizeof(settings[changed].before) - 1);
	changed++;
	if (write_setting(path, value)) {
		put_back();
		cannot(path);
	}
}
