/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "pki/key-batch.h"

static void test_each_request_has_its_own_result(void **state)
{
        KeyRequest requests[40] = {};

        for (size_t i = 0; i < ELEMENTSOF(requests); i++)
                requests[i].kind = i % 5 == 0   ? KEY_KIND_NONE
                                   : i % 5 == 1 ? KEY_KIND_OTHER
                                                : KEY_KIND_ECDSA_P256;
        key_generate_all(requests, ELEMENTSOF(requests));
        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                if (requests[i].kind == KEY_KIND_ECDSA_P256) {
                        assert_int_equal(requests[i].error, 0);
                        assert_int_equal(key_kind(requests[i].key), KEY_KIND_ECDSA_P256);
                } else {
                        assert_null(requests[i].key);
                        assert_int_equal(requests[i].error,
                                requests[i].kind == KEY_KIND_NONE ? 0 : -ENOTSUP);
                }
                key_free(requests[i].key);
        }
}

static void test_nothing_to_do(void **state)
{
        KeyRequest none = {.kind = KEY_KIND_NONE};

        key_generate_all(&none, 0);
        key_generate_all(&none, 1);
        assert_null(none.key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_request_has_its_own_result),
                cmocka_unit_test(test_nothing_to_do),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
