/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "answers.h"
#include "pki/probe.h"
#include "renew/ca-rotation/ca-rotation-cluster-internal.h"

#include <assert.h>

/* Two CAs, good for a hundred years, whose keys nobody has. */
static const char old_pem[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBgzCCASmgAwIBAgIUDKV82Fp1G7qohNY8MiYeT8nlWmowCgYIKoZIzj0EAwIw\n"
                              "DjEMMAoGA1UEAwwDb2xkMCAXDTI2MTEyMjE4MTQxOFoYDzIxMjYxMDI5MTgxNDE4\n"
                              "WjAOMQwwCgYDVQQDDANvbGQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATPzaVu\n"
                              "dqnSVWqYyYBXz9DZ7tOxrhgZ15Ww7E8FYC5pASYf/Vf8v2NJhU1ZuN9PubxMWN0i\n"
                              "ARbKqXOFxyy/0I1Yo2MwYTAdBgNVHQ4EFgQUUx53PutvrWwbZToMgvYBa4vGcyow\n"
                              "HwYDVR0jBBgwFoAUUx53PutvrWwbZToMgvYBa4vGcyowDwYDVR0TAQH/BAUwAwEB\n"
                              "/zAOBgNVHQ8BAf8EBAMCAgQwCgYIKoZIzj0EAwIDSAAwRQIhAMTTBNIVJGygmIMm\n"
                              "+/BMEDkA4xmuSPGZH6BBIwBJLmEkAiBorjP+9G6dLh4gUV67XcNbFxvh0pz81ngO\n"
                              "Ox4wO5I+vg==\n"
                              "-----END CERTIFICATE-----\n";

static const char new_pem[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBgzCCASmgAwIBAgIUPX/+IZdCasjQAeE+rhhBu5iPYPIwCgYIKoZIzj0EAwIw\n"
                              "DjEMMAoGA1UEAwwDbmV3MCAXDTI2MTEyMjE4MTQxOFoYDzIxMjYxMDI5MTgxNDE4\n"
                              "WjAOMQwwCgYDVQQDDANuZXcwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASW67xI\n"
                              "nAY24DEO70qmxaXsrwWGnmzejRie0jXrtQKQ5EVHaCL75pjzu3uTWRmdZAQPaHcI\n"
                              "c4RZeG1MCvbukCaFo2MwYTAdBgNVHQ4EFgQUmWAXOToiYEW7XAwdKJRXXallS7Qw\n"
                              "HwYDVR0jBBgwFoAUmWAXOToiYEW7XAwdKJRXXallS7QwDwYDVR0TAQH/BAUwAwEB\n"
                              "/zAOBgNVHQ8BAf8EBAMCAgQwCgYIKoZIzj0EAwIDSAAwRQIhALYpiOrprWrvoBJL\n"
                              "jOanyAwBkML9R83xr/ksQq9g+CReAiA6FlWVcVV8EfEw4BL/U+CbMehLgsbyo4tY\n"
                              "pf7FYj/kKA==\n"
                              "-----END CERTIFICATE-----\n";

int __wrap_probe_tls(const char *host, uint16_t port, const char *server_name, unsigned timeout,
        CertList **ret_chain, Error *reterr);

/* What a server shows is the next part of the input, too: nobody is really asked. */
int __wrap_probe_tls(const char *host, uint16_t port, const char *server_name, unsigned timeout,
        CertList **ret_chain, Error *reterr)
{
        const unsigned char *pem;
        size_t size;

        assert(host && port > 0 && !server_name && timeout > 0);
        take("\n====\n", &pem, &size);
        return cert_list_parse(pem, size, ret_chain, reterr);
}

static Cert *ca_of(const char *pem, CertList **list)
{
        if (!*list && cert_list_parse(pem, strlen(pem), list, NULL) < 0)
                abort();
        return (*list)->certs[0];
}

/* Everything on the list says what is so; of kubelets elsewhere nobody can know it, and who did not
 * answer is in nobody's way. */
static void expect(const Checklist *checklist, bool is_silent)
{
        for (size_t i = 0; i < checklist->n; i++) {
                const ChecklistItem *item = &checklist->items[i];

                assert(streq(item->ca, "x") && item->name[0] && item->text[0]);
                assert(item->phase == CA_PHASE_TRUST_NEW || item->phase == CA_PHASE_REISSUE);
                assert(!is_silent || item->state == CHECK_UNKNOWN);
                assert(item->state != CHECK_OPEN || !streq(item->name, "kubelets of other nodes"));
                assert(item->phase == CA_PHASE_TRUST_NEW || starts_with(item->name, "API server "));
        }
        assert(!is_silent || checklist->n > 0);
}

/* The first byte: whether the old CA stays, and whether it is the one of the API server. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static CertList *old_list, *new_list;
        static Config config;
        static Inventory inventory;

        if (size == 0)
                return 0;
        CaRecord record = {.id = (char *)"x",
                .old_ca = ca_of(old_pem, &old_list),
                .new_ca = ca_of(new_pem, &new_list)};
        const CaRotation rotation = {
                .record = &record, .phase = CA_PHASE_REISSUE, .is_selected = true};
        const ChecklistInput input = {.config = &config, .inventory = &inventory};
        autoptr(Checklist) checklist = xcalloc(1, sizeof(*checklist));
        const Question question = {.input = &input,
                .checklist = checklist,
                .rotation = &rotation,
                .leaving = data[0] & 1 ? record.new_ca : record.old_ca,
                .staying = data[0] & 1 ? record.old_ca : record.new_ca,
                .signs_server = data[0] & 2,
                .signs_clients = data[0] & 2,
                .server = {.host = "::1", .port = 6443, .timeout = 1}};

        record.times[CA_PHASE_TRUST_BOTH] = 1780272000; /* 2026-06-01 */
        answers_are(data + 1, size - 1);
        cluster_ask(&question);
        expect(checklist, size == 1);
        return 0;
}
