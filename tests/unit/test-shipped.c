/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/fs.h"
#include "renew/unit/shipped.h"

static char *text_of(const char *name)
{
        autofd int root_fd = fs_open_root(getenv("SRCDIR"), NULL);
        autofree char *path = xasprintf("/systemd/%s", name);
        autoptr(FileImage) file = NULL;

        assert_int_equal(fs_read_file(root_fd, path, FS_SIZE_MAX, &file, NULL), 0);
        return xstrdup((const char *)file->data);
}

/* The words of all lines "key=…", each without the prefix. */
static char **values_of(const char *text, const char *key, const char *prefix)
{
        autofree char *copy = xstrdup(text), *start = xasprintf("%s=", key);
        char **values = NULL, *lines = NULL, *words = NULL;

        for (char *line = strtok_r(copy, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
                if (!starts_with(line, start))
                        continue;
                for (char *word = strtok_r(line + strlen(start), " ", &words); word;
                        word = strtok_r(NULL, " ", &words))
                        if (starts_with(word, prefix))
                                strv_add(&values, word + strlen(prefix));
        }
        return values;
}

static void assert_same(char *const *values, const char *const *expected)
{
        assert_int_equal(strv_length(values), strv_length((char *const *)expected));
        for (; *expected; expected++)
                if (!strv_contains(values, *expected))
                        fail_msg("'%s' is not in the unit", *expected);
}

static int64_t span_of(const char *text, const char *key)
{
        autostrv values = values_of(text, key, "");
        autofree char *value = strv_join(values, " ");
        int64_t span = -1;

        assert_int_equal(span_parse(value, &span), 0);
        return span;
}

static void test_service(void **state)
{
        autofree char *text = text_of(SERVICE_UNIT ".in");
        autostrv writable = values_of(text, "ReadWritePaths", "-");
        autostrv states = values_of(text, "StateDirectory", "");
        autostrv after = values_of(text, "After", "");

        for (char **directory = states; directory && *directory; directory++)
                strv_take(&writable, xasprintf("/var/lib/%s", *directory));
        assert_same(writable, shipped_units.writable);
        /* Whether there is work is not for systemd to say: only the layouts know. */
        assert_null(strstr(text, "\nCondition"));
        /* Of those who read certificates it waits for the kubelet alone, which needs none of ours.
         */
        for (char **unit = after; *unit; unit++)
                assert_true(streq(*unit, "kubelet.service") ||
                            !strv_contains((char *const *)shipped_units.readers, *unit));
        assert_int_equal(span_of(text, "TimeoutStartSec"), shipped_units.timeout);
}

static void test_recover_service(void **state)
{
        autofree char *text = text_of(RECOVER_UNIT ".in");
        size_t n_conditions = 0, n_signs = 0;
        autostrv units = values_of(text, "Before", "");

        for (const char *at = text; (at = strstr(at, "\nCondition")); at++)
                n_conditions++;
        for (const UnfinishedSign *sign = shipped_units.unfinished; sign->key; sign++) {
                autofree char *line =
                        xasprintf("\n%s=|/var/lib/kube-renewd/%s\n", sign->key, sign->name);

                assert_non_null(strstr(text, line));
                n_signs++;
        }
        assert_int_equal(n_conditions, n_signs);
        for (const char *const *reader = shipped_units.readers; *reader; reader++)
                assert_true(strv_contains(units, *reader));
        for (char **unit = units; *unit; unit++)
                assert_true(streq(*unit, SERVICE_UNIT) ||
                            strv_contains((char *const *)shipped_units.readers, *unit));
}

static void test_timer(void **state)
{
        autofree char *text = text_of(TIMER_UNIT);

        autostrv calendar = values_of(text, "OnCalendar", "");
        autofree char *joined = strv_join(calendar, " ");

        assert_string_equal(joined, "*-*-* 00:00:00");
        assert_int_equal(shipped_units.interval, DAY);
        assert_int_equal(span_of(text, "RandomizedDelaySec"), shipped_units.delay);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_service),
                cmocka_unit_test(test_recover_service),
                cmocka_unit_test(test_timer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
