/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "pki/ca-rotate.h"
#include "renew/commit/judge.h"
#include "restoring.h"

/* Backups of the phases of a CA rotation, made by transactions of the form that these have. */

#define PKI      "/etc/kubernetes/pki/"
#define MANIFEST "/etc/kubernetes/manifests/kube-controller-manager.yaml"
#define SIGNER   PKI "ca-signer.crt"
#define RECORD   STATE "/ca-rotation/kubernetes.json"
#define KEY      STATE "/ca-rotation/kubernetes.key"

/* All that is changed by any of them. */
static const char *const all_paths[] = {PKI "ca.crt", PKI "ca.key", PKI "apiserver.crt",
        PKI "apiserver.key", MANIFEST, SIGNER, RECORD, KEY};

enum { PREPARE, TRUST_BOTH, NIGHT, REISSUE, TRUST_NEW, N_STEPS };

/* A host on its way from one CA to another. */
typedef struct Way {
        Host host;
        char *old_key, *new_key, *old, *new, *both, *new_first;
        char *manifest;
        Ca *old_ca, *new_ca;
        Digest before[N_STEPS + 1][ELEMENTSOF(all_paths)]; /* by content; of nothing: absent */
} Way;

static char *id_of(unsigned step)
{
        return xasprintf("%032u", step + 1);
}

static Ca *ca_of_texts(const char *certificate, const char *key_text)
{
        autoptr(CertList) list = NULL;
        Key *key = NULL;
        Ca *ca = NULL;

        assert_int_equal(cert_list_parse(certificate, strlen(certificate), &list, NULL), 0);
        assert_int_equal(key_parse(key_text, strlen(key_text), &key, NULL), 0);
        assert_int_equal(ca_new(list, key, &ca, NULL), 0);
        return ca;
}

static Way way_new(void)
{
        Way way = {.host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD)};
        autoptr(Key) key = NULL;
        autoptr(Secret) pem = NULL;
        autoptr(Cert) cert = NULL;

        way.old = tree_read(way.host.root, PKI "ca.crt", NULL);
        way.old_key = tree_read(way.host.root, PKI "ca.key", NULL);
        way.manifest = tree_read(way.host.root, MANIFEST, NULL);
        way.old_ca = ca_of_texts(way.old, way.old_key);
        assert_int_equal(key_generate(KEY_KIND_ECDSA_P256, &key, NULL), 0);
        assert_int_equal(key_to_pem(key, KEY_FORMAT_SEC1, &pem, NULL), 0);
        assert_int_equal(ca_succeed(ca_signer(way.old_ca), key, way.host.now - MINUTE,
                                 way.host.now + 10 * YEAR, &cert, NULL),
                0);
        way.new_key = xstrndup((char *)pem->data, pem->size);
        way.new = cert_to_pem(cert);
        way.new_ca = ca_of_texts(way.new, way.new_key);
        way.both = xasprintf("%s%s", way.old, way.new);
        way.new_first = xasprintf("%s%s", way.new, way.old);
        return way;
}

static void way_free(Way *way)
{
        host_free(&way->host);
        free(way->old_key);
        free(way->new_key);
        free(way->old);
        free(way->new);
        free(way->both);
        free(way->new_first);
        free(way->manifest);
        ca_free(way->old_ca);
        ca_free(way->new_ca);
}

static void change(Way *way, Txn *txn, const char *path, const char *text, unsigned pair)
{
        FileImage *old = NULL;

        (void)!fs_read_file(way->host.root_fd, path, FS_SIZE_MAX, &old, NULL);
        assert_int_equal(txn_add(txn,
                                 &(TxnChange){.path = path,
                                         .data = text,
                                         .size = strlen(text),
                                         .old = old,
                                         .mode = 0600,
                                         .pair = pair},
                                 NULL),
                0);
        file_image_free(old);
}

/* apiserver with another certificate behind it; by that CA again with another key, unless that is
 * NULL. */
static void change_leaf(Way *way, Txn *txn, const Ca *ca, const char *behind)
{
        autofree char *old_text = tree_read(way->host.root, PKI "apiserver.crt", NULL);
        autofree char *pem = NULL, *text = NULL;
        autoptr(CertList) old = NULL;
        autoptr(Secret) secret = NULL;
        autoptr(Cert) fresh = NULL;
        autoptr(Key) key = NULL;
        int64_t validity = 2 * YEAR + (int64_t)txn_size(txn) * DAY;

        assert_int_equal(cert_list_parse(old_text, strlen(old_text), &old, NULL), 0);
        if (ca) {
                LeafTerms terms = leaf_terms(ca, way->host.now, validity, NULL);

                assert_int_equal(key_generate(KEY_KIND_ECDSA_P256, &key, NULL), 0);
                assert_int_equal(ca_renew(ca, old->certs[0], key, &terms, &fresh, NULL), 0);
                assert_int_equal(key_to_pem(key, KEY_FORMAT_SEC1, &secret, NULL), 0);
                autofree char *key_text = xstrndup((char *)secret->data, secret->size);

                change(way, txn, PKI "apiserver.key", key_text, 1);
        }
        pem = cert_to_pem(fresh ? fresh : old->certs[0]);
        text = xasprintf("%s%s", pem, behind);
        change(way, txn, PKI "apiserver.crt", text, 1);
}

/* What each step changes. */
static void add_changes(Way *way, Txn *txn, unsigned step)
{
        switch (step) {
        case PREPARE:
                change(way, txn, RECORD, "{\"phase\": 1}", 0);
                change(way, txn, KEY, way->new_key, 0);
                break;
        case TRUST_BOTH:
                change(way, txn, PKI "ca.crt", way->both, 2);
                change(way, txn, SIGNER, way->old, 0);
                change(way, txn, MANIFEST, "changed", 0);
                change_leaf(way, txn, NULL, way->new);
                change(way, txn, RECORD, "{\"phase\": 2}", 0);
                break;
        case NIGHT:
                change_leaf(way, txn, way->old_ca, way->new);
                break;
        case REISSUE:
                change(way, txn, PKI "ca.crt", way->new_first, 2);
                change(way, txn, PKI "ca.key", way->new_key, 2);
                change(way, txn, SIGNER, way->new, 0);
                change_leaf(way, txn, way->new_ca, way->old);
                change(way, txn, RECORD, "{\"phase\": 3}", 0);
                change(way, txn, KEY, way->old_key, 0);
                break;
        default:
                change(way, txn, PKI "ca.crt", way->new, 2);
                change(way, txn, SIGNER, "# not in use\n", 0);
                change(way, txn, MANIFEST, way->manifest, 0);
                change(way, txn, RECORD, "{\"phase\": 4}", 0);
                change(way, txn, KEY, "# not in use\n", 0);
        }
}

static Digest digest_now(const Way *way, const char *path)
{
        FileImage *image = NULL;
        Digest digest = digest_of("", 0);

        if (fs_read_file(way->host.root_fd, path, FS_SIZE_MAX, &image, NULL) >= 0)
                digest = image->digest;
        file_image_free(image);
        return digest;
}

static void note(Way *way, unsigned step)
{
        for (size_t i = 0; i < ELEMENTSOF(all_paths); i++)
                way->before[step][i] = digest_now(way, all_paths[i]);
}

static char *backup_of_step(const Way *way, unsigned step)
{
        autofree char *id = id_of(step);

        return backup_path(STATE, way->host.now + step, id);
}

static void make_step(Way *way, unsigned step)
{
        autofree char *id = id_of(step), *backup = backup_of_step(way, step);
        autofree char *directory = xasprintf("%s" STATE "/ca-rotation", way->host.root);
        autoptr(PairJudge) pair_judge = pair_judge_new(way->host.root_fd, way->host.config);
        const TxnJudge judge = pair_judge_txn(pair_judge);
        autoptr(Txn) txn = NULL;
        TxnOutcome outcome = {};
        Error error = {};

        note(way, step);
        tree_make_parents(way->host.root, RECORD);
        assert_int_equal(txn_open(way->host.root_fd, STATE, &txn, NULL), 0);
        assert_int_equal(txn_begin(txn, id, backup, step == NIGHT ? "run" : "rotate-ca",
                                 way->host.now + step, NULL),
                0);
        add_changes(way, txn, step);
        if (txn_prepare(txn, &error) < 0 || txn_commit(txn, &judge, &outcome, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(outcome.n_conflicts, 0);
        if (step == TRUST_NEW) {
                tree_remove(way->host.root, SIGNER);
                tree_remove(way->host.root, RECORD);
                tree_remove(way->host.root, KEY);
                assert_int_equal(rmdir(directory), 0);
        }
        note(way, step + 1);
}

static int restore(const Way *way, const char *backup, unsigned pass, bool force,
        RestoreResult **ret, Error *reterr)
{
        autofree char *pass_id = id_of(pass);
        const RestoreRequest request = {.id = strrchr(backup, '/') + 1,
                .force = force,
                .now = way->host.now + pass,
                .pass_id = pass_id};

        return host_restore(&way->host, &request, ret, reterr);
}

static void assert_state(const Way *way, unsigned step, const char *what)
{
        for (size_t i = 0; i < ELEMENTSOF(all_paths); i++) {
                Digest now = digest_now(way, all_paths[i]);

                if (!digest_equal(&now, &way->before[step][i]))
                        fail_msg("%s: '%s' is not what it was before step %u", what, all_paths[i],
                                step);
        }
}

/* From wherever the rotation is to what was before any of its phases, and forth again. */
static void test_t16_t33_any_phase_is_brought_back(void **state)
{
        static const unsigned phases[] = {PREPARE, TRUST_BOTH, REISSUE, TRUST_NEW};

        for (size_t i = 0; i < ELEMENTSOF(phases); i++)
                for (unsigned end = phases[i]; end < N_STEPS; end++) {
                        autofree char *what = xasprintf("%u from %u", phases[i], end);
                        Way way = way_new();
                        autofree char *backup = backup_of_step(&way, phases[i]);
                        autofree char *undo_id = id_of(N_STEPS);
                        autofree char *undo = backup_path(STATE, way.host.now + N_STEPS, undo_id);
                        autoptr(RestoreResult) result = NULL;
                        autoptr(RestoreResult) forth = NULL;
                        Error error = {};

                        for (unsigned step = 0; step <= end; step++)
                                make_step(&way, step);
                        if (restore(&way, backup, N_STEPS, false, &result, &error) < 0)
                                fail_msg("%s: %s", what, error.text);
                        assert_true(result->is_of_ca);
                        assert_state(&way, phases[i], what);
                        if (restore(&way, undo, N_STEPS + 1, false, &forth, &error) < 0)
                                fail_msg("%s, and forth: %s", what, error.text);
                        assert_state(&way, end + 1, what);
                        way_free(&way);
                }
}

/* Until it is over, nothing is lost that would be needed to go back. */
static void test_t33_prune_keeps_what_an_unfinished_rotation_needs(void **state)
{
        Way way = way_new();
        autoptr(BackupList) unfinished = NULL;
        autoptr(BackupList) over = NULL;

        for (unsigned step = 0; step < TRUST_NEW; step++)
                make_step(&way, step);
        assert_int_equal(backup_prune(way.host.root_fd, STATE, 1, NULL), 0);
        assert_int_equal(backup_list(way.host.root_fd, STATE, &unfinished, NULL), 0);
        assert_int_equal(unfinished->n, TRUST_NEW);
        make_step(&way, TRUST_NEW);
        assert_int_equal(backup_prune(way.host.root_fd, STATE, 2, NULL), 0);
        assert_int_equal(backup_list(way.host.root_fd, STATE, &over, NULL), 0);
        assert_int_equal(over->n, 2);
        way_free(&way);
}

static void assert_refused(const Way *way, unsigned step, bool force, int r, const char *words)
{
        autofree char *backup = backup_of_step(way, step);
        RestoreResult *result = NULL;
        Error error = {};

        assert_int_equal(restore(way, backup, N_STEPS, force, &result, &error), r);
        assert_null(result);
        if (!strstr(error.text, words))
                fail_msg("%s", error.text);
}

/* By the CA that there will be: the old one again, or nobody who knows it. */
static void test_t33_leaves_of_a_ca_that_will_not_be_there_are_refused(void **state)
{
        Way way = way_new();

        for (unsigned step = 0; step < N_STEPS; step++)
                make_step(&way, step);
        assert_refused(&way, NIGHT, false, -EKEYREJECTED, "is signed by a CA that would not be");
        assert_state(&way, N_STEPS, "refused");
        way_free(&way);
}

static void test_t16_no_ca_with_the_key_of_another_one(void **state)
{
        Way way = way_new();
        autofree char *lost = backup_of_step(&way, REISSUE);

        for (unsigned step = 0; step <= REISSUE; step++)
                make_step(&way, step);
        assert_int_equal(fs_remove_tree(way.host.root_fd, lost, NULL), 0);
        assert_refused(&way, TRUST_BOTH, true, -EKEYREJECTED,
                "the key in '" PKI "ca.key' would not belong to the certificate in '" PKI
                "ca.crt'");
        assert_state(&way, REISSUE + 1, "refused");
        way_free(&way);
}

static void test_damage_of_a_later_phase(void **state)
{
        Way way = way_new();
        autofree char *backup = backup_of_step(&way, REISSUE);
        autofree char *manifest = xasprintf("%s/manifest.json", backup);

        for (unsigned step = 0; step <= REISSUE; step++)
                make_step(&way, step);
        tree_write_text(way.host.root, manifest, "{");
        assert_refused(&way, TRUST_BOTH, true, -EBADMSG, "what was replaced after it is not known");
        assert_refused(&way, REISSUE, true, -EBADMSG, "manifest.json");
        assert_state(&way, REISSUE + 1, "refused");
        way_free(&way);
}

/* No component goes back by itself. */
static void test_files_of_a_ca_go_back_together(void **state)
{
        static char *paths[] = {(char *)PKI "apiserver.crt", NULL};
        Way way = way_new();
        autofree char *backup = backup_of_step(&way, TRUST_BOTH);
        RestoreResult *result = NULL;
        Error error = {};

        for (unsigned step = 0; step <= TRUST_BOTH; step++)
                make_step(&way, step);
        const RestoreRequest request = {.id = strrchr(backup, '/') + 1,
                .paths = paths,
                .now = way.host.now,
                .pass_id = "x"};
        assert_int_equal(host_restore(&way.host, &request, &result, &error), -EPERM);
        assert_non_null(strstr(error.text, "go back with it or not at all"));
        assert_state(&way, TRUST_BOTH + 1, "refused");
        way_free(&way);
}

/* What has come into being since, and is no certificate of a CA, is somebody's. */
static void test_only_our_own_files_are_removed(void **state)
{
        static const char *const contents[] = {"a text", "", "-----BEGIN CERTIFICATE-----\n"};

        for (size_t i = 0; i <= ELEMENTSOF(contents); i++) {
                Way way = way_new();
                autofree char *backup = backup_of_step(&way, TRUST_BOTH);
                autofree char *both = xasprintf("%s%s", way.old, way.old_key);
                const char *content = i < ELEMENTSOF(contents) ? contents[i] : both;
                autofree char *after = NULL;
                autoptr(RestoreResult) result = NULL;

                for (unsigned step = 0; step <= TRUST_BOTH; step++)
                        make_step(&way, step);
                tree_write_text(way.host.root, SIGNER, content);
                assert_int_equal(restore(&way, backup, N_STEPS, false, &result, NULL), 0);
                after = tree_read(way.host.root, SIGNER, NULL);
                assert_string_equal(after, content);
                way_free(&way);
        }
}

static void test_dry_run_tells_and_touches_nothing(void **state)
{
        Way way = way_new();
        autofree char *backup = backup_of_step(&way, TRUST_BOTH);
        autoptr(RestoreResult) result = NULL;
        bool told = false;

        for (unsigned step = 0; step <= REISSUE; step++)
                make_step(&way, step);
        const RestoreRequest request = {.id = strrchr(backup, '/') + 1,
                .dry_run = true,
                .now = way.host.now,
                .pass_id = "x"};
        assert_int_equal(host_restore(&way.host, &request, &result, NULL), 0);
        assert_int_equal(result->n_changes, ELEMENTSOF(all_paths));
        for (size_t i = 0; i < result->n; i++)
                told |= streq(result->lines[i].path, SIGNER) &&
                        streq(result->lines[i].text, "did not exist; is removed");
        assert_true(told);
        assert_state(&way, REISSUE + 1, "dry run");
        way_free(&way);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t16_t33_any_phase_is_brought_back),
                cmocka_unit_test(test_t33_prune_keeps_what_an_unfinished_rotation_needs),
                cmocka_unit_test(test_t33_leaves_of_a_ca_that_will_not_be_there_are_refused),
                cmocka_unit_test(test_t16_no_ca_with_the_key_of_another_one),
                cmocka_unit_test(test_damage_of_a_later_phase),
                cmocka_unit_test(test_files_of_a_ca_go_back_together),
                cmocka_unit_test(test_only_our_own_files_are_removed),
                cmocka_unit_test(test_dry_run_tells_and_touches_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
