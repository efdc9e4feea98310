/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-acquire.h"

#include "host/clock.h"
#include "renew/commit/hook-debt.h"
#include "renew/pass-guard.h"
#include "renew/pass-internal.h"
#include "renew/pass-requested.h"
#include "renew/state/last-good.h"

static AcquireInput input_of(const Pass *pass)
{
        return (AcquireInput){.root_fd = pass->root_fd,
                .config = pass->config,
                .inventory = pass_latest(pass)->inventory,
                .running = pass->running,
                .now = pass->now,
                .clock_is_read = pass->clock_is_read};
}

int pass_acquire(Pass *pass, const PlanRequest *request, Error *reterr)
{
        AcquireInput input = input_of(pass);
        int r;

        input.is_named = request->names;
        pass->acquisition = acquire_run(&input, pass->plan);
        if (pass->acquisition->n == 0 || !pass->clock_is_read)
                return 0;

        /* Minutes may have passed, and what was issued meanwhile must not begin in our future. */
        r = pass_guard_clock_set(pass, reterr);
        if (r < 0)
                return r;
        pass->now = clock_now();
        pass->opened_at = clock_uptime();
        return 0;
}

int pass_tidy_requests(Pass *pass, Error *reterr)
{
        const AcquireInput input = input_of(pass);

        pass_answer_requested(pass);
        return acquire_clean_up(&input, reterr);
}

/* Another one's pair does not push out the one that could be put back. */
static bool is_anothers(const Item *item, const Verdict *verdict)
{
        return verdict->takes_source && !source_shares_name(item->source, item->cert);
}

/* Somebody else wrote it, and it could be put back as it is. */
static bool is_good(const Item *item, const Verdict *verdict)
{
        return item->kind == ITEM_CERTIFICATE && item->entry->issuer.kind == ISSUER_KIND_FILES &&
               item->entry->watch && item->file && item->key_file && item->cert &&
               !is_anothers(item, verdict) &&
               state_severity(
                       verdict->state == STATE_NOT_LOADED ? verdict->covered : verdict->state) < 2;
}

/* Is another pair in place than the one that was good last? Then *expires is the end of that one,
 * if it was known to end earlier. */
static bool is_changed(const Pass *pass, const Item *item, int64_t *expires)
{
        autoptr(CertList) certs = NULL;
        LastGood known;
        bool is_same;

        if (last_good_read(pass->root_fd, pass->config->state_directory, item->name, &known, NULL) <
                0)
                return false;
        is_same = known.certificate->size == item->file->size &&
                  memcmp(known.certificate->data, item->file->data, item->file->size) == 0;
        if (!is_same &&
                cert_list_parse(known.certificate->data, known.certificate->size, &certs, NULL) >=
                        0 &&
                (*expires == 0 || certs->certs[0]->not_after < *expires))
                *expires = certs->certs[0]->not_after;
        last_good_done(&known);
        return !is_same;
}

/* The first end of what is replaced of these files. */
static int64_t first_end(const Pass *pass, char *const *paths)
{
        const Assessment *latest = pass_latest(pass);
        int64_t end = 0;

        for (size_t i = 0; i < latest->n; i++) {
                const Item *item = &latest->inventory->items[i];

                if (is_good(item, &latest->verdicts[i]) && strv_contains(paths, item->path))
                        (void)is_changed(pass, item, &end);
        }
        return end;
}

static int owe_users(const Pass *pass, const Restart *restarts, size_t n, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = owed_note(pass->root_fd, pass->config->state_directory,
                        &(Owed){.component = restarts[i].component->entry->name,
                                .since = pass->now,
                                .expires = first_end(pass, restarts[i].paths),
                                .pass_id = pass->id,
                                .paths = restarts[i].paths,
                                .reason = restarts[i].text},
                        reterr);
        return r;
}

int pass_owe_changed(const Pass *pass, Error *reterr)
{
        const Assessment *latest = pass_latest(pass);
        const HookDebts debts = {.root_fd = pass->root_fd,
                .config = pass->config,
                .pass_id = pass->id,
                .now = pass->now};
        autostrv paths = NULL;
        int64_t end = 0;
        Restart *restarts;
        size_t n;
        int r;

        for (size_t i = 0; i < latest->n; i++) {
                const Item *item = &latest->inventory->items[i];

                if (!is_good(item, &latest->verdicts[i]) || !is_changed(pass, item, &end))
                        continue;
                strv_add(&paths, item->path);
                strv_add(&paths, item->key_path);
        }
        if (!paths)
                return 0;
        restarts = restarts_of_paths(latest->inventory, paths, &n);
        r = owe_users(pass, restarts, n, reterr);
        restarts_free(restarts, n);
        return r < 0 ? r : hook_debts_note(&debts, paths, reterr);
}

int pass_remember_good(const Pass *pass, int r, Error *reterr)
{
        const Assessment *latest = pass_latest(pass);

        for (size_t i = 0; latest && i < latest->n; i++) {
                const Item *item = &latest->inventory->items[i];
                LastGood pair;
                int w;

                if (!is_good(item, &latest->verdicts[i]))
                        continue;
                pair = (LastGood){secret_new(item->file->data, item->file->size),
                        secret_new(item->key_file->data, item->key_file->size)};
                w = last_good_write(pass->root_fd, pass->config->state_directory, item->name, &pair,
                        r < 0 ? NULL : reterr);
                last_good_done(&pair);
                r = r < 0 || w == -EILSEQ ? r : w;
        }
        return r;
}
