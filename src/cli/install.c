/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"
#include "cli/command.h"
#include "cli/outcome.h"

int verb_install(const Options *options)
{
        const InstallRequest request = {
                .name = options->names[0], .certificate = options->names[1], .key = options->key};
        autoptr(Pass) pass = NULL;
        Error error = {};
        int status;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        status = pass_install(pass, &request, &error);
        log_status_end();
        if (pass->issuance)
                print_outcome(pass, false);
        return command_fail(options, status, &error);
}
