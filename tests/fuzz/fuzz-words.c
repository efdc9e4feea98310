/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/escape.h"
#include "base/path.h"
#include "base/time-util.h"
#include "cli/range.h"
#include "pki/cert.h"
#include "renew/config/argv.h"
#include "renew/config/config.h"
#include "renew/inventory/reload.h"

#include <assert.h>
#include <limits.h>

static void read_time(const char *text)
{
        char again[TIME_TEXT_SIZE];
        int64_t t, same;

        if (time_parse(text, &t) < 0)
                return;
        assert(time_parse(time_format(t, again), &same) == 0 && same == t);
}

/* Only its two largest units are written. */
static void read_span(const char *text)
{
        char again[SPAN_TEXT_SIZE], third[SPAN_TEXT_SIZE];
        int64_t span, shorter;

        if (span_parse(text, &span) < 0)
                return;
        assert(span >= 0 && span_parse(span_format(span, again), &shorter) == 0);
        assert(shorter <= span && span - shorter < DAY);
        assert(streq(again, span_format(shorter, third)));
}

static void read_range(const char *text)
{
        autofree char *again = NULL;
        Error error = {};
        Range range;

        if (range_parse(text, &range, &error) < 0) {
                assert(error.text[0]);
                return;
        }
        again = range_format(&range);
        assert(range.start <= range.end && strchr(again, ':'));
        assert(range_alerts(&range, range.start) == range.is_inside);
        assert(range.end == INT64_MAX || range_alerts(&range, range.end + 1) != range.is_inside);
}

static void read_command(const char *text)
{
        autofree char *again = NULL;
        autostrv argv = NULL;
        autostrv same = NULL;

        if (argv_parse(text, &argv) < 0)
                return;
        again = argv_format(argv);
        assert(argv_parse(again, &same) == 0 && strv_length(argv) == strv_length(same));
        for (size_t i = 0; argv[i]; i++)
                assert(streq(argv[i], same[i]));
}

static void read_specifiers(const char *text)
{
        const HostIdentity host = {.node_name = (char *)"cp-1", .service_address = (char *)"::1"};
        autofree char *expanded = NULL;
        Error error = {};

        if (host_identity_expand(&host, text, &expanded, &error) < 0)
                assert(error.text[0] && strchr(text, '%'));
        else
                assert(strchr(text, '%') || streq(text, expanded));
}

static void read_san(const char *text)
{
        autofree char *normal = NULL, *again = NULL;
        Error error = {};

        if (san_normalize(text, &normal, &error) < 0) {
                assert(error.text[0]);
                return;
        }
        assert(starts_with(normal, "DNS:") || starts_with(normal, "IP:"));
        assert(san_normalize(normal, &again, NULL) == 0 && streq(normal, again));
}

/* Whatever a text is, it can be shown, and be the name of a file. */
static void read_anything(const char *text)
{
        autofree char *escaped = escape_text(text), *again = escape_text(escaped);
        autofree char *name = escape_file_name(text), *other = escape_file_name(escaped);

        assert(streq(escaped, again) && streq(name, other));
        assert(!strchr(name, '/') && name[0] != '.' && strlen(name) <= NAME_MAX);
        assert(!*text == !*name);
        for (const char *c = escaped; *c; c++)
                assert((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void read_path(const char *text)
{
        autofree char *normal = path_normalize(text), *again = path_normalize(normal);
        autofree char *joined = path_join("/a/b", text), *slash = xasprintf("%s/", normal);

        assert(streq(normal, again) && normal[0] == '/' && joined[0] == '/');
        assert(!strstr(normal, "//") && !strstr(slash, "/./") && !strstr(slash, "/../"));
        assert(!normal[1] || normal[strlen(normal) - 1] != '/');
}

static void read_digest(const char *text)
{
        char again[DIGEST_HEX_SIZE];
        Digest digest;

        if (digest_parse(text, &digest) < 0)
                return;
        digest_format(&digest, again);
        assert(strcasecmp(text, again) == 0);
}

/* What kube/manifest.h makes of an image's tag: digits and dots. */
static void read_version(const char *text)
{
        const Consumer consumer = {
                .component = "kube-apiserver", .flag = "--tls-cert-file", .version = text};
        autofree char *why = NULL;

        if (strspn(text, "0123456789.") != strlen(text))
                return;
        why = reload_why(&consumer);
        assert(*why && (reload_kind(&consumer) == RELOAD_NEVER || *text));
}

/* Small texts of configurations, command lines and manifests. The first byte says which; what is
 * read can be written, and is read as the same. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static void (*const readers[])(const char *text) = {read_time, read_span, read_range,
                read_command, read_specifiers, read_san, read_anything, read_path, read_digest,
                read_version};
        autofree char *text = size > 0 ? xstrndup((const char *)data + 1, size - 1) : NULL;

        if (text)
                readers[data[0] % ELEMENTSOF(readers)](text);
        return 0;
}
