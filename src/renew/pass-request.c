/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-internal.h"

#include "renew/inventory/given.h"
#include "renew/issue/preflight.h"
#include "renew/issue/request.h"
#include "renew/pass-acquire.h"
#include "renew/pass-guard.h"
#include "renew/recovery.h"

int pass_lock(Pass *pass, TxnOutcome *ret_outcome, Error *reterr)
{
        pass->judge = pair_judge_new(pass->root_fd, pass->config);
        return recovery_run(&(Recovery){.root_fd = pass->root_fd,
                                    .config = pass->config,
                                    .judge = pass->judge,
                                    .pass_id = pass->id,
                                    .now = pass->now},
                &pass->txn, ret_outcome, reterr);
}

int pass_begin(Pass *pass, bool dry_run, Error *reterr)
{
        int r = 0;

        if (!dry_run)
                r = pass_lock(pass, NULL, reterr);
        if (r >= 0)
                r = pass_guard(pass, reterr);
        return r < 0 ? r : pass_look(pass, reterr);
}

/* Which certificate that is, and how it would be made anew. */
static int find_step(const Pass *pass, const char *name, Step *ret, Error *reterr)
{
        const Item *item;
        int r = plan_find_leaf(pass->inventory, name, &item, reterr);

        if (r < 0)
                return r;
        if (item->entry->watch)
                return error_set(
                        reterr, -EPERM, "'%s' is only watched: somebody else renews it", name);
        if (issuer_restarts(item->entry))
                return error_set(reterr, -EPERM,
                        "'%s' is renewed by '%s' when that is started (RenewedBy=): nobody else "
                        "has it signed; 'kube-renewd renew %s' restarts it",
                        name, item->entry->issuer.renewed_by, name);
        if (item->renewed_as)
                return error_set(reterr, -EPERM, "'%s' is renewed as '%s'", name, item->renewed_as);
        if (!plan_step_of(pass->assessment, item, ret))
                return error_set(reterr, -EOPNOTSUPP, "whom '%s' is for is not known: %s", name,
                        item->problem);
        return 0;
}

static RequestInput request_input(const Pass *pass, const Step *step)
{
        const CredentialEntry *entry = step->item->entry;
        const IssuerKind kind =
                issuer_takes_requests(entry) ? entry->issuer.kind : ISSUER_KIND_EXTERNAL;

        return (RequestInput){.root_fd = pass->root_fd,
                .config = pass->config,
                .step = step,
                .issuer = issuer_kind_name(kind),
                .now = pass->now};
}

static int take_request(
        const Pass *pass, const char *name, bool new_key, char ***pems, Error *reterr)
{
        RequestInput input;
        Request request;
        Step step;
        int r;

        r = find_step(pass, name, &step, reterr);
        if (r < 0)
                return r;
        input = request_input(pass, &step);
        input.new_key = new_key;
        r = request_take(&input, &request, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", name);
        strv_add(pems, request.pending->request_pem);
        request_done(&request);
        return 0;
}

static int exit_status(const Pass *pass, int r)
{
        if (pass_lock_is_held(pass, r) || pass->guards.clock || pass->guards.upgrade)
                return EXIT_UNFINISHED;
        return r == -EINVAL ? EXIT_USAGE : r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int pass_request(Pass *pass, char *const *names, bool new_key, char ***ret_pems, Error *reterr)
{
        autostrv pems = NULL;
        Step step;
        int r;

        /* All names before the first key. */
        r = pass_begin(pass, false, reterr);
        for (char *const *name = names; r >= 0 && *name; name++)
                r = find_step(pass, *name, &step, reterr);
        for (char *const *name = names; r >= 0 && *name; name++)
                r = take_request(pass, *name, new_key, &pems, reterr);
        if (r >= 0)
                *ret_pems = TAKE(pems);
        return exit_status(pass, r);
}

/* The request that it answers: on disk, or of the key that was brought along. */
static int find_request(const Pass *pass, const InstallRequest *request, const Step *step,
        Pending **ret, Error *reterr)
{
        RequestInput input = request_input(pass, step);
        autoptr(FileImage) file = NULL;
        autoptr(Key) key = NULL;
        Error error = {};
        int r;

        if (!request->key) {
                r = pending_read(pass->root_fd, pass->config->state_directory, step->item->name,
                        ret, &error);
                if (r == -ENOENT)
                        return error_set(reterr, r,
                                "there is no request for '%s': 'kube-renewd csr %s' makes one, and "
                                "--key= names a key of your own",
                                request->name, request->name);
                return r < 0 ? error_set(reterr, r, "%s", error.text) : 0;
        }
        r = given_read(request->key, &file, reterr);
        if (r >= 0)
                r = key_parse(file->data, file->size, &key, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "--key=");
        input.key = key;
        return request_make(&input, ret, reterr);
}

/* What was brought, found right. */
static int check_brought(Pass *pass, const InstallRequest *request, const Step *step, Error *reterr)
{
        autoptr(Pending) pending = NULL;
        autoptr(FileImage) file = NULL;
        autoptr(CertList) list = NULL;
        int r;

        r = given_read(request->certificate, &file, reterr);
        if (r >= 0)
                r = cert_list_parse(file->data, file->size, &list, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", request->certificate);
        r = find_request(pass, request, step, &pending, reterr);
        if (r < 0)
                return r;
        r = request_check(pending, step->item, list, pass->now, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s' is refused", request->certificate);
        acquisition_add(pass->acquisition, step, TAKE(list), TAKE(pending));
        return 0;
}

/* Its CA data may be repaired with it. */
static const Step *issuing_step(const Plan *plan)
{
        const Step *step = plan->steps;

        while (!step_issues(step))
                step++;
        return step;
}

static int install_stages(Pass *pass, const InstallRequest *request, Error *reterr)
{
        const PlanRequest plan = {
                .names = (char *[]){(char *)request->name, NULL}, .installs = true};
        Step step;
        int r;

        /* 1. Which certificate, and is that what was asked for? */
        r = pass_begin(pass, false, reterr);
        if (r >= 0)
                r = find_step(pass, request->name, &step, reterr);
        if (r >= 0)
                r = plan_make(pass->assessment, &plan, &pass->plan, reterr);
        if (r < 0)
                return r;
        pass->acquisition = xcalloc(1, sizeof(*pass->acquisition));
        r = check_brought(pass, request, issuing_step(pass->plan), reterr);
        if (r < 0)
                return r;
        if (pass_guard_upgrade(pass))
                return error_set(reterr, -EAGAIN, "%s: nothing is begun until that is over",
                        pass->guards.upgrade);

        /* 2. The files as they will be; then all of them on disk, as one. */
        pass->issuance =
                issue_run(pass->root_fd, pass->plan, pass->acquisition, pass->config, pass->now);
        if (running_is_live(pass->running))
                preflight_run(pass->issuance, api_try_credentials);
        for (size_t i = 0; i < pass->issuance->n; i++)
                if (pass->issuance->results[i].outcome != OUTCOME_RENEWED)
                        return error_set(reterr, -ECANCELED, "%s", pass->issuance->results[i].text);
        r = pass_replace_files(pass, "install", false, reterr);
        if (r < 0 || !pass->committed)
                return r;

        /* 3. From here on it is a pass like any other. */
        r = pass_settle(pass, false, reterr);
        return r < 0 ? r : pass_tidy_requests(pass, reterr);
}

int pass_install(Pass *pass, const InstallRequest *request, Error *reterr)
{
        Error failure = {};
        int r = install_stages(pass, request, &failure);

        error_set(reterr, r, "%s", r < 0 ? failure.text : "");

        /* What was refused has changed nothing, and is told to who asked. */
        if (!pass->committed && !pass->restarts)
                return r < 0 ? exit_status(pass, r) : pass_exit_status(pass, r);
        r = pass_remember(pass, r, &failure);
        return pass_finish(pass, pass_exit_status(pass, r), r, &failure, reterr);
}
