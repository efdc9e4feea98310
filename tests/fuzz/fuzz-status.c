/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "renew/report/metrics.h"

#include <assert.h>

/* Lines of "# …" or of "name…", none with a control character. */
static bool is_exposition(const char *text)
{
        for (const char *p = text; *p; p++)
                if ((unsigned char)*p < ' ' &&
                        (*p != '\n' || (p[1] && !strchr("#xk", p[1])) || p[-1] == '\n'))
                        return false;
        return true;
}

/* status.json: what is refused says why; what is accepted has rows that can be counted and written
 * again, and times that mean something. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(Status) status = NULL;
        Error error = {};

        if (status_parse(data, size, &status, &error) < 0) {
                assert(error.text[0] && !status);
                return 0;
        }
        autoptr(json_t) json = rows_to_json(status->rows);
        autoptr(Rows) again = NULL;

        assert(status->generation > 0 && status->last_run != 0 && status->pass_id);
        assert(rows_from_json(json, &again, &error) == 0 && again->n == status->rows->n);
        assert(rows_severity(again) == rows_severity(status->rows));
        json_decref(rows_to_kubeadm_json(status->rows));
        autofree char *metrics = metrics_of_status(status);
        assert(is_exposition(metrics));
        for (size_t i = 0; i < status->alarms->n; i++)
                assert(status->alarms->alarms[i].type && status->alarms->alarms[i].pass_id);
        for (size_t i = 0; i < status->shelved->n; i++)
                assert(status->shelved->alarms[i].resource);
        return 0;
}
