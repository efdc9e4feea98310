/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/fs.h"
#include "kube/manifest-edit.h"
#include "kube/manifest.h"

#define HEAD "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    "

/* "--flag" of container "c" from "/old" to the new value; the text, or NULL and the error. */
static char *replace_with(const char *text, const char *new_value, int *ret_r, Error *error)
{
        char *fresh = NULL;
        size_t size = 0;

        *ret_r = manifest_replace_argument(
                text, strlen(text), "c", "--flag", "/old", new_value, &fresh, &size, error);
        if (*ret_r >= 0)
                assert_int_equal(strlen(fresh), size);
        return fresh;
}

static char *replace(const char *text, int *ret_r, Error *error)
{
        return replace_with(text, "/new/longer", ret_r, error);
}

static const struct {
        const char *before, *after;
} replaced[] = {
        /* block lists: in one word and in two, of command and of args */
        {HEAD "command:\n    - prog\n    - --flag=/old\n    - --other=/old\n",
                HEAD "command:\n    - prog\n    - --flag=/new/longer\n    - --other=/old\n"},
        {HEAD "command: [prog]\n    args:\n    - --flag\n    - /old # why\n    - --x\n", HEAD
                "command: [prog]\n    args:\n    - --flag\n    - /new/longer # why\n    - --x\n"},
        {HEAD "args: [--x, -flag=/old]\n", HEAD "args: [--x, -flag=/new/longer]\n"},
        {HEAD "args: [-flag, /old]\n", HEAD "args: [-flag, /new/longer]\n"},
        {HEAD "args: [/old]\n    command: [prog, --flag]\n",
                HEAD "args: [/new/longer]\n    command: [prog, --flag]\n"},
        /* quotes */
        {HEAD "args: ['--flag=/old', \"--flags=/old\"]\n",
                HEAD "args: ['--flag=/new/longer', \"--flags=/old\"]\n"},
        {HEAD "args: [\"--flag=/old\"]", HEAD "args: [\"--flag=/new/longer\"]"},
        {HEAD "args: [\"--flag\", '/old']", HEAD "args: [\"--flag\", '/new/longer']"},
        {HEAD "args: [\"--f\\x6cag\", '/old']", HEAD "args: [\"--f\\x6cag\", '/new/longer']"},
        {HEAD "args:\n    - >-\n      --flag=/old\n",
                HEAD "args:\n    - >-\n      --flag=/new/longer\n"},
        {"{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":"
         "\"c\","
         "\"command\":[\"prog\",\"--flag=/old\"]}]}}",
                "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{"
                "\"name\":"
                "\"c\",\"command\":[\"prog\",\"--flag=/new/longer\"]}]}}"},
        /* CRLF, a byte order mark, characters of several bytes, no end of the last line */
        {"\xef\xbb\xbf# \xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91\r\nspec:\r\n  containers:\r\n  - "
         "name: "
         "c # \xc3\xbc\r\n    args:\r\n    - --flag=/old",
                "\xef\xbb\xbf# \xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91\r\nspec:\r\n  containers:\r\n  "
                "- "
                "name: c # \xc3\xbc\r\n    args:\r\n    - --flag=/new/longer"},
        /* other containers, other places, and what is odd there */
        {"spec:\n  initContainers:\n  - {name: c, args: [--flag=/old]}\n  volumes: &v [*x]\n"
         "  containers:\n  - {name: b, args: [&a --flag=/old, *a]}\n"
         "  - {name: c, env: *v, args: [!x y, --flag=/old]}\n",
                "spec:\n  initContainers:\n  - {name: c, args: [--flag=/old]}\n  volumes: &v [*x]\n"
                "  containers:\n  - {name: b, args: [&a --flag=/old, *a]}\n"
                "  - {name: c, env: *v, args: [!x y, --flag=/new/longer]}\n"},
        {HEAD "command: [sh, -c, exec prog]\n    args: [--flag=/old]\n",
                HEAD "command: [sh, -c, exec prog]\n    args: [--flag=/new/longer]\n"},
};

static void test_one_value_changes_and_nothing_else(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(replaced); i++) {
                Error error = {};
                int r;
                autofree char *text = replace(replaced[i].before, &r, &error);

                if (r < 0)
                        fail_msg("%zu: %s", i, error.text);
                assert_string_equal(text, replaced[i].after);
        }
}

static void test_putting_the_old_value_back_gives_the_old_file(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(replaced); i++) {
                const char *after = replaced[i].after;
                autofree char *text = NULL;
                size_t size;

                assert_int_equal(manifest_replace_argument(after, strlen(after), "c", "--flag",
                                         "/new/longer", "/old", &text, &size, NULL),
                        0);
                assert_string_equal(text, replaced[i].before);
        }
}

static const struct {
        const char *text;
        int r;
        const char *place;
} refused[] = {
        {HEAD "args: [--flag=/else]", -ESTALE,
                "line 6, column 12: '--flag' is '/else', not '/old'"},
        {HEAD "args: [--flag=]", -ESTALE, "line 6, column 12: '--flag' is '', not '/old'"},
        {HEAD "args: [--flag, --x, /old]", -ENOENT,
                "line 6, column 12: the container 'c' has no value behind '--flag'"},
        {HEAD "args: [--x]\n    command: [--flag]", -ENOENT,
                "line 7, column 15: the container 'c' has no value behind '--flag'"},
        {HEAD "args: [--flags=/old, flag=/old]", -ENOENT,
                "line 5, column 5: the container 'c' has no flag '--flag'"},
        {HEAD "args: [--flag=/old, --flag=/old]", -ENOTUNIQ,
                "line 6, column 25: '--flag' is there twice, also in line 6"},
        {HEAD "args: [--flag, /old]\n    command: [-flag=/old]", -ENOTUNIQ,
                "line 6, column 12: '--flag' is there twice, also in line 7"},
        {HEAD "args: [\"--flag=/\\x6fld\"]", -EOPNOTSUPP,
                "line 6, column 12: the way this value is written"},
        {HEAD "args: [\"--flag=/o\\\n      ld\"]", -EOPNOTSUPP, "line 6, column 12: the way"},
        {HEAD "args: [&a --flag=/old]", -EOPNOTSUPP, "line 6, column 12: an anchor"},
        {HEAD "args: [!!str --flag=/old]", -EOPNOTSUPP, "line 6, column 12: a tag"},
        {HEAD "args: [&a --flag, /old]", -EOPNOTSUPP, "line 6, column 12: an anchor"},
        {HEAD "args: &a [--flag=/old]", -EOPNOTSUPP, "line 6, column 11: an anchor"},
        {HEAD "env: &a --flag=/old\n    args: [*a]", -EOPNOTSUPP,
                "line 7, column 12: a word of the command line is an alias"},
        {HEAD "env: &a [--flag=/old]\n    args: *a", -EOPNOTSUPP,
                "line 7, column 11: 'args' is an alias"},
        {HEAD "env: &a {args: [--flag=/old]}\n    <<: *a", -EOPNOTSUPP,
                "line 7, column 5: a merge key"},
        {"spec:\n  containers:\n  - &a {name: c, args: [--flag=/old]}\n", -EOPNOTSUPP,
                "line 3, column 5: an anchor"},
        {"spec:\n  containers: &a\n  - {name: c, args: [--flag=/old]}\n", -EOPNOTSUPP,
                "line 2, column 15: an anchor"},
        {HEAD "args: [--flag=/old]\n---\nkind: Pod\n", -EOPNOTSUPP,
                "line 7, column 1: a second document"},
        {HEAD "command: [sh, -c, prog --flag=/old]\n", -EOPNOTSUPP,
                "line 6, column 23: '--flag' stands in a script"},
        {HEAD "args: [[--flag=/old]]", -EBADMSG, "line 6, column 12: a word of the command line"},
        {HEAD "args: --flag=/old", -EBADMSG, "line 6, column 11: 'args' is no list"},
        {HEAD "args: []\n    args: [--flag=/old]", -ENOTUNIQ,
                "line 7, column 5: 'args' is there twice, first in line 6"},
        {"spec:\n  containers:\n  - {name: c}\n  - {name: c, args: [--flag=/old]}\n", -ENOTUNIQ,
                "line 4, column 5: the container 'c' is there twice, also in line 3"},
        {"spec: {initContainers: [{name: c, args: [--flag=/old]}], containers: [{name: b}]}",
                -ENOENT, "there is no container 'c'"},
        {"spec: {}", -ENOENT, "there is no container 'c'"},
        {"kind: Pod", -ENOENT, "there is no container 'c'"},
        {"[spec]", -EBADMSG, "line 1, column 1: "},
        {"spec: [", -EBADMSG, "line 2, column 1: "},
        {"", -EBADMSG, "line 1, column 1: an empty document"},
};

static void test_refusals_name_line_and_column(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                Error error = {};
                int r;
                autofree char *text = replace(refused[i].text, &r, &error);

                assert_null(text);
                if (r != refused[i].r || !starts_with(error.text, refused[i].place))
                        fail_msg("%zu: %d, %s", i, r, error.text);
        }
}

/* A value that would read as something else in the place of the old one. */
static void test_value_that_needs_quotes(void **state)
{
        static const struct {
                const char *text, *value;
                int r;
        } table[] = {
                {HEAD "args:\n    - --flag=/old\n", "/a b", 0},
                {HEAD "args:\n    - --flag=/old\n", "/a #b", -EBADMSG},
                {HEAD "args:\n    - --flag=/old\n", "/a: b", -EBADMSG},
                {HEAD "args:\n    - --flag=/old\n", "/a\n    - --b", -EBADMSG},
                {HEAD "args:\n    - --flag=/old\n", "/a ", -EBADMSG},
                {HEAD "args: [--flag=/old]\n", "/a, b", -EBADMSG},
                {HEAD "args: ['--flag=/old']\n", "/a: #b", 0},
                {HEAD "args: ['--flag=/old']\n", "/it's", -EBADMSG},
                {HEAD "args: [\"--flag=/old\"]\n", "/\\x41", -EBADMSG},
                {HEAD "args: [\"--flag=/old\"]\n", "", -EINVAL},
                {HEAD "args: [--flag=/old]\n", "/old", 0},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Error error = {};
                int r;
                autofree char *text = replace_with(table[i].text, table[i].value, &r, &error);

                if (r != table[i].r)
                        fail_msg("%zu: %d, %s", i, r, r < 0 ? error.text : text);
        }
}

static FileImage *read_manifest(const char *tree)
{
        autofree char *path =
                xasprintf("%s/tests/data/%s/kube-controller-manager.yaml", getenv("SRCDIR"), tree);
        autofd int root_fd = fs_open_root("/", NULL);
        FileImage *file = NULL;

        assert_int_equal(fs_read_file(root_fd, path, FS_SIZE_MAX, &file, NULL), 0);
        return file;
}

/* What a CA rotation does to it, and undoes. */
static void test_kubeadm_manifests_name_another_signer(void **state)
{
        static const char *const trees[] = {
                "kubeadm/v1.20.2/rsa2048-default/etc-kubernetes/manifests",
                "kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/manifests",
                "kubeadm/v1.28.7/extetcd-external/etc-kubernetes/manifests", "manifest/v1.36.0"};
        static const char name[] = "kube-controller-manager";
        static const char flag[] = "--cluster-signing-cert-file";

        for (size_t i = 0; i < ELEMENTSOF(trees); i++) {
                autoptr(FileImage) file = read_manifest(trees[i]);
                autoptr(Manifest) before = NULL;
                autoptr(Manifest) after = NULL;
                autofree char *fresh = NULL, *back = NULL;
                size_t size, back_size;
                Error error = {};
                const char *old;

                assert_int_equal(manifest_parse(file->data, file->size, &before, NULL), 0);
                old = manifest_flag(before, name, flag);
                if (manifest_replace_argument(file->data, file->size, name, flag, old,
                            "/etc/kubernetes/pki/ca-signer.crt", &fresh, &size, &error) < 0)
                        fail_msg("%s: %s", trees[i], error.text);
                assert_int_equal(manifest_parse(fresh, size, &after, NULL), 0);
                assert_string_equal(
                        manifest_flag(after, name, flag), "/etc/kubernetes/pki/ca-signer.crt");
                assert_int_equal(before->n_files, after->n_files);
                for (size_t k = 0; k < before->n_files; k++)
                        if (!before->files[k].flag || !streq(before->files[k].flag, flag))
                                assert_string_equal(after->files[k].path, before->files[k].path);
                assert_int_equal(
                        manifest_replace_argument(fresh, size, name, flag,
                                "/etc/kubernetes/pki/ca-signer.crt", old, &back, &back_size, NULL),
                        0);
                assert_int_equal(back_size, file->size);
                assert_memory_equal(back, file->data, back_size);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_value_changes_and_nothing_else),
                cmocka_unit_test(test_putting_the_old_value_back_gives_the_old_file),
                cmocka_unit_test(test_refusals_name_line_and_column),
                cmocka_unit_test(test_value_that_needs_quotes),
                cmocka_unit_test(test_kubeadm_manifests_name_another_signer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
