/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/nagios.h"
#include "printed.h"

#define ALARMS_MAX 1000

/* What is up, made by hand. */
typedef struct Board {
        Alarm active[ALARMS_MAX], shelved[ALARMS_MAX];
        AlarmList active_list, shelved_list;
        PluginAlarms report;
} Board;

static Board *board_make(PluginStatus status)
{
        Board *board = xcalloc(1, sizeof(*board));

        board->active_list.alarms = board->active;
        board->shelved_list.alarms = board->shelved;
        board->report = (PluginAlarms){
                .status = status, .active = &board->active_list, .shelved = &board->shelved_list};
        return board;
}

static void add(AlarmList *list, const char *type, const char *resource, AlarmSeverity severity,
        const char *reason)
{
        assert_true(list->n < ALARMS_MAX);
        list->alarms[list->n++] = (Alarm){.type = (char *)type,
                .resource = (char *)resource,
                .severity = severity,
                .text = (char *)"It is so.",
                .reason = (char *)reason};
}

static void print_report(const void *report)
{
        nagios_print_alarms(report);
}

static char *board_print(Board *board)
{
        return printed(print_report, &board->report);
}

static void assert_prints(Board *board, const char *expected)
{
        autofree char *text = board_print(board);

        assert_string_equal(text, expected);
        free(board);
}

static void test_no_alarm(void **state)
{
        Board *board = board_make(PLUGIN_OK);

        board->report.last_run = 1825975560;
        assert_prints(board,
                "KUBE-RENEWD OK - no alarm, last run 2027-11-11T23:26:00Z|'alarms'=0;;;0 "
                "'critical'=0;;;0 'major'=0;;;0 'minor'=0;;;0 'warning'=0;;;0 'shelved'=0;;;0\n");
}

static void test_the_gravest_is_first(void **state)
{
        Board *board = board_make(PLUGIN_CRITICAL);

        add(&board->active_list, "expiring", "ca", ALARM_WARNING, "30d left");
        add(&board->active_list, "restart-owed", "kube-scheduler", ALARM_MAJOR, "owed since then");
        add(&board->active_list, "restart-owed", "etcd", ALARM_MAJOR, "");
        assert_prints(board,
                "KUBE-RENEWD CRITICAL - 3 alarms: restart-owed of kube-scheduler (major), "
                "restart-owed of etcd (major), expiring of ca (warning)|'alarms'=3;;;0 "
                "'critical'=0;;;0 'major'=2;;;0 'minor'=0;;;0 'warning'=1;;;0 'shelved'=0;;;0\n"
                "CRITICAL: restart-owed of kube-scheduler (major): owed since then\n"
                "CRITICAL: restart-owed of etcd (major): It is so.\n"
                "WARNING: expiring of ca (warning): 30d left\n");
}

static void test_what_is_shelved_comes_after_and_does_not_count(void **state)
{
        static char *notes[] = {(char *)"nobody looks; start it", NULL};
        Board *board = board_make(PLUGIN_WARNING);

        add(&board->shelved_list, "expired", "apiserver", ALARM_CRITICAL, "1d ago");
        add(&board->active_list, "postponed", "host", ALARM_MINOR, "lock held");
        board->report.notes = notes;
        assert_prints(board,
                "KUBE-RENEWD WARNING - 1 alarm: postponed of host (minor), 1 shelved|"
                "'alarms'=1;;;0 'critical'=0;;;0 'major'=0;;;0 'minor'=1;;;0 'warning'=0;;;0 "
                "'shelved'=1;;;0\n"
                "WARNING: postponed of host (minor): lock held\n"
                "SHELVED: expired of apiserver (critical): 1d ago\n"
                "nobody looks, start it\n");
}

static void test_t07_hostile_names(void **state)
{
        static const char name[] = "x' 'y'=1s;|z\nOK - \033[2Jfine";
        Board *board = board_make(PLUGIN_CRITICAL);
        size_t n_lines = 0;

        add(&board->active_list, name, name, ALARM_CRITICAL, name);
        autofree char *text = board_print(board);
        for (const char *p = text; *p; p++) {
                n_lines += *p == '\n';
                assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
        }
        assert_int_equal(n_lines, 2);
        assert_ptr_equal(strchr(text, '|'), strrchr(text, '|'));
        free(board);
}

/* However many and long they are, the verdict and the numbers are whole, and so is the last line.
 */
static void test_many_and_long_names_fit(void **state)
{
        static char *notes[] = {(char *)"the note", NULL};
        autofree char *endless = xcalloc(1001, 1);
        Board *board = board_make(PLUGIN_CRITICAL);

        memset(endless, 'x', 1000);
        for (size_t i = 0; i < ALARMS_MAX; i++) {
                add(&board->active_list, endless, endless, ALARM_CRITICAL, endless);
                add(&board->shelved_list, endless, endless, ALARM_CRITICAL, endless);
        }
        board->report.notes = notes;
        autofree char *text = board_print(board);
        const char *first_end = strchr(text, '\n');
        assert_true((size_t)(first_end - text) < NAGIOS_FIRST_LINE_MAX);
        assert_true(strlen(text) <= NAGIOS_OUTPUT_MAX);
        assert_true(starts_with(text, "KUBE-RENEWD CRITICAL - 1000 alarms: xxx"));
        assert_non_null(strstr(text, " and 998 more, 1000 shelved|'alarms'=1000;;;0 "));
        assert_true(starts_with(first_end - strlen("'shelved'=1000;;;0"), "'shelved'=1000;;;0\n"));
        assert_non_null(strstr(text, "\nand 19"));
        assert_non_null(strstr(text, " more\nthe note\n"));
        free(board);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_alarm),
                cmocka_unit_test(test_the_gravest_is_first),
                cmocka_unit_test(test_what_is_shelved_comes_after_and_does_not_count),
                cmocka_unit_test(test_t07_hostile_names),
                cmocka_unit_test(test_many_and_long_names_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
