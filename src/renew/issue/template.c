/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/template.h"

#include "base/time-util.h"

void template_free(Template *template)
{
        if (!template)
                return;
        free(template->problem);
        free(template->issuer);
        identity_free(template->identity);
        free(template->subject);
        strv_free(template->sans);
        strv_free(template->usages);
        strv_free(template->added_sans);
        free(template);
}

const InventoryCa *template_signing_ca(const Item *item)
{
        return item->ca && item->ca->ca ? item->ca : item->expected_ca;
}

static int choose_ca(Template *template, const Item *item, int64_t now, Error *reterr)
{
        const InventoryCa *source = template_signing_ca(item);
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
        template->ca = source;
        template->issuer = xstrdup(source->signer->subject);
        template->terms = leaf_terms(source->ca, now, policy->validity, policy->extra_sans);
        return 0;
}

/* Who is asked, as people call it. */
static char *describe_issuer(const CredentialEntry *entry)
{
        switch (entry->issuer.kind) {
        case ISSUER_KIND_CSR:
                return xasprintf("signer %s", entry->issuer.signer_name);
        case ISSUER_KIND_COMMAND:
                return xasprintf("whoever %s asks", entry->issuer.command[0]);
        default:
                return xstrdup("whoever is handed the request");
        }
}

static int choose_signer(
        Template *template, const Item *item, IssuerKind kind, int64_t now, Error *reterr)
{
        const Policy *policy = &item->entry->policy;

        if (kind == ISSUER_KIND_CA)
                return choose_ca(template, item, now, reterr);
        template->terms.extra_sans = policy->extra_sans;
        template->is_requested = kind != ISSUER_KIND_SELF_SIGNED;
        if (template->is_requested) {
                template->issuer = describe_issuer(item->entry);
                return 0;
        }
        template->terms.not_before = now - BACKDATE;
        template->terms.not_after = now + policy->validity;
        return 0;
}

static int choose_key(Template *template, const Step *step, Error *reterr)
{
        const Item *item = step->item;
        KeyKind kind = item->entry->policy.key_algorithm;

        template->keeps_key = step_keeps_key(step);
        if (template->keeps_key) {
                template->key_algorithm = item->cert->key_algorithm;
                return 0;
        }
        if (kind == KEY_KIND_NONE)
                kind = item->cert ? key_kind_of_cert(item->cert) : KEY_KIND_RSA_2048;
        if (kind == KEY_KIND_OTHER)
                return error_set(reterr, -ENOTSUP,
                        "'%s' has a kind of key (%s) that is never issued; set KeyAlgorithm=",
                        item->name, item->cert->key_algorithm);
        template->key_kind = kind;
        template->key_algorithm = key_kind_name(kind);
        return 0;
}

static void add_sans(Template *template, char *const *sans, const Cert *old)
{
        for (; sans && *sans; sans++) {
                if (strv_contains(template->sans, *sans) || (old && cert_has_san(old, *sans)))
                        continue;
                strv_add(&template->sans, *sans);
                strv_add(&template->added_sans, *sans);
        }
}

/* Of a certificate that is missing: the layout's words. */
static int choose_identity(
        Template *template, const Item *item, const Config *config, Error *reterr)
{
        int r;

        r = identity_expand(&config->host, &item->entry->identity, &template->identity, reterr);
        if (r < 0)
                return r;
        const LeafIdentity leaf = identity_leaf(template->identity);

        r = leaf_subject(&leaf, &template->subject, reterr);
        if (r < 0)
                return r;
        template->usages = cert_usage_names(leaf.usage);
        add_sans(template, leaf.sans, NULL);
        return template->ca ? ca_check_terms(template->ca->ca, &template->terms, reterr) : 0;
}

/* Of one that is there: what it says. */
static int copy_identity(Template *template, const Cert *old, Error *reterr)
{
        template->subject = xstrdup(old->subject);
        template->usages = strv_copy(old->usages);
        template->sans = strv_copy(old->sans);
        if (template->ca)
                return ca_check_renewal(template->ca->ca, old, &template->terms, reterr);
        if (!template->is_requested && !template->terms.is_repair &&
                template->terms.not_after <= old->not_after)
                return error_set(reterr, -EKEYREJECTED,
                        "a new certificate would not end later than the old one; write a longer "
                        "Validity=");
        return 0;
}

/* A renewal that gains no time because the CA ends is a state of its own: somebody must see to the
 * CA. */
static Outcome classify(const Template *template, int r)
{
        bool bounded =
                template->ca && template->terms.not_after >= ca_signer(template->ca->ca)->not_after;

        return r == -EKEYEXPIRED && bounded ? OUTCOME_CA_LIMITED : OUTCOME_FAILED;
}

static Template *make(const Step *step, IssuerKind kind, const Config *config, int64_t now)
{
        Template *template = xcalloc(1, sizeof(*template));
        const Item *item = step->item;
        Error error = {};
        int r;

        /* 1. Who signs, for how long; which key. */
        r = choose_signer(template, item, kind, now, &error);
        template->terms.is_repair = item_lacks_key(item);
        if (r >= 0)
                r = choose_key(template, step, &error);

        /* 2. Who it is for, and what the configuration adds. */
        if (r >= 0)
                r = step->kind == STEP_CREATE ? choose_identity(template, item, config, &error)
                                              : copy_identity(template, item->cert, &error);
        if (r >= 0)
                add_sans(template, template->terms.extra_sans,
                        step->kind == STEP_CREATE ? NULL : item->cert);
        if (r >= 0 && kind == ISSUER_KIND_SELF_SIGNED)
                template->issuer = xstrdup(template->subject);

        /* 3. Or why not. */
        template->outcome = r < 0 ? classify(template, r) : OUTCOME_RENEWED;
        template->problem = r < 0 ? xstrdup(error.text) : NULL;
        return template;
}

Template *template_make(const Step *step, const Config *config, int64_t now)
{
        return make(step, step->item->entry->issuer.kind, config, now);
}

Template *template_of_request(const Step *step, const Config *config, int64_t now)
{
        const IssuerKind kind = step->item->entry->issuer.kind;

        return make(step, issuer_takes_requests(step->item->entry) ? kind : ISSUER_KIND_EXTERNAL,
                config, now);
}
