/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/shared-text.h"

typedef struct SharedText {
        unsigned holders;
        char text[];
} SharedText;

static SharedText *of_text(const char *shared)
{
        return (SharedText *)(shared - offsetof(SharedText, text));
}

const char *shared_text_new(const char *text)
{
        size_t size = strlen(text) + 1;
        SharedText *shared = xmalloc(sizeof(*shared) + size);

        shared->holders = 1;
        memcpy(shared->text, text, size);
        return shared->text;
}

const char *shared_text_hold(const char *shared)
{
        if (shared)
                of_text(shared)->holders++;
        return shared;
}

const char *shared_text_like(const char *shared, const char *text)
{
        return shared && streq(shared, text) ? shared_text_hold(shared) : shared_text_new(text);
}

void shared_text_drop(const char *shared)
{
        if (shared && --of_text(shared)->holders == 0)
                free(of_text(shared));
}
