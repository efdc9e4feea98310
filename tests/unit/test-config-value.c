/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host-config.h"

/* One line after "[renewal]" or another section, and the whole message for it. */
static const struct BadValue {
        const char *section, *line, *error;
} bad_values[] = {
        {"renewal", "RenewBefore=15x", "RenewBefore=15x is not a time span; write for example 15d"},
        {"renewal", "RenewBefore=\"15d\"",
                "RenewBefore=\"15d\" is not a time span; write for example 15d"},
        {"renewal", "RenewBefore=-1d", "RenewBefore=-1d is not a time span; write for example 15d"},
        {"renewal", "RenewBefore=59s", "RenewBefore=59s is out of range; write 1min to 10y"},
        {"renewal", "RenewBefore=11y", "RenewBefore=11y is out of range; write 1min to 10y"},
        {"renewal", "Validity=9min", "Validity=9min is out of range; write 10min to 100y"},
        {"renewal", "RenewAt=80 %", "RenewAt=80 % is not a percentage; write for example 80%"},
        {"renewal", "RenewAt=0%", "RenewAt=0% is out of range; write 1% to 99%"},
        {"renewal", "RenewAt=100", "RenewAt=100 is out of range; write 1% to 99%"},
        {"renewal", "KeyAlgorithm=RSA-1024",
                "KeyAlgorithm=RSA-1024 is not a key algorithm; write RSA-2048, RSA-3072, RSA-4096, "
                "ECDSA-P256, ECDSA-P384, ECDSA-P521 or Ed25519"},
        {"renewal", "ReuseKey=Yes", "ReuseKey=Yes is not a boolean; write yes or no"},
        {"renewal", "ReuseKey=2", "ReuseKey=2 is not a boolean; write yes or no"},
        {"backup", "KeepBackups=0", "KeepBackups=0 is out of range; write 1 to 10000"},
        {"backup", "KeepBackups=10001", "KeepBackups=10001 is out of range; write 1 to 10000"},
        {"backup", "KeepBackups=ten", "KeepBackups=ten is not a number; write for example 10"},
        {"backup", "KeepBackups=99999999999999999999",
                "KeepBackups=99999999999999999999 is not a number; write for example 10"},
        {"agent", "StateDirectory=state",
                "StateDirectory=state is not an absolute path without '//', '.' and '..'; write "
                "for example /etc/kubernetes/pki/ca.crt"},
        {"host", "AdvertiseAddress=192.0.2.256",
                "AdvertiseAddress=192.0.2.256 is not an IP address; write for example 192.0.2.10"},
        {"host", "NodeName=CP-1",
                "NodeName=CP-1 is not a DNS name in lower case; write for example "
                "cp-1.example.com"},
        {"certificate apiserver", "Usage=serve",
                "Usage=serve is not a usage; write server, client, or both with a blank between"},
        {"certificate apiserver", "ExtraSANs=DNS:a.example DSN:b.example",
                "ExtraSANs=DSN:b.example is not a subject alternative name; write for example "
                "DNS:cp-1.example.com or IP:192.0.2.10"},
        {"certificate apiserver", "SANs=DNS:%H IP:%H",
                "SANs=IP:%H is not a subject alternative name; write for example DNS:%H or IP:%A, "
                "with %H, %A, %S, %D for this host's values and %% for a per cent sign"},
        {"certificate apiserver", "CommonName=%N",
                "CommonName=%N is not a name; write it with %H, %A, %S, %D for this host's values "
                "and %% for a per cent sign"},
        {"kubeconfig admin.conf", "Server=http://%A",
                "Server=http://%A is not the URL of an API server; write for example "
                "https://%A:6443, with %H, %A, %S, %D for this host's values and %% for a per cent "
                "sign"},
        {"ca kubernetes", "Key=pkcs11:",
                "Key=pkcs11: is not an absolute path without '//', '.' and '..', or a pkcs11: URL "
                "without a PIN; write for example /etc/kubernetes/pki/ca.crt or "
                "pkcs11:token=ca;object=kubernetes"},
        {"ca kubernetes", "Key=pkcs11:token=ca?pin-value=4711",
                "Key=pkcs11:token=ca?pin-value=… is not an absolute path without '//', '.' and "
                "'..', or a pkcs11: URL without a PIN; write for example "
                "/etc/kubernetes/pki/ca.crt or pkcs11:token=ca;object=kubernetes"},
        {"ca kubernetes", "Key=pkcs11:token=ca?pin-source=file:/pin",
                "Key=pkcs11:token=ca?pin-source=file:/pin is not an absolute path without '//', "
                "'.' and '..', or a pkcs11: URL without a PIN; write for example "
                "/etc/kubernetes/pki/ca.crt or pkcs11:token=ca;object=kubernetes"},
        {"component etcd", "Restart=always!",
                "Restart=always! is not a restart policy; write needed, always or never"},
        {"component etcd", "Unit=etcd",
                "Unit=etcd is not the name of a systemd service; write for example etcd.service"},
        {"component etcd", "RestartCommand=systemctl restart x",
                "RestartCommand=systemctl restart x is not a command: an absolute path, blanks "
                "between its words, quotes in pairs; write for example /usr/bin/systemctl reload "
                "haproxy.service"},
        {"component etcd", "StopTimeout=16min",
                "StopTimeout=16min is out of range; write 0s to 15min"},
        {"component etcd", "StopTimeout=-1s",
                "StopTimeout=-1s is not a time span; write for example 30s"},
        {"component etcd", "StartTimeout=9s", "StartTimeout=9s is out of range; write 10s to 1h"},
        {"cluster", "Coordination=yes",
                "Coordination=yes is not a kind of coordination; write none or lease"},
        {"cluster", "LeaseTimeout=0", "LeaseTimeout=0 is out of range; write 1min to 12h"},
        {"component etcd", "LoopbackAge=0", "LoopbackAge=0 is out of range; write 1d to 1y"},
        {"runtime", "Endpoint=tcp://127.0.0.1:1",
                "Endpoint=tcp://127.0.0.1:1 is not the path of a socket or a unix: URL; write for "
                "example unix:///run/containerd/containerd.sock"},
        {"alarms", "Shelve=expired",
                "Shelve=expired is not an alarm; write TYPE@RESOURCE, for example "
                "ca-expiring@front-proxy-ca or expiring@*"},
        {"alarms", "Shelve=expired@* Expired@ca",
                "Shelve=Expired@ca is not an alarm; write TYPE@RESOURCE, for example "
                "ca-expiring@front-proxy-ca or expiring@*"},
        {"alarms", "Shelve=expired@",
                "Shelve=expired@ is not an alarm; write TYPE@RESOURCE, for example "
                "ca-expiring@front-proxy-ca or expiring@*"},
        {"hooks", "Timeout=2h", "Timeout=2h is out of range; write 1s to 1h"},
};

static void test_bad_values_say_what_would_be_right(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(bad_values); i++) {
                autofree char *text =
                        xasprintf("\n[%s]\n%s\n", bad_values[i].section, bad_values[i].line);
                autofree char *error = xasprintf(MAIN_FILE ":3: %s", bad_values[i].error);

                assert_load_fails(text, error);
        }
}

static void test_paths_have_one_form(void **state)
{
        static const char *const good[] = {"/a", "/a/b.c", "/a/..b/.c/d..", "/a/%H"};
        static const char *const bad[] = {
                "a", "/", "/a/", "//a", "/a//b", "/./a", "/a/..", "/a/../b", "pkcs11:x"};

        for (size_t i = 0; i < ELEMENTSOF(good) + ELEMENTSOF(bad); i++) {
                bool is_good = i < ELEMENTSOF(good);
                const char *text = is_good ? good[i] : bad[i - ELEMENTSOF(good)];
                autofree char *path = NULL, *wrong = NULL;

                if (value_read(&value_path, text, &path, sizeof(path), &wrong) !=
                        (is_good ? 0 : -EINVAL))
                        fail_msg("'%s'", text);
                assert_string_equal(is_good ? path : wrong, text);
        }
}

static void test_endpoints_are_paths(void **state)
{
        static const struct {
                const char *text, *path; /* NULL: refused */
        } table[] = {
                {"/run/a.sock", "/run/a.sock"},
                {"unix:///run/a.sock", "/run/a.sock"},
                {"unix:/run/a.sock", "/run/a.sock"},
                {"unix://run/a.sock", NULL},
                {"unix:////run/a.sock", NULL},
                {"unix://", NULL},
                {"unix:", NULL},
                {"run/a.sock", NULL},
                {"http:///run/a.sock", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *path = NULL, *wrong = NULL;
                int r = value_read(&value_endpoint, table[i].text, &path, sizeof(path), &wrong);

                if ((r < 0) != !table[i].path || (path && !streq(path, table[i].path)))
                        fail_msg("'%s'", table[i].text);
        }
}

static void test_dns_names(void **state)
{
        static const char *const good[] = {"a", "cp-1", "1.2", "a.b-c.d"};
        static const char *const bad[] = {
                "-a", "a-", "a.", ".a", "a..b", "a-.b", "a.-b", "A", "a_b"};

        for (size_t i = 0; i < ELEMENTSOF(good) + ELEMENTSOF(bad); i++) {
                bool is_good = i < ELEMENTSOF(good);
                const char *text = is_good ? good[i] : bad[i - ELEMENTSOF(good)];
                autofree char *name = NULL, *wrong = NULL;

                if (value_read(&value_domain, text, &name, sizeof(name), &wrong) !=
                        (is_good ? 0 : -EINVAL))
                        fail_msg("'%s'", text);
        }
}

static void test_long_values_are_cut_in_messages(void **state)
{
        char text[2000] = "[renewal]\nRenewBefore=";
        autoptr(Config) config = NULL;
        Error error = {};

        memset(text + strlen(text), 'x', 1000);
        char *root = new_root(text);

        assert_int_equal(load(root, NULL, &config, &error), -EINVAL);
        assert_non_null(strstr(error.text, "xxx… is not a time span; write for example 15d"));
        tree_free(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bad_values_say_what_would_be_right),
                cmocka_unit_test(test_paths_have_one_form),
                cmocka_unit_test(test_endpoints_are_paths),
                cmocka_unit_test(test_dns_names),
                cmocka_unit_test(test_long_values_are_cut_in_messages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
