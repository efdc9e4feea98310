/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/yaml.h"

#include "base/json.h"

#include <strings.h>

#define INDENT 2

/* The words that YAML 1.1 takes for something else than text, in any case of their letters. */
static bool is_reserved(const char *text)
{
        static const char *const words[] = {
                "y", "n", "yes", "no", "on", "off", "true", "false", "null"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(text, words[i]) == 0)
                        return true;
        return false;
}

static bool is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* May it stand without quotes? Only what begins like a word or a path, so that it is no number, no
 * date and no indicator, and has none of ": ", " #" and a blank at its end. */
static bool is_plain(const char *text)
{
        if ((!is_letter(text[0]) && text[0] != '/') || is_reserved(text))
                return false;
        for (const char *c = text; *c; c++) {
                bool blank_follows = c[1] == ' ' || c[1] == 0;

                if (!is_letter(*c) && !strchr("0123456789_./-+,;=()@%' :", *c))
                        return false;
                if ((*c == ':' || *c == ' ') && blank_follows)
                        return false;
        }
        return true;
}

/* What may not stand in a YAML text or would break its line: DEL, C1, U+2028, U+2029, the byte
 * order mark and the two that are no characters. 0 for everything else. */
static unsigned forbidden_character(const unsigned char *c, size_t *ret_length)
{
        unsigned character = 0;

        *ret_length = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : 3;
        if (c[0] == 0x7f)
                return c[0];
        if (c[0] == 0xc2 && c[1] < 0xa0)
                return c[1];
        if (c[0] >= 0xe0 && c[0] < 0xf0)
                character = (c[0] & 0xfU) << 12 | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU);
        return character == 0x2028 || character == 0x2029 || character == 0xfeff ||
                               character >= 0xfffe
                       ? character
                       : 0;
}

/* As JSON writes it, and \u for what YAML is stricter about. jansson holds nothing but UTF-8. */
static void write_quoted(FILE *out, const json_t *string)
{
        autofree char *json = xcheck(json_dumps(string, JSON_ENCODE_ANY));
        size_t length;

        for (const char *c = json; *c; c++) {
                unsigned forbidden = forbidden_character((const unsigned char *)c, &length);

                if (forbidden) {
                        fprintf(out, "\\u%04x", forbidden);
                        c += length - 1;
                } else
                        fputc(*c, out);
        }
}

static void write_string(FILE *out, const json_t *string)
{
        if (is_plain(json_string_value(string)))
                fputs(json_string_value(string), out);
        else
                write_quoted(out, string);
}

static int compare_keys(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **sorted_keys(const json_t *object)
{
        const char **keys = xcalloc(json_object_size(object) + 1, sizeof(*keys));
        const char *key;
        json_t *value;
        size_t n = 0;

        json_object_foreach((json_t *)object, key, value) keys[n++] = key;
        qsort(keys, n, sizeof(*keys), compare_keys);
        return keys;
}

static bool is_nested(const json_t *value)
{
        return json_object_size(value) > 0 || json_array_size(value) > 0;
}

static void write_value(FILE *out, const json_t *value, int depth, bool begun);

static void begin_line(FILE *out, int depth)
{
        fprintf(out, "\n%*s", depth * INDENT, "");
}

static void write_object(FILE *out, const json_t *object, int depth, bool begun)
{
        autofree const char **keys = sorted_keys(object);

        for (const char **key = keys; *key; key++) {
                autoptr(json_t) name = xcheck(json_string(*key));
                const json_t *value = json_object_get(object, *key);

                if (!begun || key > keys)
                        begin_line(out, depth);
                write_string(out, name);
                fputs(is_nested(value) ? ":" : ": ", out);
                write_value(out, value, depth + 1, false);
        }
}

static void write_array(FILE *out, const json_t *array, int depth, bool begun)
{
        for (size_t i = 0; i < json_array_size(array); i++) {
                if (!begun || i > 0)
                        begin_line(out, depth);
                fputs("- ", out);
                write_value(out, json_array_get(array, i), depth + 1, true);
        }
}

/* begun: its first line is, as behind the dash of a list. */
static void write_value(FILE *out, const json_t *value, int depth, bool begun)
{
        if (json_object_size(value) > 0)
                write_object(out, value, depth, begun);
        else if (json_array_size(value) > 0)
                write_array(out, value, depth, begun);
        else if (json_is_string(value))
                write_string(out, value);
        else {
                autofree char *text = xcheck(json_dumps(value, JSON_ENCODE_ANY));

                fputs(text, out);
        }
}

char *yaml_text(const json_t *json)
{
        char *text = NULL;
        size_t size;
        FILE *out = xcheck(open_memstream(&text, &size));

        write_value(out, json, 0, true);
        fputc('\n', out);
        if (fclose(out) != 0)
                abort();
        return xcheck(text);
}
