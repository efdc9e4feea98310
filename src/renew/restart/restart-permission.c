/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/restart-internal.h"

#include "host/clock.h"
#include "renew/restart/quorum.h"
#include "renew/unit/deadline.h"
#include "renew/unit/interrupt.h"
#include "renew/unit/patience.h"

#define POLL 500 /* milliseconds between two looks */

/* A pair that does not match ends whoever reads it at its start, and so does a CA file that cannot
 * be read; but what is missing a component makes that renews it. */
static bool is_unfit(const InventoryComponent *component, const Item *item, State state)
{
        if (item->kind == ITEM_CA)
                return !item->cert;
        if (state == STATE_MISSING && component_renews(component, item))
                return false;
        return item_is_leaf(item) &&
               (state == STATE_MISMATCH || state == STATE_INVALID || state == STATE_MISSING);
}

/* What a process reads when it starts must be whole. */
static const Item *find_unfit(const Stage *stage, const InventoryComponent *component)
{
        const Assessment *assessment = stage->input->assessment;

        for (size_t i = 0; i < assessment->n; i++) {
                const Item *item = &assessment->inventory->items[i];

                if (is_unfit(component, item, assessment->verdicts[i].state) &&
                        component_uses(component, item->path, NULL))
                        return item;
        }
        return NULL;
}

PRINTF_LIKE(2, 3) static bool refuse(Attempt *attempt, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        autofree char *text = xvasprintf(format, args);
        va_end(args);
        error_set(&attempt->problem, -EPERM, "%s", text);
        return true;
}

bool attempt_is_hopeless(const Stage *stage, Attempt *attempt)
{
        Error error = {};

        return attempt->is_down &&
               running_ask_keeper(stage->input->running, attempt->component, &error) < 0 &&
               refuse(attempt, "%s", error.text);
}

bool attempt_is_refused(const Stage *stage, Attempt *attempt)
{
        const InventoryComponent *component = attempt->component;
        const Item *unfit = find_unfit(stage, component);
        Error error = {};

        if (component->entry->restart == RESTART_NEVER)
                return refuse(attempt, "Restart=never: restart it yourself");
        if (interrupt_is_pending())
                return refuse(attempt, "the pass was asked to stop");
        if (unfit)
                return refuse(attempt, "it would not start with '%s' as it is", unfit->path);
        if (running_ask_keeper(stage->input->running, component, &error) < 0)
                return refuse(attempt, "%s", error.text);

        /* What is down has nothing to lose; what is well waits for what it depends on. */
        if (stage->is_upstream_ill && attempt->is_healthy)
                return refuse(attempt, "a component before it in the order is not healthy");
        return false;
}

/* So long before their end certificates like those that it is owed for are renewed. */
static int64_t shortest_span(const Stage *stage, const Owed *owed)
{
        const Inventory *inventory = stage->input->assessment->inventory;
        int64_t span = stage->input->config->policy.renew_before;

        for (size_t i = 0; i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];
                int64_t own;

                if (!item_is_leaf(item) || !item->cert || !item->entry ||
                        !strv_contains(owed->paths, item->path))
                        continue;
                own = due_span(&item->entry->policy, item->cert);
                span = own < span ? own : span;
        }
        return span;
}

/* What its process has loaded ends soon: within PostponeLimit=, and not before half of the time in
 * which it was to be renewed is over. A debt that does not say when is one of a certificate that
 * was renewed as early as ever; one that cannot be read says nothing. */
static bool is_urgent(const Stage *stage, const Attempt *attempt)
{
        const Owed *owed = attempt->owed;
        int64_t span = shortest_span(stage, owed), limit = stage->input->config->postpone_limit;
        int64_t end = owed->expires != 0 ? owed->expires : owed->since + span;

        if (owed->expires == 0 && owed->since == 0)
                return false;
        return end - stage->input->now < (span / 2 < limit ? span / 2 : limit);
}

/* Whoever asks it is shown what has ended: that is no use to anybody. */
static bool has_expired(const Stage *stage, const Attempt *attempt)
{
        return attempt->shown_until != 0 && attempt->shown_until < stage->input->now;
}

static int64_t turn_time(const Stage *stage, const Attempt *attempt)
{
        const InventoryComponent *component = attempt->component;
        bool is_known;
        RunLook look;

        running_look(stage->input->running, component, &look);
        is_known = look.state != RUN_UNKNOWN && !run_look_is_waiting(&look);
        run_look_done(&look);
        return deadline_of_turn(
                stage->input->config, component->entry, component->manifest, is_known);
}

bool attempt_take_turn(const Stage *stage, Attempt *attempt)
{
        Error error = {};

        if (!stage->coordination)
                return true;
        const Turn turn = {.component = attempt->component->entry->name,
                .seconds = turn_time(stage, attempt),
                .is_urgent = is_urgent(stage, attempt),
                .is_well = attempt->is_healthy};

        return coordination_take_turn(stage->coordination, &turn, &error) >= 0 ||
               !refuse(attempt, "%s", error.text);
}

void attempt_keep_turn(const Stage *stage, const Attempt *attempt)
{
        if (stage->coordination)
                coordination_prolong(stage->coordination, turn_time(stage, attempt));
}

static bool is_forbidden(const Stage *stage, const Attempt *attempt, Error *reterr)
{
        const InventoryComponent *component = attempt->component;

        return quorum_forbids(stage->input->root_fd, component, attempt->is_healthy, reterr) ||
               coordination_forbids(stage->coordination, component,
                       attempt->is_healthy && !has_expired(stage, attempt), reterr);
}

/* While etcd elects a leader an API server is not healthy either, and yet of use in a moment. */
static void await_health(const Stage *stage, Attempt *attempt)
{
        int64_t deadline = clock_monotonic() + PATIENCE_ELECTION * 1000;

        if (!coordination_minds(stage->coordination, attempt->component) ||
                quorum_is_etcd(attempt->component))
                return;
        while (!attempt->is_healthy && !attempt->is_down && !has_expired(stage, attempt) &&
                clock_monotonic() < deadline && !interrupt_is_pending()) {
                clock_sleep(POLL);
                (void)attempt_is_proven(stage, attempt);
        }
}

/* It may only have been an election, in which nobody is healthy. */
static bool stays_forbidden(const Stage *stage, Attempt *attempt, Error *reterr)
{
        if (!is_forbidden(stage, attempt, reterr))
                return false;
        if (!quorum_settles(stage->input->root_fd, attempt->component))
                return true;
        (void)attempt_is_proven(stage, attempt);
        return is_forbidden(stage, attempt, reterr);
}

bool attempt_is_forbidden(const Stage *stage, Attempt *attempt)
{
        const InventoryComponent *component = attempt->component;
        int root_fd = stage->input->root_fd;
        Error error = {};

        await_health(stage, attempt);
        if (stays_forbidden(stage, attempt, &error))
                return refuse(attempt, "%s", error.text);
        if (!quorum_is_etcd(component))
                return false;

        /* Handing over takes its time: the last look is that directly before it is ended. */
        attempt->healthy = quorum_healthy(root_fd, component);
        return (quorum_hand_over(root_fd, component, attempt->healthy, &error) < 0 ||
                       is_forbidden(stage, attempt, &error)) &&
               refuse(attempt, "%s", error.text);
}
