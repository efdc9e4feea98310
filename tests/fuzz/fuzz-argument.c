/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "kube/manifest-edit.h"
#include "kube/manifest.h"

#include <assert.h>

#define FRESH     "/fresh/value"
#define FLAGS_MAX 3 /* of a container that are tried */

/* The bytes before and behind the value stay, and only the value lies between them. */
static void check_bytes(const unsigned char *old, size_t size, const char *fresh, size_t fresh_size,
        const char *value)
{
        size_t head = 0, tail = 0, length = strlen(value);

        assert(fresh_size + length == size + strlen(FRESH));
        while (head < size && head < fresh_size && old[head] == (unsigned char)fresh[head])
                head++;
        while (tail < size - head && tail < fresh_size - head &&
                old[size - 1 - tail] == (unsigned char)fresh[fresh_size - 1 - tail])
                tail++;
        assert(size - head - tail <= length && fresh_size - head - tail <= strlen(FRESH));
}

/* The flag with its new value is among the words, and the other words are what they were. */
static void check_words(
        const ManifestContainer *old, const char *fresh, size_t size, const char *flag)
{
        autofree char *joined = xasprintf("%s=" FRESH, flag);
        autoptr(Manifest) manifest = NULL;
        size_t n_differing = 0;
        bool is_there = false;

        assert(manifest_parse(fresh, size, &manifest, NULL) == 0);
        const ManifestContainer *now = manifest_container(manifest, old->name);

        assert(now && strv_length(now->words) == strv_length(old->words));
        for (size_t i = 0; now->words && now->words[i]; i++) {
                n_differing += !streq(now->words[i], old->words[i]);
                is_there |= streq(now->words[i], joined);
        }
        assert(is_there && n_differing == 1);
}

static void change(const unsigned char *data, size_t size, const ManifestContainer *container,
        const char *word)
{
        const char *value = strchr(word, '=') + 1;
        autofree char *flag = xstrndup(word, (size_t)(value - word) - 1);
        autofree char *fresh = NULL, *back = NULL;
        size_t fresh_size = 0, back_size = 0;
        Error error = {};

        if (manifest_replace_argument(data, size, container->name, flag, value, FRESH, &fresh,
                    &fresh_size, &error) < 0) {
                assert(!fresh && error.text[0]);
                return;
        }
        check_bytes(data, size, fresh, fresh_size, value);
        check_words(container, fresh, fresh_size, flag);
        if (!*value)
                return;
        assert(manifest_replace_argument(fresh, fresh_size, container->name, flag, FRESH, value,
                       &back, &back_size, NULL) == 0);
        assert(back_size == size && memcmp(back, data, size) == 0);
}

/* The value of a flag of a static pod is changed where it stands and nowhere else, and back again,
 * or it is said why not. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(Manifest) manifest = NULL;

        if (manifest_parse(data, size, &manifest, NULL) < 0)
                return 0;
        for (size_t i = 0; i < manifest->n_containers && i < FLAGS_MAX; i++) {
                const ManifestContainer *container = &manifest->containers[i];
                size_t n = 0;

                for (char **word = container->words; word && *word && n < FLAGS_MAX; word++)
                        if (starts_with(*word, "--") && strchr(*word, '=') &&
                                !strstr(*word, FRESH) && ++n)
                                change(data, size, container, *word);
        }
        return 0;
}
