/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/ca-rotation/ca-rotation-checklist.h"
#include "renew/ca-rotation/ca-rotation-prepare.h"

#define CLIENT  "/var/lib/kubelet/pki/kubelet-client-current.pem"
#define SERVING "/var/lib/kubelet/pki/kubelet-server-current.pem"
#define KUBELET "/var/lib/kubelet"

/* A host whose CA "kubernetes" is on its way; nobody of the cluster is asked. */
typedef struct Scene {
        Host host;
        CaRecord *record;
        Secret *key;
        CaRotation rotation;
        CaRotations rotations;
        Checklist *checklist;
} Scene;

static void scene_set_up(Scene *scene)
{
        Error error = {};

        *scene = (Scene){.host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD)};
        host_look(&scene->host);
        if (ca_prepare(&scene->host.inventory->cas[0], &(PrepareRequest){}, scene->host.now,
                    &scene->record, &scene->key, &error) < 0)
                fail_msg("%s", error.text);
        scene->rotation = (CaRotation){.record = scene->record, .is_selected = true};
        scene->rotations =
                (CaRotations){.root_fd = scene->host.root_fd, .list = &scene->rotation, .n = 1};
}

static void scene_tear_down(Scene *scene)
{
        checklist_free(scene->checklist);
        secret_free(scene->key);
        ca_record_free(scene->record);
        host_free(&scene->host);
}

static const Checklist *look(Scene *scene, CaPhase phase, const Inventory *inventory)
{
        Running *running = running_new(scene->host.root_fd, scene->host.config, false);

        checklist_free(scene->checklist);
        scene->rotation.phase = phase;
        scene->checklist = checklist_make(&(ChecklistInput){.config = scene->host.config,
                .inventory = inventory,
                .running = running,
                .rotations = &scene->rotations,
                .now = scene->host.now});
        running_free(running);
        return scene->checklist;
}

/* Leaves of the old CA, before the new one signs and afterwards. */
static void test_leaves_that_no_phase_signs_anew(void **state)
{
        Scene scene;

        scene_set_up(&scene);
        const Cert *cert = host_item(&scene.host, "apiserver")->cert;
        struct {
                ItemKind kind;
                CredentialEntry entry;
                const char *path, *before, *after;
        } cases[] = {
                {ITEM_CERTIFICATE, {}, "/own.crt", NULL, "of the CA that is to go"},
                {ITEM_KUBECONFIG, {.watch = true}, CLIENT, NULL, "and somebody else renews it"},
                {ITEM_CERTIFICATE, {.watch = true}, "/foreign.crt", "and somebody else renews it",
                        "and somebody else renews it"},
                {ITEM_CERTIFICATE, {.watch = true}, SERVING,
                        "the kubelet asks the cluster for it: after reissue remove it",
                        "restart the kubelet"},
                {ITEM_CERTIFICATE, {.name = (char *)"serving", .issuer.kind = ISSUER_KIND_CSR},
                        "/csr.crt", "'kube-renewd renew serving' after reissue (Issuer=csr)",
                        "it is not for this CA to sign again"},
                {ITEM_CERTIFICATE, {.name = (char *)"vault", .issuer.kind = ISSUER_KIND_EXTERNAL},
                        "/external.crt", "'kube-renewd csr vault' after reissue (Issuer=external)",
                        "it is not for this CA to sign again"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Item item = {.kind = cases[i].kind,
                        .name = (char *)"leaf",
                        .entry = &cases[i].entry,
                        .path = (char *)cases[i].path,
                        .key_path = (char *)cases[i].path,
                        .cert = cert};
                const Inventory inventory = {.items = &item, .n_items = 1};
                const char *const expected[] = {cases[i].before, cases[i].after};

                for (size_t k = 0; k < 2; k++) {
                        const Checklist *list = look(&scene,
                                k == 0 ? CA_PHASE_TRUST_BOTH : CA_PHASE_REISSUE, &inventory);

                        assert_int_equal(list->n, expected[k] != NULL);
                        if (expected[k] && !strstr(list->items[0].text, expected[k]))
                                fail_msg("%s: %s", cases[i].path, list->items[0].text);
                        assert_null(checklist_open(list, CA_PHASE_REISSUE));
                }
                assert_int_equal(ca_rotation_signs(&item), i == 0);
        }
        scene_tear_down(&scene);
}

/* What the kubelet says, and whom that file trusts: the old CA, the new one, both or somebody else.
 */
static void test_a_kubelet_with_a_file_of_its_own(void **state)
{
        static const struct {
                const char *file, *config;
                const char *text; /* NULL: nothing to be told */
        } cases[] = {
                {"o", NULL, NULL},
                {"o", "authentication: {anonymous: {enabled: false}}\n", NULL},
                {"o", "authentication: {x509: {clientCAFile: /clients.crt}}\n",
                        "is trusted by '/clients.crt'"},
                {"on", "authentication: {x509: {clientCAFile: /clients.crt}}\n", NULL},
                {"n", "authentication: {x509: {clientCAFile: /clients.crt}}\n", NULL},
                {"", "authentication: {x509: {clientCAFile: /clients.crt}}\n", "/clients.crt"},
                {"o", "authentication: {x509: {clientCAFile: ../../../clients.crt}}\n",
                        "is trusted by '/clients.crt'"},
                {"o", "authentication: [\n", "could not be read"},
        };
        const Inventory nothing = {};
        Scene scene;

        scene_set_up(&scene);
        autofree char *old = cert_to_pem(scene.record->old_ca);
        autofree char *new = cert_to_pem(scene.record->new_ca);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *text = xasprintf("%s%s", strchr(cases[i].file, 'o') ? old : "",
                        strchr(cases[i].file, 'n') ? new : "");
                const Checklist *list;

                tree_write_text(scene.host.root, "/clients.crt", text);
                if (cases[i].config)
                        tree_write_text(scene.host.root, KUBELET "/config.yaml", cases[i].config);
                list = look(&scene, CA_PHASE_TRUST_BOTH, &nothing);
                assert_int_equal(list->n, cases[i].text != NULL);
                if (cases[i].text && !strstr(list->items[0].text, cases[i].text))
                        fail_msg("%zu: %s", i, list->items[0].text);
                assert_null(checklist_open(list, CA_PHASE_REISSUE));
                assert_int_equal(look(&scene, CA_PHASE_PREPARE, &nothing)->n, 0);
        }
        scene_tear_down(&scene);
}

/* Who knows only the new CA is accepted for thirty days, and then somebody must know. */
static void test_what_the_new_ca_has_said_of_the_old_one_ends(void **state)
{
        const Inventory nothing = {};
        Scene scene;

        scene_set_up(&scene);
        assert_int_equal(look(&scene, CA_PHASE_TRUST_BOTH, &nothing)->n, 0);
        scene.host.now = scene.record->old_by_new->not_after;
        assert_non_null(
                checklist_open(look(&scene, CA_PHASE_TRUST_BOTH, &nothing), CA_PHASE_REISSUE));
        assert_int_equal(look(&scene, CA_PHASE_REISSUE, &nothing)->n, 0);
        scene.record->is_aborting = true;
        assert_int_equal(look(&scene, CA_PHASE_TRUST_BOTH, &nothing)->n, 0);
        scene.record->is_aborting = false;
        scene.host.now = scene.record->old_ca->not_after;
        assert_int_equal(look(&scene, CA_PHASE_TRUST_BOTH, &nothing)->n, 0);
        scene_tear_down(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_leaves_that_no_phase_signs_anew),
                cmocka_unit_test(test_a_kubelet_with_a_file_of_its_own),
                cmocka_unit_test(test_what_the_new_ca_has_said_of_the_old_one_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
