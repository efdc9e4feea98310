/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One point of a sweep: a fresh copy of the tree, a faulty run, a look at what every reader sees at
 * that moment, what systemd does about it (ExecStopPost=, OnFailure=), recovery once more, an
 * ordinary run, a look at everything.
 *
 *     if (point_learn(&plane, counts))
 *             good = point_try(&plane, &trial, call, number, seed, &happened);
 *
 * What does not hold is printed as a comment. */

#include "plane.h"

/* What is done to a call. */
typedef struct Trial {
        Fault fault;
        int error;
        bool reads; /* to one that only reads */
        bool twice; /* and once more, to what is to mend the first */
} Trial;

#define TRIAL_TEXT_SIZE 64
const char *trial_text(const Trial *trial, char text[TRIAL_TEXT_SIZE]);

/* Nights without a fault: how often each call is made in the first one (counts may be NULL), and
 * what is usual once there has been an alarm. False if they do not end well. */
bool point_learn(Plane *plane, unsigned *counts);

/* The number-th call of this kind (inject.h). The seed says where a second fault is, and whether
 * the backups are tried. *ret_happened: the call was made. */
bool point_try(Plane *plane, const Trial *trial, size_t call, unsigned number, size_t seed,
        bool *ret_happened);
