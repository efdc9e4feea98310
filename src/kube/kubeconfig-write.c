/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/kubeconfig.h"

#include "base/digest.h"

#include <ctype.h>
#include <strings.h>

/* Words that a YAML 1.1 reader takes for something else than a string. */
static bool is_reserved(const char *text)
{
        static const char *const words[] = {
                "null", "true", "false", "yes", "no", "on", "off", "y", "n"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(text, words[i]) == 0)
                        return true;
        return false;
}

/* Narrower than YAML allows: what starts with a letter and has no character with a meaning. */
static bool is_plain(const char *text)
{
        size_t length = strlen(text);

        return isascii(text[0]) && isalpha((unsigned char)text[0]) &&
               strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789-._@:/") == length &&
               text[length - 1] != ':' && !is_reserved(text);
}

static void write_string(FILE *f, const char *text)
{
        if (is_plain(text)) {
                fputs(text, f);
                return;
        }
        fputc('"', f);
        for (const unsigned char *p = (const unsigned char *)text; *p; p++)
                if (*p == '"' || *p == '\\')
                        fprintf(f, "\\%c", *p);
                else if (*p < 0x20 || *p == 0x7f)
                        fprintf(f, "\\x%02x", *p);
                else
                        fputc(*p, f);
        fputc('"', f);
}

/* "key: value"; the parts of the value are put together. */
static void write_pair(FILE *f, const char *key, const char *a, const char *b, const char *c)
{
        autofree char *value = xasprintf("%s%s%s", a, b, c);

        fprintf(f, "%s: ", key);
        write_string(f, value);
        fputc('\n', f);
}

static void write_data(FILE *f, const char *key, const void *data, size_t size)
{
        char *text = base64_encode(data, size);

        /* fprintf() would put it together on the stack first, and leave it there. */
        fputs(key, f);
        fputs(": ", f);
        fputs(text, f);
        fputc('\n', f);
        explicit_bzero(text, strlen(text));
        free(text);
}

/* Keys in the order of the alphabet, as client-go's writer leaves them. */
static void write_config(FILE *f, const KubeconfigNew *config)
{
        fputs("apiVersion: v1\nclusters:\n- cluster:\n", f);
        write_data(f, "    certificate-authority-data", config->ca, config->ca_size);
        write_pair(f, "    server", config->server, "", "");
        write_pair(f, "  name", config->cluster, "", "");
        fputs("contexts:\n- context:\n", f);
        write_pair(f, "    cluster", config->cluster, "", "");
        write_pair(f, "    user", config->user, "", "");
        write_pair(f, "  name", config->user, "@", config->cluster);
        write_pair(f, "current-context", config->user, "@", config->cluster);
        fputs("kind: Config\npreferences: {}\nusers:\n", f);
        write_pair(f, "- name", config->user, "", "");
        fputs("  user:\n", f);
        write_data(f, "    client-certificate-data", config->certificate, config->certificate_size);
        write_data(f, "    client-key-data", config->key, config->key_size);
}

/* The text is put together where it stays, so that no copy of the key is left to growing buffers.
 */
Secret *kubeconfig_write(const KubeconfigNew *config)
{
        size_t room =
                1024 + 2 * (config->ca_size + config->certificate_size + config->key_size) +
                16 * (strlen(config->cluster) + strlen(config->server) + strlen(config->user));
        autoptr(Secret) secret = xcalloc(1, sizeof(*secret));
        FILE *f;

        secret->data = xmalloc(room);
        f = xcheck(fmemopen(secret->data, room, "w"));
        setvbuf(f, NULL, _IONBF, 0);
        write_config(f, config);
        secret->size = (size_t)ftell(f);
        fclose(f);
        return TAKE(secret);
}
