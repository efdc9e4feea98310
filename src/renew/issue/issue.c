/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/issue.h"

#include "base/log.h"
#include "base/parallel.h"
#include "renew/issue/compose.h"
#include "renew/issue/target.h"
#include "renew/issue/template.h"
#include "renew/issue/token.h"

/* One step on its way to a certificate. */
typedef struct Job {
        IssueResult *result;
        Template *template; /* NULL: nothing is to be signed */
        Key *key;           /* the new one; NULL: the old one stays, or there is none yet */
        bool is_serial;     /* it is the only thread that may do it */
} Job;

typedef struct Work {
        const Plan *plan;
        Job *jobs; /* parallel to plan->steps */
} Work;

static void fail(Job *job, const Error *error)
{
        issue_result_fail(job->result, OUTCOME_FAILED, error->text);
}

static Cert *copy_of(const Cert *cert)
{
        Cert *copy = NULL;

        if (cert_parse_der(cert->der, cert->der_size, &copy, NULL) < 0)
                abort(); /* it was parsed before */
        return copy;
}

void issue_result_found(IssueResult *result, Outcome outcome, const Cert *cert, char *text)
{
        free(result->text);
        result->outcome = outcome;
        result->text = text;
        if (cert)
                result->cert = copy_of(cert);
}

/* A CA whose key is in a token shows only now whether it can sign, and with which certificate. */
static int open_signer(int root_fd, const Config *config, const Item *item, Error *reterr)
{
        const InventoryCa *ca =
                item->entry->issuer.kind == ISSUER_KIND_CA ? template_signing_ca(item) : NULL;
        int r = ca ? token_open_ca(root_fd, config, ca, reterr) : 0;

        return r < 0 ? error_prefix(reterr, r, "CA '%s' cannot sign", ca->entry->name) : 0;
}

/* The bytes of its source, as they are. */
static void take_over(IssueResult *result)
{
        const PairSource *source = result->step->item->source;

        result->cert = copy_of(source->chain->certs[0]);
        result->certificate_pem = secret_new(source->certificate->data, source->certificate->size);
        result->key_pem = secret_new(source->key->data, source->key->size);
}

static Secret *pem_of(const CertList *list)
{
        autostrv blocks = NULL;
        autofree char *text = NULL;

        for (size_t i = 0; i < list->n; i++)
                strv_take(&blocks, cert_to_pem(list->certs[i]));
        text = strv_join(blocks, "");
        return secret_new(text, strlen(text));
}

/* What somebody else has signed, or why nobody has. NULL: nobody was asked. */
static void take_acquired(IssueResult *result, const AcquireResult *acquired)
{
        const Secret *key = acquired && acquired->pending ? acquired->pending->key_pem : NULL;

        if (!acquired)
                issue_result_fail(result, OUTCOME_PENDING, "its issuer would be asked for it");
        else if (acquired->outcome != OUTCOME_RENEWED)
                issue_result_fail(result, acquired->outcome, acquired->text);
        else {
                result->cert = copy_of(acquired->certs->certs[0]);
                result->certificate_pem = pem_of(acquired->certs);
                if (!step_keeps_key(result->step))
                        result->key_pem = secret_new(key->data, key->size);
        }
}

static void prepare_signature(Job *job, int root_fd, const Config *config, int64_t now)
{
        const Step *step = job->result->step;
        Error error = {};

        if (open_signer(root_fd, config, step->item, &error) < 0) {
                fail(job, &error);
                return;
        }
        job->template = template_make(step, config, now);
        if (job->template->outcome != OUTCOME_RENEWED) {
                issue_result_fail(job->result, job->template->outcome, job->template->problem);
                template_free(TAKE(job->template));
                return;
        }
        job->is_serial = job->template->key_kind == KEY_KIND_NONE ||
                         (job->template->ca && !ca_share(job->template->ca->ca));
}

static void prepare_job(
        Job *job, int root_fd, const AcquireResult *acquired, const Config *config, int64_t now)
{
        const Step *step = job->result->step;
        Error error = {};

        if (step->kind == STEP_RESTART)
                issue_result_fail(job->result, OUTCOME_PENDING,
                        "whoever uses it renews it when it is started");
        else if (step_test_targets(root_fd, step, &error) < 0)
                fail(job, &error);
        else if (step->kind == STEP_TAKE_OVER)
                take_over(job->result);
        else if (step_issues(step) && (acquired || issuer_takes_requests(step->item->entry)))
                take_acquired(job->result, acquired);
        else if (step_issues(step))
                prepare_signature(job, root_fd, config, now);
}

/* Of what the old one says, or the configuration where there is none. */
static int make_certificate(
        const Template *template, const Cert *old, const Key *key, Cert **ret, Error *reterr)
{
        const LeafIdentity leaf =
                template->identity ? identity_leaf(template->identity) : (LeafIdentity){};
        const LeafTerms *terms = &template->terms;

        if (!template->ca)
                return cert_self_sign(key, template->identity ? NULL : old,
                        template->identity ? &leaf : NULL, terms, ret, reterr);
        if (template->identity)
                return ca_issue(template->ca->ca, &leaf, key, terms, ret, reterr);
        return ca_renew(template->ca->ca, old, key, terms, ret, reterr);
}

static void sign(Job *job)
{
        IssueResult *result = job->result;
        const Item *item = result->step->item;
        /* A handle that GnuTLS opens of the old one must be this thread's alone. */
        autoptr(Cert) old = item->cert ? copy_of(item->cert) : NULL;
        Error error = {};
        KeyFormat format;
        int r;

        /* 1. The certificate; pki has parsed and verified it again when it returns. */
        r = make_certificate(
                job->template, old, job->key ? job->key : item->key, &result->cert, &error);
        if (r < 0) {
                fail(job, &error);
                return;
        }

        /* 2. The key in the form that the old one had. */
        if (!job->key)
                return;
        format = item->key ? key_format(item->key) : key_format_default(key_kind(job->key));
        r = key_to_pem(job->key, format, &result->key_pem, &error);
        if (r < 0)
                fail(job, &error);
}

static void make_key(Job *job)
{
        KeyKind kind = job->template->key_kind;
        Error error = {};

        if (kind != KEY_KIND_NONE && key_generate(kind, &job->key, &error) < 0)
                fail(job, &error);
}

static void finish(Job *job)
{
        if (job->result->outcome == OUTCOME_RENEWED)
                sign(job);
        key_free(TAKE(job->key));
        template_free(TAKE(job->template));
}

/* Called by any thread. */
static void work(void *userdata, size_t i)
{
        Job *job = &((Work *)userdata)->jobs[i];

        if (!job->template)
                return;
        make_key(job);
        if (!job->is_serial)
                finish(job);
}

static void watch(void *userdata, size_t i)
{
        const Plan *plan = ((Work *)userdata)->plan;

        log_step(i + 1, plan->n_steps);
        if (step_issues(&plan->steps[i]))
                log_status("Issuing certificate '%s'", plan->steps[i].item->name);
}

Issuance *issue_run(int root_fd, const Plan *plan, const Acquisition *acquisition,
        const Config *config, int64_t now)
{
        Issuance *issuance = xcalloc(1, sizeof(*issuance));
        autofree Job *jobs = xcalloc(plan->n_steps, sizeof(*jobs));

        /* 1. Every target must be writable, every CA able to sign, before a key is made. */
        issuance->plan = plan;
        issuance->n = plan->n_steps;
        issuance->results = xcalloc(plan->n_steps, sizeof(IssueResult));
        for (size_t i = 0; i < plan->n_steps; i++) {
                issuance->results[i].step = &plan->steps[i];
                jobs[i].result = &issuance->results[i];
                prepare_job(&jobs[i], root_fd, acquisition_find(acquisition, &plan->steps[i]),
                        config, now);
        }

        /* 2. Keys and signatures on all cores; where that cannot be, the signatures then. */
        parallel_run(plan->n_steps, work, watch, &(Work){plan, jobs});
        log_step(0, 0);
        for (size_t i = 0; i < plan->n_steps; i++)
                if (jobs[i].template)
                        finish(&jobs[i]);

        /* 3. The files as they will be, read back before they count. */
        issuance_compose(issuance, config);
        issuance_compose_copies(issuance, root_fd);
        return issuance;
}
