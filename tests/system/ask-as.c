/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A client that asks over and over, each time on a connection of its own, until it is told to stop.
 *
 *     ask-as URL HOST:PORT MILLISECONDS KUBECONFIG
 *     ask-as URL HOST:PORT MILLISECONDS CA CERTIFICATE KEY
 *
 * Connects to HOST:PORT and verifies what the URL says; reads its files anew for each request. A
 * line for each: when it was made (seconds since the epoch) and what became of it: the HTTP status,
 * "none" where nobody listens or answers, or "trust" where one of the two did not trust the other,
 * and then why. */

#include "base/fs.h"
#include "kube/http.h"
#include "kube/kubeconfig.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>

#define TIMEOUT 5 /* seconds; who is slow has not refused */

static volatile sig_atomic_t is_over;

static void stop(int signal)
{
        is_over = 1;
}

/* What a request is made with. */
typedef struct Client {
        FileImage *files[3];
        Kubeconfig *config;
        HttpTls tls;
} Client;

static void client_done(Client *client)
{
        for (size_t i = 0; i < ELEMENTSOF(client->files); i++)
                file_image_free(client->files[i]);
        kubeconfig_free(client->config);
}

static int client_read_files(int root_fd, char **paths, Client *client, Error *reterr)
{
        FileImage **files = client->files;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(client->files); i++)
                r = fs_read_file(root_fd, paths[i], FS_SIZE_MAX, &files[i], reterr);
        if (r >= 0)
                client->tls = (HttpTls){.ca = files[0]->data,
                        .ca_size = files[0]->size,
                        .certificate = files[1]->data,
                        .certificate_size = files[1]->size,
                        .key = files[2]->data,
                        .key_size = files[2]->size};
        return r;
}

static int client_read_kubeconfig(int root_fd, const char *path, Client *client, Error *reterr)
{
        const KubeconfigUser *user;
        const KubeconfigCluster *cluster;
        int r;

        r = fs_read_file(root_fd, path, FS_SIZE_MAX, &client->files[0], reterr);
        if (r >= 0)
                r = kubeconfig_parse(
                        client->files[0]->data, client->files[0]->size, &client->config, reterr);
        if (r < 0)
                return r;
        user = client->config->users;
        cluster = kubeconfig_current_cluster(client->config);
        if (!cluster || client->config->n_users != 1 || !user->certificate || !user->key)
                return error_set(reterr, -EINVAL, "'%s' has not one user and his cluster", path);
        client->tls = (HttpTls){.ca = cluster->ca,
                .ca_size = cluster->ca_size,
                .certificate = user->certificate,
                .certificate_size = user->certificate_size,
                .key = user->key->data,
                .key_size = user->key->size};
        return 0;
}

static void ask(int root_fd, char **argv, int n_files)
{
        HttpRequest request = {.url = argv[1], .connect_to = argv[2], .timeout = TIMEOUT};
        autoptr(HttpAnswer) answer = NULL;
        struct timespec now;
        Client client = {};
        Error error = {};
        int r;

        clock_gettime(CLOCK_REALTIME, &now);
        printf("%lld.%03ld ", (long long)now.tv_sec, now.tv_nsec / 1000000);
        r = n_files == 1 ? client_read_kubeconfig(root_fd, argv[4], &client, &error)
                         : client_read_files(root_fd, argv + 4, &client, &error);
        if (r < 0)
                printf("broken %s\n", error.text);
        else {
                request.tls = client.tls;
                r = http_call(&request, &answer, &error);
                if (r >= 0)
                        printf("%ld\n", answer->status);
                else
                        printf("%s %s\n", r == -EKEYREJECTED ? "trust" : "none", error.text);
        }
        fflush(stdout);
        client_done(&client);
}

int main(int argc, char **argv)
{
        autofd int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int interval;

        if ((argc != 5 && argc != 7) || (interval = atoi(argv[3])) <= 0) {
                fprintf(stderr, "usage: ask-as URL HOST:PORT MILLISECONDS FILE...\n");
                return 2;
        }
        signal(SIGTERM, stop);
        while (!is_over) {
                ask(root_fd, argv, argc - 4);
                usleep((useconds_t)interval * 1000);
        }
        return 0;
}
