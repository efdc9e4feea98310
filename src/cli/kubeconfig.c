/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "renew/issue/issue-kubeconfig.h"

static int check_request(const Options *options, Error *reterr)
{
        if (!options->user)
                return error_set(reterr, -EINVAL, "whose kubeconfig? Name the user with --user=");
        if (!options->server)
                return error_set(reterr, -EINVAL,
                        "where is the API server? Give its URL with "
                        "--server=https://192.0.2.10:6443");
        return 0;
}

int verb_kubeconfig(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autoptr(Secret) kubeconfig = NULL;
        Error error = {};
        int status, r;

        if (check_request(options, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (pass_guard(pass, &error) < 0)
                return command_fail(options, EXIT_UNFINISHED, &error);
        if (pass_look(pass, &error) < 0)
                return command_fail(options, EXIT_FAILED, &error);
        const KubeconfigRequest request = {
                .user = options->user,
                .groups = (char *const *)options->groups,
                .server = options->server,
                .ca = options->ca,
                .validity = options->validity,
                .key_algorithm = options->key_algorithm,
        };
        r = issue_kubeconfig(pass->root_fd, pass->config, pass->inventory, &request, pass->now,
                &kubeconfig, &error);
        if (r < 0)
                return command_fail(options, r == -EINVAL ? EXIT_USAGE : EXIT_FAILED, &error);

        /* No copy of the key is left in a buffer. */
        setvbuf(stdout, NULL, _IONBF, 0);
        fwrite(kubeconfig->data, 1, kubeconfig->size, stdout);
        return EXIT_DONE;
}
