/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "renew/inventory/inventory.h"
#include "renew/unit/unit-needs.h"
#include "scratch.h"

#include <assert.h>

/* The files of a configuration, in the order in which they stand in the input. */
static const char *const files[] = {"/etc/kube-renewd/layouts/site.conf",
        "/etc/kube-renewd/kube-renewd.conf", "/etc/kube-renewd/kube-renewd.conf.d/10-more.conf",
        "/etc/kube-renewd/layouts/more.conf"};

/* What may stand at the beginning of a line of a drop-in. */
static const char *const beginnings[] = {"# ", "[Unit]", "[Service]", "ConditionPathExists=|/",
        "ConditionDirectoryNotEmpty=|/", "ReadWritePaths=", "PrivateTmp=no",
        "TimeoutStartSec=", "RequiresMountsFor=", "Before=", "Environment="};

static bool begins_well(const char *line)
{
        for (size_t i = 0; i < ELEMENTSOF(beginnings); i++)
                if (starts_with(line, beginnings[i]))
                        return true;
        return *line == '\n' || !*line;
}

/* Nothing that a name or a path says becomes a line of its own, or a line that goes on. */
static void check_drop_in(const char *text)
{
        assert(begins_well(text));
        for (const char *c = text; *c; c++) {
                assert((unsigned char)*c >= ' ' || *c == '\n');
                if (*c == '\n') {
                        assert(begins_well(c + 1));
                        assert(c == text || c[-1] != '\\');
                }
        }
}

static void check(int root_fd, const Config *config)
{
        autoptr(Inventory) inventory = NULL;
        autoptr(UnitNeeds) needs = NULL;

        assert(config->state_directory[0] == '/' && config->host.node_name);
        for (char **warning = config->warnings; warning && *warning; warning++)
                assert(strchr(*warning, ':'));
        assert(inventory_read(root_fd, config, &inventory, NULL) == 0);
        needs = unit_needs(root_fd, config, inventory);
        for (const char *const *unit = unit_needs_units; *unit; unit++) {
                autofree char *text = unit_needs_drop_in(needs, *unit);

                check_drop_in(text);
        }
}

static void write_files(const unsigned char *data, size_t size)
{
        static const char border[] = "#====\n";

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                const unsigned char *end = memmem(data, size, border, strlen(border));
                size_t n = end && i + 1 < ELEMENTSOF(files) ? (size_t)(end - data) : size;

                scratch_write(scratch_get(), files[i], data, n);
                data += n;
                size -= n;
        }
}

/* A layout, a configuration, a drop-in of it and another layout as files: what fits is found, and
 * what is refused says why. What goes from here into a unit is one line each. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        const Scratch *scratch = scratch_get();
        bool guessed = false;
        autoptr(Config) config = NULL;
        autoptr(Config) least = NULL;
        autofree char *directory = NULL;
        Error error = {};

        if (setenv("KUBE_RENEWD_LAYOUT_PATH", "/nowhere", 1) < 0)
                abort();
        scratch_write(scratch, "/here", "", 0);
        write_files(data, size);
        if (config_load(scratch->root_fd, &(ConfigOptions){}, &config, &error) < 0)
                assert(!config && error.text[0]);
        else
                check(scratch->root_fd, config);
        least = config_load_least(scratch->root_fd, &(ConfigOptions){}, &guessed);
        assert(least && least->state_directory[0] == '/');
        if (config_state_directory(scratch->root_fd, NULL, &directory, &error) == 0)
                assert(streq(directory, least->state_directory) && !guessed);
        return 0;
}
