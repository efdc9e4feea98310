/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/settings.h"

#include "base/escape.h"
#include "base/name-index.h"

#include <ctype.h>
#include <ini.h>
#include <search.h>

#define LINE_SIZE_MAX    4096
#define SETTINGS_MAX     131072
#define KEY_SIZE_MAX     48
#define SECTION_SIZE_MAX 128
#define EXCERPT_SIZE     60
#define LETTERS          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS           "0123456789"

/* What travels through ini_parse_stream(). inih has a line buffer of (usually) 200 bytes, cuts what
 * is longer and delivers the rest as if nothing had happened; it joins indented lines to the one
 * before, takes "[a]b" and "=v", and does not tell the line. So every line is judged here first,
 * and inih only gets what is sound: a value that is too long for its buffer in pieces, each with
 * the key again, which store() joins. It cuts sections, too, so it gets none of ours. */
typedef struct Reader {
        Settings *settings;
        const char *file;
        const char *next, *end; /* of the file: what is not read yet */
        unsigned line;
        bool in_section;
        char text[LINE_SIZE_MAX + 1];       /* the line without comment */
        char key[KEY_SIZE_MAX + 1];         /* of an assignment; "" for a section */
        char section[SECTION_SIZE_MAX + 1]; /* "certificate apiserver": the one that is read */
        NameIndex keys;                     /* of all settings of this file: where each was first */
        const char *rest;                   /* of text: what inih has not got yet; NULL: nothing */
        bool is_continued;                  /* the next piece belongs to the setting before */
        int r;
        Error *reterr;
} Reader;

static void nothing(void *item)
{
        (void)item;
}

static void forget_index(Settings *settings)
{
        tdestroy(TAKE(settings->index), nothing);
}

Settings *settings_new(void)
{
        return xcalloc(1, sizeof(Settings));
}

void settings_free(Settings *settings)
{
        if (!settings)
                return;
        for (size_t i = 0; i < settings->n; i++) {
                Setting *s = &settings->items[i];

                shared_text_drop(s->section);
                shared_text_drop(s->name);
                shared_text_drop(s->key);
                free(s->value);
                shared_text_drop(s->file);
        }
        free(settings->items);
        forget_index(settings);
        free(settings);
}

Setting *settings_append(Settings *settings)
{
        forget_index(settings);

        /* Room for a power of two, so that a long file costs no quadratic copying. */
        if ((settings->n & (settings->n - 1)) == 0)
                settings->items = xreallocarray(
                        settings->items, settings->n > 0 ? settings->n * 2 : 1, sizeof(Setting));
        settings->items[settings->n] = (Setting){};
        return &settings->items[settings->n++];
}

void settings_move(Settings *to, Settings *from)
{
        for (size_t i = 0; i < from->n; i++)
                *settings_append(to) = from->items[i];
        from->n = 0;
        forget_index(from);
}

static int compare_places(const void *a, const void *b)
{
        const Setting *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        if (r == 0)
                r = strcmp(x->key, y->key);
        return r != 0 ? r : strcmp(x->section, y->section);
}

void settings_index(Settings *settings)
{
        forget_index(settings);
        /* The first that comes to its place stays there. */
        for (size_t i = settings->n; i > 0; i--)
                xcheck(tsearch(&settings->items[i - 1], &settings->index, compare_places));
}

const Setting *settings_last(
        const Settings *settings, const char *section, const char *name, const char *key)
{
        const Setting wanted = {.section = section, .name = name, .key = key};

        if (settings->index) {
                Setting *const *found = tfind(&wanted, &settings->index, compare_places);

                return found ? *found : NULL;
        }
        for (size_t i = settings->n; i > 0; i--)
                if (compare_places(&settings->items[i - 1], &wanted) == 0)
                        return &settings->items[i - 1];
        return NULL;
}

char *setting_origin(const Setting *setting)
{
        return setting->line > 0 ? xasprintf("%s:%u", setting->file, setting->line)
                                 : xstrdup(setting->file);
}

/* A PIN that somebody has put into a pkcs11: URL, where none belongs, is not repeated. */
char *settings_excerpt(const char *text)
{
        const char *pin = strstr(text, "pin-value=");
        size_t length = strlen(text), cut = EXCERPT_SIZE;

        if (pin && pin - text < EXCERPT_SIZE)
                return xasprintf(
                        "%.*s…", (int)(strcspn(pin, "=") + 1 + (size_t)(pin - text)), text);
        if (length <= EXCERPT_SIZE)
                return xstrdup(text);
        while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
                cut--;
        return xasprintf("%.*s…", (int)cut, text);
}

PRINTF_LIKE(2, 3) static int refuse(Reader *reader, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        autofree char *text = xvasprintf(format, args);
        va_end(args);
        return error_set(reader->reterr, -EBADMSG, "%s:%u: %s", reader->file, reader->line, text);
}

/* The same of the text of the line: "'TEXT' what, and what would be right". */
PRINTF_LIKE(2, 3) static int refuse_text(Reader *reader, const char *format, ...)
{
        autofree char *shown = settings_excerpt(reader->text);
        va_list args;

        va_start(args, format);
        autofree char *what = xvasprintf(format, args);
        va_end(args);
        return refuse(reader, "'%s' %s", shown, what);
}

/* Text that can be shown again as it is: UTF-8 without control characters but the tab. */
static bool is_plain(const char *text)
{
        char unit[ESCAPE_UNIT_SIZE];

        while (*text) {
                size_t n = 1;

                if (*text != '\t' && !(*text >= ' ' && *text <= '~')) {
                        n = escape_unit(text, unit);
                        if (strncmp(text, unit, n) != 0)
                                return false;
                }
                text += n;
        }
        return true;
}

/* Cuts a comment (a # or ; at the start or behind a blank) and the blanks before it. */
static void cut_comment(char *text)
{
        size_t n = 0;

        for (size_t i = 0; text[i]; i++) {
                bool after_blank = i == 0 || isblank((unsigned char)text[i - 1]);

                if (after_blank && (text[i] == '#' || text[i] == ';'))
                        break;
                if (!isblank((unsigned char)text[i]))
                        n = i + 1;
        }
        text[n] = 0;
}

static int check_section(Reader *reader)
{
        static const char word[] = LETTERS DIGITS "._@:-";
        size_t close = strcspn(reader->text, "]"), n;
        const char *inner = reader->text + 1;

        reader->in_section = false;
        if (!reader->text[close])
                return refuse_text(reader, "lacks its ']'; write [section] or [section name]");
        if (reader->text[close + 1])
                return refuse_text(reader, "has text behind ']'; write it on a line of its own");
        if (close - 1 > SECTION_SIZE_MAX)
                return refuse_text(reader, "is longer than %d characters; choose a shorter name",
                        SECTION_SIZE_MAX);
        n = strspn(inner, word);
        if (n > 0 && isblank((unsigned char)inner[n])) {
                n += strspn(inner + n, " \t");
                n = strspn(inner + n, word) > 0 ? n + strspn(inner + n, word) : 0;
        }
        if (n == 0 || inner[n] != ']')
                return refuse_text(reader,
                        "is no section; write [section] or [section name], each of letters, "
                        "digits, '.', '_', '@', ':' and '-'");
        reader->in_section = true;
        snprintf(reader->section, sizeof(reader->section), "%.*s", (int)(close - 1), inner);
        reader->key[0] = 0;
        reader->rest = "[section]";
        return 0;
}

static int check_assignment(Reader *reader)
{
        size_t key = strspn(reader->text, LETTERS DIGITS), equals;

        equals = key + strspn(reader->text + key, " \t");
        if (!strchr(reader->text, '='))
                return refuse_text(reader, "is neither [section] nor Key=Value");
        if (reader->text[0] == '=')
                return refuse_text(reader, "has no key in front of '='; write Key=Value");
        if (reader->text[equals] != '=' || key > KEY_SIZE_MAX)
                return refuse_text(reader,
                        "has no key in front of '='; a key is up to %d letters and digits",
                        KEY_SIZE_MAX);
        if (!reader->in_section)
                return refuse_text(
                        reader, "stands before the first section; write [section] above");
        if (reader->settings->n >= SETTINGS_MAX)
                return error_set(reader->reterr, -E2BIG, "%s:%u: more than %d settings",
                        reader->file, reader->line, SETTINGS_MAX);
        if (reader->text[strlen(reader->text) - 1] == '\\')
                return refuse_text(reader,
                        "ends in '\\', but a line cannot be continued; a list may go on with "
                        "the same key on the next line");
        memcpy(reader->key, reader->text, key);
        reader->key[key] = 0;
        reader->rest = reader->text + equals + 1;
        reader->rest += strspn(reader->rest, " \t");
        reader->is_continued = false;
        return 0;
}

/* Takes the next line of the file into reader->text, without its end. 1, or 0 at the end. */
static int take_line(Reader *reader)
{
        const char *start = reader->next, *end;
        size_t length;

        if (start == reader->end)
                return 0;
        reader->line++;
        end = memchr(start, '\n', (size_t)(reader->end - start));
        reader->next = end ? end + 1 : reader->end;
        length = (size_t)((end ? end : reader->end) - start);
        if (length > 0 && start[length - 1] == '\r')
                length--;
        if (length > LINE_SIZE_MAX)
                return refuse(reader,
                        "the line is longer than %d bytes; a list may go on with the same key on "
                        "the next line",
                        LINE_SIZE_MAX);
        memcpy(reader->text, start, length);
        reader->text[length] = 0;
        if (strlen(reader->text) != length || !is_plain(reader->text))
                return refuse(reader, "the line holds a control character or is not UTF-8; "
                                      "this must be a text file");
        return 1;
}

/* Judges a line, also one that nobody wants. */
static int check_line(Reader *reader)
{
        if (isblank((unsigned char)reader->text[0]))
                return refuse(reader,
                        "the line begins with a blank; write it without, or as a comment with '#'");
        return reader->text[0] == '[' ? check_section(reader) : check_assignment(reader);
}

static bool is_unwanted(const Reader *reader)
{
        const char *only = reader->settings->only_section;

        return only && !streq(reader->section, only);
}

/* Goes to the next line that inih is to see. 1 if there is one, 0 at the end. */
static int next_line(Reader *reader)
{
        for (;;) {
                int r = take_line(reader);

                if (r == 0)
                        return 0;
                if (r > 0) {
                        cut_comment(reader->text);
                        if (!reader->text[0])
                                continue;
                        r = check_line(reader);
                }
                if (r >= 0 && is_unwanted(reader))
                        continue;
                if (r >= 0)
                        return 1;
                if (r != -EBADMSG || !reader->settings->skip_bad_lines)
                        return r;
        }
}

/* Bytes of the value that fit: inih trims, so no cut touches a blank. 0 if there is no such cut. */
static size_t piece_length(const char *rest, size_t room)
{
        size_t n = strlen(rest);

        if (n <= room)
                return n;
        for (n = room; n > 0; n--)
                if (!isblank((unsigned char)rest[n - 1]) && !isblank((unsigned char)rest[n]))
                        break;
        return n;
}

/* Gives inih its next line, as fgets() would. */
static char *feed(char *buffer, int size, void *userdata)
{
        Reader *reader = userdata;
        size_t used, n;

        if (!reader->rest) {
                reader->r = next_line(reader);
                if (reader->r <= 0)
                        return NULL;
        }
        used = reader->key[0] ? strlen(reader->key) + 1 : 0;
        n = (size_t)size > used + 4 ? piece_length(reader->rest, (size_t)size - used - 4) : 0;
        if (n == 0 && reader->rest[0]) {
                reader->r = refuse(reader, "the line is too long; write shorter ones");
                return NULL;
        }
        snprintf(buffer, (size_t)size, "%s%s%.*s\n", reader->key, reader->key[0] ? "=" : "", (int)n,
                reader->rest);
        reader->rest = reader->rest[n] ? reader->rest + n : NULL;
        return buffer;
}

/* A section is one file's, and has one name; keys come back in the next one. */
static void store_words(Reader *reader, const char *name, const char *key)
{
        Settings *settings = reader->settings;
        size_t last = settings->n - 1, first;
        Setting *s = &settings->items[last];
        const Setting none = {}, *before = last > 0 ? s - 1 : &none;
        autofree char *section = xstrndup(reader->section, strcspn(reader->section, " \t"));

        s->section = shared_text_like(before->section, section);
        s->name = shared_text_like(before->name, name);
        s->file = shared_text_like(before->file, reader->file);
        if (name_index_find(&reader->keys, key, &first)) {
                s->key = shared_text_hold(settings->items[first].key);
        } else {
                s->key = shared_text_new(key);
                name_index_add(&reader->keys, s->key, last);
        }
}

/* Takes one setting, or one more piece of its value, from inih; 0 would be an error. */
static int store(void *userdata, const char *section, const char *key, const char *value)
{
        Reader *reader = userdata;
        Settings *settings = reader->settings;
        const char *name = reader->section + strcspn(reader->section, " \t");
        Setting *s;

        (void)section; /* reader has the whole of it */
        if (reader->is_continued) {
                s = &settings->items[settings->n - 1];
                autofree char *start = TAKE(s->value);

                s->value = xasprintf("%s%s", start, value);
        } else {
                s = settings_append(settings);
                s->value = xstrdup(value);
                s->line = reader->line;
                store_words(reader, name + strspn(name, " \t"), key);
        }
        reader->is_continued = reader->rest != NULL;
        return 1;
}

int settings_parse(
        Settings *settings, const char *file, const char *data, size_t size, Error *reterr)
{
        Reader reader = {.settings = settings,
                .file = file,
                .next = data,
                .end = data + size,
                .reterr = reterr};
        int r;

        if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
                reader.next += 3;
        r = ini_parse_stream(feed, &reader, store, &reader);
        name_index_clear(&reader.keys);
        if (reader.r < 0)
                return reader.r;
        if (r != 0)
                return error_set(reterr, -EBADMSG, "%s: inih refuses what looked sound", file);
        return 0;
}

int settings_parse_file(Settings *settings, const FileImage *file, Error *reterr)
{
        return settings_parse(settings, file->path, (const char *)file->data, file->size, reterr);
}

int settings_read(Settings *settings, int root_fd, const char *path, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        int r;

        r = fs_read_file(root_fd, path, SETTINGS_SIZE_MAX, &file, reterr);
        return r < 0 ? r : settings_parse_file(settings, file, reterr);
}
