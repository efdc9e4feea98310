/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fs.h"
#include "kube/secret-object.h"
#include "renew/config/config-check.h"
#include "renew/config/config-place.h"

#define SUFFIX_LENGTH 4 /* of ".crt" and ".key" */

/* One entry under examination. */
typedef struct Check {
        const Config *config;
        SecretEntry *entry;
        bool is_fetch;
} Check;

void config_secrets_free(SecretEntry *entries, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < entries[i].n_parts; k++)
                        free(entries[i].parts[k].key);
                free(entries[i].parts);
        }
        free(entries);
}

PRINTF_LIKE(4, 5)
static int refuse(const Check *check, const char *key, Error *reterr, const char *format, ...)
{
        const char *section = check->is_fetch ? "fetch" : "publish";
        autofree char *where = config_place(check->config, section, check->entry->name, key);
        va_list args;

        va_start(args, format);
        autofree char *text = xvasprintf(format, args);
        va_end(args);
        return error_set(reterr, -EINVAL, "%s %s", where, text);
}

/* "etcd-ca.crt" of %b/etcd/ca.crt, as vCluster calls it; elsewhere the base name. */
static char *default_key(const Layout *layout, const char *path)
{
        const char *below = fs_basename(path);
        char *key;

        for (char **base = layout->base_directories; base && *base; base++)
                if (starts_with(path, *base) && path[strlen(*base)] == '/')
                        below = path + strlen(*base) + 1;
        key = xstrdup(below);
        for (char *c = key; *c; c++)
                if (*c == '/')
                        *c = '-';
        return key;
}

static void add_part(const Check *check, const SecretPart *part)
{
        SecretEntry *entry = check->entry;

        entry->parts = xreallocarray(entry->parts, entry->n_parts + 1, sizeof(SecretPart));
        entry->parts[entry->n_parts] = *part;
        entry->parts[entry->n_parts++].key = default_key(&check->config->layout, part->path);
}

static const CaEntry *find_ca(const Layout *layout, const char *name)
{
        for (size_t i = 0; i < layout->n_cas; i++)
                if (streq(layout->cas[i].name, name))
                        return &layout->cas[i];
        return NULL;
}

static SecretPart part_of_credential(const CredentialEntry *credential, bool is_key)
{
        return (SecretPart){.path = is_key ? credential->key : credential->path,
                .credential = credential,
                .is_key = is_key,
                .is_optional = credential->optional || credential->required_by ||
                               credential->superseded_by};
}

static SecretPart part_of_ca(const CaEntry *ca, bool is_key)
{
        return (SecretPart){.path = is_key ? ca_key_path(ca) : ca->certificate,
                .is_key = is_key,
                .is_optional = ca->optional || ca->required_by};
}

/* What is never taken along: it has to be named. False: the word names none of them. */
static bool find_file(const Layout *layout, const char *word, SecretPart *ret)
{
        size_t length = strlen(word);
        const char *suffix = length > SUFFIX_LENGTH ? word + length - SUFFIX_LENGTH : "";
        bool is_key = streq(suffix, ".key");
        autofree char *name = xstrndup(word, length - strlen(suffix));
        const CredentialEntry *credential = layout_find_credential(layout, name);
        const CaEntry *ca = find_ca(layout, name);

        *ret = (SecretPart){};
        if (streq(word, "sa.key") || streq(word, "sa.pub"))
                *ret = (SecretPart){.path = is_key ? layout->service_account_key
                                                   : layout->service_account_public_key,
                        .is_key = is_key};
        else if (!is_key && !streq(suffix, ".crt"))
                return false;
        else if (credential && !credential->is_kubeconfig)
                *ret = part_of_credential(credential, is_key);
        else if (ca)
                *ret = part_of_ca(ca, is_key);
        return ret->path;
}

static int refuse_unknown(const Check *check, const char *key, const char *word, Error *reterr)
{
        const Layout *layout = &check->config->layout;
        autofree char *suggestion = config_suggest(
                word, layout->credentials, layout->n_credentials, sizeof(CredentialEntry));

        return refuse(check, key, reterr,
                "names %s in %s=, but no certificate, kubeconfig or CA is called so, and no file "
                "of "
                "one (NAME.crt, NAME.key, sa.key, sa.pub)%s",
                word, key, suggestion);
}

/* A name stands for all its files, but never for the key of a CA. */
static int add_source(const Check *check, const char *word, Error *reterr)
{
        const Layout *layout = &check->config->layout;
        const CredentialEntry *credential = layout_find_credential(layout, word);
        const CaEntry *ca = find_ca(layout, word);
        SecretPart part;

        if (credential) {
                part = part_of_credential(credential, false);
                add_part(check, &part);
                part = part_of_credential(credential, true);
                if (credential->key && !streq(credential->key, credential->path))
                        add_part(check, &part);
                return 0;
        }
        if (ca)
                part = part_of_ca(ca, false);
        else if (!find_file(layout, word, &part))
                return refuse_unknown(check, "Source", word, reterr);
        add_part(check, &part);
        return 0;
}

/* The same file by another key; one that is not there yet comes with it. */
static int add_data(const Check *check, const char *text, Error *reterr)
{
        const Layout *layout = &check->config->layout;
        const char *word = text + strcspn(text, ":") + 1;
        const CredentialEntry *credential = layout_find_credential(layout, word);
        SecretEntry *entry = check->entry;
        SecretPart part;
        size_t i = 0;

        if (credential && credential->is_kubeconfig)
                part = part_of_credential(credential, false);
        else if (!find_file(layout, word, &part))
                return refuse_unknown(check, "Data", word, reterr);
        while (i < entry->n_parts && !streq(entry->parts[i].path, part.path))
                i++;
        if (i == entry->n_parts)
                add_part(check, &part);
        free(entry->parts[i].key);
        entry->parts[i].key = xstrndup(text, strcspn(text, ":"));
        return 0;
}

static int check_keys(const Check *check, Error *reterr)
{
        const SecretEntry *entry = check->entry;

        for (size_t i = 0; i < entry->n_parts; i++) {
                const SecretPart *part = &entry->parts[i];

                if (!secret_object_is_key(part->key))
                        return refuse(check, "Source", reterr,
                                "has '%s', of which no Secret can have a key; write Data=KEY:FILE",
                                part->path);
                for (size_t k = 0; k < i; k++)
                        if (streq(entry->parts[k].key, part->key))
                                return refuse(check, "Data", reterr,
                                        "has '%s' and '%s' as one key '%s'; write another one in "
                                        "Data=KEY:FILE",
                                        entry->parts[k].path, part->path, part->key);
        }
        return 0;
}

static bool has_part(const SecretEntry *entry, const CredentialEntry *credential, bool is_key)
{
        for (size_t i = 0; i < entry->n_parts; i++)
                if (entry->parts[i].credential == credential && entry->parts[i].is_key == is_key)
                        return true;
        return false;
}

/* What could not be judged before it is taken, or has somebody else who brings it. */
static int check_fetched(const Check *check, const SecretPart *part, Error *reterr)
{
        const CredentialEntry *credential = part->credential;
        const SecretEntry *first;

        if (!credential)
                return refuse(check, "Source", reterr,
                        "takes '%s'; certificates with their keys and kubeconfigs can be taken "
                        "from a "
                        "Secret, and nothing else",
                        part->path);
        if (credential->watch || credential->issuer.kind != ISSUER_KIND_CA || !credential->ca)
                return refuse(check, "Source", reterr,
                        "takes '%s', which somebody else renews, or has no CA=; leave it out",
                        credential->name);
        if (!credential->is_kubeconfig && (!has_part(check->entry, credential, false) ||
                                                  !has_part(check->entry, credential, true)))
                return refuse(check, "Source", reterr,
                        "takes one file of '%s' without the other; write Source=%s",
                        credential->name, credential->name);
        first = layout_fetch_of(&check->config->layout, credential);
        if (first != check->entry)
                return refuse(check, "Source", reterr,
                        "takes '%s', and so does [fetch %s]; write it into one of them",
                        credential->name, first->name);
        return 0;
}

static int check_place(const Check *check, Error *reterr)
{
        const SecretEntry *entry = check->entry;
        const struct {
                const char *key, *value;
        } needed[] = {{"Kubeconfig", entry->kubeconfig}, {"Namespace", entry->namespace},
                {"Secret", entry->secret}};

        for (size_t i = 0; i < ELEMENTSOF(needed); i++)
                if (!needed[i].value)
                        return refuse(check, NULL, reterr,
                                "has no %s=; write which Secret it is: Kubeconfig=, Namespace= and "
                                "Secret=",
                                needed[i].key);
        return 0;
}

static int check_entry(const Check *check, Error *reterr)
{
        const SecretEntry *entry = check->entry;
        int r = 0;

        /* 1. Without a source it is switched off. */
        for (char **word = entry->sources; r >= 0 && word && *word; word++)
                r = add_source(check, *word, reterr);
        for (char **word = entry->data; r >= 0 && word && *word; word++)
                r = add_data(check, *word, reterr);
        if (r < 0 || entry->n_parts == 0)
                return r;

        /* 2. A place, and one key for each file. */
        r = check_place(check, reterr);
        if (r >= 0)
                r = check_keys(check, reterr);

        /* 3. What may come from there. */
        for (size_t i = 0; r >= 0 && check->is_fetch && i < entry->n_parts; i++)
                r = check_fetched(check, &entry->parts[i], reterr);
        return r;
}

int config_check_secrets(Config *config, Error *reterr)
{
        Layout *layout = &config->layout;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < layout->n_publications; i++)
                r = check_entry(&(Check){config, &layout->publications[i], false}, reterr);
        for (size_t i = 0; r >= 0 && i < layout->n_fetches; i++)
                r = check_entry(&(Check){config, &layout->fetches[i], true}, reterr);
        return r;
}
