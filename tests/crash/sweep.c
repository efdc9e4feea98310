/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives the real program through every system call that changes a file: killed there, or the call
 * failing; then starts it again and holds the invariants of the transaction against what is on
 * disk.
 *
 *     sweep PROGRAM TREE AT FAULT few|all
 *
 * One point is: a fresh copy of the tree, one faulty run under strace, a look at what every reader
 * sees at that moment, recovery twice, one ordinary run, a look at everything. FAULT is strace's:
 * signal=KILL, error=EIO … `few`: one pair and one kubeconfig are due, `all`: everything is. TAP: a
 * line for each system call, with the number of points. */

#include "sweep.h"

#include <fcntl.h>
#include <sys/wait.h>

/* What changes a file. Calls that only read are passed over: they have their own tests. */
static const char *const changing[] = {"openat", "openat2", "write", "fsync", "fchmod", "fchown",
        "fsetxattr", "mkdirat", "renameat", "renameat2", "unlinkat", "ftruncate", "flock"};

typedef struct Options {
        const char *program;
        const char *at;
        const char *fault;
} Options;

/* Runs argv with its output in a file below the scratch directory; the exit status, or 128 +
 * signal. */
static int spawn(char *const *argv, const char *output)
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

                dup2(fd, STDOUT_FILENO);
                dup2(fd, STDERR_FILENO);
                execvp(argv[0], argv);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                return 127;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_program(
        const Options *options, const Scene *scene, const char *verb, char *const *prefix)
{
        autofree char *root = xasprintf("--root=%s", scene->root);
        autofree char *at = xasprintf("--at=%s", options->at);
        autofree char *output = xasprintf("%s/output", scene->scratch);
        char *argv[24];
        size_t n = 0;

        for (; prefix && *prefix; prefix++)
                argv[n++] = *prefix;
        argv[n++] = (char *)options->program;
        argv[n++] = root;
        argv[n++] = (char *)"--layout=kubeadm";
        if (!streq(verb, "recover"))
                argv[n++] = at;
        argv[n++] = (char *)verb;
        argv[n] = NULL;
        return spawn(argv, output);
}

/* Counts how often each changing call is made, by one run without fault. Calls of openat() that
 * create nothing do not count, but strace numbers them too: so `points` holds the numbers
 * themselves. */
typedef struct Points {
        unsigned *numbers;
        size_t n;
} Points;

static bool creates_or_writes(const char *line)
{
        return !strstr(line, "openat") || strstr(line, "O_CREAT");
}

static void count_points(const char *log, Points points[ELEMENTSOF(changing)])
{
        unsigned seen[ELEMENTSOF(changing)] = {};
        FILE *f = fopen(log, "re");
        char line[4096];

        while (f && fgets(line, sizeof(line), f))
                for (size_t i = 0; i < ELEMENTSOF(changing); i++) {
                        autofree char *call = xasprintf(" %s(", changing[i]);
                        Points *p = &points[i];

                        if (!strstr(line, call))
                                continue;
                        seen[i]++;
                        if (!creates_or_writes(line))
                                continue;
                        p->numbers = xreallocarray(p->numbers, p->n + 1, sizeof(unsigned));
                        p->numbers[p->n++] = seen[i];
                }
        if (f)
                fclose(f);
}

static int record(const Options *options, Scene *scene, Points points[ELEMENTSOF(changing)])
{
        autofree char *log = xasprintf("%s/log", scene->scratch);
        char *strace[] = {(char *)"strace", (char *)"-f", (char *)"-qq", (char *)"-o", log, NULL};
        int status;

        scene_reset(scene);
        status = run_program(options, scene, "renew", strace);
        count_points(log, points);
        return status;
}

/* One point: true if everything holds; what does not is printed. */
static bool try_point(const Options *options, Scene *scene, const char *call, unsigned number)
{
        autofree char *inject = xasprintf("inject=%s:%s:when=%u", call, options->fault, number);
        autofree char *where = xasprintf("%s of %s %u", options->fault, call, number);
        char *strace[] = {(char *)"strace", (char *)"-f", (char *)"-qq", (char *)"-o",
                (char *)"/dev/null", (char *)"-e", inject, NULL};
        int status;

        /* 1. The fault, and what a reader sees at that moment. */
        scene_reset(scene);
        status = run_program(options, scene, "renew", strace);
        if (!scene_check_readers(scene, where))
                return false;
        if (status == 0 && !scene_check_renewed(scene, where))
                return false;

        /* 2. Recovery, twice: the second changes nothing. */
        run_program(options, scene, "recover", NULL);
        scene_remember(scene);
        run_program(options, scene, "recover", NULL);
        if (!scene_check_remembered(scene, where) || !scene_check_whole(scene, where))
                return false;

        /* 3. The next night does what was left. 75: restarts are owed. */
        status = run_program(options, scene, "renew", NULL);
        if (status != 75)
                return scene_fail(scene, where, "the next run ends in %d", status);
        return scene_check_whole(scene, where) && scene_check_renewed(scene, where) &&
               scene_check_backups(scene, where);
}

static bool sweep_call(const Options *options, Scene *scene, const char *call, const Points *points)
{
        bool good = true;

        for (size_t i = 0; i < points->n; i++)
                good &= try_point(options, scene, call, points->numbers[i]);
        return good;
}

static bool report(bool good, size_t number, const char *format, ...) PRINTF_LIKE(3, 4);

static bool report(bool good, size_t number, const char *format, ...)
{
        va_list args;

        printf("%s %zu - T36 ", good ? "ok" : "not ok", number);
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        printf("\n");
        fflush(stdout);
        return good;
}

int main(int argc, char **argv)
{
        Points points[ELEMENTSOF(changing)] = {};
        size_t n_tests = 0, total = 0;
        bool good;

        if (argc != 6) {
                fprintf(stderr, "usage: %s PROGRAM TREE AT FAULT few|all\n", argv[0]);
                return 2;
        }
        const Options options = {.program = argv[1], .at = argv[3], .fault = argv[4]};
        Scene scene = scene_new(argv[2], argv[3], streq(argv[5], "few"));

        good = report(record(&options, &scene, points) == 75, ++n_tests, "a run without fault");
        for (size_t i = 0; i < ELEMENTSOF(changing); i++) {
                if (points[i].n == 0)
                        continue;
                good &= report(sweep_call(&options, &scene, changing[i], &points[i]), ++n_tests,
                        "%s at every %s: %zu points", options.fault, changing[i], points[i].n);
                total += points[i].n;
        }
        printf("# %zu points\n1..%zu\n", total, n_tests);
        scene_free(&scene);
        for (size_t i = 0; i < ELEMENTSOF(changing); i++)
                free(points[i].numbers);
        return !good;
}
