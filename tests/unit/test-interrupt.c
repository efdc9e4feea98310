/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/unit/interrupt.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is left pending must not end the test program. */
static void take(int number)
{
        sigset_t set;
        int taken;

        sigemptyset(&set);
        sigaddset(&set, number);
        assert_int_equal(sigwait(&set, &taken), 0);
        assert_int_equal(taken, number);
}

static void test_who_asks_to_stop_is_heard_and_nobody_is_ended(void **state)
{
        static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

        assert_false(interrupt_is_pending());
        interrupt_hold();
        assert_false(interrupt_is_pending());
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                assert_int_equal(kill(getpid(), numbers[i]), 0);
                assert_true(interrupt_is_pending());
                assert_true(interrupt_is_pending()); /* to whoever asks */
                take(numbers[i]);
                assert_false(interrupt_is_pending());
        }
}

static void test_other_signals_do_not_stop_it(void **state)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
        interrupt_hold();
        assert_int_equal(kill(getpid(), SIGUSR1), 0);
        assert_false(interrupt_is_pending());
        take(SIGUSR1);
}

/* A child that is asked to stop while nothing is held; what it said, and what it ended by. */
static char *said_by_child(int number, bool is_ignored, int *ret_status)
{
        int pipe_fds[2];
        char text[256] = {};
        pid_t pid;
        ssize_t n;

        assert_int_equal(pipe(pipe_fds), 0);
        fflush(NULL);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                dup2(pipe_fds[1], STDERR_FILENO);
                sigset_t none;

                sigemptyset(&none);
                sigprocmask(SIG_SETMASK, &none, NULL);
                signal(number, is_ignored ? SIG_IGN : SIG_DFL);
                interrupt_announce();
                raise(number);
                _exit(7);
        }
        close(pipe_fds[1]);
        n = read(pipe_fds[0], text, sizeof(text) - 1);
        assert_true(n >= 0);
        close(pipe_fds[0]);
        assert_int_equal(waitpid(pid, ret_status, 0), pid);
        return xstrdup(text);
}

static void test_until_then_it_ends_with_a_sentence(void **state)
{
        static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                int status;
                autofree char *text = said_by_child(numbers[i], false, &status);

                assert_string_equal(
                        text, "kube-renewd: interrupted before any file was replaced\n");
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
        }
}

static void test_what_nohup_ignores_stays_ignored(void **state)
{
        int status;
        autofree char *text = said_by_child(SIGHUP, true, &status);

        assert_string_equal(text, "");
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_asks_to_stop_is_heard_and_nobody_is_ended),
                cmocka_unit_test(test_other_signals_do_not_stop_it),
                cmocka_unit_test(test_until_then_it_ends_with_a_sentence),
                cmocka_unit_test(test_what_nohup_ignores_stays_ignored),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
