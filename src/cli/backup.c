/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"
#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"
#include "renew/commit/restore.h"

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
        return strv_join(((const Backup *)backup)->paths, ",");
}

static const Column columns[] = {
        {"ID", 0, cell_id},
        {"TIME", COLUMN_WIDE, cell_time},
        {"FILES", COLUMN_RIGHT | COLUMN_SPARE, cell_files},
        {"STATE", COLUMN_STATE, cell_state},
        {"REASON", COLUMN_SPARE, cell_reason},
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
        if (output_is_data(options)) {
                print_data(options, json_backups(list));
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

static int find_backup(const BackupList *list, const char *id, Error *reterr)
{
        for (size_t i = 0; i < list->n; i++)
                if (streq(list->backups[i].id, id))
                        return 0;
        return error_set(reterr, -ENOENT,
                "there is no backup '%s'; 'kube-renewd backup list' lists their ids", id);
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
        char **ids = options->names + 1;
        int status = EXIT_DONE;
        Error error = {};

        for (char **id = ids; *id; id++)
                if (find_backup(list, *id, &error) < 0)
                        return command_fail(options, EXIT_USAGE, &error);
        for (char **id = ids; *id; id++)
                status |= verify_one(pass, *id);
        for (size_t i = 0; !*ids && i < list->n; i++)
                status |= verify_one(pass, list->backups[i].id);
        return status;
}

static int create_backup(const Options *options, Pass *pass)
{
        autofree char *id = NULL;
        Error error = {};
        int status = pass_backup(pass, &id, &error);

        if (id)
                printf("%s\n", id);
        return command_fail(options, status, &error);
}

/* "create", "list" or "verify [ID...]"; a verb of a verb is a name, so it is checked here. */
static int check_words(const Options *options, Error *reterr)
{
        static const char *const words[] = {"create", "list", "verify"};
        const char *word = options->names[0];

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                if (!streq(word, words[i]))
                        continue;
                if (options->n_names == 1 || streq(word, "verify"))
                        return 0;
                return error_set(reterr, -EINVAL, "'backup %s' takes no names, but '%s' was given",
                        word, options->names[1]);
        }
        return error_set(reterr, -EINVAL,
                "'backup %s' is unknown; it is 'backup create', 'backup list' or 'backup verify "
                "[ID...]'",
                word);
}

/* Root, configuration and the backups that there are. */
static int open_backups(const Options *options, Pass **ret, BackupList **ret_list)
{
        autoptr(Pass) pass = NULL;
        Error error = {};
        int status;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (backup_list(pass->root_fd, pass->config->state_directory, ret_list, &error) < 0)
                return command_fail(options, EXIT_FAILED, &error);
        *ret = TAKE(pass);
        return 0;
}

int verb_backup(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autoptr(BackupList) list = NULL;
        autoptr(Table) table = NULL;
        Error error = {};
        int status;

        if (check_words(options, &error) < 0 ||
                table_new(columns, ELEMENTSOF(columns), options->columns, &table, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        status = open_backups(options, &pass, &list);
        if (status != 0)
                return status;
        if (streq(options->names[0], "create"))
                return create_backup(options, pass);
        return streq(options->names[0], "list") ? list_backups(options, list, table)
                                                : verify_backups(options, pass, list);
}

static void print_restored(const RestoreResult *result, bool dry_run)
{
        for (size_t i = 0; i < result->n; i++) {
                autofree char *line =
                        xasprintf("%s: %s", result->lines[i].path, result->lines[i].text);

                text_line(line);
        }
        printf("\n%zu file%s %s\n", result->n_changes, result->n_changes == 1 ? "" : "s",
                dry_run ? "would change" : "restored");
}

int verb_restore(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autoptr(BackupList) list = NULL;
        autoptr(RestoreResult) result = NULL;
        RestoreRequest request = {.id = options->names[0], .force = options->force};
        Error error = {};
        int status;

        status = open_backups(options, &pass, &list);
        if (status != 0)
                return status;
        if (find_backup(list, request.id, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        status = options->dry_run ? pass_try_restore(pass, &request, &result, &error)
                                  : pass_restore(pass, &request, &result, &error);
        log_status_end();
        if (result)
                print_restored(result, options->dry_run);
        print_settled(pass);
        return command_fail(options, status, &error);
}
