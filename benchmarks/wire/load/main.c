/* load upstreams | visitors | awake: what `python -m benchmarks.wire` measures with. See the file of each. */
#define _GNU_SOURCE
#include "load.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Keeps a core from halting, and yields to everything else: waking a halted virtual core costs milliseconds, which
 * would be charged in part to whoever wakes it. Ends with its parent. */
static int awake(void) {
    struct sched_param none = {0};
    pid_t parent = getppid();
    if (sched_setscheduler(0, SCHED_IDLE, &none)) die("SCHED_IDLE");
    while (getppid() == parent)
        for (volatile int i = 0; i < 1000000; i++) {}
    return 0;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && !strcmp(argv[1], "upstreams")) return upstreams(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "visitors")) return visitors(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "awake")) return awake();
    die("load upstreams | visitors | awake");
}
