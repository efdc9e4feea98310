/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "point.h"

#include "renew/pass.h"

#include <signal.h>

#define RESTORE_EACH 8 /* of so many points the backups of one are restored */

/* About as many calls change something: the second fault is at one of them. */
#define CHANGES_OF_RECOVERY 24
#define CHANGES_OF_RUN      300

const char *trial_text(const Trial *trial, char text[TRIAL_TEXT_SIZE])
{
        static const char *const texts[] = {
                [FAULT_KILL_BEFORE] = "killed before",
                [FAULT_KILL_AFTER] = "killed after",
                [FAULT_ERROR] = "once at",
                [FAULT_ERROR_ON] = "from here on:",
                [FAULT_SHORT] = "half of",
        };

        snprintf(text, TRIAL_TEXT_SIZE, "%s%s%s%s", trial->twice ? "twice, " : "",
                trial->error ? strerrorname_np(trial->error) : "", trial->error ? " " : "",
                texts[trial->fault]);
        return text;
}

/* One that is to mend what the first has left: somewhere else for each point. */
static Injection second_fault(const Trial *trial, size_t seed, unsigned most)
{
        return (Injection){.fault = trial->fault,
                .error = trial->error,
                .call = INJECT_ANY,
                .number = 1 + (unsigned)(seed * 2654435761u >> 8) % most};
}

static bool is_expected(const Trial *trial, int status)
{
        bool kills = trial->fault == FAULT_KILL_BEFORE || trial->fault == FAULT_KILL_AFTER;

        return status < 128 || (kills && status == 128 + SIGKILL);
}

static bool recover(Plane *plane, const char *where)
{
        int status = plane_recover(plane, NULL, NULL);

        return status == EXIT_DONE ||
               scene_fail(&plane->scene, where, "recovery ends with %d", status);
}

/* What systemd does about a run that has ended. Recovery is started once more than it does. */
static bool clean_up(
        Plane *plane, const Trial *trial, int status, const Injection *second, const char *where)
{
        int r = second ? plane_recover(plane, second, NULL) : EXIT_DONE;

        if (!is_expected(trial, r) || !is_expected(trial, status))
                return scene_fail(
                        &plane->scene, where, "it ends with %d, recovery with %d", status, r);
        if (!recover(plane, where))
                return false;
        scene_remember(&plane->scene);
        if (!recover(plane, where) || !scene_check_remembered(&plane->scene, where))
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

/* A second fault in the run after. */
static bool run_badly(Plane *plane, const Trial *trial, size_t seed, const char *where)
{
        const Injection fault = second_fault(trial, seed, CHANGES_OF_RUN);
        int status = plane_run_next(plane, &fault);

        return scene_check_readers(&plane->scene, where) && plane_check_public(plane, where) &&
               clean_up(plane, trial, status, NULL, where);
}

bool point_try(Plane *plane, const Trial *trial, size_t call, unsigned number, size_t seed,
        bool *ret_happened)
{
        char text[TRIAL_TEXT_SIZE];
        autofree char *where = xasprintf("%s %s%s %u", trial_text(trial, text),
                inject_calls[call].name, trial->reads ? " (reads)" : "", number);
        const Injection first = {.fault = trial->fault,
                .call = call,
                .number = number,
                .error = trial->error,
                .ret_happened = ret_happened};
        /* What goes on is there when recovery begins. */
        bool goes_on = trial->fault == FAULT_ERROR_ON && !trial->twice;
        const Injection second = second_fault(trial, seed, goes_on ? 1 : CHANGES_OF_RECOVERY);
        bool in_recovery = trial->twice && seed % 2 == 0;
        int status;

        /* 1. The fault, and what a reader sees at that moment. */
        plane_reset(plane);
        status = plane_run(plane, &first, NULL);
        if (!scene_check_readers(&plane->scene, where) || !plane_check_public(plane, where) ||
                (status == EXIT_DONE && !plane_check_done(plane, where)))
                return false;

        /* 2. What the host does about it. */
        if (!clean_up(plane, trial, status, goes_on || in_recovery ? &second : NULL, where))
                return false;

        /* 3. The next run does what was left, or the one after that. */
        if (trial->twice && !in_recovery && !run_badly(plane, trial, seed, where))
                return false;
        return check_next_night(plane, seed % RESTORE_EACH == 0, where);
}

bool point_learn(Plane *plane, unsigned *counts)
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
