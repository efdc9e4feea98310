/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The effective configuration: main file and drop-ins, and the layout that describes this kind of
 * control plane.
 *
 *     r = config_load(root_fd, &options, &config, reterr);      -EINVAL: exit status 78, nothing
 * was touched for (w = config->warnings; *w; w++) ...
 *
 * Layers (UAPI.6): kube-renewd/kube-renewd.conf of /etc hides that of /run hides that of /usr/lib;
 * then kube-renewd.conf.d/NAME.conf of all three, merged by name (a link to /dev/null masks).
 * Vendor layouts are PKGDATADIR/layouts/NAME.conf; the same sections in the configuration override
 * or add entries: a later value of a key replaces an earlier one, an empty value resets it. Unknown
 * keys and sections are warnings with the nearest known one. Reads only; knows nothing of what is
 * on disk but Detect= and BaseDirectory=, and copies that are found by a pattern. */

#include "base/name-index.h"
#include "pki/key.h"
#include "renew/config/settings.h"

/* How one certificate is renewed. Defaults from [renewal], overridden in [certificate NAME] and
 * [kubeconfig NAME]. */
typedef struct Policy {
        int64_t renew_before;  /* RenewBefore=, seconds, default 15d */
        unsigned renew_at;     /* RenewAt=, per cent of the lifetime, 0: not set */
        int64_t validity;      /* Validity=, seconds, default 1y */
        KeyKind key_algorithm; /* KeyAlgorithm=, KEY_KIND_NONE: as before */
        bool reuse_key;        /* ReuseKey= */
        bool recreate_missing; /* RecreateMissing= */
        char **extra_sans;     /* ExtraSANs=, normal form; of [certificate NAME] only */
} Policy;

/* Specifiers in identities: %H node name, %A advertise address, %S API service address, %D DNS
 * domain, %% a per cent sign. */
typedef struct HostIdentity {
        char *node_name;         /* NodeName= of [host]; default: the host's name in lower case */
        char *advertise_address; /* AdvertiseAddress=; NULL if not known */
        char *service_address;   /* ServiceAddress=, default 10.96.0.1 */
        char *dns_domain;        /* DNSDomain=, default cluster.local */
} HostIdentity;

/* [ca ID] */
typedef struct CaEntry {
        char *id;          /* "kubernetes", as CA= names it */
        char *name;        /* Name=: of its row, default the id; kubeadm: "ca", "etcd-ca" */
        char *certificate; /* Certificate= */
        char *key;         /* Key=: a path, or a pkcs11: URL; see ca_key_path() */
        char *common_name; /* CommonName=, for init */
        bool optional;     /* Optional= */
        char *required_by; /* RequiredBy=: expected only if this component is on the host */
} CaEntry;

/* [pkcs11]: how CA keys in tokens are reached */
typedef struct TokenEntry {
        char **modules; /* Module=: paths of libraries; nothing else is ever loaded */
        char *pin_file; /* PINFile=; NULL: the service's credentials */
} TokenEntry;

/* Who a certificate is for, used only where it must be made anew. Specifiers not expanded yet. */
typedef struct IdentityEntry {
        char *common_name;    /* CommonName=; NULL: not known */
        char **organizations; /* Organization= */
        char **sans;          /* SANs= */
        unsigned usage;       /* Usage=server|client|server client, CertUsage bits */
} IdentityEntry;

/* Who signs a certificate. */
typedef enum IssuerKind {
        ISSUER_KIND_CA,          /* a CA of this host */
        ISSUER_KIND_SELF_SIGNED, /* its own key */
        ISSUER_KIND_FILES,       /* somebody else, who puts certificate and key in place, or at the
                                    source */
        ISSUER_KIND_CSR,         /* a signer of the cluster, asked by a CertificateSigningRequest */
        ISSUER_KIND_COMMAND,     /* whoever IssuerCommand= asks */
        ISSUER_KIND_EXTERNAL,    /* somebody who is asked by people: `csr` and `install` */
        ISSUER_KIND_RESTART,     /* the component that uses it, whenever that is started */
        N_ISSUER_KINDS,
} IssuerKind;

/* "ca", "self-signed", …: the words of Issuer=. */
const char *issuer_kind_name(IssuerKind kind);

/* Issuer= and what belongs to it. */
typedef struct IssuerEntry {
        char **words;    /* Issuer=: in their order; the first that is configured is in use */
        IssuerKind kind; /* config_load(): that one */
        char *source_certificate, *source_key; /* SourceCertificate=, SourceKey=: both or none */
        char *signer_name;                     /* SignerName= */
        char *request_kubeconfig; /* RequestKubeconfig=: who asks; config_load(): its default, too
                                   */
        char *approve_with;       /* ApproveWith=: kubeconfig of who approves; NULL: nobody of us */
        int64_t request_timeout;  /* RequestTimeout=, seconds: a pass waits so long for an answer */
        char **command;           /* IssuerCommand=, argv */
        char *renewed_by;         /* RenewedBy=: the component whose start renews it */
} IssuerEntry;

/* [certificate NAME] and [kubeconfig NAME] */
typedef struct CredentialEntry {
        char *name; /* kubeadm's: "apiserver", "etcd-server", "admin.conf" */
        bool is_kubeconfig;
        char *path; /* Certificate= or Path= */
        char *key;  /* Key=; NULL for a kubeconfig */
        char *ca;   /* CA=, a CaEntry id; NULL: any issuer is right */
        IssuerEntry issuer;
        IdentityEntry identity;
        char *server; /* Server= of a kubeconfig, for init */
        bool watch; /* Watch=yes: somebody else renews it; never due. config_load() makes it so for
                       Issuer=files without a source, too */
        bool optional;       /* Optional=yes: a host may lack it */
        char *required_by;   /* RequiredBy=COMPONENT */
        char *superseded_by; /* SupersededBy=NAME: not in use where the file of that certificate is;
                                of [certificate NAME] only */
        Policy policy;
} CredentialEntry;

typedef enum RestartPolicy { RESTART_NEEDED, RESTART_ALWAYS, RESTART_NEVER } RestartPolicy;

/* [component NAME] */
typedef struct ComponentEntry {
        char *name;
        char *manifest;        /* Manifest= of a static pod, or NULL */
        bool optional;         /* Optional=: where its unit is not started, nothing is owed to it */
        char *unit;            /* Unit= of a systemd service, or NULL */
        unsigned order;        /* Order=, ascending */
        RestartPolicy restart; /* Restart= */
        char **uses;           /* Uses=: files that no manifest tells */
        char **restart_command; /* RestartCommand=, argv: instead of what runs it; NULL */
        int64_t stop_timeout;   /* StopTimeout=, seconds, 0: kill at once, -1: the pod's own */
        int64_t start_timeout;  /* StartTimeout=, seconds: back, healthy and proven; default 5min */
        int64_t loopback_age;   /* LoopbackAge=, seconds: restart an older process; 0: never */
} ComponentEntry;

/* [hooks]: commands at the stations of a pass, argv; NULL: none. See renew/unit/hook.h. */
typedef struct HookEntries {
        char **pre_renew;  /* PreRenew= */
        char **deploy;     /* Deploy= */
        char **post_renew; /* PostRenew= */
        char **on_alarm;   /* OnAlarm= */
        int64_t timeout;   /* Timeout=, seconds, default 5min */
} HookEntries;

typedef enum CoordinationKind {
        COORDINATION_NONE,
        COORDINATION_LEASE, /* a Lease of the cluster says whose turn it is */
} CoordinationKind;

/* [cluster]: how the control planes of one cluster take turns. See renew/restart/coordination.h. */
typedef struct ClusterEntry {
        CoordinationKind coordination; /* Coordination= */
        int64_t lease_timeout; /* LeaseTimeout=, seconds: a pass waits so long for its turns */
        char *kubeconfig;      /* Kubeconfig=: who asks; config_load(): its default, too */
} ClusterEntry;

typedef enum CopyContent {
        COPY_FILE,        /* the same files: of a certificate, two */
        COPY_CERTIFICATE, /* the certificate's file alone, or the key's */
        COPY_KEY,
        COPY_BUNDLE, /* certificate (with its chain), then key, in one file */
        COPY_BUNDLE_KEY_FIRST,
} CopyContent;

/* [copy NAME] */
typedef struct CopyEntry {
        char *name;
        char **sources; /* Source=: names of certificates or kubeconfigs; NULL: switched off */
        char *path;     /* Path=, or NULL; one of them may be a pattern: renew/config/copy-find.h */
        char *key;      /* Key=: where the key of a certificate at Path= is copied to, or NULL */
        char *directory; /* Directory=, or NULL: the copies have the base names of their sources */
        CopyContent content; /* Content= */
        bool create;         /* Create=: also where there is no file yet */
        bool overwrite;      /* Overwrite=: whatever the file is, nobody else has a say in it */
        unsigned mode;       /* Mode= of a file that is created */
} CopyEntry;

/* A file, as a key of a Secret. */
typedef struct SecretPart {
        char *key;
        const char *path;                  /* the entry's */
        const CredentialEntry *credential; /* a certificate's, a key's or a kubeconfig's; NULL: a
                                              CA's, or the key pair of service accounts */
        bool is_key;
        bool is_optional; /* a host may lack it */
} SecretPart;

/* [publish NAME] and [fetch NAME]: files of this host in a Secret of a cluster. */
typedef struct SecretEntry {
        char *name;
        char **sources;    /* Source=: certificates, kubeconfigs, CAs; or one file of them */
        char **data;       /* Data=: KEY:FILE */
        char *kubeconfig;  /* Kubeconfig=: whom to ask, and as whom */
        char *namespace;   /* Namespace= */
        char *secret;      /* Secret= */
        char *type;        /* Type= of one that is made; of [publish NAME] only */
        SecretPart *parts; /* config_load(): what Source= and Data= come to; none: switched off */
        size_t n_parts;
} SecretEntry;

#define COPY_PARTS 2 /* certificate and key */

/* True if the copy holds what is inside of a kubeconfig, and not the kubeconfig. */
static inline bool copy_is_extract(const CopyEntry *entry, const CredentialEntry *source)
{
        return source->is_kubeconfig && entry->content != COPY_FILE;
}

/* One file of a copy. */
typedef struct CopyTarget {
        const CopyEntry *entry;
        const CredentialEntry *source;
        char *path;
        unsigned group;                /* files of the same copy and source move together; from 0 */
        const char *parts[COPY_PARTS]; /* the source's files that it holds, one after the other;
                                          NULL: one */
} CopyTarget;

typedef struct Layout {
        char **names;      /* of those in use, the first one first: "kubeadm", "vcluster" */
        char *description; /* Description= of [layout] */
        char **detect;     /* Detect= of [layout]: it fits a host that has any of these paths */
        char **unless;     /* Unless= of [layout]: and none of these */
        unsigned order;    /* Order= of [layout], among those that fit */
        char **supersedes; /* Supersedes= of [layout]: names of layouts that do not count beside it
                            */
        char **base_directories; /* BaseDirectory= of [layout]: the first that exists is %b */
        CaEntry *cas;
        size_t n_cas;
        CredentialEntry
                *credentials; /* certificates, then kubeconfigs, each in the order of the files */
        size_t n_certificates, n_credentials;
        NameIndex credential_index; /* of their names */
        ComponentEntry *components; /* by order */
        size_t n_components;
        CopyEntry *copies;
        size_t n_copies;
        CopyTarget *copy_targets; /* of all copies */
        size_t n_copy_targets;
        SecretEntry *publications; /* [publish NAME] */
        size_t n_publications;
        SecretEntry *fetches; /* [fetch NAME] */
        size_t n_fetches;
        char *service_account_key; /* Key= of [service-account], for init; no pass ever touches it
                                    */
        char *service_account_public_key; /* PublicKey= */
} Layout;

/* Where alarms go while the configuration cannot say so. */
#define CONFIG_STATE_DIRECTORY "/var/lib/kube-renewd"

#define GROUP_UNKNOWN ((gid_t)-1)

typedef struct Config {
        char *state_directory;      /* StateDirectory= of [agent], CONFIG_STATE_DIRECTORY */
        Policy policy;              /* [renewal] */
        int64_t postpone_limit;     /* PostponeLimit= of [renewal], default 3d */
        char **upgrade_markers;     /* UpgradeMarker= of [renewal]: paths; NULL: none */
        int64_t ca_expiring_before; /* CAExpiringBefore= of [alarms], default 180d */
        int64_t ca_critical_before; /* CACriticalBefore= of [alarms], default 30d */
        char **shelve;              /* Shelve= of [alarms]: TYPE@RESOURCE, patterns of fnmatch(3) */
        char *reader_group; /* ReaderGroup= of [alarms]: who may read public/; NULL: everybody */
        gid_t reader_gid;   /* config_load(): its number; GROUP_UNKNOWN if nobody could tell now */
        unsigned keep_backups;  /* KeepBackups= of [backup], default 10 */
        char **pki_directories; /* PKIDirectory= of [backup]: copied as a whole; NULL: none */
        HostIdentity host;      /* [host] */
        char *runtime_endpoint; /* Endpoint= of [runtime]: path of the CRI socket; NULL: searched */
        char *kubelet_unit;     /* KubeletUnit= of [runtime], default kubelet.service */
        ClusterEntry cluster;   /* [cluster] */
        HookEntries hooks;      /* [hooks] */
        TokenEntry pkcs11;      /* [pkcs11] */
        Layout layout;
        Settings *settings; /* every setting read, in order, with origin, for `config` */
        char **warnings;    /* "file:line: unknown key …" */
} Config;

typedef struct ConfigOptions {
        const char *config_file; /* --config=: instead of the main file and all drop-ins; NULL */
        const char *layout;      /* --layout=: a name or a path; NULL: Layout= or by Detect= */
        bool layout_any;         /* when nothing is detected take kubeadm instead of failing */
} ConfigOptions;

void config_free(Config *config);
DEFINE_AUTOPTR(Config, config_free)

/* -EINVAL for a bad value or line ("file:line: what, and what would be right"), -ENODEV if no
 * layout fits this host, -ENOENT if there is none of that name, others as reading files. */
int config_load(int root_fd, const ConfigOptions *options, Config **ret, Error *reterr) MUST_USE;

/* StateDirectory= alone, for who reads what a pass has left: looks for no layout and needs none,
 * and whatever is wrong elsewhere in the configuration does not matter. The caller frees. -EINVAL
 * for a bad value of it, others as reading files. */
int config_state_directory(
        int root_fd, const char *config_file, char **ret, Error *reterr) MUST_USE;

/* Where config_load() has failed, for who finishes what was begun: the state directory, and the
 * layout that is named or fits, as far as they can be found out; all else has its default. Where
 * StateDirectory= cannot be read, *ret_guessed becomes true and the state directory is the default
 * one. Cannot fail. */
Config *config_load_least(int root_fd, const ConfigOptions *options, bool *ret_guessed);

/* What is effective, for the verb `config`: one line a key, "Key=Value", each with its origin
 * ("file:line" or "default"). */
typedef struct EffectiveSetting {
        char *section, *name, *key, *value, *origin;
} EffectiveSetting;

EffectiveSetting *config_effective(const Config *config, size_t *ret_n);
void config_effective_free(EffectiveSetting *settings, size_t n);

/* Is its certificate made by somebody to whom a request is handed? */
bool issuer_takes_requests(const CredentialEntry *entry);

/* Does a component renew it, whenever that is started? Then no pass ever writes its files. */
bool issuer_restarts(const CredentialEntry *entry);

/* Does whoever renews it do that without us? Then its files are only read: Watch=yes, and what a
 * component renews. */
bool credential_is_only_read(const CredentialEntry *entry);

/* Expands specifiers; -ENOKEY if one has no value on this host (its name, and the key that sets it,
 * in the error). */
int host_identity_expand(
        const HostIdentity *host, const char *text, char **ret, Error *reterr) MUST_USE;

/* Are these names of entries of the same layout? "apiserver" and "ca" are, "vcluster:apiserver" and
 * "ca" are not. Also of items: "admin.conf/USER". */
bool layout_is_same(const char *name, const char *other);

/* Is its key in a token? */
bool ca_has_token(const CaEntry *ca);

/* The file with its key; NULL if it is in none. */
const char *ca_key_path(const CaEntry *ca);

const CaEntry *layout_find_ca(const Layout *layout, const char *id);
const CredentialEntry *layout_find_credential(const Layout *layout, const char *name);
const ComponentEntry *layout_find_component(const Layout *layout, const char *name);
const CopyEntry *layout_find_copy(const Layout *layout, const char *name);
const SecretEntry *layout_find_publication(const Layout *layout, const char *name);
const SecretEntry *layout_find_fetch(const Layout *layout, const char *name);

/* The [fetch] that brings the next one of this entry; NULL: none does. */
const SecretEntry *layout_fetch_of(const Layout *layout, const CredentialEntry *entry);
