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

/* Whoever answers has said who there is. */
static Coordination *begin_with_a_turn(void)
{
        Coordination *coordination = begin("p");

        assert_taken(coordination, turn_of(60, false, true), 0);
        return coordination;
}

static bool is_forbidden(
        Coordination *coordination, const char *component, bool is_well, Error *error)
{
        return coordination_forbids(
                coordination, inventory_component(host.inventory, component), is_well, error);
}

/* One that fails meanwhile is not the last; and while etcd is away the API server beside it is no
 * better than one that is away. */
static void test_two_others_are_always_up(void **state)
{
        static const struct {
                const char *component;
                bool is_well;
                const char *ready; /* those of the others that are */
                const char *forbids;
        } table[] = {
                {"kube-apiserver", true, "192.0.2.9 192.0.2.11", NULL},
                {"kube-apiserver", true, "192.0.2.11", "known 1 are ready, and 2 have to be"},
                {"kube-apiserver", true, "", "known 0 are ready, and 2 have to be"},
                {"kube-apiserver", true, "192.0.2.10 192.0.2.9", "known 1 are"}, /* one is ours */
                {"kube-apiserver", false, "", NULL},
                {"etcd", true, "192.0.2.9 192.0.2.11", NULL},
                {"etcd", true, "192.0.2.9", "of 2 other API servers that are known 1 are ready"},
                {"etcd", false, "", NULL},
                {"kube-scheduler", true, "", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Coordination) coordination = begin_with_a_turn();
                Error error = {};

                for (size_t k = 0; k < cluster.n; k++)
                        cluster.servers[k].is_ready =
                                strstr(table[i].ready, cluster.servers[k].host);
                if (is_forbidden(coordination, table[i].component, table[i].is_well, &error) !=
                                !!table[i].forbids ||
                        (table[i].forbids && !strstr(error.text, table[i].forbids)))
                        fail_msg("%zu: %s", i, error.text);
        }
}

static void remember_servers(const char *hosts)
{
        autoptr(json_t) json = json_pack("{s:[]}", "servers");
        autofree char *text = NULL;

        for (size_t length; *hosts; hosts += length + strspn(hosts + length, " ")) {
                length = strcspn(hosts, " ");
                json_array_append_new(json_object_get(json, "servers"),
                        json_pack("{s:s%, s:i}", "host", hosts, length, "port", 6443));
        }
        text = json_text(json);
        tree_write_text(host.root, MEMORY, text);
}

/* As many as there are, where there are fewer; where it is not known which of them is ours, one
 * more. */
static void test_how_many_have_to_be_ready(void **state)
{
        static const struct {
                const char *known; /* addresses */
                bool is_own_known;
                const char *ready;
                bool forbids;
        } table[] = {
                {"", true, "", false},
                {"192.0.2.10", true, "", false},
                {"192.0.2.10", false, "192.0.2.10", false},
                {"192.0.2.10", false, "", true},
                {"192.0.2.9", true, "", true},
                {"192.0.2.9", true, "192.0.2.9", false},
                {"192.0.2.9 192.0.2.10", false, "192.0.2.10", true},
                {"192.0.2.9 192.0.2.10", false, "192.0.2.9 192.0.2.10", false},
                {"192.0.2.9 192.0.2.10 192.0.2.11", true, "192.0.2.9 192.0.2.10", true},
                {"192.0.2.8 192.0.2.9 192.0.2.11 192.0.2.12", true, "192.0.2.9", true},
                {"192.0.2.8 192.0.2.9 192.0.2.11 192.0.2.12", true, "192.0.2.9 192.0.2.12", false},
        };

        cluster.members = NULL;
        cluster_add("192.0.2.8");
        cluster_add("192.0.2.12");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                remember_servers(table[i].known);
                advertise(table[i].is_own_known ? "192.0.2.10" : "");
                for (size_t k = 0; k < cluster.n; k++)
                        cluster.servers[k].is_ready =
                                strstr(table[i].ready, cluster.servers[k].host);
                autoptr(Coordination) coordination = begin("p");
                if (may_end(coordination) == table[i].forbids)
                        fail_msg("%zu", i);
        }
}

/* In a night in which nothing is restarted: what is down a year later is one of them. */
static void test_who_there_is_is_learned_at_night(void **state)
{
        static const char *const down[] = {"", "127.0.0.1 192.0.2.9", "127.0.0.1 192.0.2.9 192.0"};

        cluster.members = NULL;
        for (size_t i = 0; i < ELEMENTSOF(down); i++) {
                autoptr(Coordination) coordination = NULL;
                autoptr(Cluster) known = NULL;

                remember_servers("");
                coordination = begin("p");
                for (size_t k = 0; k < cluster.n; k++)
                        cluster.servers[k].status =
                                strstr(down[i], cluster.servers[k].host) || i == 2 ? -1 : 0;
                coordination_learn(coordination);
                coordination_learn(coordination);
                known = cluster_recall(host.root_fd, "/var/lib/kube-renewd");
                assert_int_equal(known->n, i == 0 ? 4 : i == 1 ? 2 : 0);
                assert_string_equal(cluster_holder(), "");
        }
        coordination_learn(NULL);
}

/* One that was down whenever the API was asked is a member of etcd; one that etcd knows by
 * addresses of another network is not two. */
static void test_etcd_knows_who_is_down(void **state)
{
        cluster_add("10.0.0.11");
        for (unsigned is_down = 0; is_down < 2; is_down++) {
                autoptr(Coordination) coordination = NULL;

                cluster.members =
                        "{\"ID\":\"1\",\"name\":\"cp2\",\"peerURLs\":[\"https://10.0.0.10:2380\"]},"
                        "{\"ID\":\"2\",\"name\":\"cp3\",\"peerURLs\":[\"https://10.0.0.11:2380\"]},"
                        "{\"ID\":\"3\",\"name\":\"cp1\",\"peerURLs\":[\"https://10.0.0.9:2380\"]}";
                cluster_server("10.0.0.11")->status = -1; /* or the API would name it */
                cluster_server("192.0.2.9")->status = is_down ? -1 : 0;
                remember_servers("");
                coordination = begin_with_a_turn();
                cluster_server("10.0.0.11")->status = 0;
                assert_int_equal(may_end(coordination), !is_down);
        }
}

/* After etcd only what was ready before is waited for. */
static void test_it_is_back_when_it_is_ready(void **state)
{
        const InventoryComponent *etcd = inventory_component(host.inventory, "etcd");
        const InventoryComponent *api = inventory_component(host.inventory, "kube-apiserver");

        for (unsigned is_ready = 0; is_ready < 2; is_ready++) {
                autoptr(Coordination) coordination = begin_with_a_turn();

                cluster_server(OWN)->is_ready = is_ready;
                assert_false(is_forbidden(coordination, "etcd", true, NULL));
                cluster_server(OWN)->is_ready = false;
                assert_int_equal(coordination_is_back(coordination, etcd, NULL), !is_ready);
                assert_false(coordination_is_back(coordination, api, NULL));
                cluster_server(OWN)->is_ready = true;
                assert_true(coordination_is_back(coordination, etcd, NULL));
                assert_true(coordination_is_back(coordination, api, NULL));

                /* It cannot be asked by us. */
                cluster_server(OWN)->status = 401;
                assert_true(coordination_is_back(coordination, api, NULL));
                cluster_server(OWN)->status = 0;
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

static bool may_end_after_a_turn(void)
{
        autoptr(Coordination) coordination = begin_with_a_turn();

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
                COORDINATION_TEST(test_two_others_are_always_up),
                COORDINATION_TEST(test_how_many_have_to_be_ready),
                COORDINATION_TEST(test_who_there_is_is_learned_at_night),
                COORDINATION_TEST(test_etcd_knows_who_is_down),
                COORDINATION_TEST(test_it_is_back_when_it_is_ready),
                COORDINATION_TEST(test_ours_is_not_another_one),
                COORDINATION_TEST(test_ours_is_remembered_as_no_other),
                COORDINATION_TEST(test_who_is_down_is_still_known),
                COORDINATION_TEST(test_the_api_server_is_of_the_layout_that_asks),
                COORDINATION_TEST(test_others_that_are_not_ready_for_a_moment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
