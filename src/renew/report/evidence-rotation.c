/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/evidence.h"

#include "base/time-util.h"
#include "renew/ca-rotation/ca-rotation-phase.h"

/* So long a rotation of a CA may stand still. */
#define ROTATION_PATIENCE (7 * DAY)

static const InventoryCa *find_ca(const ReportInput *input, const char *id)
{
        const Inventory *inventory = input->after ? input->after->inventory : NULL;

        for (size_t i = 0; inventory && i < inventory->n_cas; i++)
                if (streq(inventory->cas[i].entry->id, id))
                        return &inventory->cas[i];
        return NULL;
}

Evidence evidence_look_at_rotation(const ReportInput *input, const char *id, char **ret_reason)
{
        const InventoryCa *ca = find_ca(input, id);
        autoptr(CaRecord) record = NULL;
        char since[TIME_TEXT_SIZE];
        Error error = {};
        int r;

        *ret_reason = NULL;
        r = ca_record_read(input->root_fd, input->config->state_directory, id, &record, &error);
        if (r == -EBADMSG)
                *ret_reason = xstrdup(error.text);
        else if (record && ca)
                *ret_reason = ca_phase_fault(record, input->after->inventory, ca);
        if (*ret_reason)
                return EVIDENCE_FAULT;
        if (r < 0)
                return EVIDENCE_NONE;
        if (!record || input->now - ca_record_since(record) <= ROTATION_PATIENCE)
                return EVIDENCE_GONE;
        *ret_reason = xasprintf("since %s it %s '%s'", time_format(ca_record_since(record), since),
                record->is_aborting ? "goes back, after" : "has gone through",
                ca_phase_name(ca_record_latest(record)));
        return EVIDENCE_FAULT;
}
