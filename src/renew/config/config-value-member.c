/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/argv.h"
#include "renew/config/config-value.h"

#define BLANKS " \t"

char **value_words(const char *text)
{
        char **words = NULL;

        for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
                size_t length = strcspn(text, BLANKS);

                strv_take(&words, xstrndup(text, length));
                text += length;
        }
        return words;
}

static int64_t load_number(const void *member, size_t size)
{
        return size == sizeof(bool)      ? *(const bool *)member
               : size == sizeof(int64_t) ? *(const int64_t *)member
                                         : *(const unsigned *)member;
}

/* Members are bool, int64_t, or unsigned and enumerations without a negative value. */
static void store_number(void *member, size_t size, int64_t number)
{
        if (size == sizeof(bool))
                *(bool *)member = number != 0;
        else if (size == sizeof(int64_t))
                *(int64_t *)member = number;
        else
                *(unsigned *)member = (unsigned)number;
}

static int read_list(const ValueType *type, const char *text, char ***list, char **ret_wrong)
{
        autostrv words = value_words(text);
        autostrv read = NULL;

        for (char **word = words; word && *word; word++) {
                char *normal = NULL;

                if (type->read_text(*word, &normal) < 0) {
                        *ret_wrong = xstrdup(*word);
                        return -EINVAL;
                }
                strv_take(&read, normal);
        }
        if (type->is_order)
                value_clear(type, list, sizeof(*list));
        for (char **word = read; word && *word; word++)
                if (!strv_contains(*list, *word))
                        strv_add(list, *word);
        return 0;
}

static int read_command(const ValueType *type, const char *text, char ***argv, char **ret_wrong)
{
        char **words = NULL;

        if (argv_parse(text, &words) < 0) {
                *ret_wrong = xstrdup(text);
                return -EINVAL;
        }
        value_clear(type, argv, sizeof(*argv));
        *argv = words;
        return 0;
}

int value_read(const ValueType *type, const char *text, void *member, size_t size, char **ret_wrong)
{
        char *normal = NULL;
        int64_t number = 0;

        if (type->is_list)
                return read_list(type, text, member, ret_wrong);
        if (type->is_command)
                return read_command(type, text, member, ret_wrong);
        if (type->read_number ? type->read_number(text, &number) < 0
                              : type->read_text(text, &normal) < 0) {
                *ret_wrong = xstrdup(text);
                return -EINVAL;
        }
        value_clear(type, member, size);
        if (type->read_number)
                store_number(member, size, number);
        else
                *(char **)member = normal;
        return 0;
}

char *value_write(const ValueType *type, const void *member, size_t size)
{
        const char *text;

        if (type->is_list)
                return strv_join(*(char *const *const *)member, " ");
        if (type->is_command)
                return argv_format(*(char *const *const *)member);
        if (type->write_number)
                return type->write_number(load_number(member, size));
        text = *(char *const *)member;
        return xstrdup(text ? text : "");
}

void value_clear(const ValueType *type, void *member, size_t size)
{
        if (type->read_number) {
                store_number(member, size, type->unset);
        } else if (type->is_list || type->is_command) {
                strv_free(*(char ***)member);
                *(char ***)member = NULL;
        } else {
                free(*(char **)member);
                *(char **)member = NULL;
        }
}
