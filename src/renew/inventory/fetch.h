/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the Secrets of [fetch NAME] hold: asked for once, before anything is judged.
 *
 *     fetched = fetch_run(root_fd, config);                        asks; cannot fail
 *     inventory_add_fetched(inventory, config, fetched);           beside what is on disk
 *     assessment->fetches[i].problem                               why nothing is taken; NULL
 *
 * A standby takes what somebody else has published, as one: pairs that are newer than those in
 * place become Item.source, and a pass takes them over as it does those of SourceCertificate=.
 * Anything that is not sound refuses all of that Secret. */

#include "kube/secret-object.h"
#include "renew/config/config.h"

typedef struct FetchedSecret {
        const SecretEntry *entry;
        SecretObject *object; /* NULL: see problem */
        char *problem;        /* why it is not known what it holds; NULL */
} FetchedSecret;

typedef struct FetchedList {
        FetchedSecret *secrets; /* of those that are not switched off */
        size_t n;
} FetchedList;

void fetched_list_free(FetchedList *list);
DEFINE_AUTOPTR(FetchedList, fetched_list_free)

FetchedList *fetch_run(int root_fd, const Config *config);

/* The resource of its alarm: "fetch-NAME". The caller frees. */
char *fetch_alarm_name(const SecretEntry *entry);

/* Whose alarm that is; NULL if it is nobody's who is configured. */
const SecretEntry *fetch_find_alarm(const Layout *layout, const char *resource);

/* "Secret 'NAMESPACE/NAME'"; the caller frees. */
char *secret_place_text(const SecretEntry *entry);
