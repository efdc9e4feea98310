/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A whole host for a crash: the scene, the neighbours of a control plane, and the program started
 * as systemd starts it.
 *
 *     Plane plane = plane_new(tree, at, "few");
 *     plane_reset(&plane);
 *     status = plane_run(&plane, &injection, counts);         kube-renewd run
 *     plane_recover(&plane, NULL, NULL);                         ExecStopPost=
 *     plane_fail(&plane, status);                                OnFailure=
 *     plane_check_alarm(&plane, status, where);                  I7
 *     plane_check_done(&plane, where);                           I6, of 0
 *
 * The program is ours from its argument vector to its exit status, but for three things: it takes
 * the scratch root for the host's own, waiting takes no time, and RSA keys come from a pool. */

#include "inject.h"
#include "neighbours.h"
#include "sweep.h"

typedef struct Plane {
        Scene scene;
        Neighbours neighbours;
        pid_t runtime;
        bool old;
        int64_t first_night;
        unsigned runs;
        pid_t *alone;
        char invocation[33]; /* of the last run */
        int usual[2];        /* how two nights without a fault end */
        char *usual_alarms, *usual_paths;
} Plane;

/* few: one pair and one kubeconfig are due; all: everything is; old: and every process runs since
 * before what it uses was written, so that all are restarted. */
Plane plane_new(const char *tree, const char *at, const char *what);
void plane_free(Plane *plane);
void plane_reset(Plane *plane);

/* Left alone, for somebody else to look at: strace(1) cannot follow who is followed already.
 * *ret_pid is the one who ran. */
int plane_run_alone(Plane *plane, pid_t *ret_pid);

/* `run`, at the scene's time. The exit status, or 128 + signal. */
int plane_run(Plane *plane, const Injection *injection, unsigned *counts);

/* The same when systemd or the timer starts it again: later if a component was rolled back, and is
 * left alone till then. */
int plane_run_next(Plane *plane, const Injection *injection);

int plane_recover(Plane *plane, const Injection *injection, unsigned *counts);
int plane_restore(Plane *plane, const char *id);

/* What the program has said since the reset, as comments. */
void plane_show(const Plane *plane);

/* What systemd does about a run that has ended so. */
void plane_fail(const Plane *plane, int status);

/* Takes what is there now for what a night without a fault leaves. */
void plane_learn(Plane *plane);

bool plane_has_alarm(const Plane *plane, const char *type);

bool plane_check_public(const Plane *plane, const char *where);
bool plane_check_alarm(const Plane *plane, int status, const char *where);
bool plane_check_done(const Plane *plane, const char *where);

/* The same files with the same modes, and the same alarms, as without a fault. */
bool plane_check_usual(const Plane *plane, const char *where);

/* I10, by trying: the backups are restored, the oldest last, and all is as it was. */
bool plane_check_restore(Plane *plane, const char *where);
