/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/restart-internal.h"

#include "base/log.h"
#include "host/clock.h"
#include "renew/inventory/reload.h"
#include "renew/restart/quorum.h"
#include "renew/state/park.h"
#include "renew/unit/interrupt.h"
#include "renew/unit/patience.h"

#include <fcntl.h>

#define NANOSECONDS ((int64_t)1000000000)
#define POLL        500 /* milliseconds between two looks */

/* Is there a certificate by which it can be proven that a process has this file? */
static bool is_proven_by_item(const Inventory *inventory, const char *path)
{
        for (size_t i = 0; i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];

                if (streq(item->path, path) || (item->key_path && streq(item->key_path, path)) ||
                        (item->kubeconfig_file && streq(item->kubeconfig_file->path, path)))
                        return true;
        }
        return false;
}

/* A copy, a file of trusted CAs that the layout does not know, its own manifest, the kubeconfig of
 * a kubelet. */
static bool is_unproven(const InventoryComponent *component, char *path)
{
        const char *manifest = component->entry->manifest;

        if (manifest)
                return streq(manifest, path) ||
                       (!is_proven_by_item(component->inventory, path) &&
                               restart_is_needed(component, (char *[]){path, NULL}));
        return !component_uses(component, path, NULL) ||
               (!is_proven_by_item(component->inventory, path) &&
                       restart_is_needed(component, (char *[]){path, NULL}));
}

/* What does not read such a file again by itself must have been started after it was put in place.
 */
static void ask_for_unproven(const Stage *stage, Attempt *attempt)
{
        for (char **path = attempt->owed->paths; path && *path; path++) {
                autofd int fd = fs_open(stage->input->root_fd, *path, O_PATH, 0, NULL);
                struct stat st;
                int64_t changed;

                if (fd < 0 || fstat(fd, &st) < 0 || !is_unproven(attempt->component, *path))
                        continue;
                changed = (int64_t)st.st_ctim.tv_sec * NANOSECONDS + st.st_ctim.tv_nsec;
                attempt->is_renewal = attempt->is_needed = true;
                if (attempt->newer_than < changed)
                        attempt->newer_than = changed;
        }
}

/* Then the kubelet puts a new pod in the place of the old one, by itself. */
static bool is_replaced(const Attempt *attempt)
{
        const char *manifest = attempt->component->entry->manifest;

        return manifest && strv_contains(attempt->owed->paths, manifest);
}

Attempt attempt_new(const Stage *stage, const InventoryComponent *component, const Owed *owed)
{
        Attempt attempt = {.component = component, .owed = owed};

        attempt.is_renewal =
                component->entry->restart == RESTART_ALWAYS || !owed->paths || owed->renews;
        attempt.is_needed = attempt.is_renewal || restart_is_needed(component, owed->paths);
        attempt.newer_than = (owed->since + 1) * NANOSECONDS - 1;
        ask_for_unproven(stage, &attempt);
        attempt.is_replaced = is_replaced(&attempt);
        return attempt;
}

void attempt_done(Attempt *attempt)
{
        run_look_done(&attempt->before);
        strv_free(attempt->healthy);
}

const InventoryComponent *stage_component(const Stage *stage, const char *name)
{
        return inventory_component(stage->n_fresh > 0 ? stage->fresh[stage->n_fresh - 1]
                                                      : stage->input->assessment->inventory,
                name);
}

void stage_keep(Stage *stage, Inventory *fresh)
{
        stage->fresh = xreallocarray(stage->fresh, stage->n_fresh + 1, sizeof(Inventory *));
        stage->fresh[stage->n_fresh++] = fresh;
}

void stage_done(Stage *stage)
{
        for (unsigned i = 0; i < stage->n_fresh; i++)
                inventory_free(stage->fresh[i]);
        free(stage->fresh);
}

/* The latest problem is the one that is told. */
static bool is_not_proven(Attempt *attempt, const char *problem)
{
        error_set(&attempt->problem, -ENODATA, "%s", problem ? problem : "it cannot be proven");
        return false;
}

static bool judge_proof(Attempt *attempt, const ComponentProof *proof)
{
        const RunLook *look = &proof->look;

        if (component_proof_loaded(proof) != LOADED_YES)
                return is_not_proven(attempt, component_proof_problem(proof));
        if (look->state == RUN_IDLE)
                return true;
        if (look->state == RUN_ABSENT || (look->state == RUN_UNKNOWN && !attempt->is_witnessed &&
                                                 (attempt->is_renewal || proof->n == 0)))
                return is_not_proven(attempt, look->problem);
        if (attempt->is_renewal && !attempt->is_witnessed &&
                (look->started_at <= attempt->newer_than || run_look_is_misdated(look)))
                return is_not_proven(attempt, "its process has not been started anew");
        return true;
}

/* Another one than we have ended is younger than the files, whatever the clock says meanwhile. */
static bool see_another(const Stage *stage, const Attempt *attempt)
{
        RunLook look;
        bool is_another;

        if (!attempt->is_ended)
                return false;
        running_look(stage->input->running, attempt->component, &look);
        is_another = run_look_is_another(&look, &attempt->before);
        run_look_done(&look);
        return is_another;
}

/* Of what it shows instead of its files; 0: it shows nothing else, or nobody knows. */
static int64_t first_end(const ComponentProof *proof)
{
        int64_t end = 0;

        for (size_t i = 0; i < proof->n; i++)
                if (proof->proofs[i].expires != 0 && (end == 0 || proof->proofs[i].expires < end))
                        end = proof->proofs[i].expires;
        return end;
}

bool attempt_is_proven(const Stage *stage, Attempt *attempt)
{
        attempt->is_witnessed = attempt->is_witnessed || see_another(stage, attempt);
        const VerifyRequest request = {.paths = attempt->owed->paths,
                .owed = attempt->owed,
                .witnessed = attempt->is_witnessed};
        ComponentProof proof;
        bool is_proven;

        verify_component(stage->input->running, attempt->component, &request, &proof);
        attempt->is_healthy = !proof.health_problem && proof.look.state != RUN_ABSENT;
        attempt->is_answering = proof.health >= 0;
        attempt->shown_until = first_end(&proof);
        attempt->is_down = proof.look.state == RUN_ABSENT ||
                           (proof.look.state == RUN_UNKNOWN && proof.health == -ECONNREFUSED);
        attempt->is_loaded = judge_proof(attempt, &proof);
        is_proven = attempt->is_loaded &&
                    (attempt->is_healthy || is_not_proven(attempt, proof.health_problem));
        component_proof_done(&proof);
        return is_proven;
}

static bool is_over(int64_t deadline)
{
        return clock_monotonic() >= deadline || interrupt_is_pending();
}

/* What it is one of has to be as it was before. */
static bool is_cluster_back(const Stage *stage, Attempt *attempt)
{
        Error error = {};

        if (quorum_is_back(stage->input->root_fd, attempt->component, attempt->healthy, &error) &&
                (!attempt->is_started ||
                        coordination_is_back(stage->coordination, attempt->component, &error)))
                return true;
        attempt->is_healthy = false;
        return is_not_proven(attempt, error.text);
}

bool attempt_wait(const Stage *stage, Attempt *attempt, int64_t seconds)
{
        int64_t deadline = clock_monotonic() + seconds * 1000;

        log_status("Waiting for %s to use its new files", attempt->component->entry->name);
        while (!attempt_is_proven(stage, attempt) || !is_cluster_back(stage, attempt)) {
                if (is_over(deadline))
                        return false;
                log_wait(deadline - clock_monotonic());
                clock_sleep(POLL);
        }
        return true;
}

/* Until the probe finds nobody: that is all that can be seen without the runtime. */
static bool is_seen_gone(const Stage *stage, const Attempt *attempt)
{
        return running_ask_health(stage->input->running, attempt->component, NULL) == -ECONNREFUSED;
}

static bool wait_until_gone(const Stage *stage, const Attempt *attempt)
{
        const InventoryComponent *component = attempt->component;
        int64_t start = clock_monotonic();
        int64_t least = start + (int64_t)PATIENCE_PARK_LEAST * 1000;
        int64_t most = least + PATIENCE_PARK_SLACK * 1000;
        unsigned grace = component->manifest->termination_grace;
        bool is_gone = false;

        most += (int64_t)(grace < PATIENCE_GRACE_MOST ? grace : PATIENCE_GRACE_MOST) * 1000;
        while (!is_over(is_gone ? least : most)) {
                is_gone |= is_seen_gone(stage, attempt);
                log_wait((is_gone ? least : most) - clock_monotonic());
                clock_sleep(POLL);
        }
        return is_gone;
}

/* The manifest is back before this returns, whatever happens in between. */
static int restart_by_manifest(const Stage *stage, Attempt *attempt, Error *reterr)
{
        const RestartInput *input = stage->input;
        const ComponentEntry *entry = attempt->component->entry;
        bool is_gone;
        int r;

        /* 1. A wait that nobody can judge is no proof. */
        if (running_ask_health(input->running, attempt->component, NULL) == -EOPNOTSUPP)
                return error_set(reterr, -EOPNOTSUPP,
                        "neither a runtime nor a probe can be asked whether it has ended: restart "
                        "it yourself");

        /* 2. Out, until it has ended, and back. */
        log_status("Moving the manifest of %s out and back", entry->name);
        r = park_out(input->root_fd, input->config->state_directory, entry->manifest, reterr);
        if (r < 0)
                return r;
        is_gone = wait_until_gone(stage, attempt);
        r = park_back(input->root_fd, input->config->state_directory, entry->manifest, reterr);
        if (r < 0)
                return r;
        if (!is_gone)
                return error_set(reterr, -ETIMEDOUT,
                        "the kubelet did not end it while its manifest was moved out");
        attempt->is_witnessed = true;
        return 0;
}

/* How long it may take to be back; what the kubelet holds back may take longer. */
static int64_t start_timeout(const Attempt *attempt, bool is_waiting)
{
        int64_t timeout = attempt->component->entry->start_timeout;

        return is_waiting && timeout < PATIENCE_BACKOFF ? PATIENCE_BACKOFF : timeout;
}

/* The kubelet starts its containers. Who restarts anything else has tried to start it, also where
 * that has failed. */
static bool is_pod(const InventoryComponent *component)
{
        return component->entry->manifest && !component->entry->restart_command;
}

bool attempt_restart(const Stage *stage, Attempt *attempt)
{
        Running *running = stage->input->running;
        const char *name = attempt->component->entry->name;
        Error error = {};
        RunLook *before = &attempt->before;
        bool is_waiting;
        int r;

        log_status("Restarting %s", name);
        run_look_done(before);
        running_look(running, attempt->component, before);
        if (!attempt->healthy)
                attempt->healthy = quorum_healthy(stage->input->root_fd, attempt->component);
        is_waiting = run_look_is_waiting(before);
        r = running_end(running, attempt->component, before, &error);
        if (r == -EUNATCH)
                r = restart_by_manifest(stage, attempt, &error);
        else if (r >= 0 && before->state == RUN_UNKNOWN)
                attempt->is_witnessed = true;
        else if (r >= 0)
                attempt->newer_than = before->started_at; /* the debt may be of this very second */
        attempt->is_ended = r >= 0 && !attempt->is_witnessed;
        attempt->is_started = r >= 0 || !is_pod(attempt->component);
        if (r < 0) {
                /* Whatever has been done to it: is it well? */
                (void)attempt_is_proven(stage, attempt);
                error_set(&attempt->problem, r, "%s", error.text);
                return false;
        }
        return attempt_wait(stage, attempt, start_timeout(attempt, is_waiting));
}
