/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/csr-signer.h"

#define NODES      "system:nodes"
#define NODE_NAME  "system:node:"
#define ROOT_GROUP "system:masters"

#define ENCIPHERMENT "key encipherment" /* of keys by a key: RSA can do that, others cannot */

typedef enum SanRule {
        SANS_ANY,
        SANS_NONE,
        SANS_OF_A_SERVER, /* names and addresses, one at least */
} SanRule;

typedef struct SignerRule {
        const char *signer;
        bool is_for_nodes; /* CN system:node:NAME, O system:nodes and no other */
        SanRule sans;
        const char *usages[4]; /* of a node's certificate these, of another one no other ones */
} SignerRule;

static const SignerRule rules[] = {
        {"kubernetes.io/kubelet-serving", true, SANS_OF_A_SERVER,
                {"digital signature", ENCIPHERMENT, "server auth"}},
        {"kubernetes.io/kube-apiserver-client-kubelet", true, SANS_NONE,
                {"digital signature", ENCIPHERMENT, "client auth"}},
        {"kubernetes.io/kube-apiserver-client", false, SANS_ANY,
                {"digital signature", ENCIPHERMENT, "client auth"}},
};

static const SignerRule *find_rule(const char *signer)
{
        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                if (streq(rules[i].signer, signer))
                        return &rules[i];
        return NULL;
}

static const char *purpose_of(const SignerRule *rule)
{
        return rule->usages[2];
}

static int check_subject(const SignerRule *rule, const Cert *wanted, Error *reterr)
{
        char *const *groups = wanted->organizations;

        if (!rule->is_for_nodes && strv_contains(groups, ROOT_GROUP))
                return error_set(
                        reterr, -EINVAL, "'%s' signs nothing for O=" ROOT_GROUP, rule->signer);
        if (!rule->is_for_nodes)
                return 0;
        if (strv_length(groups) != 1 || !streq(groups[0], NODES))
                return error_set(reterr, -EINVAL,
                        "'%s' signs for O=" NODES " and no other, not for '%s'", rule->signer,
                        wanted->subject);
        if (!wanted->common_name || !starts_with(wanted->common_name, NODE_NAME) ||
                !wanted->common_name[strlen(NODE_NAME)])
                return error_set(reterr, -EINVAL,
                        "'%s' signs for a CN of " NODE_NAME "NAME, not for '%s'", rule->signer,
                        wanted->subject);
        return 0;
}

static bool is_of_a_server(const char *san)
{
        return starts_with(san, "DNS:") || starts_with(san, "IP:");
}

static int check_sans(const SignerRule *rule, const Cert *wanted, Error *reterr)
{
        size_t n = strv_length(wanted->sans);

        if (rule->sans == SANS_NONE && n > 0)
                return error_set(reterr, -EINVAL, "'%s' signs no names beside the subject, like %s",
                        rule->signer, wanted->sans[0]);
        if (rule->sans != SANS_OF_A_SERVER)
                return 0;
        for (size_t i = 0; i < n; i++)
                if (!is_of_a_server(wanted->sans[i]))
                        return error_set(reterr, -EINVAL,
                                "'%s' signs DNS names and IP addresses, not %s", rule->signer,
                                wanted->sans[i]);
        if (n == 0)
                return error_set(reterr, -EINVAL,
                        "'%s' wants a DNS name or an IP address: SANs= or ExtraSANs=",
                        rule->signer);
        return 0;
}

static bool has_usage(const SignerRule *rule, const char *usage)
{
        for (size_t i = 0; i < ELEMENTSOF(rule->usages) && rule->usages[i]; i++)
                if (streq(rule->usages[i], usage))
                        return true;
        return false;
}

static int check_usages(const SignerRule *rule, const Csr *csr, Error *reterr)
{
        autostrv usages = csr_signer_usages(rule->signer, csr);

        if (strv_length(csr->wanted->usages) != 1 ||
                !streq(csr->wanted->usages[0], purpose_of(rule)))
                return error_set(reterr, -EINVAL, "'%s' signs for %s and for nothing else",
                        rule->signer, purpose_of(rule));
        for (char **usage = usages; usage && *usage; usage++)
                if (!has_usage(rule, *usage))
                        return error_set(
                                reterr, -EINVAL, "'%s' signs for no %s", rule->signer, *usage);
        return 0;
}

int csr_signer_check(const char *signer, const Csr *csr, Error *reterr)
{
        const SignerRule *rule = find_rule(signer);
        autostrv usages = NULL;
        int r;

        if (!rule) {
                usages = csr_signer_usages(signer, csr);
                return usages ? 0
                              : error_set(reterr, -EINVAL,
                                        "the request says no usage, and no cluster takes one "
                                        "without");
        }
        r = check_subject(rule, csr->wanted, reterr);
        if (r >= 0)
                r = check_sans(rule, csr->wanted, reterr);
        return r < 0 ? r : check_usages(rule, csr, reterr);
}

char **csr_signer_usages(const char *signer, const Csr *csr)
{
        const SignerRule *rule = find_rule(signer);
        char **usages = NULL;

        if (rule && rule->is_for_nodes) {
                for (size_t i = 0; rule->usages[i]; i++)
                        strv_add(&usages, rule->usages[i]);
                return usages;
        }
        for (char **usage = csr->key_usages; usage && *usage; usage++)
                if (starts_with(csr->wanted->key_algorithm, "RSA") || !streq(*usage, ENCIPHERMENT))
                        strv_add(&usages, *usage);
        for (char **usage = csr->wanted->usages; usage && *usage; usage++)
                strv_add(&usages, *usage);
        return usages;
}
