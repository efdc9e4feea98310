/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/macro.h"
#include "base/memory.h"

#include <malloc.h>

#define LARGE ((size_t)8 << 10)
#define SMALL ((size_t)100)

static void test_what_shrinks_gives_back(void **state)
{
        char *p = xmalloc(LARGE);

        memory_protect();
        memset(p, 'x', LARGE);
        p = realloc(p, SMALL);
        assert_non_null(p);
        assert_in_range(malloc_usable_size(p), SMALL, LARGE / 2);
        for (size_t i = 0; i < SMALL; i++)
                assert_int_equal(p[i], 'x');
        free(p);
}

/* One by one, as arrays do here. */
static void test_what_grows_keeps_its_content(void **state)
{
        unsigned *numbers = NULL;

        for (unsigned i = 0; i < LARGE; i++) {
                numbers = xreallocarray(numbers, i + 1, sizeof(*numbers));
                numbers[i] = i;
        }
        for (unsigned i = 0; i < LARGE; i++)
                assert_int_equal(numbers[i], i);
        free(numbers);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_shrinks_gives_back),
                cmocka_unit_test(test_what_grows_keeps_its_content),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
