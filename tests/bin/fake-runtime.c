/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A container runtime as CRI shows one, that fails on demand.
 *
 *     fake-runtime SOCKET [--api=v1|v1alpha2|none] [--fault=METHOD:FAULT]... [--restart[=MS]]
 * [--hook=SCRIPT] [--log=FILE] [ID,NAME,POD,NAMESPACE,STATE,ATTEMPT,CREATED]...
 *
 * Prints "ready" when it listens. With --restart it is the kubelet too: a container that is stopped
 * is followed by a new one, so many milliseconds later. The script is run by sh as "SCRIPT stop
 * NAME" when one is stopped, and "SCRIPT start NAME" when the new one is first seen. METHOD is
 * Version, ListContainers or StopContainer; FAULT is one of the table below. The log has a line for
 * each call. Label filters are not looked at. */

#include "base/fs.h"
#include "grpc-server.h"
#include "kube/cri-runtime.pb-c.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define CONTAINERS_MAX 32
#define MILLISECOND    ((int64_t)1000000)
#define SECOND         (1000 * MILLISECOND)

static const GrpcFault faults[] = {
        {"none", GRPC_HONEST, "200", "0", NULL},
        {"slow", GRPC_SLOW, "200", "0", NULL},
        {"hang", GRPC_HANG, NULL, NULL, NULL},
        {"close", GRPC_CLOSE, NULL, NULL, NULL},
        {"reset", GRPC_RESET, NULL, NULL, NULL},
        {"http1", GRPC_HTTP1, NULL, NULL, NULL},
        {"http-503", GRPC_NO_STATUS, "503", NULL, NULL},
        {"no-status", GRPC_NO_STATUS, "200", NULL, NULL},
        {"odd-status", GRPC_HONEST, "200", "fine", NULL},
        {"error", GRPC_HONEST, "200", "13", "disk%20full%0A100%"},
        {"not-found", GRPC_HONEST, "200", "5", "no such container"},
        {"unimplemented", GRPC_HONEST, "200", "12", "unknown service"},
        {"broken-frame", GRPC_BROKEN_FRAME, "200", "0", NULL},
        {"two-frames", GRPC_TWO_FRAMES, "200", "0", NULL},
        {"compressed", GRPC_COMPRESSED, "200", "0", NULL},
        {"garbage", GRPC_GARBAGE, "200", "0", NULL},
        {"oversized", GRPC_OVERSIZED, "200", "0", NULL},
};

enum {
        RUNNING = 1,
        EXITED = 2,
};
static const char *const states[] = {"created", "running", "exited", "unknown"};

typedef struct Container {
        char *fields[4]; /* id, name, pod, namespace */
        int state;
        unsigned attempt;
        int64_t created; /* nanoseconds */
        bool waits;      /* for that moment */
} Container;

static Container containers[CONTAINERS_MAX];
static size_t n_containers;
static const char *api = "v1";
static bool restarts;
static int64_t delay; /* of a restart, nanoseconds */
static const char *hook;
static FILE *log_file;
static struct {
        char *method;
        const GrpcFault *fault;
} wanted[8];
static size_t n_wanted;

static const GrpcFault *fault_named(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(faults); i++)
                if (streq(faults[i].name, name))
                        return &faults[i];
        fprintf(stderr, "fake-runtime: no fault '%s'\n", name);
        exit(2);
}

static const GrpcFault *fault_of(const char *method)
{
        for (size_t i = 0; i < n_wanted; i++)
                if (streq(wanted[i].method, method))
                        return wanted[i].fault;
        return &faults[0];
}

/* The message behind a frame's head. */
static void frame(GrpcAnswer *answer, const ProtobufCMessage *message)
{
        size_t size = protobuf_c_message_get_packed_size(message);
        uint32_t length = htonl((uint32_t)size);

        answer->frame = xcalloc(1, size + 5);
        memcpy(answer->frame + 1, &length, sizeof(length));
        protobuf_c_message_pack(message, answer->frame + 5);
        answer->size = size + 5;
}

static void answer_version(GrpcAnswer *answer, const unsigned char *message, size_t size)
{
        Cri__VersionResponse response = CRI__VERSION_RESPONSE__INIT;

        response.version = (char *)"0.1.0";
        response.runtime_name = (char *)"fake";
        response.runtime_version = (char *)"1.0";
        response.runtime_api_version = (char *)api;
        frame(answer, &response.base);
}

static int64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return t.tv_sec * SECOND + t.tv_nsec;
}

static void run_hook(const char *event, const char *name)
{
        autofree char *command = xasprintf("sh '%s' %s '%s'", hook ? hook : "", event, name);

        if (hook && system(command) != 0)
                fprintf(stderr, "fake-runtime: %s\n", command);
}

/* It starts when somebody looks after its time has come. */
static bool is_to_come(Container *container)
{
        if (!container->waits)
                return false;
        container->waits = now() < container->created;
        if (!container->waits)
                run_hook("start", container->fields[1]);
        return container->waits;
}

static void answer_list(GrpcAnswer *answer, const unsigned char *message, size_t size)
{
        static const char *const keys[] = {"io.kubernetes.container.name", "io.kubernetes.pod.name",
                "io.kubernetes.pod.namespace"};
        Cri__ListContainersResponse response = CRI__LIST_CONTAINERS_RESPONSE__INIT;
        Cri__Container all[CONTAINERS_MAX], *list[CONTAINERS_MAX];
        Cri__ContainerMetadata metadata[CONTAINERS_MAX];
        Cri__Label labels[CONTAINERS_MAX][3], *label_lists[CONTAINERS_MAX][3];

        for (size_t i = 0; i < n_containers; i++) {
                Container *container = &containers[i];

                if (is_to_come(container))
                        continue;
                cri__container__init(&all[i]);
                cri__container_metadata__init(&metadata[i]);
                metadata[i].name = container->fields[1];
                metadata[i].attempt = container->attempt;
                all[i].id = container->fields[0];
                all[i].metadata = &metadata[i];
                all[i].state = container->state;
                all[i].created_at = container->created;
                for (size_t j = 0; j < ELEMENTSOF(keys); j++) {
                        cri__label__init(&labels[i][j]);
                        labels[i][j].key = (char *)keys[j];
                        labels[i][j].value = container->fields[1 + j];
                        label_lists[i][j] = &labels[i][j];
                }
                all[i].labels = label_lists[i];
                all[i].n_labels = ELEMENTSOF(keys);
                list[response.n_containers++] = &all[i];
        }
        response.containers = list;
        frame(answer, &response.base);
}

/* A new container of the same pod, as the kubelet starts one. */
static void start_again(const Container *old)
{
        Container *container = &containers[n_containers];

        if (n_containers == CONTAINERS_MAX)
                return;
        *container = *old;
        container->attempt++;
        container->created = now() + delay;
        container->state = RUNNING;
        container->waits = true;
        container->fields[0] = xasprintf("%s-%u", old->fields[0], container->attempt);
        n_containers++;
}

/* The first one stays known, as exited. */
static void stop(Container *container)
{
        if (container->state != RUNNING)
                return;
        container->state = EXITED;
        run_hook("stop", container->fields[1]);
        if (restarts)
                start_again(container);
}

static void answer_stop(GrpcAnswer *answer, const unsigned char *message, size_t size)
{
        Cri__StopContainerResponse response = CRI__STOP_CONTAINER_RESPONSE__INIT;
        Cri__StopContainerRequest *request =
                cri__stop_container_request__unpack(NULL, size, message);

        for (size_t i = 0; request && i < n_containers; i++) {
                if (!streq(containers[i].fields[0], request->container_id))
                        continue;
                fprintf(log_file, "stop %s %d\n", request->container_id, (int)request->timeout);
                frame(answer, &response.base);
                stop(&containers[i]);
                break;
        }
        if (!answer->frame)
                answer->fault = fault_named("not-found");
        if (request)
                cri__stop_container_request__free_unpacked(request, NULL);
}

static const struct {
        const char *name;
        void (*answer)(GrpcAnswer *answer, const unsigned char *message, size_t size);
} methods[] = {
        {"Version", answer_version},
        {"ListContainers", answer_list},
        {"StopContainer", answer_stop},
};

/* An error carries no message, everything else that is asked for does. */
static GrpcAnswer handle(const char *path, const unsigned char *message, size_t size)
{
        autofree char *service = xasprintf("/runtime.%s.RuntimeService/", api);
        GrpcAnswer answer = {.fault = fault_named("unimplemented")};

        fprintf(log_file, "%s\n", path);
        for (size_t i = 0; starts_with(path, service) && i < ELEMENTSOF(methods); i++) {
                if (!streq(methods[i].name, path + strlen(service)))
                        continue;
                answer.fault = fault_of(methods[i].name);
                if (!answer.fault->message)
                        methods[i].answer(&answer, message, size);
        }
        fflush(log_file);
        return answer;
}

/* From within its directory, so that the path may be longer than an address can be. */
static int listen_at(char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char *slash = strrchr(path, '/');
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (slash) {
                *slash = 0;
                if (chdir(*path ? path : "/") < 0)
                        return -errno;
        }
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", slash ? slash + 1 : path);
        unlink(address.sun_path);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
                listen(fd, 8) < 0)
                return -errno;
        return fd;
}

static void add_container(char *text)
{
        Container *container = &containers[n_containers++];
        char *field;

        if (n_containers == CONTAINERS_MAX)
                exit(2);
        for (size_t i = 0; (field = strsep(&text, ",")); i++)
                if (i < ELEMENTSOF(container->fields))
                        container->fields[i] = field;
                else if (i == 4)
                        while (container->state < 3 && !streq(states[container->state], field))
                                container->state++;
                else if (i == 5)
                        container->attempt = (unsigned)atoi(field);
                else
                        container->created = atoll(field);
}

static void add_fault(char *text)
{
        wanted[n_wanted].method = strsep(&text, ":");
        wanted[n_wanted].fault = fault_named(text ? text : "");
        if (++n_wanted == ELEMENTSOF(wanted))
                exit(2);
}

int main(int argc, char **argv)
{
        static const struct option options[] = {{"api", required_argument, NULL, 'a'},
                {"fault", required_argument, NULL, 'f'}, {"hook", required_argument, NULL, 'h'},
                {"restart", optional_argument, NULL, 'r'}, {"log", required_argument, NULL, 'l'},
                {}};
        const char *log_path = "/dev/null";
        int option, fd;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (option) {
                case 'a':
                        api = optarg;
                        break;
                case 'f':
                        add_fault(optarg);
                        break;
                case 'h':
                        hook = optarg;
                        break;
                case 'r':
                        restarts = true;
                        delay = optarg ? atoll(optarg) * MILLISECOND : 0;
                        break;
                case 'l':
                        log_path = optarg;
                        break;
                default:
                        return 2;
                }
        if (optind >= argc)
                return 2;
        for (int i = optind + 1; i < argc; i++)
                add_container(argv[i]);
        log_file = fopen(log_path, "ae");
        fd = listen_at(argv[optind]);
        if (fd < 0 || !log_file) {
                fprintf(stderr, "fake-runtime: %s: %s\n", argv[optind], strerror(errno));
                return 1;
        }
        signal(SIGPIPE, SIG_IGN);
        puts("ready");
        fflush(stdout);
        grpc_serve(fd, handle);
        return 1;
}
