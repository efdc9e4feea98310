/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "pki/ca-rotate.h"
#include "renew/ca-rotation/ca-rotation-files.h"
#include "renew/ca-rotation/ca-rotation-phase.h"
#include "renew/ca-rotation/ca-rotation-prepare.h"

#define STATE "/var/lib/kube-renewd"
#define KEY   "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"

/* A host, its CA "kubernetes" and the record of another one. */
typedef struct Scene {
        Host host;
        CaRecord *record;
        Secret *key;
        char *old_pem, *new_pem;
} Scene;

static const InventoryCa *ca_now(Scene *scene)
{
        host_look(&scene->host);
        return &scene->host.inventory->cas[0];
}

static Scene scene_new(void)
{
        Scene scene = {.host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD)};
        Error error = {};

        if (ca_prepare(ca_now(&scene), &(PrepareRequest){}, scene.host.now, &scene.record,
                    &scene.key, &error) < 0)
                fail_msg("%s", error.text);
        scene.old_pem = cert_to_pem(scene.record->old_ca);
        scene.new_pem = cert_to_pem(scene.record->new_ca);
        return scene;
}

static void scene_free(Scene *scene)
{
        free(scene->old_pem);
        free(scene->new_pem);
        secret_free(scene->key);
        ca_record_free(scene->record);
        host_free(&scene->host);
}

/* The text after the edit; the same where nothing changes. The caller frees. */
static char *edited(const char *text, const BundleEdit *edit)
{
        autoptr(Secret) result = bundle_edit(text, strlen(text), edit);

        return result ? xstrndup((const char *)result->data, result->size) : xstrdup(text);
}

/* "o" and "n" are the two CAs, "O" and "N" the same after a line of their own, "x" another one, "k"
 * a key, "c" a comment. */
static char *text_of(const Scene *scene, const char *words)
{
        autofree char *other = cert_to_pem(scene->host.inventory->cas[2].bundle->certs[0]);
        char *text = xstrdup("");

        for (; *words; words++) {
                const char *word = *words == 'o' || *words == 'O'   ? scene->old_pem
                                   : *words == 'n' || *words == 'N' ? scene->new_pem
                                   : *words == 'x'                  ? other
                                   : *words == 'k'                  ? KEY
                                                                    : "# a comment\n";
                char *before = text;

                text = xasprintf(
                        "%s%s%s", before, *words == 'O' || *words == 'N' ? "its line\n" : "", word);
                free(before);
        }
        return text;
}

static void test_a_bundle_changes_in_what_is_known_and_nowhere_else(void **state)
{
        static const struct {
                const char *before, *after;
                bool old, new, new_first, append;
        } cases[] = {
                {"o", "on", true, true, false, false},
                {"on", "on", true, true, false, false},
                {"on", "no", true, true, true, false},
                {"no", "n", false, true, false, false},
                {"on", "o", true, false, false, false},
                {"cOc", "cOnc", true, true, false, false},
                {"cOnc", "cOc", true, false, false, false},
                {"ox", "onx", true, true, false, false},
                {"xo", "xon", true, true, false, false},
                {"oxn", "nox", true, true, true, false},
                {"ko", "kon", true, true, false, false},
                {"ok", "onk", true, true, false, false},
                {"okn", "okc" /* the key stays */, true, false, false, false},
                {"x", "x", true, true, false, false},
                {"x", "xon", true, true, false, true},
                {"xk", "xonk", true, true, false, true},
                {"", "", true, true, false, false},
                {"oo", "on", true, true, false, false},
        };
        Scene scene = scene_new();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Cert *old = scene.record->old_ca, *new = scene.record->new_ca;
                autofree char *before = text_of(&scene, cases[i].before);
                autofree char *after = text_of(&scene, cases[i].after);
                BundleEdit edit = {.known = {old, new}, .n_known = 2, .append = cases[i].append};

                if (streq(cases[i].before, "okn")) {
                        free(after);
                        after = text_of(&scene, "ok");
                }
                if (cases[i].old)
                        edit.wanted[edit.n_wanted++] = old;
                if (cases[i].new)
                        edit.wanted[edit.n_wanted++] = new;
                if (cases[i].new_first) {
                        edit.wanted[0] = new;
                        edit.wanted[1] = old;
                }
                autofree char *result = edited(before, &edit);
                if (!streq(result, after))
                        fail_msg("%s: got\n%s\ninstead of\n%s", cases[i].before, result, after);
        }
        scene_free(&scene);
}

static void test_a_last_line_without_an_end_is_no_part_of_the_next_block(void **state)
{
        Scene scene = scene_new();
        autofree char *cut = xstrndup(scene.old_pem, strlen(scene.old_pem) - 1);
        autofree char *both = xasprintf("%s%s", scene.old_pem, scene.new_pem);
        autofree char *result =
                edited(cut, &(BundleEdit){.known = {scene.record->old_ca},
                                    .n_known = 1,
                                    .wanted = {scene.record->old_ca, scene.record->new_ca},
                                    .n_wanted = 2});

        assert_string_equal(result, both);
        scene_free(&scene);
}

static void test_a_file_is_one_by_whatever_path(void **state)
{
        char *root = tree_new();
        autofd int root_fd = fs_open_root(root, NULL);
        autoptr(RotationFiles) files = rotation_files_new(root_fd);
        autofree char *link = xasprintf("%s/linked", root);
        RotationFile *a, *b, *missing;
        size_t size;

        tree_write_text(root, "/pki/ca.crt", "text");
        assert_int_equal(symlink("/pki", link), 0);
        assert_int_equal(rotation_files_get(files, "/pki/ca.crt", &a, NULL), 0);
        assert_int_equal(rotation_files_get(files, "/linked//ca.crt", &b, NULL), 0);
        assert_ptr_equal(a, b);
        assert_int_equal(rotation_files_get(files, "/pki/none", &missing, NULL), 0);
        assert_null(missing->image);

        /* What it holds already is no change. */
        rotation_file_set(a, secret_new("text", 4));
        assert_null(a->content);
        rotation_file_set(a, secret_new("other", 5));
        assert_memory_equal(rotation_file_data(b, &size), "other", 5);
        assert_int_equal(size, 5);
        tree_free(root);
}

static void write_record(const Scene *scene, const char *text)
{
        tree_write_text(scene->host.root, STATE "/ca-rotation/kubernetes.json", text);
}

static void test_a_record_says_what_it_was_told(void **state)
{
        Scene scene = scene_new();
        autoptr(CaRecord) record = NULL;
        autofree char *text = NULL, *again = NULL;

        scene.record->is_aborting = true;
        scene.record->times[CA_PHASE_REISSUE] = scene.host.now + 7;
        ca_record_add_edit(scene.record, &(CaManifestEdit){.manifest = xstrdup("/m.yaml"),
                                                 .container = xstrdup("c"),
                                                 .flag = xstrdup("--f"),
                                                 .value = xstrdup("/v"),
                                                 .signer_value = xstrdup("/s"),
                                                 .signer = xstrdup("/host/s")});
        text = ca_record_text(scene.record);
        assert_null(strstr(text, "PRIVATE"));
        write_record(&scene, text);
        assert_int_equal(ca_record_read(scene.host.root_fd, STATE, "kubernetes", &record, NULL), 0);
        again = ca_record_text(record);
        assert_string_equal(again, text);
        assert_int_equal(ca_record_since(record), scene.host.now + 7);
        assert_int_equal(ca_record_latest(record), CA_PHASE_REISSUE);
        assert_string_equal(ca_record_find_edit(record, "/m.yaml", "c", "--f")->signer_value, "/s");
        assert_null(ca_record_find_edit(record, "/m.yaml", "c", "--g"));
        assert_int_equal(ca_record_remove(scene.host.root_fd, STATE, "kubernetes", NULL), 0);
        assert_int_equal(ca_record_remove(scene.host.root_fd, STATE, "kubernetes", NULL), 0);
        ca_record_free(TAKE(record));
        assert_int_equal(ca_record_read(scene.host.root_fd, STATE, "kubernetes", &record, NULL), 0);
        assert_null(record);
        scene_free(&scene);
}

/* Whatever is changed in it: refused, never half believed. */
static void test_a_damaged_record_is_none(void **state)
{
        static const char *const damages[][2] = {
                {"\"schema_version\": 1", "\"schema_version\": 2"},
                {"\"sha256\": \"", "\"sha256\": \"0"},
                {"BEGIN CERTIFICATE", "BEGIN CERTIFICATION"},
                {"\"edits\": []", "\"edits\": [{}]"},
                {"\"edits\": []", "\"edits\": 1"},
                {"\"reissue\": null", "\"reissue\": \"soon\""},
                {"\"new\": {", "\"next\": {"},
                {"{", "{{"},
        };
        Scene scene = scene_new();
        autofree char *text = ca_record_text(scene.record);

        for (size_t i = 0; i < ELEMENTSOF(damages); i++) {
                CaRecord *record = NULL;
                const char *at = strstr(text, damages[i][0]);
                Error error = {};

                assert_non_null(at);
                autofree char *damaged = xasprintf("%.*s%s%s", (int)(at - text), text,
                        damages[i][1], at + strlen(damages[i][0]));
                write_record(&scene, damaged);
                if (ca_record_read(scene.host.root_fd, STATE, "kubernetes", &record, &error) !=
                        -EBADMSG)
                        fail_msg("'%s' is believed", damages[i][1]);
                assert_non_null(strstr(error.text, "kubernetes.json"));
        }
        scene_free(&scene);
}

static void test_the_phase_is_what_is_on_disk(void **state)
{
        static const struct {
                const char *bundle;
                bool new_key;
                CaPhase phase; /* NONE: refused */
                const char *said;
        } cases[] = {
                {"o", false, CA_PHASE_PREPARE, NULL},
                {"on", false, CA_PHASE_TRUST_BOTH, NULL},
                {"xno", false, CA_PHASE_TRUST_BOTH, NULL},
                {"no", true, CA_PHASE_REISSUE, NULL},
                {"n", true, CA_PHASE_TRUST_NEW, NULL},
                {"nx", true, CA_PHASE_TRUST_NEW, NULL},
                {"n", false, CA_PHASE_NONE, "holds the new CA, and its key is that of none"},
                {"o", true, CA_PHASE_NONE, "holds the old CA"},
                {"x", false, CA_PHASE_NONE, "neither of the two"},
                {"c", false, CA_PHASE_NONE, "ca.crt"},
        };
        Scene scene = scene_new();
        autofree char *old_key = tree_read(scene.host.root, "/etc/kubernetes/pki/ca.key", NULL);

        scene.record->times[CA_PHASE_TRUST_BOTH] = scene.host.now;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *bundle = text_of(&scene, cases[i].bundle);
                CaPhase phase = CA_PHASE_NONE;
                Error error = {};

                tree_write_text(scene.host.root, "/etc/kubernetes/pki/ca.crt", bundle);
                if (cases[i].new_key)
                        tree_write(scene.host.root, "/etc/kubernetes/pki/ca.key", scene.key->data,
                                scene.key->size);
                else
                        tree_write_text(scene.host.root, "/etc/kubernetes/pki/ca.key", old_key);
                int r = ca_phase_derive(scene.record, ca_now(&scene), &phase, &error);

                if (phase != cases[i].phase || (r < 0) != (phase == CA_PHASE_NONE))
                        fail_msg("%s: %s: %s", cases[i].bundle, ca_phase_name(phase), error.text);
                if (cases[i].said && !strstr(error.text, cases[i].said))
                        fail_msg("%s: %s", cases[i].bundle, error.text);
        }
        scene_free(&scene);
}

/* Both were there before anything was made. */
static void test_a_new_ca_that_was_trusted_before_has_gone_through_no_phase(void **state)
{
        Scene scene = scene_new();
        autofree char *both = text_of(&scene, "on");
        CaPhase phase = CA_PHASE_NONE;

        tree_write_text(scene.host.root, "/etc/kubernetes/pki/ca.crt", both);
        assert_int_equal(ca_phase_derive(scene.record, ca_now(&scene), &phase, NULL), 0);
        assert_int_equal(phase, CA_PHASE_PREPARE);
        assert_false(ca_phase_is_lost(scene.record, ca_now(&scene)));
        scene_free(&scene);
}

/* Who knows only one of the two reaches a leaf of the other by what stands behind it. */
static void test_the_two_sign_each_other(void **state)
{
        Scene scene = scene_new();
        const CaRecord *record = scene.record;

        assert_true(cert_is_issued_by(record->old_by_new, record->new_ca));
        assert_true(cert_is_issued_by(record->new_by_old, record->old_ca));
        assert_ptr_equal(ca_phase_cross(record, CA_PHASE_TRUST_BOTH), record->old_by_new);
        assert_ptr_equal(ca_phase_cross(record, CA_PHASE_REISSUE), record->new_by_old);
        assert_null(ca_phase_cross(record, CA_PHASE_PREPARE));
        assert_null(ca_phase_cross(record, CA_PHASE_TRUST_NEW));
        scene_free(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_bundle_changes_in_what_is_known_and_nowhere_else),
                cmocka_unit_test(test_a_last_line_without_an_end_is_no_part_of_the_next_block),
                cmocka_unit_test(test_a_file_is_one_by_whatever_path),
                cmocka_unit_test(test_a_record_says_what_it_was_told),
                cmocka_unit_test(test_a_damaged_record_is_none),
                cmocka_unit_test(test_the_phase_is_what_is_on_disk),
                cmocka_unit_test(test_a_new_ca_that_was_trusted_before_has_gone_through_no_phase),
                cmocka_unit_test(test_the_two_sign_each_other),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
