/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"
#include "cli/command.h"
#include "cli/outcome.h"

static int run_pass(const Options *options, const PassRequest *request)
{
        autoptr(Pass) pass = NULL;
        PassRequest opened = *request;
        Error error = {};
        int status;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (pass->config_failure) {
                complain("%s, and no pass was ever needed here: nothing to do",
                        pass->config_failure);
                return EXIT_DONE;
        }
        if (options->kubelet)
                opened.plan.kubelet_unit = pass->config->kubelet_unit;
        status = pass_run(pass, &opened, &error);
        log_status_end();
        print_outcome(pass, request->dry_run);
        return command_fail(options, status, &error);
}

int verb_renew(const Options *options)
{
        PassRequest request = {
                .plan = {.names = options->n_names > 0 ? options->names : NULL,
                        .all = options->all},
                .dry_run = options->dry_run,
        };
        Error error = {};

        if (options->kubelet && (options->all || options->n_names > 0)) {
                error_set(&error, -EINVAL, "--kubelet renews nothing else; leave out %s",
                        options->all ? "--all" : "the names");
                return command_fail(options, EXIT_USAGE, &error);
        }
        return run_pass(options, &request);
}

int verb_run(const Options *options)
{
        PassRequest request = {.nightly = true};

        return run_pass(options, &request);
}
