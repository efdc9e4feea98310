/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/log.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CLEAR "\r\033[K"

/* stderr is a terminal of so many columns between the two calls; what was written to it. */
static int saved_stderr = -1, terminal = -1;

static void terminal_begin(const char *term, unsigned short columns)
{
        const struct winsize size = {.ws_row = 24, .ws_col = columns};

        setenv("TERM", term, 1);
        terminal = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
        autofd int slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
        assert_true(slave >= 0);
        assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
        saved_stderr = dup(STDERR_FILENO);
        assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
}

/* A last character, so that there is always something to read. */
static char *terminal_end(void)
{
        char text[4096] = {};
        size_t n = 0;

        assert_int_equal(write(STDERR_FILENO, "$", 1), 1);
        while (n == 0 || text[n - 1] != '$') {
                ssize_t more = read(terminal, text + n, sizeof(text) - 1 - n);

                assert_true(more > 0);
                n += (size_t)more;
        }
        text[n - 1] = 0;
        assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
        close(saved_stderr);
        close(terminal);
        return xstrdup(text);
}

static void test_one_line_is_rewritten(void **state)
{
        terminal_begin("xterm", 80);
        log_status("Replacing %d files", 17);
        log_step(1, 10);
        log_status("Issuing certificate '%s'", "apiserver");
        log_step(0, 0);
        log_status("Verifying");
        log_status_end();
        log_status_end();
        autofree char *text = terminal_end();

        assert_string_equal(text,
                CLEAR "Replacing 17 files ..." CLEAR
                      "[1/10] Issuing certificate 'apiserver' ..." CLEAR "Verifying ..." CLEAR);
}

static void test_it_is_cleared_before_other_lines(void **state)
{
        terminal_begin("xterm", 80);
        log_status("Replacing");
        log_line(LOG_WARNING, "a warning");
        log_line(LOG_WARNING, "another");
        autofree char *text = terminal_end();

        assert_string_equal(text, CLEAR "Replacing ..." CLEAR "a warning\r\nanother\r\n");
}

static void test_a_wait_is_no_line_of_its_own(void **state)
{
        terminal_begin("xterm", 80);
        log_status("Waiting");
        log_wait(90000);
        log_wait(89001);
        log_wait(1);
        log_wait(0);
        log_status_end();
        autofree char *text = terminal_end();

        assert_string_equal(text, CLEAR "Waiting ..." CLEAR "Waiting (90 s left)" CLEAR
                                        "Waiting (90 s left)" CLEAR "Waiting (1 s left)" CLEAR);
}

static void test_a_dumb_terminal_gets_lines(void **state)
{
        static const char *const terms[] = {"dumb", ""};

        for (size_t i = 0; i < ELEMENTSOF(terms); i++) {
                terminal_begin(terms[i], 80);
                log_step(2, 3);
                log_status("Waiting");
                log_wait(90000);
                log_step(0, 0);
                log_status_end();
                autofree char *text = terminal_end();

                assert_string_equal(text, "[2/3] Waiting ...\r\n");
        }
}

/* A line that were wrapped could not be cleared. */
static void test_a_narrow_terminal_is_never_filled(void **state)
{
        static const struct {
                const char *text, *shown;
        } table[] = {
                {"Restarting kube-controller-manager", "Restarting kube-con"},
                {"Restarting pods-\xc3\xa4\xc3\xb6", "Restarting pods-\xc3\xa4"},
                {"a\033[2Jb", "a\\x1b[2Jb ..."},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *expected = xasprintf(CLEAR "%s" CLEAR, table[i].shown);

                terminal_begin("xterm", 20);
                log_status("%s", table[i].text);
                log_status_end();
                autofree char *text = terminal_end();

                assert_string_equal(text, expected);
        }
}

static void test_nothing_where_there_is_no_terminal(void **state)
{
        int pipe_fds[2];
        char text[16];

        assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
        int saved = dup(STDERR_FILENO);
        assert_int_equal(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
        log_status("Waiting");
        log_wait(90000);
        log_status_end();
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        close(saved);
        assert_int_equal(read(pipe_fds[0], text, sizeof(text)), -1);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
}

static void receive(int fd, const char *expected)
{
        char text[256] = {};

        if (expected) {
                assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
                assert_string_equal(text, expected);
        } else
                assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), -1);
}

/* What `systemctl status` shows: with counts, and of a wait not more than every ten seconds. */
static void test_systemd_is_told(void **state)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int n = snprintf(
                address.sun_path, sizeof(address.sun_path), "@kube-renewd-test-%d", getpid());

        setenv("NOTIFY_SOCKET", address.sun_path, 1);
        address.sun_path[0] = 0; /* an abstract name */
        assert_int_equal(bind(fd, (struct sockaddr *)&address,
                                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
                0);
        log_step(2, 5);
        log_status("Waiting for %s", "etcd");
        log_step(0, 0);
        receive(fd, "STATUS=[2/5] Waiting for etcd");
        for (int64_t left = 25000; left > 0; left -= 500)
                log_wait(left);
        receive(fd, "STATUS=[2/5] Waiting for etcd (25 s left)");
        receive(fd, "STATUS=[2/5] Waiting for etcd (15 s left)");
        receive(fd, "STATUS=[2/5] Waiting for etcd (5 s left)");
        receive(fd, NULL);
        log_status_end();
        receive(fd, "STATUS="); /* nobody is waited for any more */
        unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_line_is_rewritten),
                cmocka_unit_test(test_it_is_cleared_before_other_lines),
                cmocka_unit_test(test_a_wait_is_no_line_of_its_own),
                cmocka_unit_test(test_a_dumb_terminal_gets_lines),
                cmocka_unit_test(test_a_narrow_terminal_is_never_filled),
                cmocka_unit_test(test_nothing_where_there_is_no_terminal),
                cmocka_unit_test(test_systemd_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
