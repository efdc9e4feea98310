/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "coordination.h"

#define MANIFEST "/etc/kubernetes/manifests/kube-apiserver.yaml"
#define FLAG     "--advertise-address="

/* Its API server is known to the others by this address. */
static void advertise(const char *address)
{
        autofree char *old = tree_read(host.root, MANIFEST, NULL);
        const char *flag = strstr(old, FLAG);
        autofree char *fresh = NULL;

        assert_non_null(flag);
        flag += strlen(FLAG);
        fresh = xasprintf("%.*s%s%s", (int)(flag - old), old, address, strchr(flag, '\n'));
        tree_write_text(host.root, MANIFEST, fresh);
        host_look(&host);
}

static bool may_end(Coordination *coordination)
{
        return !coordination_forbids(
                coordination, inventory_component(host.inventory, "kube-apiserver"), true, NULL);
}

/* What cannot wait any longer has waited long enough then; a person has it again afterwards. */
static void test_a_living_holder_is_overridden_in_the_end(void **state)
{
        Coordination *coordination = begin("p");

        cluster_lease("by hand", 0);
        assert_taken(coordination, turn_of(60, true, true), 900);
        assert_string_equal(cluster_holder(), "cp2/p");
        assert_taken(coordination, turn_of(60, true, true), 0);
        coordination_free(coordination);
        assert_string_equal(cluster_holder(), "by hand");
        assert_null(json_object_get(cluster_spec(), "leaseDurationSeconds"));

        /* A host that has not said anything for long can ask again. */
        cluster_lease("cp1/x", 3600);
        coordination = begin("q");
        assert_taken(coordination, turn_of(60, true, true), 900);
        coordination_free(coordination);
        assert_string_equal(cluster_holder(), "");
}

static int64_t taken_over_at;

static void take_it_over(const char *method)
{
        if (ticks >= taken_over_at && streq(cluster_holder(), "by hand"))
                cluster_lease("cp3/z", 3600);
}

/* Another host that could not wait either was quicker: now it is that one's turn. */
static void test_who_is_overtaken_waits_for_the_new_holder(void **state)
{
        static const int64_t at[] = {1300000, 1898000, 1900000};

        for (size_t i = 0; i < ELEMENTSOF(at); i++) {
                autoptr(Coordination) coordination = begin("p");

                taken_over_at = at[i] + ticks - 1000000;
                cluster_lease("by hand", 0);
                cluster_on_request = take_it_over;
                assert_not_taken(
                        coordination, turn_of(60, true, true), 900, "'cp3/z' holds the lease");
                assert_string_equal(cluster_holder(), "cp3/z");
                cluster_on_request = NULL;
        }
}

static unsigned n_looks;

static void take_it_over_between(const char *method)
{
        if (streq(method, "GET") && ticks >= 1900000 && ++n_looks == 2)
                cluster_lease("cp3/z", 3600);
}

/* Between the look by which it has waited long enough, and the one before it writes. */
static void test_who_is_overtaken_at_the_last_moment_waits(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        n_looks = 0;
        cluster_lease("by hand", 0);
        cluster_on_request = take_it_over_between;
        assert_not_taken(coordination, turn_of(60, true, true), 900, "'cp3/z' holds the lease");
        assert_string_equal(cluster_holder(), "cp3/z");
}

static void overtake(const char *method)
{
        if (streq(method, "PUT"))
                cluster_lease("cp3/z", 3600);
}

/* In the very same moment: the older version is no longer there. */
static void test_of_two_who_override_one_does(void **state)
{
        Coordination *coordination = begin("p");

        cluster_lease("by hand", 0);
        cluster_on_request = overtake;
        assert_not_taken(coordination, turn_of(60, true, true), 900, "somebody else was quicker");
        coordination_free(coordination);
        assert_string_equal(cluster_holder(), "cp3/z");
}

static void test_one_api_server_is_always_up(void **state)
{
        static const struct {
                const char *component;
                bool is_well;
                const char *ready; /* those of the others that are */
                bool is_alone;
                bool forbids;
        } table[] = {
                {"kube-apiserver", true, "192.0.2.9 192.0.2.11", false, false},
                {"kube-apiserver", true, "192.0.2.11", false, false},
                {"kube-apiserver", true, "", false, true},
                {"kube-apiserver", true, "192.0.2.10", false, true}, /* that is ours */
                {"kube-apiserver", false, "", false, false},
                {"kube-apiserver", true, "", true, false},
                {"etcd", true, "", false, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Coordination *coordination;
                Error error = {};
                bool forbids;

                cluster.members = table[i].is_alone ? NULL : cluster.members;
                for (size_t k = 0; k < cluster.n; k++) {
                        FakeServer *server = &cluster.servers[k];

                        server->is_ready = strstr(table[i].ready, server->host);
                        server->status = table[i].is_alone && k > 2 ? -1 : 0;
                }
                if (table[i].is_alone) {
                        cluster.n = 1;
                }
                coordination = begin("p");
                forbids = coordination_forbids(coordination,
                        inventory_component(host.inventory, table[i].component), table[i].is_well,
                        &error);
                if (forbids != table[i].forbids)
                        fail_msg("%zu: %s", i, error.text);
                if (forbids)
                        assert_string_equal(error.text,
                                "none of the other API servers is ready, of which 2 are known: "
                                "without this one there would be none");
                coordination_free(coordination);
        }
}

/* However its address is written, and wherever our own member of etcd says that it is: it is not
 * another one. */
static void test_ours_is_not_another_one(void **state)
{
        static const struct {
                const char *urls, *advertised;
        } table[] = {
                {"\"https://192.0.2.10:2380\"],\"clientURLs\":[\"https://127.0.0.1:2379\"",
                        "192.0.2.10"},
                {"\"https://[2001:db8::10]:2380\"", "2001:db8:0::10"},
                {"\"https://192.0.2.10:2380\"", "192.0.2.99"},
        };

        cluster_add("2001:db8::10");
        cluster_server("192.0.2.11")->is_ready = false;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *members =
                        xasprintf("{\"ID\":\"1\",\"name\":\"cp2\",\"peerURLs\":[%s]},"
                                  "{\"ID\":\"2\",\"name\":\"cp3\",\"peerURLs\":[\"https://"
                                  "192.0.2.11:2380\"]}",
                                table[i].urls);

                cluster.members = members;
                advertise(table[i].advertised);
                autoptr(Coordination) coordination = begin("p");
                if (may_end(coordination))
                        fail_msg("%zu", i);
        }
        cluster.members = NULL;
}

/* As another one may have written it, or an earlier version of this program. */
static void test_ours_is_remembered_as_no_other(void **state)
{
        static const char *const addresses[] = {
                "127.0.0.1", "::1", "::ffff:192.0.2.10", "LocalHost"};

        cluster.members = NULL;
        cluster_add("::1");
        cluster_add("::ffff:192.0.2.10");
        cluster_add("LocalHost");
        cluster_server("192.0.2.11")->is_ready = false;
        for (size_t i = 0; i < ELEMENTSOF(addresses); i++) {
                autofree char *text =
                        xasprintf("{\"servers\":[{\"host\":\"192.0.2.11\",\"port\":6443},"
                                  "{\"host\":\"%s\",\"port\":6443}]}",
                                addresses[i]);

                tree_write_text(host.root, MEMORY, text);
                autoptr(Coordination) coordination = begin("p");
                if (may_end(coordination))
                        fail_msg("%zu", i);
        }
}

/* After a turn in which whoever answers has said who there is. */
static bool may_end_after_a_turn(void)
{
        autoptr(Coordination) coordination = begin("p");

        assert_taken(coordination, turn_of(60, false, true), 0);
        return may_end(coordination);
}

/* What is down goes out of the list of API servers within seconds, and is one of them all the same;
 * what was taken out is none any more after a week. */
static void test_who_is_down_is_still_known(void **state)
{
        int64_t seen = ticks;

        cluster.members = NULL;
        assert_true(may_end_after_a_turn());
        cluster_server("192.0.2.9")->status = cluster_server("192.0.2.11")->status = -1;
        assert_false(may_end_after_a_turn());
        ticks = seen + 7 * DAY * 1000;
        assert_false(may_end_after_a_turn());
        ticks = seen + 7 * DAY * 1000 + 2000;
        assert_true(may_end_after_a_turn());
        cluster_server("192.0.2.9")->status = 0;
        assert_true(may_end_after_a_turn());
        cluster_server("192.0.2.9")->status = -1;
        assert_false(may_end_after_a_turn());

        /* A clock that was set back, and a file of which nobody knows when it was written. */
        ticks -= 300 * DAY * 1000;
        assert_false(may_end_after_a_turn());
        ticks += 7 * DAY * 1000 + 2000;
        assert_true(may_end_after_a_turn());
        tree_write_text(
                host.root, MEMORY, "{\"servers\":[{\"host\":\"192.0.2.9\",\"port\":6443}]}");
        assert_false(may_end_after_a_turn());
}

/* Two layouts are two clusters: the API server is that of the kubeconfig that asks. */
static void test_the_api_server_is_of_the_layout_that_asks(void **state)
{
        static const char second[] =
                "[component two:kube-apiserver]\n"
                "Manifest=/two/kube-apiserver.yaml\nOrder=1\n"
                "[kubeconfig two:admin.conf]\nPath=/two/admin.conf\nCA=kubernetes\n";
        static const struct {
                const char *kubeconfig;
                bool may_end_first, may_end_second;
        } table[] = {
                {"", false, true},
                {"/two/admin.conf", true, false},
                /* Of no layout, which is not to be told apart. */
                {"/site/admin.conf", true, false},
        };
        autofree char *manifest = tree_read(host.root, MANIFEST, NULL);
        autofree char *kubeconfig = tree_read(host.root, "/etc/kubernetes/admin.conf", NULL);

        tree_write_text(host.root, "/two/kube-apiserver.yaml", manifest);
        tree_write_text(host.root, "/two/admin.conf", kubeconfig);
        tree_write_text(host.root, "/site/admin.conf", kubeconfig);
        cluster_server("192.0.2.9")->is_ready = cluster_server("192.0.2.11")->is_ready = false;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = xasprintf(
                        LEASED "[cluster]\nKubeconfig=%s\n%s", table[i].kubeconfig, second);

                configure(text);
                tree_write_text(host.root, MEMORY,
                        "{\"servers\":[{\"host\":\"192.0.2.9\",\"port\":6443}]}");
                autoptr(Coordination) coordination = begin("p");
                if (may_end(coordination) != table[i].may_end_first ||
                        coordination_forbids(coordination,
                                inventory_component(host.inventory, "two:kube-apiserver"), true,
                                NULL) == table[i].may_end_second)
                        fail_msg("%zu", i);
        }
}

/* The only API server may be ended by who cannot wait: but only in his turn, and not while the one
 * from whom he took it may be about to end another one. */
static void test_who_cannot_wait_may_end_the_last_one(void **state)
{
        static const struct {
                long status;
                const char *holder;
                bool is_urgent, expected;
        } table[] = {
                {0, "", true, true},
                {0, "", false, false},
                {0, "cp2/killed", true, true},
                {0, "by hand", true, false},
                {403, "", true, false},
                {-1, "", true, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Coordination) coordination = begin("p");
                const Turn turn = turn_of(60, table[i].is_urgent, true);

                cluster_lease(table[i].holder, 0);
                for (size_t k = 0; k < cluster.n; k++)
                        cluster.servers[k].is_ready = false;
                all_answer(table[i].status);
                assert_int_equal(coordination_take_turn(coordination, &turn, NULL), 0);
                if (may_end(coordination) != table[i].expected)
                        fail_msg("%zu", i);
        }
}

/* Whom nobody can ask may be down. */
static void test_who_cannot_ask_ends_no_api_server(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        assert_true(may_end(coordination));
        tree_write_text(host.root, "/etc/kubernetes/admin.conf", "nothing");
        autoptr(Coordination) blind = begin("q");
        assert_false(may_end(blind));
}

static int64_t ready_at;

static void get_ready(const char *method)
{
        for (size_t i = 0; i < cluster.n; i++)
                cluster.servers[i].is_ready = ticks >= ready_at;
}

/* As in an election of etcd; but not for ever. */
static void test_others_that_are_not_ready_for_a_moment(void **state)
{
        static const struct {
                int64_t after;
                bool forbids;
        } table[] = {{0, false}, {6000, false}, {60000, true}};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Coordination) coordination = begin("p");

                ready_at = ticks + table[i].after;
                cluster_on_request = get_ready;
                assert_int_equal(
                        coordination_forbids(coordination,
                                inventory_component(host.inventory, "kube-apiserver"), true, NULL),
                        table[i].forbids);
                assert_in_range(ticks, table[i].forbids ? 0 : ready_at, ready_at + 2000);
                cluster_on_request = NULL;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                COORDINATION_TEST(test_a_living_holder_is_overridden_in_the_end),
                COORDINATION_TEST(test_who_is_overtaken_waits_for_the_new_holder),
                COORDINATION_TEST(test_who_is_overtaken_at_the_last_moment_waits),
                COORDINATION_TEST(test_of_two_who_override_one_does),
                COORDINATION_TEST(test_who_is_down_is_still_known),
                COORDINATION_TEST(test_the_api_server_is_of_the_layout_that_asks),
                COORDINATION_TEST(test_ours_is_not_another_one),
                COORDINATION_TEST(test_ours_is_remembered_as_no_other),
                COORDINATION_TEST(test_who_cannot_wait_may_end_the_last_one),
                COORDINATION_TEST(test_who_cannot_ask_ends_no_api_server),
                COORDINATION_TEST(test_one_api_server_is_always_up),
                COORDINATION_TEST(test_others_that_are_not_ready_for_a_moment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
