/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host/alarm.h"
#include "scratch.h"

#define NOW 1825975560 /* 2027-11-11T23:26:00Z */
#define DIR "/state/alarms"

static Alarm expiring(const char *resource)
{
        return (Alarm){
                .type = (char *)"expiring",
                .resource = (char *)resource,
                .alarm_id = (char *)"500.200",
                .severity = ALARM_MAJOR,
                .event_type = (char *)"operational-violation",
                .probable_cause = (char *)"certificate-expiration",
                .text = (char *)"The certificate expires soon.",
                .reason = (char *)"not after 2027-11-13T00:00:00Z",
                .repair_action = (char *)"Renew it.",
                .pass_id = (char *)"p1",
        };
}

static int raise_one(const Alarm *alarm, int64_t now)
{
        Error error = {};
        int r = alarm_raise(root_fd, DIR, alarm, now, &error);

        if (r < 0)
                fail_msg("%s", error.text);
        return r;
}

static AlarmList *list_all(void)
{
        AlarmList *list = NULL;
        Error error = {};

        if (alarm_list(root_fd, DIR, &list, &error) < 0)
                fail_msg("%s", error.text);
        return list;
}

static void test_file_is_as_documented(void **state)
{
        Alarm alarm = expiring("apiserver");
        struct stat st;

        assert_int_equal(raise_one(&alarm, NOW), 1);
        assert_content("/state/alarms/expiring@apiserver.json",
                "{\n"
                "  \"alarm_id\": \"500.200\",\n"
                "  \"count\": 1,\n"
                "  \"event_type\": \"operational-violation\",\n"
                "  \"pass_id\": \"p1\",\n"
                "  \"probable_cause\": \"certificate-expiration\",\n"
                "  \"reason\": \"not after 2027-11-13T00:00:00Z\",\n"
                "  \"repair_action\": \"Renew it.\",\n"
                "  \"resource\": \"apiserver\",\n"
                "  \"schema_version\": 1,\n"
                "  \"service_affecting\": false,\n"
                "  \"severity\": \"major\",\n"
                "  \"text\": \"The certificate expires soon.\",\n"
                "  \"time_changed\": \"2027-11-11T23:26:00Z\",\n"
                "  \"time_created\": \"2027-11-11T23:26:00Z\",\n"
                "  \"type\": \"expiring\"\n"
                "}\n");
        assert_int_equal(stat("state/alarms/expiring@apiserver.json", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(stat("state/alarms", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_raising_again_counts(void **state)
{
        Alarm alarm = expiring("apiserver");

        assert_int_equal(raise_one(&alarm, NOW), 1);
        alarm.pass_id = (char *)"p2";
        assert_int_equal(raise_one(&alarm, NOW + 100), 0);
        alarm.severity = ALARM_CRITICAL;
        assert_int_equal(raise_one(&alarm, NOW + 200), 1);
        alarm.text = (char *)"another\ntext";
        assert_int_equal(raise_one(&alarm, NOW + 300), 1);
        alarm.reason = (char *)"another\nreason";
        assert_int_equal(raise_one(&alarm, NOW + 400), 0);

        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, 1);
        assert_int_equal(list->alarms[0].time_created, NOW);
        assert_int_equal(list->alarms[0].time_changed, NOW + 300);
        assert_int_equal(list->alarms[0].count, 5);
        assert_int_equal(list->alarms[0].severity, ALARM_CRITICAL);
        assert_string_equal(list->alarms[0].pass_id, "p2");
        assert_string_equal(list->alarms[0].text, "another\\x0atext");
        assert_string_equal(list->alarms[0].reason, "another\\x0areason");
}

static void test_count_does_not_overflow(void **state)
{
        Alarm alarm = expiring("a");

        assert_int_equal(raise_one(&alarm, NOW), 1);
        put("state/alarms/expiring@a.json",
                "{\"schema_version\":1,\"type\":\"expiring\",\"alarm_id\":\"\",\"resource\":\"a\","
                "\"severity\":\"major\",\"event_type\":\"\",\"probable_cause\":\"\","
                "\"text\":\"The certificate expires soon.\",\"reason\":"
                "\"not after 2027-11-13T00:00:00Z\",\"repair_action\":\"\",\"pass_id\":\"\","
                "\"service_affecting\":true,\"time_created\":\"2027-01-01T00:00:00Z\","
                "\"time_changed\":\"2027-01-01T00:00:00Z\",\"count\":9223372036854775807}");
        assert_int_equal(raise_one(&alarm, NOW), 0);

        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, 1);
        assert_true(list->alarms[0].count == INT64_MAX);
}

static void test_t22_clearing_one_leaves_the_others(void **state)
{
        Alarm a = expiring("apiserver"), b = expiring("etcd-server"), c = expiring("apiserver");

        c.type = (char *)"renewal-failed";
        assert_int_equal(raise_one(&a, NOW), 1);
        assert_int_equal(raise_one(&b, NOW), 1);
        assert_int_equal(raise_one(&c, NOW), 1);
        assert_int_equal(alarm_clear(root_fd, DIR, "expiring", "apiserver", NULL), 1);
        assert_int_equal(alarm_clear(root_fd, DIR, "expiring", "apiserver", NULL), 0);
        assert_int_equal(alarm_clear(root_fd, DIR, "expired", "etcd-server", NULL), 0);

        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, 2);
        assert_string_equal(list->alarms[0].type, "expiring");
        assert_string_equal(list->alarms[0].resource, "etcd-server");
        assert_string_equal(list->alarms[1].type, "renewal-failed");
}

static void test_hostile_resources(void **state)
{
        static const struct {
                const char *resource, *file;
        } table[] = {
                {"admin.conf/kubernetes-admin", "expiring@admin.conf%2Fkubernetes-admin.json"},
                {"../../etc/shadow", "expiring@%2E.%2F..%2Fetc%2Fshadow.json"},
                {"", "expiring@.json"},
                {"a@b", "expiring@a%40b.json"},
                {"\xff\n", "expiring@%5Cxff%5Cx0a.json"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Alarm alarm = expiring(table[i].resource);
                autofree char *name = alarm_file_name("expiring", table[i].resource);
                autofree char *path = xasprintf("%s/%s", DIR, name);

                assert_string_equal(name, table[i].file);
                assert_int_equal(raise_one(&alarm, NOW), 1);
                assert_int_equal(raise_one(&alarm, NOW), 0);
                assert_true(fs_exists(root_fd, path));
        }

        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, ELEMENTSOF(table));
        assert_null(list->unreadable);
        for (size_t i = 0; i < list->n; i++)
                assert_int_equal(
                        alarm_clear(root_fd, DIR, "expiring", list->alarms[i].resource, NULL), 1);
}

/* Names have 255 bytes; two long resources with the same beginning are two alarms. */
static void test_long_resources(void **state)
{
        autofree char *a = xcalloc(1, 4001), *b = xcalloc(1, 4001);
        Alarm alarm;

        memset(a, '/', 4000);
        memset(b, '/', 4000);
        b[3999] = 'x';
        alarm = expiring(a);
        assert_int_equal(raise_one(&alarm, NOW), 1);
        alarm = expiring(b);
        assert_int_equal(raise_one(&alarm, NOW), 1);

        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, 2);
        assert_string_equal(list->alarms[0].resource, a);
        assert_string_equal(list->alarms[1].resource, b);
}

/* A file is never longer than what is read of one. */
static void test_nothing_is_too_long_to_be_read_again(void **state)
{
        autofree char *quotes = xcalloc(1, 100001), *umlauts = xcalloc(1, 100001);
        Alarm alarm = expiring(quotes);

        memset(quotes, '"', 100000);
        for (size_t i = 0; i < 100000; i += 2)
                memcpy(umlauts + i, "\xc3\xa4", 2);
        alarm.text = alarm.event_type = alarm.probable_cause = quotes;
        alarm.reason = alarm.repair_action = umlauts;
        assert_int_equal(raise_one(&alarm, NOW), 1);
        assert_int_equal(raise_one(&alarm, NOW), 0);
        quotes[99999] = 'x';
        assert_int_equal(raise_one(&alarm, NOW), 1);

        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, 2);
        assert_null(list->unreadable);
        assert_true(strlen(list->alarms[0].resource) <= 4096);

        /* By its name, and by what is left of it. */
        assert_int_equal(alarm_clear(root_fd, DIR, "expiring", quotes, NULL), 1);
        for (size_t i = 0; i < list->n; i++)
                (void)!alarm_clear(root_fd, DIR, "expiring", list->alarms[i].resource, NULL);
        autoptr(AlarmList) left = list_all();
        assert_int_equal(left->n, 0);
}

static void test_moving(void **state)
{
        Alarm alarm = expiring("admin.conf/x");

        assert_int_equal(
                alarm_move(root_fd, DIR, "/state/away", "expiring", "admin.conf/x", NULL), 0);
        assert_int_equal(raise_one(&alarm, NOW), 1);
        assert_int_equal(
                alarm_move(root_fd, DIR, "/state/away", "expiring", "admin.conf/x", NULL), 1);
        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, 0);

        /* Where both have one, the one that is there stays. */
        assert_int_equal(raise_one(&alarm, NOW + 1), 1);
        assert_int_equal(
                alarm_move(root_fd, DIR, "/state/away", "expiring", "admin.conf/x", NULL), 1);
        autoptr(AlarmList) away = NULL;
        assert_int_equal(alarm_list(root_fd, "/state/away", &away, NULL), 0);
        assert_int_equal(away->n, 1);
        assert_int_equal(away->alarms[0].time_created, NOW);
}

#define START "{\"schema_version\":1,\"type\":\"expiring\",\"resource\":\"a\","
#define REST                                                                                       \
        "\"alarm_id\":\"\",\"severity\":\"major\",\"event_type\":\"\",\"probable_cause\":\"\","    \
        "\"text\":\"\",\"reason\":\"\",\"repair_action\":\"\",\"pass_id\":\"\","                   \
        "\"service_affecting\":true,\"time_created\":\"2027-01-01T00:00:00Z\","                    \
        "\"time_changed\":\"2027-01-01T00:00:00Z\",\"count\":1}"

static void test_parse(void **state)
{
        static const struct {
                const char *data;
                bool good;
        } table[] = {
                {START REST, true},
                {"{\"schema_version\":1,\"type\":\"expiring\",\"resource\":\"\\u001b[2J\"," REST,
                        true},
                {"{\"schema_version\":2,\"type\":\"expiring\",\"resource\":\"a\"," REST, false},
                {"{\"type\":\"expiring\",\"resource\":\"a\"," REST, false},
                {"{\"schema_version\":1,\"type\":\"../x\",\"resource\":\"a\"," REST, false},
                {"{\"schema_version\":1,\"type\":\"\",\"resource\":\"a\"," REST, false},
                {"{\"schema_version\":1,\"type\":[],\"resource\":\"a\"," REST, false},
                {"{\"schema_version\":1,\"type\":\"expiring\",\"resource\":null," REST, false},
                {"{\"schema_version\":1,\"type\":\"expiring\"," REST, false},
                {START "\"count\":1," REST, false},
                {"", false},
                {"[]", false},
                {"null", false},
                {"{\"schema_version\":1}", false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Alarm alarm = {};
                Error error = {};
                int r = alarm_parse(table[i].data, strlen(table[i].data), &alarm, &error);

                if (r != (table[i].good ? 0 : -EBADMSG))
                        fail_msg("%zu: %d %s", i, r, error.text);
                assert_true((alarm.type != NULL) == table[i].good);
                if (r == 0)
                        assert_null(strchr(alarm.resource, '\033'));
                alarm_done(&alarm);
        }
}

/* Each member of the wrong kind, one by one. */
static void test_parse_wrong_members(void **state)
{
        static const char *const members[] = {"\"severity\":\"fatal\"", "\"severity\":3",
                "\"count\":0", "\"count\":-1", "\"count\":\"1\"", "\"service_affecting\":1",
                "\"time_created\":0", "\"time_changed\":\"soon\"", "\"text\":{}",
                "\"pass_id\":null"};

        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                autoptr(json_t) json = NULL;
                autoptr(json_t) wrong = NULL;
                autofree char *member = xasprintf("{%s}", members[i]);
                Alarm alarm = {};

                assert_int_equal(json_read(START REST, strlen(START REST), &json, NULL), 0);
                assert_int_equal(json_read(member, strlen(member), &wrong, NULL), 0);
                json_object_update(json, wrong);
                autofree char *text = json_text(json);
                assert_int_equal(alarm_parse(text, strlen(text), &alarm, NULL), -EBADMSG);
                assert_null(alarm.type);
        }
}

static void test_unreadable_files_are_counted_and_survive(void **state)
{
        Alarm alarm = expiring("a");
        char big[ALARM_FILE_SIZE_MAX + 2];

        assert_int_equal(raise_one(&alarm, NOW), 1);
        memset(big, ' ', sizeof(big) - 1);
        big[sizeof(big) - 1] = 0;
        put("state/alarms/expired@a.json", "{");
        put("state/alarms/expired@big.json", big);
        put("state/alarms/README", "what is this directory?");
        put("state/alarms/expired@stranger.json", START REST);
        put("state/alarms/.expiring@a.json.tmp", "half");
        assert_int_equal(mkfifo("state/alarms/expired@fifo.json", 0644), 0);
        assert_int_equal(mkdir("state/alarms/expired@directory.json", 0755), 0);
        assert_int_equal(symlink("/state/alarms/README", "state/alarms/expired@link.json"), 0);

        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, 1);
        assert_int_equal(strv_length(list->unreadable), 7);
        assert_string_equal(list->unreadable[0], "README");
        assert_content("/state/alarms/expired@a.json", "{");
        assert_content("/state/alarms/README", "what is this directory?");
}

static void test_an_unreadable_file_is_replaced(void **state)
{
        Alarm alarm = expiring("a");

        assert_int_equal(raise_one(&alarm, NOW - 1), 1);
        put("state/alarms/expiring@a.json", "{\"type\":");
        assert_int_equal(raise_one(&alarm, NOW), 1);

        autoptr(AlarmList) list = list_all();
        assert_int_equal(list->n, 1);
        assert_null(list->unreadable);
        assert_int_equal(list->alarms[0].time_created, NOW);
        assert_int_equal(list->alarms[0].count, 1);
}

/* A reader that has the file open keeps the old one whole. */
static void test_replacement_is_atomic(void **state)
{
        Alarm alarm = expiring("a"), old = {};
        char data[ALARM_FILE_SIZE_MAX];
        ssize_t n;

        assert_int_equal(raise_one(&alarm, NOW), 1);
        autofd int fd = open("state/alarms/expiring@a.json", O_RDONLY);
        alarm.text = (char *)"Something else.";
        assert_int_equal(raise_one(&alarm, NOW + 1), 1);
        n = read(fd, data, sizeof(data));
        assert_int_equal(alarm_parse(data, (size_t)n, &old, NULL), 0);
        assert_string_equal(old.text, "The certificate expires soon.");
        alarm_done(&old);
}

static void test_missing_directory_is_empty(void **state)
{
        autoptr(AlarmList) list = list_all();

        assert_int_equal(list->n, 0);
        assert_null(list->unreadable);
        assert_int_equal(alarm_clear(root_fd, DIR, "expiring", "a", NULL), 0);
        alarm_list_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_file_is_as_documented),
                SCRATCH_TEST(test_raising_again_counts),
                SCRATCH_TEST(test_count_does_not_overflow),
                SCRATCH_TEST(test_t22_clearing_one_leaves_the_others),
                SCRATCH_TEST(test_hostile_resources),
                SCRATCH_TEST(test_long_resources),
                SCRATCH_TEST(test_nothing_is_too_long_to_be_read_again),
                SCRATCH_TEST(test_moving),
                SCRATCH_TEST(test_parse),
                SCRATCH_TEST(test_parse_wrong_members),
                SCRATCH_TEST(test_unreadable_files_are_counted_and_survive),
                SCRATCH_TEST(test_an_unreadable_file_is_replaced),
                SCRATCH_TEST(test_replacement_is_atomic),
                SCRATCH_TEST(test_missing_directory_is_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
