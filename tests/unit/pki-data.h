/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates and keys of tests/data for the tests of pki, and the openssl command as a second
 * opinion. */

#include "base/fs.h"
#include "pki/cert.h"
#include "pki/key.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define KUBEADM_1_20 "kubeadm/v1.20.2/rsa2048-default/etc-kubernetes/pki/"
#define KUBEADM_1_28 "kubeadm/v1.28.7/ecdsa-p256/etc-kubernetes/pki/"
#define KUBEADM_1_36 "kubeadm/v1.36.0/rsa2048-default/etc-kubernetes/pki/"

/* A time when the certificates of tests/data/pki are valid. */
#define DATA_NOW ((int64_t)1780272000) /* 2026-06-01 */

static inline FileImage *data_file(const char *name)
{
        autofree char *path = xasprintf("%s/tests/data/%s", getenv("SRCDIR"), name);
        autofd int root_fd = fs_open_root("/", NULL);
        FileImage *file = NULL;

        assert_int_equal(fs_read_file(root_fd, path, FS_SIZE_MAX, &file, NULL), 0);
        return file;
}

static inline CertList *data_certs(const char *name)
{
        autoptr(FileImage) file = data_file(name);
        CertList *list = NULL;

        assert_int_equal(cert_list_parse(file->data, file->size, &list, NULL), 0);
        return list;
}

/* The first certificate of a file, by itself. */
static inline Cert *data_cert(const char *name)
{
        autoptr(CertList) list = data_certs(name);
        Cert *cert = NULL;

        assert_int_equal(
                cert_parse_der(list->certs[0]->der, list->certs[0]->der_size, &cert, NULL), 0);
        return cert;
}

/* A certificate with some octets of its DER replaced, everywhere, by as many others. Its signature
 * is wrong then, which reading does not look at. */
static inline Cert *data_cert_patched(
        const char *name, const void *old, size_t size, const void *fresh)
{
        autoptr(Cert) cert = data_cert(name);
        unsigned char *at = memmem(cert->der, cert->der_size, old, size);
        Cert *other = NULL;

        assert_non_null(at);
        for (; at; at = memmem(cert->der, cert->der_size, old, size))
                memcpy(at, fresh, size);
        assert_int_equal(cert_parse_der(cert->der, cert->der_size, &other, NULL), 0);
        return other;
}

static inline Key *data_key(const char *name)
{
        autoptr(FileImage) file = data_file(name);
        Key *key = NULL;

        assert_int_equal(key_parse(file->data, file->size, &key, NULL), 0);
        return key;
}

/* The certificates of several files of tests/data/pki ("p256 p384") as one list. */
static inline CertList *data_bundle(const char *names)
{
        autofree char *copy = xstrdup(names), *text = xstrdup("");
        CertList *list = NULL;
        char *rest = NULL;

        for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
                autofree char *path = xasprintf("pki/%s.crt", name), *before = text;
                autoptr(FileImage) file = data_file(path);

                text = xasprintf("%s%s", before, (char *)file->data);
        }
        assert_int_equal(cert_list_parse(text, strlen(text), &list, NULL), 0);
        return list;
}

static inline bool have_openssl(void)
{
        static int have = -1;

        if (have < 0) {
                have = system("openssl version >/dev/null 2>&1") == 0;
                if (!have)
                        printf("# openssl is not installed: no second opinion\n");
        }
        return have;
}

/* Runs a shell command with text on its standard input; its exit status. */
static inline int pipe_to(const char *command, const void *text, size_t size)
{
        FILE *pipe = popen(command, "we");
        int status;

        assert_non_null(pipe);
        assert_int_equal(fwrite(text, 1, size, pipe), size);
        status = pclose(pipe);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A certificate as a file that openssl can read: "/proc/self/fd/N", for as long as *fd is open. */
static inline char *cert_as_file(const Cert *cert, int *fd)
{
        autofree char *pem = cert_to_pem(cert);

        *fd = memfd_create("certificate", 0);
        assert_true(*fd >= 0);
        assert_int_equal(write(*fd, pem, strlen(pem)), strlen(pem));
        return xasprintf("/proc/self/fd/%d", *fd);
}

/* Several certificates as a file that openssl can read. */
static inline char *certs_as_file(const CertList *list, int *fd)
{
        *fd = memfd_create("certificates", 0);
        assert_true(*fd >= 0);
        for (size_t i = 0; i < list->n; i++) {
                autofree char *pem = cert_to_pem(list->certs[i]);

                assert_int_equal(write(*fd, pem, strlen(pem)), strlen(pem));
        }
        return xasprintf("/proc/self/fd/%d", *fd);
}

/* What `openssl x509 -noout OPTIONS` prints of it. */
static inline char *openssl_says(const Cert *cert, const char *options)
{
        autofd int fd = -1;
        autofree char *path = cert_as_file(cert, &fd);
        autofree char *command = xasprintf("openssl x509 -noout %s -in %s 2>&1", options, path);
        char *text = xcalloc(1, 16384);
        FILE *pipe = popen(command, "re");

        assert_non_null(pipe);
        assert_true(fread(text, 1, 16383, pipe) < 16383);
        assert_int_equal(pclose(pipe), 0);
        return text;
}

/* Does `openssl verify -x509_strict` accept it, at that time and for that purpose ("sslserver",
 * "sslclient")? */
static inline bool openssl_verifies(
        const Cert *cert, const Cert *ca, int64_t at, const char *purpose)
{
        autofd int fd = -1, ca_fd = -1;
        autofree char *path = cert_as_file(cert, &fd), *ca_path = cert_as_file(ca, &ca_fd);
        autofree char *command = xasprintf("openssl verify -x509_strict -partial_chain -attime "
                                           "%lld -purpose %s -CAfile %s %s >/dev/null",
                (long long)at, purpose, ca_path, path);

        return system(command) == 0;
}
