/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events through a real systemd-journald, which this test starts on a /run of its own, in a mount
 * namespace that ends with it. */

#include "unit.h"

#include "base/log.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>

#define JOURNALD "/lib/systemd/systemd-journald"
#define SOCKET   "/run/systemd/journal/socket"
#define ID       "5d7c1f6e0b0a4c6f9e4f0c0f5f3c2a11"

static pid_t journald = -1;

static const char settings[] = "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=\n"
                               "ForwardToSyslog=no\nForwardToWall=no\nRateLimitBurst=0\n";

static int write_text(const char *path, const char *text)
{
        autofd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int own_run_directory(void)
{
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") < 0)
                return -1;
        if (mkdir("/run/systemd", 0755) < 0 || mkdir("/run/systemd/journal", 0755) < 0 ||
                mkdir("/run/log", 0755) < 0 || mkdir("/run/log/journal", 0755) < 0 ||
                mkdir("/run/systemd/journald.conf.d", 0755) < 0)
                return -1;
        return write_text("/run/systemd/journald.conf.d/zz-test.conf", settings);
}

static int start_journald(void)
{
        journald = fork();
        if (journald < 0)
                return -1;
        if (journald == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                freopen("/dev/null", "w", stdout);
                freopen("/dev/null", "w", stderr);
                execl(JOURNALD, JOURNALD, NULL);
                _exit(127);
        }
        for (int i = 0; access(SOCKET, W_OK) < 0; i++) {
                if (i == 500)
                        return -1;
                usleep(20000);
        }
        /* Without control groups it ends after it has made its sockets. */
        usleep(300000);
        return waitpid(journald, NULL, WNOHANG) == 0 ? 0 : -1;
}

static int stop_journald(void **state)
{
        kill(journald, SIGTERM);
        return waitpid(journald, NULL, 0) == journald ? 0 : -1;
}

/* The first entry with this message, at the latest after ten seconds. */
static sd_journal *find_entry(const char *message)
{
        autofree char *match = xasprintf("MESSAGE=%s", message);

        for (int i = 0; i < 500; i++) {
                sd_journal *journal = NULL;

                if (sd_journal_open_directory(&journal, "/run/log/journal", 0) >= 0 ||
                        sd_journal_open(&journal, SD_JOURNAL_RUNTIME_ONLY) >= 0) {
                        assert_true(sd_journal_add_match(journal, match, 0) >= 0);
                        if (sd_journal_next(journal) == 1)
                                return journal;
                        sd_journal_close(journal);
                }
                usleep(20000);
        }
        fail_msg("no entry with '%s' arrived", match);
        return NULL;
}

static void assert_field(sd_journal *journal, const char *name, const char *expected)
{
        const void *data = NULL;
        size_t size = 0;
        autofree char *field = xasprintf("%s=%s", name, expected ? expected : "");
        int r = sd_journal_get_data(journal, name, &data, &size);

        if (!expected) {
                assert_int_equal(r, -ENOENT);
                return;
        }
        assert_int_equal(r, 0);
        assert_int_equal(size, strlen(field));
        assert_memory_equal(data, field, size);
}

static void test_event_arrives(void **state)
{
        const LogField fields[] = {{"CERTIFICATE", "apiserver"}, {"NOT_AFTER", NULL},
                {"SUBJECT", "a\nMESSAGE_ID=forged"}, {}};
        sd_journal *journal;

        log_set_pass_id("00112233445566778899aabbccddeeff");
        log_event(LOG_NOTICE, ID, fields, "Renewed '%s'.", "a\nb");
        journal = find_entry("Renewed 'a\\x0ab'.");
        assert_field(journal, "MESSAGE_ID", ID);
        assert_field(journal, "PRIORITY", "5");
        assert_field(journal, "SYSLOG_IDENTIFIER", "kube-renewd");
        assert_field(journal, "PASS_ID", "00112233445566778899aabbccddeeff");
        assert_field(journal, "CERTIFICATE", "apiserver");
        assert_field(journal, "SUBJECT", "a\\x0aMESSAGE_ID=forged");
        assert_field(journal, "NOT_AFTER", NULL);
        assert_field(journal, "CODE_FILE", NULL);
        sd_journal_close(journal);
}

static void test_line_has_no_event_fields(void **state)
{
        sd_journal *journal;

        log_set_pass_id(NULL);
        log_line(LOG_WARNING, "a line of its own");
        journal = find_entry("a line of its own");
        assert_field(journal, "MESSAGE_ID", NULL);
        assert_field(journal, "PASS_ID", NULL);
        assert_field(journal, "PRIORITY", "4");
        sd_journal_close(journal);
}

static void test_long_message(void **state)
{
        autofree char *text = xcalloc(1, 300001);
        sd_journal *journal;

        memset(text, 'x', 300000);
        log_line(LOG_WARNING, "%s", text);
        log_line(LOG_WARNING, "after the long one");
        journal = find_entry("after the long one");
        sd_journal_close(journal);
        journal = find_entry(text);
        sd_journal_close(journal);
}

/* libsystemd reports success when the socket is gone; the line must not be lost. */
static void test_no_socket_means_stderr(void **state)
{
        autofd int saved = dup(STDERR_FILENO), fd = memfd_create("stderr", MFD_CLOEXEC);
        char text[64] = "";

        assert_int_equal(rename(SOCKET, SOCKET "-away"), 0);
        assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
        log_line(LOG_WARNING, "not lost");
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        assert_int_equal(rename(SOCKET "-away", SOCKET), 0);
        assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
        assert_string_equal(text, "not lost\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_event_arrives),
                cmocka_unit_test(test_line_has_no_event_fields),
                cmocka_unit_test(test_long_message),
                cmocka_unit_test(test_no_socket_means_stderr),
        };

        if (access(JOURNALD, X_OK) < 0)
                return unit_skip_all("there is no " JOURNALD);
        if (access("/etc/machine-id", R_OK) < 0)
                return unit_skip_all("journald needs /etc/machine-id");
        if (own_run_directory() < 0)
                return unit_skip_all("needs root, for a /run of its own");
        if (start_journald() < 0)
                return unit_skip_all("systemd-journald does not start here");
        setenv("SYSTEMD_LOG_TARGET", "journal", 1);
        return cmocka_run_group_tests(tests, NULL, stop_journald);
}
