/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "host-config.h"

static void test_the_defaults(void **state)
{
        autoptr(Config) config = load_text(NULL);
        const Policy *policy = &config->policy;

        assert_null(config->warnings);
        assert_string_equal(config->state_directory, "/var/lib/kube-renewd");
        assert_int_equal(policy->renew_before, 15 * DAY);
        assert_int_equal(policy->renew_at, 0);
        assert_int_equal(policy->validity, YEAR);
        assert_int_equal(policy->key_algorithm, KEY_KIND_NONE);
        assert_false(policy->reuse_key);
        assert_false(policy->recreate_missing);
        assert_null(policy->extra_sans);
        assert_int_equal(config->postpone_limit, 3 * DAY);
        assert_int_equal(config->ca_expiring_before, 180 * DAY);
        assert_int_equal(config->ca_critical_before, 30 * DAY);
        assert_int_equal(config->keep_backups, 10);
        assert_non_null(config->host.node_name);
        assert_null(config->host.advertise_address);
        assert_string_equal(config->host.service_address, "10.96.0.1");
        assert_string_equal(config->host.dns_domain, "cluster.local");
        assert_string_equal(config->layout.cas[0].name, "kubernetes");
        assert_int_equal(config->layout.components[0].order, 50);
        assert_int_equal(config->layout.components[0].restart, RESTART_NEEDED);
        assert_null(config->layout.components[0].restart_command);
        assert_int_equal(config->layout.components[0].stop_timeout, -1);
        assert_int_equal(config->layout.components[0].start_timeout, 5 * MINUTE);
        assert_int_equal(config->layout.components[0].loopback_age, 0);
        assert_null(config->runtime_endpoint);
        assert_string_equal(config->kubelet_unit, "kubelet.service");
        assert_null(config->hooks.pre_renew);
        assert_null(config->hooks.deploy);
        assert_null(config->hooks.post_renew);
        assert_null(config->hooks.on_alarm);
        assert_int_equal(config->hooks.timeout, 5 * MINUTE);
}

static const char every_kind[] = "[agent]\n"
                                 "StateDirectory=/srv/state\n"
                                 "[renewal]\n"
                                 "RenewAt=80%\n"
                                 "Validity=1y 2d 3h 4min 5s\n"
                                 "KeyAlgorithm=ecdsa-p256\n"
                                 "ReuseKey=on\n"
                                 "RecreateMissing=true\n"
                                 "[backup]\n"
                                 "KeepBackups=3\n"
                                 "[host]\n"
                                 "NodeName=cp-1\n"
                                 "AdvertiseAddress=2001:db8::1\n"
                                 "[certificate apiserver]\n"
                                 "CommonName=%H server\n"
                                 "Organization=a:b %D\n"
                                 "Organization=c\n"
                                 "SANs=DNS:%H IP:%A\n"
                                 "Usage=client server\n"
                                 "ExtraSANs=DNS:a.example IP:192.0.2.9 DNS:a.example\n"
                                 "Watch=1\n"
                                 "Optional=yes\n"
                                 "RequiredBy=etcd\n"
                                 "[kubeconfig admin.conf]\n"
                                 "Server=https://%A:6443\n"
                                 "[component kubelet]\n"
                                 "Unit=kubelet.service\n"
                                 "Order=7\n"
                                 "Restart=never\n"
                                 "Uses=/a /b\n"
                                 "Uses=/c\n";

static void test_every_kind_of_value(void **state)
{
        autoptr(Config) config = load_text(every_kind);
        const CredentialEntry *entry = &config->layout.credentials[0];

        assert_null(config->warnings);
        assert_string_equal(config->state_directory, "/srv/state");
        assert_int_equal(config->policy.renew_at, 80);
        assert_int_equal(config->policy.validity, YEAR + 2 * DAY + 3 * HOUR + 4 * MINUTE + 5);
        assert_int_equal(config->policy.key_algorithm, KEY_KIND_ECDSA_P256);
        assert_true(config->policy.reuse_key);
        assert_true(config->policy.recreate_missing);
        assert_int_equal(config->keep_backups, 3);
        assert_string_equal(config->host.node_name, "cp-1");
        assert_string_equal(config->host.advertise_address, "2001:db8::1");
        assert_string_equal(entry->identity.common_name, "%H server");
        assert_int_equal(strv_length(entry->identity.organizations), 3);
        assert_string_equal(entry->identity.organizations[2], "c");
        assert_string_equal(entry->identity.sans[1], "IP:%A");
        assert_int_equal(entry->identity.usage, CERT_USAGE_SERVER | CERT_USAGE_CLIENT);
        assert_int_equal(strv_length(entry->policy.extra_sans), 2);
        assert_true(entry->watch);
        assert_true(entry->optional);
        assert_string_equal(config->layout.components[0].name, "kubelet");
        assert_string_equal(config->layout.components[0].unit, "kubelet.service");
        assert_int_equal(config->layout.components[0].restart, RESTART_NEVER);
        assert_int_equal(strv_length(config->layout.components[0].uses), 3);
        assert_int_equal(config->layout.credentials[1].identity.usage, CERT_USAGE_CLIENT);
        assert_effective(config, "renewal", "", "Validity", "1y 2d 3h 4min 5s " MAIN_FILE ":5");
        assert_effective(config, "renewal", "", "KeyAlgorithm", "ECDSA-P256 " MAIN_FILE ":6");
        assert_effective(config, "renewal", "", "RenewAt", "80% " MAIN_FILE ":4");
        assert_effective(
                config, "certificate", "apiserver", "Usage", "server client " MAIN_FILE ":19");
        assert_effective(
                config, "certificate", "apiserver", "Organization", "a:b %D c " MAIN_FILE ":17");
}

/* Repeated lists grow, an empty value starts anew; of anything else the later one counts, and empty
 * is the default. */
static void test_repeated_and_empty_values(void **state)
{
        autoptr(Config) config = load_text("[backup]\nKeepBackups=3\nKeepBackups=4\n"
                                           "[renewal]\nValidity=90d\nValidity=\n"
                                           "[alarms]\nShelve=expired@x\nShelve=\n"
                                           "Shelve=expiring@* *@etcd-ca\nShelve=expired@ca\n"
                                           "[certificate apiserver]\n"
                                           "ExtraSANs=DNS:a\nExtraSANs=\nExtraSANs=DNS:b\n"
                                           "ExtraSANs=IP:192.0.2.1\n");
        const CredentialEntry *entry = &config->layout.credentials[0];

        assert_int_equal(config->keep_backups, 4);
        assert_int_equal(config->policy.validity, YEAR);
        assert_int_equal(strv_length(entry->policy.extra_sans), 2);
        assert_string_equal(entry->policy.extra_sans[0], "DNS:b");
        assert_effective(config, "renewal", "", "Validity", "1y default");
        assert_effective(config, "backup", "", "KeepBackups", "4 " MAIN_FILE ":3");
        assert_effective(config, "certificate", "apiserver", "ExtraSANs",
                "DNS:b IP:192.0.2.1 " MAIN_FILE ":16");
        assert_effective(
                config, "alarms", "", "Shelve", "expiring@* *@etcd-ca expired@ca " MAIN_FILE ":11");
}

/* [renewal] is the default of each entry, wherever it stands in the files. */
static void test_policies_are_inherited(void **state)
{
        autoptr(Config) config = load_text("[certificate apiserver]\n"
                                           "Validity=90d\n"
                                           "RenewBefore=30d\n"
                                           "[kubeconfig admin.conf]\n"
                                           "ReuseKey=yes\n"
                                           "ReuseKey=\n"
                                           "[renewal]\n"
                                           "RenewAt=80%\n"
                                           "Validity=180d\n");
        const Policy *apiserver = &config->layout.credentials[0].policy;
        const Policy *admin = &config->layout.credentials[1].policy;

        assert_int_equal(apiserver->validity, 90 * DAY);
        assert_int_equal(apiserver->renew_before, 30 * DAY);
        assert_int_equal(apiserver->renew_at, 0);
        assert_int_equal(admin->validity, 180 * DAY);
        assert_int_equal(admin->renew_at, 80);
        assert_false(admin->reuse_key);
        assert_effective(config, "certificate", "apiserver", "RenewAt", " " MAIN_FILE ":3");
        assert_effective(config, "certificate", "apiserver", "Validity", "90d " MAIN_FILE ":2");
        assert_effective(config, "kubeconfig", "admin.conf", "RenewAt", "80% " MAIN_FILE ":8");
        assert_effective(config, "kubeconfig", "admin.conf", "ReuseKey", "no default");
        assert_effective(config, "kubeconfig", "admin.conf", "KeyAlgorithm", " default");
}

/* The main file of /etc hides the others; drop-ins of all three merge by name. */
static void test_layers_of_configuration(void **state)
{
        char *root = new_root("[backup]\nKeepBackups=1\n");
        autofree char *mask = xasprintf("%s" MAIN_FILE ".d/40.conf", root);

        tree_write_text(root, "/run/kube-renewd/kube-renewd.conf", "[renewal]\nValidity=1d\n");
        tree_write_text(root, "/usr/lib/kube-renewd/kube-renewd.conf.d/20.conf",
                "[backup]\nKeepBackups=20\n[host]\nDNSDomain=vendor\n");
        tree_write_text(
                root, "/run/kube-renewd/kube-renewd.conf.d/30.conf", "[backup]\nKeepBackups=30\n");
        tree_write_text(
                root, "/etc/kube-renewd/kube-renewd.conf.d/10.conf", "[backup]\nKeepBackups=10\n");
        tree_write_text(root, "/usr/lib/kube-renewd/kube-renewd.conf.d/40.conf",
                "[backup]\nKeepBackups=40\n");
        tree_write_text(root, "/usr/lib/kube-renewd/kube-renewd.conf.d/30.conf",
                "[host]\nDNSDomain=hidden\n");
        tree_write_text(root, MAIN_FILE ".d/50.conf~", "[backup]\nKeepBackups=50\n");
        tree_write_text(root, MAIN_FILE ".d/.60.conf", "[backup]\nKeepBackups=60\n");
        assert_int_equal(symlink("/dev/null", mask), 0);

        autoptr(Config) config = load_good(root);

        assert_effective(config, "backup", "", "KeepBackups",
                "30 /run/kube-renewd/kube-renewd.conf.d/30.conf:2");
        assert_effective(config, "renewal", "", "Validity", "1y default");
        assert_effective(config, "host", "", "DNSDomain",
                "vendor /usr/lib/kube-renewd/kube-renewd.conf.d/20.conf:4");

        tree_remove(root, MAIN_FILE);
        autoptr(Config) run = load_good(root);
        assert_effective(run, "renewal", "", "Validity", "1d /run/kube-renewd/kube-renewd.conf:2");
        tree_free(root);
}

static void test_a_file_named_on_the_command_line(void **state)
{
        char *root = new_root("[backup]\nKeepBackups=1\n");
        autoptr(Config) config = NULL;
        Error error = {};

        tree_write_text(root, MAIN_FILE ".d/10.conf", "[host]\nDNSDomain=x\n");
        tree_write_text(root, "/srv/my.conf", "[renewal]\nValidity=90d\n");
        assert_int_equal(load(root, "/srv/my.conf", &config, &error), 0);
        assert_effective(config, "backup", "", "KeepBackups", "10 default");
        assert_effective(config, "host", "", "DNSDomain", "cluster.local default");
        assert_effective(config, "renewal", "", "Validity", "90d /srv/my.conf:2");

        config_free(TAKE(config));
        assert_int_equal(load(root, "/srv/none.conf", &config, &error), -ENOENT);
        assert_string_equal(
                error.text, "--config: cannot open '/srv/none.conf': No such file or directory");
        tree_free(root);
}

static void test_a_file_that_cannot_be_read_is_an_error(void **state)
{
        char *root = new_root("[backup\n");
        autofree char *main_file = xasprintf("%s" MAIN_FILE, root);
        autoptr(Config) config = NULL;
        Error error = {};

        assert_int_equal(load(root, NULL, &config, &error), -EINVAL);
        assert_string_equal(error.text, MAIN_FILE ":1: '[backup' lacks its ']'; write [section] or "
                                                  "[section name]");
        assert_int_equal(unlink(main_file), 0);
        assert_int_equal(symlink("/nowhere", main_file), 0);
        assert_int_equal(load(root, NULL, &config, &error), -ENOENT);
        assert_int_equal(unlink(main_file), 0);
        assert_int_equal(mkfifo(main_file, 0600), 0);
        assert_int_equal(load(root, NULL, &config, &error), -EINVAL);
        assert_string_equal(error.text, "'" MAIN_FILE "' is not a regular file");
        tree_free(root);
}

static void test_how_a_component_is_restarted(void **state)
{
        autoptr(Config) config = load_text("[component a]\nManifest=/a\nStopTimeout=0\n"
                                           "StartTimeout=90\nLoopbackAge=335d\n"
                                           "[component b]\nManifest=/b\nStopTimeout=1min 1s\n"
                                           "LoopbackAge=300d\nLoopbackAge=\n"
                                           "[component c]\nRestartCommand=/bin/old a b\n"
                                           "RestartCommand=/bin/sh -c 'exit  3'\n"
                                           "[component d]\nManifest=/d\nStopTimeout=5\n"
                                           "StopTimeout=\nRestartCommand=/x\nRestartCommand=\n");
        const ComponentEntry *components = config->layout.components + 1;

        assert_int_equal(components[0].stop_timeout, 0);
        assert_int_equal(components[0].start_timeout, 90);
        assert_int_equal(components[0].loopback_age, 335 * DAY);
        assert_effective(config, "component", "a", "StopTimeout", "0s " MAIN_FILE ":3");
        assert_int_equal(components[1].stop_timeout, 61);
        assert_int_equal(components[1].loopback_age, 0);
        assert_effective(config, "component", "b", "StopTimeout", "1min 1s " MAIN_FILE ":8");
        assert_int_equal(strv_length(components[2].restart_command), 3);
        assert_string_equal(components[2].restart_command[2], "exit  3");
        assert_effective(config, "component", "c", "RestartCommand",
                "/bin/sh -c \"exit  3\" " MAIN_FILE ":13");
        assert_int_equal(components[3].stop_timeout, -1);
        assert_null(components[3].restart_command);
        assert_effective(config, "component", "d", "StopTimeout", " default");
}

static void test_runtime_and_hooks(void **state)
{
        autoptr(Config) config = load_text("[runtime]\nEndpoint=unix:///run/crio/crio.sock\n"
                                           "KubeletUnit=snap.kubelet.service\n"
                                           "[hooks]\nDeploy=/usr/local/bin/deploy --now\n"
                                           "PreRenew=/a\nPostRenew=/b\nOnAlarm=/c\n"
                                           "Timeout=10s\n");

        assert_null(config->warnings);
        assert_string_equal(config->runtime_endpoint, "/run/crio/crio.sock");
        assert_string_equal(config->kubelet_unit, "snap.kubelet.service");
        assert_string_equal(config->hooks.deploy[1], "--now");
        assert_string_equal(config->hooks.pre_renew[0], "/a");
        assert_string_equal(config->hooks.post_renew[0], "/b");
        assert_string_equal(config->hooks.on_alarm[0], "/c");
        assert_int_equal(config->hooks.timeout, 10);
}

static void test_components_are_in_order(void **state)
{
        static const char *const names[] = {"d", "b", "c", "a", "etcd"};
        autoptr(Config) config = load_text("[component a]\nManifest=/a\nOrder=40\n"
                                           "[component b]\nManifest=/b\nOrder=30\n"
                                           "[component c]\nManifest=/c\nOrder=30\n"
                                           "[component d]\nManifest=/d\nOrder=0\n");

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_string_equal(config->layout.components[i].name, names[i]);
}

/* Each key of the table is shown once for each section or entry, also what nobody has set. */
static void test_the_effective_configuration_is_whole(void **state)
{
        autoptr(Config) config = load_text(NULL);
        size_t n, expected = 0;
        EffectiveSetting *settings = config_effective(config, &n);

        for (const ConfigSection *section = config_sections; section->name; section++)
                for (size_t i = 0; config_entry(config, section, i); i++)
                        for (const ConfigKey *key = section->keys; key->name; key++) {
                                assert_string_equal(settings[expected].section, section->name);
                                assert_string_equal(settings[expected].key, key->name);
                                expected++;
                        }
        assert_int_equal(n, expected);
        assert_true(n > 40);
        config_effective_free(settings, n);
}

/* The shipped file says nothing but the defaults: with every "#Key=" made a setting it changes
 * nothing, and no key of its sections is missing. */
static void test_the_shipped_configuration_is_the_default(void **state)
{
        autofree char *text = tree_read(getenv("SRCDIR"), "/etc/kube-renewd.conf", NULL);
        autoptr(Config) none = load_text(NULL);
        autoptr(Config) shipped = load_text(text);

        assert_int_equal(shipped->settings->n, none->settings->n);
        for (char *p = text; (p = strstr(p, "\n#")); p++)
                if (p[2] >= 'A' && p[2] <= 'Z')
                        p[1] = '\n';
        autoptr(Config) config = load_text(text);
        assert_null(config->warnings);
        for (const ConfigSection *section = config_sections; section->name; section++) {
                if (section->kind != SECTION_SINGLE || !section->in_config)
                        continue;
                for (const ConfigKey *key = section->keys; key->name; key++) {
                        autofree char *theirs =
                                value_write(key->type, config_member(key, none), key->size);
                        autofree char *ours =
                                value_write(key->type, config_member(key, config), key->size);

                        assert_string_equal(ours, theirs);
                        if (!settings_last(config->settings, section->name, "", key->name))
                                fail_msg("%s= is missing", key->name);
                }
        }
}

static void test_the_number_of_entries_has_a_limit(void **state)
{
        autofree char *text = xstrdup("");

        for (int i = 0; i < 513; i++) {
                autofree char *before = TAKE(text);

                text = xasprintf("%s[component c%d]\nManifest=/c%d\n", before, i, i);
        }
        assert_load_fails(text, MAIN_FILE ":1024: there are more than 512 sections [component]");
}

/* "# [renewal]" up to the next heading. The caller frees. */
static char *manual_section(const ConfigSection *section)
{
        bool is_main =
                section->in_config && (section->kind == SECTION_SINGLE || !section->in_layout);
        const char *path =
                is_main ? "/man/kube-renewd.conf.5.scd" : "/man/kube-renewd-layout.5.scd";
        autofree char *page = tree_read(getenv("SRCDIR"), path, NULL);
        autofree char *heading = xasprintf(
                "\n# [%s%s]\n", section->name, section->kind == SECTION_SINGLE ? "" : " NAME");
        const char *start = strstr(page, heading), *end;

        if (!start)
                fail_msg("%s has no section [%s]", path, section->name);
        start += strlen(heading);
        end = strstr(start, "\n# ");
        return xstrndup(start, end ? (size_t)(end - start) : strlen(start));
}

/* The paragraph of a key has its default; that a boolean is not set goes without saying. */
static void assert_documented(const char *text, const ConfigSection *section, const ConfigKey *key)
{
        bool has_default = key->standard && key->type != &value_boolean;
        autofree char *entry = xasprintf("*%s=*", key->name);
        autofree char *standard = xasprintf("Default: _%s_", key->standard ? key->standard : "");
        const char *start = strstr(text, entry), *found, *end;

        if (!start)
                fail_msg("%s is not in the manual of [%s]", entry, section->name);
        end = strstr(start, "\n\n");
        found = strstr(start, standard);
        if (has_default && (!found || (end && found > end)))
                fail_msg("the manual of [%s] does not say \"%s\" of %s", section->name, standard,
                        entry);
}

/* Every key is in the manual of its section, and the manual has no other. */
static void test_the_manual_has_every_key(void **state)
{
        for (const ConfigSection *section = config_sections; section->name; section++) {
                autofree char *text = manual_section(section);

                for (const ConfigKey *key = section->keys; key->name; key++)
                        if (!key->is_inherited)
                                assert_documented(text, section, key);
                for (char *p = text; (p = strstr(p, "\n*")); p++) {
                        autofree char *name = xstrndup(p + 2, strcspn(p + 2, "="));

                        if (!config_key_find(section, name))
                                fail_msg("[%s] of the manual has %s=", section->name, name);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_defaults),
                cmocka_unit_test(test_every_kind_of_value),
                cmocka_unit_test(test_repeated_and_empty_values),
                cmocka_unit_test(test_policies_are_inherited),
                cmocka_unit_test(test_layers_of_configuration),
                cmocka_unit_test(test_a_file_named_on_the_command_line),
                cmocka_unit_test(test_a_file_that_cannot_be_read_is_an_error),
                cmocka_unit_test(test_how_a_component_is_restarted),
                cmocka_unit_test(test_runtime_and_hooks),
                cmocka_unit_test(test_components_are_in_order),
                cmocka_unit_test(test_the_effective_configuration_is_whole),
                cmocka_unit_test(test_the_shipped_configuration_is_the_default),
                cmocka_unit_test(test_the_number_of_entries_has_a_limit),
                cmocka_unit_test(test_the_manual_has_every_key),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
