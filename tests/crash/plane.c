/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plane.h"

#include "base/time-util.h"
#include "cli/command.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define STATE     "/var/lib/kube-renewd"
#define RUNTIME   "/run/containerd/containerd.sock"
#define KILLED    128 /* and the signal */
#define LINE_SIZE 1024
#define ARGUMENTS 8
#define SOON      (15 * MINUTE) /* RestartSec= of the unit */
#define HOLD      (8 * DAY)     /* longer than a component is left alone */
#define PATIENCE  300           /* seconds; a run takes less than one */

#define ORPHAN 99 /* of a child that could not begin */

static const char *const components[] = {
        "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"};

/* As in main.c, but only what is swept. */
static const Verb verbs[] = {
        {"run", verb_run, "", "", .writes = true},
        {"recover", verb_recover, "", "", .any_layout = true, .writes = true},
        {"restore", verb_restore, "ID", "", .min_names = 1, .max_names = 1, .writes = true},
        {},
};

static void die(const char *what)
{
        printf("Bail out! %s: %s\n", what, strerror(errno));
        fflush(stdout);
        _exit(ORPHAN);
}

static void write_text(const Plane *plane, const char *path, const char *text)
{
        autofree char *directory = xstrndup(path, (size_t)(strrchr(path, '/') - path));

        if (fs_make_directories(plane->scene.root_fd, directory, 0755, NULL) < 0 ||
                fs_write_file(plane->scene.root_fd, path, text, strlen(text), 0644, NULL) < 0)
                die(path);
}

/* The manifests as they are here: only the ports are others. */
static void translate_manifests(Plane *plane)
{
        for (size_t i = 0; i < plane->scene.n_files; i++) {
                FileImage *image = plane->scene.files[i].image;
                char *text;

                if (!strstr(image->path, "/manifests/"))
                        continue;
                text = neighbours_translate(
                        &plane->neighbours, (char *)image->data, image->size, &image->size);
                free(image->data);
                image->data = (unsigned char *)text;
                image->digest = digest_of(text, image->size);
        }
}

static bool has_component(const Plane *plane, const char *name)
{
        autofree char *path = xasprintf("/etc/kubernetes/manifests/%s.yaml", name);

        return fs_exists(plane->scene.root_fd, path);
}

static int64_t nanoseconds(void)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void add_container(char ***argv, const char *name, int64_t created)
{
        strv_take(argv, xasprintf("%s-0,%s,%s-cp-1,kube-system,running,0,%" PRId64, name, name,
                                name, created));
}

/* A container for each manifest, younger than all files, or older than any. Who asks etcd whether
 * it may be restarted looks at the dates of certificates, by a clock that is not the scene's: so
 * that one is always young. */
static void start_runtime(Plane *plane)
{
        autofree char *program = xasprintf("%s/tests/bin/fake-runtime", getenv("BUILDDIR"));
        autofree char *socket = xasprintf("%s" RUNTIME, plane->scene.root);
        autostrv argv = NULL;
        char ready[8] = "";
        int out[2];

        strv_add(&argv, program);
        strv_add(&argv, socket);
        strv_add(&argv, "--restart");
        for (size_t i = 0; i < ELEMENTSOF(components); i++)
                if (has_component(plane, components[i]))
                        add_container(&argv, components[i],
                                plane->old && !streq(components[i], "etcd") ? 1 : nanoseconds());
        if (fs_make_directories(plane->scene.root_fd, "/run/containerd", 0755, NULL) < 0 ||
                pipe2(out, O_CLOEXEC) < 0)
                die(socket);
        plane->runtime = fork();
        if (plane->runtime == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                dup2(out[1], STDOUT_FILENO);
                execv(program, argv);
                _exit(ORPHAN);
        }
        close(out[1]);
        if (plane->runtime < 0 || read(out[0], ready, sizeof(ready) - 1) <= 0)
                die(program);
        close(out[0]);
}

static void stop_runtime(Plane *plane)
{
        if (plane->runtime > 0) {
                kill(plane->runtime, SIGKILL);
                waitpid(plane->runtime, NULL, 0);
        }
        plane->runtime = 0;
}

/* The age of a process would be counted from now on, not from the scene's time. Where little is
 * due, one that has to be restarted is among it. */
static void configure(const Plane *plane)
{
        autofree char *text = xasprintf("[component kube-apiserver]\nLoopbackAge=\n%s",
                plane->scene.few ? "[kubeconfig scheduler.conf]\nRenewBefore=15d\n" : "");

        write_text(plane, "/etc/kube-renewd/kube-renewd.conf.d/sweep.conf", text);
}

/* What is due is judged by the same configuration. */
static void read_configuration(Plane *plane)
{
        Error error = {};

        configure(plane);
        config_free(plane->scene.config);
        if (config_load(plane->scene.root_fd, &(ConfigOptions){.layout = "kubeadm"},
                    &plane->scene.config, &error) < 0)
                die(error.text);
}

Plane plane_new(const char *tree, const char *at, const char *what)
{
        Plane plane = {.scene = scene_new(tree, at, streq(what, "few")), .old = streq(what, "old")};

        plane.first_night = plane.scene.now;
        neighbours_start(&plane.neighbours, plane.scene.root);
        translate_manifests(&plane);
        read_configuration(&plane);
        return plane;
}

void plane_free(Plane *plane)
{
        stop_runtime(plane);
        neighbours_stop(&plane->neighbours);
        scene_free(&plane->scene);
        free(plane->usual_alarms);
        free(plane->usual_paths);
}

void plane_reset(Plane *plane)
{
        autofree char *kubelet =
                xasprintf("healthzPort: %u\n", neighbours_kubelet(&plane->neighbours));

        autofree char *output = xasprintf("%s/output", plane->scene.scratch);

        stop_runtime(plane);
        (void)!unlink(output);
        plane->scene.now = plane->first_night;
        scene_reset(&plane->scene);
        if (fs_remove_tree(plane->scene.root_fd, "/run", NULL) < 0)
                die("/run");
        write_text(plane, "/var/lib/kubelet/config.yaml", kubelet);

        configure(plane);
        start_runtime(plane);
}

/* What the child is to do. */
typedef struct Start {
        const Plane *plane;
        char *argv[ARGUMENTS];
        int argc;
        bool is_stop_post;
} Start;

static int begin(void *userdata)
{
        Start *start = userdata;
        const Plane *plane = start->plane;
        autofree char *output = xasprintf("%s/output", plane->scene.scratch);
        int fd = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
                return ORPHAN;
        close(fd);
        setenv("INVOCATION_ID", plane->invocation, 1);
        if (start->is_stop_post)
                setenv("SERVICE_RESULT", "signal", 1);
        umask(077);
        optind = 1;
        alarm(PATIENCE);
        return command_main(start->argc, start->argv, verbs);
}

static int run_unseen(Start *order, pid_t *ret_pid)
{
        pid_t pid;
        int status = 0;

        fflush(NULL);
        pid = fork();
        if (pid == 0)
                _exit(begin(order));
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                die("fork");
        *ret_pid = pid;
        return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int start(Plane *plane, const char *verb, const char *name, const Injection *injection,
        unsigned *counts)
{
        char time[TIME_TEXT_SIZE];
        autofree char *root = xasprintf("--root=%s", plane->scene.root);
        autofree char *at = xasprintf("--at=%s", time_format(plane->scene.now, time));
        const char *argv[] = {"kube-renewd", root, "--layout=kubeadm", at, verb, name, NULL};
        Start order = {.plane = plane, .is_stop_post = streq(verb, "recover")};

        for (; argv[order.argc]; order.argc++)
                order.argv[order.argc] = (char *)argv[order.argc];
        return plane->alone ? run_unseen(&order, plane->alone)
                            : inject_run(injection, counts, begin, &order);
}

int plane_run(Plane *plane, const Injection *injection, unsigned *counts)
{
        snprintf(plane->invocation, sizeof(plane->invocation), "%032x", ++plane->runs);
        return start(plane, "run", NULL, injection, counts);
}

int plane_run_alone(Plane *plane, pid_t *ret_pid)
{
        plane->alone = ret_pid;
        return plane_run(plane, NULL, NULL);
}

int plane_run_next(Plane *plane, const Injection *injection)
{
        plane->scene.now += plane_has_alarm(plane, "rolled-back") ? HOLD : SOON;
        return plane_run(plane, injection, NULL);
}

int plane_recover(Plane *plane, const Injection *injection, unsigned *counts)
{
        return start(plane, "recover", NULL, injection, counts);
}

void plane_show(const Plane *plane)
{
        autofree char *output = xasprintf("%s/output", plane->scene.scratch);
        FILE *f = fopen(output, "re");
        char line[LINE_SIZE];

        while (f && fgets(line, sizeof(line), f))
                printf("#   %s", line);
        if (f)
                fclose(f);
}

static void set_number(const char *variable, int number)
{
        autofree char *text = xasprintf("%d", number);

        setenv(variable, text, 1);
}

/* systemd.exec(5): what OnFailure= is told. */
static void run_failure(const Plane *plane, int status)
{
        autofree char *program = xasprintf("%s/kube-renewd-failure", getenv("BUILDDIR"));
        autofree char *state = xasprintf("%s" STATE, plane->scene.root);
        autofree char *runtime = xasprintf("%s/run/kube-renewd", plane->scene.root);
        bool killed = status >= KILLED;

        setenv("STATE_DIRECTORY", state, 1);
        setenv("RUNTIME_DIRECTORY", runtime, 1);
        setenv("MONITOR_SERVICE_RESULT", killed ? "signal" : "exit-code", 1);
        setenv("MONITOR_EXIT_CODE", killed ? "killed" : "exited", 1);
        set_number("MONITOR_EXIT_STATUS", killed ? status - KILLED : status);
        setenv("MONITOR_INVOCATION_ID", plane->invocation, 1);
        if (!freopen("/dev/null", "w", stderr))
                _exit(ORPHAN);
        execl(program, program, "kube-renewd.service", NULL);
        _exit(ORPHAN);
}

/* What ends with 75 is started again, and tells by itself. */
void plane_fail(const Plane *plane, int status)
{
        pid_t pid;
        int result;

        if (status == EXIT_DONE || status == EXIT_UNFINISHED)
                return;
        pid = fork();
        if (pid == 0)
                run_failure(plane, status);
        if (pid < 0 || waitpid(pid, &result, 0) < 0 || result != 0)
                die("kube-renewd-failure");
}

int plane_restore(Plane *plane, const char *id)
{
        return start(plane, "restore", id, NULL, NULL);
}
