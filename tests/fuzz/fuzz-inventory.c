/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/time-util.h"
#include "configured.h"
#include "renew/issue/issue.h"
#include "renew/report/row.h"
#include "scratch.h"

#include <assert.h>

#define AT ((int64_t)1780272000) /* 2026-06-01 */

static const char layout_text[] =
        "[renewal]\nReuseKey=yes\n"
        "[ca kubernetes]\nCertificate=/pki/ca.crt\nKey=/pki/ca.key\n"
        "[certificate apiserver]\nCertificate=/pki/apiserver.crt\nKey=/pki/apiserver.key\n"
        "CA=kubernetes\n"
        "[certificate client]\nCertificate=/pki/client.crt\nKey=/pki/client.key\nCA=kubernetes\n"
        "[certificate kubelet]\nCertificate=/kubelet.pem\nKey=/kubelet.pem\nWatch=yes\n"
        "[kubeconfig admin.conf]\nPath=/admin.conf\nCA=kubernetes\n"
        "[component kube-apiserver]\nManifest=/manifests/kube-apiserver.yaml\n"
        "[copy root]\nSource=admin.conf\nPath=/root/config\n";

static const char manifest_text[] =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver}\nspec:\n  containers:\n"
        "  - name: kube-apiserver\n    image: kube-apiserver:v1.28.7\n"
        "    command: [kube-apiserver, --tls-cert-file=/pki/apiserver.crt]\n"
        "    volumeMounts: [{name: pki, mountPath: /pki}]\n"
        "  volumes: [{name: pki, hostPath: {path: /pki}}]\n";

/* The files, and the row that each is about: NULL for several, "" for none. */
static struct File {
        const char *path, *row;
        Secret *content; /* while nobody has touched it */
} files[] = {
        {"/pki/ca.crt", NULL, NULL},
        {"/pki/ca.key", NULL, NULL},
        {"/pki/apiserver.crt", "apiserver", NULL},
        {"/pki/apiserver.key", "apiserver", NULL},
        {"/pki/client.crt", "client", NULL},
        {"/pki/client.key", "client", NULL},
        {"/kubelet.pem", "kubelet", NULL},
        {"/admin.conf", "admin.conf", NULL},
        {"/manifests/kube-apiserver.yaml", "", NULL},
        {"/root/config", "", NULL},
};

static struct File *file_of(const char *path)
{
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (streq(files[i].path, path))
                        return &files[i];
        abort();
}

static void set_file(const char *path, const void *data, size_t size)
{
        file_of(path)->content = secret_new(data, size);
}

static void require(int r)
{
        if (r < 0)
                abort();
}

/* A pair of the CA, in one file if the paths are the same. */
static void make_pair(const Ca *ca, const char *certificate, const char *key_path, unsigned usage)
{
        static char *const sans[] = {(char *)"DNS:cp-1", NULL};
        const LeafIdentity identity = {.common_name = certificate, .sans = sans, .usage = usage};
        const LeafTerms terms = leaf_terms(ca, AT, YEAR, NULL);
        autofree char *pem = NULL, *both = NULL;
        autoptr(Secret) key_pem = NULL;
        autoptr(Cert) cert = NULL;
        autoptr(Key) key = NULL;

        require(key_generate(KEY_KIND_ECDSA_P256, &key, NULL));
        require(ca_issue(ca, &identity, key, &terms, &cert, NULL));
        require(key_to_pem(key, KEY_FORMAT_SEC1, &key_pem, NULL));
        pem = cert_to_pem(cert);
        both = xasprintf("%s%.*s", pem, (int)key_pem->size, (char *)key_pem->data);
        if (streq(certificate, key_path)) {
                set_file(certificate, both, strlen(both));
                return;
        }
        set_file(certificate, pem, strlen(pem));
        set_file(key_path, key_pem->data, key_pem->size);
}

static Ca *make_ca(void)
{
        autofree char *pem = NULL;
        autoptr(Secret) key_pem = NULL;
        autoptr(Cert) cert = NULL;
        autoptr(Key) key = NULL;
        Ca *ca = NULL;

        require(key_generate(KEY_KIND_ECDSA_P256, &key, NULL));
        require(ca_create("kubernetes", key, AT - DAY, AT + 10 * YEAR, &cert, NULL));
        require(key_to_pem(key, KEY_FORMAT_SEC1, &key_pem, NULL));
        pem = cert_to_pem(cert);
        set_file("/pki/ca.crt", pem, strlen(pem));
        set_file("/pki/ca.key", key_pem->data, key_pem->size);
        require(ca_new(&(CertList){.certs = &cert, .n = 1}, key, &ca, NULL));
        TAKE(key);
        return ca;
}

static void make_kubeconfig(void)
{
        const Secret *ca = file_of("/pki/ca.crt")->content;
        const Secret *certificate = file_of("/pki/client.crt")->content;
        const Secret *key = file_of("/pki/client.key")->content;
        const KubeconfigNew fresh = {.cluster = "kubernetes",
                .server = "https://cp-1:6443",
                .user = "kubernetes-admin",
                .ca = ca->data,
                .certificate = certificate->data,
                .key = key->data,
                .ca_size = ca->size,
                .certificate_size = certificate->size,
                .key_size = key->size};

        file_of("/admin.conf")->content = kubeconfig_write(&fresh);
        file_of("/root/config")->content = kubeconfig_write(&fresh);
}

static Config *make_host(void)
{
        autoptr(Ca) ca = make_ca();

        make_pair(ca, "/pki/apiserver.crt", "/pki/apiserver.key", CERT_USAGE_SERVER);
        make_pair(ca, "/pki/client.crt", "/pki/client.key", CERT_USAGE_CLIENT);
        make_pair(ca, "/kubelet.pem", "/kubelet.pem", CERT_USAGE_CLIENT);
        make_kubeconfig();
        set_file("/manifests/kube-apiserver.yaml", manifest_text, strlen(manifest_text));
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                scratch_write(scratch_get(), files[i].path, files[i].content->data,
                        files[i].content->size);
        return config_of(layout_text, "");
}

/* The row is there, and well if nobody has touched what it is about. */
static void check_row(const Assessment *assessment, const char *name, const struct File *touched)
{
        const Inventory *inventory = assessment->inventory;
        bool is_here = false;

        for (size_t i = 0; i < inventory->n_items; i++) {
                if (!streq(inventory->items[i].name, name))
                        continue;
                is_here = true;
                if (touched->row && !streq(touched->row, name))
                        assert(assessment->verdicts[i].state == STATE_OK);
        }
        assert(is_here || (touched->row && streq(touched->row, name)));
}

static void check_rows(const Assessment *assessment, const struct File *touched)
{
        static const char *const names[] = {"apiserver", "client", "kubelet", "admin.conf"};
        autoptr(Rows) rows = rows_from_assessment(assessment);
        autoptr(json_t) json = rows_to_json(rows);
        autoptr(Rows) again = NULL;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                check_row(assessment, names[i], touched);
        assert(rows->n >= 4 && rows_from_json(json, &again, NULL) == 0 && again->n == rows->n);
        json_decref(rows_to_kubeadm_json(rows));
}

/* Only files of leaves and their copies change, no CA's; and what is issued is a successor. */
static void check_issuance(const Issuance *issuance)
{
        for (size_t i = 0; i < issuance->n; i++) {
                const IssueResult *result = &issuance->results[i];

                assert(result->outcome == OUTCOME_RENEWED || result->text);
                if (result->outcome == OUTCOME_RENEWED && result->step->kind == STEP_RENEW)
                        assert(cert_compare_identity(
                                       result->step->item->cert, result->cert, NULL) == 0);
        }
        for (size_t i = 0; i < issuance->n_changes; i++) {
                const FileChange *change = &issuance->changes[i];

                assert(file_of(change->path)->row && !streq(change->path, "/kubelet.pem"));
        }
}

/* What the file is about, by name; all, where that is several. */
static Plan *make_plan(const Assessment *assessment, const struct File *touched)
{
        char *names[] = {(char *)touched->row, NULL};
        const PlanRequest named = {.names = names}, all = {.all = true};
        Plan *plan = NULL;

        if (touched->row && *touched->row && plan_make(assessment, &named, &plan, NULL) >= 0)
                return plan;
        if (plan_make(assessment, touched->row && !*touched->row ? &(PlanRequest){} : &all, &plan,
                    NULL) < 0)
                abort();
        return plan;
}

static void look_and_issue(const Config *config, const struct File *touched)
{
        int root_fd = scratch_get()->root_fd;
        autoptr(History) history = history_new();
        autoptr(Inventory) inventory = NULL;
        autoptr(Assessment) assessment = NULL;
        autoptr(Plan) plan = NULL;
        autoptr(Issuance) issuance = NULL;

        assert(inventory_read(root_fd, config, &inventory, NULL) == 0);
        assessment = assess(inventory, config, history, AT);
        check_rows(assessment, touched);
        plan = make_plan(assessment, touched);
        issuance = issue_run(root_fd, plan, NULL, config, AT + DAY);
        check_issuance(issuance);
}

/* One file of a host, the one that the first byte says, holds the rest of the input. The others are
 * read all the same, and what can be renewed is renewed (in memory), whatever that one holds. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static Config *config;
        const struct File *touched;

        config = config ? config : make_host();
        if (size == 0)
                return 0;
        touched = &files[data[0] % ELEMENTSOF(files)];
        scratch_write(scratch_get(), touched->path, data + 1, size - 1);
        look_and_issue(config, touched);
        scratch_write(scratch_get(), touched->path, touched->content->data, touched->content->size);
        return 0;
}
