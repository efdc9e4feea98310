/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inject.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define CALL_IS_SKIPPED -1

/* What manual pages and file systems have; EINTR where a signal can come in between. */
static const int creating[] = {EIO, ENOSPC, EDQUOT, EROFS, EACCES, EMFILE, ENOMEM, EINTR, 0};
static const int opening[] = {EIO, EACCES, EMFILE, ENOMEM, 0};
static const int writing[] = {EIO, ENOSPC, EDQUOT, EINTR, 0};
static const int syncing[] = {EIO, ENOSPC, EDQUOT, EROFS, EINTR, 0};
static const int naming[] = {EIO, ENOSPC, EDQUOT, EROFS, EACCES, ENOMEM, 0};
static const int changing[] = {EIO, EROFS, EACCES, ENOMEM, 0};
static const int attributing[] = {EIO, ENOSPC, EDQUOT, EROFS, EACCES, ENOMEM, 0};
static const int locking[] = {EINTR, ENOMEM, 0};
static const int descriptor[] = {EMFILE, ENOMEM, 0};
static const int calling[] = {EACCES, ENOMEM, 0};
static const int reading[] = {EIO, ENOMEM, 0};

/* clang-format off */
const InjectCall inject_calls[] = {
        {"openat", SYS_openat, .creates = true, .errors = creating},
        {"openat2", SYS_openat2, .creates = true, .errors = creating},
        {"write", SYS_write, .is_data = true, .errors = writing},
        {"pwrite64", SYS_pwrite64, .errors = writing},
        {"writev", SYS_writev, .errors = writing},
        {"ftruncate", SYS_ftruncate, .errors = changing},
        {"fallocate", SYS_fallocate, .errors = writing},
        {"fsync", SYS_fsync, .errors = syncing},
        {"fdatasync", SYS_fdatasync, .errors = syncing},
        {"flock", SYS_flock, .errors = locking},
        {"fchmod", SYS_fchmod, .errors = changing},
        {"fchmodat", SYS_fchmodat, .errors = changing},
        {"fchown", SYS_fchown, .errors = changing},
        {"fchownat", SYS_fchownat, .errors = changing},
        {"utimensat", SYS_utimensat, .errors = changing},
        {"fsetxattr", SYS_fsetxattr, .errors = attributing},
        {"fremovexattr", SYS_fremovexattr, .errors = attributing},
        {"mkdirat", SYS_mkdirat, .errors = naming},
        {"symlinkat", SYS_symlinkat, .errors = naming},
        {"linkat", SYS_linkat, .errors = naming},
        {"renameat", SYS_renameat, .errors = naming},
        {"renameat2", SYS_renameat2, .errors = naming},
        {"unlinkat", SYS_unlinkat, .errors = changing},
        {"memfd_create", SYS_memfd_create, .talks = true, .errors = descriptor},
        {"socket", SYS_socket, .talks = true, .errors = descriptor},
        {"connect", SYS_connect, .talks = true, .errors = calling},
        {"sendto", SYS_sendto, .talks = true, .errors = calling},
        {"sendmsg", SYS_sendmsg, .talks = true, .errors = calling},
        {"openat", SYS_openat, .reads = true, .errors = opening},
        {"openat2", SYS_openat2, .reads = true, .errors = opening},
        {"read", SYS_read, .reads = true, .errors = reading},
        {"pread64", SYS_pread64, .reads = true, .errors = reading},
        {"getdents64", SYS_getdents64, .reads = true, .errors = reading},
        {"newfstatat", SYS_newfstatat, .reads = true, .errors = reading},
        {"fgetxattr", SYS_fgetxattr, .reads = true, .errors = reading},
        {"flistxattr", SYS_flistxattr, .reads = true, .errors = reading},
};
/* clang-format on */
const size_t inject_n_calls = ELEMENTSOF(inject_calls);

/* A call that is about to be made. */
typedef struct Stop {
        pid_t thread;
        long number;
        uint64_t arguments[6];
} Stop;

/* What is known of the child. */
typedef struct Trace {
        pid_t pid;
        const Injection *injection; /* never NULL */
        unsigned *counts;
        unsigned changes; /* all that change something, together */
        bool happened, goes_on;
} Trace;

#if defined(__x86_64__)

/* The call is not made, and whoever made it sees this. */
static bool answer_instead(pid_t thread, int error)
{
        struct user_regs_struct registers;
        struct iovec vec = {&registers, sizeof(registers)};

        if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &vec) < 0)
                return false;
        registers.orig_rax = (unsigned long long)CALL_IS_SKIPPED;
        registers.rax = (unsigned long long)-error;
        return ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &vec) >= 0;
}

static bool set_third_argument(pid_t thread, uint64_t value)
{
        struct user_regs_struct registers;
        struct iovec vec = {&registers, sizeof(registers)};

        if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &vec) < 0)
                return false;
        registers.rdx = value;
        return ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &vec) >= 0;
}

#elif defined(__aarch64__)

static bool set_register(pid_t thread, unsigned number, uint64_t value)
{
        struct user_regs_struct registers;
        struct iovec vec = {&registers, sizeof(registers)};

        if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &vec) < 0)
                return false;
        registers.regs[number] = value;
        return ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &vec) >= 0;
}

static bool answer_instead(pid_t thread, int error)
{
        int call = CALL_IS_SKIPPED;
        struct iovec vec = {&call, sizeof(call)};

        return ptrace(PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, &vec) >= 0 &&
               set_register(thread, 0, (uint64_t)-error);
}

static bool set_third_argument(pid_t thread, uint64_t value)
{
        return set_register(thread, 2, value);
}

#else
#define INJECT_IS_UNKNOWN_HERE

static bool answer_instead(pid_t thread, int error)
{
        return false;
}

static bool set_third_argument(pid_t thread, uint64_t value)
{
        return false;
}
#endif

static void die(const char *what)
{
        printf("Bail out! %s: %s\n", what, strerror(errno));
        fflush(stdout);
        _exit(99);
}

bool inject_is_plausible(const InjectCall *call, int error)
{
        for (const int *e = call->errors; *e; e++)
                if (*e == error)
                        return true;
        return false;
}

/* "Stop at these, let all others pass." */
static int install_filter(void)
{
        struct sock_filter code[2 * ELEMENTSOF(inject_calls) + 2];
        struct sock_fprog program = {.filter = code};
        size_t n = 0;

        code[n++] = (struct sock_filter)BPF_STMT(
                BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        for (size_t i = 0; i < inject_n_calls; i++) {
                code[n++] = (struct sock_filter)BPF_JUMP(
                        BPF_JMP | BPF_JEQ | BPF_K, (unsigned)inject_calls[i].number, 0, 1);
                code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
        }
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        program.len = (unsigned short)n;
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0
                       ? -errno
                       : 0;
}

static uint64_t flags_of_open(const Stop *stop)
{
        long word;

        if (stop->number == SYS_openat)
                return stop->arguments[2];
        errno = 0;
        word = ptrace(PTRACE_PEEKDATA, stop->thread, stop->arguments[2], NULL);
        if (errno != 0)
                die("cannot read the flags of openat2()");
        return (uint64_t)word;
}

/* Which kind of call is it? inject_n_calls: one that does not count, as what goes to stderr. */
static size_t kind_of(const Stop *stop)
{
        for (size_t i = 0; i < inject_n_calls; i++) {
                const InjectCall *call = &inject_calls[i];

                if (call->number != stop->number)
                        continue;
                if (call->creates && !(flags_of_open(stop) & O_CREAT))
                        continue;
                if (call->is_data && stop->arguments[0] <= STDERR_FILENO)
                        continue;
                return i;
        }
        return inject_n_calls;
}

static Stop look(pid_t thread)
{
        struct __ptrace_syscall_info info;
        Stop stop = {.thread = thread};

        if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) < 0)
                die("PTRACE_GET_SYSCALL_INFO");
        stop.number = (long)info.seccomp.nr;
        for (size_t i = 0; i < ELEMENTSOF(stop.arguments); i++)
                stop.arguments[i] = info.seccomp.args[i];
        return stop;
}

/* The fault, at this call. Returns how the thread goes on. */
static int strike(Trace *trace, const Stop *stop)
{
        const Injection *injection = trace->injection;
        bool done = true;

        switch (injection->fault) {
        case FAULT_NONE:
                break;
        case FAULT_KILL_BEFORE:
                kill(trace->pid, SIGKILL);
                break;
        case FAULT_KILL_AFTER:
                return PTRACE_SYSCALL; /* to its end */
        case FAULT_ERROR:
        case FAULT_ERROR_ON:
                done = answer_instead(stop->thread, injection->error);
                break;
        case FAULT_SHORT:
                done = set_third_argument(stop->thread, stop->arguments[2] / 2);
                break;
        }
        if (!done)
                die("cannot change a system call");
        return PTRACE_CONT;
}

static bool is_the_one(const Trace *trace, size_t kind)
{
        const Injection *injection = trace->injection;

        if (injection->call == INJECT_ANY)
                return trace->changes == injection->number && !inject_calls[kind].reads &&
                       (!injection->error ||
                               inject_is_plausible(&inject_calls[kind], injection->error));
        return kind == injection->call && trace->counts[kind] == injection->number;
}

static int stopped_at_call(Trace *trace, pid_t thread)
{
        const Injection *injection = trace->injection;
        Stop stop = look(thread);
        size_t kind = kind_of(&stop);

        if (kind == inject_n_calls)
                return PTRACE_CONT;
        trace->counts[kind]++;
        trace->changes += !inject_calls[kind].reads;
        if (!trace->happened && is_the_one(trace, kind)) {
                /* Of one byte there is no half. */
                if (injection->fault == FAULT_SHORT && stop.arguments[2] < 2)
                        return PTRACE_CONT;
                trace->happened = true;
                trace->goes_on = injection->fault == FAULT_ERROR_ON;
                return strike(trace, &stop);
        }
        return trace->goes_on && inject_is_plausible(&inject_calls[kind], injection->error)
                       ? strike(trace, &stop)
                       : PTRACE_CONT;
}

/* One report of the kernel. Returns the signal that the thread is to see, *ret_how how it goes on.
 */
static int handle(Trace *trace, pid_t thread, int status, int *ret_how)
{
        int number = WSTOPSIG(status);

        *ret_how = PTRACE_CONT;
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
                *ret_how = stopped_at_call(trace, thread);
        else if (number == (SIGTRAP | 0x80)) /* the end of the call that was to be the last one */
                kill(trace->pid, SIGKILL);
        else if (status >> 16 == 0 && number != SIGSTOP)
                return number;
        return 0;
}

static int follow(Trace *trace)
{
        for (;;) {
                int status, how;
                pid_t thread = waitpid(-trace->pid, &status, __WALL);

                if (thread < 0 && errno != EINTR)
                        die("waitpid");
                if (thread < 0)
                        continue;
                if (WIFSTOPPED(status)) {
                        long number = handle(trace, thread, status, &how);

                        (void)!ptrace(how, thread, NULL, number); /* -ESRCH: it was killed */
                } else if (thread == trace->pid)
                        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
}

static void be_traced(int (*run)(void *userdata), void *userdata)
{
        /* All of its threads are waited for, and nobody else's children. */
        if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
                ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                _exit(99);
        raise(SIGSTOP);
        if (install_filter() < 0)
                _exit(99);
        _exit(run(userdata));
}

int inject_run(
        const Injection *injection, unsigned *counts, int (*run)(void *userdata), void *userdata)
{
        static const Injection none;
        autofree unsigned *own = xcalloc(inject_n_calls, sizeof(*own));
        Trace trace = {.injection = injection ? injection : &none, .counts = counts ? counts : own};
        int status = 0;

        fflush(NULL);
        trace.pid = fork();
        if (trace.pid == 0)
                be_traced(run, userdata);
        if (trace.pid < 0 || waitpid(trace.pid, &status, __WALL) < 0)
                die("fork");
        if (!WIFSTOPPED(status) ||
                ptrace(PTRACE_SETOPTIONS, trace.pid, NULL,
                        PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD |
                                PTRACE_O_EXITKILL) < 0 ||
                ptrace(PTRACE_CONT, trace.pid, NULL, NULL) < 0)
                die("cannot trace a process");
        status = follow(&trace);
        if (trace.injection->ret_happened)
                *trace.injection->ret_happened = trace.happened;
        return status;
}

static int end_at_once(void *userdata)
{
        return 0;
}

bool inject_is_possible(void)
{
#ifdef INJECT_IS_UNKNOWN_HERE
        return false;
#else
        pid_t pid;
        int status;

        /* Whatever forbids it forbids it to a child of ours, too; only the child may bail out. */
        fflush(NULL);
        pid = fork();
        if (pid == 0) {
                (void)!freopen("/dev/null", "w", stdout);
                _exit(inject_run(NULL, NULL, end_at_once, NULL));
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
               WEXITSTATUS(status) == 0;
#endif
}
