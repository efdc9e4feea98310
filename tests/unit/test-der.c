/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "pki/der.h"

static void test_next(void **state)
{
        static const struct {
                const char *bytes;
                size_t size;
                bool ok;
                size_t content, rest;
        } table[] = {
                {"\x05\x00", 2, true, 0, 0},
                {"\x04\x02xyz", 5, true, 2, 1},
                {"\x04\x81\x02xyz", 6, true, 2, 1},
                {"\x04\x84\x00\x00\x00\x01x", 7, true, 1, 0},
                {"", 0, false, 0, 0},
                {"\x04", 1, false, 0, 1},
                {"\x04\x02x", 3, false, 0, 3},
                {"\x04\x03xy", 4, false, 0, 4},
                {"\x04\x81", 2, false, 0, 2},
                {"\x04\x82\x01", 3, false, 0, 3},
                {"\x04\x80xx", 4, false, 0, 4},
                {"\x04\xff", 2, false, 0, 2},
                {"\x04\x84\xff\xff\xff\xffxyz", 9, false, 0, 9},
                {"\x04\x85\x00\x00\x00\x00\x01x", 8, false, 0, 8},
                {"\x1f\x01x", 3, false, 0, 3},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                /* Its own memory, so that a sanitizer sees a byte too many being read. */
                autofree unsigned char *copy = xmemdup(table[i].bytes, table[i].size);
                Der rest = {copy, table[i].size};
                DerElement element = {};

                if (der_next(&rest, &element) != table[i].ok || rest.size != table[i].rest)
                        fail_msg("%zu", i);
                if (!table[i].ok)
                        continue;
                assert_int_equal(element.tag, copy[0]);
                assert_int_equal(element.content.size, table[i].content);
                assert_ptr_equal(element.whole.data, copy);
                assert_int_equal(element.whole.size + rest.size, table[i].size);
        }
}

static void test_wrap(void **state)
{
        static const struct {
                size_t size, header;
        } table[] = {
                {0, 2}, {0x7f, 2}, {0x80, 3}, {0xff, 3}, {0x100, 4}, {0xffff, 4}, {0x10000, 5}};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree unsigned char *content = xcalloc(table[i].size, 1), *whole = NULL;
                DerElement element;
                size_t size;

                memset(content, 'x', table[i].size);
                whole = der_wrap(0x30, (Der){content, table[i].size}, &size);
                assert_int_equal(size, table[i].size + table[i].header);
                Der rest = {whole, size};
                assert_true(der_next(&rest, &element));
                assert_int_equal(element.tag, 0x30);
                assert_int_equal(rest.size, 0);
                assert_true(der_equal(element.content, (Der){content, table[i].size}));
        }
}

static void test_equal(void **state)
{
        const unsigned char a[] = "ab", b[] = "ac";

        assert_true(der_equal((Der){}, (Der){NULL, 0}));
        assert_true(der_equal((Der){a, 1}, (Der){b, 1}));
        assert_false(der_equal((Der){a, 2}, (Der){b, 2}));
        assert_false(der_equal((Der){a, 1}, (Der){a, 2}));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_next),
                cmocka_unit_test(test_wrap),
                cmocka_unit_test(test_equal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
