/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/config-key.h"

#define KEY(Type, member_, name_, type_, ...)                                                      \
        {                                                                                          \
                .name = name_, .type = &value_##type_, .offset = offsetof(Type, member_),          \
                .size = sizeof(((Type *)0)->member_), __VA_ARGS__                                  \
        }

/* Policy: [renewal], and the same keys again in each certificate and kubeconfig. */
#define POLICY(Type, inherited)                                                                    \
        KEY(Type, policy.renew_before, "RenewBefore", span, .standard = "15d", .least = "1min",    \
                .most = "10y", .clears = "RenewAt", .is_inherited = inherited),                    \
                KEY(Type, policy.renew_at, "RenewAt", percent, .least = "1%", .most = "99%",       \
                        .is_inherited = inherited),                                                \
                KEY(Type, policy.validity, "Validity", span, .standard = "1y", .least = "10min",   \
                        .most = "100y", .is_inherited = inherited),                                \
                KEY(Type, policy.key_algorithm, "KeyAlgorithm", algorithm,                         \
                        .is_inherited = inherited),                                                \
                KEY(Type, policy.reuse_key, "ReuseKey", boolean, .standard = "no",                 \
                        .is_inherited = inherited),                                                \
                KEY(Type, policy.recreate_missing, "RecreateMissing", boolean, .standard = "no",   \
                        .is_inherited = inherited)

static const ConfigKey agent_keys[] = {
        KEY(Config, state_directory, "StateDirectory", path, .standard = CONFIG_STATE_DIRECTORY),
        KEY(Config, layout.names, "Layout", layouts),
        {},
};

static const ConfigKey renewal_keys[] = {
        POLICY(Config, false),
        KEY(Config, postpone_limit, "PostponeLimit", span, .standard = "3d", .least = "1h",
                .most = "1y"),
        KEY(Config, upgrade_markers, "UpgradeMarker", paths),
        {},
};

static const ConfigKey alarms_keys[] = {
        KEY(Config, ca_expiring_before, "CAExpiringBefore", span, .standard = "180d", .least = "1h",
                .most = "100y"),
        KEY(Config, ca_critical_before, "CACriticalBefore", span, .standard = "30d", .least = "1h",
                .most = "100y"),
        KEY(Config, shelve, "Shelve", alarms),
        KEY(Config, reader_group, "ReaderGroup", group),
        {},
};

static const ConfigKey backup_keys[] = {
        KEY(Config, keep_backups, "KeepBackups", count, .standard = "10", .least = "1",
                .most = "10000"),
        KEY(Config, pki_directories, "PKIDirectory", paths),
        {},
};

static const ConfigKey host_keys[] = {
        KEY(Config, host.node_name, "NodeName", domain),
        KEY(Config, host.advertise_address, "AdvertiseAddress", address),
        KEY(Config, host.service_address, "ServiceAddress", address, .standard = "10.96.0.1"),
        KEY(Config, host.dns_domain, "DNSDomain", domain, .standard = "cluster.local"),
        {},
};

static const ConfigKey runtime_keys[] = {
        KEY(Config, runtime_endpoint, "Endpoint", endpoint),
        KEY(Config, kubelet_unit, "KubeletUnit", unit, .standard = "kubelet.service"),
        {},
};

static const ConfigKey cluster_keys[] = {
        KEY(Config, cluster.coordination, "Coordination", coordination, .standard = "none"),
        KEY(Config, cluster.lease_timeout, "LeaseTimeout", span, .standard = "15min",
                .least = "1min", .most = "12h"),
        KEY(Config, cluster.kubeconfig, "Kubeconfig", path),
        {},
};

static const ConfigKey hooks_keys[] = {
        KEY(Config, hooks.pre_renew, "PreRenew", command),
        KEY(Config, hooks.deploy, "Deploy", command),
        KEY(Config, hooks.post_renew, "PostRenew", command),
        KEY(Config, hooks.on_alarm, "OnAlarm", command),
        KEY(Config, hooks.timeout, "Timeout", span, .standard = "5min", .least = "1s",
                .most = "1h"),
        {},
};

static const ConfigKey pkcs11_keys[] = {
        KEY(Config, pkcs11.modules, "Module", paths),
        KEY(Config, pkcs11.pin_file, "PINFile", path),
        {},
};

static const ConfigKey layout_keys[] = {
        KEY(Config, layout.description, "Description", text),
        KEY(Config, layout.detect, "Detect", paths),
        KEY(Config, layout.unless, "Unless", paths),
        KEY(Config, layout.order, "Order", count, .standard = "50", .least = "0", .most = "10000"),
        KEY(Config, layout.supersedes, "Supersedes", layouts),
        KEY(Config, layout.base_directories, "BaseDirectory", directories, .in_config = true),
        {},
};

static const ConfigKey ca_keys[] = {
        KEY(CaEntry, name, "Name", name),
        KEY(CaEntry, certificate, "Certificate", path),
        KEY(CaEntry, key, "Key", path_or_url),
        KEY(CaEntry, common_name, "CommonName", identity),
        KEY(CaEntry, optional, "Optional", boolean, .standard = "no"),
        KEY(CaEntry, required_by, "RequiredBy", name),
        {},
};

/* Issuer= and what an issuer needs; files are for certificates only. */
#define ISSUER                                                                                     \
        KEY(CredentialEntry, issuer.words, "Issuer", issuers, .standard = "ca"),                   \
                KEY(CredentialEntry, issuer.signer_name, "SignerName", signer),                    \
                KEY(CredentialEntry, issuer.request_kubeconfig, "RequestKubeconfig", path),        \
                KEY(CredentialEntry, issuer.approve_with, "ApproveWith", path),                    \
                KEY(CredentialEntry, issuer.request_timeout, "RequestTimeout", span,               \
                        .standard = "2min", .least = "1s", .most = "1h"),                          \
                KEY(CredentialEntry, issuer.command, "IssuerCommand", command),                    \
                KEY(CredentialEntry, issuer.renewed_by, "RenewedBy", name)

static const ConfigKey certificate_keys[] = {
        KEY(CredentialEntry, path, "Certificate", path),
        KEY(CredentialEntry, key, "Key", path),
        KEY(CredentialEntry, ca, "CA", name),
        ISSUER,
        KEY(CredentialEntry, issuer.source_certificate, "SourceCertificate", path),
        KEY(CredentialEntry, issuer.source_key, "SourceKey", path),
        KEY(CredentialEntry, identity.common_name, "CommonName", identity),
        KEY(CredentialEntry, identity.organizations, "Organization", identities),
        KEY(CredentialEntry, identity.sans, "SANs", san_templates),
        KEY(CredentialEntry, identity.usage, "Usage", usage),
        KEY(CredentialEntry, policy.extra_sans, "ExtraSANs", sans),
        KEY(CredentialEntry, watch, "Watch", boolean, .standard = "no"),
        KEY(CredentialEntry, optional, "Optional", boolean, .standard = "no"),
        KEY(CredentialEntry, required_by, "RequiredBy", name),
        KEY(CredentialEntry, superseded_by, "SupersededBy", name),
        POLICY(CredentialEntry, true),
        {},
};

static const ConfigKey kubeconfig_keys[] = {
        KEY(CredentialEntry, path, "Path", path),
        KEY(CredentialEntry, ca, "CA", name),
        ISSUER,
        KEY(CredentialEntry, identity.common_name, "CommonName", identity),
        KEY(CredentialEntry, identity.organizations, "Organization", identities),
        KEY(CredentialEntry, server, "Server", url),
        KEY(CredentialEntry, watch, "Watch", boolean, .standard = "no"),
        KEY(CredentialEntry, optional, "Optional", boolean, .standard = "no"),
        KEY(CredentialEntry, required_by, "RequiredBy", name),
        POLICY(CredentialEntry, true),
        {},
};

static const ConfigKey component_keys[] = {
        KEY(ComponentEntry, manifest, "Manifest", path),
        KEY(ComponentEntry, unit, "Unit", unit),
        KEY(ComponentEntry, optional, "Optional", boolean, .standard = "no"),
        KEY(ComponentEntry, order, "Order", count, .standard = "50", .least = "0", .most = "10000"),
        KEY(ComponentEntry, restart, "Restart", restart, .standard = "needed"),
        KEY(ComponentEntry, uses, "Uses", paths),
        KEY(ComponentEntry, restart_command, "RestartCommand", command),
        KEY(ComponentEntry, stop_timeout, "StopTimeout", span_or_unset, .least = "0s",
                .most = "15min"),
        KEY(ComponentEntry, start_timeout, "StartTimeout", span, .standard = "5min", .least = "10s",
                .most = "1h"),
        KEY(ComponentEntry, loopback_age, "LoopbackAge", span, .least = "1d", .most = "1y"),
        {},
};

static const ConfigKey copy_keys[] = {
        KEY(CopyEntry, sources, "Source", names),
        KEY(CopyEntry, path, "Path", path, .clears = "Directory"),
        KEY(CopyEntry, key, "Key", path),
        KEY(CopyEntry, directory, "Directory", path, .clears = "Path"),
        KEY(CopyEntry, content, "Content", content, .standard = "file"),
        KEY(CopyEntry, create, "Create", boolean, .standard = "no"),
        KEY(CopyEntry, overwrite, "Overwrite", boolean, .standard = "no"),
        KEY(CopyEntry, mode, "Mode", mode, .standard = "0600", .least = "0400", .most = "0777"),
        {},
};

/* Which Secret, and what in it. */
#define SECRET                                                                                     \
        KEY(SecretEntry, sources, "Source", names), KEY(SecretEntry, data, "Data", data),          \
                KEY(SecretEntry, kubeconfig, "Kubeconfig", path),                                  \
                KEY(SecretEntry, namespace, "Namespace", domain),                                  \
                KEY(SecretEntry, secret, "Secret", domain)

static const ConfigKey publish_keys[] = {
        SECRET,
        KEY(SecretEntry, type, "Type", secret_type, .standard = "Opaque"),
        {},
};

static const ConfigKey fetch_keys[] = {
        SECRET,
        {},
};

static const ConfigKey service_account_keys[] = {
        KEY(Config, layout.service_account_key, "Key", path),
        KEY(Config, layout.service_account_public_key, "PublicKey", path),
        {},
};

const ConfigSection config_sections[] = {
        {"agent", SECTION_SINGLE, true, false, agent_keys},
        {"renewal", SECTION_SINGLE, true, true, renewal_keys},
        {"alarms", SECTION_SINGLE, true, true, alarms_keys},
        {"backup", SECTION_SINGLE, true, true, backup_keys},
        {"host", SECTION_SINGLE, true, true, host_keys},
        {"runtime", SECTION_SINGLE, true, true, runtime_keys},
        {"cluster", SECTION_SINGLE, true, false, cluster_keys},
        {"hooks", SECTION_SINGLE, true, true, hooks_keys},
        {"pkcs11", SECTION_SINGLE, true, false, pkcs11_keys},
        {"layout", SECTION_SINGLE, false, true, layout_keys},
        {"ca", SECTION_CA, true, true, ca_keys},
        {"certificate", SECTION_CERTIFICATE, true, true, certificate_keys},
        {"kubeconfig", SECTION_KUBECONFIG, true, true, kubeconfig_keys},
        {"component", SECTION_COMPONENT, true, true, component_keys},
        {"copy", SECTION_COPY, true, true, copy_keys},
        {"publish", SECTION_PUBLISH, true, false, publish_keys},
        {"fetch", SECTION_FETCH, true, false, fetch_keys},
        {"service-account", SECTION_SINGLE, false, true, service_account_keys},
        {},
};

const ConfigSection *config_section_find(const char *name)
{
        for (const ConfigSection *section = config_sections; section->name; section++)
                if (streq(section->name, name))
                        return section;
        return NULL;
}

const ConfigKey *config_key_find(const ConfigSection *section, const char *name)
{
        for (const ConfigKey *key = section->keys; key->name; key++)
                if (streq(key->name, name))
                        return key;
        return NULL;
}

bool config_key_allowed(const ConfigSection *section, const ConfigKey *key, bool in_layout)
{
        return in_layout ? section->in_layout : section->in_config || (key && key->in_config);
}

void config_key_reset(const ConfigKey *key, void *entry)
{
        autofree char *wrong = NULL;
        void *member = config_member(key, entry);

        value_clear(key->type, member, key->size);
        if (key->standard && value_read(key->type, key->standard, member, key->size, &wrong) < 0)
                abort();
}

static int check_limits(const ConfigKey *key, const Setting *setting, Error *reterr)
{
        autofree char *origin = NULL;
        int64_t number, least, most;

        if (!key->least || key->type->read_number(setting->value, &number) < 0)
                return 0;
        if (key->type->read_number(key->least, &least) < 0 ||
                key->type->read_number(key->most, &most) < 0)
                abort();
        if (number >= least && number <= most)
                return 0;
        origin = setting_origin(setting);
        return error_set(reterr, -EINVAL, "%s: %s=%s is out of range; write %s to %s", origin,
                key->name, setting->value, key->least, key->most);
}

int config_key_read(const ConfigKey *key, const Setting *setting, void *entry, Error *reterr)
{
        autofree char *origin = NULL, *wrong = NULL, *shown = NULL;
        int r;

        r = check_limits(key, setting, reterr);
        if (r < 0)
                return r;
        r = value_read(key->type, setting->value, config_member(key, entry), key->size, &wrong);
        if (r >= 0)
                return 0;
        origin = setting_origin(setting);
        shown = settings_excerpt(wrong);
        return error_set(reterr, r, "%s: %s=%s is not %s; write %s", origin, key->name, shown,
                key->type->what, key->type->hint);
}

void *config_entry(const Config *config, const ConfigSection *section, size_t i)
{
        const Layout *layout = &config->layout;

        switch (section->kind) {
        case SECTION_SINGLE:
                return i == 0 ? (void *)config : NULL;
        case SECTION_CA:
                return i < layout->n_cas ? &layout->cas[i] : NULL;
        case SECTION_CERTIFICATE:
                return i < layout->n_certificates ? &layout->credentials[i] : NULL;
        case SECTION_KUBECONFIG:
                i += layout->n_certificates;
                return i < layout->n_credentials ? &layout->credentials[i] : NULL;
        case SECTION_COMPONENT:
                return i < layout->n_components ? &layout->components[i] : NULL;
        case SECTION_COPY:
                return i < layout->n_copies ? &layout->copies[i] : NULL;
        case SECTION_PUBLISH:
                return i < layout->n_publications ? &layout->publications[i] : NULL;
        case SECTION_FETCH:
                return i < layout->n_fetches ? &layout->fetches[i] : NULL;
        }
        return NULL;
}

void *config_entry_find(const Config *config, const ConfigSection *section, const char *name)
{
        const Layout *layout = &config->layout;
        const CredentialEntry *credential;

        switch (section->kind) {
        case SECTION_SINGLE:
                return name[0] ? NULL : (void *)config;
        case SECTION_CA:
                return (void *)layout_find_ca(layout, name);
        case SECTION_CERTIFICATE:
        case SECTION_KUBECONFIG:
                credential = layout_find_credential(layout, name);
                if (credential &&
                        credential->is_kubeconfig == (section->kind == SECTION_KUBECONFIG))
                        return (void *)credential;
                return NULL;
        case SECTION_COMPONENT:
                return (void *)layout_find_component(layout, name);
        case SECTION_COPY:
                return (void *)layout_find_copy(layout, name);
        case SECTION_PUBLISH:
                return (void *)layout_find_publication(layout, name);
        case SECTION_FETCH:
                return (void *)layout_find_fetch(layout, name);
        }
        return NULL;
}

const char *config_entry_name(const ConfigSection *section, const void *entry)
{
        /* Every entry begins with its name. */
        _Static_assert(offsetof(CaEntry, id) == 0, "CaEntry");
        _Static_assert(offsetof(CredentialEntry, name) == 0, "CredentialEntry");
        _Static_assert(offsetof(ComponentEntry, name) == 0, "ComponentEntry");
        _Static_assert(offsetof(CopyEntry, name) == 0, "CopyEntry");
        _Static_assert(offsetof(SecretEntry, name) == 0, "SecretEntry");

        return section->kind == SECTION_SINGLE ? "" : *(char *const *)entry;
}
