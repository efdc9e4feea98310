/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `restore` without a pass around it: the lock, and then the files. */

#include "night.h"
#include "renew/commit/restore.h"
#include "renew/recovery.h"

static int host_restore(
        const Host *host, const RestoreRequest *request, RestoreResult **ret, Error *reterr)
{
        autoptr(PairJudge) judge = pair_judge_new(host->root_fd, host->config);
        RestoreRequest locked = *request;
        autoptr(Txn) txn = NULL;
        int r = 0;

        if (!request->dry_run)
                r = recovery_run(&(Recovery){.root_fd = host->root_fd,
                                         .config = host->config,
                                         .judge = judge,
                                         .pass_id = request->pass_id,
                                         .now = request->now},
                        &txn, NULL, reterr);
        locked.txn = txn;
        return r < 0 ? r : backup_restore(host->root_fd, host->config, &locked, ret, reterr);
}
