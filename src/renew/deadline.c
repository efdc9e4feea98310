/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/deadline.h"

#include "host/command.h"
#include "renew/patience.h"

/* Reading and writing on a slow disk, and neighbours that take long to answer. */
#define OWN_TIME (10 * MINUTE)
/* Making one key on a slow machine. */
#define ISSUING 15

/* One proof: every probe of a manifest, a handshake, the runtime. Each may be cut short by its own
 * limit only after the deadline of who asks has passed. */
#define PROOF MINUTE
/* Of everything: before the first restart, and after the last. */
#define LOOKS 2

/* A roll-back has the components before it restarted once more: renew/restart.c. */
#define ROUNDS 2
/* Once in each round, and once with its old files. */
#define RESTARTS 3

static int64_t larger(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static int64_t grace(const ComponentEntry *entry, const Inventory *inventory)
{
        if (entry->stop_timeout >= 0)
                return entry->stop_timeout;
        for (size_t i = 0; inventory && i < inventory->n_components; i++) {
                const InventoryComponent *component = &inventory->components[i];

                if (component->entry == entry && component->manifest)
                        return component->manifest->termination_grace < PATIENCE_GRACE_MOST
                                       ? component->manifest->termination_grace
                                       : PATIENCE_GRACE_MOST;
        }
        return PATIENCE_GRACE_USUAL;
}

/* From the order to restart it to the last look whether it is back. */
static int64_t one_restart(const ComponentEntry *entry, const Inventory *inventory)
{
        int64_t end, back = entry->start_timeout;

        if (entry->restart_command)
                end = entry->start_timeout + COMMAND_SLACK;
        else if (entry->unit)
                end = entry->start_timeout;
        else /* Whoever moves the manifest waits longer than who asks the runtime. */
                end = PATIENCE_PARK_LEAST + PATIENCE_PARK_SLACK + grace(entry, inventory);
        if (entry->manifest)
                back = larger(back, PATIENCE_BACKOFF);
        return end + back + PROOF;
}

/* What no pass replaces a file of has nothing to be rolled back to. */
static int64_t restarts_of(const ComponentEntry *entry)
{
        if (entry->restart == RESTART_NEVER)
                return 0;
        return entry->manifest || entry->uses ? RESTARTS : 1;
}

static int64_t component_time(const ComponentEntry *entry, const Inventory *inventory)
{
        int64_t turn = PROOF + PATIENCE_RELOAD + (entry->manifest ? PATIENCE_KEEPER : 0);

        /* One that has its files and is ill is only waited for. */
        if (entry->restart == RESTART_NEVER)
                turn += entry->start_timeout;
        return LOOKS * PROOF + ROUNDS * turn + restarts_of(entry) * one_restart(entry, inventory);
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

int64_t deadline_of_run(const Config *config, const Inventory *inventory)
{
        const Layout *layout = &config->layout;
        int64_t sum = OWN_TIME + (int64_t)layout->n_credentials * ISSUING;

        for (size_t i = 0; i < layout->n_components; i++)
                sum += component_time(&layout->components[i], inventory);
        return sum + requests_time(layout) + hooks_time(&config->hooks);
}
