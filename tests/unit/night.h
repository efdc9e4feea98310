/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole passes over a host in a scratch directory, as `run` and `renew` make them. */

#include "host.h"
#include "renew/pass.h"

#define STATE "/var/lib/kube-renewd"

/* One whole pass over the host's root, as `run` or `renew` would make it. */
static inline int run_at(const Host *host, int64_t at, const PassRequest *request)
{
        autoptr(Pass) pass = NULL;
        Error error = {};
        int status;

        if (pass_open(&(PassOptions){.root = host->root, .config.layout = "kubeadm", .at = at},
                    &pass, &error) < 0)
                fail_msg("%s", error.text);
        error_set(&error, 0, "left behind by something that went well");
        status = pass_run(pass, request, &error);
        if (status == EXIT_DONE)
                assert_string_equal(error.text, "");
        return status;
}

static inline int run_nightly(const Host *host)
{
        return run_at(host, host->now, &(PassRequest){.nightly = true});
}

static inline Digest tree_digest(const char *root, const char *path)
{
        size_t size;
        autofree char *data = tree_read(root, path, &size);

        return digest_of(data, size);
}
