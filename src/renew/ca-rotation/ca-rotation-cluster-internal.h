/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the pieces of renew/ca-rotation/ca-rotation-cluster*.c have in common; for them only. */

#include "kube/api.h"
#include "renew/ca-rotation/ca-rotation-cluster.h"

/* What is asked about one CA. */
typedef struct Question {
        const ChecklistInput *input;
        Checklist *checklist;
        const CaRotation *rotation;
        const Cert *leaving, *staying; /* NULL before there is a new one */
        bool signs_server;             /* the API server's own certificate is of it */
        bool signs_clients;            /* the administrator's is, with which is asked */
        ApiServer server;              /* trusts whoever vouches for it */
} Question;

/* Sets signs_server and signs_clients, by what the API server shows and what is shown to it. */
void question_look(Question *question, const Cert *administrator);

/* Everything that is asked about one CA. */
void cluster_ask(const Question *question);

/* PEM of every CA of the layout that this one is of, whichever of them vouches for the API server;
 * the caller frees. */
char *cluster_roots(const Inventory *inventory, const char *ca);

/* What a phase waits for, or one line before `trust-new`. The text is taken. */
void question_add_for(
        const Question *question, const char *name, CheckState state, CaPhase phase, char *text);
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
 * began. */
void cluster_check_nodes(const Question *question);
void cluster_check_pods(const Question *question);

/* The other control planes, by what their API servers and members of etcd show: those that have
 * gone through the same phase are vouched for by the CA that stays. */
void cluster_check_members(const Question *question);
void cluster_check_etcd(const Question *question);

/* Before there is a new CA: are there others that must get the same one? Asks etcd also where the
 * API server does not answer (`error`; NULL: it does). */
void cluster_check_alone(const Question *question, const Error *error);

/* Is who has gone through the same phase as this host vouched for by the CA that stays? It has
 * signed him, or what he sends along. And has it signed everything, by now? */
bool question_is_vouched_for(const Question *question);
bool question_staying_signs(const Question *question);
