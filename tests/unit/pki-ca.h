/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CAs of tests/data for the tests of pki that sign. */

#include "pki-data.h"
#include "pki/ca.h"

/* The key that a CA certificate of tests/data/pki is on. */
static inline const char *data_ca_key(const char *name)
{
        static const struct {
                const char *name, *key;
        } others[] = {
                {"expired-ca", "p256"},
                {"future-ca", "p256"},
                {"no-ca", "p256"},
                {"no-sign-ca", "p256"},
                {"same-name-ca", "p384"},
                {"intermediate", "p384"},
                {"no-key-id-ca", "rsa-2048"},
                {"path-0-ca", "p256"},
                {"path-1-ca", "p256"},
                {"rich-ca", "p256"},
        };

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (streq(others[i].name, name))
                        return others[i].key;
        return name;
}

static inline Ca *ca_of(const char *bundle_path, const char *key_path)
{
        autoptr(CertList) bundle = data_certs(bundle_path);
        autoptr(Key) key = data_key(key_path);
        Ca *ca = NULL;

        assert_int_equal(ca_new(bundle, key, &ca, NULL), 0);
        TAKE(key);
        return ca;
}

/* A CA of tests/data/pki by its name ("p256", "expired-ca"). */
static inline Ca *data_ca(const char *name)
{
        autofree char *cert = xasprintf("pki/%s.crt", name);
        autofree char *key = xasprintf("pki/%s.key", data_ca_key(name));

        return ca_of(cert, key);
}

static inline Key *new_key(KeyKind kind)
{
        Key *key = NULL;

        assert_int_equal(key_generate(kind, &key, NULL), 0);
        return key;
}
