/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host whose certificates are made by an issuer that says what a script has it say.
 *
 *     static const Saying sayings[] = {SAYS_WAIT, SAYS_RIGHT, END};
 *     Night night = night_new(COMMAND("apiserver"));
 *     acquire(&night, sayings, NULL);                 one pass, up to what was issued
 *     assert_result(&night, OUTCOME_RENEWED, NULL);
 *     night_free(&night);
 *
 * Takes the place of renew/issuer-*.c and host/clock.c. */

#include "host.h"
#include "pki/csr.h"
#include "quick-clock.h"
#include "renew/issue/acquire.h"

#define COMMAND(name) "[certificate " name "]\nIssuer=command\nIssuerCommand=/bin/helper\n"
#define MAIN_FILE     "/etc/kube-renewd/kube-renewd.conf"
#define STATE         "/var/lib/kube-renewd"

/* What the issuer says, one answer after the other; the last one again and again. */
typedef enum Saying {
        SAYS_RIGHT,
        SAYS_OTHER_KEY,
        SAYS_OTHER_NAME,
        SAYS_OTHER_CA,
        SAYS_SHORTER,
        SAYS_RUBBISH,
        SAYS_NOTHING,
        SAYS_WAIT,
        SAYS_WAIT_LONG,
        SAYS_REJECTED,
        SAYS_UNREACHABLE,
        SAYS_UNCONFIGURED,
        SAYS_NEW_REQUEST,
        SAYS_NEW_KEY,
        END,
} Saying;

static const Saying *script;
static size_t n_asked, n_withdrawn, n_cleaned_up;
static char *asked;     /* names, in the order of the questions */
static char *last_text; /* the request of the last question */
static char *last_handle;

static char *pem_of(const Cert *cert)
{
        return cert_to_pem(cert);
}

/* Signed as the CA of this host would, for the key of the request. */
static char *sign(const IssuerInput *input, const Pending *pending, Saying saying)
{
        const Item *item = input->item;
        const bool is_other = saying == SAYS_OTHER_NAME || saying == SAYS_OTHER_CA;
        autoptr(Key) key = NULL;
        autoptr(Cert) cert = NULL;
        const InventoryCa *ca = item->expected_ca;
        Error error = {};
        int r;

        if (saying == SAYS_OTHER_KEY)
                assert_int_equal(key_generate(KEY_KIND_ECDSA_P256, &key, NULL), 0);
        else
                assert_int_equal(
                        key_parse(pending->key_pem->data, pending->key_pem->size, &key, NULL), 0);
        LeafTerms terms = leaf_terms(ca->ca, input->now, 500 * DAY, NULL);

        if (saying == SAYS_SHORTER)
                terms.not_after = item->cert->not_after;
        for (size_t i = 0; is_other && i < input->inventory->n_cas; i++)
                if (streq(input->inventory->cas[i].entry->id, "etcd") == (saying == SAYS_OTHER_CA))
                        ca = &input->inventory->cas[i];
        if (saying == SAYS_OTHER_NAME)
                r = ca_issue(ca->ca, &(LeafIdentity){.common_name = "x", .usage = 1}, key, &terms,
                        &cert, &error);
        else if (saying == SAYS_SHORTER)
                r = ca_issue(ca->ca,
                        &(LeafIdentity){.common_name = item->cert->common_name,
                                .organizations = item->cert->organizations,
                                .sans = item->cert->sans,
                                .usage = item->cert->usage},
                        key, &terms, &cert, &error);
        else
                r = ca_renew(ca->ca, item->cert, key, &terms, &cert, &error);
        if (r < 0)
                fail_msg("%s", error.text);
        return pem_of(cert);
}

/* Whoever is asked finds the request on disk, as it is. */
static void assert_on_disk(const IssuerInput *input, const Pending *pending)
{
        autoptr(Pending) known = NULL;

        assert_int_equal(pending_read(input->root_fd, input->config->state_directory,
                                 input->item->name, &known, NULL),
                0);
        assert_string_equal(known->request_pem, pending->request_pem);
        assert_memory_equal(known->key_pem->data, pending->key_pem->data, known->key_pem->size);
        assert_true(known->asked_at != 0);
        assert_true(known->handle == pending->handle ||
                    (known->handle && streq(known->handle, pending->handle)));
}

static void note(const IssuerInput *input, const Pending *pending)
{
        autofree char *before = asked;

        asked = xasprintf("%s%s%s", before ? before : "", before ? " " : "", input->item->name);
        free(last_text);
        last_text = xstrdup(pending->request_pem);
        free(last_handle);
        last_handle = xstrdup(pending->handle);
        n_asked++;
}

static IssuerAnswer answer(const IssuerInput *input, Pending *pending)
{
        static const IssuerVerdict verdicts[] = {
                [SAYS_NOTHING] = ISSUER_ISSUED,
                [SAYS_WAIT] = ISSUER_WAIT,
                [SAYS_WAIT_LONG] = ISSUER_WAIT,
                [SAYS_REJECTED] = ISSUER_REJECTED,
                [SAYS_UNREACHABLE] = ISSUER_UNREACHABLE,
                [SAYS_UNCONFIGURED] = ISSUER_UNCONFIGURED,
                [SAYS_NEW_REQUEST] = ISSUER_NEW_REQUEST,
                [SAYS_NEW_KEY] = ISSUER_NEW_KEY,
        };
        Saying saying = *script;

        assert_on_disk(input, pending);
        note(input, pending);
        if (script[1] != END)
                script++;
        if (saying == SAYS_RUBBISH)
                return (IssuerAnswer){
                        .verdict = ISSUER_ISSUED, .certificate_pem = xstrdup("rubbish\n")};
        if (saying < SAYS_RUBBISH)
                return (IssuerAnswer){
                        .verdict = ISSUER_ISSUED, .certificate_pem = sign(input, pending, saying)};
        if (saying == SAYS_WAIT || saying == SAYS_NEW_REQUEST) {
                free(pending->handle);
                pending->handle = xasprintf("handle-%zu", n_asked);
        }
        return (IssuerAnswer){.verdict = verdicts[saying],
                .wait = saying == SAYS_WAIT_LONG ? 3600 : 0,
                .text = xstrdup("so it says")};
}

/* These take the place of renew/issuer-*.c. */
IssuerAnswer issuer_command_ask(const IssuerInput *input, Pending *pending)
{
        return answer(input, pending);
}

IssuerAnswer issuer_csr_ask(const IssuerInput *input, Pending *pending)
{
        return answer(input, pending);
}

void issuer_csr_withdraw(const IssuerInput *input, const Pending *pending)
{
        assert_non_null(pending);
        n_withdrawn++;
}

void issuer_csr_clean_up(const IssuerInput *input, const char *name, const Pending *pending)
{
        n_cleaned_up++;
}

typedef struct Night {
        Host host;
        Plan *plan;
        Acquisition *acquisition;
} Night;

static Night night_new(const char *configuration)
{
        Night night = {.host = host_new("v1.28.7/rsa2048-default", TEN_DAYS_LEFT)};

        tree_write_text(night.host.root, MAIN_FILE, configuration);
        host_configure(&night.host);
        n_asked = n_withdrawn = n_cleaned_up = 0;
        free(TAKE(asked));
        return night;
}

static AcquireInput input_of(const Night *night)
{
        return (AcquireInput){.root_fd = night->host.root_fd,
                .config = night->host.config,
                .inventory = night->host.inventory,
                .now = night->host.now};
}

static void night_forget(Night *night)
{
        acquisition_free(TAKE(night->acquisition));
        plan_free(TAKE(night->plan));
}

/* One pass, as far as that goes. */
static void acquire(Night *night, const Saying *sayings, char *const *names)
{
        AcquireInput input;
        Error error = {};

        night_forget(night);
        host_look(&night->host);
        if (plan_make(night->host.assessment, &(PlanRequest){.names = names}, &night->plan,
                    &error) < 0)
                fail_msg("%s", error.text);
        script = sayings;
        input = input_of(night);
        input.is_named = names;
        night->acquisition = acquire_run(&input, night->plan);
}

static void night_free(Night *night)
{
        night_forget(night);
        host_free(&night->host);
        free(TAKE(asked));
        free(TAKE(last_text));
        free(TAKE(last_handle));
}

static const AcquireResult *only(const Night *night)
{
        assert_int_equal(night->acquisition->n, 1);
        return &night->acquisition->results[0];
}

static void assert_result(const Night *night, Outcome outcome, const char *text)
{
        const AcquireResult *result = only(night);

        if (result->outcome != outcome || !result->text != !text ||
                (text && !strstr(result->text, text)))
                fail_msg("%s: %s; expected %s: %s", outcome_name(result->outcome),
                        result->text ? result->text : "-", outcome_name(outcome),
                        text ? text : "-");
        assert_true(!result->certs == (outcome != OUTCOME_RENEWED));
}

static Pending *on_disk(const Night *night, const char *name)
{
        Pending *pending = NULL;
        Error error = {};

        if (pending_read(night->host.root_fd, STATE, name, &pending, &error) < 0)
                fail_msg("%s", error.text);
        return pending;
}
