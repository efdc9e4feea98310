/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Static-pod manifests: what a component uses, serves and says about its health.
 *
 *     r = manifest_parse(file->data, file->size, &manifest, reterr);
 *     for (i = 0; i < manifest->n_files; i++) ... manifest->files[i].path, .flag
 *     url = manifest_flag(manifest, "etcd", "--initial-cluster");
 *
 * Reads flags of every container ("--flag=path", "--flag path", command and args, as far as
 * possible the script of "sh -c" too), maps container paths to host paths by volumeMounts and
 * hostPath volumes; the longest mount wins. A path below no mount, or below one that is no
 * hostPath, uses no host file and is left out. Never asks the API server or the runtime. Source of
 * the format: k8s.io/api/core/v1 Pod. */

#include "base/error.h"

typedef struct ManifestFile {
        char *path; /* on the host, without "//", "." and ".." */
        char *flag; /* "--tls-cert-file", also where it was written with one dash; NULL for a mount
                       that no flag names */
        char *container;
        bool mounted_singly; /* the file itself is mounted, not a directory above it: the container
                                keeps the old inode until it is re-created. Also true where only the
                                kubelet can tell: no hostPath type, or a subPath */
} ManifestFile;

typedef enum ProbeKind {
        PROBE_NONE, /* not in the manifest */
        PROBE_HTTP,
        PROBE_HTTPS, /* the kubelet does not verify the certificate */
        PROBE_TCP,
        PROBE_OTHER, /* exec, grpc, and whatever needs more than host, port and path (the address of
                        a pod of its own network, headers): only the kubelet can make it */
} ProbeKind;

/* k8s.io/api/core/v1 Probe with its defaults filled in; times in seconds. */
typedef struct ManifestProbe {
        ProbeKind kind;
        char *host;    /* to connect to, for HTTP, HTTPS and TCP; "127.0.0.1" where a host-network
                          pod names none, IPv6 without brackets */
        uint16_t port; /* a name is looked up in the container's ports */
        char *path;    /* "/livez?verbose", for HTTP and HTTPS */
        unsigned initial_delay, period, timeout, failure_threshold;
} ManifestProbe;

typedef struct ManifestContainer {
        char *name;
        char *image;
        char *version; /* "1.28.7" from the tag "v1.28.7-anything", NULL if there is none */
        char *program; /* base name of what command runs ("sh -c" is looked into), NULL where only
                          the image knows */
        char **words;  /* command and args; NULL if there are none */
        ManifestProbe liveness, readiness, startup;
} ManifestContainer;

/* Where a container serves TLS with a certificate that is a file of the host. By flags:
 * --tls-cert-file at --bind-address and --secure-port (kube-apiserver, kube-controller-manager,
 * kube-scheduler, and what is built like them), --cert-file and --peer-cert-file at the https URLs
 * of --listen-client-urls and --listen-peer-urls (etcd). */
typedef struct ManifestEndpoint {
        char *container;
        char *host; /* to connect to: "127.0.0.1" where it listens on all addresses; IPv6 without
                       brackets */
        uint16_t port;
        char *flag;        /* "--tls-cert-file", "--cert-file", "--peer-cert-file" */
        char *certificate; /* on the host, as ManifestFile.path */
} ManifestEndpoint;

typedef struct Manifest {
        char *name;       /* metadata.name */
        char *namespace_; /* "default" if it says none, as the kubelet has it */
        bool host_network;
        unsigned termination_grace;    /* seconds */
        char *image;                   /* of the first container */
        char *version;                 /* of the first container */
        ManifestContainer *containers; /* without initContainers; at least one */
        size_t n_containers;
        ManifestFile *files; /* of each container (initContainers last): every flag whose value is
                                an absolute path, then mounts of single files without a flag */
        size_t n_files;
        ManifestEndpoint *endpoints; /* without those of initContainers */
        size_t n_endpoints;
} Manifest;

void manifest_free(Manifest *manifest);
DEFINE_AUTOPTR(Manifest, manifest_free)

/* -EBADMSG with line and column if it is no YAML or no Pod, -EOPNOTSUPP for UTF-16 or where an
 * alias or a merge key hides something, -ENOTUNIQ for a key that is there twice, -E2BIG if it is
 * too deep or has too much of something, -EFBIG over FS_SIZE_MAX. */
int manifest_parse(const void *data, size_t size, Manifest **ret, Error *reterr) MUST_USE;

/* The container of this name, NULL if there is none. */
const ManifestContainer *manifest_container(const Manifest *manifest, const char *name);

/* The container that runs this program, by its command or, where only its image knows, by its own
 * name; NULL if there is none. manifest may be NULL. */
const ManifestContainer *manifest_program(const Manifest *manifest, const char *program);

/* The value of "--flag" on the command line of a container, written as "--flag=value",
 * "--flag value" or with one dash; the last one counts. "" if it has no value, NULL if it is not
 * there. */
const char *manifest_flag(const Manifest *manifest, const char *container, const char *flag);
