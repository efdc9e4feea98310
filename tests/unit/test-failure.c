/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program of OnFailure= as systemd starts it, on directories of the test. */

#include "unit.h"

#include "base/time-util.h"
#include "renew/event/alarm-types.h"
#include "renew/report/metrics.h"
#include "scratch.h"

#include <sys/wait.h>

#define ID       "0123456789abcdef0123456789abcdef"
#define OTHER_ID "ffffffffffffffffffffffffffffffff"
#define ALARMS   "/state/public/alarms"
#define NAME     "/renewal-failed@host.json"
#define ALARM    "state/public/alarms/renewal-failed@host.json"
#define PROM     "state/public/kube-renewd.prom"

/* What systemd says of a run. */
typedef struct Said {
        const char *result, *code, *status, *invocation;
} Said;

static const Said killed = {"signal", "killed", "KILL", ID};

static char *program;

static void set(const char *name, const char *value)
{
        if (value ? setenv(name, value, 1) : unsetenv(name))
                _exit(99);
}

static void set_directory(const char *name, const char *directory)
{
        autofree char *path = xasprintf("%s/%s", scratch, directory);

        set(name, path);
}

/* Its exit status; what it says is in the file "said", and "reset" is there if it has had systemd
 * forget the tries. */
static int run(const Said *said)
{
        int status;
        pid_t child;

        put("systemctl", "#!/bin/sh\n[ \"$1\" = reset-failed ] && : >reset\n");
        assert_int_equal(chmod("systemctl", 0755), 0);
        child = fork();
        if (child == 0) {
                set("PATH", scratch);
                set_directory("STATE_DIRECTORY", "state");
                set_directory("RUNTIME_DIRECTORY", "runtime");
                set("JOURNAL_STREAM", NULL);
                set("MONITOR_SERVICE_RESULT", said->result);
                set("MONITOR_EXIT_CODE", said->code);
                set("MONITOR_EXIT_STATUS", said->status);
                set("MONITOR_INVOCATION_ID", said->invocation);
                if (!freopen("said", "w", stderr))
                        _exit(99);
                execl(program, program, "kube-renewd.service", NULL);
                _exit(99);
        }
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static Alarm read_alarm(const char *path)
{
        autoptr(FileImage) file = NULL;
        Alarm alarm = {};
        Error error = {};

        if (fs_read_file(root_fd, path, ALARM_FILE_SIZE_MAX, &file, &error) < 0 ||
                alarm_parse(file->data, file->size, &alarm, &error) < 0)
                fail_msg("%s", error.text);
        autoptr(json_t) json = alarm_to_json(&alarm);
        autofree char *text = json_text(json);
        assert_string_equal((char *)file->data, text);
        return alarm;
}

static void assert_mode(const char *path, mode_t mode)
{
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, mode);
}

/* To the byte what host/alarm.h writes, with the words of renew/event/alarm-types.h. */
static void test_the_alarm_is_one_of_ours(void **state)
{
        const AlarmTypeInfo *info = alarm_type_info(ALARM_TYPE_RENEWAL_FAILED);
        time_t before = time(NULL);

        assert_int_equal(run(&killed), 0);
        Alarm alarm = read_alarm(ALARMS NAME);
        assert_string_equal(alarm.type, info->name);
        assert_string_equal(alarm.resource, "host");
        assert_string_equal(alarm.alarm_id, info->alarm_id);
        assert_int_equal(alarm.severity, info->severity);
        assert_string_equal(alarm.event_type, info->event_type);
        assert_string_equal(alarm.probable_cause, info->probable_cause);
        assert_string_equal(alarm.text, info->text);
        assert_int_equal(alarm.service_affecting, info->service_affecting);
        assert_int_equal(alarm.count, 1);
        assert_true(alarm.time_created >= before && alarm.time_created <= time(NULL));
        assert_int_equal(alarm.time_changed, alarm.time_created);
        alarm_done(&alarm);

        autoptr(AlarmList) list = NULL;
        assert_int_equal(alarm_list(root_fd, ALARMS, &list, NULL), 0);
        assert_int_equal(list->n, 1);
        assert_null(list->unreadable);
        assert_mode("state/public", 0755);
        assert_mode("state/public/alarms", 0755);
        assert_mode(ALARM, 0644);
        assert_mode(PROM, 0644);
        assert_true(access("runtime", F_OK) < 0);
        assert_content("/said",
                "<3>Alarm renewal-failed of 'host' (major): Kubernetes certificates renewal failed."
                " Reason: kube-renewd.service was killed by signal KILL before it could "
                "report.\n");
}

static void test_failure_mode_32_the_reason_says_how_it_ended(void **state)
{
        static const struct {
                Said said;
                const char *reason;
        } table[] = {
                {{"signal", "killed", "KILL", ID},
                        "was killed by signal KILL before it could report"},
                {{"core-dump", "dumped", "SEGV", ID}, "was killed by signal SEGV before"},
                {{"oom-kill", "killed", "KILL", ID}, "was killed for lack of memory"},
                {{"timeout", "killed", "TERM", ID}, "took too long"},
                {{"timeout", "exited", "1", ID}, "took too long"},
                {{"exit-code", "exited", "1", ID},
                        "ended with status 1 and could not write its report"},
                {{"exit-code", "exited", "75", ID}, "ended with status 75 and could not write"},
                {{"exit-code", "exited", "127", ID}, "not be started (exit status 127: a library"},
                {{"exit-code", "exited", "203", ID}, "not be started (exit status 203/EXEC: "},
                {{"exit-code", "exited", "226", ID},
                        "could not be started (exit status 226/NAMESPACE: the sandbox)"},
                {{"exit-code", "exited", "233", ID},
                        "could not be started (exit status 233, see systemd.exec(5))"},
                {{"resources", NULL, NULL, ID}, "could not be started (resources)"},
                {{"exit-code", NULL, NULL, ID}, "could not be started (exit-code)"},
                {{"start-limit-hit", "exited", "75", ID}, "is still unfinished after its last try"},
                {{"success", NULL, NULL, NULL}, "was not started: a unit that it needs failed"},
                {{NULL, NULL, NULL, NULL}, "failed; this systemd does not say how"},
                {{"watchdog", "killed", "ABRT", ID}, "was killed by signal ABRT"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                assert_int_equal(run(&table[i].said), 0);
                Alarm alarm = read_alarm(ALARMS NAME);

                if (!starts_with(alarm.reason, "kube-renewd.service ") ||
                        !strstr(alarm.reason, table[i].reason))
                        fail_msg("'%s' lacks '%s'", alarm.reason, table[i].reason);
                assert_non_null(strstr(alarm.repair_action, "'journalctl -u kube-renewd.service'"));
                assert_int_equal(unlink("reset") == 0, !!strstr(alarm.reason, "its last try"));
                assert_int_equal(alarm.count, i + 1);
                alarm_done(&alarm);
        }
}

static void test_what_has_reported_is_left_alone(void **state)
{
        static const struct {
                Said said;
                const char *mark;
                bool raised;
        } table[] = {
                {{"exit-code", "exited", "1", ID}, ID "\n", false},
                {{"exit-code", "exited", "75", ID}, ID "\n", false},
                {{"signal", "killed", "KILL", ID}, ID "\n", false},
                {{"timeout", "exited", "1", ID}, ID "\n", false},
                {{"exit-code", "exited", "1", ID}, OTHER_ID "\n", true},
                {{"exit-code", "exited", "1", ID}, ID "0\n", true},
                {{"exit-code", "exited", "1", ID}, "", true},
                {{"exit-code", "exited", "1", ID}, NULL, true},
                {{"exit-code", "exited", "1", NULL}, "", true},
                {{"exit-code", "exited", "1", NULL}, "\n", true},
                /* No run began: the mark is of the one before. */
                {{"start-limit-hit", "exited", "1", ID}, ID "\n", true},
                {{"success", NULL, NULL, ID}, ID "\n", true},
                /* systemd 249 and 250: a mark that is minutes old. */
                {{NULL, NULL, NULL, NULL}, OTHER_ID "\n", false},
                {{NULL, NULL, NULL, NULL}, NULL, true},
        };

        assert_int_equal(mkdir("state", 0711), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                assert_int_equal(fs_remove_tree(root_fd, "/state/public", NULL), 0);
                (void)!unlink("state/reported");
                if (table[i].mark)
                        put("state/reported", table[i].mark);
                assert_int_equal(run(&table[i].said), 0);
                if (fs_exists(root_fd, ALARMS NAME) != table[i].raised ||
                        fs_exists(root_fd, "/state/public") != table[i].raised)
                        fail_msg("row %zu", i);
        }
}

/* Where systemd does not say which run it was, yesterday's mark is of another one. */
static void test_an_old_mark_says_nothing(void **state)
{
        static const Said nothing = {};
        static const struct {
                time_t age;
                bool raised;
        } table[] = {{10, false}, {DAY, true}, {-DAY, true}};

        assert_int_equal(mkdir("state", 0711), 0);
        put("state/reported", ID "\n");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const struct timespec at = {.tv_sec = time(NULL) - table[i].age};
                const struct timespec times[] = {at, at};

                assert_int_equal(fs_remove_tree(root_fd, "/state/public", NULL), 0);
                assert_int_equal(utimensat(AT_FDCWD, "state/reported", times, 0), 0);
                assert_int_equal(run(&nothing), 0);
                assert_true(fs_exists(root_fd, ALARMS NAME) == table[i].raised);
        }
}

#define SINCE 1700000000

static void raise_before(const char *directory, AlarmSeverity severity, const char *text)
{
        Alarm alarm = {
                .type = (char *)"renewal-failed",
                .resource = (char *)"host",
                .severity = severity,
                .text = (char *)text,
                .reason = (char *)"\"count\": 7,\n  \"count\": 8,",
                .pass_id = (char *)ID,
        };

        assert_true(alarm_raise(root_fd, directory, &alarm, SINCE, NULL) >= 0);
}

static void assert_merged(int64_t count, bool news)
{
        Alarm alarm = read_alarm(ALARMS NAME);

        assert_int_equal(alarm.count, count);
        assert_int_equal(alarm.time_created, SINCE);
        assert_true((alarm.time_changed == SINCE) != news);
        assert_string_equal(alarm.pass_id, "");
        alarm_done(&alarm);
}

static void test_an_alarm_that_is_there_goes_on(void **state)
{
        const char *text = alarm_type_info(ALARM_TYPE_RENEWAL_FAILED)->text;

        raise_before(ALARMS, ALARM_MAJOR, text);
        raise_before(ALARMS, ALARM_MAJOR, text);
        assert_int_equal(run(&killed), 0);
        assert_merged(3, false);
        assert_int_equal(run(&killed), 0);
        assert_merged(4, false);
        assert_int_equal(fs_remove_tree(root_fd, ALARMS, NULL), 0);
        raise_before(ALARMS, ALARM_CRITICAL, text);
        assert_int_equal(run(&killed), 0);
        assert_merged(2, true);
        assert_int_equal(fs_remove_tree(root_fd, ALARMS, NULL), 0);
        raise_before(ALARMS, ALARM_MAJOR, "Something else.");
        assert_int_equal(run(&killed), 0);
        assert_merged(2, true);
}

#define AGO "\"2023-01-01T00:00:00Z\""
#define HISTORY(count, changed, created)                                                           \
        "{\n  \"count\": " count ",\n  \"time_changed\": " changed                                 \
        ",\n  \"time_created\": " created "\n}\n"

static void test_an_alarm_that_is_none_is_replaced(void **state)
{
        static const char *const contents[] = {
                "",
                "{\n  \"count\": 5,\n  \"time_created\": " AGO "\n}\n",
                HISTORY("0", AGO, AGO),
                HISTORY("5", AGO, "\"2023-01-01T00:00:0\\Z\""),
                HISTORY("5", AGO, "\"2023-02-30T00:00:00Z\""),
                HISTORY("\"5\"", "null", "null"),
        };

        assert_int_equal(fs_make_directories(root_fd, ALARMS, 0755, NULL), 0);
        put("state/public/alarms/.renewal-failed@host.json.failure", "left behind");
        for (size_t i = 0; i < ELEMENTSOF(contents); i++) {
                put(ALARM, contents[i]);
                assert_int_equal(run(&killed), 0);
                Alarm alarm = read_alarm(ALARMS NAME);
                assert_int_equal(alarm.count, 1);
                assert_true(alarm.time_created > SINCE);
                alarm_done(&alarm);
        }
        assert_int_equal(unlink(ALARM), 0);
        assert_int_equal(mkfifo(ALARM, 0644), 0);
        assert_int_equal(run(&killed), 0);
        Alarm alarm = read_alarm(ALARMS NAME);
        alarm_done(&alarm);

        char *big = xcalloc(1, 100001);
        memset(big, ' ', 100000);
        put(ALARM, big);
        free(big);
        assert_int_equal(run(&killed), 0);
        alarm = read_alarm(ALARMS NAME);
        alarm_done(&alarm);
}

static void test_the_count_does_not_overflow(void **state)
{
        raise_before(ALARMS, ALARM_MAJOR, "");
        put(ALARM, HISTORY("9223372036854775807", AGO, AGO));
        assert_int_equal(run(&killed), 0);
        Alarm alarm = read_alarm(ALARMS NAME);
        assert_true(alarm.count == INT64_MAX);
        alarm_done(&alarm);
}

static void test_hostile_words(void **state)
{
        char word[5001];
        const Said said = {"exit-code", "exited", word, "\",\n\"x\":\""};

        memset(word, '"', sizeof(word) - 1);
        word[sizeof(word) - 1] = 0;
        word[1] = '\n';
        word[2] = '\033';
        word[3] = '\\';
        word[4] = (char)0xff;
        assert_int_equal(run(&said), 0);
        Alarm alarm = read_alarm(ALARMS NAME);
        assert_non_null(strstr(alarm.reason, "ended with status ?????"));
        assert_null(strpbrk(alarm.reason, "\"\\\n\033"));
        alarm_done(&alarm);
}

#define FAMILY                                                                                     \
        "# HELP kube_renewd_alarm 1 for each active alarm.\n"                                      \
        "# TYPE kube_renewd_alarm gauge\n"
#define OTHER_METRICS "# TYPE x509_cert_expired gauge\nx509_cert_expired{a=\"b\"} 0\n"
#define OTHER_ALARM                                                                                \
        "kube_renewd_alarm{type=\"expired\",resource=\"host\",severity=\"major\",alarm_id="        \
        "\"500.210\",shelved=\"false\"} 1\n"
#define SAMPLE                                                                                     \
        "kube_renewd_alarm{type=\"renewal-failed\",resource=\"host\",severity=\"major\","          \
        "alarm_id=\"250.003\",shelved=\"false\"} 1\n"

static void test_the_sample_is_added_once(void **state)
{
        static const struct {
                const char *before, *after;
        } table[] = {
                {"", FAMILY SAMPLE},
                {OTHER_METRICS, OTHER_METRICS FAMILY SAMPLE},
                {OTHER_METRICS FAMILY, OTHER_METRICS FAMILY SAMPLE},
                {"cut 0", "cut 0\n" FAMILY SAMPLE},
                {OTHER_METRICS FAMILY OTHER_ALARM, OTHER_METRICS FAMILY OTHER_ALARM SAMPLE},
                {FAMILY SAMPLE OTHER_ALARM, FAMILY SAMPLE OTHER_ALARM},
        };

        assert_int_equal(run(&killed), 0);
        assert_content("/" PROM, FAMILY SAMPLE);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                put(PROM, table[i].before);
                assert_int_equal(run(&killed), 0);
                assert_content("/" PROM, table[i].after);
                assert_int_equal(run(&killed), 0);
                assert_content("/" PROM, table[i].after);
        }
}

/* To the byte what renew/report/metrics.h says of a host with this alarm. */
static void test_the_sample_is_one_of_ours(void **state)
{
        Rows rows = {};
        OwedList owed = {};
        AlarmList none = {};
        autoptr(AlarmList) list = NULL;
        Status status = {.rows = &rows, .owed = &owed, .alarms = &none, .shelved = &none};

        assert_int_equal(run(&killed), 0);
        assert_int_equal(alarm_list(root_fd, ALARMS, &list, NULL), 0);
        assert_int_equal(list->n, 1);
        autofree char *without = metrics_of_status(&status);
        status.alarms = list;
        autofree char *with = metrics_of_status(&status);

        put(PROM, without);
        assert_int_equal(run(&killed), 0);
        assert_content("/" PROM, with);
        assert_int_equal(run(&killed), 0);
        assert_content("/" PROM, with);
        status.alarms = &none;
        status.shelved = list;
        autofree char *shelved = metrics_of_status(&status);
        put(PROM, shelved);
        assert_int_equal(run(&killed), 0);
        assert_content("/" PROM, shelved);
}

/* The alarm does not depend on metrics. */
static void test_metrics_that_cannot_be_read_stay(void **state)
{
        struct stat st;

        assert_int_equal(fs_make_directories(root_fd, "/state/public", 0755, NULL), 0);
        put(PROM, OTHER_METRICS);
        assert_int_equal(truncate(PROM, (off_t)9 << 20), 0);
        assert_int_equal(run(&killed), 0);
        assert_true(fs_exists(root_fd, ALARMS NAME));
        assert_int_equal(stat(PROM, &st), 0);
        assert_int_equal(st.st_size, (off_t)9 << 20);

        assert_int_equal(unlink(PROM), 0);
        assert_int_equal(mkfifo(PROM, 0644), 0);
        assert_int_equal(run(&killed), 0);
        assert_int_equal(lstat(PROM, &st), 0);
        assert_true(S_ISFIFO(st.st_mode));
}

/* A file stands for what root is not allowed to write, either. */
static void test_failure_mode_7_a_state_directory_that_cannot_be_written(void **state)
{
        const char *text = alarm_type_info(ALARM_TYPE_RENEWAL_FAILED)->text;

        /* 1. The alarm goes elsewhere, and counts there. */
        put("state", "in the way");
        for (int64_t i = 1; i <= 2; i++) {
                assert_int_equal(run(&killed), 0);
                Alarm alarm = read_alarm("/runtime/alarms" NAME);
                assert_int_equal(alarm.count, i);
                alarm_done(&alarm);
        }
        assert_mode("runtime", 0755);
        assert_mode("runtime/alarms", 0755);
        assert_mode("runtime/alarms/renewal-failed@host.json", 0644);

        /* 2. It moves to its place as soon as that can be had. */
        assert_int_equal(unlink("state"), 0);
        assert_int_equal(run(&killed), 0);
        assert_false(fs_exists(root_fd, "/runtime/alarms" NAME));
        Alarm alarm = read_alarm(ALARMS NAME);
        assert_int_equal(alarm.count, 3);
        alarm_done(&alarm);

        /* 3. Nothing is raised where nothing can be, and that is no success. */
        assert_int_equal(fs_remove_tree(root_fd, "/state", NULL), 0);
        assert_int_equal(fs_remove_tree(root_fd, "/runtime", NULL), 0);
        put("state", "in the way");
        put("runtime", "in the way");
        assert_int_equal(run(&killed), 1);
        autoptr(FileImage) file = NULL;
        assert_int_equal(fs_read_file(root_fd, "/said", FS_SIZE_MAX, &file, NULL), 0);
        assert_non_null(strstr((char *)file->data, text));
        assert_non_null(strstr((char *)file->data, "Cannot write"));
}

static void test_usage(void **state)
{
        autofree char *command = xasprintf("%s 2>/dev/null", program);

        assert_int_equal(WEXITSTATUS(system(command)), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_the_alarm_is_one_of_ours),
                SCRATCH_TEST(test_failure_mode_32_the_reason_says_how_it_ended),
                SCRATCH_TEST(test_what_has_reported_is_left_alone),
                SCRATCH_TEST(test_an_old_mark_says_nothing),
                SCRATCH_TEST(test_an_alarm_that_is_there_goes_on),
                SCRATCH_TEST(test_an_alarm_that_is_none_is_replaced),
                SCRATCH_TEST(test_the_count_does_not_overflow),
                SCRATCH_TEST(test_hostile_words),
                SCRATCH_TEST(test_the_sample_is_added_once),
                SCRATCH_TEST(test_the_sample_is_one_of_ours),
                SCRATCH_TEST(test_metrics_that_cannot_be_read_stay),
                SCRATCH_TEST(test_failure_mode_7_a_state_directory_that_cannot_be_written),
                SCRATCH_TEST(test_usage),
        };
        autofree char *path = xasprintf("%s/kube-renewd-failure", getenv("BUILDDIR"));

        program = path;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
