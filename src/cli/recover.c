/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/text.h"

int verb_recover(const Options *options)
{
        autoptr(Pass) pass = NULL;
        Error error = {};
        int status;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        status = pass_recover(pass, &error);
        if (status == EXIT_CONFIG)
                error_set(&error, -EINVAL,
                        "nothing is unfinished in '%s', but the configuration may name another "
                        "state directory",
                        pass->config->state_directory);
        if (status != EXIT_DONE)
                return command_fail(options, status, &error);
        if (!print_recovery(&pass->recovery))
                text_line("Nothing was unfinished.");
        return EXIT_DONE;
}
