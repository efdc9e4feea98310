/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/manifest.h"
#include "tree.h"

static Manifest *parse(const char *text)
{
        Manifest *manifest = NULL;
        Error error = {};

        if (manifest_parse(text, strlen(text), &manifest, &error) < 0)
                fail_msg("%s", error.text);
        return manifest;
}

/* One line per file: path, flag or "-", container, "single" or "directory". */
static char *list_files(const Manifest *manifest)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        for (size_t i = 0; i < manifest->n_files; i++) {
                const ManifestFile *file = &manifest->files[i];

                fprintf(f, "%s %s %s %s\n", file->path, file->flag ? file->flag : "-",
                        file->container, file->mounted_singly ? "single" : "directory");
        }
        fclose(f);
        return text;
}

#define TREE(path) "/tests/data/kubeadm/" path "/etc-kubernetes/manifests/"
#define NEWEST     "/tests/data/manifest/v1.36.0/"

static const struct {
        const char *tree, *name, *version, *expected;
} genuine[] = {
        {TREE("v1.20.2/rsa2048-default"), "etcd", "3.4.13", "etcd"},
        {TREE("v1.20.2/rsa2048-default"), "kube-apiserver", "1.20.2", "kube-apiserver"},
        {TREE("v1.20.2/rsa2048-default"), "kube-controller-manager", "1.20.2",
                "kube-controller-manager"},
        {TREE("v1.20.2/rsa2048-default"), "kube-scheduler", "1.20.2", "kube-scheduler"},
        {TREE("v1.28.7/rsa2048-default"), "etcd", "3.5.10", "etcd"},
        {TREE("v1.28.7/rsa2048-default"), "kube-apiserver", "1.28.7", "kube-apiserver"},
        {TREE("v1.28.7/rsa2048-default"), "kube-controller-manager", "1.28.7",
                "kube-controller-manager"},
        {TREE("v1.28.7/rsa2048-default"), "kube-scheduler", "1.28.7", "kube-scheduler"},
        {TREE("v1.28.7/extetcd-external"), "kube-apiserver", "1.28.7",
                "kube-apiserver-external-etcd"},
        {TREE("v1.28.7/extetcd-external"), "kube-controller-manager", "1.28.7",
                "kube-controller-manager"},
        {TREE("v1.28.7/extetcd-external"), "kube-scheduler", "1.28.7", "kube-scheduler"},
        {NEWEST, "etcd", "3.6.6", "etcd"},
        {NEWEST, "kube-apiserver", "1.36.0", "kube-apiserver"},
        {NEWEST, "kube-controller-manager", "1.36.0", "kube-controller-manager"},
        {NEWEST, "kube-scheduler", "1.36.0", "kube-scheduler"},
};

static void test_golden_files_of_kubeadms_components(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(genuine); i++) {
                autofree char *path = xasprintf("%s%s.yaml", genuine[i].tree, genuine[i].name);
                autofree char *golden =
                        xasprintf("/tests/data/manifest/%s.files", genuine[i].expected);
                autofree char *text = tree_read(getenv("SRCDIR"), path, NULL);
                autofree char *expected = tree_read(getenv("SRCDIR"), golden, NULL);
                autoptr(Manifest) manifest = parse(text);
                autofree char *files = list_files(manifest);

                assert_string_equal(manifest->name, genuine[i].name);
                assert_string_equal(manifest->version, genuine[i].version);
                assert_non_null(strstr(manifest->image, genuine[i].name));
                assert_string_equal(files, expected);
        }
}

static void test_versions_of_images(void **state)
{
        static const struct {
                const char *image, *version;
        } cases[] = {
                {"registry.k8s.io/kube-apiserver:v1.28.7", "1.28.7"},
                {"registry.k8s.io/etcd:3.5.10-0", "3.5.10"},
                {"etcd:3.5", "3.5"},
                {"registry:5000/etcd:3.5.10-0@sha256:0123", "3.5.10"},
                {"kube-apiserver:v1.29.0-rc.1", "1.29.0"},
                {"rancher/hardened-kubernetes:v1.28.7-rke2r1-build2024", "1.28.7"},
                {"registry:5000/etcd", NULL},
                {"etcd@sha256:0123", NULL},
                {"etcd:latest", NULL},
                {"etcd:v3", NULL},
                {"etcd:.5", NULL},
                {"etcd:", NULL},
                {"", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *text = xasprintf("kind: Pod\nmetadata: {name: a}\n"
                                                "spec: {containers: [{image: '%s'}]}\n",
                        cases[i].image);
                autoptr(Manifest) manifest = parse(text);

                assert_string_equal(manifest->image, cases[i].image);
                if (cases[i].version)
                        assert_string_equal(manifest->version, cases[i].version);
                else
                        assert_null(manifest->version);
        }
}

/* Containers and volumes of a Pod, and the files that they use. */
static const struct {
        const char *containers, *volumes, *files;
} cases[] = {
        /* a flag and its value as two words, in command and in args; one dash; not quite a flag */
        {"[{name: c, command: [x, --tls-cert-file, /pki/a.crt, -key, /pki/a.key, -, --, /pki/b],"
         " args: ['--ca=/pki/ca.crt', --verbose, --dir=pki/x, --url=https://a/pki],"
         " volumeMounts: [{name: v, mountPath: /pki}]}]",
                "[{name: v, hostPath: {path: /etc/pki, type: Directory}}]",
                "/etc/pki/a.crt --tls-cert-file c directory\n"
                "/etc/pki/a.key --key c directory\n"
                "/etc/pki/ca.crt --ca c directory\n"},
        /* what no volume of the host holds is no file of the host */
        {"[{name: c, command: [--a=/pki/a, --b=/own/b, --c=/sec/c, --d=/pki/own/d, --e=/pkis/e,"
         " --f=/gone/f], volumeMounts: [{name: v, mountPath: /pki}, {name: s, mountPath: /sec},"
         " {name: s, mountPath: /pki/own}, {name: gone, mountPath: /gone}]}]",
                "[{name: v, hostPath: {path: /v, type: Directory}}, {name: s, secret: {}},"
                " {name: e, emptyDir: {}}]",
                "/v/a --a c directory\n"},
        /* the longest mount wins; slashes and dots */
        {"[{name: c, command: [--a=/x//y/./a, --b=/x/b, --c=/x/y/../c, --d=/x/y/z/],"
         " volumeMounts: [{name: v, mountPath: /x/}, {name: w, mountPath: /x//y}]}]",
                "[{name: v, hostPath: {path: /v/, type: Directory}},"
                " {name: w, hostPath: {path: /w//ww, type: Directory}}]",
                "/w/ww/a --a c directory\n/v/b --b c directory\n/v/c --c c directory\n"
                "/w/ww/z --d c directory\n"},
        /* the root of the host, the root of the container */
        {"[{name: c, command: [--a=/host/etc/a, --b=/host], volumeMounts:"
         " [{name: v, mountPath: /host}]}, {name: d, command: [--a=/a],"
         " volumeMounts: [{name: w, mountPath: /}]}]",
                "[{name: v, hostPath: {path: /, type: Directory}},"
                " {name: w, hostPath: {path: /w, type: Directory}}]",
                "/etc/a --a c directory\n/ --b c directory\n/w/a --a d directory\n"},
        /* a single file by its type, by a type that is not told, by subPath; another name inside */
        {"[{name: c, command: [--a=/a.conf, --b=/b.conf, --c=/c.conf, --d=/d], volumeMounts:"
         " [{name: a, mountPath: /a.conf, readOnly: true}, {name: b, mountPath: /b.conf},"
         " {name: dir, mountPath: /c.conf, subPath: sub/c.conf}, {name: dir, mountPath: /d},"
         " {name: a, mountPath: /unnamed.conf}, {name: unnamed, mountPath: /u},"
         " {name: dir, mountPath: /e, subPathExpr: $(X)}]}]",
                "[{name: a, hostPath: {path: /h/a.conf, type: FileOrCreate}},"
                " {name: b, hostPath: {path: /h/b}}, {name: dir, hostPath: {path: /h/dir,"
                " type: DirectoryOrCreate}}, {name: unnamed, hostPath: {path: /h/u, type: File}}]",
                "/h/a.conf --a c single\n/h/b --b c single\n/h/dir/sub/c.conf --c c single\n"
                "/h/dir --d c directory\n/h/u - c single\n"},
        /* a socket and a device are no files to renew */
        {"[{name: c, volumeMounts: [{name: s, mountPath: /s}, {name: t, mountPath: /t}]}]",
                "[{name: s, hostPath: {path: /s, type: Socket}},"
                " {name: t, hostPath: {path: /t, type: CharDevice}}]",
                ""},
        /* the script of a shell: quotes, separators, a line that goes on, a variable */
        {"[{name: c, command: [/bin/sh, -ec], args: [\"mkdir /pki/no; exec kube-apiserver"
         " --a=/pki/a \\\\\\n --b='/pki/b' --c \\\"/pki/c\\\"|tee /pki/log; x --d=$DIR/d"
         " --e=/pki/e&\"], volumeMounts: [{name: v, mountPath: /pki}]}]",
                "[{name: v, hostPath: {path: /v, type: Directory}}]",
                "/v/a --a c directory\n/v/b --b c directory\n/v/c --c c directory\n"
                "/v/e --e c directory\n"},
        /* a word with spaces that is no script; the same flag twice */
        {"[{name: c, command: [x, '--a=/pki/a --b=/pki/b', --c=/pki/c, --c=/pki/d],"
         " volumeMounts: [{name: v, mountPath: /pki}]}]",
                "[{name: v, hostPath: {path: /v, type: Directory}}]",
                "/v/a --b=/pki/b --a c directory\n/v/c --c c directory\n/v/d --c c directory\n"},
        /* no volumes at all */
        {"[{name: c, command: [--a=/a]}]", "null", ""},
};

static void test_files_of_containers(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *text = xasprintf("kind: Pod\nmetadata: {name: p}\n"
                                                "spec:\n  containers: %s\n  volumes: %s\n",
                        cases[i].containers, cases[i].volumes);
                autoptr(Manifest) manifest = parse(text);
                autofree char *files = list_files(manifest);

                assert_string_equal(files, cases[i].files);
        }
}

static void test_init_containers_come_last(void **state)
{
        autoptr(Manifest) manifest =
                parse("kind: Pod\nmetadata: {name: p}\nspec:\n"
                      "  initContainers: [{name: i, image: 'i:9.9', command: [--a=/a/i],"
                      " volumeMounts: [{name: v, mountPath: /a}]}]\n"
                      "  containers: [{name: c, image: 'c:1.2', command: [--a=/a/c],"
                      " volumeMounts: [{name: v, mountPath: /a}]}, {name: d, image: 'd:3.4'}]\n"
                      "  volumes: [{name: v, hostPath: {path: /v, type: Directory}}]\n");
        autofree char *files = list_files(manifest);

        assert_string_equal(files, "/v/c --a c directory\n/v/i --a i directory\n");
        assert_string_equal(manifest->version, "1.2");
}

static void test_json_is_yaml_too(void **state)
{
        autoptr(Manifest) manifest =
                parse("{\"kind\":\"Pod\",\"metadata\":{\"name\":\"etcd\"},\"spec\":{"
                      "\"containers\":[{\"name\":\"etcd\",\"image\":\"etcd:3.5.1\",\"command\":["
                      "\"etcd\",\"--cert-file=/a/b\"],\"volumeMounts\":[{\"mountPath\":\"/a\","
                      "\"name\":\"v\"}]}],\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":"
                      "\"/x\",\"type\":\"Directory\"}}]}}\n");
        autofree char *files = list_files(manifest);

        assert_string_equal(manifest->name, "etcd");
        assert_string_equal(files, "/x/b --cert-file etcd directory\n");
}

static void test_what_is_no_pod_is_refused(void **state)
{
        static const struct {
                const char *text;
                int r;
                const char *place;
        } refused[] = {
                {"", -EBADMSG, "line 1, column 1: an empty document"},
                {"text", -EBADMSG, "line 1, column 1: "},
                {"[]", -EBADMSG, "line 1, column 1: "},
                {"kind: Config\n", -EBADMSG, "line 1, column 1: kind 'Config', not a Pod"},
                {"apiVersion: v1\n", -EBADMSG, "line 1, column 1: kind '', not a Pod"},
                {"kind: Pod\n", -EBADMSG, "line 1, column 1: a Pod without a name"},
                {"kind: Pod\nmetadata: {name: a}\n", -EBADMSG, "line 1, column 1: a Pod without a"},
                {"kind: Pod\nmetadata: {name: a}\nspec: {}\n", -EBADMSG,
                        "line 3, column 7: a Pod without containers"},
                {"kind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n", -EBADMSG,
                        "line 3, column 7: a Pod without containers"},
                {"kind: Pod\nmetadata: {name: a}\nspec:\n  containers: {}\n", -EBADMSG,
                        "line 4, column 15: 'containers' is no list"},
                {"kind: Pod\nmetadata: {name: a}\nspec:\n  containers: [x]\n", -EBADMSG,
                        "line 4, column 16: "},
                {"kind: Pod\nmetadata: {name: a}\nspec: {containers: [{command: [[a]]}]}\n",
                        -EBADMSG, "line 3, column 32: a word of 'command' is no text"},
                {"kind: Pod\nkind: Pod\n", -ENOTUNIQ, "line 2, column 1: "},
                {"kind: Pod\nmetadata: &m {name: a}\nspec: *m\n", -EOPNOTSUPP, "line 3, column 7"},
                {"kind: Pod\nmetadata: {\n", -EBADMSG, "line 3, column 1: "},
                {"\xff\xfek", -EOPNOTSUPP, "line 1, column 1: UTF-16"},
        };

        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                Manifest *manifest = NULL;
                Error error = {};
                int r = manifest_parse(refused[i].text, strlen(refused[i].text), &manifest, &error);

                assert_null(manifest);
                if (r != refused[i].r || !starts_with(error.text, refused[i].place))
                        fail_msg("%zu: %d, %s", i, r, error.text);
        }
}

/* `unit` n times between head and tail. */
static void check_bound(
        const char *head, const char *unit, size_t n, const char *tail, int expected)
{
        autoptr(Manifest) manifest = NULL;
        autofree char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        fprintf(f, "kind: Pod\nmetadata: {name: p}\nspec: {%s", head);
        for (size_t i = 0; i < n; i++)
                fputs(unit, f);
        fputs(tail, f);
        fclose(f);
        assert_int_equal(manifest_parse(text, size, &manifest, NULL), expected);
}

static void test_bounds(void **state)
{
        static const char volumes[] = "volumes: [{name: v, hostPath: {path: /}}], containers: [";

        check_bound("containers: [", "{},", 64, "]}", 0);
        check_bound("containers: [", "{},", 65, "]}", -E2BIG);
        check_bound("containers: [{command: [", "a,", 4096, "]}]}", 0);
        check_bound("containers: [{command: [", "a,", 4097, "]}]}", -E2BIG);
        check_bound("containers: [{command: [sh, -c, \"", "a ", 1 << 20, "\"]}]}", -E2BIG);
        check_bound("containers: [{volumeMounts: [", "{},", 1025, "]}]}", -E2BIG);
        check_bound("containers: [{}], volumes: [", "{},", 1025, "]}", -E2BIG);
        check_bound(volumes, "{command: [--a=/a], volumeMounts: [{name: v, mountPath: /}]},", 64,
                "]}", 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_golden_files_of_kubeadms_components),
                cmocka_unit_test(test_versions_of_images),
                cmocka_unit_test(test_files_of_containers),
                cmocka_unit_test(test_init_containers_come_last),
                cmocka_unit_test(test_json_is_yaml_too),
                cmocka_unit_test(test_what_is_no_pod_is_refused),
                cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
