/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "base/log.h"

#include "base/escape.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define IDENTIFIER     "kube-renewd"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static char *log_pass_id;

void log_set_pass_id(const char *pass_id)
{
        free(log_pass_id);
        log_pass_id = pass_id ? xstrdup(pass_id) : NULL;
}

/* $SYSTEMD_LOG_LEVEL: a name or a digit, as systemd's tools take it. */
static int max_priority(void)
{
        static const char *const names[] = {
                "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
        const char *level = getenv("SYSTEMD_LOG_LEVEL");

        for (int i = 0; level && i < (int)ELEMENTSOF(names); i++)
                if (streq(level, names[i]) || streq(level, (char[]){(char)('0' + i), 0}))
                        return i;

        /* On a terminal the verb itself says what it did. */
        return isatty(STDERR_FILENO) ? LOG_WARNING : LOG_INFO;
}

/* sd-daemon's convention: $JOURNAL_STREAM is DEVICE:INODE of the stream that systemd connected.
 * That stderr still is that stream must be compared: the variable is inherited further than it. */
static bool stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* sd_journal_sendv() reports success when there is no journal; so the socket is asked first. */
static bool journal_wanted(void)
{
        const char *target = getenv("SYSTEMD_LOG_TARGET");
        bool wanted = target && !streq(target, "auto") ? starts_with(target, "journal")
                                                       : stderr_is_journal();

        return wanted && access(JOURNAL_SOCKET, W_OK) == 0;
}

/* "NAME=value" as one allocated vector entry. */
static void add_field(struct iovec **vec, size_t *n, const char *name, const char *value)
{
        autofree char *escaped = escape_text(value);

        if (!escaped)
                return;
        *vec = xreallocarray(*vec, *n + 1, sizeof(**vec));
        (*vec)[*n].iov_base = xasprintf("%s=%s", name, escaped);
        (*vec)[*n].iov_len = strlen((*vec)[*n].iov_base);
        (*n)++;
}

static bool send_to_journal(
        int priority, const char *message_id, const LogField *fields, const char *text)
{
        char priority_text[] = {(char)('0' + LOG_PRI(priority)), 0};
        struct iovec *vec = NULL;
        size_t n = 0;
        int r;

        add_field(&vec, &n, "MESSAGE", text);
        add_field(&vec, &n, "PRIORITY", priority_text);
        add_field(&vec, &n, "SYSLOG_IDENTIFIER", IDENTIFIER);
        add_field(&vec, &n, "MESSAGE_ID", message_id);
        add_field(&vec, &n, "PASS_ID", log_pass_id);
        for (; fields && fields->name; fields++)
                add_field(&vec, &n, fields->name, fields->value);
        r = sd_journal_sendv(vec, (int)n);
        for (size_t i = 0; i < n; i++)
                free(vec[i].iov_base);
        free(vec);
        return r >= 0;
}

static void send_to_stderr(int priority, const char *text)
{
        autofree char *escaped = escape_text(text);

        log_status_end();
        if (stderr_is_journal())
                dprintf(STDERR_FILENO, "<%d>%s\n", LOG_PRI(priority), escaped);
        else
                dprintf(STDERR_FILENO, "%s\n", escaped);
}

PRINTF_LIKE(4, 0)
static void log_send(int priority, const char *message_id, const LogField *fields,
        const char *format, va_list args)
{
        if (LOG_PRI(priority) > max_priority())
                return;
        autofree char *text = xvasprintf(format, args);
        if (!journal_wanted() || !send_to_journal(priority, message_id, fields, text))
                send_to_stderr(priority, text);
}

void log_event(
        int priority, const char *message_id, const LogField *fields, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        log_send(priority, message_id, fields, format, args);
        va_end(args);
}

void log_debug(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        log_send(LOG_DEBUG, NULL, NULL, format, args);
        va_end(args);
}

void log_line(int priority, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        log_send(priority, NULL, NULL, format, args);
        va_end(args);
}
