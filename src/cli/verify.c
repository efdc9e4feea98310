/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"
#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"
#include "renew/report/row.h"

/* A file that a component uses, or the component itself where it uses none that we know. */
typedef struct ProofRow {
        const char *component;
        const Proof *proof; /* NULL for the component itself */
        const char *status;
        const char *text; /* what is wrong, NULL if nothing is */
        int severity;     /* 0 fine, 1 warning, 2 critical, 3 unknown */
        int64_t since;    /* of the process, 0: not known */
} ProofRow;

typedef struct ProofRows {
        ProofRow *rows;
        size_t n;
} ProofRows;

static void proof_rows_free(ProofRows *rows)
{
        if (!rows)
                return;
        free(rows->rows);
        free(rows);
}

DEFINE_AUTOPTR(ProofRows, proof_rows_free)

MEMBER_CELL(cell_component, ProofRow, component)
MEMBER_CELL(cell_status, ProofRow, status)
MEMBER_CELL(cell_text, ProofRow, text)

static const Proof *proof_of(const void *row)
{
        return ((const ProofRow *)row)->proof;
}

static char *cell_certificate(const void *row)
{
        return proof_of(row) ? xstrdup(proof_of(row)->item->name) : NULL;
}

static char *cell_flag(const void *row)
{
        return proof_of(row) ? xstrdup(proof_of(row)->flag) : NULL;
}

static char *cell_path(const void *row)
{
        return proof_of(row) ? xstrdup(proof_of(row)->path) : NULL;
}

static char *cell_proof(const void *row)
{
        return proof_of(row) ? xstrdup(proof_kind_name(proof_of(row)->kind)) : NULL;
}

static char *cell_endpoint(const void *row)
{
        return proof_of(row) ? xstrdup(proof_of(row)->endpoint) : NULL;
}

static char *cell_since(const void *row)
{
        char text[DATE_TEXT_SIZE];

        return xstrdup(text_date(((const ProofRow *)row)->since, text));
}

static const Column columns[] = {
        {"COMPONENT", 0, cell_component},
        {"CERTIFICATE", 0, cell_certificate},
        {"PROOF", COLUMN_SPARE, cell_proof},
        {"STATUS", COLUMN_STATE, cell_status},
        {"ENDPOINT", COLUMN_WIDE, cell_endpoint},
        {"SINCE", COLUMN_WIDE, cell_since},
        {"FLAG", COLUMN_ASKED, cell_flag},
        {"PATH", COLUMN_ASKED, cell_path},
        {"REASON", COLUMN_ASKED, cell_text},
};

static void add_row(ProofRows *rows, ProofRow row)
{
        rows->rows = xreallocarray(rows->rows, rows->n + 1, sizeof(ProofRow));
        rows->rows[rows->n++] = row;
}

static void add_proof(ProofRows *rows, const ComponentProof *component, const Proof *proof)
{
        static const struct {
                const char *status;
                int severity;
        } words[] = {
                [LOADED_YES] = {"OK", 0},
                [LOADED_NO] = {"NOT LOADED", 2},
                [LOADED_UNKNOWN] = {"UNKNOWN", 3},
        };

        add_row(rows, (ProofRow){.component = component->component->entry->name,
                              .proof = proof,
                              .status = words[proof->loaded].status,
                              .severity = words[proof->loaded].severity,
                              .text = proof->text,
                              .since = component_started_at(component)});
}

/* What is to be said of the component as a whole, and of one without a file that we know. */
static void add_component(ProofRows *rows, const ComponentProof *component, int64_t now)
{
        ProofRow row = {.component = component->component->entry->name,
                .status = "OK",
                .since = component_started_at(component)};

        if (component->look.state == RUN_ABSENT) {
                row.status = "NOT RUNNING";
                row.severity = 2;
                row.text = component->look.problem;
        } else if (component->health_problem) {
                row.status = "UNHEALTHY";
                row.severity = 1;
                row.text = component->health_problem;
        } else if (component_is_too_old(component, now)) {
                row.status = "TOO OLD";
                row.severity = 1;
                row.text = "its process is older than LoopbackAge= allows";
        } else if (component->look.state == RUN_UNKNOWN) {
                row.status = "UNKNOWN";
                row.severity = 3;
                row.text = component->look.problem;
        }
        if (row.severity > 0 || component->n == 0)
                add_row(rows, row);
}

static ProofRows *rows_of(const Verification *verification, int64_t now)
{
        ProofRows *rows = xcalloc(1, sizeof(*rows));

        for (size_t i = 0; i < verification->n; i++) {
                const ComponentProof *component = &verification->components[i];

                add_component(rows, component, now);
                for (size_t k = 0; k < component->n; k++)
                        add_proof(rows, component, &component->proofs[k]);
        }
        return rows;
}

static json_t *json_rows(const ProofRows *rows)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < rows->n; i++) {
                const ProofRow *row = &rows->rows[i];
                const Proof *proof = row->proof;
                json_t *loaded = loaded_to_json(proof ? proof->loaded : LOADED_UNKNOWN);

                json_array_append_new(array,
                        xcheck(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}",
                                "component", json_escaped(row->component), "certificate",
                                json_escaped(proof ? proof->item->name : NULL), "path",
                                json_escaped(proof ? proof->path : NULL), "flag",
                                json_escaped(proof ? proof->flag : NULL), "proof",
                                json_escaped(proof ? proof_kind_name(proof->kind) : NULL),
                                "endpoint", json_escaped(proof ? proof->endpoint : NULL), "status",
                                row->status, "loaded", loaded, "since", json_time(row->since),
                                "reason", json_escaped(row->text))));
        }
        return array;
}

/* One sentence is often the reason of several rows. */
static void print_reasons(const ProofRows *rows)
{
        const ProofRow *before = NULL;

        for (size_t i = 0; i < rows->n; i++) {
                const ProofRow *row = &rows->rows[i];

                if (!row->text || (before && streq(before->component, row->component) &&
                                          streq(before->text, row->text)))
                        continue;
                autofree char *line = xasprintf("%s: %s", row->component, row->text);
                printf("%s", before ? "" : "\n");
                text_line(line);
                before = row;
        }
}

static void print_rows(const Options *options, const ProofRows *rows, bool is_live, Table *table)
{
        size_t n_proven = 0;

        for (size_t i = 0; i < rows->n; i++) {
                int severity = rows->rows[i].severity;

                table_add(table, &rows->rows[i], NO_PARENT, severity > 2 ? 1 : severity);
                n_proven += severity == 0;
        }
        table_print(table, !options->no_headings);
        if (options->no_legend)
                return;
        if (is_live)
                print_reasons(rows);
        else
                printf("\nnobody was asked: the root is not that of this host\n");
        printf("\n%zu of %zu proven\n", n_proven, rows->n);
}

/* What is known to be wrong counts more than what is not known, and that more than a warning. */
static int worst(const ProofRows *rows)
{
        static const int ranks[] = {0, 1, 3, 2};
        int status = 0;

        for (size_t i = 0; i < rows->n; i++)
                if (ranks[rows->rows[i].severity] > ranks[status])
                        status = rows->rows[i].severity;
        return status;
}

int verb_verify(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autoptr(ProofRows) rows = NULL;
        autoptr(Table) table = NULL;
        Error error = {};
        int status;

        if (table_new(columns, ELEMENTSOF(columns), options->columns, &table, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (pass_verify(pass, &error) < 0)
                return command_fail(options, EXIT_UNKNOWN, &error);
        log_status_end();
        rows = rows_of(pass->verification, pass->now);
        if (rows->n == 0) {
                error_set(&error, -ENOENT, "no component of the layout is on this host");
                return command_fail(options, EXIT_UNKNOWN, &error);
        }
        if (output_is_data(options))
                print_data(options, json_rows(rows));
        else
                print_rows(options, rows, running_is_live(pass->running), table);
        return worst(rows);
}
