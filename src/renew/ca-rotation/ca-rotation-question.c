/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one question to the cluster has come to, as a row of the checklist. */
#include "renew/ca-rotation/ca-rotation-cluster-internal.h"

#define NAMES_MAX 3 /* of what is open, in a text */

void question_add_for(
        const Question *question, const char *name, CheckState state, CaPhase phase, char *text)
{
        checklist_add(question->checklist, question->rotation, name, state, phase, text);
}

void question_add(const Question *question, const char *name, CheckState state, char *text)
{
        question_add_for(question, name, state, CA_PHASE_TRUST_NEW, text);
}

void question_fail(const Question *question, const char *name, const Error *error)
{
        question_add(
                question, name, CHECK_UNKNOWN, xasprintf("could not be asked: %s", error->text));
}

void tally_add(Tally *tally, bool is_open, const char *name)
{
        tally->n++;
        if (is_open && tally->n_open++ < NAMES_MAX)
                strv_add(&tally->names, name);
}

char *tally_text(Tally *tally)
{
        autofree char *names = strv_join(tally->names, ", ");
        char *text = xasprintf("%zu of %zu (%s%s)", tally->n_open, tally->n, names,
                tally->n_open > NAMES_MAX ? ", …" : "");

        strv_free(tally->names);
        *tally = (Tally){};
        return text;
}
