/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/ca-rotation/ca-rotation-compose.h"
#include "renew/ca-rotation/ca-rotation-prepare.h"

#define KEY "/new.key"

/* A host whose CA "kubernetes" is on its way to trust-both, and a leaf of it. */
typedef struct Scene {
        Host host;
        CaRecord *record;
        CaMove move;
        ComposeInput input;
        char *leaf;
} Scene;

static void scene_set_up(Scene *scene, bool no_cross)
{
        autoptr(Secret) key = NULL;
        Error error = {};

        *scene = (Scene){.host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD)};
        host_look(&scene->host);
        if (ca_prepare(&scene->host.inventory->cas[0], &(PrepareRequest){.no_cross = no_cross},
                    scene->host.now, &scene->record, &key, &error) < 0)
                fail_msg("%s", error.text);
        tree_write(scene->host.root, KEY, key->data, key->size);
        scene->move = (CaMove){.record = scene->record, .target = CA_PHASE_TRUST_BOTH};
        scene->input = (ComposeInput){.moves = &scene->move, .n_moves = 1, .now = scene->host.now};
        scene->leaf = cert_to_pem(host_item(&scene->host, "apiserver")->cert);
}

static void scene_tear_down(Scene *scene)
{
        free(scene->leaf);
        ca_record_free(scene->record);
        host_free(&scene->host);
}

/* The text as the phase leaves it; the caller frees. */
static char *chained(const Scene *scene, const char *text)
{
        autoptr(Secret) edited = rotation_edit_chain(&scene->input, text, strlen(text));

        return edited ? xstrndup((const char *)edited->data, edited->size) : xstrdup(text);
}

static void test_it_is_made_anew_in_time(void **state)
{
        Scene scene;
        Error error = {};

        scene_set_up(&scene, false);
        const int64_t end = scene.record->old_by_new->not_after;

        assert_false(ca_cross_is_due(scene.record, scene.host.now));
        assert_true(ca_cross_is_due(scene.record, end - 10 * DAY));
        assert_true(ca_cross_is_due(scene.record, end + DAY));
        autofree char *before = chained(&scene, scene.leaf);
        if (ca_cross_again(scene.host.root_fd, KEY, scene.record, end + DAY, &error) < 0)
                fail_msg("%s", error.text);
        assert_true(cert_is_issued_by(scene.record->old_by_new, scene.record->new_ca));
        assert_true(cert_is_issued_by(scene.record->old_ca, scene.record->old_by_new));
        assert_true(scene.record->old_by_new->not_after > end + 29 * DAY);
        assert_true(scene.record->old_by_new->not_after <= end + 31 * DAY);
        assert_false(ca_cross_is_due(scene.record, end + DAY));

        /* The one of before goes. */
        autofree char *pem = cert_to_pem(scene.record->old_by_new);
        autofree char *expected = xasprintf("%s%s", scene.leaf, pem);
        autofree char *after = chained(&scene, before);
        assert_string_not_equal(before, after);
        assert_string_equal(after, expected);
        scene_tear_down(&scene);
}

static void test_nothing_is_to_be_had(void **state)
{
        Scene scene;

        scene_set_up(&scene, true);
        assert_false(ca_cross_is_due(scene.record, scene.host.now + 100 * DAY));
        scene_tear_down(&scene);

        /* It ends with the old CA. */
        scene_set_up(&scene, false);
        scene.record->old_ca->not_after = scene.record->old_by_new->not_after;
        assert_false(ca_cross_is_due(scene.record, scene.record->old_by_new->not_after));
        scene_tear_down(&scene);
}

static void test_another_key_signs_nothing(void **state)
{
        Scene scene;
        Error error = {};

        scene_set_up(&scene, false);
        const Cert *before = scene.record->old_by_new;

        assert_int_equal(ca_cross_again(scene.host.root_fd, "/etc/kubernetes/pki/ca.key",
                                 scene.record, scene.host.now, &error),
                -ENOKEY);
        assert_int_equal(
                ca_cross_again(scene.host.root_fd, "/none", scene.record, scene.host.now, &error),
                -ENOENT);
        assert_ptr_equal(scene.record->old_by_new, before);
        scene_tear_down(&scene);
}

static void test_what_has_ended_is_behind_no_leaf(void **state)
{
        Scene scene;

        scene_set_up(&scene, false);
        autofree char *with = chained(&scene, scene.leaf);
        assert_string_not_equal(with, scene.leaf);
        scene.input.now = scene.record->old_by_new->not_after;
        autofree char *without = chained(&scene, with);
        autofree char *still_without = chained(&scene, scene.leaf);
        assert_string_equal(without, scene.leaf);
        assert_string_equal(still_without, scene.leaf);
        scene_tear_down(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_it_is_made_anew_in_time),
                cmocka_unit_test(test_nothing_is_to_be_had),
                cmocka_unit_test(test_another_key_signs_nothing),
                cmocka_unit_test(test_what_has_ended_is_behind_no_leaf),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
