/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "coordination.h"
#include "renew/unit/interrupt.h"

#include <signal.h>

static void test_nobody_is_asked_without_coordination(void **state)
{
        const Turn turn = turn_of(60, false, true);

        configure("[host]\nNodeName=cp2\n");
        assert_null(begin("p"));
        assert_int_equal(coordination_take_turn(NULL, &turn, NULL), 0);
        coordination_prolong(NULL, 60);
        assert_false(coordination_forbids(NULL, &host.inventory->components[0], true, NULL));
        coordination_free(NULL);
        assert_null(cluster.log);
}

static void test_taken_kept_and_given_back(void **state)
{
        Coordination *coordination = begin("p");

        /* Nobody is asked before there is something to restart. */
        assert_null(cluster.log);
        assert_taken(coordination, turn_of(60, false, true), 0);
        assert_string_equal(cluster_holder(), "cp2/p");
        assert_int_equal(
                json_integer_value(json_object_get(cluster_spec(), "leaseDurationSeconds")), 60);
        assert_taken(coordination, turn_of(90, false, true), 0);
        assert_int_equal(
                json_integer_value(json_object_get(cluster_spec(), "leaseDurationSeconds")), 90);
        coordination_prolong(coordination, 30);
        assert_int_equal(
                json_integer_value(json_object_get(cluster_spec(), "leaseDurationSeconds")), 30);
        coordination_free(coordination);
        assert_string_equal(cluster_holder(), "");

        /* This host's own API server was enough. */
        assert_int_equal(cluster_server("192.0.2.9")->n_requests, 0);
}

/* Whoever wanted nothing has nothing to give back. */
static void test_what_another_one_holds_is_not_given_back(void **state)
{
        Coordination *coordination = begin("p");

        coordination_free(coordination);
        assert_null(cluster.log);
        cluster_lease("cp1/x", 3600);
        coordination = begin("p");
        assert_not_taken(coordination, turn_of(60, false, true), 900, "'cp1/x' holds the lease");
        coordination_free(coordination);
        assert_string_equal(cluster_holder(), "cp1/x");
}

static void test_a_dead_holder_is_succeeded(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        cluster_lease("cp1/x", 60);
        assert_taken(coordination, turn_of(60, false, true), 60);
        assert_string_equal(cluster_holder(), "cp2/p");
        assert_int_equal(
                json_integer_value(json_object_get(cluster_spec(), "leaseTransitions")), 1);
}

/* A pass of this host that was killed: the lock says that it is gone. */
static void test_an_old_hold_of_this_host_is_no_hindrance(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        cluster_lease("cp2/killed", 3600);
        assert_taken(coordination, turn_of(60, false, true), 0);
        assert_string_equal(cluster_holder(), "cp2/p");
}

static void renew_it(const char *method)
{
        if (ticks % 60000 < 2000)
                cluster_lease("cp1/x", 120);
}

static void test_a_living_holder_is_not_disturbed(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        cluster_lease("cp1/x", 120);
        cluster_on_request = renew_it;
        assert_not_taken(coordination, turn_of(60, false, true), 900, "'cp1/x' holds the lease");

        /* All turns of a pass together wait no longer. */
        assert_not_taken(coordination, turn_of(60, false, true), 0, "'cp1/x' holds the lease");
        assert_string_equal(cluster_holder(), "cp1/x");
}

static void give_it_back(const char *method)
{
        if (ticks >= 1100000 && *cluster_holder() == 'c')
                cluster_lease("", 1);
}

static void test_the_turn_comes_when_the_holder_is_through(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        cluster_lease("cp1/x", 3600);
        cluster_on_request = give_it_back;
        assert_taken(coordination, turn_of(60, false, true), 100);
}

static void be_quicker(const char *method)
{
        if (streq(method, "PUT") && ticks < 1010000)
                cluster_lease("", 1);
}

static void test_of_two_at_once_one_looks_again(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        cluster_lease("", 1);
        cluster_on_request = be_quicker;
        assert_taken(coordination, turn_of(60, false, true), 10);
}

/* The next pass goes on counting: a dead holder is dead in the end, however short passes wait. */
static void test_what_was_seen_outlives_the_pass_but_not_the_boot(void **state)
{
        Coordination *coordination;

        configure("[cluster]\nCoordination=lease\nLeaseTimeout=1min\n[host]\nNodeName=cp2\n");
        cluster_lease("cp1/x", 300);
        coordination = begin("p");
        assert_not_taken(coordination, turn_of(60, false, true), 60, "for 4min");
        coordination_free(coordination);

        ticks += 200000;
        tree_write_text(host.root, BOOT_ID, "another-boot\n");
        coordination = begin("q");
        assert_not_taken(coordination, turn_of(60, false, true), 60, "for 4min");
        coordination_free(coordination);

        ticks += 200000;
        coordination = begin("r");
        assert_taken(coordination, turn_of(60, false, true), 40);
        coordination_free(coordination);
        autofree char *memory = tree_read(host.root, MEMORY, NULL);
        assert_null(strstr(memory, "cp1/x"));
}

/* The address of this host's, then that of the kubeconfig, then those of etcd's members. */
static void test_the_others_are_asked_where_ours_is_silent(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        cluster_server(OWN)->status = -1;
        cluster_server("192.0.2.10")->status = 503;
        cluster_server("192.0.2.11")->status = -1;
        assert_taken(coordination, turn_of(60, false, true), 0);
        assert_true(cluster_server("192.0.2.9")->n_requests > 0);
        assert_string_equal(cluster_holder(), "cp2/p");
}

/* Without etcd on this host: by what an earlier pass has heard. */
static void test_the_others_are_remembered(void **state)
{
        Coordination *coordination = begin("p");

        assert_taken(coordination, turn_of(60, false, true), 0);
        coordination_free(coordination);
        cluster.members = NULL;
        cluster_server(OWN)->status = cluster_server("192.0.2.10")->status = -1;
        coordination = begin("q");
        assert_taken(coordination, turn_of(60, false, true), 0);
        coordination_free(coordination);

        tree_remove(host.root, MEMORY);
        coordination = begin("r");
        assert_not_taken(coordination, turn_of(60, false, true), 900, "nobody listens");
        coordination_free(coordination);
}

/* While the whole API is down: what can wait waits; what cannot goes ahead when it is the time of
 * its host, by the name that its member of etcd has. */
static void test_in_the_order_of_the_hosts_without_any_api(void **state)
{
        static const struct {
                const char *self, *node; /* in etcd: 3 is cp1, 1 is cp2, 2 is cp3 */
                bool is_urgent, is_well;
                int64_t after; /* seconds; -1: it does not go ahead */
        } table[] = {
                {"3", "cp1", false, true, -1},
                {"3", "cp1", true, true, 0},
                {"1", "cp2", true, true, 80},
                {"2", "cp3", true, true, 200},
                {"3", "cp1", false, false, 0},
                {"2", "cp3", false, false, 200},
                /* Its node has another name, and even that of another member. */
                {"1", "zulu.example.org", true, true, 80},
                {"1", "cp1", true, true, 80},
                /* The one that was asked is not on the list. */
                {"7", "cp3", true, true, 200},
                {"7", "zulu.example.org", true, true, 320},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = xasprintf(
                        "[cluster]\nCoordination=lease\n[host]\nNodeName=%s\n", table[i].node);
                const Turn turn = turn_of(200, table[i].is_urgent, table[i].is_well);

                ticks = 1000000;
                cluster.self = table[i].self;
                configure(text);
                all_answer(i % 2 ? -1 : 503);
                autoptr(Coordination) coordination = begin("p");

                if (table[i].after < 0)
                        assert_not_taken(coordination, turn, 900, "");
                else
                        assert_taken(coordination, turn, table[i].after);
        }
}

/* Passes that began at different times do not meet. */
static void test_the_order_is_that_of_the_clock(void **state)
{
        all_answer(-1);
        for (unsigned begins = 0; begins < 480; begins += 30) {
                autoptr(Coordination) coordination = begin("p");
                const Turn turn = turn_of(60, true, true);
                int64_t at;

                ticks = 1000000 + begins * 1000;
                assert_int_equal(coordination_take_turn(coordination, &turn, NULL), 0);
                at = (ticks - 1000000) / 1000 % 480;
                if (at < 80 || at >= 140)
                        fail_msg("%u: at %lld", begins, (long long)at);
        }
}

/* The day on which etcd does not answer is the one for which it is known. */
static void test_the_order_is_remembered(void **state)
{
        Coordination *coordination = begin("p");

        assert_taken(coordination, turn_of(60, false, true), 0);
        coordination_free(coordination);
        cluster.members = NULL;
        all_answer(-1);
        configure("[cluster]\nCoordination=lease\n[host]\nNodeName=x\n");
        coordination = begin("q");
        assert_taken(coordination, turn_of(60, true, true), 80);
        coordination_free(coordination);

        /* Nothing is known: the last one. */
        tree_remove(host.root, MEMORY);
        coordination = begin("r");
        assert_taken(coordination, turn_of(60, true, true), 900);
        coordination_free(coordination);
}

static void come_back(const char *method)
{
        if (ticks == 1050000)
                cluster_server("192.0.2.11")->status = 0;
}

/* Then the lease counts again, as ever. */
static void test_the_api_comes_back_meanwhile(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        cluster_lease("cp1/x", 120);
        all_answer(-1);
        cluster_on_request = come_back;
        assert_taken(coordination, turn_of(400, true, true), 50 + 120);
        assert_string_equal(cluster_holder(), "cp2/p");
}

/* One that answers and refuses is no API that is down; and it is what is told. That will be so in
 * a minute, too: only who cannot wait goes on, when it is the time of its host. */
static void test_who_may_not_ask_does_not_wait(void **state)
{
        static const long statuses[] = {401, 403};

        for (size_t i = 0; i < ELEMENTSOF(statuses); i++) {
                Coordination *coordination = begin("p");

                ticks = 1000000;
                all_answer(statuses[i]);
                cluster_server(OWN)->status = -1;
                assert_not_taken(coordination, turn_of(60, false, true), 0, "not for you");
                coordination_free(coordination);
                coordination = begin("q");
                assert_taken(coordination, turn_of(60, true, true), 80);
                coordination_free(coordination);
                ticks = 1000000;
                coordination = begin("r");
                assert_taken(coordination, turn_of(60, false, false), 80);
                coordination_free(coordination);
                assert_null(cluster.lease);
        }
}

/* One that does not let us in beside one that does. */
static void test_one_that_refuses_is_not_the_last_word(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        all_answer(401);
        cluster_server("192.0.2.11")->status = 0;
        assert_taken(coordination, turn_of(60, false, true), 0);
}

/* What we have ended may be the API server that would have to answer. */
static void test_the_turn_lasts_while_nobody_answers(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        assert_taken(coordination, turn_of(300, false, true), 0);
        all_answer(-1);
        ticks += 100000;
        assert_taken(coordination, turn_of(100, false, true), 0);
        assert_not_taken(coordination, turn_of(300, false, true), 900, "nobody listens");
}

static void test_no_kubeconfig_no_turn(void **state)
{
        Coordination *coordination = begin("p");

        tree_write_text(host.root, "/etc/kubernetes/admin.conf", "nothing");
        assert_not_taken(coordination, turn_of(60, false, true), 0, "admin.conf");
        assert_taken(coordination, turn_of(60, true, true), 80);
        coordination_free(coordination);

        free(TAKE(host.config->host.node_name));
        coordination = begin("q");
        assert_not_taken(coordination, turn_of(60, false, true), 0, "NodeName=");
        coordination_free(coordination);
}

static void test_who_is_asked_to_stop_does_not_wait(void **state)
{
        autoptr(Coordination) coordination = begin("p");
        sigset_t set;
        int signal;

        cluster_lease("cp1/x", 3600);
        interrupt_hold();
        raise(SIGTERM);
        assert_not_taken(coordination, turn_of(60, false, true), 0, "'cp1/x' holds the lease");
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        assert_int_equal(sigwait(&set, &signal), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                COORDINATION_TEST(test_nobody_is_asked_without_coordination),
                COORDINATION_TEST(test_taken_kept_and_given_back),
                COORDINATION_TEST(test_what_another_one_holds_is_not_given_back),
                COORDINATION_TEST(test_a_dead_holder_is_succeeded),
                COORDINATION_TEST(test_an_old_hold_of_this_host_is_no_hindrance),
                COORDINATION_TEST(test_a_living_holder_is_not_disturbed),
                COORDINATION_TEST(test_the_turn_comes_when_the_holder_is_through),
                COORDINATION_TEST(test_of_two_at_once_one_looks_again),
                COORDINATION_TEST(test_what_was_seen_outlives_the_pass_but_not_the_boot),
                COORDINATION_TEST(test_the_others_are_asked_where_ours_is_silent),
                COORDINATION_TEST(test_the_others_are_remembered),
                COORDINATION_TEST(test_in_the_order_of_the_hosts_without_any_api),
                COORDINATION_TEST(test_the_order_is_that_of_the_clock),
                COORDINATION_TEST(test_the_order_is_remembered),
                COORDINATION_TEST(test_the_api_comes_back_meanwhile),
                COORDINATION_TEST(test_who_may_not_ask_does_not_wait),
                COORDINATION_TEST(test_one_that_refuses_is_not_the_last_word),
                COORDINATION_TEST(test_the_turn_lasts_while_nobody_answers),
                COORDINATION_TEST(test_no_kubeconfig_no_turn),
                COORDINATION_TEST(test_who_is_asked_to_stop_does_not_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
