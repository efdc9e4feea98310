/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host whose control planes take turns, cp2 of three, in a cluster that is none, and a clock that
 * goes on only while somebody waits (fake-clock.h).
 *
 *     COORDINATION_TEST(test_…)                     with all of it around it
 *     assert_taken(begin("p"), turn_of(60, false, true), 0);        at once
 *     cluster_lease("cp1/x", 60), all_answer(503)   see fake-cluster.h */

#include "fake-clock.h"
#include "fake-cluster.h"
#include "host.h"
#include "renew/restart/coordination.h"

#define CONFIG  "/etc/kube-renewd/kube-renewd.conf"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define MEMORY  "/var/lib/kube-renewd/cluster.json"
#define OWN     "127.0.0.1" /* cp2's own API server, as cp2 sees it; others see 192.0.2.10 */
#define LEASED  "[cluster]\nCoordination=lease\nLeaseTimeout=15min\n[host]\nNodeName=cp2\n"

static Host host;

static inline void configure(const char *text)
{
        tree_write_text(host.root, CONFIG, text);
        host_configure(&host);
        host_look(&host);
}

/* Three control planes: cp1 at 192.0.2.9, this one, cp3 at 192.0.2.11. */
static inline int set_up(void **state)
{
        cluster_reset();
        cluster_add(OWN);
        cluster_add("192.0.2.9");
        cluster_add("192.0.2.10");
        cluster_add("192.0.2.11");
        cluster.members =
                "{\"ID\":\"2\",\"name\":\"cp3\",\"peerURLs\":[\"https://192.0.2.11:2380\"]},"
                "{\"ID\":\"1\",\"name\":\"cp2\",\"peerURLs\":[\"https://192.0.2.10:2380\"]},"
                "{\"ID\":\"3\",\"name\":\"cp1\",\"peerURLs\":[\"https://192.0.2.9:2380\"]}";
        ticks = 1000000;
        host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        tree_write_text(host.root, BOOT_ID, "this-boot\n");
        assert_int_equal(fs_make_directories(host.root_fd, "/var/lib/kube-renewd", 0700, NULL), 0);
        configure(LEASED);
        return 0;
}

static inline int tear_down(void **state)
{
        host_free(&host);
        cluster_reset();
        return 0;
}

/* Nobody answers any longer, or all do so again. */
static inline void all_answer(long status)
{
        for (size_t i = 0; i < cluster.n; i++)
                cluster.servers[i].status = status;
}

static inline Coordination *begin(const char *pass_id)
{
        return coordination_new(host.root_fd, host.config, host.inventory, pass_id);
}

static inline Turn turn_of(int64_t seconds, bool is_urgent, bool is_well)
{
        return (Turn){.component = "etcd",
                .seconds = seconds,
                .is_urgent = is_urgent,
                .is_well = is_well};
}

/* The turn comes after so many seconds, a round of questions more or less. */
static inline void assert_taken(Coordination *coordination, Turn turn, int64_t after)
{
        int64_t start = ticks;
        Error error = {};

        if (coordination_take_turn(coordination, &turn, &error) < 0)
                fail_msg("%s", error.text);
        if (ticks - start < after * 1000 || ticks - start > (after + 3) * 1000)
                fail_msg("after %lld ms", (long long)(ticks - start));
}

static inline void assert_not_taken(
        Coordination *coordination, Turn turn, int64_t after, const char *why)
{
        int64_t start = ticks;
        Error error = {};

        assert_int_equal(coordination_take_turn(coordination, &turn, &error), -EAGAIN);
        if (!starts_with(error.text, "it waits for its turn: ") || !strstr(error.text, why))
                fail_msg("%s", error.text);
        if (ticks - start < after * 1000 || ticks - start > (after + 3) * 1000)
                fail_msg("after %lld ms: %s", (long long)(ticks - start), error.text);
}

/* Its API server. */
static inline bool may_end(Coordination *coordination)
{
        return !coordination_forbids(
                coordination, inventory_component(host.inventory, "kube-apiserver"), true, NULL);
}

#define COORDINATION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
