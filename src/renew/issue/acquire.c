/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/acquire.h"

#include "base/log.h"
#include "base/time-util.h"
#include "host/clock.h"
#include "renew/issue/request.h"
#include "renew/issue/target.h"

#define ROUND          10   /* seconds between two questions, where the issuer says nothing else */
#define POLL           1000 /* milliseconds between two looks at the clock */
#define NEW_TRIES_MOST 3    /* of one pass: other handles, other keys */

/* One request on its way to a certificate. */
typedef struct Job {
        AcquireResult *result;
        IssuerInput input;
        bool is_open;     /* it is to be asked again, at `next` */
        int64_t next;     /* by clock_monotonic() */
        int64_t deadline; /* the same */
        unsigned n_tries_anew;
} Job;

void acquisition_free(Acquisition *acquisition)
{
        if (!acquisition)
                return;
        for (size_t i = 0; i < acquisition->n; i++) {
                cert_list_free(acquisition->results[i].certs);
                pending_free(acquisition->results[i].pending);
                free(acquisition->results[i].text);
        }
        free(acquisition->results);
        free(acquisition);
}

const AcquireResult *acquisition_find(const Acquisition *acquisition, const Step *step)
{
        for (size_t i = 0; acquisition && i < acquisition->n; i++)
                if (acquisition->results[i].step == step)
                        return &acquisition->results[i];
        return NULL;
}

static AcquireResult *add_result(Acquisition *acquisition, const Step *step)
{
        acquisition->results =
                xreallocarray(acquisition->results, acquisition->n + 1, sizeof(AcquireResult));
        acquisition->results[acquisition->n] = (AcquireResult){.step = step};
        return &acquisition->results[acquisition->n++];
}

void acquisition_add(Acquisition *acquisition, const Step *step, CertList *certs, Pending *pending)
{
        AcquireResult *result = add_result(acquisition, step);

        result->outcome = OUTCOME_RENEWED;
        result->certs = certs;
        result->pending = pending;
}

/* Takes the text. */
static void settle(Job *job, Outcome outcome, char *text)
{
        job->is_open = false;
        job->result->outcome = outcome;
        free(job->result->text);
        job->result->text = text;
}

static void fail(Job *job, const Error *error)
{
        settle(job, OUTCOME_FAILED, xstrdup(error->text));
}

/* What cannot be written down must not be asked for: it would be forgotten. */
static bool write_down(Job *job)
{
        Error error = {};

        if (pending_write(job->input.root_fd, job->input.config->state_directory,
                    job->result->pending, &error) >= 0)
                return true;
        fail(job, &error);
        return false;
}

static void set_text(Pending *pending, const char *text)
{
        free(pending->text);
        pending->text = xstrdup(text);
}

/* Nothing of it is with the issuer any more. */
static void take_back(const IssuerInput *input, Pending *pending)
{
        if (input->entry->issuer.kind == ISSUER_KIND_CSR)
                issuer_csr_withdraw(input, pending);
        free(TAKE(pending->handle));
        pending->asked_at = 0;
}

static int take_request(Job *job, bool new_key, Error *reterr)
{
        const RequestInput input = {.root_fd = job->input.root_fd,
                .config = job->input.config,
                .step = job->result->step,
                .issuer = issuer_kind_name(job->input.entry->issuer.kind),
                .now = job->input.now,
                .new_key = new_key};
        Request request;
        int r = request_take(&input, &request, reterr);

        if (r < 0)
                return r;
        if (request.dropped && job->input.entry->issuer.kind == ISSUER_KIND_CSR)
                issuer_csr_withdraw(&job->input, request.dropped);
        pending_free(job->result->pending);
        job->result->pending = TAKE(request.pending);
        request_done(&request);
        return 0;
}

/* What was refused once is worth nothing: the next request is for another key. */
static void start_anew(Job *job, const char *text)
{
        const unsigned refusals = job->result->pending->refusals;
        const int64_t not_before = job->result->pending->not_before;
        Error error = {};

        if (take_request(job, true, &error) < 0) {
                fail(job, &error);
                return;
        }
        job->result->pending->refusals = refusals;
        job->result->pending->not_before = not_before;
        set_text(job->result->pending, text);
        write_down(job);
}

static char *back_off_text(const Pending *pending, const char *why)
{
        char until[TIME_TEXT_SIZE];

        return xasprintf("%s; its issuer is asked again after %s", why,
                time_format(pending->not_before, until));
}

static int64_t now_of(const AcquireInput *input)
{
        return input->clock_is_read ? clock_now() : input->now;
}

/* Whatever an issuer gives is compared with the request, and not asked for again at once. */
static void refuse(const AcquireInput *input, Job *job, const Error *error)
{
        Pending *pending = job->result->pending;
        autofree char *text = xasprintf("refused: %s", error->text);

        take_back(&job->input, pending);
        free(TAKE(pending->certificate_pem));
        pending_back_off(pending, now_of(input));
        set_text(pending, text);
        if (write_down(job))
                settle(job, OUTCOME_FAILED, back_off_text(pending, text));
}

static char *pem_of(const CertList *list)
{
        autostrv blocks = NULL;

        for (size_t i = 0; i < list->n; i++)
                strv_take(&blocks, cert_to_pem(list->certs[i]));
        return strv_join(blocks, "");
}

static int check_end(const Item *item, const CertList *list, Error *reterr)
{
        return item->cert && !item_lacks_key(item) &&
                               list->certs[0]->not_after <= item->cert->not_after
                       ? error_set(reterr, -EKEYREJECTED,
                                 "it would end no later than the one in place")
                       : 0;
}

static void accept(const AcquireInput *input, Job *job, const char *pem)
{
        Pending *pending = job->result->pending;
        autoptr(CertList) list = NULL;
        Error error = {};
        int r;

        r = cert_list_parse(pem, strlen(pem), &list, &error);
        if (r < 0)
                error_prefix(&error, r, "what was issued cannot be read");
        else
                r = request_check(pending, job->input.item, list, now_of(input), &error);
        if (r >= 0)
                r = check_end(job->input.item, list, &error);
        if (r < 0) {
                refuse(input, job, &error);
                return;
        }

        /* Who is killed from here on need not ask again. */
        free(pending->certificate_pem);
        pending->certificate_pem = pem_of(list);
        pending->refusals = 0;
        set_text(pending, NULL);
        if (!write_down(job))
                return;
        job->result->certs = TAKE(list);
        settle(job, OUTCOME_RENEWED, NULL);
}

/* It stays open while its next question comes before its deadline. What the issuer wants to be left
 * alone for longer than that, it is by the next pass, too. */
static void wait_for(const AcquireInput *input, Job *job, const IssuerAnswer *answer)
{
        Pending *pending = job->result->pending;
        const char *text = answer->text ? answer->text : "it has not been issued yet";

        job->next = clock_monotonic() + (answer->wait ? answer->wait : ROUND) * (int64_t)1000;
        if (job->next < job->deadline) {
                write_down(job);
                return;
        }
        if (answer->wait)
                pending->not_before = now_of(input) + (answer->wait < DAY ? answer->wait : DAY);
        if (write_down(job))
                settle(job, OUTCOME_PENDING, xstrdup(text));
}

static void ask_at_once(Job *job, const IssuerAnswer *answer)
{
        if (job->n_tries_anew++ >= NEW_TRIES_MOST) {
                settle(job, OUTCOME_FAILED,
                        xasprintf("its issuer wants one request after the other%s%s",
                                answer->text ? ": " : "", answer->text ? answer->text : ""));
                return;
        }
        job->next = clock_monotonic();
        if (answer->verdict == ISSUER_NEW_KEY)
                start_anew(job, answer->text);
        else
                write_down(job);
}

static void reject(const AcquireInput *input, Job *job, const IssuerAnswer *answer)
{
        Pending *pending = job->result->pending;
        autofree char *text = xasprintf(
                "rejected%s%s", answer->text ? ": " : "", answer->text ? answer->text : "");

        pending_back_off(pending, now_of(input));
        start_anew(job, text);
        if (job->is_open)
                settle(job, OUTCOME_FAILED, back_off_text(job->result->pending, text));
}

static void hear(const AcquireInput *input, Job *job, const IssuerAnswer *answer)
{
        Pending *pending = job->result->pending;
        const char *text = answer->text ? answer->text : "no reason is known";

        set_text(pending, answer->text);
        switch (answer->verdict) {
        case ISSUER_ISSUED:
                accept(input, job, answer->certificate_pem ? answer->certificate_pem : "");
                break;
        case ISSUER_WAIT:
        case ISSUER_UNREACHABLE:
                wait_for(input, job, answer);
                break;
        case ISSUER_REJECTED:
                reject(input, job, answer);
                break;
        case ISSUER_NEW_REQUEST:
        case ISSUER_NEW_KEY:
                ask_at_once(job, answer);
                break;
        case ISSUER_UNCONFIGURED:
                if (!pending->handle)
                        pending->asked_at = 0;
                if (write_down(job))
                        settle(job, OUTCOME_FAILED, xstrdup(text));
                break;
        }
}

static void ask(const AcquireInput *input, Job *job)
{
        Pending *pending = job->result->pending;
        IssuerAnswer answer;

        if (!pending->asked_at) {
                pending->asked_at = now_of(input);
                if (!write_down(job))
                        return;
        }
        job->input.now = now_of(input);
        log_status("Asking for certificate '%s'", pending->name);
        answer = job->input.entry->issuer.kind == ISSUER_KIND_CSR
                         ? issuer_csr_ask(&job->input, pending)
                         : issuer_command_ask(&job->input, pending);
        hear(input, job, &answer);
        issuer_answer_done(&answer);
}

/* Nobody is put off for longer than a day: what says so was written by a clock that was wrong. */
static bool is_put_off(const Pending *pending, int64_t now)
{
        return pending->not_before > now && pending->not_before <= now + DAY;
}

/* What an earlier pass was told about it holds for this one. */
static void go_on(const AcquireInput *input, Job *job)
{
        const Pending *pending = job->result->pending;

        if (pending->certificate_pem) {
                autofree char *pem = xstrdup(pending->certificate_pem);

                accept(input, job, pem);
                return;
        }
        if (!is_put_off(pending, input->now) || input->is_named)
                return;
        autofree char *text =
                back_off_text(pending, pending->text ? pending->text : "it was put off");
        settle(job, pending->refusals > 0 ? OUTCOME_FAILED : OUTCOME_PENDING, TAKE(text));
}

static void begin(const AcquireInput *input, Job *job)
{
        const Step *step = job->result->step;
        Error error = {};
        int r;

        job->is_open = true;
        job->input = (IssuerInput){.root_fd = input->root_fd,
                .config = input->config,
                .entry = step->item->entry,
                .inventory = input->inventory,
                .item = step->item,
                .running = input->running,
                .now = input->now};
        r = step_test_targets(input->root_fd, step, &error);
        if (r >= 0)
                r = take_request(job, false, &error);
        if (r < 0)
                fail(job, &error);
        else
                go_on(input, job);
}

/* The time of the next question; 0 if there is none. */
static int64_t next_of(const Job *jobs, size_t n)
{
        int64_t next = 0;

        for (size_t i = 0; i < n; i++)
                if (jobs[i].is_open && (next == 0 || jobs[i].next < next))
                        next = jobs[i].next;
        return next;
}

static void wait_until(int64_t moment)
{
        log_status("Waiting for certificates that were asked for");
        for (int64_t left; (left = moment - clock_monotonic()) > 0;) {
                log_wait(left);
                clock_sleep(left < POLL ? left : POLL);
        }
}

/* Time counts from the first question on, not while keys are made. */
static void ask_all(const AcquireInput *input, Job *jobs, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                jobs[i].next = clock_monotonic();
                jobs[i].deadline =
                        jobs[i].next + jobs[i].input.entry->issuer.request_timeout * 1000;
        }
        for (int64_t next; (next = next_of(jobs, n)) != 0;) {
                wait_until(next);
                for (size_t i = 0; i < n; i++)
                        if (jobs[i].is_open && jobs[i].next <= clock_monotonic())
                                ask(input, &jobs[i]);
        }
}

Acquisition *acquire_run(const AcquireInput *input, const Plan *plan)
{
        Acquisition *acquisition = xcalloc(1, sizeof(*acquisition));
        autofree Job *jobs = NULL;

        /* 1. Who is concerned. */
        for (size_t i = 0; i < plan->n_steps; i++)
                if (step_issues(&plan->steps[i]) &&
                        issuer_takes_requests(plan->steps[i].item->entry))
                        add_result(acquisition, &plan->steps[i]);

        /* 2. Keys and requests, on disk before anybody is asked. */
        jobs = xcalloc(acquisition->n, sizeof(*jobs));
        for (size_t i = 0; i < acquisition->n; i++) {
                jobs[i].result = &acquisition->results[i];
                begin(input, &jobs[i]);
        }

        /* 3. All side by side. */
        ask_all(input, jobs, acquisition->n);
        return acquisition;
}

static int forget(
        const AcquireInput *input, const CredentialEntry *entry, const char *name, Error *reterr)
{
        const IssuerInput issuer = {.root_fd = input->root_fd,
                .config = input->config,
                .entry = entry,
                .inventory = input->inventory,
                .running = input->running,
                .now = input->now};

        if (entry && !entry->watch && entry->issuer.kind == ISSUER_KIND_CSR)
                issuer_csr_clean_up(&issuer, name, NULL);
        return pending_remove(input->root_fd, input->config->state_directory, name, reterr);
}

static const Item *find_item(const Inventory *inventory, const Pending *pending)
{
        for (size_t i = 0; i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];

                if (item->entry && pending_find(inventory->pendings, item->name) == pending)
                        return item;
        }
        return NULL;
}

/* By what is on disk: nobody has it in mind, or it has come to its end. What somebody has carried
 * away by hand may come back after a configuration that did not know it. */
static bool is_over(const AcquireInput *input, const Pending *pending, const Item *item)
{
        autofree char *base = xstrndup(pending->name, strcspn(pending->name, "/#"));
        const CredentialEntry *entry = layout_find_credential(&input->config->layout, base);

        if (!pending->issuer)
                return false; /* nobody can read it: the next request takes its place */
        if (!streq(pending->issuer, issuer_kind_name(ISSUER_KIND_EXTERNAL)) &&
                (!entry || !streq(pending->issuer, issuer_kind_name(entry->issuer.kind))))
                return true;
        return item && (item->cert || item->error == -ENOENT) &&
               !pending_is_open(pending, item->cert ? &item->cert->sha256 : NULL);
}

int acquire_clean_up(const AcquireInput *input, Error *reterr)
{
        const PendingList *list = input->inventory->pendings;
        int r = 0;

        for (size_t i = 0; list && r >= 0 && i < list->n; i++) {
                const Pending *pending = list->pendings[i];
                const Item *item = find_item(input->inventory, pending);

                if (is_over(input, pending, item))
                        r = forget(input, item ? item->entry : NULL, pending->name, reterr);
        }
        return r;
}
