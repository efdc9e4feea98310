/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue.h"

#include "pki/key-batch.h"
#include "renew/compose.h"
#include "renew/identity.h"

/* One step on its way to a certificate. */
typedef struct Job {
        IssueResult *result;
        const Ca *ca;
        LeafTerms terms;
        KeyRequest *key; /* KEY_KIND_NONE: the old key stays */
} Job;

void file_change_done(FileChange *change)
{
        free(change->path);
        secret_free(change->content);
}

void issuance_free(Issuance *issuance)
{
        if (!issuance)
                return;
        for (size_t i = 0; i < issuance->n; i++) {
                IssueResult *result = &issuance->results[i];

                cert_free(result->cert);
                secret_free(result->certificate_pem);
                secret_free(result->key_pem);
                free(result->text);
        }
        issuance_cut_changes(issuance, 0);
        for (size_t i = 0; issuance->copy_failures && i < issuance->plan->n_copies; i++)
                free(issuance->copy_failures[i]);
        free(issuance->copy_failures);
        free(issuance->results);
        free(issuance->changes);
        free(issuance);
}

void issue_result_fail(IssueResult *result, Outcome outcome, const char *text)
{
        if (result->outcome != OUTCOME_RENEWED)
                return;
        result->outcome = outcome;
        free(result->text);
        result->text = xstrdup(text);
}

void issue_copy_fail(Issuance *issuance, const PlanCopy *copy, const char *text)
{
        char **failure = &issuance->copy_failures[copy - issuance->plan->copies];

        free(*failure);
        *failure = xstrdup(text);
}

void issue_fail_file(Issuance *issuance, const char *path, const char *text)
{
        for (size_t i = 0; i < issuance->n; i++) {
                const Step *step = issuance->results[i].step;
                const char *key_path = step->item->key_path;

                if (streq(step_path(step), path) || (key_path && streq(key_path, path)))
                        issue_result_fail(&issuance->results[i], OUTCOME_FAILED, text);
        }
}

void issuance_drop_pair(Issuance *issuance, unsigned pair, const char *text)
{
        size_t kept = 0;

        for (size_t i = 0; i < issuance->n_changes; i++) {
                FileChange *change = &issuance->changes[i];

                if (change->pair != pair && (!change->copy || change->source_pair != pair)) {
                        issuance->changes[kept++] = *change;
                        continue;
                }
                if (change->copy)
                        issue_copy_fail(issuance, change->copy, text);
                file_change_done(change);
        }
        issuance->n_changes = kept;
}

static void fail(Job *job, const Error *error)
{
        issue_result_fail(job->result, OUTCOME_FAILED, error->text);
}

static bool keeps_key(const Item *item)
{
        return item->entry->policy.reuse_key && item->key && item->key_matches;
}

static int test_targets(int root_fd, const Step *step, Error *reterr)
{
        const Item *item = step->item;
        int r = fs_test_writable(root_fd, step_path(step), reterr);

        if (r < 0 || step->kind == STEP_REPAIR_CA_DATA || !item->key_path ||
                streq(item->key_path, item->path) || keeps_key(item))
                return r;
        return fs_test_writable(root_fd, item->key_path, reterr);
}

/* The CA that signed the old certificate, so that a split server CA stays one; else the layout's.
 */
static const InventoryCa *signing_ca(const Item *item)
{
        return item->ca && item->ca->ca ? item->ca : item->expected_ca;
}

static int choose_ca(Job *job, int64_t now, Error *reterr)
{
        const Item *item = job->result->step->item;
        const InventoryCa *source = signing_ca(item);
        const Policy *policy = &item->entry->policy;
        int r;

        if (!source)
                return error_set(reterr, -ENOKEY, "the layout names no CA for '%s'", item->name);
        if (!source->ca)
                return error_set(reterr, -ENOKEY, "CA '%s' cannot sign: %s", source->entry->name,
                        source->key_problem ? source->key_problem
                        : source->problem   ? source->problem
                                            : "its key is not on this host");
        r = ca_check(source->ca, now, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "CA '%s' cannot sign", source->entry->name);
        job->ca = source->ca;
        job->terms = leaf_terms(source->ca, now, policy->validity, policy->extra_sans);
        return 0;
}

static int choose_key_kind(Job *job, Error *reterr)
{
        const Item *item = job->result->step->item;
        KeyKind kind = item->entry->policy.key_algorithm;

        if (keeps_key(item))
                return 0;
        if (kind == KEY_KIND_NONE)
                kind = item->cert ? key_kind_of_cert(item->cert) : KEY_KIND_RSA_2048;
        if (kind == KEY_KIND_OTHER)
                return error_set(reterr, -ENOTSUP,
                        "'%s' has a kind of key (%s) that is never issued; set KeyAlgorithm=",
                        item->name, item->cert->key_algorithm);
        job->key->kind = kind;
        return 0;
}

static void prepare_job(Job *job, int root_fd, int64_t now)
{
        Error error = {};

        if (test_targets(root_fd, job->result->step, &error) < 0)
                fail(job, &error);
        else if (job->result->step->kind != STEP_REPAIR_CA_DATA &&
                 (choose_ca(job, now, &error) < 0 || choose_key_kind(job, &error) < 0))
                fail(job, &error);
}

static int create(Job *job, const Config *config, Error *reterr)
{
        autoptr(Identity) identity = NULL;
        int r;

        r = identity_expand(
                &config->host, &job->result->step->item->entry->identity, &identity, reterr);
        if (r < 0)
                return r;
        const LeafIdentity leaf = identity_leaf(identity);
        return ca_issue(job->ca, &leaf, job->key->key, &job->terms, &job->result->cert, reterr);
}

/* A renewal that gains no time because the CA ends is a state of its own: somebody must see to the
 * CA. */
static Outcome classify(const Job *job, int r)
{
        bool bounded = job->terms.not_after >= ca_signer(job->ca)->not_after;

        return r == -EKEYEXPIRED && bounded ? OUTCOME_CA_LIMITED : OUTCOME_FAILED;
}

static void sign(Job *job, const Config *config)
{
        IssueResult *result = job->result;
        const Item *item = result->step->item;
        Error error = {};
        KeyFormat format;
        int r;

        /* 1. The key: made by now, or the old one. */
        if (job->key->error < 0) {
                fail(job, &job->key->text);
                return;
        }
        const Key *key = job->key->key ? job->key->key : item->key;

        /* 2. The certificate; pki has parsed and verified it again when it returns. */
        if (result->step->kind == STEP_CREATE)
                r = create(job, config, &error);
        else
                r = ca_renew(job->ca, item->cert, key, &job->terms, &result->cert, &error);
        if (r < 0) {
                issue_result_fail(result, classify(job, r), error.text);
                return;
        }

        /* 3. The key in the form that the old one had. */
        if (!job->key->key)
                return;
        format = item->key ? key_format(item->key) : key_format_default(job->key->kind);
        r = key_to_pem(job->key->key, format, &result->key_pem, &error);
        if (r < 0)
                fail(job, &error);
}

Issuance *issue_run(int root_fd, const Plan *plan, const Config *config, int64_t now)
{
        Issuance *issuance = xcalloc(1, sizeof(*issuance));
        autofree Job *jobs = xcalloc(plan->n_steps, sizeof(*jobs));
        autofree KeyRequest *keys = xcalloc(plan->n_steps, sizeof(*keys));

        /* 1. Every target must be writable, every CA able to sign, before a key is made. */
        issuance->plan = plan;
        issuance->n = plan->n_steps;
        issuance->results = xcalloc(plan->n_steps, sizeof(IssueResult));
        for (size_t i = 0; i < plan->n_steps; i++) {
                issuance->results[i].step = &plan->steps[i];
                jobs[i].result = &issuance->results[i];
                jobs[i].key = &keys[i];
                prepare_job(&jobs[i], root_fd, now);
        }

        /* 2. Keys on all cores, then the signatures. */
        key_generate_all(keys, plan->n_steps);
        for (size_t i = 0; i < plan->n_steps; i++) {
                if (jobs[i].result->outcome == OUTCOME_RENEWED &&
                        plan->steps[i].kind != STEP_REPAIR_CA_DATA)
                        sign(&jobs[i], config);
                key_free(keys[i].key);
        }

        /* 3. The files as they will be, read back before they count. */
        issuance_compose(issuance, config);
        issuance_compose_copies(issuance, root_fd);
        return issuance;
}
