/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/state/history.h"

#include "base/escape.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time-util.h"

#define SCHEMA_VERSION 1

History *history_new(void)
{
        return xcalloc(1, sizeof(History));
}

void history_free(History *history)
{
        if (!history)
                return;
        for (size_t i = 0; i < history->n_mismatches; i++)
                free(history->mismatches[i].name);
        for (size_t i = 0; i < history->n_copies; i++)
                free(history->copies[i].path);
        for (size_t i = 0; i < history->n_renewals; i++)
                free(history->renewals[i].name);
        for (size_t i = 0; i < history->n_restarts; i++)
                free(history->restarts[i].name);
        name_index_clear(&history->renewal_index);
        free(history->restarts);
        free(history->renewals);
        free(history->mismatches);
        hold_list_free(history->holds);
        free(history->copies);
        free(history);
}

void history_add_mismatch(
        History *history, const char *name, const Digest *certificate, const Digest *key)
{
        history->mismatches = xreallocarray(
                history->mismatches, history->n_mismatches + 1, sizeof(MismatchSighting));
        history->mismatches[history->n_mismatches++] =
                (MismatchSighting){.name = xstrdup(name), .certificate = *certificate, .key = *key};
}

bool history_saw_mismatch(
        const History *history, const char *name, const Digest *certificate, const Digest *key)
{
        for (size_t i = 0; i < history->n_mismatches; i++) {
                const MismatchSighting *seen = &history->mismatches[i];

                if (streq(seen->name, name) && digest_equal(&seen->certificate, certificate) &&
                        digest_equal(&seen->key, key))
                        return true;
        }
        return false;
}

static CopySighting *find_copy(const History *history, const char *path)
{
        for (size_t i = 0; i < history->n_copies; i++)
                if (streq(history->copies[i].path, path))
                        return &history->copies[i];
        return NULL;
}

void history_set_last_equal(History *history, const char *path, const Digest *digest)
{
        CopySighting *seen = find_copy(history, path);

        if (!seen) {
                history->copies =
                        xreallocarray(history->copies, history->n_copies + 1, sizeof(CopySighting));
                seen = &history->copies[history->n_copies++];
                seen->path = xstrdup(path);
        }
        seen->digest = *digest;
}

bool history_last_equal(const History *history, const char *path, Digest *ret)
{
        const CopySighting *seen = find_copy(history, path);

        if (seen)
                *ret = seen->digest;
        return seen;
}

static Renewal *first_renewal(const History *history, const char *name)
{
        size_t i;

        return name_index_find(&history->renewal_index, name, &i) ? &history->renewals[i] : NULL;
}

static Renewal *next_renewal(const History *history, const Renewal *renewal)
{
        return renewal->next > 0 ? &history->renewals[renewal->next - 1] : NULL;
}

/* The oldest renewal of that name; *ret_n: how many there are. */
static Renewal *oldest_renewal(const History *history, const char *name, size_t *ret_n)
{
        Renewal *renewal = first_renewal(history, name), *oldest = renewal;

        *ret_n = 0;
        for (; renewal; renewal = next_renewal(history, renewal)) {
                if (renewal->time < oldest->time)
                        oldest = renewal;
                (*ret_n)++;
        }
        return oldest;
}

/* Makes the i-th renewal the last of its name. */
static void link_renewal(History *history, size_t i)
{
        Renewal *last = first_renewal(history, history->renewals[i].name), *next;

        history->renewals[i].next = 0;
        if (!last) {
                name_index_add(&history->renewal_index, history->renewals[i].name, i);
                return;
        }
        while ((next = next_renewal(history, last)))
                last = next;
        last->next = i + 1;
}

/* More than are needed to see a loop are not kept; names as they will stand in the file. */
static void add_renewal(History *history, const char *name, int64_t now)
{
        autofree char *escaped = escape_text(name);
        size_t n;
        Renewal *oldest = oldest_renewal(history, escaped, &n);

        if (n >= LOOP_RENEWALS) {
                oldest->time = now;
                return;
        }
        history->renewals =
                xreallocarray(history->renewals, history->n_renewals + 1, sizeof(Renewal));
        history->renewals[history->n_renewals] = (Renewal){.name = TAKE(escaped), .time = now};
        link_renewal(history, history->n_renewals++);
}

void history_add_renewal(History *history, const char *name, int64_t not_before, int64_t now)
{
        add_renewal(history, name, now);
        if (not_before > history->newest_not_before)
                history->newest_not_before = not_before;
}

int64_t history_loop_until(const History *history, const char *name, int64_t now)
{
        autofree char *escaped = escape_text(name);
        size_t n;
        const Renewal *oldest = oldest_renewal(history, escaped, &n);

        return n >= LOOP_RENEWALS && oldest->time > now - DAY ? oldest->time + DAY : 0;
}

static Renewal *find_restart(const History *history, const char *escaped)
{
        for (size_t i = 0; i < history->n_restarts; i++)
                if (streq(history->restarts[i].name, escaped))
                        return &history->restarts[i];
        return NULL;
}

void history_add_restart(History *history, const char *name, int64_t now)
{
        autofree char *escaped = escape_text(name);
        Renewal *restart = find_restart(history, escaped);

        if (!restart) {
                history->restarts =
                        xreallocarray(history->restarts, history->n_restarts + 1, sizeof(Renewal));
                restart = &history->restarts[history->n_restarts++];
                *restart = (Renewal){.name = TAKE(escaped)};
        }
        restart->time = now;
}

int64_t history_restarted_at(const History *history, const char *name, int64_t now)
{
        autofree char *escaped = escape_text(name);
        const Renewal *restart = find_restart(history, escaped);

        return restart && restart->time > now - RESTART_INTERVAL ? restart->time : 0;
}

static size_t forget_future(Renewal *renewals, size_t n, int64_t now)
{
        size_t kept = 0;

        for (size_t i = 0; i < n; i++)
                if (renewals[i].time <= now)
                        renewals[kept++] = renewals[i];
                else
                        free(renewals[i].name);
        return kept;
}

void history_forget_future(History *history, int64_t now)
{
        name_index_clear(&history->renewal_index);
        history->n_renewals = forget_future(history->renewals, history->n_renewals, now);
        for (size_t i = 0; i < history->n_renewals; i++)
                link_renewal(history, i);
        history->n_restarts = forget_future(history->restarts, history->n_restarts, now);
        if (history->newest_not_before > now)
                history->newest_not_before = 0;
}

void history_keep_renewals(History *history, const History *before, int64_t now)
{
        for (size_t i = 0; i < before->n_renewals; i++)
                if (before->renewals[i].time > now - DAY)
                        add_renewal(history, before->renewals[i].name, before->renewals[i].time);
        for (size_t i = 0; i < before->n_restarts; i++)
                if (before->restarts[i].time > now - RESTART_INTERVAL)
                        history_add_restart(
                                history, before->restarts[i].name, before->restarts[i].time);
        if (before->newest_not_before > history->newest_not_before)
                history->newest_not_before = before->newest_not_before;
}

static int get_digest(const json_t *object, const char *key, Digest *ret)
{
        const char *hex = json_string_value(json_object_get(object, key));

        return hex ? digest_parse(hex, ret) : -EBADMSG;
}

/* One sighting that makes no sense spoils nothing but itself. */
static void add_mismatch(History *history, const json_t *object)
{
        const char *name = json_string_value(json_object_get(object, "name"));
        Digest certificate, key;

        if (name && get_digest(object, "certificate", &certificate) >= 0 &&
                get_digest(object, "key", &key) >= 0)
                history_add_mismatch(history, name, &certificate, &key);
}

static void add_copy(History *history, const json_t *object)
{
        const char *path = json_string_value(json_object_get(object, "path"));
        Digest digest;

        if (path && get_digest(object, "sha256", &digest) >= 0)
                history_set_last_equal(history, path, &digest);
}

static void read_renewals(History *history, const json_t *array,
        void (*add)(History *history, const char *name, int64_t time))
{
        for (size_t i = 0; i < json_array_size(array); i++) {
                const json_t *object = json_array_get(array, i);
                const char *name = json_string_value(json_object_get(object, "name"));
                int64_t t;

                if (name && json_get_time(json_object_get(object, "time"), &t) >= 0)
                        add(history, name, t);
        }
}

History *history_read(int root_fd, const char *state_directory)
{
        autofree char *path = xasprintf("%s/history.json", state_directory);
        autoptr(History) history = history_new();
        autoptr(json_t) json = NULL;
        const json_t *mismatches, *copies;
        Error error = {};

        if (hold_read(root_fd, state_directory, &history->holds, &error) < 0)
                log_debug("no holds: %s", error.text);
        if (json_read_file(root_fd, path, &json, &error) < 0) {
                log_debug("no history: %s", error.text);
                return TAKE(history);
        }
        mismatches = json_object_get(json, "mismatches");
        for (size_t i = 0; i < json_array_size(mismatches); i++)
                add_mismatch(history, json_array_get(mismatches, i));
        copies = json_object_get(json, "copies");
        for (size_t i = 0; i < json_array_size(copies); i++)
                add_copy(history, json_array_get(copies, i));
        read_renewals(history, json_object_get(json, "renewals"), add_renewal);
        read_renewals(history, json_object_get(json, "restarts"), history_add_restart);
        if (json_get_time(json_object_get(json, "newest_not_before"), &history->newest_not_before) <
                0)
                history->newest_not_before = 0;
        return TAKE(history);
}

static json_t *json_mismatches(const History *history)
{
        json_t *mismatches = xcheck(json_array());

        for (size_t i = 0; i < history->n_mismatches; i++) {
                const MismatchSighting *seen = &history->mismatches[i];
                char certificate[DIGEST_HEX_SIZE], key[DIGEST_HEX_SIZE];

                digest_format(&seen->certificate, certificate);
                digest_format(&seen->key, key);
                json_array_append_new(mismatches,
                        xcheck(json_pack("{s:o, s:s, s:s}", "name", json_escaped(seen->name),
                                "certificate", certificate, "key", key)));
        }
        return mismatches;
}

static json_t *json_copies(const History *history)
{
        json_t *copies = xcheck(json_array());

        for (size_t i = 0; i < history->n_copies; i++) {
                char sha256[DIGEST_HEX_SIZE];

                digest_format(&history->copies[i].digest, sha256);
                json_array_append_new(
                        copies, xcheck(json_pack("{s:o, s:s}", "path",
                                        json_escaped(history->copies[i].path), "sha256", sha256)));
        }
        return copies;
}

static json_t *json_renewals(const Renewal *renewals, size_t n)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < n; i++)
                json_array_append_new(array,
                        xcheck(json_pack("{s:o, s:o}", "name", json_escaped(renewals[i].name),
                                "time", json_time(renewals[i].time))));
        return array;
}

int history_write(int root_fd, const char *state_directory, const History *history, Error *reterr)
{
        autofree char *path = xasprintf("%s/history.json", state_directory);
        autoptr(json_t) json =
                json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "schema_version", SCHEMA_VERSION,
                        "mismatches", json_mismatches(history), "copies", json_copies(history),
                        "renewals", json_renewals(history->renewals, history->n_renewals),
                        "restarts", json_renewals(history->restarts, history->n_restarts),
                        "newest_not_before", json_time(history->newest_not_before));

        return json_write_file(root_fd, path, xcheck(json), 0600, reterr);
}
