/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/report/row.h"

#define TEXT_MAX 128

/* kubeadm's own listing of a tree, one line of it. */
typedef struct Line {
        char name[TEXT_MAX], expires[TEXT_MAX], ca[TEXT_MAX], external[TEXT_MAX];
} Line;

/* The text between two columns, without the spaces around it. */
static void take_column(const char *line, size_t from, size_t to, char text[TEXT_MAX])
{
        size_t length = strlen(line);

        if (to > length)
                to = length;
        while (from < to && line[from] == ' ')
                from++;
        while (to > from && strchr(" \n", line[to - 1]))
                to--;
        assert_true(to - from < TEXT_MAX);
        memcpy(text, line + from, to - from);
        text[to - from] = 0;
}

static size_t column(const char *heading, const char *title)
{
        const char *found = strstr(heading, title);

        return found ? (size_t)(found - heading) : 0;
}

/* One of the two tables: certificates, then CAs. Returns the number of lines. */
static size_t read_table(FILE *f, Line *lines, size_t max)
{
        char heading[512] = "", text[512];
        size_t n = 0;

        while (!starts_with(heading, "CERTIFICATE"))
                assert_non_null(fgets(heading, sizeof(heading), f));
        size_t expires = column(heading, "EXPIRES"), residual = column(heading, "RESIDUAL TIME"),
               ca = column(heading + 1, "CERTIFICATE AUTHORITY"),
               external = column(heading, "EXTERNALLY MANAGED");
        while (fgets(text, sizeof(text), f) && text[0] != '\n') {
                assert_true(n < max);
                take_column(text, 0, expires, lines[n].name);
                take_column(text, expires, residual, lines[n].expires);
                if (ca > 0)
                        take_column(text, ca + 1, external, lines[n].ca);
                take_column(text, external, sizeof(text), lines[n].external);
                n++;
        }
        return n;
}

static void assert_member(const json_t *object, const char *key, const char *expected)
{
        const char *text = json_string_value(json_object_get(object, key));

        if (!text || !streq(text, expected))
                fail_msg("%s of %s is %s, not %s", key,
                        json_string_value(json_object_get(object, "name")), text ? text : "(none)",
                        expected);
}

/* To the minute, as kubeadm prints it. */
static void assert_expires(const json_t *object, const char *expected)
{
        char text[TEXT_MAX];
        int64_t t;
        time_t seconds;
        struct tm tm;

        assert_int_equal(json_get_time(json_object_get(object, "expirationDate"), &t), 0);
        seconds = (time_t)t;
        assert_non_null(gmtime_r(&seconds, &tm));
        strftime(text, sizeof(text), "%b %d, %Y %H:%M UTC", &tm);
        assert_string_equal(text, expected);
}

static void assert_like_kubeadm(const json_t *array, const Line *lines, size_t n)
{
        assert_int_equal(json_array_size(array), n);
        for (size_t i = 0; i < n; i++) {
                const json_t *object = json_array_get(array, i);

                assert_member(object, "name", lines[i].name);
                assert_expires(object, lines[i].expires);
                if (lines[i].ca[0]) /* before 1.28 kubeadm leaves it out for kubeconfigs */
                        assert_member(object, "caName", lines[i].ca);
                assert_string_equal(
                        json_is_true(json_object_get(object, "externallyManaged")) ? "yes" : "no",
                        lines[i].external);
                assert_true(json_is_false(json_object_get(object, "missing")));
        }
}

static void test_t31_kubeadm_json_equals_kubeadm(void **state)
{
        static const char *const trees[] = {
                "v1.20.2/rsa2048-default",
                "v1.28.7/rsa2048-default",
                "v1.28.7/ecdsa-p256",
                "v1.28.7/extetcd-external",
        };

        for (size_t i = 0; i < ELEMENTSOF(trees); i++) {
                Host host = host_new(trees[i], ONE_DAY_OLD);
                autofree char *path = xasprintf("%s/tests/data/kubeadm/%s/check-expiration.out",
                        getenv("SRCDIR"), trees[i]);
                FILE *f = fopen(path, "re");
                Line lines[32] = {};
                size_t n;

                assert_non_null(f);
                host_look(&host);
                autoptr(Rows) rows = rows_from_assessment(host.assessment);
                autoptr(json_t) info = rows_to_kubeadm_json(rows);

                assert_member(info, "kind", "CertificateExpirationInfo");
                assert_member(info, "apiVersion", "output.kubeadm.k8s.io/v1alpha3");
                n = read_table(f, lines, ELEMENTSOF(lines));
                assert_like_kubeadm(json_object_get(info, "certificates"), lines, n);
                memset(lines, 0, sizeof(lines));
                n = read_table(f, lines, ELEMENTSOF(lines));
                assert_like_kubeadm(json_object_get(info, "certificateAuthorities"), lines, n);
                fclose(f);
                host_free(&host);
        }
}

static void test_kubeadm_json_of_a_missing_certificate(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_remove(host.root, "/etc/kubernetes/pki/apiserver.crt");
        host_look(&host);
        autoptr(Rows) rows = rows_from_assessment(host.assessment);
        autoptr(json_t) info = rows_to_kubeadm_json(rows);
        const json_t *object = json_array_get(json_object_get(info, "certificates"), 1);

        assert_member(object, "name", "apiserver");
        assert_true(json_is_true(json_object_get(object, "missing")));
        assert_true(json_is_null(json_object_get(object, "expirationDate")));
        assert_int_equal(json_integer_value(json_object_get(object, "residualTime")), 0);
        assert_null(json_object_get(object, "caName"));
        host_free(&host);
}

static const char golden[] = "[\n"
                             "  {\n"
                             "    \"caName\": \"ca\",\n"
                             "    \"dueReason\": \"expiring\",\n"
                             "    \"embeddedKey\": \"kubernetes-admin\",\n"
                             "    \"embeddedKind\": \"user\",\n"
                             "    \"expectedCAName\": \"ca\",\n"
                             "    \"expiryTime\": \"2027-11-21T23:26:03Z\",\n"
                             "    \"externallyManaged\": false,\n"
                             "    \"filename\": \"apiserver.crt\",\n"
                             "    \"issuedBy\": \"csr\",\n"
                             "    \"issuer\": \"kubernetes\",\n"
                             "    \"issuerDN\": \"CN=kubernetes\",\n"
                             "    \"keyAlgorithm\": \"RSA-2048\",\n"
                             "    \"kind\": \"certificate\",\n"
                             "    \"loaded\": false,\n"
                             "    \"missing\": false,\n"
                             "    \"name\": \"apiserver\",\n"
                             "    \"notBefore\": \"2026-11-21T23:21:03Z\",\n"
                             "    \"path\": \"/etc/kubernetes/pki/apiserver.crt\",\n"
                             "    \"pendingSince\": \"2027-11-11T23:26:00Z\",\n"
                             "    \"reason\": \"expires in 9d\",\n"
                             "    \"renewalTime\": \"2027-11-06T23:26:03Z\",\n"
                             "    \"residualSeconds\": 777600,\n"
                             "    \"sans\": [\n"
                             "      \"DNS:cp-1\",\n"
                             "      \"IP:192.0.2.10\"\n"
                             "    ],\n"
                             "    \"serial\": \"0A\",\n"
                             "    \"sha256\": \"00ff\",\n"
                             "    \"status\": \"EXPIRING\",\n"
                             "    \"subject\": \"kube-apiserver\",\n"
                             "    \"subjectDN\": \"CN=kube-apiserver\",\n"
                             "    \"usages\": [\n"
                             "      \"server auth\"\n"
                             "    ],\n"
                             "    \"watched\": false\n"
                             "  },\n"
                             "  {\n"
                             "    \"caName\": null,\n"
                             "    \"dueReason\": \"\",\n"
                             "    \"embeddedKey\": null,\n"
                             "    \"embeddedKind\": null,\n"
                             "    \"expectedCAName\": null,\n"
                             "    \"expiryTime\": null,\n"
                             "    \"externallyManaged\": true,\n"
                             "    \"filename\": \"kubelet.crt\",\n"
                             "    \"issuedBy\": null,\n"
                             "    \"issuer\": null,\n"
                             "    \"issuerDN\": null,\n"
                             "    \"keyAlgorithm\": null,\n"
                             "    \"kind\": \"certificate\",\n"
                             "    \"loaded\": null,\n"
                             "    \"missing\": true,\n"
                             "    \"name\": \"kubelet-server\",\n"
                             "    \"notBefore\": null,\n"
                             "    \"path\": \"/var/lib/kubelet/pki/kubelet.crt\",\n"
                             "    \"pendingSince\": null,\n"
                             "    \"reason\": null,\n"
                             "    \"renewalTime\": null,\n"
                             "    \"residualSeconds\": 0,\n"
                             "    \"sans\": [],\n"
                             "    \"serial\": null,\n"
                             "    \"sha256\": null,\n"
                             "    \"status\": \"MISSING\",\n"
                             "    \"subject\": null,\n"
                             "    \"subjectDN\": null,\n"
                             "    \"usages\": [],\n"
                             "    \"watched\": true\n"
                             "  }\n"
                             "]\n";

static Rows golden_rows(void)
{
        static char *sans[] = {"DNS:cp-1", "IP:192.0.2.10", NULL};
        static char *usages[] = {"server auth", NULL};
        static Row rows[2];

        rows[0] = (Row){.name = "apiserver",
                .kind = "certificate",
                .path = "/etc/kubernetes/pki/apiserver.crt",
                .filename = "apiserver.crt",
                .embedded_kind = "user",
                .embedded_key = "kubernetes-admin",
                .subject = "kube-apiserver",
                .issuer = "kubernetes",
                .issued_by = "csr",
                .pending_since = 1825975560,
                .subject_dn = "CN=kube-apiserver",
                .issuer_dn = "CN=kubernetes",
                .serial = "0A",
                .sha256 = "00ff",
                .key_algorithm = "RSA-2048",
                .sans = sans,
                .usages = usages,
                .ca_name = "ca",
                .expected_ca_name = "ca",
                .not_before = 1795303263,
                .not_after = 1826839563,
                .residual = 9 * DAY,
                .renewal_time = 1826839563 - 15 * DAY,
                .status = "EXPIRING",
                .due_reason = "expiring",
                .text = "expires in 9d",
                .loaded = LOADED_NO,
                .severity = 1};
        rows[1] = (Row){.name = "kubelet-server",
                .kind = "certificate",
                .path = "/var/lib/kubelet/pki/kubelet.crt",
                .filename = "kubelet.crt",
                .status = "MISSING",
                .due_reason = "",
                .externally_managed = true,
                .watched = true,
                .missing = true,
                .severity = 2};
        return (Rows){rows, 2};
}

static void test_t31_golden_json(void **state)
{
        const Rows rows = golden_rows();
        autoptr(json_t) json = rows_to_json(&rows);
        autofree char *text = json_text(json);

        assert_string_equal(text, golden);
}

static void test_json_round_trip(void **state)
{
        autoptr(json_t) json = NULL;
        autoptr(Rows) rows = NULL;

        assert_int_equal(json_read(golden, strlen(golden), &json, NULL), 0);
        json_object_set_new(json_array_get(json, 0), "fromTheFuture", json_integer(1));
        assert_int_equal(rows_from_json(json, &rows, NULL), 0);
        assert_int_equal(rows->n, 2);
        assert_int_equal(rows->rows[0].severity, 1);
        assert_int_equal(rows->rows[1].severity, 2);
        assert_int_equal(rows->rows[0].loaded, LOADED_NO);
        assert_int_equal(rows->rows[1].loaded, LOADED_UNKNOWN);
        assert_int_equal(rows_severity(rows), 2);
        autoptr(json_t) again = rows_to_json(rows);
        autofree char *text = json_text(again);
        assert_string_equal(text, golden);
}

static void test_json_is_strict_on_types(void **state)
{
        static const struct {
                const char *key, *value;
        } table[] = {
                {"name", "null"},
                {"name", "1"},
                {"subject", "[]"},
                {"sans", "\"DNS:x\""},
                {"sans", "[1]"},
                {"expiryTime", "\"tomorrow\""},
                {"expiryTime", "12"},
                {"residualSeconds", "\"12\""},
                {"residualSeconds", "1.5"},
                {"missing", "0"},
                {"loaded", "0"},
                {"loaded", "\"true\""},
                {"status", "\"FINE\""},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(json_t) json = NULL;
                Rows *rows = NULL;
                Error error = {};

                assert_int_equal(json_read(golden, strlen(golden), &json, NULL), 0);
                json_object_set_new(json_array_get(json, 1), table[i].key,
                        json_loads(table[i].value, JSON_DECODE_ANY, NULL));
                assert_int_equal(rows_from_json(json, &rows, &error), -EBADMSG);
                assert_null(rows);
                assert_non_null(strstr(error.text, "certificate 2"));
                assert_non_null(strstr(error.text, table[i].key));
        }
}

static void test_json_of_another_shape(void **state)
{
        static const char *const texts[] = {"{}", "[1]", "[{}]", "[[]]"};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(json_t) json = json_loads(texts[i], 0, NULL);
                Rows *rows = NULL;

                assert_int_equal(rows_from_json(json, &rows, NULL), -EBADMSG);
        }
}

static void test_loaded_is_known_or_null(void **state)
{
        static const char *const values[] = {
                [LOADED_UNKNOWN] = "null", [LOADED_YES] = "true", [LOADED_NO] = "false"};
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        host_look(&host);
        for (Loaded loaded = LOADED_UNKNOWN; loaded <= LOADED_NO; loaded++) {
                host.assessment->verdicts[0].loaded = loaded;
                autoptr(Rows) rows = rows_from_assessment(host.assessment);
                autoptr(json_t) json = rows_to_json(rows);
                autofree char *text = json_dumps(
                        json_object_get(json_array_get(json, 0), "loaded"), JSON_ENCODE_ANY);
                autoptr(Rows) again = NULL;

                assert_string_equal(text, values[loaded]);
                assert_int_equal(rows_from_json(json, &again, NULL), 0);
                assert_int_equal(again->rows[0].loaded, loaded);
        }
        host_free(&host);
}

static const Row *find_row(const Rows *rows, const char *name)
{
        for (size_t i = 0; i < rows->n; i++)
                if (streq(rows->rows[i].name, name))
                        return &rows->rows[i];
        fail_msg("there is no row '%s'", name);
        return NULL;
}

static void test_t31_rows_of_a_tree(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", TEN_DAYS_LEFT);

        host_look(&host);
        autoptr(Rows) rows = rows_from_assessment(host.assessment);
        const Row *apiserver = find_row(rows, "apiserver"), *ca = find_row(rows, "ca"),
                  *etcd_ca = find_row(rows, "etcd-ca");

        assert_string_equal(apiserver->kind, "certificate");
        assert_string_equal(apiserver->path, "/etc/kubernetes/pki/apiserver.crt");
        assert_string_equal(apiserver->filename, "apiserver.crt");
        assert_string_equal(apiserver->subject, "kube-apiserver");
        assert_string_equal(apiserver->issuer, "kubernetes");
        assert_string_equal(apiserver->ca_name, "ca");
        assert_string_equal(apiserver->key_algorithm, "RSA-2048");
        assert_string_equal(apiserver->status, "EXPIRING");
        assert_string_equal(apiserver->due_reason, "expiring");
        assert_int_equal(apiserver->severity, 1);
        assert_int_equal(strlen(apiserver->sha256), 64);
        assert_int_equal(apiserver->renewal_time, apiserver->not_after - 15 * DAY + 1);
        assert_null(apiserver->embedded_kind);
        assert_int_equal(ca->renewal_time, 0);
        assert_string_equal(find_row(rows, "admin.conf")->kind, "kubeconfig");
        assert_string_equal(find_row(rows, "admin.conf")->embedded_kind, "user");
        assert_string_equal(find_row(rows, "admin.conf")->embedded_key, "kubernetes-admin");
        assert_true(find_row(rows, "kubelet.conf")->watched);

        /* Two files called ca.crt: told apart by name and path. */
        assert_string_equal(ca->filename, etcd_ca->filename);
        assert_string_equal(ca->path, "/etc/kubernetes/pki/ca.crt");
        assert_string_equal(etcd_ca->path, "/etc/kubernetes/pki/etcd/ca.crt");
        assert_string_equal(etcd_ca->kind, "ca");
        assert_int_equal(rows_severity(rows), 1);
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t31_kubeadm_json_equals_kubeadm),
                cmocka_unit_test(test_kubeadm_json_of_a_missing_certificate),
                cmocka_unit_test(test_t31_golden_json),
                cmocka_unit_test(test_json_round_trip),
                cmocka_unit_test(test_json_is_strict_on_types),
                cmocka_unit_test(test_loaded_is_known_or_null),
                cmocka_unit_test(test_json_of_another_shape),
                cmocka_unit_test(test_t31_rows_of_a_tree),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
