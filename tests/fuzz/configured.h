/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A configuration for a harness of what wants one: from the text of a layout and a configuration,
 * without a file. Whatever fails here ends the process: it is no finding.
 *
 *     config = config ? config : config_of(layout_text, "[agent]\nStateDirectory=/state\n"); */

#include "renew/config/config-key.h"

/* The least that there can be. */
#define LEAST_LAYOUT "[certificate a]\nCertificate=/a.pem\nKey=/a.pem\nWatch=yes\n"

static Config *config_of(const char *layout_text, const char *configured_text)
{
        autoptr(Settings) layout = settings_new();
        autoptr(Settings) configured = settings_new();
        Config *config = NULL;
        Error error = {};

        if (settings_parse(layout, "layout", layout_text, strlen(layout_text), &error) < 0 ||
                settings_parse(configured, "configured", configured_text, strlen(configured_text),
                        &error) < 0 ||
                config_interpret(layout, configured, &config, &error) < 0) {
                fprintf(stderr, "%s\n%s\n%s\n", error.text, layout_text, configured_text);
                abort();
        }
        return config;
}
