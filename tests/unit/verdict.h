/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A control plane made by hand, for judging without any file.
 *
 *     autoptr(Sample) sample = sample_new();
 *     sample->cert.not_after = NOW - 1;
 *     assert_verdict(judge(sample, LEAF), STATE_EXPIRED, DUE_EXPIRED);
 *
 * Nothing in it was signed: only what assess() looks at is there. SANs alone are those of a genuine
 * apiserver.crt, because pki looks for them in the DER. */

#include "base/time-util.h"
#include "renew/assess/assess.h"
#include "tree.h"

#define NOW ((int64_t)1800000000)

/* One CA, one leaf that it signed, both as healthy as can be; a test damages what it is about. */
typedef struct Sample {
        CertList *genuine;
        Cert ca_cert, cert;
        Cert *bundle_certs[1];
        CertList bundle;
        CaEntry ca_entry;
        InventoryCa ca;
        FileImage file, key_file;
        CredentialEntry entry;
        Item items[2]; /* the leaf, the CA */
        Inventory inventory;
        Config config;
        History *history;
        Assessment *assessment;
} Sample;

enum { LEAF, CA };

static inline CertList *read_genuine(void)
{
        size_t size;
        CertList *list = NULL;
        autofree char *pem = tree_read(getenv("SRCDIR"),
                "/tests/data/kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/pki/apiserver.crt",
                &size);

        assert_int_equal(cert_list_parse(pem, size, &list, NULL), 0);
        return list;
}

static inline Sample *sample_new(void)
{
        Sample *sample = xcalloc(1, sizeof(*sample));

        sample->genuine = read_genuine();
        sample->config = (Config){.ca_expiring_before = 180 * DAY};
        sample->ca_cert = (Cert){.subject = "CN=kubernetes",
                .issuer = "CN=kubernetes",
                .not_before = NOW - YEAR,
                .not_after = NOW + 9 * YEAR,
                .is_ca = true};
        sample->cert = (Cert){.subject = "CN=kube-apiserver",
                .issuer = "CN=kubernetes",
                .not_before = NOW - YEAR / 2,
                .not_after = NOW + YEAR / 2,
                .san_set = sample->genuine->certs[0]->san_set,
                .public_algorithm = sample->genuine->certs[0]->public_algorithm,
                .public_bits = sample->genuine->certs[0]->public_bits};
        sample->bundle_certs[0] = &sample->ca_cert;
        sample->bundle = (CertList){sample->bundle_certs, 1};
        sample->ca_entry =
                (CaEntry){.id = "kubernetes", .name = "ca", .certificate = "/pki/ca.crt"};
        sample->ca = (InventoryCa){.entry = &sample->ca_entry,
                .bundle = &sample->bundle,
                .ca = (Ca *)sample, /* only compared with NULL */
                .signer = &sample->ca_cert,
                .expected = true};
        sample->file.digest.bytes[0] = 1;
        sample->key_file.digest.bytes[0] = 2;
        sample->entry = (CredentialEntry){.name = "apiserver",
                .policy.renew_before = 15 * DAY,
                .identity.common_name = "kube-apiserver"};
        sample->items[LEAF] = (Item){.kind = ITEM_CERTIFICATE,
                .name = "apiserver",
                .entry = &sample->entry,
                .ca = &sample->ca,
                .expected_ca = &sample->ca,
                .path = "/pki/apiserver.crt",
                .key_path = "/pki/apiserver.key",
                .file = &sample->file,
                .key_file = &sample->key_file,
                .cert = &sample->cert,
                .key_matches = true,
                .trusted = true};
        sample->items[CA] = (Item){.kind = ITEM_CA,
                .name = "ca",
                .ca_file = &sample->ca,
                .path = "/pki/ca.crt",
                .cert = &sample->ca_cert};
        sample->inventory =
                (Inventory){.cas = &sample->ca, .n_cas = 1, .items = sample->items, .n_items = 2};
        sample->history = history_new();
        return sample;
}

static inline void sample_free(Sample *sample)
{
        if (!sample)
                return;
        assessment_free(sample->assessment);
        history_free(sample->history);
        cert_list_free(sample->genuine);
        free(sample);
}

DEFINE_AUTOPTR(Sample, sample_free)

static inline const Verdict *judge(Sample *sample, int which)
{
        assessment_free(sample->assessment);
        sample->assessment = assess(&sample->inventory, &sample->config, sample->history, NOW);
        return &sample->assessment->verdicts[which];
}

static inline void assert_verdict(const Verdict *verdict, State state, DueReason reason)
{
        assert_string_equal(state_name(verdict->state), state_name(state));
        assert_string_equal(due_reason_name(verdict->reason), due_reason_name(reason));
        assert_int_equal(verdict->due, reason != DUE_NOT);
        assert_true((verdict->text != NULL) == (state != STATE_OK));
}

static inline void assert_text(const Verdict *verdict, const char *part)
{
        if (!verdict->text || !strstr(verdict->text, part))
                fail_msg("'%s' is not in '%s'", part, verdict->text ? verdict->text : "(none)");
}

static inline void leaf_set_absent(Sample *sample, int error)
{
        sample->items[LEAF].error = error;
        sample->items[LEAF].problem = "'/pki/apiserver.crt' is missing";
        sample->items[LEAF].cert = NULL;
        sample->items[LEAF].file = NULL;
}

static inline void leaf_set_distrusted(Sample *sample)
{
        sample->items[LEAF].ca = NULL;
        sample->items[LEAF].trusted = false;
        sample->items[LEAF].trust_problem = "it was signed by no certificate in '/pki/ca.crt'";
}

static inline void leaf_set_foreign(Sample *sample)
{
        leaf_set_distrusted(sample);
        sample->cert.issuer = "CN=somebody else";
}

static inline void ca_set_external(Sample *sample)
{
        sample->ca.ca = NULL;
        sample->ca.key_error = -ENOENT;
        sample->ca.key_problem = "'/pki/ca.key' is missing";
}
