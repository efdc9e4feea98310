/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/recovery.h"

#include "base/log.h"
#include "renew/event/events.h"
#include "renew/inventory/rotation.h"
#include "renew/report/report.h"
#include "renew/state/park.h"
#include "renew/state/reported.h"

/* An alarm that is there need not be raised for us. In ExecStopPost=, where systemd sets this
 * variable, nobody asks about us but about the process that ended before. */
static int mark_told(const Recovery *recovery, Error *reterr)
{
        if (getenv("SERVICE_RESULT"))
                return 0;
        return reported_mark(recovery->root_fd, recovery->config->state_directory, reterr);
}

static int tell(
        const Recovery *recovery, const TxnOutcome *outcome, const char *failure, Error *reterr)
{
        int r;

        if (!outcome->id && !failure)
                return 0;
        r = report_incident(&(ReportInput){.root_fd = recovery->root_fd,
                                    .pass_id = recovery->pass_id,
                                    .now = recovery->now,
                                    .config = recovery->config,
                                    .recovery = outcome,
                                    .failure = failure},
                reterr);
        return r < 0 || !failure ? r : mark_told(recovery, reterr);
}

static int recover_manifests(int root_fd, const Config *config, Error *reterr)
{
        autostrv notes = NULL;
        int r = park_recover(root_fd, config->state_directory, &notes, reterr);

        for (char **note = notes; note && *note; note++) {
                const LogField fields[] = {{"REASON", *note}, {}};

                log_event(LOG_WARNING, EVENT_MANIFEST_RETURNED, fields,
                        "A manifest was moved out when a pass was interrupted: %s.", *note);
        }
        return r < 0 ? error_prefix(reterr, r, "cannot put a manifest back") : 0;
}

/* What cannot be done now is left for the next time. */
static void recover_rotation(int root_fd, const Config *config)
{
        autofree char *note = NULL;
        Error error = {};
        int r = rotation_recover(root_fd, config->state_directory, &note, &error);
        const LogField fields[] = {{"REASON", r < 0 ? error.text : note}, {}};

        if (r < 0 || note)
                log_event(r < 0 ? LOG_ERR : LOG_WARNING, EVENT_ROTATION_RECOVERED, fields,
                        "The renewal of the kubelet's certificate was interrupted: %s%s.",
                        fields[0].value, r < 0 ? ", ignoring" : "");
}

int recovery_finish(int root_fd, const Config *config, PairJudge *judge, Txn *txn,
        TxnOutcome *ret_outcome, Error *reterr)
{
        const TxnJudge txn_judge = pair_judge_txn(judge);
        int r, w;

        recover_rotation(root_fd, config);
        r = txn_recover(txn, &txn_judge, ret_outcome, reterr);

        /* Last, so that a component starts with whole files; but in any case, or it is down for as
         * long as the files cannot be recovered. */
        w = recover_manifests(root_fd, config, r < 0 ? NULL : reterr);
        return r < 0 ? r : w;
}

int recovery_run(const Recovery *recovery, Txn **ret_txn, TxnOutcome *ret_outcome, Error *reterr)
{
        TxnOutcome outcome = {};
        Error failure = {}, untold = {};
        int r, told;

        /* 1. Nobody else acts. */
        r = txn_open(recovery->root_fd, recovery->config->state_directory, ret_txn, reterr);
        if (r < 0)
                return r;

        /* 2. Nothing is half done. */
        r = recovery_finish(
                recovery->root_fd, recovery->config, recovery->judge, *ret_txn, &outcome, &failure);

        /* 3. Whoever finds it tells it. */
        told = tell(recovery, &outcome, r < 0 ? failure.text : NULL, &untold);
        if (r < 0)
                error_set(reterr, r, "%s", failure.text);
        else if (told < 0)
                r = error_set(reterr, told, "cannot report a recovery: %s", untold.text);
        if (ret_outcome)
                *ret_outcome = outcome;
        else
                txn_outcome_done(&outcome);
        return r;
}
