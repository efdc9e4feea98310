/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "answers.h"
#include "renew/issue/issuer.h"
#include "scratch.h"

#include <assert.h>

#define QUESTIONS 6 /* of a pass */

/* system:node:cp1 in system:nodes, DNS:cp1, for a server; nobody has the key. */
static const char request[] = "-----BEGIN CERTIFICATE REQUEST-----\n"
                              "MIIBMDCB1gIBADAxMRUwEwYDVQQKDAxzeXN0ZW06bm9kZXMxGDAWBgNVBAMMD3N5\n"
                              "c3RlbTpub2RlOmNwMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIMWdSleOACe\n"
                              "8tz8tlMYfMaSIxmbRvJp5J68FuN5Uk5ueXnfhGIQh831i6yR+e706nJuPsV32AfC\n"
                              "GrLdAYRD+zKgQzBBBgkqhkiG9w0BCQ4xNDAyMA4GA1UdEQQHMAWCA2NwMTATBgNV\n"
                              "HSUEDDAKBggrBgEFBQcDATALBgNVHQ8EBAMCB4AwCgYIKoZIzj0EAwIDSQAwRgIh\n"
                              "AO6hRI8W+tAnI+UQ6QWypC87x1wV+1RRUqAYcV202XB6AiEA+aOL9A90KbYMbRUr\n"
                              "h4FO6E7qRlr/0e9RY2saMVfmyNs=\n"
                              "-----END CERTIFICATE REQUEST-----\n";

static const char kubeconfig[] = "clusters: [{name: c, cluster: {server: 'https://192.0.2.1'}}]\n"
                                 "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                                 "current-context: x\n"
                                 "users: [{name: u, user: {token: t}}]\n";

static void expect_text(const char *text)
{
        assert(text && *text);
        for (; *text; text++)
                assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* The handle is the name of an object of ours, and is another one only where that is said. */
static void expect(const IssuerAnswer *answer, const char *before, const char *handle)
{
        static const char prefix[] = "kube-renewd-";
        size_t length = handle ? strcspn(handle, " ") : 0;

        if (answer->verdict == ISSUER_ISSUED)
                assert(answer->certificate_pem);
        else
                expect_text(answer->text);
        if (!handle)
                return;
        assert(starts_with(handle, prefix) && strspn(handle, "kube-renwd0123456789abcf") == length);
        assert(!handle[length] || streq(handle + length, " planned"));
        assert(answer->verdict == ISSUER_NEW_REQUEST || (before && starts_with(before, handle)));
}

/* The first byte: whether we may approve, and whether the object has been made before. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static const Inventory inventory;
        const Scratch *scratch = scratch_get();
        Config config = {.host.node_name = (char *)"cp1"};
        const CredentialEntry entry = {.name = (char *)"kubelet",
                .issuer = {.signer_name = (char *)"kubernetes.io/kubelet-serving",
                        .request_kubeconfig = (char *)"/k.conf",
                        .approve_with = size > 0 && data[0] & 1 ? (char *)"/k.conf" : NULL}};
        autoptr(Running) running = running_new(scratch->root_fd, &config, true);
        autoptr(Pending) pending = xcalloc(1, sizeof(*pending));
        const IssuerInput input = {.root_fd = scratch->root_fd,
                .config = &config,
                .entry = &entry,
                .inventory = &inventory,
                .running = running};

        if (size == 0)
                return 0;
        scratch_write(scratch, "/k.conf", kubeconfig, strlen(kubeconfig));
        pending->name = xstrdup(entry.name);
        pending->request_pem = xstrdup(request);
        answers_are(data + 1, size - 1);
        for (int i = 0; i < QUESTIONS; i++) {
                autofree char *before = xstrdup(pending->handle);
                IssuerAnswer answer = issuer_csr_ask(&input, pending);

                expect(&answer, before, pending->handle);
                issuer_answer_done(&answer);
        }
        issuer_csr_withdraw(&input, pending);
        issuer_csr_clean_up(&input, entry.name, data[0] & 2 ? pending : NULL);
        return 0;
}
