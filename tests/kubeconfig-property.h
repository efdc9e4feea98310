/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What must hold for every kubeconfig that is accepted, whatever it looks like; for the unit test
 * and the fuzzer.
 *
 *     why = kubeconfig_property(data, size);      NULL if all holds
 *
 * Each value that is said to be changeable is changed: the bytes before and behind it stay, the
 * bytes in its place are the new base64 and nothing else, the new file reads as the old one but
 * for that value, and changing it back restores the file, byte for byte where the value stood in
 * one piece. A certificate and its key change together as they do one after the other. Nothing here
 * uses the program's own idea of where a value is. */

#include "base/digest.h"
#include "kube/kubeconfig.h"

#define PROPERTY_ENTRIES_MAX 8

static const char property_data[] = "-----BEGIN TEST-----\nfresh bytes\n-----END TEST-----\n";

static const char property_key[] = "the key of it";

static bool property_is(const void *data, size_t size, const char *text)
{
        return data && size == strlen(text) && memcmp(data, text, size) == 0;
}

/* The old base64 text must be all that the middle holds, white space aside. */
static bool middle_is(const unsigned char *middle, size_t size, const void *old, size_t old_size)
{
        unsigned char *data = NULL;
        size_t data_size = 0;
        bool same = false;

        if (base64_decode((const char *)middle, size, &data, &data_size) >= 0)
                same = data_size == old_size && memcmp(data, old, old_size) == 0;
        free(data);
        return same;
}

/* Does `fresh` equal `old` outside of one place, where it has `text`? */
static const char *compare_around(const unsigned char *old, size_t old_size, const Secret *fresh,
        const char *text, const void *old_value, size_t old_value_size, bool *ret_canonical)
{
        const unsigned char *at = memmem(fresh->data, fresh->size, text, strlen(text));
        autofree char *old_text = base64_encode(old_value, old_value_size);
        size_t head, tail, middle;

        if (!at)
                return "the new value is not in the file";
        head = (size_t)(at - fresh->data);
        tail = fresh->size - head - strlen(text);
        if (head + tail > old_size)
                return "bytes were added";
        middle = old_size - head - tail;
        if (memcmp(old, fresh->data, head) != 0)
                return "a byte before the value changed";
        if (memcmp(old + old_size - tail, at + strlen(text), tail) != 0)
                return "a byte behind the value changed";
        if (!middle_is(old + head, middle, old_value, old_value_size))
                return "more than the value was replaced";
        *ret_canonical = middle == strlen(old_text) && memcmp(old + head, old_text, middle) == 0;
        return NULL;
}

static const char *check_edit(const unsigned char *data, size_t size, KubeconfigEdit edit,
        const void *old_value, size_t old_value_size)
{
        autofree char *text = base64_encode(property_data, sizeof(property_data) - 1);
        autoptr(Secret) fresh = NULL;
        autoptr(Secret) back = NULL;
        bool canonical = false;
        const char *why;

        edit.data = property_data;
        edit.size = sizeof(property_data) - 1;
        if (memmem(data, size, text, strlen(text)))
                return NULL; /* the place could not be told */
        if (kubeconfig_replace(data, size, &edit, 1, &fresh, NULL) < 0)
                return "a value without a problem cannot be changed";
        why = compare_around(data, size, fresh, text, old_value, old_value_size, &canonical);
        if (why)
                return why;
        edit.data = old_value;
        edit.size = old_value_size;
        if (old_value_size == 0)
                return NULL;
        if (kubeconfig_replace(fresh->data, fresh->size, &edit, 1, &back, NULL) < 0)
                return "a changed value cannot be changed back";
        if (canonical && (back->size != size || memcmp(back->data, data, size) != 0))
                return "changing back does not restore the file";
        return NULL;
}

/* As a pass does it: the result is that of one after the other, and reads as what was given. */
static const char *check_pair(const unsigned char *data, size_t size, const KubeconfigUser *user)
{
        const KubeconfigEdit edits[] = {
                {KUBECONFIG_CLIENT_KEY, user->name, property_key, sizeof(property_key) - 1},
                {KUBECONFIG_CLIENT_CERTIFICATE, user->name, property_data,
                        sizeof(property_data) - 1},
        };
        autoptr(Secret) both = NULL;
        autoptr(Secret) first = NULL;
        autoptr(Secret) then = NULL;
        autoptr(Kubeconfig) config = NULL;

        if (kubeconfig_replace(data, size, edits, 2, &both, NULL) < 0 ||
                kubeconfig_replace(data, size, &edits[0], 1, &first, NULL) < 0 ||
                kubeconfig_replace(first->data, first->size, &edits[1], 1, &then, NULL) < 0)
                return "two values that can be changed cannot be changed together";
        if (both->size != then->size || memcmp(both->data, then->data, both->size) != 0)
                return "two changes are not what one after the other is";
        if (kubeconfig_parse(both->data, both->size, &config, NULL) < 0)
                return "what was written cannot be read";
        for (size_t i = 0; i < config->n_users; i++) {
                const KubeconfigUser *now = &config->users[i];

                if (now->name && streq(now->name, user->name) && !now->problem)
                        return property_is(
                                       now->certificate, now->certificate_size, property_data) &&
                                               property_is(
                                                       now->key->data, now->key->size, property_key)
                                       ? NULL
                                       : "the user has other values than were written";
        }
        return "the user is gone";
}

static const char *check_user(const unsigned char *data, size_t size, const KubeconfigUser *user)
{
        KubeconfigEdit edit = {.name = user->name};
        const char *why = NULL;

        if (user->problem)
                return NULL;
        if (user->certificate) {
                edit.field = KUBECONFIG_CLIENT_CERTIFICATE;
                why = check_edit(data, size, edit, user->certificate, user->certificate_size);
        }
        if (!why && user->key) {
                edit.field = KUBECONFIG_CLIENT_KEY;
                why = check_edit(data, size, edit, user->key->data, user->key->size);
        }
        if (!why && user->certificate && user->key)
                why = check_pair(data, size, user);
        return why;
}

static inline const char *kubeconfig_property(const unsigned char *data, size_t size)
{
        autoptr(Kubeconfig) config = NULL;
        const char *why = NULL;

        if (kubeconfig_parse(data, size, &config, NULL) < 0)
                return NULL;
        for (size_t i = 0; !why && i < config->n_users && i < PROPERTY_ENTRIES_MAX; i++)
                why = check_user(data, size, &config->users[i]);
        for (size_t i = 0; !why && i < config->n_clusters && i < PROPERTY_ENTRIES_MAX; i++) {
                const KubeconfigCluster *cluster = &config->clusters[i];
                KubeconfigEdit edit = {
                        .field = KUBECONFIG_CERTIFICATE_AUTHORITY,
                        .name = cluster->name,
                };

                if (!cluster->problem && cluster->ca)
                        why = check_edit(data, size, edit, cluster->ca, cluster->ca_size);
        }
        return why;
}
