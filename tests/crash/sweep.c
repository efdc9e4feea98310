/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives the whole program, `kube-renewd run` among the neighbours of a control plane, through
 * every system call that changes something and every one that reads: killed before or after it, the
 * call failing once or from there on, half of the bytes written. Then starts it again and holds the
 * invariants of cases.md against what is on disk.
 *
 *     sweep [OPTION...] TREE AT few|all|old           (--help lists the options)
 *
 * One point is: a fresh copy of the tree, a faulty run, a look at what every reader sees at that
 * moment, what systemd does about it (ExecStopPost=, OnFailure=), recovery once more, an ordinary
 * run, a look at everything. `few`: one pair and one kubeconfig are due, `all`: everything is. TAP:
 * a line for each fault, with the number of points. */

#include "plane.h"
#include "seams.h"

#include "renew/pass.h"

#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define POOL         24 /* RSA keys */
#define WORKERS_MAX  64
#define MISSED_MOST  20 /* one in so many points may not be reached: how often is polled varies */
#define TALKS_EACH   5
#define RESTORE_EACH 8 /* of so many points the backups of one are restored */

typedef struct Options {
        const char *tree, *at, *what, *faults, *call;
        bool count_only, alone, first_only;
        unsigned every, workers, number;
        KeyKind pool;
} Options;

/* A line of the report. */
typedef struct Row {
        const char *name; /* what --faults= calls it */
        Fault fault;
        int error;
        bool reads, twice;
} Row;

/* clang-format off */
static const Row rows[] = {
        {"kill", FAULT_KILL_BEFORE, 0, false, false},
        {"kill", FAULT_KILL_AFTER, 0, false, false},
        {"error", FAULT_ERROR, EIO, false, false},
        {"error", FAULT_ERROR, ENOSPC, false, false},
        {"error", FAULT_ERROR, EDQUOT, false, false},
        {"error", FAULT_ERROR, EROFS, false, false},
        {"error", FAULT_ERROR, EACCES, false, false},
        {"error", FAULT_ERROR, EMFILE, false, false},
        {"error", FAULT_ERROR, ENOMEM, false, false},
        {"error", FAULT_ERROR, EINTR, false, false},
        {"on", FAULT_ERROR_ON, EIO, false, false},
        {"on", FAULT_ERROR_ON, ENOSPC, false, false},
        {"on", FAULT_ERROR_ON, EDQUOT, false, false},
        {"on", FAULT_ERROR_ON, EROFS, false, false},
        {"on", FAULT_ERROR_ON, EACCES, false, false},
        {"on", FAULT_ERROR_ON, EMFILE, false, false},
        {"on", FAULT_ERROR_ON, ENOMEM, false, false},
        {"short", FAULT_SHORT, 0, false, false},
        {"read", FAULT_ERROR, EIO, true, false},
        {"read", FAULT_ERROR, EMFILE, true, false},
        {"read", FAULT_ERROR, EACCES, true, false},
        {"read", FAULT_ERROR, ENOMEM, true, false},
        {"read", FAULT_ERROR_ON, EIO, true, false},
        {"read", FAULT_ERROR_ON, EMFILE, true, false},
        {"read", FAULT_ERROR_ON, ENOMEM, true, false},
        {"twice", FAULT_KILL_BEFORE, 0, false, true},
        {"twice", FAULT_ERROR, EIO, false, true},
        {"twice", FAULT_ERROR_ON, ENOSPC, false, true},
};
/* clang-format on */

typedef struct Point {
        size_t row, call;
        unsigned number;
} Point;

typedef struct Points {
        Point *list;
        size_t n;
} Points;

/* Shared by all workers. */
typedef struct Tally {
        unsigned points, failed, missed;
        uint64_t microseconds;
} Tally;

static const char *fault_text(const Row *row, char text[64])
{
        static const char *const texts[] = {
                [FAULT_KILL_BEFORE] = "killed before",
                [FAULT_KILL_AFTER] = "killed after",
                [FAULT_ERROR] = "once at",
                [FAULT_ERROR_ON] = "from here on:",
                [FAULT_SHORT] = "half of",
        };

        snprintf(text, 64, "%s%s%s%s", row->twice ? "twice, " : "",
                row->error ? strerrorname_np(row->error) : "", row->error ? " " : "",
                texts[row->fault]);
        return text;
}

static int64_t monotonic(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* One that is to mend what the first has left: somewhere else for each point. */
static Injection second_fault(const Row *row, size_t index, unsigned most)
{
        return (Injection){.fault = row->fault,
                .error = row->error,
                .call = INJECT_ANY,
                .number = 1 + (unsigned)(index * 2654435761u >> 8) % most};
}

/* What systemd does about a run that has ended. Recovery is started once more than it does. */
static bool clean_up(Plane *plane, int status, const Injection *second, const char *where)
{
        if (second)
                plane_recover(plane, second, NULL);
        plane_recover(plane, NULL, NULL);
        scene_remember(&plane->scene);
        plane_recover(plane, NULL, NULL);
        if (!scene_check_remembered(&plane->scene, where))
                return false;
        plane_fail(plane, status);
        return plane_check_alarm(plane, status, where) && scene_check_whole(&plane->scene, where);
}

/* The night after brings everything to its end. */
static bool check_next_night(Plane *plane, bool restores, const char *where)
{
        int status = plane_run_next(plane, NULL);

        if (status != plane->usual[1])
                return scene_fail(&plane->scene, where, "the next run ends with %d", status);
        return scene_check_whole(&plane->scene, where) && plane_check_done(plane, where) &&
               plane_check_usual(plane, where) && scene_check_backups(&plane->scene, where) &&
               (!restores || plane_check_restore(plane, where));
}

static bool is_expected(const Row *row, int status)
{
        bool kills = row->fault == FAULT_KILL_BEFORE || row->fault == FAULT_KILL_AFTER;

        return status < 128 || (kills && status == 128 + SIGKILL);
}

/* One point. *ret_happened: it was reached. */
static bool try_point(Plane *plane, const Point *point, size_t index, bool *ret_happened)
{
        const Row *row = &rows[point->row];
        const InjectCall *call = &inject_calls[point->call];
        char fault[64];
        autofree char *where = xasprintf("%s %s%s %u", fault_text(row, fault), call->name,
                row->reads ? " (reads)" : "", point->number);
        const Injection injection = {.fault = row->fault,
                .call = point->call,
                .number = point->number,
                .error = row->error,
                .ret_happened = ret_happened};
        const Injection second = second_fault(row, index, 24),
                        third = second_fault(row, index, 300);
        bool in_recovery = row->twice && index % 2 == 0;
        int status;

        /* 1. The fault, and what a reader sees at that moment. */
        plane_reset(plane);
        status = plane_run(plane, &injection, NULL);
        if (!is_expected(row, status))
                return scene_fail(&plane->scene, where, "it ends with %d", status);
        if (!scene_check_readers(&plane->scene, where) ||
                (status == EXIT_DONE && !plane_check_done(plane, where)))
                return false;

        /* 2. What the host does about it. */
        if (!clean_up(plane, status, in_recovery ? &second : NULL, where))
                return false;

        /* 3. Perhaps another one, in the next run. */
        if (row->twice && !in_recovery) {
                status = plane_run_next(plane, &third);
                if (!scene_check_readers(&plane->scene, where) ||
                        !clean_up(plane, status, NULL, where))
                        return false;
        }

        /* 4. The one after does what was left. */
        return check_next_night(plane, index % RESTORE_EACH == 0, where);
}

/* Nights without a fault: how often each call is made in the first one, and what is usual once
 * there has been an alarm. */
static bool learn(Plane *plane, unsigned *counts)
{
        plane_reset(plane);
        plane->usual[0] = plane_run(plane, NULL, counts);
        plane_reset(plane);
        plane_fail(plane, 128 + SIGKILL);
        (void)!plane_run(plane, NULL, NULL);
        plane->usual[1] = plane_run_next(plane, NULL);
        plane_learn(plane);
        return plane->usual[0] < 128 && plane->usual[0] == plane->usual[1] &&
               plane_check_done(plane, "a run without fault") &&
               scene_check_renewed(&plane->scene, "a run without fault") &&
               scene_check_whole(&plane->scene, "a run without fault");
}

static bool is_wanted(const char *list, const char *name)
{
        autofree char *all = xasprintf(",%s,", list), *one = xasprintf(",%s,", name);

        return strstr(all, one);
}

static bool may_happen(const Row *row, const InjectCall *call)
{
        return call->reads == row->reads && (row->fault != FAULT_SHORT || call->is_data) &&
               (!row->error || inject_is_plausible(call, row->error));
}

/* A sample has fewer of the many questions to neighbours. */
static void add_points(Points *points, const Options *options, size_t row, const unsigned *counts)
{
        size_t index = row;

        for (size_t i = 0; i < inject_n_calls; i++) {
                const InjectCall *call = &inject_calls[i];
                unsigned step = call->talks && options->every > 1 ? TALKS_EACH : 1;

                if (!may_happen(&rows[row], call) ||
                        (options->call && !streq(options->call, call->name)))
                        continue;
                for (unsigned number = 1; number <= counts[i]; number += step) {
                        if ((options->number && options->number != number) ||
                                index++ % options->every != 0)
                                continue;
                        points->list = xreallocarray(points->list, points->n + 1, sizeof(Point));
                        points->list[points->n++] = (Point){row, i, number};
                }
        }
}

static void work(
        const Options *options, Plane *plane, const Points *points, unsigned worker, Tally *tallies)
{
        for (size_t i = worker; i < points->n; i += options->workers) {
                Tally *tally = &tallies[points->list[i].row];
                int64_t start = monotonic();
                bool happened = false;
                bool good = try_point(plane, &points->list[i], i, &happened);

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
        bool good = learn(&plane, NULL);

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
        bool good = tally->failed == 0 && tally->missed * MISSED_MOST <= tally->points;
        char fault[64];

        printf("%s %zu - T36 %s every call that %s: %u points, %u failed, %u not reached, %.1f s\n",
                good ? "ok" : "not ok", number, fault_text(&rows[row], fault),
                rows[row].reads ? "reads" : "changes something", tally->points, tally->failed,
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
        bool good = learn(&plane, counts);

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
        {"every", required_argument, NULL, 'e'}, {"workers", required_argument, NULL, 'w'},
        {"break", required_argument, NULL, 'b'}, {"call", required_argument, NULL, 'n'},
        {"number", required_argument, NULL, 'm'}, {"first", no_argument, NULL, '1'},
        {"count", no_argument, NULL, 'c'}, {"alone", no_argument, NULL, 'a'},
        {"possible", no_argument, NULL, 'p'}, {"breakages", no_argument, NULL, 'l'}, {}};

static int usage(const char *program)
{
        fprintf(stderr,
                "usage: %s [--faults=kill,error,on,short,read,twice] [--every=N] "
                "[--workers=N] [--call=NAME] [--number=N] [--break=NAME] [--first] "
                "[--count|--alone] TREE AT "
                "few|all|old\n"
                "       %s --possible | --breakages\n",
                program, program);
        return 2;
}

int main(int argc, char **argv)
{
        Options options = {.faults = "kill,error,on,short", .every = 1, .workers = 1};
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
        if (argc - optind != 3 || options.every == 0 || options.workers == 0 ||
                options.workers > WORKERS_MAX)
                return usage(argv[0]);
        options.tree = argv[optind];
        options.at = argv[optind + 1];
        options.what = argv[optind + 2];
        seams_fill_pool(KEY_KIND_RSA_2048, strstr(options.tree, "rsa") ? POOL : 0);
        return options.alone ? run_alone(&options) : !sweep(&options);
}
