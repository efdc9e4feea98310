/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/key-token.h"

#include "pki/cert-native.h"
#include "pki/key-native.h"

#include <gnutls/pkcs11.h>

/* What holds for the whole process: a module is loaded once, a PIN is refused once. */
static char **loaded_modules;
static char **refusing_tokens;

/* A key that wants its PIN for each signature (CKA_ALWAYS_AUTHENTICATE) gets it, for it has been
 * taken; one that is asked for again was refused. */
static int give_pin(void *userdata, int attempt, const char *token_url, const char *label,
        unsigned flags, char *pin, size_t pin_max)
{
        KeyLogin *login = userdata;
        bool is_doubtful = attempt > 0 ||
                           (flags & (GNUTLS_PIN_WRONG | GNUTLS_PIN_COUNT_LOW |
                                            GNUTLS_PIN_FINAL_TRY | GNUTLS_PIN_SO)) ||
                           (login->is_given && !(flags & GNUTLS_PIN_CONTEXT_SPECIFIC));

        (void)label;
        free(login->token);
        login->token = xstrdup(token_url);
        if (!login->pin || login->pin->size >= pin_max)
                return GNUTLS_E_PKCS11_PIN_ERROR;
        login->was_refused = is_doubtful || strv_contains(refusing_tokens, token_url);
        if (login->was_refused)
                return GNUTLS_E_PKCS11_PIN_ERROR;
        memcpy(pin, login->pin->data, login->pin->size);
        pin[login->pin->size] = 0;
        login->is_given = true;
        return 0;
}

/* One that cannot be loaded matters only if what is looked for is in none of the others. */
static void load_modules(const TokenAccess *access, Error *ret_problem)
{
        if (*access->no_module)
                (void)error_set(ret_problem, -ENOKEY, "%s", access->no_module);
        for (char *const *module = access->modules; module && *module; module++) {
                if (strv_contains(loaded_modules, *module))
                        continue;
                if (gnutls_pkcs11_add_provider(*module, NULL) >= 0)
                        strv_add(&loaded_modules, *module);
                else
                        (void)error_set(ret_problem, -ENOKEY, "cannot load the PKCS#11 module '%s'",
                                *module);
        }
}

/* A token that is asked in these states would lock itself, or wait for somebody who is not there.
 * The first that applies. */
static const struct {
        unsigned flag;
        const char *text;
} token_troubles[] = {
        {GNUTLS_PKCS11_TOKEN_USER_PIN_LOCKED,
                "is locked: too many wrong PINs; its security officer sets a new one"},
        {GNUTLS_PKCS11_TOKEN_USER_PIN_FINAL_TRY,
                "has refused PINs and takes one more before it locks itself, so none is given; log "
                "in by hand"},
        {GNUTLS_PKCS11_TOKEN_USER_PIN_COUNT_LOW,
                "has refused a PIN since somebody last logged in, so none is given; put the right "
                "one in place, and log in by hand once"},
        {GNUTLS_PKCS11_TOKEN_PROTECTED_AUTHENTICATION_PATH,
                "wants its PIN on a pad of its own, where nobody is"},
};

static int check_flags(const char *url, unsigned flags, const TokenAccess *access, Error *reterr)
{
        if (!(flags & GNUTLS_PKCS11_TOKEN_LOGIN_REQUIRED))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(token_troubles); i++)
                if (flags & token_troubles[i].flag)
                        return error_set(reterr, -EKEYREJECTED, "the token of '%s' %s", url,
                                token_troubles[i].text);
        if (!access->pin)
                return error_set(reterr, -EKEYREJECTED, "the token of '%s' wants a PIN: %s", url,
                        access->no_pin);
        return 0;
}

static bool is_absent(int g)
{
        return g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ||
               g == GNUTLS_E_PKCS11_REQUESTED_OBJECT_NOT_AVAILBLE;
}

static int find_token(const char *url, const TokenAccess *access, Error *reterr)
{
        Error problem = {};
        unsigned flags = 0;
        int g;

        load_modules(access, &problem);
        g = gnutls_pkcs11_token_get_flags(url, &flags);
        if (g >= 0)
                return check_flags(url, flags, access, reterr);
        if (problem.text[0])
                return error_set(reterr, -ENOKEY, "%s", problem.text);
        if (!access->modules)
                return error_set(reterr, -ENOKEY,
                        "'%s' is in a token, and Module= of [pkcs11] names no module", url);
        if (!is_absent(g))
                return pki_error(reterr, -ENOKEY, g, "cannot look for the token");
        return error_set(reterr, -ENOKEY, "no token fits '%s'", url);
}

static int explain_failure(const char *url, const KeyLogin *login, int g, Error *reterr)
{
        autofree char *what = xasprintf("cannot open '%s'", url);

        if (is_absent(g))
                return error_set(reterr, -ENOKEY, "no private key in the token fits '%s'", url);
        if (g == GNUTLS_E_PKCS11_PIN_LOCKED)
                return error_set(
                        reterr, -EKEYREJECTED, "the token of '%s' %s", url, token_troubles[0].text);
        if (login->was_refused)
                return error_set(reterr, -EKEYREJECTED,
                        "the token of '%s' has refused the PIN, which is not given again", url);
        return pki_error(reterr, -EIO, g, what);
}

int key_try_token(Key *key, const Cert *cert, Error *reterr)
{
        static const gnutls_datum_t text = {(unsigned char *)"kube-renewd", 11};
        gnutls_digest_algorithm_t digest = GNUTLS_DIG_UNKNOWN;
        gnutls_sign_algorithm_t algorithm;
        autopubkey public_key = NULL;
        autodatum signature = {};
        int pk, g;

        g = gnutls_pubkey_init(&public_key);
        if (g >= 0)
                g = gnutls_pubkey_import_x509(public_key, cert_native(cert), 0);
        if (g >= 0)
                g = public_key_digest(public_key, &digest);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot read the public key of the CA");
        pk = gnutls_pubkey_get_pk_algorithm(public_key, NULL);
        if (gnutls_privkey_get_pk_algorithm(key->handle, NULL) != pk)
                return 0;
        algorithm = gnutls_pk_to_sign((gnutls_pk_algorithm_t)pk, digest);
        g = gnutls_privkey_sign_data2(key->handle, algorithm, 0, &text, &signature);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "the token does not sign");
        if (gnutls_pubkey_verify_data2(public_key, algorithm, 0, &text, &signature) < 0)
                return 0;
        key->digest = digest;
        return 1;
}

static int import(const char *url, Key *key, Error *reterr)
{
        int g;

        g = gnutls_privkey_init(&key->handle);
        if (g >= 0) {
                gnutls_privkey_set_pin_function(key->handle, give_pin, key->login);
                g = gnutls_privkey_import_url(key->handle, url, 0);
        }
        if (g >= 0)
                return 0;
        if (key->login->is_given && !is_absent(g))
                strv_add(&refusing_tokens, key->login->token);
        return explain_failure(url, key->login, g, reterr);
}

int key_open_token(const char *url, const TokenAccess *access, Key **ret, Error *reterr)
{
        autoptr(Key) key = NULL;
        int r;

        pki_init();
        r = find_token(url, access, reterr);
        if (r < 0)
                return r;
        key = xcalloc(1, sizeof(*key));
        key->kind = KEY_KIND_OTHER;
        key->login = xcalloc(1, sizeof(*key->login));
        if (access->pin)
                key->login->pin = secret_new(access->pin->data, access->pin->size);
        r = import(url, key, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(key);
        return 0;
}
