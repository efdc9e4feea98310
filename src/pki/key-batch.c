/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/key-batch.h"

#include "base/parallel.h"

static void generate(void *userdata, size_t i)
{
        KeyRequest *request = &((KeyRequest *)userdata)[i];

        if (request->kind != KEY_KIND_NONE)
                request->error = key_generate(request->kind, &request->key, &request->text);
}

void key_generate_all(KeyRequest *requests, size_t n)
{
        parallel_run(n, generate, NULL, requests);
}
