/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/series.h"

#define SERIAL_HEX_MAX     128
#define SERIAL_DECIMAL_MAX 155 /* 128 hexadecimal digits have no more decimal ones */
#define DISCRIMINATOR_SIZE 8   /* digits of the fingerprint */

/* The attributes that the exporter tells, each for issuer and subject. */
static const char *const attributes[] = {"C", "CN", "L", "O", "OU", "ST"};

#define N_ATTRIBUTES ELEMENTSOF(attributes)

static int hex_value(char c)
{
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                      : -1;
}

char *serial_to_decimal(const char *hex)
{
        char digits[SERIAL_DECIMAL_MAX + 1], *text, *end;
        size_t n = 1;

        if (!hex[0] || strlen(hex) > SERIAL_HEX_MAX)
                return xstrdup(hex);
        digits[0] = 0; /* the last digit first */
        for (const char *p = hex; *p; p++) {
                int carry = hex_value(*p);

                if (carry < 0)
                        return xstrdup(hex);
                for (size_t i = 0; i < n; i++) {
                        carry += 16 * digits[i];
                        digits[i] = (char)(carry % 10);
                        carry /= 10;
                }
                for (; carry > 0; carry /= 10)
                        digits[n++] = (char)(carry % 10);
        }
        text = end = xmalloc(n + 1);
        while (n > 0)
                *end++ = (char)('0' + digits[--n]);
        *end = 0;
        return text;
}

/* The end of "TYPE=VALUE" that begins at p. */
static const char *attribute_end(const char *p)
{
        for (; *p && *p != ',' && *p != '+'; p++)
                if (*p == '\\' && p[1])
                        p++;
        return p;
}

/* A value without the escapes of RFC 4514, section 2.4. Control characters stay as pki/cert.h shows
 * them, \x0a. */
static char *unescape(const char *value, const char *end)
{
        static const char special[] = " \"#+,;<=>\\";
        char *text = xmalloc((size_t)(end - value) + 1), *out = text;

        for (const char *p = value; p < end; p++) {
                if (*p == '\\' && p + 2 < end && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
                        *out++ = (char)(16 * hex_value(p[1]) + hex_value(p[2]));
                        p += 2;
                        continue;
                }
                if (*p == '\\' && p + 1 < end && strchr(special, p[1]))
                        p++;
                *out++ = *p;
        }
        *out = 0;
        return text;
}

char *dn_attribute(const char *dn, const char *type)
{
        const size_t length = strlen(type);
        const char *found = NULL, *found_end = NULL;

        for (const char *p = dn, *end; p && *p; p = *end ? end + 1 : end) {
                end = attribute_end(p);
                if (starts_with(p, type) && p[length] == '=') {
                        found = p + length + 1;
                        found_end = end;
                }
        }
        return found ? unescape(found, found_end) : NULL;
}

static void set_name(Label *labels, const char *const *names, const char *dn, char **owned)
{
        for (size_t i = 0; i < N_ATTRIBUTES; i++) {
                owned[i] = dn_attribute(dn, attributes[i]);
                labels[i] = (Label){names[i], owned[i]};
        }
}

/* In the order of their names, as the exporter has them. */
static char *row_labels(const Row *row)
{
        static const char *const issuer[N_ATTRIBUTES] = {
                "issuer_C", "issuer_CN", "issuer_L", "issuer_O", "issuer_OU", "issuer_ST"};
        static const char *const subject[N_ATTRIBUTES] = {
                "subject_C", "subject_CN", "subject_L", "subject_O", "subject_OU", "subject_ST"};
        autofree char *serial = serial_to_decimal(row->serial ? row->serial : "");
        char *owned[2 * N_ATTRIBUTES], *text;
        Label labels[4 + N_ATTRIBUTES + 1 + N_ATTRIBUTES + 1] = {
                {"embedded_key", row->embedded_key},
                {"embedded_kind", row->embedded_kind},
                {"filename", row->filename},
                {"filepath", row->path},
                [4 + N_ATTRIBUTES] = {"serial_number", serial},
        };

        set_name(labels + 4, issuer, row->issuer_dn, owned);
        set_name(labels + 4 + N_ATTRIBUTES + 1, subject, row->subject_dn, owned + N_ATTRIBUTES);
        text = exposition_labels(labels);
        for (size_t i = 0; i < ELEMENTSOF(owned); i++)
                free(owned[i]);
        return text;
}

static const char *fingerprint(const Series *series)
{
        return series->row->sha256 ? series->row->sha256 : "";
}

static int compare_series(const void *a, const void *b)
{
        const Series *x = a, *y = b;
        int order = strcmp(x->labels, y->labels);

        return order ? order : strcmp(fingerprint(x), fingerprint(y));
}

/* Sorted: what is there twice stands side by side. */
static size_t drop_doubles(Series *series, size_t n)
{
        size_t kept = 0;

        for (size_t i = 0; i < n; i++)
                if (kept > 0 && compare_series(&series[i], &series[kept - 1]) == 0)
                        free(series[i].labels);
                else
                        series[kept++] = series[i];
        return kept;
}

static void discriminate(Series *series, size_t n)
{
        bool is_like_previous = false;

        for (size_t i = 0; i < n; i++) {
                bool is_like_next = i + 1 < n && streq(series[i].labels, series[i + 1].labels);
                char *labels = series[i].labels;

                if (is_like_previous || is_like_next) {
                        series[i].labels = xasprintf("discriminator=\"%.*s\",%s",
                                DISCRIMINATOR_SIZE, fingerprint(&series[i]), labels);
                        free(labels);
                }
                is_like_previous = is_like_next;
        }
}

Series *series_of_rows(const Rows *rows, size_t *ret_n)
{
        Series *series = xcalloc(rows->n, sizeof(*series));
        size_t n = 0;

        for (size_t i = 0; i < rows->n; i++)
                if (rows->rows[i].not_after)
                        series[n++] = (Series){&rows->rows[i], row_labels(&rows->rows[i])};
        qsort(series, n, sizeof(*series), compare_series);
        n = drop_doubles(series, n);
        discriminate(series, n);
        *ret_n = n;
        return series;
}

void series_free(Series *series, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(series[i].labels);
        free(series);
}
