/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a command costs: a line for each run of it, "WALL CPU PEAK", in microseconds (wall clock,
 * user and system time of its processes) and kilobytes (resident memory of the largest of them).
 *
 *     measure RUNS STATUSES BEFORE COMMAND [ARGUMENT...]
 *
 * BEFORE goes to the shell before each run and is not measured; "" is nothing. A run that ends with
 * none of STATUSES ("0", "0,75") is no measurement: that ends it. What the command prints is lost.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t microseconds(struct timeval t)
{
        return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void execute(char **command)
{
        int null = open("/dev/null", O_RDWR);

        prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody wants its figures any more */
        for (int fd = 0; fd <= 2; fd++)
                dup2(null, fd);
        execvp(command[0], command);
        _exit(127);
}

static int is_expected(int wait_status, const char *statuses)
{
        char *end;

        for (const char *p = statuses; WIFEXITED(wait_status); p = end + 1) {
                if (strtol(p, &end, 10) == WEXITSTATUS(wait_status))
                        return 1;
                if (*end != ',')
                        break;
        }
        return 0;
}

/* run: prints the line of one run. */
static int run(char **command, const char *statuses)
{
        struct rusage usage;
        int64_t begin = now(), end;
        int status;
        pid_t pid = fork();

        if (pid == 0)
                execute(command);
        if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
                perror("measure");
                return -1;
        }
        end = now();
        if (!is_expected(status, statuses)) {
                fprintf(stderr, "measure: '%s' ended with %s %d\n", command[0],
                        WIFEXITED(status) ? "status" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
                return -1;
        }
        printf("%lld %lld %ld\n", (long long)(end - begin),
                (long long)(microseconds(usage.ru_utime) + microseconds(usage.ru_stime)),
                usage.ru_maxrss);
        return 0;
}

int main(int argc, char **argv)
{
        if (argc < 5) {
                fprintf(stderr, "usage: measure RUNS STATUSES BEFORE COMMAND [ARGUMENT...]\n");
                return 2;
        }
        for (int i = atoi(argv[1]); i > 0; i--) {
                fflush(stdout);
                if (*argv[3] && system(argv[3]) != 0) {
                        fprintf(stderr, "measure: '%s' failed\n", argv[3]);
                        return 1;
                }
                if (run(argv + 4, argv[2]) < 0)
                        return 1;
        }
        return 0;
}
