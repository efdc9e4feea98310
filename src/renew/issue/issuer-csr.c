/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/issuer.h"

#include "base/log.h"
#include "kube/access.h"
#include "kube/csr-object.h"
#include "renew/issue/csr-signer.h"

#define ASK_TIMEOUT    10 /* seconds, for one request */
#define SIGNED_AFTER   2  /* seconds: a controller is quick */
#define ATTEMPTS_MAX   100
#define NAME_DIGITS    20
#define HANDLE_PLANNED " planned"

/* One request, and whom it goes to. */
typedef struct Asking {
        const IssuerInput *input;
        Csr *csr;
        char **usages;
        Access *access;
        char *prefix; /* of the object's name, up to the number of the attempt */
        char *name;   /* NULL: none yet */
        bool is_made; /* the object has been seen */
        CsrWish wish;
} Asking;

static void asking_free(Asking *asking)
{
        if (!asking)
                return;
        csr_free(asking->csr);
        strv_free(asking->usages);
        access_free(asking->access);
        free(asking->prefix);
        free(asking->name);
        free(asking);
}

DEFINE_AUTOPTR(Asking, asking_free)

static IssuerAnswer answer(IssuerVerdict verdict, const Error *error)
{
        return (IssuerAnswer){.verdict = verdict, .text = xstrdup(error->text)};
}

/* kube-renewd-DIGITS-N: the digits are of the public key, so that whoever was killed finds the
 * object that he had made. The handle says whether it was made: what is not there then is gone. */
static void read_handle(Asking *asking, const char *handle)
{
        char hex[DIGEST_HEX_SIZE];
        const char *number;
        size_t length;

        digest_format(&asking->csr->public_key, hex);
        asking->prefix = xasprintf("kube-renewd-%.*s-", NAME_DIGITS, hex);
        if (!handle || !starts_with(handle, asking->prefix))
                return;
        number = handle + strlen(asking->prefix);
        length = strspn(number, "0123456789");
        asking->is_made = length > 0 && !number[length];
        if (asking->is_made || (length > 0 && streq(number + length, HANDLE_PLANNED)))
                asking->name = xasprintf("%s%.*s", asking->prefix, (int)length, number);
}

static void set_handle(const Asking *asking, Pending *pending, bool is_made)
{
        free(pending->handle);
        pending->handle = xasprintf("%s%s", asking->name, is_made ? "" : HANDLE_PLANNED);
}

/* The next name is on disk before anything has it. */
static IssuerAnswer plan_next(Asking *asking, Pending *pending, const char *why)
{
        unsigned long n =
                asking->name ? strtoul(asking->name + strlen(asking->prefix), NULL, 10) : 0;
        Error error = {};

        if (n >= ATTEMPTS_MAX) {
                error_set(&error, 0, "gives up after %d objects: %s", ATTEMPTS_MAX, why);
                return answer(ISSUER_REJECTED, &error);
        }
        error_set(&error, 0, "%s", why);
        free(asking->name);
        asking->name = xasprintf("%s%lu", asking->prefix, n + 1);
        set_handle(asking, pending, false);
        return answer(ISSUER_NEW_REQUEST, &error);
}

/* Everything but the network. */
static int prepare(Asking *asking, const IssuerInput *input, const Pending *pending, Error *reterr)
{
        const IssuerEntry *issuer = &input->entry->issuer;
        int r;

        asking->input = input;
        if (!input->config->host.node_name)
                return error_set(reterr, -ENOKEY, "the name of this host is none: NodeName=");
        r = csr_parse(pending->request_pem, strlen(pending->request_pem), &asking->csr, reterr);
        if (r < 0)
                return r;
        asking->usages = csr_signer_usages(issuer->signer_name, asking->csr);
        read_handle(asking, pending->handle);
        asking->wish = (CsrWish){
                .name = asking->name,
                .signer = issuer->signer_name,
                .request_pem = pending->request_pem,
                .usages = asking->usages,
                .lifetime = input->entry->policy.validity,
                .owner = {input->config->host.node_name, pending->name},
        };
        return access_read(
                input->root_fd, issuer->request_kubeconfig, ASK_TIMEOUT, &asking->access, reterr);
}

/* Everything of this certificate but one object. */
typedef struct CleanUp {
        const ApiServer *server;
        const char *handle; /* of that one; NULL: there is none */
} CleanUp;

static void clean_up_object(const CsrObject *object, void *userdata)
{
        const CleanUp *clean = userdata;
        size_t length = clean->handle ? strcspn(clean->handle, " ") : 0;
        Error error = {};

        if (length > 0 && length == strlen(object->name) &&
                strncmp(clean->handle, object->name, length) == 0)
                return;
        if (csr_object_delete(clean->server, object, &error) < 0)
                log_debug("cannot delete '%s': %s, ignoring", object->name, error.text);
}

static void clean_up(const ApiServer *server, const CsrOwner *owner, const char *handle)
{
        CleanUp clean = {.server = server, .handle = handle};
        Error error = {};

        if (csr_object_list(server, owner, clean_up_object, &clean, &error) < 0)
                log_debug("cannot clean up: %s, ignoring", error.text);
}

/* What follows from a failure to ask. */
static IssuerVerdict verdict_of(int r)
{
        switch (r) {
        case -EBADRQC: /* it will never be taken */
                return ISSUER_REJECTED;
        case -EACCES:
        case -EINVAL:
        case -ELIBACC:
                return ISSUER_UNCONFIGURED;
        default:
                return ISSUER_UNREACHABLE;
        }
}

static IssuerAnswer failed(int r, const char *what, const Error *error)
{
        Error whole = {};

        error_set(&whole, r, "%s: %s", what, error->text);
        return answer(verdict_of(r), &whole);
}

/* In the name of whoever may; the object is ours, byte for byte. */
static int approve(const Asking *asking, const CsrObject *object, Error *reterr)
{
        const IssuerInput *input = asking->input;
        autofree char *message = xasprintf("kube-renewd on %s has asked for it, and may approve it "
                                           "(ApproveWith=)",
                input->config->host.node_name);
        autoptr(Access) access = NULL;
        int r;

        r = access_read(
                input->root_fd, input->entry->issuer.approve_with, ASK_TIMEOUT, &access, reterr);
        return r < 0 ? r : csr_object_approve(&access->server, object, message, reterr);
}

static IssuerAnswer wait_for_approval(const Asking *asking, const CsrObject *object)
{
        Error error = {}, waiting = {};
        IssuerAnswer waits;
        int r;

        if (!asking->input->entry->issuer.approve_with) {
                error_set(&waiting, 0,
                        "nobody has decided yet: 'kubectl certificate approve %s' would approve it",
                        object->name);
                return answer(ISSUER_WAIT, &waiting);
        }
        r = approve(asking, object, &error);
        if (r < 0) {
                error_set(&waiting, r, "'%s' cannot be approved by ApproveWith=: %s", object->name,
                        error.text);
                return answer(ISSUER_WAIT, &waiting);
        }
        error_set(&waiting, 0, "'%s' is approved, and not signed yet", object->name);
        waits = answer(ISSUER_WAIT, &waiting);
        waits.wait = SIGNED_AFTER;
        return waits;
}

/* What has become of an object that is ours. */
static IssuerAnswer judge(const Asking *asking, const CsrObject *object)
{
        IssuerAnswer issued = {.verdict = ISSUER_ISSUED};
        Error error = {};

        switch (object->state) {
        case CSR_PENDING:
                return wait_for_approval(asking, object);
        case CSR_APPROVED:
                error_set(&error, 0, "'%s' is approved, and not signed yet by '%s'", object->name,
                        asking->wish.signer);
                return answer(ISSUER_WAIT, &error);
        case CSR_DENIED:
                error_set(&error, 0, "'%s' is denied: %s", object->name, object->reason);
                return answer(ISSUER_REJECTED, &error);
        case CSR_FAILED:
                error_set(&error, 0, "'%s' has failed: %s", object->name, object->reason);
                return answer(ISSUER_REJECTED, &error);
        case CSR_ISSUED:
                break;
        }
        issued.certificate_pem = xstrdup(object->certificate_pem);
        return issued;
}

/* One request at a time, which is the one on disk. */
static IssuerAnswer ask(Asking *asking, Pending *pending)
{
        const ApiServer *server = &asking->access->server;
        autoptr(CsrObject) object = NULL;
        Error error = {};
        int r;

        /* 1. Is it there? What was made and is gone is made again, by another name. */
        r = csr_object_get(server, asking->name, &object, &error);
        if (r == -ENOENT && asking->is_made)
                return plan_next(asking, pending, error.text);

        /* 2. If not, it is made; if somebody was quicker (we, before we were killed), it is there.
         */
        if (r == -ENOENT) {
                r = csr_object_create(server, &asking->wish, &object, &error);
                if (r == -EEXIST)
                        r = csr_object_get(server, asking->name, &object, &error);
        }
        if (r < 0)
                return failed(r, asking->name, &error);
        if (!csr_object_is(object, &asking->wish))
                return plan_next(asking, pending, "an object of that name asks for something else");

        /* 3. What has become of it? */
        set_handle(asking, pending, true);
        return judge(asking, object);
}

IssuerAnswer issuer_csr_ask(const IssuerInput *input, Pending *pending)
{
        autoptr(Asking) asking = xcalloc(1, sizeof(*asking));
        Error error = {};
        int r;

        if (!running_is_live(input->running)) {
                error_set(&error, 0, "nobody is asked for another host");
                return answer(ISSUER_UNREACHABLE, &error);
        }
        r = prepare(asking, input, pending, &error);
        if (r >= 0)
                r = csr_signer_check(asking->wish.signer, asking->csr, &error);
        if (r < 0)
                return answer(ISSUER_UNCONFIGURED, &error);
        if (!asking->name) {
                /* Whatever is left of this certificate is of a request that nobody knows any more.
                 */
                clean_up(&asking->access->server, &asking->wish.owner, NULL);
                return plan_next(asking, pending, "not asked yet");
        }
        return ask(asking, pending);
}

void issuer_csr_withdraw(const IssuerInput *input, const Pending *pending)
{
        autoptr(Asking) asking = xcalloc(1, sizeof(*asking));
        autoptr(CsrObject) object = NULL;
        Error error = {};
        int r;

        if (!running_is_live(input->running))
                return;
        r = prepare(asking, input, pending, &error);
        if (r < 0 || !asking->name)
                return;
        r = csr_object_get(&asking->access->server, asking->name, &object, &error);
        if (r >= 0 && csr_object_is(object, &asking->wish))
                r = csr_object_delete(&asking->access->server, object, &error);
        if (r < 0 && r != -ENOENT)
                log_debug("cannot withdraw '%s': %s, ignoring", asking->name, error.text);
}

void issuer_csr_clean_up(const IssuerInput *input, const char *name, const Pending *pending)
{
        const CsrOwner owner = {input->config->host.node_name, name};
        autoptr(Access) access = NULL;
        Error error = {};

        if (!running_is_live(input->running) || !owner.node)
                return;
        if (access_read(input->root_fd, input->entry->issuer.request_kubeconfig, ASK_TIMEOUT,
                    &access, &error) < 0)
                log_debug("cannot clean up: %s, ignoring", error.text);
        else
                clean_up(&access->server, &owner, pending ? pending->handle : NULL);
}
