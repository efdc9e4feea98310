/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/address.h"

static int sign(int n)
{
        return n > 0 ? 1 : n < 0 ? -1 : 0;
}

static void test_order(void **state)
{
        static const struct {
                const char *a, *b;
                int expected;
        } table[] = {
                {"192.0.2.1", "192.0.2.1", 0},
                {"192.0.2.9", "192.0.2.10", -1},
                {"::ffff:192.0.2.1", "192.0.2.1", 0},
                {"2001:db8::1", "2001:DB8:0:0::1", 0},
                {"2001:db8::1", "2001:db8::2", -1},
                {"cp1", "CP1", 0},
                {"cp1", "cp2", -1},
                {"cp1", "192.0.2.1", 1},
                {"192.0.2.01", "192.0.2.1", 1},
                {"", "::", 1},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                assert_int_equal(sign(address_compare(table[i].a, table[i].b)), table[i].expected);
                assert_int_equal(sign(address_compare(table[i].b, table[i].a)), -table[i].expected);
        }
}

static void test_loopback(void **state)
{
        static const char *const own[] = {"127.0.0.1", "127.8.8.8", "::1", "0:0::1",
                "::ffff:127.0.0.1", "localhost", "LOCALHOST"};
        static const char *const others[] = {
                "192.0.2.127", "128.0.0.1", "::2", "2001:db8::1", "localhost.example.org", ""};

        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                assert_true(address_is_loopback(own[i]));
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(address_is_loopback(others[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_loopback),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
