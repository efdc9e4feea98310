/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/escape.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/text.h"
#include "renew/inventory/given.h"

static int write_requests(const Options *options, char *const *pems)
{
        for (size_t i = 0; pems[i]; i++) {
                autofree char *base = escape_file_name(options->names[i]);
                autofree char *name = xasprintf("%s.csr", base);
                autofree char *line = xasprintf("%s/%s", options->output_dir, name);
                Error error = {};

                if (given_write(options->output_dir, name, pems[i], &error) < 0)
                        return command_fail(options, EXIT_FAILED, &error);
                text_line(line);
        }
        return EXIT_DONE;
}

int verb_csr(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autostrv pems = NULL;
        Error error = {};
        int status;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        status = pass_request(pass, options->names, options->new_key, &pems, &error);
        log_status_end();
        if (status != EXIT_DONE)
                return command_fail(options, status, &error);
        if (options->output_dir)
                return write_requests(options, pems);
        for (char **pem = pems; *pem; pem++)
                fputs(*pem, stdout);
        return EXIT_DONE;
}
