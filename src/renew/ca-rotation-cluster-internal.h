/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the pieces of renew/ca-rotation-cluster*.c have in common; for them only. */

#include "kube/api.h"
#include "renew/ca-rotation-cluster.h"

/* What is asked about one CA. */
typedef struct Question {
        const ChecklistInput *input;
        Checklist *checklist;
        const CaRotation *rotation;
        const Cert *leaving, *staying;
        bool is_api_ca;   /* the API server's clients trust it */
        ApiServer server; /* trusts whoever vouches for it */
} Question;

/* Everything that is asked about one CA. */
void cluster_ask(const Question *question);

/* One line. The text is taken. */
void question_add(const Question *question, const char *name, CheckState state, char *text);

/* What could not be asked: UNKNOWN, and whoever is told has to look himself. */
void question_fail(const Question *question, const char *name, const Error *error);

/* How many of something, of which the first few are named. */
typedef struct Tally {
        size_t n, n_open;
        char **names; /* of what is open */
} Tally;

void tally_add(Tally *tally, bool is_open, const char *name);

/* "3 of 7 (a, b, …)"; the caller frees. Empties the tally. */
char *tally_text(Tally *tally);

/* Nodes whose kubelet must know the CA that stays; pods that read the one that leaves when they
 * began; the other API servers. Of the CA that the API server's clients trust. */
void cluster_check_nodes(const Question *question);
void cluster_check_pods(const Question *question);
void cluster_check_members(const Question *question);
