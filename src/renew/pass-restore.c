/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-internal.h"

#include "base/log.h"
#include "renew/inventory/rotation.h"
#include "renew/pass-guard.h"
#include "renew/unit/interrupt.h"

/* The kubelet's own certificate is in no backup: where the CA that signed it has gone, the kubelet
 * would be refused, and could not ask for another one. */
static bool leaves_kubelet(const Pass *pass)
{
        const Item *item = rotation_find(pass->inventory);

        return item && item->cert && !item->trusted;
}

static int restore_stages(
        Pass *pass, const RestoreRequest *request, RestoreResult **ret_result, Error *reterr)
{
        RestoreRequest locked = *request;
        int r, w = 0;

        /* 1. Nobody else acts, nothing is half done. */
        r = pass_lock(pass, NULL, reterr);
        if (r < 0)
                return r;

        r = pass_guard(pass, reterr);
        if (r >= 0 && pass_guard_upgrade(pass))
                r = pass_stand_by(pass, reterr);
        if (r < 0)
                return r;

        /* 2. Old files in place of the new ones. */
        interrupt_hold();
        log_status("Putting the files of backup %s back", request->id);
        locked.txn = pass->txn;
        locked.pass_id = pass->id;
        locked.now = pass->now;
        r = backup_restore(pass->root_fd, pass->config, &locked, ret_result, reterr);
        if (r < 0)
                return r;

        r = pass_look(pass, reterr);
        if (r >= 0 && (*ret_result)->is_of_ca && leaves_kubelet(pass))
                w = pass_renew_kubelet(pass, "restore", reterr);
        if (r < 0)
                return r;

        /* 3. From here on it is a pass like any other. */
        r = pass_settle(pass, false, w < 0 ? NULL : reterr);
        return w < 0 ? w : r;
}

int pass_try_restore(
        Pass *pass, const RestoreRequest *request, RestoreResult **ret_result, Error *reterr)
{
        RestoreRequest dry = *request;

        dry.dry_run = true;
        dry.now = pass->now;
        dry.pass_id = pass->id;
        return backup_restore(pass->root_fd, pass->config, &dry, ret_result, reterr) < 0
                       ? EXIT_FAILED
                       : EXIT_DONE;
}

int pass_restore(
        Pass *pass, const RestoreRequest *request, RestoreResult **ret_result, Error *reterr)
{
        Error failure = {};
        int r = restore_stages(pass, request, ret_result, &failure);
        int status = pass_exit_status(pass, r);

        error_set(reterr, r, "%s", r < 0 ? failure.text : "");

        /* What was refused has changed nothing, and is told to who asked. */
        return pass->assessment ? pass_finish(pass, status, r, &failure, reterr) : status;
}

int pass_backup(Pass *pass, char **ret_id, Error *reterr)
{
        int r;

        r = pass_lock(pass, &pass->recovery, reterr);
        if (r >= 0)
                r = backup_create(&(BackupRequest){.root_fd = pass->root_fd,
                                          .config = pass->config,
                                          .txn = pass->txn,
                                          .now = pass->now,
                                          .pass_id = pass->id},
                        ret_id, reterr);
        if (r < 0)
                return pass_lock_is_held(pass, r) ? EXIT_UNFINISHED : EXIT_FAILED;
        return EXIT_DONE;
}

int pass_recover(Pass *pass, Error *reterr)
{
        int r;

        interrupt_hold();
        r = pass_lock(pass, &pass->recovery, reterr);
        if (r < 0)
                return pass_lock_is_held(pass, r) ? EXIT_UNFINISHED : EXIT_FAILED;
        return pass->state_is_guessed && !pass->recovery.id ? EXIT_CONFIG : EXIT_DONE;
}
