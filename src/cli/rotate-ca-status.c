/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/rotate-ca.h"

#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"

#define SCHEMA_VERSION 1
#define READY          "Ready"
#define ROTATING       "CertificateAuthorityRotating"

static const CaRotation *rotation_of(const void *row)
{
        return row;
}

static const char *state_of(const CaRotation *rotation)
{
        if (rotation->record)
                return rotation->error < 0             ? "Unknown"
                       : rotation->record->is_aborting ? "Aborting"
                                                       : ROTATING;
        if (rotation->is_damaged)
                return "Unknown";
        return rotation->error == -ENOKEY ? "External" : rotation->error < 0 ? "Refused" : READY;
}

static const Cert *old_of(const CaRotation *rotation)
{
        return rotation->record ? rotation->record->old_ca : rotation->ca->signer;
}

static const Cert *new_of(const CaRotation *rotation)
{
        return rotation->record ? rotation->record->new_ca : NULL;
}

static char *fingerprint(const Cert *cert)
{
        char hex[DIGEST_HEX_SIZE];

        if (!cert)
                return NULL;
        digest_format(&cert->sha256, hex);
        return xstrdup(hex);
}

static char *short_fingerprint(const Cert *cert)
{
        char *text = fingerprint(cert);

        if (text)
                text[16] = 0;
        return text;
}

static char *cell_ca(const void *row)
{
        return xstrdup(rotation_of(row)->ca->entry->id);
}

static char *cell_state(const void *row)
{
        return xstrdup(state_of(rotation_of(row)));
}

static char *cell_phase(const void *row)
{
        return xstrdup(ca_phase_name(rotation_of(row)->phase));
}

static char *cell_next(const void *row)
{
        RotateStep next = ca_rotation_next(rotation_of(row));

        return next == ROTATE_NEXT ? NULL : xstrdup(rotate_step_name(next));
}

static char *cell_since(const void *row)
{
        const CaRecord *record = rotation_of(row)->record;
        char text[DATE_TEXT_SIZE];

        return record ? xstrdup(text_date(ca_record_since(record), text)) : NULL;
}

static char *cell_old(const void *row)
{
        return short_fingerprint(old_of(rotation_of(row)));
}

static char *cell_new(const void *row)
{
        return short_fingerprint(new_of(rotation_of(row)));
}

static char *cell_problem(const void *row)
{
        return xstrdup(rotation_of(row)->problem);
}

static const Column columns[] = {
        {"CA", 0, cell_ca},
        {"STATE", COLUMN_STATE, cell_state},
        {"PHASE", 0, cell_phase},
        {"NEXT", 0, cell_next},
        {"SINCE", COLUMN_WIDE, cell_since},
        {"OLD", COLUMN_SPARE, cell_old},
        {"NEW", COLUMN_SPARE, cell_new},
        {"PROBLEM", COLUMN_ASKED, cell_problem},
};

static json_t *json_ca(const Cert *cert)
{
        autofree char *hex = fingerprint(cert);

        if (!cert)
                return json_null();
        return xcheck(json_pack("{s:s, s:o, s:o, s:o, s:s}", "sha256", hex, "subject",
                json_escaped(cert->subject), "notBefore", json_time(cert->not_before), "notAfter",
                json_time(cert->not_after), "keyAlgorithm", cert->key_algorithm));
}

static json_t *json_owed(const Pass *pass)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < pass->owed->n; i++)
                json_array_append_new(array, json_escaped(pass->owed->entries[i].component));
        return array;
}

static json_t *json_checklist(const Checklist *checklist, const char *id)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < checklist->n; i++) {
                const ChecklistItem *item = &checklist->items[i];

                if (streq(item->ca, id))
                        json_array_append_new(array, xcheck(json_pack("{s:o, s:s, s:o}", "name",
                                                             json_escaped(item->name), "state",
                                                             check_state_name(item->state), "text",
                                                             json_escaped(item->text))));
        }
        return array;
}

static json_t *json_rotation(
        const Pass *pass, const CaRotation *rotation, const Checklist *checklist)
{
        const CaRecord *record = rotation->record;
        RotateStep next = ca_rotation_next(rotation);

        return xcheck(json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}",
                "ca", json_escaped(rotation->ca->entry->id), "state", state_of(rotation), "phase",
                ca_phase_name(rotation->phase), "next",
                json_escaped(next == ROTATE_NEXT ? NULL : rotate_step_name(next)), "old",
                json_ca(old_of(rotation)), "new", json_ca(new_of(rotation)), "supplied",
                record && record->is_supplied, "started",
                json_time(record ? record->times[CA_PHASE_PREPARE] : 0), "since",
                json_time(record ? ca_record_since(record) : 0), "owed", json_owed(pass),
                "checklist", json_checklist(checklist, rotation->ca->entry->id), "problem",
                json_escaped(rotation->problem)));
}

static json_t *json_status(const Pass *pass, const Checklist *checklist)
{
        const CaRotations *rotations = pass->rotations;
        json_t *array = xcheck(json_array());
        bool is_rotating = false;

        for (size_t i = 0; i < rotations->n; i++) {
                if (!rotations->list[i].is_selected)
                        continue;
                is_rotating |= rotations->list[i].record || rotations->list[i].is_damaged;
                json_array_append_new(array, json_rotation(pass, &rotations->list[i], checklist));
        }
        return xcheck(json_pack("{s:i, s:s, s:o}", "schema_version", SCHEMA_VERSION, "state",
                is_rotating ? ROTATING : READY, "cas", array));
}

static void print_table(const Options *options, const Pass *pass, Table *table)
{
        const CaRotations *rotations = pass->rotations;

        for (size_t i = 0; i < rotations->n; i++)
                if (rotations->list[i].is_selected)
                        table_add(table, &rotations->list[i], NO_PARENT,
                                rotations->list[i].error < 0 ? 2
                                : rotations->list[i].record  ? 1
                                                             : 0);
        table_print(table, !options->no_headings);
        for (size_t i = 0; i < rotations->n; i++)
                if (rotations->list[i].is_selected && rotations->list[i].problem)
                        complain("CA '%s': %s", rotations->list[i].ca->entry->id,
                                rotations->list[i].problem);
}

static void print_rest(const Pass *pass, const Checklist *checklist)
{
        for (size_t i = 0; i < pass->owed->n; i++) {
                autofree char *line =
                        xasprintf("%s is still owed a restart", pass->owed->entries[i].component);

                text_line(line);
        }
        for (size_t i = 0; i < checklist->n; i++) {
                const ChecklistItem *item = &checklist->items[i];
                autofree char *line = xasprintf("%s: %s, %s: %s", item->ca, item->name,
                        check_state_name(item->state), item->text);

                text_line(line);
        }
}

int rotate_ca_status(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autoptr(Table) table = NULL;
        autoptr(Checklist) checklist = NULL;
        Error error = {};
        int status;

        if (table_new(columns, ELEMENTSOF(columns), options->columns, &table, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        status = command_look(options, &pass);
        if (status != 0)
                return status;
        if (pass_look_at_rotations(pass, &error) < 0)
                return command_fail(options, EXIT_FAILED, &error);
        if (ca_rotations_select(pass->rotations, options->ca ? options->ca : "all", &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        checklist = checklist_make(&(ChecklistInput){.config = pass->config,
                .inventory = pass->inventory,
                .running = pass->running,
                .rotations = pass->rotations,
                .now = pass->now});
        if (output_is_data(options)) {
                print_data(options, json_status(pass, checklist));
                return EXIT_DONE;
        }
        print_table(options, pass, table);
        if (!options->no_legend)
                print_rest(pass, checklist);
        return EXIT_DONE;
}
