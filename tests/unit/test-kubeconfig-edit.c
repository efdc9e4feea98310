/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/fs.h"
#include "kubeconfig-property.h"
#include "kubeconfig-texts.h"

/* Replaces the certificate of user "u" with "new" and gives the text, or NULL and the error. */
static char *replace(const char *text, const char *user, int *ret_r, Error *error)
{
        KubeconfigEdit edit = {KUBECONFIG_CLIENT_CERTIFICATE, user, "new", 3};
        autoptr(Secret) fresh = NULL;

        *ret_r = kubeconfig_replace(text, strlen(text), &edit, 1, &fresh, error);
        return *ret_r < 0 ? NULL : xstrndup((char *)fresh->data, fresh->size);
}

/* Text before and after the certificate of user "u" becomes "new"; nothing else changes. */
static const struct {
        const char *before, *after;
} replaced[] = {
        /* plain, with a comment, the last line without an end */
        {"users:\n- name: u\n  user: # \xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91\n"
         "    client-certificate-data: Y2VydA== # old\n",
                "users:\n- name: u\n  user: # \xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91\n"
                "    client-certificate-data: bmV3 # old\n"},
        {"users: [{name: u, user: {client-certificate-data: Y2VydA==}}]",
                "users: [{name: u, user: {client-certificate-data: bmV3}}]"},
        /* quoted */
        {"users: [{name: 'u', user: {client-certificate-data: 'Y2VydA=='}}]",
                "users: [{name: 'u', user: {client-certificate-data: 'bmV3'}}]"},
        {"{\"users\":[{\"name\":\"u\",\"user\":{\"client-certificate-data\":\"Y2VydA==\"}}]}",
                "{\"users\":[{\"name\":\"u\",\"user\":{\"client-certificate-data\":\"bmV3\"}}]}"},
        /* over several lines */
        {"users:\n- name: u\n  user:\n    client-certificate-data:\n      Y2\n      VydA==\n# "
         "end\n",
                "users:\n- name: u\n  user:\n    client-certificate-data:\n      bmV3\n# end\n"},
        {"users:\n- name: u\n  user:\n    client-certificate-data: \"Y2\n      VydA==\"\n",
                "users:\n- name: u\n  user:\n    client-certificate-data: \"bmV3\"\n"},
        /* block scalars: header, indentation and last line breaks stay */
        {"users:\n- name: u\n  user:\n    client-certificate-data: | # a\n      Y2\n      VydA==\n"
         "    client-key-data: a2V5\n",
                "users:\n- name: u\n  user:\n    client-certificate-data: | # a\n      bmV3\n"
                "    client-key-data: a2V5\n"},
        {"users:\n- name: u\n  user:\n    client-certificate-data: >-\n      Y2VydA==\n\n\n",
                "users:\n- name: u\n  user:\n    client-certificate-data: >-\n      bmV3\n\n\n"},
        {"users:\n- name: u\n  user:\n    client-certificate-data: |+2\n\n      Y2VydA==\n\n...\n",
                "users:\n- name: u\n  user:\n    client-certificate-data: "
                "|+2\n\n      bmV3\n\n...\n"},
        /* CRLF, BOM, CR alone, the line breaks that only YAML 1.1 knows */
        {"\xef\xbb\xbfusers:\r\n- name: u\r\n  user:\r\n    client-certificate-data: Y2VydA==\r\n",
                "\xef\xbb\xbfusers:\r\n- name: u\r\n  user:\r\n    client-certificate-data: "
                "bmV3\r\n"},
        {"users:\r- name: u\r  user:\r    client-certificate-data: Y2VydA==\r",
                "users:\r- name: u\r  user:\r    client-certificate-data: bmV3\r"},
        {"# \xc2\x85# \xe2\x80\xa8# \xe2\x80\xa9users:\xc2\x85- name: u\xe2\x80\xa8  user: "
         "{client-certificate-data: Y2VydA==}\n",
                "# \xc2\x85# \xe2\x80\xa8# \xe2\x80\xa9users:\xc2\x85- name: u\xe2\x80\xa8  user: "
                "{client-certificate-data: bmV3}\n"},
        {"\xef\xbb\xbf# \xe2\x82\xac\r\n---\r\n\"users\":\r\n  - 'name': \"\\x75\"\r\n    user: "
         "{? client-certificate-data : Y2VydA==}\r\n...\r\n",
                "\xef\xbb\xbf# \xe2\x82\xac\r\n---\r\n\"users\":\r\n  - 'name': \"\\x75\"\r\n    "
                "user: {? client-certificate-data : bmV3}\r\n...\r\n"},
        /* what is elsewhere does not matter */
        {"defaults: &d {a: 1}\nother: *d\nmore: {<<: *d, a: 1, a: 2}\ntagged: !x y\n"
         "users:\n- &z {name: z}\n- *z\n- 7\n- name: u\n  user:\n"
         "    client-key-data: &k a2V5\n    client-certificate-data: Y2VydA==\n    token: *k\n",
                "defaults: &d {a: 1}\nother: *d\nmore: {<<: *d, a: 1, a: 2}\ntagged: !x y\n"
                "users:\n- &z {name: z}\n- *z\n- 7\n- name: u\n  user:\n"
                "    client-key-data: &k a2V5\n    client-certificate-data: bmV3\n    token: *k\n"},
        {"%YAML 1.1\n---\nusers: [{name: z, user: {client-certificate-data: Y2VydA==}},"
         " {name: u, user: {client-certificate-data: Y2VydA==}}]\n",
                "%YAML 1.1\n---\nusers: [{name: z, user: {client-certificate-data: Y2VydA==}},"
                " {name: u, user: {client-certificate-data: bmV3}}]\n"},
};

static void test_t26_one_scalar_changes_and_nothing_else(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(replaced); i++) {
                Error error = {};
                int r;
                autofree char *text = replace(replaced[i].before, "u", &r, &error);

                if (r < 0)
                        fail_msg("%zu: %s", i, error.text);
                assert_string_equal(text, replaced[i].after);
        }
}

static void test_t26_each_change_can_be_undone(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(replaced); i++) {
                const char *texts[] = {replaced[i].before, replaced[i].after};

                for (size_t k = 0; k < ELEMENTSOF(texts); k++) {
                        const char *why = kubeconfig_property(
                                (const unsigned char *)texts[k], strlen(texts[k]));

                        if (why)
                                fail_msg("%zu: %s", i, why);
                }
        }
}

/* What cannot be changed without doubt is refused, and the place is named. */
static const struct {
        const char *text;
        int r;
        const char *place;
} refused[] = {
        {"users: &a\n- {name: u, user: {" DATA "}}", -EOPNOTSUPP, "line 1, column 8: an anchor"},
        {"users:\n- &a {name: u, user: {" DATA "}}", -EOPNOTSUPP, "line 2, column 3: an anchor"},
        {"users:\n- {name: u, user: &a {" DATA "}}", -EOPNOTSUPP, "line 2, column 19: an anchor"},
        {"users:\n- {name: u, user: {client-certificate-data: &a Y2VydA==}}", -EOPNOTSUPP,
                "line 2, column 45: an anchor"},
        {"users:\n- {name: u, user: {client-certificate-data: !!str Y2VydA==}}", -EOPNOTSUPP,
                "line 2, column 45: a tag"},
        {"users: !!seq\n- {name: u, user: {" DATA "}}", -EOPNOTSUPP, "line 1, column 8: a tag"},
        {"x: &a Y2VydA==\nusers:\n- {name: u, user: {client-certificate-data: *a}}", -EOPNOTSUPP,
                "line 3, column 45: 'client-certificate-data' is an alias"},
        {"x: &a {" DATA "}\nusers:\n- {name: u, user: *a}", -EOPNOTSUPP,
                "line 3, column 19: 'user' is an alias"},
        {"x: &a [{name: u, user: {" DATA "}}]\nusers: *a", -EOPNOTSUPP,
                "line 2, column 8: 'users' is an alias"},
        {"x: &a {" DATA "}\nusers:\n- {name: u, user: {<<: *a}}", -EOPNOTSUPP,
                "line 3, column 20: a merge key"},
        {"x: &a b\nusers:\n- {name: u, user: {*a : 1, " DATA "}}", -EOPNOTSUPP,
                "line 3, column 20: an alias for a key"},
        {"users:\n- {name: u, user: {!!str x: 1, " DATA "}}", -EOPNOTSUPP,
                "line 2, column 20: a key with a tag"},
        {"users:\n- {name: u, user: {" DATA "}}\n---\nusers: []\n", -EOPNOTSUPP,
                "line 3, column 1: a second document"},
        {"users: [{name: u, user: {" DATA "}}]\nusers: []\n", -ENOTUNIQ,
                "line 2, column 1: 'users' is there twice, first in line 1"},
        {"users:\n- {name: u, name: u, user: {" DATA "}}", -ENOENT, "there is no user 'u'"},
        {"users:\n- {name: u, user: {}, user: {" DATA "}}", -ENOTUNIQ,
                "line 2, column 23: 'user' is there twice, first in line 2"},
        {"users:\n- {name: u, user: {" DATA ", " DATA "}}", -ENOTUNIQ, "line 2, column 55: "},
        {"users:\n- {name: u, user: {" DATA "}}\n- {name: u}\n", -ENOTUNIQ,
                "line 2, column 3: the user 'u' is there twice, also in line 3"},
        {"users: []", -ENOENT, "there is no user 'u'"},
        {"users:\n- {name: u, user: {}}", -ENOENT, "line 2, column 3: 'u' has no "},
        {"users:\n- {name: u, user: {client-certificate-data: }}", -ENOENT, "line 2, column 3: "},
        {"users:\n- {name: u, user: {client-certificate-data: ''}}", -ENOENT, "line 2, column 3: "},
        {"users:\n- {name: u, user: null}", -ENOENT, "line 2, column 3: 'u' has no "},
        {"users:\n- {name: u, user: [1]}", -EBADMSG, "line 2, column 19: 'user' is no mapping"},
        {"users:\n- {name: u, user: {client-certificate-data: [1]}}", -EBADMSG,
                "line 2, column 45: 'client-certificate-data' is no scalar"},
        {"users:\n- {name: u, user: {client-certificate-data: \"Y2Vyd\\x41==\"}}", -EOPNOTSUPP,
                "line 2, column 45: the way this value is written"},
        {"users: {name: u}", -EBADMSG, "line 1, column 8: 'users' is no list"},
        {"users", -EBADMSG, "line 1, column 1: "},
        {"- users", -EBADMSG, "line 1, column 1: "},
        {"\xff\xfe"
         "u",
                -EOPNOTSUPP, "line 1, column 1: UTF-16"},
        {"\xfe\xff"
         "u",
                -EOPNOTSUPP, "line 1, column 1: UTF-16"},
        {"users: [", -EBADMSG, "line 2, column 1: "},
        {"a: 1\n  b: 2\n", -EBADMSG, "line 2, column 4: "},
        {"a: 1\nb: \xff\n", -EBADMSG, "line 2, column 4: "},
        {"# \xe2\x82\xac\nb: \x01", -EBADMSG, "line 2, column 4: "},
        {"", -EBADMSG, "line 1, column 1: an empty document"},
        {"# nothing\n", -EBADMSG, "line 1, column 1: an empty document"},
};

static void test_t26_refusals_name_line_and_column(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                Error error = {};
                int r;
                autofree char *text = replace(refused[i].text, "u", &r, &error);

                assert_null(text);
                if (r != refused[i].r || !starts_with(error.text, refused[i].place))
                        fail_msg("%zu: %d, %s", i, r, error.text);
        }
}

static void test_t26_one_mebibyte(void **state)
{
        static const char tail[] = "- {name: u, user: {" DATA "}}\n";
        size_t size, head;
        autofree char *many = repeat("# \xc3\xbc\r\nusers:\n",
                "- {name: \"\xe2\x82\xac@\", user: {" DATA ", client-key-data: a2V5}} # "
                "\xf0\x9f\x94\x91 0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
                "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\r\n",
                4095, &size);
        autofree char *text = xasprintf("%s%s", many, tail);
        Error error = {};
        int r;
        autofree char *fresh = replace(text, "u", &r, &error);

        assert_true(size > (size_t)1 << 20);
        if (r < 0)
                fail_msg("%s", error.text);
        head = size + strlen(tail) - strlen("Y2VydA==}}\n");
        assert_memory_equal(fresh, text, head);
        assert_string_equal(fresh + head, "bmV3}}\n");
        assert_null(kubeconfig_property((const unsigned char *)text, strlen(text)));
}

/* It would be one that nobody can read. */
static void test_text_that_would_become_too_long(void **state)
{
        static const char head[] = "users:\n- {name: u, user: {" DATA "}}\n#";
        autofree char *text = xmalloc(FS_SIZE_MAX + 1);
        unsigned char certificate[64] = "";
        KubeconfigEdit edit = {
                KUBECONFIG_CLIENT_CERTIFICATE, "u", certificate, sizeof(certificate)};
        autoptr(Secret) fresh = NULL;
        Error error = {};

        memset(text, ' ', FS_SIZE_MAX);
        memcpy(text, head, strlen(head));
        text[FS_SIZE_MAX] = 0;
        assert_int_equal(kubeconfig_replace(text, FS_SIZE_MAX, &edit, 1, &fresh, &error), -EFBIG);
        assert_true(starts_with(error.text, "the changed text cannot be read: larger than "));
        assert_null(fresh);
}

static void check_genuine(const char *name)
{
        size_t size;
        autofree char *text = read_data_file(name, &size);

        assert_null(kubeconfig_property((const unsigned char *)text, size));
}

static void test_genuine_files_keep_all_other_bytes(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(genuine); i++)
                check_genuine(genuine[i]);
        check_genuine("v1.36.0/ecdsa-p256/etc-kubernetes/super-admin.conf");
}

static void test_i4_certificate_and_key_change_together(void **state)
{
        static const char expected[] = "    client-certificate-data: bmV3\n"
                                       "    client-key-data: bmV3ZXI=\n";
        KubeconfigEdit edits[] = {
                {KUBECONFIG_CLIENT_KEY, "u", "newer", 5},
                {KUBECONFIG_CERTIFICATE_AUTHORITY, "c", "ca and more", 11},
                {KUBECONFIG_CLIENT_CERTIFICATE, "u", "new", 3},
        };
        autoptr(Secret) fresh = NULL;
        autoptr(Secret) copy = NULL;
        autoptr(Kubeconfig) config = NULL;

        assert_int_equal(kubeconfig_replace(simple, strlen(simple), edits, 3, &fresh, NULL), 0);
        assert_non_null(memmem(fresh->data, fresh->size, expected, strlen(expected)));
        assert_int_equal(kubeconfig_parse(fresh->data, fresh->size, &config, NULL), 0);
        assert_memory_equal(config->clusters[0].ca, "ca and more", 11);
        assert_string_equal(config->clusters[0].server, "https://192.0.2.10:6443");

        assert_int_equal(kubeconfig_replace(simple, strlen(simple), NULL, 0, &copy, NULL), 0);
        assert_int_equal(copy->size, strlen(simple));
        assert_memory_equal(copy->data, simple, copy->size);
}

static void test_senseless_edits_are_refused(void **state)
{
        KubeconfigEdit twice[] = {
                {KUBECONFIG_CLIENT_KEY, "u", "a", 1},
                {KUBECONFIG_CLIENT_KEY, "u", "b", 1},
        };
        KubeconfigEdit empty = {KUBECONFIG_CLIENT_KEY, "u", "", 0};
        Secret *fresh = NULL;

        assert_int_equal(
                kubeconfig_replace(simple, strlen(simple), twice, 2, &fresh, NULL), -EINVAL);
        assert_int_equal(
                kubeconfig_replace(simple, strlen(simple), &empty, 1, &fresh, NULL), -EINVAL);
        assert_null(fresh);
}

/* T43: a kubeconfig's CA data may hold two roots; renewing the user leaves them alone. */
static void test_t43_both_roots_stay(void **state)
{
        autofree char *roots = base64_encode("root 1\nroot 2\n", 14);
        autofree char *text =
                xasprintf("clusters: [{name: c, cluster: {certificate-authority-data: %s}}]\n"
                          "users: [{name: u, user: {" DATA "}}]\n",
                        roots);
        autoptr(Kubeconfig) config = NULL;
        int r;
        autofree char *fresh = replace(text, "u", &r, NULL);

        assert_int_equal(r, 0);
        config = parse(fresh);
        assert_int_equal(config->clusters[0].ca_size, 14);
        assert_memory_equal(config->clusters[0].ca, "root 1\nroot 2\n", 14);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t26_one_scalar_changes_and_nothing_else),
                cmocka_unit_test(test_t26_each_change_can_be_undone),
                cmocka_unit_test(test_t26_refusals_name_line_and_column),
                cmocka_unit_test(test_t26_one_mebibyte),
                cmocka_unit_test(test_text_that_would_become_too_long),
                cmocka_unit_test(test_genuine_files_keep_all_other_bytes),
                cmocka_unit_test(test_i4_certificate_and_key_change_together),
                cmocka_unit_test(test_senseless_edits_are_refused),
                cmocka_unit_test(test_t43_both_roots_stay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
