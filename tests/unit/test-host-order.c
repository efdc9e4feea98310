/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/restart/host-order.h"

/* By the names of etcd's members, whatever the node is called. */
static void test_place_by_names(void **state)
{
        static const struct {
                const char *self, *node;
                unsigned number;
        } table[] = {{NULL, "a", 0}, {NULL, "b", 1}, {NULL, "z", 3}, {NULL, NULL, 3}, {"c", "a", 2},
                {"gone", "a", 3}};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const Cluster known = {
                        .members = (char *[]){(char *)"a", (char *)"b", (char *)"c", NULL},
                        .self = (char *)table[i].self};
                HostPlace place = host_order_place(&known, table[i].node, "192.0.2.1");

                assert_int_equal(place.number, table[i].number);
                assert_int_equal(place.n, 4);
        }
}

/* By the addresses of the API servers, where etcd is elsewhere. */
static void test_place_by_addresses(void **state)
{
        static const struct {
                const char *address;
                unsigned number;
        } table[] = {{"192.0.2.1", 0}, {"::ffff:192.0.2.2", 1}, {"192.0.2.10", 2}, {"192.0.2.3", 3},
                {NULL, 3}};
        const Cluster known = {.servers = (ClusterServer[]){{(char *)"192.0.2.10", 6443, 0, false},
                                       {(char *)"192.0.2.1", 6443, 0, false},
                                       {(char *)"192.0.2.2", 6443, 0, false}},
                .n = 3};
        const Cluster nobody = {};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                HostPlace place = host_order_place(&known, "x", table[i].address);

                assert_int_equal(place.number, table[i].number);
                assert_int_equal(place.n, 4);
        }
        assert_int_equal(host_order_place(&nobody, "x", "192.0.2.1").n, 0);
}

/* However their clocks differ, as long as that is less than half a part. */
static void test_no_two_at_once(void **state)
{
        static const struct {
                unsigned n;
                int64_t span, part;
        } table[] = {{4, 900, 120}, {4, 240, 60}, {6, 900, 120}, {11, 900, 81}, {1, 900, 120},
                {4, 3, 1}};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const int64_t rotation = table[i].part * table[i].n, skew = table[i].part / 2 - 1;

                for (unsigned number = 0; number < table[i].n; number++) {
                        HostPlace place = {number, table[i].n};
                        HostPlace next = {(number + 1) % table[i].n, table[i].n};
                        int64_t due = 0;

                        for (int64_t t = 0; t < rotation; t++) {
                                if (!host_order_is_due(place, t, table[i].span))
                                        continue;
                                due++;
                                assert_int_equal(t / table[i].part, number);
                                for (int64_t s = -skew; table[i].n > 1 && s <= skew; s++)
                                        assert_false(host_order_is_due(
                                                next, t + rotation + s, table[i].span));
                        }
                        assert_int_equal(due, (table[i].part + 1) / 2);
                }
        }
        assert_false(host_order_is_due((HostPlace){}, 1000, 900));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_place_by_names),
                cmocka_unit_test(test_place_by_addresses),
                cmocka_unit_test(test_no_two_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
