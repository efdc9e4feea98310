/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives the whole program, `kube-renewd run` among the neighbours of a control plane, through
 * every system call that changes something and every one that reads: killed before or after it, the
 * call failing once or from there on, half of the bytes written. Then starts it again and holds the
 * invariants of sweep.h against what is on disk.
 *
 *     sweep [OPTION...] TREE AT few|all|old           (--help lists the options)
 *
 * One point is: a fresh copy of the tree, a faulty run, a look at what every reader sees at that
 * moment, what systemd does about it (ExecStopPost=, OnFailure=), recovery once more, an ordinary
 * run, a look at everything. `few`: one pair and one kubeconfig are due, `all`: everything is. TAP:
 * a line for each fault, with the number of points. */

#include "point.h"
#include "seams.h"

#include <getopt.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define WORKERS_MAX 64
#define MISSED_MOST 10 /* one, and one in so many points, may not be reached: polls vary */

typedef struct Options {
        const char *tree, *at, *what, *faults, *call;
        bool count_only, alone, first_only;
        unsigned every, talks, workers, number;
} Options;

/* A line of the report. */
typedef struct Row {
        const char *name; /* what --faults= calls it */
        Trial trial;
} Row;

/* clang-format off */
static const Row rows[] = {
        {"kill", {.fault = FAULT_KILL_BEFORE}},
        {"kill", {.fault = FAULT_KILL_AFTER}},
        {"error", {.fault = FAULT_ERROR, .error = EIO}},
        {"error", {.fault = FAULT_ERROR, .error = ENOSPC}},
        {"error", {.fault = FAULT_ERROR, .error = EDQUOT}},
        {"error", {.fault = FAULT_ERROR, .error = EROFS}},
        {"error", {.fault = FAULT_ERROR, .error = EACCES}},
        {"error", {.fault = FAULT_ERROR, .error = EMFILE}},
        {"error", {.fault = FAULT_ERROR, .error = ENOMEM}},
        {"error", {.fault = FAULT_ERROR, .error = EINTR}},
        {"on", {.fault = FAULT_ERROR_ON, .error = EIO}},
        {"on", {.fault = FAULT_ERROR_ON, .error = ENOSPC}},
        {"on", {.fault = FAULT_ERROR_ON, .error = EDQUOT}},
        {"on", {.fault = FAULT_ERROR_ON, .error = EROFS}},
        {"on", {.fault = FAULT_ERROR_ON, .error = EACCES}},
        {"on", {.fault = FAULT_ERROR_ON, .error = EMFILE}},
        {"on", {.fault = FAULT_ERROR_ON, .error = ENOMEM}},
        {"short", {.fault = FAULT_SHORT}},
        {"read", {.fault = FAULT_ERROR, .error = EIO, .reads = true}},
        {"read", {.fault = FAULT_ERROR, .error = EMFILE, .reads = true}},
        {"read", {.fault = FAULT_ERROR, .error = EACCES, .reads = true}},
        {"read", {.fault = FAULT_ERROR, .error = ENOMEM, .reads = true}},
        {"read", {.fault = FAULT_ERROR_ON, .error = EIO, .reads = true}},
        {"read", {.fault = FAULT_ERROR_ON, .error = EMFILE, .reads = true}},
        {"read", {.fault = FAULT_ERROR_ON, .error = ENOMEM, .reads = true}},
        {"twice", {.fault = FAULT_KILL_BEFORE, .twice = true}},
        {"twice", {.fault = FAULT_ERROR, .error = EIO, .twice = true}},
        {"twice", {.fault = FAULT_ERROR_ON, .error = ENOSPC, .twice = true}},
};
/* clang-format on */

typedef struct Points {
        struct {
                size_t row, call;
                unsigned number;
        } * list;
        size_t n;
} Points;

/* Shared by all workers. */
typedef struct Tally {
        unsigned points, failed, missed;
        uint64_t microseconds;
} Tally;

static int64_t monotonic(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool is_wanted(const char *list, const char *name)
{
        autofree char *all = xasprintf(",%s,", list), *one = xasprintf(",%s,", name);

        return strstr(all, one);
}

static bool may_happen(const Trial *trial, const InjectCall *call)
{
        return call->reads == trial->reads && (trial->fault != FAULT_SHORT || call->is_data) &&
               (!trial->error || inject_is_plausible(call, trial->error));
}

static void add_point(Points *points, size_t row, size_t call, unsigned number)
{
        size_t n = points->n++;

        points->list = xreallocarray(points->list, points->n, sizeof(*points->list));
        points->list[n].row = row;
        points->list[n].call = call;
        points->list[n].number = number;
}

static void add_points(Points *points, const Options *options, size_t row, const unsigned *counts)
{
        size_t index = row;

        for (size_t i = 0; i < inject_n_calls; i++) {
                const InjectCall *call = &inject_calls[i];
                unsigned step = call->talks ? options->talks : 1;

                if (!may_happen(&rows[row].trial, call) ||
                        (options->call && !streq(options->call, call->name)))
                        continue;
                for (unsigned number = 1; number <= counts[i]; number += step)
                        if ((!options->number || options->number == number) &&
                                index++ % options->every == 0)
                                add_point(points, row, i, number);
        }
}

static void work(
        const Options *options, Plane *plane, const Points *points, unsigned worker, Tally *tallies)
{
        for (size_t i = worker; i < points->n; i += options->workers) {
                Tally *tally = &tallies[points->list[i].row];
                int64_t start = monotonic();
                bool happened = false;
                bool good = point_try(plane, &rows[points->list[i].row].trial, points->list[i].call,
                        points->list[i].number, i, &happened);

                __atomic_add_fetch(&tally->points, 1, __ATOMIC_RELAXED);
                __atomic_add_fetch(&tally->failed, !good, __ATOMIC_RELAXED);
                __atomic_add_fetch(&tally->missed, !happened, __ATOMIC_RELAXED);
                __atomic_add_fetch(&tally->microseconds, monotonic() - start, __ATOMIC_RELAXED);
                if (!good && options->first_only) {
                        plane_show(plane);
                        break;
                }
        }
}

/* With a plane of its own. */
static pid_t start_worker(
        const Options *options, const Points *points, unsigned worker, Tally *tallies)
{
        pid_t pid;

        fflush(NULL);
        pid = fork();
        if (pid != 0)
                return pid;
        Plane plane = plane_new(options->tree, options->at, options->what);
        bool good = point_learn(&plane, NULL);

        if (good)
                work(options, &plane, points, worker, tallies);
        plane_free(&plane);
        fflush(NULL);
        _exit(!good);
}

/* The first worker is ourselves. False if one could not do its part. */
static bool work_all(const Options *options, Plane *plane, const Points *points, Tally *tallies)
{
        pid_t pids[WORKERS_MAX];
        bool good = true;

        for (unsigned i = 1; i < options->workers; i++)
                pids[i] = start_worker(options, points, i, tallies);
        work(options, plane, points, 0, tallies);
        for (unsigned i = 1; i < options->workers; i++) {
                int status = -1;

                good &= pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] && status == 0;
        }
        return good;
}

static bool report(size_t number, size_t row, const Tally *tally)
{
        bool good = tally->failed == 0 && tally->missed <= 1 + tally->points / MISSED_MOST;
        char text[TRIAL_TEXT_SIZE];

        printf("%s %zu - T36 %s every call that %s: %u points, %u failed, %u not reached, %.1f s\n",
                good ? "ok" : "not ok", number, trial_text(&rows[row].trial, text),
                rows[row].trial.reads ? "reads" : "changes something", tally->points, tally->failed,
                tally->missed, (double)tally->microseconds / 1e6);
        return good;
}

static void print_counts(const unsigned *counts)
{
        for (size_t i = 0; i < inject_n_calls; i++)
                if (counts[i] > 0)
                        printf("%s %s %u\n", inject_calls[i].name,
                                inject_calls[i].reads ? "reads" : "changes", counts[i]);
}

/* For strace(1): one run, and who made it. */
static int run_alone(const Options *options)
{
        Plane plane = plane_new(options->tree, options->at, options->what);
        pid_t pid = 0;
        int status;

        plane_reset(&plane);
        status = plane_run_alone(&plane, &pid);
        printf("%d\n", (int)pid);
        plane_free(&plane);
        return status;
}

static bool report_all(const Tally *tallies, size_t n_tests)
{
        unsigned points = 0, failed = 0;
        bool good = true;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (tallies[i].points == 0)
                        continue;
                good &= report(++n_tests, i, &tallies[i]);
                points += tallies[i].points;
                failed += tallies[i].failed;
        }
        printf("# %u points, %u failed\n1..%zu\n", points, failed, n_tests);
        return good;
}

static bool sweep(const Options *options)
{
        autofree unsigned *counts = xcalloc(inject_n_calls, sizeof(*counts));
        Tally *tallies = mmap(NULL, sizeof(Tally) * ELEMENTSOF(rows), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        Plane plane = plane_new(options->tree, options->at, options->what);
        Points points = {};
        bool good = point_learn(&plane, counts);

        printf("%s 1 - a run without fault ends with %d, and so does the next\n",
                good ? "ok" : "not ok", plane.usual[0]);
        if (!good)
                plane_show(&plane);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (is_wanted(options->faults, rows[i].name))
                        add_points(&points, options, i, counts);
        if (options->count_only)
                print_counts(counts);
        else if (good)
                good = work_all(options, &plane, &points, tallies);
        if (!options->count_only)
                good &= report_all(tallies, 1);
        plane_free(&plane);
        free(points.list);
        return good;
}

static const struct option long_options[] = {{"faults", required_argument, NULL, 'f'},
        {"every", required_argument, NULL, 'e'}, {"talks", required_argument, NULL, 't'},
        {"workers", required_argument, NULL, 'w'}, {"break", required_argument, NULL, 'b'},
        {"call", required_argument, NULL, 'n'}, {"number", required_argument, NULL, 'm'},
        {"first", no_argument, NULL, '1'}, {"count", no_argument, NULL, 'c'},
        {"alone", no_argument, NULL, 'a'}, {"possible", no_argument, NULL, 'p'},
        {"breakages", no_argument, NULL, 'l'}, {}};

static int usage(const char *program)
{
        fprintf(stderr,
                "usage: %s [--faults=kill,error,on,short,read,twice] [--every=N] [--talks=N] "
                "[--workers=N] [--call=NAME] [--number=N] [--break=NAME] [--first] "
                "[--count|--alone] TREE AT "
                "few|all|old\n"
                "       %s --possible | --breakages\n",
                program, program);
        return 2;
}

int main(int argc, char **argv)
{
        Options options = {.faults = "kill,error,on,short", .every = 1, .talks = 1, .workers = 1};
        int option;

        setvbuf(stdout, NULL, _IOLBF, 0);
        while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
                switch (option) {
                case 'f':
                        options.faults = optarg;
                        break;
                case 'e':
                        options.every = (unsigned)atoi(optarg);
                        break;
                case 't':
                        options.talks = (unsigned)atoi(optarg);
                        break;
                case 'w':
                        options.workers = (unsigned)atoi(optarg);
                        break;
                case 'b':
                        if (!seams_break(optarg))
                                return usage(argv[0]);
                        break;
                case 'n':
                        options.call = optarg;
                        break;
                case 'm':
                        options.number = (unsigned)atoi(optarg);
                        break;
                case '1':
                        options.first_only = true;
                        break;
                case 'c':
                        options.count_only = true;
                        break;
                case 'a':
                        options.alone = true;
                        break;
                case 'p':
                        return !inject_is_possible();
                case 'l':
                        seams_list();
                        return 0;
                default:
                        return usage(argv[0]);
                }
        if (argc - optind != 3 || options.every == 0 || options.talks == 0 ||
                options.workers == 0 || options.workers > WORKERS_MAX)
                return usage(argv[0]);
        options.tree = argv[optind];
        options.at = argv[optind + 1];
        options.what = argv[optind + 2];
        seams_make_pool();
        return options.alone ? run_alone(&options) : !sweep(&options);
}
