/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is on this host: every certificate of every file that the layout names, read once, judged by
 * nobody.
 *
 *     r = inventory_read(root_fd, config, &inventory, reterr);
 *     for (i = 0; i < inventory->n_items; i++) ... inventory->items[i].cert
 *
 * One item per certificate: PKI files, each certificate of a bundle, every user of every
 * kubeconfig, CA data of a kubeconfig that is no copy of the CA file, all CAs, the kubelet's. A
 * file that cannot be read or parsed is one item with an error, never the end. Reads only, many
 * files on all cores; needs no clock; everything later stages need is here, so that no file is read
 * twice. */

#include "base/fs.h"
#include "kube/kubeconfig.h"
#include "kube/manifest.h"
#include "pki/ca.h"
#include "renew/config/config.h"
#include "renew/inventory/fetch.h"
#include "renew/inventory/pending.h"
#include "renew/inventory/source.h"
#include "renew/state/renew-request.h"

/* A CA file and its key, whatever state they are in. */
typedef struct InventoryCa {
        const CaEntry *entry;
        const FileImage *file;  /* NULL: see error */
        const CertList *bundle; /* NULL if unreadable */
        int error;              /* of the certificate file: 0, -ENOENT, … */
        char *problem;
        int key_error; /* 0: the key is here and fits, or in a token (nobody has looked: see
                          renew/issue/token.h); -ENOENT: external; -ENOKEY: fits none of the
                          bundle; others: unreadable, or there is no bundle to compare it with */
        char *key_problem;
        Ca *ca;             /* signer, NULL unless key_error is 0 */
        const Cert *signer; /* of the bundle; the first certificate where there is no key */
        bool expected;      /* false: this host needs none and has none: no row */
} InventoryCa;

typedef enum ItemKind {
        ITEM_CA,          /* a certificate of a CA file */
        ITEM_CERTIFICATE, /* the leaf of a certificate file */
        ITEM_CHAIN,       /* a further certificate of a leaf's file */
        ITEM_KUBECONFIG,  /* the client certificate of one user */
        ITEM_EMBEDDED_CA, /* trusted by a kubeconfig and not in the CA file */
} ItemKind;

typedef struct InventoryFile InventoryFile;

typedef struct Item {
        ItemKind kind;
        char *name; /* "apiserver", "apiserver#2" (second of its file), "ca", "ca#2", "admin.conf",
                       "admin.conf/USER" (not the current one), "admin.conf/ca" */
        const CredentialEntry *entry; /* NULL for a CA */
        const InventoryCa *ca_file;   /* for ITEM_CA: the file it is in */
        const InventoryCa *ca; /* our CA that signed it; NULL: none of ours did (or it is a CA) */
        const InventoryCa *expected_ca; /* what the layout says; NULL for a CA */
        char *path;     /* of the file the certificate is in (a kubeconfig's, when embedded) */
        char *key_path; /* of the file the key is in */
        const FileImage *file, *key_file; /* their bytes, NULL where missing */
        const Kubeconfig *kubeconfig; /* parsed, for items of a kubeconfig that could be parsed */
        const FileImage *kubeconfig_file; /* its bytes; `file` where the certificate is embedded */
        const KubeconfigUser *user;       /* for ITEM_KUBECONFIG */
        const KubeconfigCluster *cluster; /* for ITEM_EMBEDDED_CA, if the CA data is in the file */
        bool embedded;                    /* certificate and key are scalars of the kubeconfig */
        bool is_link;                     /* of a file: path is a symbolic link */
        const Cert *cert;                 /* NULL: missing or invalid */
        const CertList *chain;            /* all certificates of the same source, leaf first */
        const Key *key;                   /* NULL: missing or unreadable */
        int error;        /* 0; -ENOENT missing; others unreadable: the row is INVALID */
        int key_error;    /* 0; -ENOENT no key file; others unreadable */
        char *problem;    /* one sentence for `error` or `key_error` */
        bool key_matches; /* meaningful if cert and key are there */
        bool trusted;     /* its chain leads to the expected CA's bundle, dates aside */
        char *trust_problem;
        char *others; /* half a sentence: who else than root could have put this certificate there,
                         or would have its new key. Only of a leaf that was not signed by a CA of
                         ours, or whose key is not beside it; NULL: nobody */
        bool ca_data_stale;     /* a root of the expected CA's file is missing from what the
                                   kubeconfig's     current cluster trusts; on one item of each
                                   kubeconfig
                                 */
        char *ca_data_path;     /* the file where it says so by name, NULL: embedded */
        PairSource *source;     /* of Issuer=files, or fetched; NULL: there is none */
        const Pending *pending; /* the request whose certificate will take its place; NULL: none */
        RenewRequest request;   /* has somebody asked for its renewal? */
        const char *renewed_as; /* the earlier item with the same file, which is renewed in its
                                   place; NULL: this one */
} Item;

/* One component that is on this host. */
typedef struct InventoryComponent {
        const ComponentEntry *entry;
        Manifest *manifest; /* NULL for a unit, or if unreadable */
        int error;
        char *problem;
        struct ComponentFile *files; /* private: what it reads */
        size_t n_files;
        const struct Inventory *inventory; /* private */
} InventoryComponent;

/* A file that holds what files of its source hold. */
typedef struct InventoryCopy {
        const CopyTarget *target;
        const FileImage *parts[COPY_PARTS]; /* of the source; NULL where one cannot be read */
        const FileImage *file;              /* of the copy; NULL: see error */
        int error;                          /* 0; -ENOENT: there is none; others unreadable */
        const char *problem;                /* one sentence for `error` */
        bool linked; /* it leads to a file that is known by another path, and is no copy */
} InventoryCopy;

typedef struct Inventory {
        InventoryCa *cas; /* parallel to layout.cas */
        size_t n_cas;
        Item *items;
        size_t n_items;
        InventoryComponent *components; /* those whose manifest exists, and units; by order */
        size_t n_components;
        InventoryCopy *copies; /* parallel to layout.copy_targets */
        size_t n_copies;
        PendingList *pendings;      /* requests that are under way; NULL: not for us to know */
        const FetchedList *fetched; /* what Secrets hold; NULL: nobody has asked */
        InventoryFile **files;      /* private: owns images, certificate lists, keys, kubeconfigs */
        size_t n_files;
        NameIndex file_index; /* private: of their paths */
} Inventory;

void inventory_free(Inventory *inventory);
DEFINE_AUTOPTR(Inventory, inventory_free)

/* A CA of ours has signed it, and its key is beside it. */
bool item_is_proven(const Item *item);

/* What is renewed; not a CA, and not what stands behind the first certificate of a file. */
static inline bool item_is_leaf(const Item *item)
{
        return item->kind == ITEM_CERTIFICATE || item->kind == ITEM_KUBECONFIG;
}

/* CAs are spoken of half a year before their end, wherever they are found; but one that somebody
 * else makes anew with every certificate (the kubelet's) only as its leaf is, and a leaf as one,
 * whatever it says of itself. */
static inline bool item_is_authority(const Item *item)
{
        return item->kind == ITEM_CA || item->kind == ITEM_EMBEDDED_CA ||
               (item->kind == ITEM_CHAIN && item->cert && item->cert->is_ca &&
                       !(item->entry && item->entry->watch));
}

/* It has not the key that belongs to it, so that nobody can use it, however long it is valid. */
static inline bool item_lacks_key(const Item *item)
{
        return item->cert && !item->key_matches;
}

/* Fails only where nothing can be read at all (the root itself). */
int inventory_read(int root_fd, const Config *config, Inventory **ret, Error *reterr) MUST_USE;

/* Adds what was found in Secrets to the items that it is for; `fetched` must outlive the inventory.
 */
void inventory_add_fetched(Inventory *inventory, const Config *config, const FetchedList *fetched);

/* Is its next one brought by a [fetch]? */
bool item_is_fetched(const Item *item, const Layout *layout);

/* The component of that name, NULL if it is not on this host. */
const InventoryComponent *inventory_component(const Inventory *inventory, const char *name);

/* A file as it will be. */
typedef struct InventoryOverlay {
        const char *path;       /* in normal form */
        const FileImage *image; /* as it is; NULL: there is none yet */
        const void *data;
        size_t size;
} InventoryOverlay;

/* The same of a host that is not there yet: files of which the content is known are not read, but
 * for manifests. What is seen of such a file beside its content is that of the one that is there.
 */
int inventory_read_overlaid(int root_fd, const Config *config, const InventoryOverlay *overlay,
        size_t n_overlay, Inventory **ret, Error *reterr) MUST_USE;

/* True for the certificate of another CA about a root of this one's file: it has the root's name
 * and key. Who trusts the root does not need it, whenever it ends. */
bool inventory_is_cross(const InventoryCa *ca, const Cert *cert);

#define USE_BY_KUBECONFIG "kubeconfig"
#define USE_BY_RENEWAL    "RenewedBy="

/* One way in which a component reads a file. */
typedef struct ComponentUse {
        const char *how;       /* "--tls-cert-file"; "mount" or "Uses=" where no flag names it;
                                  USE_BY_KUBECONFIG: a kubeconfig that it reads does;
                                  USE_BY_RENEWAL: it makes it anew when it is started */
        const char *container; /* NULL for Uses= */
        bool mounted_singly;   /* a running container keeps the old file */
} ComponentUse;

/* The i-th file that this component reads, of which one may be here more than once; NULL: there are
 * no more. */
const char *component_file(const InventoryComponent *component, size_t i);

/* The next way in which this component reads this file, starting with *at = 0: a flag or mount of
 * its manifest, or Uses=. The same file by another path (a linked directory) counts. */
bool component_next_use(
        const InventoryComponent *component, const char *path, size_t *at, ComponentUse *ret);

/* True if there is one; *ret_how (may be NULL) is the first. */
bool component_uses(const InventoryComponent *component, const char *path, const char **ret_how);

/* True if its start renews this certificate. */
bool component_renews(const InventoryComponent *component, const Item *item);

/* True if the file is mounted singly, so that a running container keeps the old one. */
bool component_mounts_singly(const InventoryComponent *component, const char *path);
