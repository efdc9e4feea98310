/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/plugin.h"

#include "cli/term.h"

const char *plugin_word(PluginStatus status)
{
        static const char *const words[] = {
                [PLUGIN_OK] = "OK",
                [PLUGIN_WARNING] = "WARNING",
                [PLUGIN_CRITICAL] = "CRITICAL",
                [PLUGIN_UNKNOWN] = "UNKNOWN",
        };

        return words[status];
}

bool plugin_append(PluginOutput *output, size_t max, const char *format, ...)
{
        size_t room = output->length < max ? max - output->length : 0;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(output->text + output->length, room + 1, format, args);
        va_end(args);
        if (n < 0 || (size_t)n > room) {
                output->text[output->length] = 0;
                return false;
        }
        output->length += (size_t)n;
        return true;
}

/* Cuts at a character of UTF-8. */
static void cut(char *text, size_t max)
{
        size_t length = strlen(text);

        if (length <= max)
                return;
        length = max - strlen("...");
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
                length--;
        strcpy(text + length, "...");
}

char *plugin_text(const char *text, size_t max)
{
        char *safe = term_escape(text);

        for (char *p = safe; (p = strpbrk(p, "|;")); p++)
                *p = *p == '|' ? '!' : ',';
        cut(safe, max);
        return safe;
}

char *plugin_label(const char *name)
{
        char *label = plugin_text(name, PLUGIN_NAME_MAX);

        for (char *p = label; (p = strpbrk(p, "'=")); p++)
                *p = '_';
        return label;
}

void plugin_append_notes(PluginOutput *output, char *const *notes)
{
        for (; notes && *notes; notes++) {
                autofree char *note = plugin_text(*notes, PLUGIN_TEXT_MAX);

                plugin_append(output, NAGIOS_OUTPUT_MAX, "%s\n", note);
        }
}

void plugin_print_unknown(const char *text, char *const *notes)
{
        autofree char *safe = plugin_text(text, 2 * PLUGIN_TEXT_MAX);
        PluginOutput output = {};

        plugin_append(&output, NAGIOS_FIRST_LINE_MAX, "KUBE-RENEWD %s - %s\n",
                plugin_word(PLUGIN_UNKNOWN), safe);
        plugin_append_notes(&output, notes);
        fputs(output.text, stdout);
}
