/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host-config.h"

#define PLACE "Kubeconfig=/host.conf\nNamespace=host\nSecret=pki\n"

static const struct Misfit {
        const char *text, *error;
} misfits[] = {
        {"[publish p]\nSource=apisever\n" PLACE,
                ":2: [publish p] names apisever in Source=, but no certificate, kubeconfig or CA "
                "is "
                "called so, and no file of one (NAME.crt, NAME.key, sa.key, sa.pub); did you mean "
                "'apiserver'?"},
        {"[publish p]\nData=tls.crt:apiserver\n" PLACE,
                ":2: [publish p] names apiserver in Data=, but no certificate, kubeconfig or CA is "
                "called so, and no file of one (NAME.crt, NAME.key, sa.key, sa.pub)"},
        {"[publish p]\nSource=sa.key\n" PLACE,
                ":2: [publish p] names sa.key in Source=, but no certificate, kubeconfig or CA is "
                "called so, and no file of one (NAME.crt, NAME.key, sa.key, sa.pub)"},
        {"[publish p]\nSource=apiserver\nNamespace=host\nSecret=pki\n",
                ":2: [publish p] has no Kubeconfig=; write which Secret it is: Kubeconfig=, "
                "Namespace= and Secret="},
        {"[fetch f]\nSource=apiserver\nKubeconfig=/host.conf\nSecret=pki\n",
                ":2: [fetch f] has no Namespace=; write which Secret it is: Kubeconfig=, "
                "Namespace= "
                "and Secret="},
        {"[publish p]\nSource=apiserver\n" PLACE "Data=tls.crt:apiserver.crt\n"
         "Data=tls.crt:apiserver.key\n",
                ":7: [publish p] has '/pki/apiserver.crt' and '/pki/apiserver.key' as one key "
                "'tls.crt'; write another one in Data=KEY:FILE"},
        {"[publish p]\nData=tls/crt:apiserver.crt\n" PLACE,
                ":2: Data=tls/crt:apiserver.crt is not a key of a Secret and a file; write for "
                "example tls.crt:apiserver.crt or tls.key:apiserver.key"},
        {"[publish p]\nSource=apiserver\n" PLACE "Type=a b\n",
                ":6: Type=a b is not the type of a Secret; write for example Opaque or "
                "kubernetes.io/tls"},
        {"[fetch f]\nSource=kubernetes\n" PLACE, ":2: [fetch f] takes '/pki/ca.crt'; certificates "
                                                 "with their keys and kubeconfigs can "
                                                 "be taken from a Secret, and nothing else"},
        {"[fetch f]\nSource=apiserver.crt\n" PLACE,
                ":2: [fetch f] takes one file of 'apiserver' without the other; write "
                "Source=apiserver"},
        {"[certificate mine]\nCertificate=/x.crt\nKey=/x.key\nCA=kubernetes\nWatch=yes\n"
         "[fetch f]\nSource=mine\n" PLACE,
                ":7: [fetch f] takes 'mine', which somebody else renews, or has no CA=; leave it "
                "out"},
        {"[fetch f]\nSource=apiserver\n" PLACE "[fetch g]\nSource=apiserver\n" PLACE,
                ":7: [fetch g] takes 'apiserver', and so does [fetch f]; write it into one of "
                "them"},
};

static void test_what_does_not_fit(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(misfits); i++) {
                autofree char *error = xasprintf("%s%s", MAIN_FILE, misfits[i].error);

                assert_load_fails(misfits[i].text, error);
        }
}

/* "KEY=PATH …" of what the entry comes to. */
static void assert_parts(const char *text, const char *expected)
{
        autoptr(Config) config = load_text(text);
        const SecretEntry *entry = &config->layout.publications[0];
        autofree char *joined = NULL;
        autostrv words = NULL;

        for (size_t i = 0; i < entry->n_parts; i++)
                strv_take(&words, xasprintf("%s=%s", entry->parts[i].key, entry->parts[i].path));
        joined = strv_join(words, " ");
        assert_string_equal(joined, expected);
}

static void test_what_a_name_stands_for(void **state)
{
        static const struct {
                const char *text, *parts;
        } table[] = {
                {"[publish p]\nSource=\n", ""},
                {"[publish p]\nSource=apiserver\n" PLACE,
                        "apiserver.crt=/pki/apiserver.crt apiserver.key=/pki/apiserver.key"},
                /* The key of a CA has to be named. */
                {"[publish p]\nSource=kubernetes admin.conf\n" PLACE,
                        "ca.crt=/pki/ca.crt admin.conf=/admin.conf"},
                {"[publish p]\nSource=kubernetes kubernetes.key\n" PLACE,
                        "ca.crt=/pki/ca.crt ca.key=/pki/ca.key"},
                {"[publish p]\nSource=apiserver.crt\n" PLACE, "apiserver.crt=/pki/apiserver.crt"},
                {"[publish p]\nData=tls.crt:apiserver.crt tls.key:apiserver.key\n" PLACE,
                        "tls.crt=/pki/apiserver.crt tls.key=/pki/apiserver.key"},
                {"[publish p]\nSource=apiserver kubernetes\nData=a.pem:apiserver.crt "
                 "c:admin.conf\n" PLACE,
                        "a.pem=/pki/apiserver.crt apiserver.key=/pki/apiserver.key "
                        "ca.crt=/pki/ca.crt "
                        "c=/admin.conf"},
                /* Below the directory of the layout, as vCluster flattens it. */
                {"[layout]\nBaseDirectory=/pki\n[certificate etcd-server]\n"
                 "Certificate=/pki/etcd/server.crt\nKey=/pki/etcd/server.key\nCA=kubernetes\n"
                 "[publish p]\nSource=etcd-server\n" PLACE,
                        "etcd-server.crt=/pki/etcd/server.crt "
                        "etcd-server.key=/pki/etcd/server.key"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_parts(table[i].text, table[i].parts);
}

static void test_who_is_brought_by_a_fetch(void **state)
{
        autoptr(Config) config = load_text("[fetch f]\nSource=apiserver\n" PLACE);
        const Layout *layout = &config->layout;

        assert_ptr_equal(layout_fetch_of(layout, layout_find_credential(layout, "apiserver")),
                layout_find_fetch(layout, "f"));
        assert_null(layout_fetch_of(layout, layout_find_credential(layout, "admin.conf")));
        assert_null(layout_find_publication(layout, "f"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_does_not_fit),
                cmocka_unit_test(test_what_a_name_stands_for),
                cmocka_unit_test(test_who_is_brought_by_a_fetch),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
