/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/unit/deadline.h"

#include "host/command.h"
#include "renew/unit/patience.h"

/* Reading and writing on a slow disk, and neighbours that take long to answer. */
#define OWN_TIME (10 * MINUTE)
/* Making one key on a slow machine. */
#define ISSUING 15

/* One proof: every probe of a manifest, a handshake, the runtime. Each may be cut short by its own
 * limit only after the deadline of who asks has passed. */
#define PROOF MINUTE
/* Of everything: before the first restart, and after the last. */
#define LOOKS 2

/* Asking for a turn, and whether others are up, beside waiting for it; and another proof then. */
#define TURN (2 * PROOF + 2 * PATIENCE_ELECTION)

/* A roll-back has the components before it restarted once more: renew/restart/restart.c. */
#define ROUNDS 2
/* Once in each round, and once with its old files. */
#define RESTARTS 3

#define API_SERVER "kube-apiserver"

static int64_t larger(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static const Manifest *find_manifest(const ComponentEntry *entry, const Inventory *inventory)
{
        for (size_t i = 0; inventory && i < inventory->n_components; i++)
                if (inventory->components[i].entry == entry)
                        return inventory->components[i].manifest;
        return NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* An API server that goes on for so long, until no balancer sends it anything any more, answers
 * what it has only then. */
static int64_t drain_time(const Manifest *manifest)
{
        const ManifestContainer *api = manifest_program(manifest, API_SERVER);
        const char *flag =
                api ? manifest_flag(manifest, api->name, "--shutdown-delay-duration") : NULL;
        int64_t delay;

        return flag && span_parse(flag, &delay) >= 0 && delay > 0 ? delay + PATIENCE_GRACE_USUAL
                                                                  : 0;
}

int64_t deadline_of_stop(
        const Config *config, const ComponentEntry *entry, const Manifest *manifest)
{
        int64_t usual = manifest ? manifest->termination_grace : PATIENCE_GRACE_USUAL;
        int64_t grace = smaller(larger(usual, drain_time(manifest)), PATIENCE_GRACE_MOST);
        bool is_drained = config->cluster.coordination != COORDINATION_NONE &&
                          manifest_program(manifest, API_SERVER);

        if (entry->stop_timeout < 0 || (is_drained && grace > entry->stop_timeout))
                return grace;
        return entry->stop_timeout;
}

int64_t deadline_of_restart(
        const Config *config, const ComponentEntry *entry, const Manifest *manifest, bool is_known)
{
        int64_t end, back = entry->start_timeout;

        if (entry->restart_command)
                end = entry->start_timeout + COMMAND_SLACK;
        else if (entry->unit)
                end = entry->start_timeout;
        else
                end = PATIENCE_RUNTIME + deadline_of_stop(config, entry, manifest);

        /* Whoever moves the manifest waits longer than who asks the runtime. */
        if (entry->manifest && !entry->restart_command && !is_known)
                end += PATIENCE_PARK_LEAST + PATIENCE_PARK_SLACK - PATIENCE_RUNTIME;
        if (entry->manifest && !is_known)
                back = larger(back, PATIENCE_BACKOFF);
        return end + back + PROOF;
}

/* Before it may be ended, and for it to lead no more; and both times the API server that goes with
 * it must not be missed. */
static int64_t elections_time(const Config *config, const Manifest *manifest)
{
        if (!manifest_program(manifest, "etcd"))
                return 0;
        return (config->cluster.coordination != COORDINATION_NONE ? 4 : 2) * PATIENCE_ELECTION;
}

int64_t deadline_of_turn(
        const Config *config, const ComponentEntry *entry, const Manifest *manifest, bool is_known)
{
        return TURN + elections_time(config, manifest) +
               deadline_of_restart(config, entry, manifest, is_known);
}

/* What no pass replaces a file of has nothing to be rolled back to. */
static int64_t restarts_of(const ComponentEntry *entry)
{
        if (entry->restart == RESTART_NEVER)
                return 0;
        return entry->manifest || entry->uses ? RESTARTS : 1;
}

static int64_t component_time(
        const Config *config, const ComponentEntry *entry, const Inventory *inventory)
{
        const Manifest *manifest = find_manifest(entry, inventory);
        int64_t once = deadline_of_restart(config, entry, manifest, false);
        int64_t turn = PROOF + PATIENCE_RELOAD + (entry->manifest ? PATIENCE_KEEPER : 0) +
                       elections_time(config, manifest);

        /* One that has its files and is ill is only waited for. */
        if (entry->restart == RESTART_NEVER)
                turn += entry->start_timeout;
        if (config->cluster.coordination != COORDINATION_NONE)
                turn += TURN;
        return LOOKS * PROOF + ROUNDS * turn + restarts_of(entry) * once;
}

static int64_t hooks_time(const HookEntries *hooks)
{
        int64_t once = hooks->timeout + COMMAND_SLACK;
        int64_t sum = 0;

        if (hooks->pre_renew)
                sum += once;
        if (hooks->deploy)
                sum += ROUNDS * once;
        if (hooks->post_renew)
                sum += once;
        if (hooks->on_alarm)
                sum += PATIENCE_TELLING + once; /* the last one is begun just in time */
        return sum;
}

/* All are waited for side by side; but one question comes after the other, and a helper may take
 * all of its time for one. */
static int64_t requests_time(const Layout *layout)
{
        int64_t longest = 0, questions = 0;

        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                if (!issuer_takes_requests(entry))
                        continue;
                longest = larger(longest, entry->issuer.request_timeout);
                questions += entry->issuer.kind == ISSUER_KIND_COMMAND
                                     ? entry->issuer.request_timeout + COMMAND_SLACK
                                     : PROOF;
        }
        return longest + questions;
}

/* What was started anew gets the time to renew what it does. */
static int64_t renewals_time(const Layout *layout)
{
        for (size_t i = 0; i < layout->n_credentials; i++)
                if (issuer_restarts(&layout->credentials[i]))
                        return PATIENCE_RELOAD + PROOF;
        return 0;
}

int64_t deadline_of_run(const Config *config, const Inventory *inventory)
{
        const Layout *layout = &config->layout;
        int64_t sum = OWN_TIME + (int64_t)layout->n_credentials * ISSUING;

        for (size_t i = 0; i < layout->n_components; i++)
                sum += component_time(config, &layout->components[i], inventory);
        if (config->cluster.coordination != COORDINATION_NONE)
                sum += config->cluster.lease_timeout;
        return sum + requests_time(layout) + renewals_time(layout) + hooks_time(&config->hooks);
}
