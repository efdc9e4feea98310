/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/digest.h"

#define HEX_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_sha256_of_fips_examples(void **state)
{
        static const struct {
                const char *text, *hex;
        } table[] = {
                {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"abc", HEX_OF_ABC},
                {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Digest digest = digest_of(table[i].text, strlen(table[i].text));
                char hex[DIGEST_HEX_SIZE];

                digest_format(&digest, hex);
                assert_string_equal(hex, table[i].hex);
        }
}

static void test_parse_reverses_format(void **state)
{
        Digest abc = digest_of("abc", 3), other = digest_of("abd", 3), parsed;

        assert_int_equal(digest_parse(HEX_OF_ABC, &parsed), 0);
        assert_true(digest_equal(&parsed, &abc));
        assert_false(digest_equal(&parsed, &other));
}

static void test_parse_refuses_what_is_no_digest(void **state)
{
        static const char *const table[] = {
                "",
                "ba78",
                (HEX_OF_ABC "0"),
                ("g" HEX_OF_ABC),
                /* 64 characters each */
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a ",
                " ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag",
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Digest digest;

                assert_int_equal(digest_parse(table[i], &digest), -EINVAL);
        }
}

static void test_base64_of_rfc_examples(void **state)
{
        static const struct {
                const char *text, *base64;
        } table[] = {
                {"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"},
                {"\xff\xfe\xfd", "//79"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = base64_encode(table[i].text, strlen(table[i].text));
                autofree unsigned char *data = NULL;
                size_t size;

                assert_string_equal(text, table[i].base64);
                assert_int_equal(base64_decode(text, strlen(text), &data, &size), 0);
                assert_int_equal(size, strlen(table[i].text));
                assert_memory_equal(data, table[i].text, size);
                assert_int_equal(data[size], 0);
        }
}

static void test_base64_accepts_white_space(void **state)
{
        static const char text[] = " Zm9v\r\n\tYmFy\n";
        autofree unsigned char *data = NULL;
        size_t size;

        assert_int_equal(base64_decode(text, strlen(text), &data, &size), 0);
        assert_int_equal(size, 6);
        assert_string_equal((char *)data, "foobar");
}

static void test_base64_refuses_the_rest(void **state)
{
        static const struct {
                const char *text;
                size_t length;
        } table[] = {
                {"Z", 1},
                {"Zg", 2},
                {"Zg=", 3},
                {"Zg===", 5},
                {"Zh==", 4}, /* bits left over */
                {"Zg==Zg==", 8},
                {"Zm9v-_", 6},
                {"Zm9v\0", 5},
                {"====", 4},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                unsigned char *data = NULL;
                size_t size;

                assert_int_equal(
                        base64_decode(table[i].text, table[i].length, &data, &size), -EINVAL);
                assert_null(data);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sha256_of_fips_examples),
                cmocka_unit_test(test_parse_reverses_format),
                cmocka_unit_test(test_parse_refuses_what_is_no_digest),
                cmocka_unit_test(test_base64_of_rfc_examples),
                cmocka_unit_test(test_base64_accepts_white_space),
                cmocka_unit_test(test_base64_refuses_the_rest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
