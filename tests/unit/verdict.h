/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A control plane made by hand, for judging without any file.
 *
 *     autoptr(Scene) scene = scene_new();
 *     scene->cert.not_after = NOW - 1;
 *     assert_verdict(judge(scene, LEAF), STATE_EXPIRED, DUE_EXPIRED);
 *
 * Nothing in it was signed: only what assess() looks at is there. SANs alone are those of a genuine
 * apiserver.crt, because pki looks for them in the DER. */

#include "base/time-util.h"
#include "renew/assess.h"
#include "tree.h"

#define NOW ((int64_t)1800000000)

/* One CA, one leaf that it signed, both as healthy as can be; a test damages what it is about. */
typedef struct Scene {
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
} Scene;

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

static inline Scene *scene_new(void)
{
        Scene *scene = xcalloc(1, sizeof(*scene));

        scene->genuine = read_genuine();
        scene->config = (Config){.ca_expiring_before = 180 * DAY};
        scene->ca_cert = (Cert){.subject = "CN=kubernetes",
                .issuer = "CN=kubernetes",
                .not_before = NOW - YEAR,
                .not_after = NOW + 9 * YEAR,
                .is_ca = true};
        scene->cert = (Cert){.subject = "CN=kube-apiserver",
                .issuer = "CN=kubernetes",
                .not_before = NOW - YEAR / 2,
                .not_after = NOW + YEAR / 2,
                .native = scene->genuine->certs[0]->native};
        scene->bundle_certs[0] = &scene->ca_cert;
        scene->bundle = (CertList){scene->bundle_certs, 1};
        scene->ca_entry = (CaEntry){.id = "kubernetes", .name = "ca", .certificate = "/pki/ca.crt"};
        scene->ca = (InventoryCa){.entry = &scene->ca_entry,
                .bundle = &scene->bundle,
                .ca = (Ca *)scene, /* only compared with NULL */
                .signer = &scene->ca_cert,
                .expected = true};
        scene->file.digest.bytes[0] = 1;
        scene->key_file.digest.bytes[0] = 2;
        scene->entry = (CredentialEntry){.name = "apiserver",
                .policy.renew_before = 15 * DAY,
                .identity.common_name = "kube-apiserver"};
        scene->items[LEAF] = (Item){.kind = ITEM_CERTIFICATE,
                .name = "apiserver",
                .entry = &scene->entry,
                .ca = &scene->ca,
                .expected_ca = &scene->ca,
                .path = "/pki/apiserver.crt",
                .key_path = "/pki/apiserver.key",
                .file = &scene->file,
                .key_file = &scene->key_file,
                .cert = &scene->cert,
                .key_matches = true,
                .trusted = true};
        scene->items[CA] = (Item){.kind = ITEM_CA,
                .name = "ca",
                .ca_file = &scene->ca,
                .path = "/pki/ca.crt",
                .cert = &scene->ca_cert};
        scene->inventory =
                (Inventory){.cas = &scene->ca, .n_cas = 1, .items = scene->items, .n_items = 2};
        scene->history = history_new();
        return scene;
}

static inline void scene_free(Scene *scene)
{
        if (!scene)
                return;
        assessment_free(scene->assessment);
        history_free(scene->history);
        cert_list_free(scene->genuine);
        free(scene);
}

DEFINE_AUTOPTR(Scene, scene_free)

static inline const Verdict *judge(Scene *scene, int which)
{
        assessment_free(scene->assessment);
        scene->assessment = assess(&scene->inventory, &scene->config, scene->history, NOW);
        return &scene->assessment->verdicts[which];
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

static inline void leaf_set_absent(Scene *scene, int error)
{
        scene->items[LEAF].error = error;
        scene->items[LEAF].problem = "'/pki/apiserver.crt' is missing";
        scene->items[LEAF].cert = NULL;
        scene->items[LEAF].file = NULL;
}

static inline void leaf_set_distrusted(Scene *scene)
{
        scene->items[LEAF].ca = NULL;
        scene->items[LEAF].trusted = false;
        scene->items[LEAF].trust_problem = "it was signed by no certificate in '/pki/ca.crt'";
}

static inline void leaf_set_foreign(Scene *scene)
{
        leaf_set_distrusted(scene);
        scene->cert.issuer = "CN=somebody else";
}

static inline void ca_set_external(Scene *scene)
{
        scene->ca.ca = NULL;
        scene->ca.key_error = -ENOENT;
        scene->ca.key_problem = "'/pki/ca.key' is missing";
}
