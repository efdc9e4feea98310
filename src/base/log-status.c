/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include "base/escape.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <systemd/sd-daemon.h>

#define NOTIFY_EVERY 10 /* seconds between two STATUS= of one wait */

static struct {
        char *text;         /* what was said last */
        size_t step, steps; /* 0: not counted */
        int64_t notified;   /* seconds that were left at the last STATUS= */
        bool is_shown;      /* in the last line of the terminal, without its end */
} status;

/* One that can clear its line. */
static bool is_capable_terminal(void)
{
        const char *term = getenv("TERM");

        return isatty(STDERR_FILENO) && term && term[0] && !streq(term, "dumb");
}

/* How many bytes of a text fit a line of the terminal: one byte is at most one column. */
static size_t bytes_that_fit(const char *text)
{
        struct winsize size = {};
        size_t limit = 79, n = strlen(text);

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
                limit = size.ws_col - 1U;
        if (n <= limit)
                return n;
        for (n = limit; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
                n--;
        return n;
}

static void show(const char *text)
{
        if (is_capable_terminal()) {
                dprintf(STDERR_FILENO, "\r\033[K%.*s", (int)bytes_that_fit(text), text);
                status.is_shown = true;
        } else if (isatty(STDERR_FILENO))
                dprintf(STDERR_FILENO, "%s\n", text);
}

static void notify(const char *text)
{
        autofree char *state = xasprintf("STATUS=%s", text);

        sd_notify(0, state);
}

void log_step(size_t step, size_t steps)
{
        status.step = step;
        status.steps = steps;
}

void log_status(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        autofree char *text = xvasprintf(format, args);
        va_end(args);
        autofree char *count =
                status.steps > 0 ? xasprintf("[%zu/%zu] ", status.step, status.steps) : xstrdup("");
        autofree char *counted = xasprintf("%s%s", count, text);
        free(status.text);
        status.text = escape_text(counted);
        status.notified = 0;
        notify(status.text);

        autofree char *line = xasprintf("%s ...", status.text);
        show(line);
}

void log_wait(int64_t milliseconds)
{
        int64_t seconds = (milliseconds + 999) / 1000;
        autofree char *text = NULL;

        if (!status.text || seconds <= 0)
                return;
        text = xasprintf("%s (%" PRId64 " s left)", status.text, seconds);
        if (status.notified == 0 || status.notified - seconds >= NOTIFY_EVERY) {
                status.notified = seconds;
                notify(text);
        }
        if (is_capable_terminal())
                show(text);
}

void log_status_end(void)
{
        if (status.is_shown)
                dprintf(STDERR_FILENO, "\r\033[K");
        if (status.text)
                notify("");
        status.is_shown = false;
}
