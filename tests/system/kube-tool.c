/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the room kube asks of its neighbours, on the command line, for tests with real ones.
 *
 *     kube-tool cri-version ENDPOINT                        "containerd 1.6.20~ds1 at /run/..."
 *     kube-tool cri-list ENDPOINT NAMESPACE POD CONTAINER   lines "ID STATE ATTEMPT POD CREATED"
 *     kube-tool cri-stop ENDPOINT ID SECONDS
 *     kube-tool api HOST PORT CA CERTIFICATE KEY            "accepted", "refused: ..." or
 * "silent" kube-tool etcd HOST PORT CA CERTIFICATE KEY           "3 voters, 2 healthy, may not
 * stop"
 *
 * ENDPOINT "" finds the runtime as kube-renewd does; CA, CERTIFICATE and KEY are files, "" for
 * none. Ends with 0, or with 1 and an error. */

#include "base/fs.h"
#include "kube/api.h"
#include "kube/cri.h"
#include "kube/etcd.h"

#define TIMEOUT 5

static int host_fd;

static int cri_version_verb(char **argv, Error *reterr)
{
        autoptr(Cri) cri = NULL;
        int r = cri_connect(host_fd, *argv[0] ? argv[0] : NULL, &cri, reterr);

        return r < 0 ? r : printf("%s at %s\n", cri_runtime(cri), cri_socket(cri));
}

static int cri_list_verb(char **argv, Error *reterr)
{
        static const char *const states[] = {"created", "running", "exited", "unknown"};
        autoptr(Cri) cri = NULL;
        autoptr(CriList) list = NULL;
        int r;

        r = cri_connect(host_fd, *argv[0] ? argv[0] : NULL, &cri, reterr);
        if (r >= 0)
                r = cri_list(cri, argv[1], argv[2], argv[3], &list, reterr);
        for (size_t i = 0; r >= 0 && i < list->n; i++) {
                const CriContainer *container = &list->containers[i];

                printf("%s %s %u %s %lld\n", container->id, states[container->state],
                        container->attempt, container->pod, (long long)container->created_at);
        }
        return r;
}

static int cri_stop_verb(char **argv, Error *reterr)
{
        autoptr(Cri) cri = NULL;
        int r = cri_connect(host_fd, *argv[0] ? argv[0] : NULL, &cri, reterr);

        return r < 0 ? r : cri_stop(cri, argv[1], (unsigned)atoi(argv[2]), reterr);
}

/* The files of a credential. */
typedef struct Files {
        FileImage *ca, *certificate, *key;
} Files;

static void files_done(Files *files)
{
        file_image_free(files->ca);
        file_image_free(files->certificate);
        file_image_free(files->key);
}

DEFINE_AUTOPTR(Files, files_done)

static int read_file(
        const char *path, FileImage **image, const void **ret, size_t *ret_size, Error *reterr)
{
        int r = *path ? fs_read_file(host_fd, path, FS_SIZE_MAX, image, reterr) : 0;

        if (r >= 0 && *image) {
                *ret = (*image)->data;
                *ret_size = (*image)->size;
        }
        return r;
}

static int read_tls(char **argv, Files *files, HttpTls *tls, Error *reterr)
{
        int r = read_file(argv[0], &files->ca, &tls->ca, &tls->ca_size, reterr);

        if (r >= 0)
                r = read_file(argv[1], &files->certificate, &tls->certificate,
                        &tls->certificate_size, reterr);
        if (r >= 0)
                r = read_file(argv[2], &files->key, &tls->key, &tls->key_size, reterr);
        return r;
}

static int api_verb(char **argv, Error *reterr)
{
        static const char *const verdicts[] = {"accepted", "refused", "silent"};
        autoptr(Files) files = &(Files){};
        ApiVerdict verdict;
        HttpTls tls = {};
        int r = read_tls(argv + 2, files, &tls, reterr);

        if (r < 0)
                return r;
        verdict = api_try_credentials(argv[0], (uint16_t)atoi(argv[1]), &tls, TIMEOUT, reterr);
        return printf("%s%s%s\n", verdicts[verdict], *reterr->text ? ": " : "", reterr->text);
}

static int etcd_verb(char **argv, Error *reterr)
{
        autoptr(Files) files = &(Files){};
        EtcdCluster cluster = {};
        HttpTls tls = {};
        int r = read_tls(argv + 2, files, &tls, reterr);

        if (r >= 0)
                r = etcd_look(argv[0], (uint16_t)atoi(argv[1]), &tls, TIMEOUT, &cluster, reterr);
        if (r >= 0)
                r = printf("%zu voters, %zu healthy, %s stop\n", cluster.n_voters,
                        cluster.n_healthy, etcd_may_stop(&cluster) ? "may" : "may not");
        etcd_cluster_done(&cluster);
        return r;
}

static const struct {
        const char *name;
        int n_words;
        int (*run)(char **argv, Error *reterr);
} verbs[] = {
        {"cri-version", 1, cri_version_verb},
        {"cri-list", 4, cri_list_verb},
        {"cri-stop", 3, cri_stop_verb},
        {"api", 5, api_verb},
        {"etcd", 5, etcd_verb},
};

int main(int argc, char **argv)
{
        Error error = {};
        int r = -EINVAL;

        host_fd = fs_open_root("/", &error);
        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(verbs); i++)
                if (streq(argv[1], verbs[i].name) && argc == 2 + verbs[i].n_words)
                        r = verbs[i].run(argv + 2, &error);
        if (r < 0)
                fprintf(stderr, "kube-tool: %s\n", *error.text ? error.text : "wrong words");
        close(host_fd);
        return r < 0;
}
