/*
 * Process 1 of a machine in the lab: does the steps in /steps, one a line, and powers off.
 *
 *     run NAME         runs /run/NAME /ram; its output between "begin NAME" and "end NAME STATUS"
 *     offline N        takes CPU N offline
 *     online N         brings it back
 *     topology         prints each file of sysfs that describes the topology: "sysfs PATH CONTENT"
 *     show PATH        prints each line of a file: "line PATH LINE"
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const WANTED[] = {
	"cpu/possible",
	"cpu/present",
	"cpu/online",
	"cpu/cpu*/online",
	"cpu/cpu*/topology/*",
	"cpu/cpu*/cache/index*/level",
	"cpu/cpu*/cache/index*/type",
	"cpu/cpu*/cache/index*/id",
	"cpu/cpu*/cache/index*/shared_cpu_list",
	"node/node*/cpulist",
};

static const char SYSTEM[] = "/sys/devices/system/";

static void write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		printf("failed=%s\n", path);
	if (file >= 0)
		close(file);
}

static void run(const char *name)
{
	char path[256];
	int status = -1;
	pid_t child;

	snprintf(path, sizeof(path), "/run/%s", name);
	printf("begin %s\n", name);
	fflush(stdout);
	child = fork();
	if (!child) {
		execl(path, path, "/ram", (char *)NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	printf("end %s %d\n", name, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	fflush(stdout);
}

static void set_online(const char *cpu, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%scpu/cpu%s/online", SYSTEM, cpu);
	write_text(path, value);
}

static void print_file(const char *path)
{
	static char text[1 << 16];
	int file = open(path, O_RDONLY);
	ssize_t got = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

	if (file >= 0)
		close(file);
	if (got < 0)
		return;
	text[got] = 0;
	text[strcspn(text, "\n")] = 0;
	printf("sysfs %s %s\n", path + 1, text);
}

static void show(const char *path)
{
	static char line[4096];
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file))
		printf("line %s %s", path, line);
	if (file)
		fclose(file);
}

static int wanted(const char *path)
{
	size_t at;

	for (at = 0; at < sizeof(WANTED) / sizeof(*WANTED); at++)
		if (!fnmatch(WANTED[at], path + strlen(SYSTEM), FNM_PATHNAME))
			return 1;
	return 0;
}

/* Links are not followed: nodes and CPUs link to each other. */
static void walk(const char *folder)
{
	DIR *listing = opendir(folder);
	struct dirent *entry;
	char path[1024];

	while (listing && (entry = readdir(listing))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_type == DT_DIR)
			walk(path);
		else if (entry->d_type == DT_REG && wanted(path))
			print_file(path);
	}
	if (listing)
		closedir(listing);
}

static void step(char *line)
{
	char *what = strtok(line, " \n"), *which = strtok(NULL, " \n");

	if (what && which && !strcmp(what, "run"))
		run(which);
	else if (what && which && !strcmp(what, "offline"))
		set_online(which, "0");
	else if (what && which && !strcmp(what, "online"))
		set_online(which, "1");
	else if (what && which && !strcmp(what, "show"))
		show(which);
	else if (what && !strcmp(what, "topology")) {
		walk("/sys/devices/system/cpu");
		walk("/sys/devices/system/node");
	}
}

int main(void)
{
	char line[256];
	FILE *steps = fopen("/steps", "r");

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	mount("ramfs", "/ram", "ramfs", 0, NULL); /* files, where tmpfs would give shmem */
	write_text("/proc/sys/kernel/printk", "1");
	if (!access("/proc/sys/kernel/numa_balancing", W_OK)) /* its hints are page faults */
		write_text("/proc/sys/kernel/numa_balancing", "0");
	printf("\n"); /* what the firmware wrote has no line end */
	while (steps && fgets(line, sizeof(line), steps))
		step(line);
	printf("\nlab: done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
