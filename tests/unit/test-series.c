/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/report/series.h"

#define OCTETS_16 "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
#define OCTETS_64 OCTETS_16 OCTETS_16 OCTETS_16 OCTETS_16

static void test_serial_in_decimal(void **state)
{
        static const struct {
                const char *hex, *decimal;
        } table[] = {
                {"0", "0"},
                {"00", "0"},
                {"0A", "10"},
                {"ff", "255"},
                {"0A9AC7D9E8E56978", "764142825521899896"},
                {"7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
                        "730750818665451459101842416358141509827966271487"},
                {OCTETS_64, "134078079299425970995740249982058461274793658205923933777235614437"
                            "217640300735469768018742981669034276900318581864860508537538828119"
                            "46569946433649006084095"},
                {"", ""},
                {"12G4", "12G4"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *decimal = serial_to_decimal(table[i].hex);

                assert_string_equal(decimal, table[i].decimal);
        }
}

static void test_serial_that_is_too_long_stays(void **state)
{
        char hex[4096 + 1];

        memset(hex, 'F', sizeof(hex) - 1);
        hex[sizeof(hex) - 1] = 0;
        autofree char *decimal = serial_to_decimal(hex);
        assert_string_equal(decimal, hex);
}

static void test_attributes_of_a_name(void **state)
{
        static const struct {
                const char *dn, *type, *value;
        } table[] = {
                {"CN=kubernetes", "CN", "kubernetes"},
                {"CN=kubernetes-admin,O=system:masters", "O", "system:masters"},
                {"CN=kubernetes-admin,O=system:masters", "CN", "kubernetes-admin"},
                {"CN=kubernetes-admin,O=system:masters", "OU", NULL},
                {"CN=x,OU=unit", "O", NULL},
                {"CN=x,OU=unit", "C", NULL},
                {"CN=a\\,O=b,O=c", "CN", "a,O=b"},
                {"CN=a\\,O=b,O=c", "O", "c"},
                {"CN=a\\\\,O=b", "CN", "a\\"},
                {"CN=a\\\\,O=b", "O", "b"},
                {"CN=\\ a b\\ ,O=b", "CN", " a b "},
                {"CN=\\\"a\\\"\\+\\;\\<\\>\\=\\#", "CN", "\"a\"+;<>=#"},
                {"CN=M\\C3\\BCller", "CN", "M\xc3\xbcller"},
                {"CN=bell\\x07", "CN", "bell\\x07"},
                {"CN=a+O=b,C=DE", "O", "b"},
                {"CN=a+O=b,C=DE", "C", "DE"},
                {"O=last,O=first", "O", "first"},
                {"CN=", "CN", ""},
                {"CN", "CN", NULL},
                {",,CN=x", "CN", "x"},
                {"CN=x\\", "CN", "x\\"},
                {"CN=x\\4", "CN", "x\\4"},
                {"", "CN", NULL},
                {NULL, "CN", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *value = dn_attribute(table[i].dn, table[i].type);

                print_message("# %s of %s\n", table[i].type, table[i].dn ? table[i].dn : "nothing");
                if (table[i].value)
                        assert_string_equal(value, table[i].value);
                else
                        assert_null(value);
        }
}

static Row file_row(const char *path, const char *sha256)
{
        return (Row){.filename = strrchr(path, '/') + 1,
                .path = (char *)path,
                .subject_dn = (char *)"CN=kubernetes",
                .issuer_dn = (char *)"CN=kubernetes",
                .serial = (char *)"00",
                .sha256 = (char *)sha256,
                .not_after = 1};
}

#define CA_LABELS                                                                                  \
        "filename=\"ca.crt\",filepath=\"/pki/ca.crt\",issuer_CN=\"kubernetes\","                   \
        "serial_number=\"0\",subject_CN=\"kubernetes\""

static void assert_series(Row *rows, size_t n_rows, const char *const *expected)
{
        const Rows all = {rows, n_rows};
        size_t n;
        Series *series = series_of_rows(&all, &n);

        for (size_t i = 0; expected[i]; i++) {
                assert_true(i < n);
                assert_string_equal(series[i].labels, expected[i]);
        }
        assert_null(expected[n]);
        series_free(series, n);
}

static void test_every_label(void **state)
{
        Row row = {
                .filename = "admin.conf",
                .path = "/etc/kubernetes/admin.conf",
                .embedded_kind = "user",
                .embedded_key = "kubernetes-admin",
                .subject_dn = "CN=c,OU=ou,O=o,L=l,ST=st,C=DE",
                .issuer_dn = "CN=ic,OU=iou,O=io,L=il,ST=is,C=AT",
                .serial = "FF",
                .sha256 = "ab",
                .not_after = 1,
        };

        assert_series(&row, 1,
                (const char *[]){
                        "embedded_key=\"kubernetes-admin\",embedded_kind=\"user\","
                        "filename=\"admin.conf\",filepath=\"/etc/kubernetes/admin.conf\","
                        "issuer_C=\"AT\",issuer_CN=\"ic\",issuer_L=\"il\",issuer_O=\"io\","
                        "issuer_OU=\"iou\",issuer_ST=\"is\",serial_number=\"255\","
                        "subject_C=\"DE\",subject_CN=\"c\",subject_L=\"l\",subject_O=\"o\","
                        "subject_OU=\"ou\",subject_ST=\"st\"",
                        NULL});
}

/* A CA's renewal beside it in one file, both with kubeadm's serial number 0. */
static void test_alike_and_not_the_same(void **state)
{
        Row rows[] = {
                file_row("/pki/ca.crt", "bbbbbbbbbbbb"),
                file_row("/pki/ca.crt", "aaaaaaaaaaaa"),
                file_row("/pki/ca.crt", "bbbbbbbbbbbb"),
                file_row("/pki/b.crt", "aaaaaaaaaaaa"),
        };

        assert_series(rows, ELEMENTSOF(rows),
                (const char *[]){
                        "filename=\"b.crt\",filepath=\"/pki/b.crt\",issuer_CN=\"kubernetes\","
                        "serial_number=\"0\",subject_CN=\"kubernetes\"",
                        "discriminator=\"aaaaaaaa\"," CA_LABELS,
                        "discriminator=\"bbbbbbbb\"," CA_LABELS, NULL});
}

static void test_twice_in_a_file_is_once(void **state)
{
        Row rows[] = {file_row("/pki/ca.crt", "aa"), file_row("/pki/ca.crt", "aa"),
                file_row("/pki/ca.crt", "aa")};

        assert_series(rows, ELEMENTSOF(rows), (const char *[]){CA_LABELS, NULL});
}

static void test_t05_what_was_not_read_has_none(void **state)
{
        Row rows[] = {{.name = "apiserver", .path = "/pki/apiserver.crt", .missing = true}};

        assert_series(rows, 1, (const char *[]){NULL});
        assert_series(NULL, 0, (const char *[]){NULL});
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_serial_in_decimal),
                cmocka_unit_test(test_serial_that_is_too_long_stays),
                cmocka_unit_test(test_attributes_of_a_name),
                cmocka_unit_test(test_every_label),
                cmocka_unit_test(test_alike_and_not_the_same),
                cmocka_unit_test(test_twice_in_a_file_is_once),
                cmocka_unit_test(test_t05_what_was_not_read_has_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
