/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/rotate-ca.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/text.h"

/* --phase=, where it is none of the words of a CA's way. */
static const struct {
        const char *word;
        RotateStep step;
        bool is_status, is_all;
} words[] = {
        {"prepare", ROTATE_PREPARE, false, false},
        {"trust-both", ROTATE_TRUST_BOTH, false, false},
        {"reissue", ROTATE_REISSUE, false, false},
        {"trust-new", ROTATE_TRUST_NEW, false, false},
        {"abort", ROTATE_ABORT, false, false},
        {"all", ROTATE_NEXT, false, true},
        {"status", ROTATE_NEXT, true, false},
};

/* What the options come to. */
typedef struct Wanted {
        RotateRequest request;
        bool is_status, is_all;
} Wanted;

static int read_phase(const char *phase, Wanted *wanted, Error *reterr)
{
        for (size_t i = 0; phase && i < ELEMENTSOF(words); i++) {
                if (!streq(words[i].word, phase))
                        continue;
                wanted->request.step = words[i].step;
                wanted->is_status |= words[i].is_status;
                wanted->is_all = wanted->request.begins = words[i].is_all;
                return 0;
        }
        return phase ? error_set(reterr, -EINVAL,
                               "there is no --phase='%s'; it is prepare, trust-both, reissue, "
                               "trust-new, abort, all or status",
                               phase)
                     : 0;
}

/* One CA of the operator's is the successor of one CA. */
static int check_given(const Options *options, Error *reterr)
{
        if (!options->certificate != !options->key)
                return error_set(reterr, -EINVAL, "--certificate= and --key= belong together");
        if (!options->certificate)
                return 0;
        if (!options->ca || strchr(options->ca, ',') || streq(options->ca, "all"))
                return error_set(reterr, -EINVAL,
                        "--certificate= is the successor of one CA: name that one with --ca=");
        if (options->key_algorithm || options->ca_validity)
                return error_set(reterr, -EINVAL,
                        "--certificate= is there already: it takes neither --key-algorithm= nor "
                        "--ca-validity=");
        return 0;
}

static int read_options(const Options *options, Wanted *ret, Error *reterr)
{
        Wanted wanted = {.is_status = options->status};
        PrepareRequest *prepare = &wanted.request.prepare;
        int r;

        r = read_phase(options->phase, &wanted, reterr);
        if (r >= 0 && options->key_algorithm)
                r = key_kind_read(options->key_algorithm, &prepare->key_kind, reterr);
        if (r >= 0)
                r = check_given(options, reterr);
        if (r >= 0 && options->output && !wanted.is_status)
                r = error_set(reterr, -EINVAL, "--output= belongs to --status");
        if (r < 0)
                return r;
        wanted.request.cas = options->ca;
        wanted.request.dry_run = !options->yes;
        wanted.request.force = options->force;
        prepare->certificate = options->certificate;
        prepare->key = options->key;
        prepare->validity = options->ca_validity;
        prepare->no_cross = options->no_cross;
        *ret = wanted;
        return 0;
}

static void print_ca(const char *label, const Cert *cert, bool is_made)
{
        char hex[DIGEST_HEX_SIZE], date[DATE_TEXT_SIZE];

        digest_format(&cert->sha256, hex);
        autofree char *text = xasprintf("%s%s%s, until %s", is_made ? hex : "", is_made ? ", " : "",
                cert->key_algorithm, text_date(cert->not_after, date));

        text_field(label, text);
}

static char *title_of(const CaMove *move)
{
        const char *from = ca_phase_name(move->from), *target = ca_phase_name(move->target);

        return move->is_lost                ? xstrdup("given up; the host has another CA")
               : move->target == move->from ? xasprintf("%s again", target)
                                            : xasprintf("%s → %s", from, target);
}

/* A dry run makes a CA to see what it would be like, and nobody will ever see that one again. */
static void print_moves(const CaRotations *rotations, const Wanted *wanted)
{
        bool is_made = !wanted->request.dry_run || wanted->request.prepare.certificate;

        for (size_t i = 0; i < rotations->n_moves; i++) {
                const CaMove *move = &rotations->moves[i];
                autofree char *title = title_of(move);

                text_title(move->record->id, title);
                print_ca("old", move->record->old_ca, true);
                print_ca("new", move->record->new_ca, is_made || move->from != CA_PHASE_NONE);
        }
}

static void print_issued(const Pass *pass)
{
        char date[DATE_TEXT_SIZE];

        if (pass->issuance->n > 0)
                printf("\nCertificates:\n");
        for (size_t i = 0; i < pass->issuance->n; i++) {
                const IssueResult *result = &pass->issuance->results[i];
                autofree char *line = xasprintf("  %s, until %s", result->step->item->name,
                        result->cert ? text_date(result->cert->not_after, date) : "-");

                text_line(line);
        }
}

static void print_files(const Pass *pass)
{
        const Plan *plan = pass->plan;

        if (pass->issuance->n_changes > 0)
                printf("\nFiles:\n");
        for (size_t i = 0; i < pass->issuance->n_changes; i++) {
                const FileChange *change = &pass->issuance->changes[i];
                autofree char *line =
                        xasprintf("  %s%s", change->path, change->old ? "" : " (new)");

                text_line(line);
        }
        for (size_t i = 0; i < plan->n_copies; i++) {
                const PlanCopy *copy = &plan->copies[i];

                if (copy->is_written)
                        continue;
                autofree char *line =
                        xasprintf("  %s stays: %s", copy->copy->target->path, copy->text);
                text_line(line);
        }
}

static void print_restarts(const Plan *plan)
{
        size_t n = 0;

        for (size_t i = 0; i < plan->n_restarts; i++) {
                const Restart *restart = &plan->restarts[i];

                if (!restart->is_needed)
                        continue;
                if (n++ == 0)
                        printf("\nRestarts, in this order:\n");
                autofree char *line = xasprintf("  %zu. %s", n, restart->component->entry->name);
                text_line(line);
                text_paragraph(5, restart->text);
        }
}

static void print_checklist(const Checklist *checklist)
{
        if (checklist && checklist->n > 0)
                printf("\nChecklist:\n");
        for (size_t i = 0; checklist && i < checklist->n; i++) {
                const ChecklistItem *item = &checklist->items[i];
                autofree char *line = xasprintf(
                        "%s, %s: %s", item->name, check_state_name(item->state), item->text);

                text_paragraph(2, line);
        }
}

/* Which command does it, and whether it would. */
static void print_outlook(const Wanted *wanted, const RotateResult *result)
{
        const RotateRequest *request = &wanted->request;
        bool is_unasked =
                result->step == ROTATE_PREPARE && request->step == ROTATE_NEXT && !request->begins;
        autofree char *line =
                result->waits
                        ? xasprintf("Nothing was changed; --yes would have to wait %s.",
                                  result->waits)
                        : xasprintf("Nothing was changed; %s.",
                                  is_unasked ? "--phase=prepare --yes begins" : "--yes does it");

        printf("\n");
        text_line(line);
}

static void print_phase(const Pass *pass, const Wanted *wanted, const RotateResult *result)
{
        if (!pass->issuance)
                return;
        print_moves(pass->rotations, wanted);
        print_issued(pass);
        print_files(pass);
        if (wanted->request.dry_run) {
                print_restarts(pass->plan);
                print_checklist(result->checklist);
                print_outlook(wanted, result);
                return;
        }
        printf("\n");
        print_settled(pass);
}

/* One phase; a pass of its own, with its report and its backup. */
static int run_phase(const Options *options, const Wanted *wanted, bool *ret_goes_on)
{
        autoptr(Pass) pass = NULL;
        RotateResult result = {};
        Error error = {};
        int status;

        *ret_goes_on = false;
        status = command_open(options, &pass);
        if (status != 0)
                return status;
        status = pass_rotate(pass, &wanted->request, &result, &error);
        log_status_end();
        if (result.step == ROTATE_NEXT && !error.text[0]) {
                printf("No CA has anything to do; 'kube-renewd rotate-ca --phase=prepare --yes' "
                       "begins.\n");
                print_settled(pass);
        }
        print_phase(pass, wanted, &result);
        if (!pass->issuance)
                print_checklist(result.checklist);
        *ret_goes_on = wanted->is_all && !wanted->request.dry_run && result.step != ROTATE_NEXT &&
                       (status == EXIT_DONE || (status == EXIT_UNFINISHED && result.goes_on)) &&
                       result.step != ROTATE_TRUST_NEW && result.step != ROTATE_ABORT;
        rotate_result_done(&result);
        return command_fail(options, status, &error);
}

int verb_rotate_ca(const Options *options)
{
        Wanted wanted;
        Error error = {};
        bool goes_on;
        int status;

        if (read_options(options, &wanted, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        if (wanted.is_status)
                return rotate_ca_status(options);
        do {
                status = run_phase(options, &wanted, &goes_on);
                if (goes_on)
                        printf("\n");
        } while (goes_on);
        return status;
}
