/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host-config.h"
#include "renew/unit/deadline.h"
#include "renew/unit/shipped.h"

/* What the small layout comes to without its one component, and that: looked at twice, two rounds
 * of look, reload and keeper, three restarts of park, grace, back-off and look. */
#define BARE    (10 * MINUTE + 2 * 15)
#define POD     (2 * 60 + 2 * (60 + 90 + 60) + 3 * (25 + 60 + 30 + 330 + 60))
#define COMMAND 15
#define SIGNER  "SignerName=example.com/x\nRequestKubeconfig=/x.conf\n"

static int64_t deadline_of(const char *configuration)
{
        autoptr(Config) config = load_text(configuration);

        return deadline_of_run(config, NULL);
}

static void test_sum_of_what_is_waited_for(void **state)
{
        static const struct {
                const char *text;
                int64_t more; /* than the small layout */
        } table[] = {
                {"[renewal]\n", 0},
                /* A pod: what the kubelet holds back counts, and then what is longer. */
                {"[component etcd]\nStartTimeout=1min\n", 0},
                {"[component etcd]\nStartTimeout=10min\n", 3 * (600 - 330)},
                {"[component etcd]\nStopTimeout=90s\n", 3 * 60},
                {"[component etcd]\nRestart=always\n", 0},
                {"[component etcd]\nRestart=never\n", 2 * 300 - 3 * (25 + 60 + 30 + 330 + 60)},
                {"[component etcd]\nRestartCommand=/bin/true\n", 3 * (300 + COMMAND - 115)},
                /* A unit that uses nothing has nothing to be rolled back to. */
                {"[component x]\nUnit=x.service\n", 2 * 60 + 2 * 150 + 660},
                {"[component x]\nUnit=x.service\nUses=/pki/ca.crt\n", 2 * 60 + 2 * 150 + 3 * 660},
                {"[component x]\nRestartCommand=/bin/true\nStartTimeout=1h\n",
                        2 * 60 + 2 * 150 + 2 * 3600 + COMMAND + 60},
                /* Turns: waited for, asked for in each round. */
                {"[cluster]\nCoordination=lease\nKubeconfig=/x.conf\n", 900 + 2 * 150},
                {"[cluster]\nLeaseTimeout=1h\n", 0},
                {"[cluster]\nCoordination=lease\nKubeconfig=/x.conf\nLeaseTimeout=1h\n",
                        3600 + 2 * 150},
                /* Hooks, as often as one run may start them. */
                {"[hooks]\nTimeout=1h\n", 0},
                {"[hooks]\nTimeout=1h\nPreRenew=/bin/true\n", 3600 + COMMAND},
                {"[hooks]\nTimeout=1h\nDeploy=/bin/true\n", 2 * (3600 + COMMAND)},
                {"[hooks]\nTimeout=1h\nPostRenew=/bin/true\n", 3600 + COMMAND},
                {"[hooks]\nOnAlarm=/bin/true\n", 900 + 300 + COMMAND},
                {"[certificate mine]\nCertificate=/m.crt\nKey=/m.key\nCA=kubernetes\n", 15},
                /* Who is asked is waited for; a helper may take all of that for one answer. */
                {"[certificate apiserver]\nIssuer=csr\n" SIGNER "RequestTimeout=10min\n", 600 + 60},
                {"[certificate apiserver]\nIssuer=command\nIssuerCommand=/bin/true\n",
                        120 + 120 + COMMAND},
                {"[certificate apiserver]\nIssuer=csr\n" SIGNER "[kubeconfig admin.conf]\n"
                 "Issuer=command\nIssuerCommand=/bin/true\nRequestTimeout=1min\n",
                        120 + 60 + 60 + COMMAND},
                {"[certificate apiserver]\nIssuer=self-signed\nCA=\n", 0},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int64_t expected = BARE + POD + table[i].more;

                if (deadline_of(table[i].text) != expected)
                        fail_msg("%s: %lld, not %lld", table[i].text,
                                (long long)deadline_of(table[i].text), (long long)expected);
        }
}

/* A manifest that lets its pod take long is believed, up to a limit. */
static void test_grace_of_a_manifest(void **state)
{
        static const struct {
                const char *configuration;
                unsigned grace;
                int64_t more;
        } table[] = {
                {"[renewal]\n", 30, 0},
                {"[renewal]\n", 90, 3 * 60},
                {"[renewal]\n", 100000, 3 * (900 - 30)},
                {"[component etcd]\nStopTimeout=30s\n", 90, 0},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Config) config = load_text(table[i].configuration);
                Manifest manifest = {.termination_grace = table[i].grace};
                InventoryComponent component = {
                        .entry = &config->layout.components[0], .manifest = &manifest};
                const Inventory inventory = {.components = &component, .n_components = 1};

                assert_int_equal(deadline_of_run(config, &inventory), BARE + POD + table[i].more);
                component.manifest = NULL;
                if (!strstr(table[i].configuration, "Stop"))
                        assert_int_equal(deadline_of_run(config, &inventory), BARE + POD);
        }
}

/* For others, before it may be ended and when it leads no more, in each round. */
static void test_elections_of_etcd(void **state)
{
        autoptr(Config) config = load_text("[renewal]\n");
        ManifestContainer container = {.name = (char *)"etcd"};
        Manifest manifest = {.termination_grace = 30, .containers = &container, .n_containers = 1};
        InventoryComponent component = {
                .entry = &config->layout.components[0], .manifest = &manifest};
        const Inventory inventory = {.components = &component, .n_components = 1};

        assert_int_equal(deadline_of_run(config, &inventory), BARE + POD + 2 * 2 * 15);
}

/* One API server of several is drained. */
static void test_time_to_end(void **state)
{
        static const struct {
                const char *timeout, *program, *word;
                bool leases;
                int64_t expected, restart;
        } table[] = {
                {"", "etcd", "", false, 40, 15 + 40 + 60 + 60},
                {"StopTimeout=1s\n", "etcd", "", false, 1, 15 + 1 + 60 + 60},
                {"StopTimeout=1s\n", "etcd", "", true, 1, 15 + 1 + 60 + 60},
                {"StopTimeout=1s\n", "kube-apiserver", "", false, 1, 15 + 1 + 60 + 60},
                {"StopTimeout=1s\n", "kube-apiserver", "", true, 40, 15 + 40 + 60 + 60},
                {"StopTimeout=90s\n", "kube-apiserver", "", true, 90, 15 + 90 + 60 + 60},
                {"StopTimeout=1s\n", "kube-apiserver", "--shutdown-delay-duration=1m10s", true, 100,
                        15 + 100 + 60 + 60},
                {"StopTimeout=1s\n", "kube-apiserver", "--shutdown-delay-duration=5s", true, 40,
                        15 + 40 + 60 + 60},
                {"", "kube-apiserver", "--shutdown-delay-duration=soon", true, 40,
                        15 + 40 + 60 + 60},
                {"", "kube-apiserver", "--shutdown-delay-duration=2h", true, 900,
                        15 + 900 + 60 + 60},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = xasprintf("[component etcd]\nStartTimeout=1min\n%s"
                                                "[cluster]\nKubeconfig=/x.conf\n%s",
                        table[i].timeout, table[i].leases ? "Coordination=lease\n" : "");
                autoptr(Config) config = load_text(text);
                const ComponentEntry *entry = &config->layout.components[0];
                char *words[] = {(char *)table[i].program, (char *)table[i].word, NULL};
                ManifestContainer container = {.name = words[0], .words = words};
                const Manifest manifest = {
                        .termination_grace = 40, .containers = &container, .n_containers = 1};

                assert_int_equal(deadline_of_stop(config, entry, &manifest), table[i].expected);
                assert_int_equal(
                        deadline_of_restart(config, entry, &manifest, true), table[i].restart);

                /* Its turn has to last while others are looked at, too. */
                assert_int_equal(deadline_of_turn(config, entry, &manifest, true),
                        table[i].restart + 150 +
                                (!streq(table[i].program, "etcd") ? 0
                                        : table[i].leases         ? 4 * 15
                                                                  : 2 * 15));

                /* What nobody knows may take longer: its manifest is moved, the kubelet waits. */
                assert_int_equal(deadline_of_restart(config, entry, &manifest, false),
                        25 + 60 + table[i].expected + 330 + 60);
        }
}

/* Every layout that we install fits into what the unit allows, or nobody would be told. */
static void test_shipped_layouts_fit_the_unit(void **state)
{
        autofd int root_fd = fs_open_root(getenv("SRCDIR"), NULL);
        autostrv names = NULL;
        size_t n = 0;

        assert_true(fs_list(root_fd, "/etc/layouts", &names, NULL) >= 0);
        for (char **name = names; *name; name++) {
                autofree char *path = xasprintf("/etc/layouts/%s", *name);
                autoptr(Config) config = NULL;
                Error error = {};

                if (!strstr(*name, ".conf") || streq(*name, "generic.conf")) /* which has nothing */
                        continue;
                if (config_load(root_fd,
                            &(ConfigOptions){
                                    .config_file = "/etc/kube-renewd.conf", .layout = path},
                            &config, &error) < 0)
                        fail_msg("%s", error.text);
                print_message("# %s: %lld of %lld minutes\n", *name,
                        (long long)(deadline_of_run(config, NULL) / MINUTE),
                        (long long)(shipped_units.timeout / MINUTE));
                assert_true(deadline_of_run(config, NULL) <= shipped_units.timeout);
                n++;
        }
        assert_true(n > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sum_of_what_is_waited_for),
                cmocka_unit_test(test_grace_of_a_manifest),
                cmocka_unit_test(test_elections_of_etcd),
                cmocka_unit_test(test_time_to_end),
                cmocka_unit_test(test_shipped_layouts_fit_the_unit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
