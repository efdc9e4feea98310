/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/backup.h"
#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"

MEMBER_CELL(cell_id, Backup, id)
MEMBER_CELL(cell_reason, Backup, reason)
MEMBER_CELL(cell_version, Backup, version)

static char *cell_time(const void *backup)
{
        char text[DATE_TEXT_SIZE];

        return xstrdup(text_date(((const Backup *)backup)->time, text));
}

static char *cell_files(const void *backup)
{
        return xasprintf("%zu", strv_length(((const Backup *)backup)->paths));
}

static char *cell_state(const void *backup)
{
        return xstrdup(((const Backup *)backup)->problem ? "INVALID" : "OK");
}

static char *cell_paths(const void *backup)
{
        return text_join(((const Backup *)backup)->paths, ",");
}

static const Column columns[] = {
        {"ID", 0, cell_id},
        {"TIME", COLUMN_WIDE, cell_time},
        {"FILES", COLUMN_RIGHT, cell_files},
        {"STATE", COLUMN_STATE, cell_state},
        {"REASON", 0, cell_reason},
        {"VERSION", COLUMN_WIDE, cell_version},
        {"PATHS", COLUMN_ASKED, cell_paths},
};

static json_t *json_backups(const BackupList *list)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < list->n; i++) {
                const Backup *backup = &list->backups[i];

                json_array_append_new(array,
                        xcheck(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                                json_escaped(backup->id), "time", json_time(backup->time), "reason",
                                json_escaped(backup->reason), "version",
                                json_escaped(backup->version), "problem",
                                json_escaped(backup->problem), "files", json_strv(backup->paths))));
        }
        return array;
}

static int list_backups(const Options *options, const BackupList *list, Table *table)
{
        if (output_is(options, "json")) {
                print_json(json_backups(list));
                return EXIT_DONE;
        }
        for (size_t i = 0; i < list->n; i++)
                table_add(table, &list->backups[i], NO_PARENT, list->backups[i].problem ? 2 : 0);
        table_print(table, !options->no_headings);
        for (size_t i = 0; i < list->n; i++)
                if (list->backups[i].problem)
                        complain("backup '%s' cannot be used: %s", list->backups[i].id,
                                list->backups[i].problem);
        if (!options->no_legend)
                printf("%s%zu backup%s\n", list->n > 0 ? "\n" : "", list->n,
                        list->n == 1 ? "" : "s");
        return EXIT_DONE;
}

static int verify_one(const Pass *pass, const char *id)
{
        Error error = {};
        int r;

        r = backup_verify(pass->root_fd, pass->config->state_directory, id, &error);
        autofree char *line =
                xasprintf("%s: %s", id, r < 0 ? error.text : "every file is as noted");
        text_line(line);
        return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* The named ones, or all. */
static int verify_backups(const Options *options, const Pass *pass, const BackupList *list)
{
        int status = EXIT_DONE;

        for (size_t i = 1; i < options->n_names; i++)
                status |= verify_one(pass, options->names[i]);
        for (size_t i = 0; options->n_names == 1 && i < list->n; i++)
                status |= verify_one(pass, list->backups[i].id);
        return status;
}

int verb_backup(const Options *options)
{
        bool list_only = streq(options->names[0], "list");
        autoptr(Pass) pass = NULL;
        autoptr(BackupList) list = NULL;
        autoptr(Table) table = NULL;
        Error error = {};
        int status, r;

        if (!list_only && !streq(options->names[0], "verify")) {
                error_set(&error, -EINVAL,
                        "'backup %s' is unknown; it is 'backup list' or 'backup verify [ID...]'",
                        options->names[0]);
                return command_fail(options, EXIT_USAGE, &error);
        }
        if (list_only && options->n_names > 1) {
                error_set(&error, -EINVAL, "'backup list' takes no names, but '%s' was given",
                        options->names[1]);
                return command_fail(options, EXIT_USAGE, &error);
        }
        if (table_new(columns, ELEMENTSOF(columns), options->columns, &table, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        status = command_open(options, &pass);
        if (status != 0)
                return status;
        r = backup_list(pass->root_fd, pass->config->state_directory, &list, &error);
        if (r < 0)
                return command_fail(options, EXIT_FAILED, &error);
        return list_only ? list_backups(options, list, table) : verify_backups(options, pass, list);
}

static int restore_status(int r)
{
        return r == -EBUSY ? EXIT_UNFINISHED : r == -ENOENT ? EXIT_USAGE : EXIT_FAILED;
}

int verb_restore(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autoptr(RestoreResult) result = NULL;
        Error error = {};
        int status, r;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        RestoreRequest request = {.id = options->names[0],
                .force = options->force,
                .dry_run = options->dry_run,
                .now = pass->now,
                .pass_id = pass->id};
        r = backup_restore(pass->root_fd, pass->config, &request, &result, &error);
        if (r < 0)
                return command_fail(options, restore_status(r), &error);
        for (size_t i = 0; i < result->n; i++) {
                autofree char *line =
                        xasprintf("%s: %s", result->lines[i].path, result->lines[i].text);
                text_line(line);
        }
        printf("\n%zu file%s %s\n", result->n_changes, result->n_changes == 1 ? "" : "s",
                options->dry_run ? "would change" : "restored");
        return EXIT_DONE;
}
