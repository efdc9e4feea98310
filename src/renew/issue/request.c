/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/request.h"

#include "base/log.h"
#include "pki/csr.h"
#include "renew/issue/template.h"

void request_done(Request *request)
{
        pending_free(request->pending);
        pending_free(request->dropped);
        *request = (Request){};
}

static int make_request(
        const Step *step, const Template *template, const Key *key, char **ret_pem, Error *reterr)
{
        const LeafIdentity identity =
                template->identity ? identity_leaf(template->identity) : (LeafIdentity){};

        return csr_make(key, template->identity ? NULL : step->item->cert,
                template->identity ? &identity : NULL, template->terms.extra_sans, ret_pem, reterr);
}

static int parse_request(const char *pem, Csr **ret, Error *reterr)
{
        return csr_parse(pem, strlen(pem), ret, reterr);
}

/* The right kind of key, and the same words about its holder. */
static bool says_what_is_wanted(const Pending *pending, const Step *step, const Template *template)
{
        autoptr(Key) key = NULL;
        autoptr(Csr) known = NULL;
        autoptr(Csr) wanted = NULL;
        autofree char *pem = NULL;

        if (key_parse(pending->key_pem->data, pending->key_pem->size, &key, NULL) < 0)
                return false;
        if (template->keeps_key ? !key_matches(key, step->item->cert)
                                : key_kind(key) != template->key_kind)
                return false;
        return make_request(step, template, key, &pem, NULL) >= 0 &&
               parse_request(pem, &wanted, NULL) >= 0 &&
               parse_request(pending->request_pem, &known, NULL) >= 0 && csr_equal(known, wanted);
}

static const Digest *in_place(const Item *item)
{
        return item->cert ? &item->cert->sha256 : NULL;
}

static bool is_usable(const RequestInput *input, const Pending *pending, const Template *template)
{
        return !input->new_key && streq(pending->issuer, input->issuer) &&
               pending_is_open(pending, in_place(input->step->item)) &&
               says_what_is_wanted(pending, input->step, template);
}

/* The one on disk; NULL if there is none that makes sense. */
static int read_known(const RequestInput *input, Pending **ret, Error *reterr)
{
        Error error = {};
        int r = pending_read(input->root_fd, input->config->state_directory,
                input->step->item->name, ret, &error);

        if (r == -EBADMSG) {
                log_debug("%s; it is made anew", error.text);
                return 0;
        }
        return r < 0 && r != -ENOENT ? error_set(reterr, r, "%s", error.text) : 0;
}

static int make_key(
        const RequestInput *input, const Template *template, Key **ret_new, Error *reterr)
{
        if (input->key || template->keeps_key)
                return 0;
        log_status("Making a key for '%s'", input->step->item->name);
        return key_generate(template->key_kind, ret_new, reterr);
}

static int make_pending(
        const RequestInput *input, const Template *template, Pending **ret, Error *reterr)
{
        const Item *item = input->step->item;
        autoptr(Pending) pending = xcalloc(1, sizeof(*pending));
        autoptr(Key) fresh = NULL;
        const Key *key;
        KeyFormat format;
        int r;

        r = make_key(input, template, &fresh, reterr);
        if (r < 0)
                return r;
        key = input->key ? input->key : fresh ? fresh : item->key;
        format = input->key  ? key_format(key)
                 : item->key ? key_format(item->key)
                             : key_format_default(key_kind(key));
        r = key_to_pem(key, format, &pending->key_pem, reterr);
        if (r >= 0)
                r = make_request(input->step, template, key, &pending->request_pem, reterr);
        if (r < 0)
                return r;
        pending->name = xstrdup(item->name);
        pending->issuer = xstrdup(input->issuer);
        pending->replaces = pending_fingerprint(in_place(item));
        pending->created_at = input->now;
        *ret = TAKE(pending);
        return 0;
}

int request_make(const RequestInput *input, Pending **ret, Error *reterr)
{
        autoptr(Template) template = template_of_request(input->step, input->config, input->now);

        if (template->outcome != OUTCOME_RENEWED)
                return error_set(reterr, -EOPNOTSUPP, "%s", template->problem);
        return make_pending(input, template, ret, reterr);
}

int request_take(const RequestInput *input, Request *ret, Error *reterr)
{
        autoptr(Template) template = template_of_request(input->step, input->config, input->now);
        autoptr(Pending) known = NULL;
        autoptr(Pending) fresh = NULL;
        int r;

        *ret = (Request){};
        if (template->outcome != OUTCOME_RENEWED)
                return error_set(reterr, -EOPNOTSUPP, "%s", template->problem);
        r = read_known(input, &known, reterr);
        if (r < 0)
                return r;
        if (known && is_usable(input, known, template)) {
                ret->pending = TAKE(known);
                return 0;
        }
        r = make_pending(input, template, &fresh, reterr);
        if (r >= 0)
                r = pending_write(input->root_fd, input->config->state_directory, fresh, reterr);
        if (r < 0)
                return r;
        *ret = (Request){TAKE(fresh), TAKE(known)};
        return 0;
}

int request_check(const Pending *pending, const Item *item, const CertList *answer, int64_t now,
        Error *reterr)
{
        const InventoryCa *expected = item->expected_ca;
        autoptr(Csr) csr = NULL;
        int r;

        if (expected && !expected->bundle)
                return error_set(reterr, -ENOKEY, "nobody knows whether CA '%s' has signed it: %s",
                        expected->entry->name, expected->problem);
        r = parse_request(pending->request_pem, &csr, reterr);
        if (r >= 0)
                r = csr_check_answer(csr, answer, expected ? expected->bundle : NULL, now, reterr);
        return r;
}
