/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ID "0123456789abcdef0123456789abcdef"

/* What was written to stderr between the two calls. */
static int saved_stderr = -1;

static void capture_begin(void)
{
        autofd int fd = memfd_create("stderr", MFD_CLOEXEC);

        saved_stderr = dup(STDERR_FILENO);
        assert_true(fd >= 0 && saved_stderr >= 0);
        assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
}

static char *capture_end(void)
{
        off_t size = lseek(STDERR_FILENO, 0, SEEK_CUR);
        char *text = xcalloc(1, (size_t)size + 1);

        assert_int_equal(pread(STDERR_FILENO, text, (size_t)size, 0), size);
        assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
        close(saved_stderr);
        return text;
}

static int reset_environment(void **state)
{
        unsetenv("JOURNAL_STREAM");
        unsetenv("SYSTEMD_LOG_TARGET");
        unsetenv("SYSTEMD_LOG_LEVEL");
        log_set_pass_id(NULL);
        return 0;
}

static void test_plain_lines(void **state)
{
        const LogField fields[] = {{"CERTIFICATE", "apiserver"}, {}};

        capture_begin();
        log_event(LOG_NOTICE, ID, fields, "Renewed '%s'.", "apiserver");
        log_line(LOG_WARNING, "%s:%d: unknown key", "kube-renewd.conf", 3);
        log_debug("not due: '%s'", "etcd-server");
        autofree char *text = capture_end();

        assert_string_equal(text, "Renewed 'apiserver'.\nkube-renewd.conf:3: unknown key\n");
}

static void test_a_terminal_gets_warnings_only(void **state)
{
        autofd int terminal = posix_openpt(O_RDWR | O_NOCTTY);
        int saved = dup(STDERR_FILENO);
        char text[256] = {};

        assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
        autofd int slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
        assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
        log_event(LOG_NOTICE, ID, NULL, "Renewed.");
        log_event(LOG_WARNING, ID, NULL, "Not renewed.");
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        close(saved);
        assert_true(read(terminal, text, sizeof(text) - 1) > 0);
        assert_string_equal(text, "Not renewed.\r\n");
}

static void test_text_is_escaped(void **state)
{
        capture_begin();
        log_event(LOG_NOTICE, ID, NULL, "subject '%s'", "a\nb\033[2J\xff%n");
        autofree char *text = capture_end();

        assert_string_equal(text, "subject 'a\\x0ab\\x1b[2J\\xff%n'\n");
}

static void test_levels(void **state)
{
        static const struct {
                const char *level;
                int lines;
        } table[] = {
                {"debug", 4},
                {"7", 4},
                {"info", 3},
                {"5", 2},
                {"err", 1},
                {"0", 0},
                {"nonsense", 3},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                setenv("SYSTEMD_LOG_LEVEL", table[i].level, 1);
                capture_begin();
                log_debug("x");
                log_line(LOG_INFO, "x");
                log_line(LOG_NOTICE, "x");
                log_line(LOG_ERR, "x");
                autofree char *text = capture_end();

                assert_int_equal(strlen(text), 2 * table[i].lines);
        }
}

/* Only a stderr that really is the stream gets the prefixes; the variable alone is inherited. */
static void test_prefix_on_a_journal_stream(void **state)
{
        autofree char *stream = NULL;
        struct stat st;

        setenv("SYSTEMD_LOG_TARGET", "console", 1);
        capture_begin();
        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        stream = xasprintf(
                "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_line(LOG_WARNING, "with");
        setenv("JOURNAL_STREAM", "1:1", 1);
        log_line(LOG_WARNING, "without");
        setenv("JOURNAL_STREAM", "junk", 1);
        log_line(LOG_WARNING, "without");
        autofree char *text = capture_end();

        assert_string_equal(text, "<4>with\nwithout\nwithout\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_plain_lines, reset_environment),
                cmocka_unit_test_setup(test_a_terminal_gets_warnings_only, reset_environment),
                cmocka_unit_test_setup(test_text_is_escaped, reset_environment),
                cmocka_unit_test_setup(test_levels, reset_environment),
                cmocka_unit_test_setup(test_prefix_on_a_journal_stream, reset_environment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
