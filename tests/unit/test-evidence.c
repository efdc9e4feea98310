/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/report/evidence.h"
#include "scene.h"

static Evidence look_at(const Scene *scene, size_t i, AlarmType type, Finding *finding)
{
        const Look look = {&scene->input, &scene->items[i], &scene->verdicts[i]};

        return evidence_look(type, &look, finding);
}

/* The pass that left it alone says so by "invalid", once. */
static void test_t07_an_unreadable_key_is_no_failed_renewal(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 300 * DAY);
        Finding finding;

        scene_skip(scene, i, OUTCOME_FAILED, "why");
        scene_set_state(scene, i, STATE_INVALID, "why");
        scene->items[i].cert = &scene->certs[i];
        assert_int_equal(look_at(scene, i, ALARM_TYPE_RENEWAL_FAILED, &finding), EVIDENCE_NONE);
        assert_null(finding.reason);
        finding_done(&finding);
        assert_int_equal(look_at(scene, i, ALARM_TYPE_INVALID, &finding), EVIDENCE_FAULT);
        assert_string_equal(finding.reason, "why");
        finding_done(&finding);

        scene_set_state(scene, i, STATE_EXPIRING, "why");
        assert_int_equal(look_at(scene, i, ALARM_TYPE_RENEWAL_FAILED, &finding), EVIDENCE_FAULT);
        finding_done(&finding);
        scene_free(scene);
}

/* Whether anybody does anything about it is not ours to see; what is asked of people they know. */
static void test_t29_what_is_asked_for_is_an_alarm_while_it_is_pending(void **state)
{
        static const struct {
                const char *issuer; /* NULL: there is no request */
                int64_t asked_at, residual;
                Evidence evidence;
                AlarmSeverity severity;
        } table[] = {
                {"csr", NOW, 60 * DAY, EVIDENCE_FAULT, ALARM_MINOR},
                {"command", NOW, 3 * DAY, EVIDENCE_FAULT, ALARM_MINOR},
                {"csr", NOW, 3 * DAY - 1, EVIDENCE_FAULT, ALARM_MAJOR},
                {"csr", 0, 60 * DAY, EVIDENCE_GONE, ALARM_MINOR},
                {"external", NOW, DAY, EVIDENCE_GONE, ALARM_MINOR},
                {NULL, 0, DAY, EVIDENCE_GONE, ALARM_MINOR},
        };

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                Scene *scene = scene_new();
                size_t i = scene_leaf(scene, "apiserver", table[k].residual);
                Pending pending = {.name = (char *)"apiserver",
                        .issuer = (char *)table[k].issuer,
                        .asked_at = table[k].asked_at,
                        .text = (char *)"it waits"};
                PendingList list = {(Pending *[]){&pending}, table[k].issuer != NULL};
                Finding finding;

                scene->config.postpone_limit = 3 * DAY;
                scene->input.pendings = &list;
                assert_int_equal(
                        look_at(scene, i, ALARM_TYPE_PENDING_CSR, &finding), table[k].evidence);
                if (table[k].evidence == EVIDENCE_FAULT) {
                        assert_int_equal(finding.severity, table[k].severity);
                        assert_string_equal(
                                finding.reason, "asked for since 2027-11-11T23:26:00Z: it waits");
                }
                finding_done(&finding);

                /* Who may not read them clears nothing. */
                scene->input.pendings = NULL;
                assert_int_equal(
                        look_at(scene, i, ALARM_TYPE_PENDING_CSR, &finding), EVIDENCE_NONE);
                finding_done(&finding);
                scene_free(scene);
        }
}

/* What a pass refuses to renew nobody is told to renew by hand. */
static void test_repair_action_is_of_who_renews_it(void **state)
{
        static const struct {
                AlarmType type;
                bool watch, external;
                const char *action;
        } table[] = {
                {ALARM_TYPE_EXPIRING, false, false, "Run 'kube-renewd plan'"},
                {ALARM_TYPE_EXPIRING, true, false, "Have it renewed by the program"},
                {ALARM_TYPE_EXPIRED, false, false, "Run 'kube-renewd renew'"},
                {ALARM_TYPE_EXPIRED, true, false, "Have it renewed by the program"},
                {ALARM_TYPE_EXPIRED, true, true, "Have it renewed by the program"},
                {ALARM_TYPE_EXPIRED, false, true, "Have it renewed where the key of its CA is"},
                {ALARM_TYPE_INVALID, false, false, "Put the right files in place"},
                {ALARM_TYPE_INVALID, false, true, "Have it renewed where the key of its CA is"},
                {ALARM_TYPE_FOREIGN_CHANGE, true, true, "Let only one program renew"},
        };
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "kubelet", 300 * DAY);

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                Finding finding;

                scene->entries[i].watch = table[k].watch;
                scene->verdicts[i].external = table[k].external;
                look_at(scene, i, table[k].type, &finding);
                if (!strstr(finding.repair_action, table[k].action))
                        fail_msg("%zu: '%s'", k, finding.repair_action);
                finding_done(&finding);
        }
        scene_free(scene);
}

/* It is raised by the one that is due again, and stays until a day has passed without that. */
static void test_failure_mode_43_a_loop_has_an_end(void **state)
{
        static const struct {
                bool looping, due, repair, missing;
                Evidence expected;
        } table[] = {
                {true, true, false, false, EVIDENCE_FAULT},
                {true, true, false, true, EVIDENCE_FAULT},
                {true, false, false, false, EVIDENCE_NONE},
                {false, true, false, false, EVIDENCE_NONE},
                {false, false, false, false, EVIDENCE_GONE},
                {false, false, true, false, EVIDENCE_NONE},
                {false, false, false, true, EVIDENCE_NONE},
        };
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 300 * DAY);

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                Verdict *verdict = &scene->verdicts[i];
                Finding finding;

                verdict->text = (char *)"lacks the configured DNS:a";
                verdict->loop_until = table[k].looping ? NOW + HOUR : 0;
                verdict->due = table[k].due;
                verdict->repair_ca_data = table[k].repair;
                scene->items[i].cert = table[k].missing ? NULL : &scene->certs[i];
                assert_int_equal(
                        look_at(scene, i, ALARM_TYPE_RENEWAL_LOOP, &finding), table[k].expected);
                if (table[k].expected == EVIDENCE_FAULT)
                        assert_string_equal(finding.reason,
                                "it was renewed 3 times in 24 hours and is due again (lacks the "
                                "configured DNS:a): left alone until 2027-11-12T00:26:00Z");
                finding_done(&finding);
        }
        scene_free(scene);
}

/* A kubelet renews what is valid and behind a link. */
static const struct {
        int64_t residual;
        bool is_link, watch, embedded;
        const char *path;
        Evidence evidence;
        AlarmSeverity severity;
        const char *reason;
} rotations[] = {
        {300 * DAY, true, true, false, "/k/kubelet-client-current.pem", EVIDENCE_GONE, 0, NULL},
        {YEAR / 10, true, true, false, "/k/kubelet-client-current.pem", EVIDENCE_GONE, 0, NULL},
        {YEAR / 10 - 1, true, true, false, "/k/kubelet-client-current.pem", EVIDENCE_FAULT,
                ALARM_MAJOR, "expires 2027-12-18T11:25:59Z; the kubelet has not renewed it"},
        {YEAR / 10 - 1, false, true, false, "/k/kubelet-client-current.pem", EVIDENCE_FAULT,
                ALARM_MAJOR,
                "expires 2027-12-18T11:25:59Z; '/k/kubelet-client-current.pem' is a file, "
                "and no link to the newest one"},
        {-1, true, true, false, "/k/kubelet-client-current.pem", EVIDENCE_FAULT, ALARM_CRITICAL,
                "expired 2027-11-11T23:25:59Z"},
        {300 * DAY, false, true, false, "/k/kubelet-client-current.pem", EVIDENCE_FAULT,
                ALARM_MAJOR,
                "'/k/kubelet-client-current.pem' is a file, and no link to the newest one"},
        {-1, false, true, false, "/k/kubelet-client-current.pem", EVIDENCE_FAULT, ALARM_CRITICAL,
                "expired 2027-11-11T23:25:59Z; '/k/kubelet-client-current.pem' is a file, "
                "and no link to the newest one"},
        {-1, false, false, false, "/k/kubelet-client-current.pem", EVIDENCE_GONE, 0, NULL},
        {-1, false, true, true, "/k/kubelet-client-current.pem", EVIDENCE_GONE, 0, NULL},
        {-1, false, true, false, "/k/kubelet.pem", EVIDENCE_GONE, 0, NULL},
        {-1, false, true, false, "-current.pem", EVIDENCE_GONE, 0, NULL},
};

static void test_t42_a_kubelet_that_cannot_renew_is_stuck(void **state)
{
        for (size_t k = 0; k < ELEMENTSOF(rotations); k++) {
                Scene *scene = scene_new();
                size_t i =
                        scene_item(scene, ITEM_KUBECONFIG, "kubelet.conf", rotations[k].residual);
                Item *item = &scene->items[i];
                Finding finding;

                free(item->path);
                free(item->key_path);
                item->path = xstrdup(rotations[k].path);
                item->key_path = xstrdup(rotations[k].path);
                item->is_link = rotations[k].is_link;
                item->embedded = rotations[k].embedded;
                scene->entries[i].watch = rotations[k].watch;
                if (look_at(scene, i, ALARM_TYPE_KUBELET_ROTATION_STUCK, &finding) !=
                        rotations[k].evidence)
                        fail_msg("%zu", k);
                if (rotations[k].reason) {
                        assert_string_equal(finding.reason, rotations[k].reason);
                        assert_int_equal(finding.severity, rotations[k].severity);
                }
                finding_done(&finding);
                item->cert = NULL;
                assert_int_equal(look_at(scene, i, ALARM_TYPE_KUBELET_ROTATION_STUCK, &finding),
                        EVIDENCE_NONE);
                finding_done(&finding);
                scene_free(scene);
        }
}

/* The layout names the kubelet's client certificate, and so does its kubeconfig: one alarm. Nobody
 * but the layout names the serving one. */
static void test_t42_each_of_the_two_links_is_one_alarm(void **state)
{
        static const char client[] = "/k/kubelet-client-current.pem",
                          serving[] = "/k/kubelet-server-current.pem";
        static const struct {
                ItemKind kind;
                const char *path;
                unsigned usage;
                Evidence evidence;
                const char *text, *repair;
        } table[] = {
                {ITEM_CERTIFICATE, client, CERT_USAGE_CLIENT, EVIDENCE_GONE, NULL, NULL},
                {ITEM_CERTIFICATE, serving, CERT_USAGE_SERVER, EVIDENCE_FAULT,
                        "The kubelet cannot renew its serving certificate.", "kubectl get csr"},
                {ITEM_CHAIN, serving, 0, EVIDENCE_GONE, NULL, NULL},
                {ITEM_CERTIFICATE, "/k/kubelet.crt", CERT_USAGE_SERVER, EVIDENCE_GONE, NULL, NULL},
                {ITEM_KUBECONFIG, client, CERT_USAGE_CLIENT, EVIDENCE_FAULT,
                        "The kubelet cannot renew its client certificate.",
                        "kube-renewd renew --kubelet"},
        };
        Scene *scene = scene_new();

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                size_t i = scene_item(scene, table[k].kind, "kubelet", DAY);

                free(scene->items[i].path);
                free(scene->items[i].key_path);
                scene->items[i].path = xstrdup(table[k].path);
                scene->items[i].key_path = xstrdup(table[k].path);
                scene->items[i].is_link = true;
                scene->certs[i].usage = table[k].usage;
                scene->entries[i].watch = true;
        }
        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                Finding finding;
                Evidence evidence = look_at(scene, k, ALARM_TYPE_KUBELET_ROTATION_STUCK, &finding);

                if (evidence != table[k].evidence)
                        fail_msg("%zu", k);
                if (evidence == EVIDENCE_FAULT) {
                        assert_string_equal(finding.text, table[k].text);
                        assert_non_null(strstr(finding.repair_action, table[k].repair));
                }
                finding_done(&finding);
                assert_int_equal(look_at(scene, k, ALARM_TYPE_EXPIRING, &finding),
                        streq(table[k].path, "/k/kubelet.crt") || table[k].kind == ITEM_CHAIN
                                ? EVIDENCE_FAULT
                                : EVIDENCE_GONE);
                finding_done(&finding);
        }
        /* Where its kubeconfig holds another one, the layout alone knows of the link. */
        scene->items[4].embedded = true;
        Finding finding;
        assert_int_equal(
                look_at(scene, 0, ALARM_TYPE_KUBELET_ROTATION_STUCK, &finding), EVIDENCE_FAULT);
        finding_done(&finding);
        scene_free(scene);
}

/* A kubelet makes a CA with its own serving certificate, which is of no use without it. */
static void test_a_ca_behind_a_leaf_that_is_watched(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_item(scene, ITEM_CHAIN, "kubelet-serving#2", 100 * DAY);
        Finding finding;

        scene->certs[i].is_ca = true;
        assert_int_equal(look_at(scene, i, ALARM_TYPE_CA_EXPIRING, &finding), EVIDENCE_FAULT);
        finding_done(&finding);
        scene->entries[i].watch = true;
        assert_int_equal(look_at(scene, i, ALARM_TYPE_CA_EXPIRING, &finding), EVIDENCE_GONE);
        finding_done(&finding);
        scene_free(scene);
}

/* What a process has loaded does not make the file good. */
static void test_t22_not_loaded_clears_no_alarm_about_the_file(void **state)
{
        static const struct {
                State covered;
                bool external;
                AlarmType type;
                Evidence expected;
        } table[] = {
                {STATE_EXPIRING, false, ALARM_TYPE_EXPIRING, EVIDENCE_FAULT},
                {STATE_EXPIRING, true, ALARM_TYPE_EXTERNALLY_MANAGED_EXPIRING, EVIDENCE_FAULT},
                {STATE_OK, false, ALARM_TYPE_EXPIRING, EVIDENCE_GONE},
                {STATE_OK, true, ALARM_TYPE_EXTERNALLY_MANAGED_EXPIRING, EVIDENCE_GONE},
                {STATE_DRIFTED, false, ALARM_TYPE_EXPIRING, EVIDENCE_GONE},
        };

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                Scene *scene = scene_new();
                size_t i = scene_leaf(scene, "apiserver", 1);
                Finding finding;

                scene->verdicts[i].external = table[k].external;
                scene->verdicts[i].covered = table[k].covered;
                scene_set_state(scene, i, STATE_NOT_LOADED, "kube-apiserver serves another");
                if (look_at(scene, i, table[k].type, &finding) != table[k].expected)
                        fail_msg("%zu", k);
                finding_done(&finding);
                scene_free(scene);
        }
}

/* Of all that ends, whoever renews it: starlingx/fault, events.yaml. */
static void test_starlingx_texts_of_what_ends(void **state)
{
        static const struct {
                AlarmType type;
                ItemKind kind;
                bool external;
                int64_t residual;
                const char *id, *text;
                AlarmSeverity severity;
        } table[] = {
                {ALARM_TYPE_EXPIRING, ITEM_CERTIFICATE, false, 2 * DAY, "500.200",
                        "Certificate 'x' expiring soon on 2027-11-13, 23:26:00 UTC.", ALARM_MAJOR},
                {ALARM_TYPE_EXTERNALLY_MANAGED_EXPIRING, ITEM_CERTIFICATE, true, 2 * DAY, "500.200",
                        "Certificate 'x' expiring soon on 2027-11-13, 23:26:00 UTC.", ALARM_MAJOR},
                {ALARM_TYPE_EXPIRED, ITEM_CERTIFICATE, false, -1, "500.210",
                        "Certificate 'x' expired.", ALARM_CRITICAL},
                {ALARM_TYPE_CA_EXPIRING, ITEM_CA, false, 40 * DAY, "500.200",
                        "Certificate 'x' expiring soon on 2027-12-21, 23:26:00 UTC.", ALARM_MAJOR},
                {ALARM_TYPE_CA_EXPIRED, ITEM_CA, false, -1, "500.210", "Certificate 'x' expired.",
                        ALARM_CRITICAL},
        };

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                const AlarmTypeInfo *info = alarm_type_info(table[k].type);
                Scene *scene = scene_new();
                size_t i = scene_item(scene, table[k].kind, "x", table[k].residual);
                Finding finding;

                scene->verdicts[i].external = table[k].external;
                assert_int_equal(look_at(scene, i, table[k].type, &finding), EVIDENCE_FAULT);
                assert_string_equal(finding.text, table[k].text);
                assert_int_equal(finding.severity, table[k].severity);
                assert_string_equal(info->alarm_id, table[k].id);
                assert_string_equal(info->event_type, "operational-violation");
                assert_string_equal(info->probable_cause, "certificate-expiration");
                finding_done(&finding);
                scene_free(scene);
        }
}

/* The reason of restart-owed names the new files: nobody may be told to remove those. */
static void test_t21_no_repair_action_costs_the_new_files(void **state)
{
        const AlarmTypeInfo *owed = alarm_type_info(ALARM_TYPE_RESTART_OWED);

        (void)state;
        assert_non_null(strstr(owed->repair_action, "Leave the new files as they are."));
        for (AlarmType type = 0; type < N_ALARM_TYPES; type++) {
                const char *action = alarm_type_info(type)->repair_action;

                if (action && strcasestr(action, "remove what the reason names"))
                        fail_msg("%s: '%s'", alarm_type_info(type)->name, action);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t07_an_unreadable_key_is_no_failed_renewal),
                SCRATCH_TEST(test_t29_what_is_asked_for_is_an_alarm_while_it_is_pending),
                SCRATCH_TEST(test_repair_action_is_of_who_renews_it),
                SCRATCH_TEST(test_t22_not_loaded_clears_no_alarm_about_the_file),
                SCRATCH_TEST(test_starlingx_texts_of_what_ends),
                cmocka_unit_test(test_t21_no_repair_action_costs_the_new_files),
                SCRATCH_TEST(test_failure_mode_43_a_loop_has_an_end),
                SCRATCH_TEST(test_t42_a_kubelet_that_cannot_renew_is_stuck),
                SCRATCH_TEST(test_t42_each_of_the_two_links_is_one_alarm),
                SCRATCH_TEST(test_a_ca_behind_a_leaf_that_is_watched),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
