/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/init.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/text.h"

int verb_init(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autostrv paths = NULL;
        Error error = {};
        int status, r;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (pass_guard(pass, &error) < 0)
                return command_fail(options, EXIT_UNFINISHED, &error);
        InitOptions init = {
                .node_name = options->node_name,
                .advertise_address = options->advertise_address,
                .service_address = options->service_address,
                .dns_domain = options->dns_domain,
                .validity = options->validity,
                .ca_validity = options->ca_validity,
                .key_algorithm = options->key_algorithm,
                .pass_id = pass->id,
        };
        r = init_control_plane(pass->root_fd, pass->config, &init, pass->now, &paths, &error);
        if (r == -EINVAL || r == -ENOKEY)
                return command_fail(options, EXIT_USAGE, &error);
        if (r < 0)
                return command_fail(options, r == -EBUSY ? EXIT_UNFINISHED : EXIT_FAILED, &error);
        log_status_end();
        for (char **path = paths; path && *path; path++)
                text_line(*path);
        return EXIT_DONE;
}
