/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seams.h"

#include "base/txn-internal.h"
#include "renew/commit/owed.h"
#include "renew/report/report.h"
#include "renew/unit/running.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

/* ld --wrap=NAME: calls of NAME come here, __real_NAME is what they meant. No header has these. */
#define SEAM(type, name, ...)                                                                      \
        type __real_##name(__VA_ARGS__);                                                           \
        type __wrap_##name(__VA_ARGS__);                                                           \
        type __wrap_##name(__VA_ARGS__)

#define POOL_N  24
#define PEM_MAX 4096

#define NAP 1 /* millisecond, in place of any longer one */

/* Shared by all processes that come after. */
static struct Slot {
        atomic_int state;
        size_t size;
        char pem[PEM_MAX];
} * pool;
enum { EMPTY, BEING_FILLED, FULL };

static int64_t slept; /* milliseconds */

typedef enum Breakage {
        WHOLE,
        IN_PLACE,
        UNLINK_FIRST,
        FORGET_RECORD,
        FORGET_RECOVERY,
        FORGET_DEBT,
        FORGET_ALARM,
        FORGET_BACKUP,
        LOSE_MODE,
        REWRITE_KUBECONFIG,
        REWRITE_CA,
        RECOVER_ANEW,
} Breakage;

static Breakage broken;

/* clang-format off */
static const struct {
        const char *name, *call;
        unsigned number; /* of it; 0: any */
        const char *violates, *how;
} breakages[] = {
        [IN_PLACE] = {"in-place", "write", 0, "I2", "targets are truncated and written"},
        [UNLINK_FIRST] = {"unlink-first", "renameat", 0, "I2", "the live name goes first"},
        [FORGET_RECORD] = {"forget-record", "openat", 0, "I5", "nobody notes what is staged"},
        [FORGET_RECOVERY] = {"forget-recovery", "renameat2", 2, "I1", "what was begun stays"},
        [FORGET_DEBT] = {"forget-debt", "connect", 0, "I6", "no ledger of restarts"},
        [FORGET_ALARM] = {"forget-alarm", "mkdirat", 0, "I7", "failures without an alarm"},
        [FORGET_BACKUP] = {"forget-backup", "flock", 0, "I10", "no copy of what is replaced"},
        [LOSE_MODE] = {"lose-mode", "flock", 0, "I3", "the mode it was staged with stays"},
        [REWRITE_KUBECONFIG] = {"rewrite-kubeconfig", "flock", 0, "I4", "one line more"},
        [REWRITE_CA] = {"rewrite-ca", "flock", 0, "I9", "a CA file is written"},
        [RECOVER_ANEW] = {"recover-anew", "flock", 0, "I8", "each recovery leaves a file"},
};
/* clang-format on */

bool seams_break(const char *name)
{
        for (size_t i = WHOLE + 1; i < ELEMENTSOF(breakages); i++)
                if (streq(breakages[i].name, name)) {
                        broken = (Breakage)i;
                        return true;
                }
        return false;
}

void seams_list(void)
{
        for (size_t i = WHOLE + 1; i < ELEMENTSOF(breakages); i++)
                printf("%s\t%s\t%u\t%s\t%s\n", breakages[i].name, breakages[i].call,
                        breakages[i].number, breakages[i].violates, breakages[i].how);
}

/* 1. What makes the sweep possible. */

SEAM(Running *, running_new, int root_fd, const Config *config, bool is_live)
{
        return __real_running_new(root_fd, config, true);
}

/* A process that cannot be looked into cannot be swept either. */
SEAM(void, memory_protect, void)
{
}

/* Time passes by waiting alone, so that a loaded machine is as fast as any. */
SEAM(int64_t, clock_monotonic, void)
{
        return slept;
}

SEAM(void, clock_sleep, int64_t milliseconds)
{
        const struct timespec nap = {.tv_nsec = NAP * 1000000L};

        slept += milliseconds;
        nanosleep(&nap, NULL);
}

void seams_make_pool(void)
{
        pool = mmap(NULL, POOL_N * sizeof(*pool), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (pool == MAP_FAILED)
                abort();
}

static void keep(struct Slot *slot, const Key *key)
{
        autoptr(Secret) pem = NULL;
        int empty = EMPTY;

        if (!atomic_compare_exchange_strong(&slot->state, &empty, BEING_FILLED) ||
                key_to_pem(key, KEY_FORMAT_PKCS8, &pem, NULL) < 0 || pem->size > PEM_MAX)
                return;
        memcpy(slot->pem, pem->data, pem->size);
        slot->size = pem->size;
        atomic_store(&slot->state, FULL);
}

/* Each process begins at another slot; who finds it empty fills it. */
SEAM(int, key_generate, KeyKind kind, Key **ret, Error *reterr)
{
        static atomic_size_t taken;
        struct Slot *slot = &pool[(atomic_fetch_add(&taken, 1) + (size_t)getpid() * 11) % POOL_N];
        int r;

        if (kind == KEY_KIND_RSA_2048 && atomic_load(&slot->state) == FULL)
                return key_parse(slot->pem, slot->size, ret, reterr);
        r = __real_key_generate(kind, ret, reterr);
        if (r >= 0 && kind == KEY_KIND_RSA_2048)
                keep(slot, *ret);
        return r;
}

/* 2. What is done wrong if that is asked for. */

static int overwrite(int from_fd, const char *from, int to_fd, const char *to)
{
        char content[1 << 16];
        autofd int in = openat(from_fd, from, O_RDONLY | O_CLOEXEC);
        autofd int out = openat(to_fd, to, O_WRONLY | O_TRUNC | O_CLOEXEC);
        ssize_t n = in < 0 ? -1 : read(in, content, sizeof(content));

        return out < 0 || n < 0 || write(out, content, (size_t)n) != n ? -1 : 0;
}

SEAM(int, renameat2, int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
        if (broken == IN_PLACE && (flags & RENAME_EXCHANGE))
                return overwrite(from_fd, from, to_fd, to);
        if (broken != UNLINK_FIRST || !(flags & RENAME_EXCHANGE))
                return __real_renameat2(from_fd, from, to_fd, to, flags);
        return unlinkat(to_fd, to, 0) < 0 ? -1 : renameat(from_fd, from, to_fd, to);
}

SEAM(int, fs_write_file, int root_fd, const char *path, const void *data, size_t size, mode_t mode,
        Error *reterr)
{
        if (broken == FORGET_RECORD && strstr(path, "/" TXN_PREPARED))
                return 0;
        return __real_fs_write_file(root_fd, path, data, size, mode, reterr);
}

/* A kubeconfig with one line more. */
SEAM(int, txn_add, Txn *txn, const TxnChange *change, Error *reterr)
{
        autofree char *text = xasprintf("%.*s#\n", (int)change->size, (const char *)change->data);
        TxnChange longer = *change;

        longer.data = text;
        longer.size = strlen(text);
        return __real_txn_add(txn,
                broken == REWRITE_KUBECONFIG && strstr(change->path, ".conf") ? &longer : change,
                reterr);
}

SEAM(int, txn_mark_committed, const Txn *txn, Error *reterr)
{
        if (broken == REWRITE_CA) {
                autofd int fd = fs_open(
                        txn->root_fd, "/etc/kubernetes/pki/ca.crt", O_WRONLY | O_APPEND, 0, NULL);

                (void)!write(fd, "\n", 1);
        }
        return broken == FORGET_RECORD ? 0 : __real_txn_mark_committed(txn, reterr);
}

SEAM(int, txn_recover, Txn *txn, const TxnJudge *judge, TxnOutcome *ret_outcome, Error *reterr)
{
        autofree char *path = xasprintf("%s/recovered-%d", txn->state_directory, (int)getpid());

        if (broken == RECOVER_ANEW && fs_write_file(txn->root_fd, path, "", 0, 0600, NULL) < 0)
                abort();
        return broken == FORGET_RECOVERY ? 0 : __real_txn_recover(txn, judge, ret_outcome, reterr);
}

SEAM(int, txn_backup_write, const Txn *txn, Error *reterr)
{
        return broken == FORGET_BACKUP ? 0 : __real_txn_backup_write(txn, reterr);
}

SEAM(int, fchmod, int fd, mode_t mode)
{
        return broken == LOSE_MODE ? 0 : __real_fchmod(fd, mode);
}

SEAM(int, owed_add, int root_fd, const char *state_directory, const Restart *restarts,
        size_t n_restarts, const char *pass_id, int64_t now, Error *reterr)
{
        return broken == FORGET_DEBT ? 0
                                     : __real_owed_add(root_fd, state_directory, restarts,
                                               n_restarts, pass_id, now, reterr);
}

SEAM(int, owed_note, int root_fd, const char *state_directory, const Owed *entry, Error *reterr)
{
        return broken == FORGET_DEBT ? 0
                                     : __real_owed_note(root_fd, state_directory, entry, reterr);
}

SEAM(int, report_alarms, const ReportInput *input, Error *reterr)
{
        return broken == FORGET_ALARM ? 0 : __real_report_alarms(input, reterr);
}

SEAM(int, report_incident_alarms, const ReportInput *input, Error *reterr)
{
        return broken == FORGET_ALARM ? 0 : __real_report_incident_alarms(input, reterr);
}
