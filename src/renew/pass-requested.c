/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-requested.h"

#include "base/log.h"
#include "base/name-index.h"
#include "renew/event/events.h"
#include "renew/pass-internal.h"

#define REFUSED_MAX 64 /* names that are none; the next pass has a look at the rest */

static void tell_refused(const char *name, const char *reason)
{
        const LogField fields[] = {{"CERTIFICATE", name}, {"REASON", reason}, {}};

        log_event(LOG_WARNING, EVENT_REQUEST_REFUSED, fields, "Requested renewal of '%s': %s.",
                name, reason);
}

void pass_note_requested(Pass *pass)
{
        for (size_t i = 0; i < pass->issuance->n; i++) {
                const IssueResult *result = &pass->issuance->results[i];
                const Item *item = result->step->item;
                autofree char *file_name = renew_request_file_name(item->name);
                Error error = {};

                if (result->outcome != OUTCOME_RENEWED || !result->cert ||
                        item->request.state != RENEW_REQUEST_OPEN)
                        continue;
                if (renew_request_note(pass->root_fd, pass->config->state_directory, file_name,
                            &result->cert->sha256, pass->now, &error) >= 0)
                        continue;
                if (result->step->verdict->reason == DUE_REQUESTED)
                        issuance_drop_file(pass->issuance, step_path(result->step), error.text);
                else
                        log_debug("no receipt can be made: %s", error.text);
        }
}

/* Why nobody on this host will renew that, however often he is asked; 0 if somebody might. */
static int check_request(const Assessment *assessment, const char *name, Error *reterr)
{
        const Verdict *verdict;
        const Item *item;
        int r = plan_find_leaf(assessment->inventory, name, &item, reterr);

        if (r < 0)
                return r;
        verdict = &assessment->verdicts[item - assessment->inventory->items];
        if (item->entry->watch)
                return error_set(reterr, -EPERM, "somebody else renews it (Watch=yes)");
        if (item->renewed_as)
                return error_set(reterr, -EPERM, "it is renewed as '%s'", item->renewed_as);
        if (verdict->external)
                return error_set(reterr, -EPERM, "%s", verdict->why_external);
        return verdict->unproven ? error_set(reterr, -EPERM, "%s", verdict->text) : 0;
}

static bool was_known(const Pass *pass, const char *name)
{
        const Inventory *inventory = pass->inventory;

        for (size_t i = 0; i < inventory->n_items; i++)
                if (streq(inventory->items[i].name, name))
                        return inventory->items[i].request.state == RENEW_REQUEST_OPEN;
        return false;
}

/* True if somebody was told why not. */
static bool answer(Pass *pass, const char *name, const char *file_name, const Digest *in_place)
{
        const char *state_directory = pass->config->state_directory;
        RenewRequest request = {};
        Error why = {}, error = {};
        int r;

        r = renew_request_look(
                pass->root_fd, state_directory, file_name, in_place, &request, &error);
        if (r >= 0 && request.state == RENEW_REQUEST_ANSWERED)
                r = renew_request_answer(pass->root_fd, state_directory, file_name,
                        request.renewed_at, NULL, &error);
        if (r >= 0 && request.state == RENEW_REQUEST_OPEN) {
                if (check_request(pass_latest(pass), name, &why) < 0)
                        r = renew_request_answer(pass->root_fd, state_directory, file_name,
                                pass->now, why.text, &error);
                else if (!was_known(pass, name))
                        pass->is_asked_again = true;
        }
        if (why.text[0] || r < 0)
                tell_refused(name, r < 0 ? error.text : why.text);
        return why.text[0] || r < 0;
}

/* Whoever has mistaken himself in a name finds out. What begins with a dot is being written. */
static void answer_strangers(Pass *pass, const char *directory, const NameIndex *leaves)
{
        autostrv names = NULL;
        Error error = {};
        size_t n = 0, i;

        if (fs_list(pass->root_fd, directory, &names, &error) < 0)
                tell_refused(directory, error.text);
        for (char **name = names; name && *name && n < REFUSED_MAX; name++)
                if ((*name)[0] != '.' && !name_index_find(leaves, *name, &i))
                        n += answer(pass, *name, *name, NULL);
}

static void answer_all(Pass *pass, const char *directory)
{
        const Inventory *inventory = pass_latest(pass)->inventory;
        autostrv file_names = NULL;
        NameIndex leaves = {};

        for (size_t i = 0; i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];
                char *file_name;

                if (!item_is_leaf(item) || !item->path)
                        continue;
                file_name = renew_request_file_name(item->name);
                strv_take(&file_names, file_name);
                name_index_add(&leaves, file_name, i);
                answer(pass, item->name, file_name, item->cert ? &item->cert->sha256 : NULL);
        }
        answer_strangers(pass, directory, &leaves);
        name_index_clear(&leaves);
}

void pass_answer_requested(Pass *pass)
{
        autofree char *directory = renew_request_directory(pass->config->state_directory);
        Error error = {};

        if (!fs_exists(pass->root_fd, directory))
                return;
        if (fs_check_place(pass->root_fd, directory, FS_OUR_HANDS, &error) < 0)
                tell_refused(directory, error.text);
        else
                answer_all(pass, directory);
}
