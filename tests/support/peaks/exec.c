/*
 * ru_maxrss covers what a process was before exec, VmHWM does not.
 *
 * The program grows, forks, and the child executes it again with an argument.
 */
#include "read.h"

enum { SIZE = 200 * MIB };

int main(int count, char **arguments)
{
	int child;

	if (count > 1) {
		printf("rss=%ld\nhwm=%ld\n", status_kib("VmRSS:"), status_kib("VmHWM:"));
		printf("maxrss=%ld\n", maxrss_kib());
		return 0;
	}
	touch(anonymous(SIZE), SIZE, 4096);
	printf("parent=%ld\n", statm_kib());
	fflush(stdout);
	child = fork();
	if (!child) {
		execl("/proc/self/exe", arguments[0], "again", (char *)NULL);
		_exit(1);
	}
	return waitpid(child, NULL, 0) == child ? 0 : 1;
}
