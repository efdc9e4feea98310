/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/config-value.h"

#include "base/path.h"
#include "base/time-util.h"
#include "kube/secret-object.h"
#include "renew/config/config.h"

#include <arpa/inet.h>
#include <limits.h>

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"
#define BLANKS  " \t"
#define PKCS11  "pkcs11:"
#define SERVICE ".service"
#define UNIX    "unix:"
#define PATH    "for example /etc/kubernetes/pki/ca.crt"

/* A word that stands for a number. The first of several with the same number is the one written. */
typedef struct Word {
        const char *text;
        int64_t number;
} Word;

static const Word boolean_words[] = {{"yes", 1}, {"no", 0}, {"true", 1}, {"false", 0}, {"on", 1},
        {"off", 0}, {"1", 1}, {"0", 0}, {}};
static const Word restart_words[] = {
        {"needed", RESTART_NEEDED}, {"always", RESTART_ALWAYS}, {"never", RESTART_NEVER}, {}};
static const Word content_words[] = {{"file", COPY_FILE}, {"certificate", COPY_CERTIFICATE},
        {"key", COPY_KEY}, {"bundle", COPY_BUNDLE}, {"bundle-key-first", COPY_BUNDLE_KEY_FIRST},
        {}};
static const Word coordination_words[] = {
        {"none", COORDINATION_NONE}, {"lease", COORDINATION_LEASE}, {}};
static const Word usage_words[] = {
        {"server", CERT_USAGE_SERVER}, {"client", CERT_USAGE_CLIENT}, {}};

static int read_word(const Word *words, const char *text, int64_t *ret)
{
        for (; words->text; words++)
                if (streq(words->text, text)) {
                        *ret = words->number;
                        return 0;
                }
        return -EINVAL;
}

static char *write_word(const Word *words, int64_t number)
{
        while (words->text && words->number != number)
                words++;
        return xstrdup(words->text ? words->text : "");
}

#define ENUMERATION(kind)                                                                          \
        static int read_##kind(const char *text, int64_t *ret)                                     \
        {                                                                                          \
                return read_word(kind##_words, text, ret);                                         \
        }                                                                                          \
        static char *write_##kind(int64_t number)                                                  \
        {                                                                                          \
                return write_word(kind##_words, number);                                           \
        }

ENUMERATION(boolean)
ENUMERATION(content)
ENUMERATION(restart)
ENUMERATION(coordination)

/* Octal, as chmod(1) takes it. */
static int read_mode(const char *text, int64_t *ret)
{
        size_t length = strspn(text, "01234567");

        if (length < 3 || length > 4 || text[length])
                return -EINVAL;
        *ret = strtoll(text, NULL, 8);
        return 0;
}

static char *write_mode(int64_t number)
{
        return xasprintf("%04llo", (long long)number);
}

static int read_usage(const char *text, int64_t *ret)
{
        autostrv words = value_words(text);
        int64_t usage = 0, bit;

        for (char **word = words; *word; word++) {
                if (read_word(usage_words, *word, &bit) < 0)
                        return -EINVAL;
                usage |= bit;
        }
        *ret = usage;
        return 0;
}

static char *write_usage(int64_t usage)
{
        bool server = usage & CERT_USAGE_SERVER, client = usage & CERT_USAGE_CLIENT;

        return xasprintf("%s%s%s", server ? "server" : "", server && client ? " " : "",
                client ? "client" : "");
}

static int read_count(const char *text, int64_t *ret)
{
        size_t length = strspn(text, DIGITS);

        if (length == 0 || length > 9 || text[length])
                return -EINVAL;
        *ret = strtoll(text, NULL, 10);
        return 0;
}

static char *write_count(int64_t number)
{
        return xasprintf("%lld", (long long)number);
}

static int read_percent(const char *text, int64_t *ret)
{
        size_t length = strlen(text);
        autofree char *digits =
                xstrndup(text, length > 0 && text[length - 1] == '%' ? length - 1 : length);

        return read_count(digits, ret);
}

static char *write_percent(int64_t number)
{
        return number > 0 ? xasprintf("%lld%%", (long long)number) : xstrdup("");
}

static int read_span(const char *text, int64_t *ret)
{
        return span_parse(text, ret) < 0 ? -EINVAL : 0;
}

/* Unlike span_format() with every unit: what is written here can be read again. */
static char *write_span(int64_t span)
{
        static const Word units[] = {
                {"y", YEAR}, {"d", DAY}, {"h", HOUR}, {"min", MINUTE}, {"s", 1}};
        char *text = xstrdup("");

        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                autofree char *before = text;
                int64_t n = span / units[i].number;

                span %= units[i].number;
                text = n > 0 ? xasprintf("%s%s%lld%s", before, *before ? " " : "", (long long)n,
                                       units[i].text)
                             : xstrdup(before);
        }
        return text;
}

static char *write_span_or_unset(int64_t span)
{
        return span == 0 ? xstrdup("0s") : span < 0 ? xstrdup("") : write_span(span);
}

static int read_algorithm(const char *text, int64_t *ret)
{
        KeyKind kind = key_kind_parse(text);

        if (kind == KEY_KIND_NONE || kind == KEY_KIND_OTHER)
                return -EINVAL;
        *ret = kind;
        return 0;
}

static char *write_algorithm(int64_t kind)
{
        return xstrdup(kind == KEY_KIND_NONE ? "" : key_kind_name((KeyKind)kind));
}

static int keep_if(bool is_good, const char *text, char **ret)
{
        if (!is_good)
                return -EINVAL;
        *ret = xstrdup(text);
        return 0;
}

static int read_text(const char *text, char **ret)
{
        return keep_if(true, text, ret);
}

/* As in "[section name]", so that one can be named by the other. */
static int read_name(const char *text, char **ret)
{
        return keep_if(!text[strspn(text, LOWER UPPER DIGITS "._@:-")], text, ret);
}

/* A name without what stands between that of a layout and that of an entry. */
static int read_bare_name(const char *text, char **ret)
{
        return strchr(text, ':') ? -EINVAL : read_name(text, ret);
}

/* RFC 1123, in lower case as Kubernetes wants node names. */
static int read_domain(const char *text, char **ret)
{
        size_t length = strlen(text);
        bool label_ends = true;

        for (size_t i = 0; i < length; i++) {
                bool is_alnum = text[i] && strchr(LOWER DIGITS, text[i]);

                if (!is_alnum && (label_ends || !strchr(".-", text[i])))
                        return -EINVAL;
                if (text[i] == '.' && text[i - 1] == '-')
                        return -EINVAL;
                label_ends = text[i] == '.';
        }
        return keep_if(length <= 253 && !label_ends && text[length - 1] != '-', text, ret);
}

static int read_address(const char *text, char **ret)
{
        unsigned char address[sizeof(struct in6_addr)];

        return keep_if(
                inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1,
                text, ret);
}

/* TYPE@RESOURCE, both of them patterns. */
static int read_alarm(const char *text, char **ret)
{
        size_t length = strspn(text, LOWER "-*?[]!");

        return keep_if(length > 0 && text[length] == '@' && text[length + 1], text, ret);
}

/* In the one form that can be compared, and not the root itself. */
static int read_path(const char *text, char **ret)
{
        autofree char *normal = path_normalize(text);

        return keep_if(text[0] == '/' && text[1] && strlen(text) < PATH_MAX && streq(normal, text),
                text, ret);
}

static int read_path_or_url(const char *text, char **ret)
{
        if (!starts_with(text, PKCS11))
                return read_path(text, ret);
        return keep_if(text[strlen(PKCS11)] && !text[strcspn(text, BLANKS)] &&
                               !strstr(text, "pin-value=") && !strstr(text, "pin-source="),
                text, ret);
}

/* A socket, by its path. */
static int read_endpoint(const char *text, char **ret)
{
        if (starts_with(text, UNIX))
                text += strlen(UNIX);
        return read_path(starts_with(text, "///") ? text + 2 : text, ret);
}

static int read_unit(const char *text, char **ret)
{
        size_t length = strlen(text), suffix = strlen(SERVICE);

        return keep_if(length > suffix && streq(text + length - suffix, SERVICE) &&
                               !text[strspn(text, LOWER UPPER DIGITS ":_.\\@-")],
                text, ret);
}

/* Text with specifiers, as it would be on some host; NULL if a specifier is unknown. */
static char *expand_sample(const char *text)
{
        const HostIdentity sample = {(char[]){"cp-1"}, (char[]){"192.0.2.10"},
                (char[]){"10.96.0.1"}, (char[]){"cluster.local"}};
        char *expanded = NULL;

        return host_identity_expand(&sample, text, &expanded, NULL) < 0 ? NULL : expanded;
}

static int read_identity(const char *text, char **ret)
{
        autofree char *expanded = expand_sample(text);

        return keep_if(expanded != NULL, text, ret);
}

static int read_url(const char *text, char **ret)
{
        autofree char *expanded = expand_sample(text);

        return keep_if(expanded && starts_with(text, "https://") && text[strlen("https://")] &&
                               !text[strcspn(text, BLANKS)],
                text, ret);
}

static int read_san(const char *text, char **ret)
{
        return san_normalize(text, ret, NULL) < 0 ? -EINVAL : 0;
}

/* What the specifiers stand for is known only later, so only the form is judged. */
static int read_san_template(const char *text, char **ret)
{
        autofree char *expanded = expand_sample(text), *san = NULL;

        return keep_if(expanded && read_san(expanded, &san) >= 0, text, ret);
}

static int read_issuer(const char *text, char **ret)
{
        bool is_one = false;

        for (IssuerKind kind = 0; kind < N_ISSUER_KINDS; kind++)
                is_one = is_one || streq(text, issuer_kind_name(kind));
        return keep_if(is_one, text, ret);
}

/* As Kubernetes validates spec.signerName: a domain and a path. */
static int read_signer(const char *text, char **ret)
{
        size_t length = strcspn(text, "/");
        autofree char *domain = xstrndup(text, length), *ignored = NULL, *path = NULL;

        return keep_if(text[length] && strchr(domain, '.') && read_domain(domain, &ignored) >= 0 &&
                               read_domain(text + length + 1, &path) >= 0,
                text, ret);
}

/* KEY:FILE of a Secret. */
static int read_data(const char *text, char **ret)
{
        size_t length = strcspn(text, ":");
        autofree char *key = xstrndup(text, length), *name = NULL;

        return keep_if(text[length] && text[length + 1] && secret_object_is_key(key) &&
                               read_name(text + length + 1, &name) >= 0,
                text, ret);
}

static int read_secret_type(const char *text, char **ret)
{
        return keep_if(!text[strspn(text, LOWER UPPER DIGITS "./-")], text, ret);
}

#define BARE_NAME    "it with letters, digits, '.', '_', '@' and '-'"
#define SPECIFIERS   "with %H, %A, %S, %D for this host's values and %% for a per cent sign"
#define NUMBER(kind) .read_number = read_##kind, .write_number = write_##kind

const ValueType value_address = {
        .what = "an IP address", .hint = "for example 192.0.2.10", .read_text = read_address};
const ValueType value_alarms = {.what = "an alarm",
        .hint = "TYPE@RESOURCE, for example ca-expiring@front-proxy-ca or expiring@*",
        .read_text = read_alarm,
        .is_list = true};
const ValueType value_algorithm = {.what = "a key algorithm",
        .hint = "RSA-2048, RSA-3072, RSA-4096, ECDSA-P256, ECDSA-P384, ECDSA-P521 or Ed25519",
        NUMBER(algorithm)};
const ValueType value_boolean = {.what = "a boolean", .hint = "yes or no", NUMBER(boolean)};
const ValueType value_command = {
        .what = "a command: an absolute path, blanks between its words, quotes in pairs",
        .hint = "for example /usr/bin/systemctl reload haproxy.service",
        .is_command = true};
const ValueType value_content = {.what = "the content of a copy",
        .hint = "file, certificate, key, bundle or bundle-key-first",
        NUMBER(content)};
const ValueType value_coordination = {
        .what = "a kind of coordination", .hint = "none or lease", NUMBER(coordination)};
const ValueType value_count = {.what = "a number", .hint = "for example 10", NUMBER(count)};
const ValueType value_data = {.what = "a key of a Secret and a file",
        .hint = "for example tls.crt:apiserver.crt or tls.key:apiserver.key",
        .read_text = read_data,
        .is_list = true};
const ValueType value_directories = {.what = "an absolute path without '//', '.' and '..'",
        .hint = "for example /etc/kubernetes/pki",
        .read_text = read_path,
        .is_list = true,
        .is_order = true};
const ValueType value_domain = {.what = "a DNS name in lower case",
        .hint = "for example cp-1.example.com",
        .read_text = read_domain};
const ValueType value_endpoint = {.what = "the path of a socket or a unix: URL",
        .hint = "for example unix:///run/containerd/containerd.sock",
        .read_text = read_endpoint};
const ValueType value_group = {.what = "a name", .hint = BARE_NAME, .read_text = read_bare_name};
const ValueType value_identity = {
        .what = "a name", .hint = "it " SPECIFIERS, .read_text = read_identity};
const ValueType value_identities = {
        .what = "a name", .hint = "it " SPECIFIERS, .read_text = read_identity, .is_list = true};
const ValueType value_issuers = {.what = "an issuer",
        .hint = "one or more of ca, self-signed, files, csr, command, external and restart",
        .read_text = read_issuer,
        .is_list = true,
        .is_order = true};
const ValueType value_layouts = {.what = "the name of a layout",
        .hint = BARE_NAME,
        .read_text = read_bare_name,
        .is_list = true,
        .is_order = true};
const ValueType value_mode = {.what = "a file mode", .hint = "for example 0600", NUMBER(mode)};
const ValueType value_name = {.what = "a name",
        .hint = "it with letters, digits, '.', '_', '@', ':' and '-'",
        .read_text = read_name,
        .names_entries = true};
const ValueType value_names = {.what = "a name",
        .hint = "it with letters, digits, '.', '_', '@', ':' and '-'",
        .read_text = read_name,
        .is_list = true,
        .names_entries = true};
const ValueType value_path = {.what = "an absolute path without '//', '.' and '..'",
        .hint = PATH,
        .read_text = read_path,
        .takes_base = true};
const ValueType value_paths = {.what = "an absolute path without '//', '.' and '..'",
        .hint = PATH,
        .read_text = read_path,
        .is_list = true,
        .takes_base = true};
const ValueType value_path_or_url = {
        .what = "an absolute path without '//', '.' and '..', or a pkcs11: URL without a PIN",
        .hint = PATH " or pkcs11:token=ca;object=kubernetes",
        .read_text = read_path_or_url,
        .takes_base = true};
const ValueType value_percent = {
        .what = "a percentage", .hint = "for example 80%", NUMBER(percent)};
const ValueType value_restart = {
        .what = "a restart policy", .hint = "needed, always or never", NUMBER(restart)};
const ValueType value_sans = {.what = "a subject alternative name",
        .hint = "for example DNS:cp-1.example.com or IP:192.0.2.10",
        .read_text = read_san,
        .is_list = true};
const ValueType value_san_templates = {.what = "a subject alternative name",
        .hint = "for example DNS:%H or IP:%A, " SPECIFIERS,
        .read_text = read_san_template,
        .is_list = true};
const ValueType value_secret_type = {.what = "the type of a Secret",
        .hint = "for example Opaque or kubernetes.io/tls",
        .read_text = read_secret_type};
const ValueType value_signer = {.what = "the name of a signer",
        .hint = "for example kubernetes.io/kubelet-serving",
        .read_text = read_signer};
const ValueType value_span = {.what = "a time span", .hint = "for example 15d", NUMBER(span)};
const ValueType value_span_or_unset = {.what = "a time span",
        .hint = "for example 30s",
        .read_number = read_span,
        .write_number = write_span_or_unset,
        .unset = -1};
const ValueType value_text = {.what = "a text", .hint = "one", .read_text = read_text};
const ValueType value_unit = {.what = "the name of a systemd service",
        .hint = "for example etcd.service",
        .read_text = read_unit};
const ValueType value_url = {.what = "the URL of an API server",
        .hint = "for example https://%A:6443, " SPECIFIERS,
        .read_text = read_url};
const ValueType value_usage = {
        .what = "a usage", .hint = "server, client, or both with a blank between", NUMBER(usage)};
