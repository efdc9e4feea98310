/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "configured.h"
#include "renew/backup/backup-manifest.h"
#include "renew/commit/owed.h"
#include "renew/commit/restore.h"
#include "renew/inventory/pending.h"
#include "renew/inventory/rotation.h"
#include "renew/restart/host-order.h"
#include "renew/state/ca-rotation-record.h"
#include "renew/state/history.h"
#include "renew/state/last-good.h"
#include "renew/state/park.h"
#include "renew/state/renew-request.h"
#include "scratch.h"

#include <assert.h>

#define STATE "/state"
#define ID    "20270101T000000Z-a"

/* The names under which the input is read. */
static const char *const files[] = {STATE "/history.json", STATE "/owed/x.json",
        STATE "/held/x.json", STATE "/backups/" ID "/manifest.json", STATE "/parked/x.json",
        STATE "/kubelet-rotation.json", STATE "/ca-rotation/x.json", STATE "/pending/x.json",
        STATE "/last-good/x.json", STATE "/renew-requested/x", STATE "/cluster.json"};

/* What a hostile record would like to see gone. */
static const char *const others[] = {"/etc/kubernetes/pki/ca.key",
        "/etc/kubernetes/manifests/etcd.yaml", "/var/lib/kubelet/pki/kubelet-client-1.pem",
        "/var/lib/kubelet/pki/kubelet-client-current.pem"};

/* Nothing is written, and no file of a layout is there. */
static void restore(int root_fd)
{
        static Config *config;
        const RestoreRequest request = {.id = ID, .dry_run = true, .pass_id = "p"};
        autoptr(RestoreResult) result = NULL;
        Error error = {};

        config = config ? config : config_of(LEAST_LAYOUT, "[agent]\nStateDirectory=" STATE "\n");
        if (backup_restore(root_fd, config, &request, &result, &error) < 0)
                assert(!result && error.text[0]);
        for (size_t i = 0; result && i < result->n; i++)
                assert(result->lines[i].path && result->lines[i].text);
}

/* Of what is believed, nothing is lost. */
static void read_record(int root_fd)
{
        autoptr(CaRecord) record = NULL;
        Error error = {};
        int r = ca_record_read(root_fd, STATE, "x", &record, &error);

        assert(r == 0 || (!record && error.text[0]));
        if (!record)
                return;
        assert(record->old_ca && record->new_ca);
        for (size_t i = 0; i < record->n_edits; i++)
                assert(record->edits[i].manifest && record->edits[i].signer);
        autofree char *text = ca_record_text(record);
        assert(strstr(text, "schema_version"));
}

/* What is believed can be handed to its issuer. */
static void read_pending(int root_fd)
{
        autoptr(Pending) pending = NULL;
        autoptr(PendingList) list = NULL;
        Error error = {};
        int r = pending_read(root_fd, STATE, "x", &pending, &error);

        assert(r == 0 || (!pending && error.text[0]));
        if (pending) {
                assert(strcmp(pending->name, "x") == 0 && pending->issuer && pending->request_pem);
                assert(pending->key_pem && pending_write(root_fd, STATE, pending, NULL) == 0);
        }
        assert(pending_list(root_fd, STATE, &list, NULL) == 0);
        assert(list->n == 1 && pending_find(list, "x"));
}

static void read_last_good(int root_fd)
{
        LastGood pair;
        Error error = {};

        if (last_good_read(root_fd, STATE, "x", &pair, &error) < 0) {
                assert(error.text[0]);
                return;
        }
        assert(pair.certificate && pair.key);
        last_good_done(&pair);
}

/* Whatever it says, it is a request or none, and has its receipt in the end. */
static void read_request(int root_fd)
{
        const Digest in_place = digest_of("", 0);
        RenewRequest request = {};

        assert(renew_request_look(root_fd, STATE, "x", &in_place, &request, NULL) == 0);
        assert(request.state == RENEW_REQUEST_ANSWERED || request.renewed_at == 0);
        assert(renew_request_answer(root_fd, STATE, "x", request.renewed_at, NULL, NULL) == 0);
        assert(renew_request_look(root_fd, STATE, "x", &in_place, &request, NULL) == 0);
        assert(request.state == RENEW_REQUEST_NONE);
}

/* Whatever is remembered, there is an order, and a lease is judged. */
static void read_cluster(int root_fd)
{
        autoptr(Cluster) cluster = cluster_recall(root_fd, STATE);

        for (size_t i = 0; i < cluster->n; i++)
                assert(cluster->servers[i].host[0] && cluster->servers[i].port);
        HostPlace place = host_order_place(cluster, "cp1", "192.0.2.1");
        assert(place.number < place.n || place.n == 0);
        if (cluster->seen.version)
                assert(lease_wait(&cluster->seen, 1000) >= 0);
}

static void read_all(int root_fd)
{
        autoptr(BackupManifest) manifest = NULL;
        autoptr(BackupList) backups = NULL;
        autoptr(OwedList) owed = NULL;
        autoptr(HoldList) holds = NULL;
        autoptr(History) history = NULL;
        Error error = {};

        read_record(root_fd);
        read_pending(root_fd);
        read_last_good(root_fd);
        read_request(root_fd);
        read_cluster(root_fd);
        history = history_read(root_fd, STATE);
        assert(history);
        for (size_t i = 0; i < history->n_renewals; i++)
                assert(history->renewals[i].name);
        for (size_t i = 0; i < history->n_copies; i++)
                assert(history->copies[i].path);
        assert(owed_read(root_fd, STATE, &owed, &error) == 0 || error.text[0]);
        for (size_t i = 0; owed && i < owed->n; i++)
                assert(owed->entries[i].component && owed->entries[i].pass_id);
        assert(hold_read(root_fd, STATE, &holds, &error) == 0 || error.text[0]);
        assert(backup_list(root_fd, STATE, &backups, &error) == 0);
        assert(backups->n == 1);
        if (backup_manifest_read(root_fd, STATE "/backups/" ID, &manifest, &error) < 0)
                assert(backups->backups[0].problem);
        for (size_t i = 0; manifest && i < manifest->n_files; i++)
                assert(manifest->files[i].path &&
                        !manifest->files[i].existed == !manifest->files[i].name);
        assert(backup_verify(root_fd, STATE, ID, &error) == 0 || error.text[0]);
}

/* Our own state, written by somebody else: it is read or refused, and a recovery that believes it
 * touches nothing but what has a name of ours. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        const Scratch *scratch = scratch_get();
        autofree char *note = NULL;
        autostrv notes = NULL;
        Error error = {};

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (faccessat(scratch->root_fd, others[i] + 1, F_OK, 0) < 0)
                        scratch_write(scratch, others[i], "other", strlen("other"));
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                scratch_write(scratch, files[i], data, size);
        scratch_write(scratch, "/proc/sys/kernel/random/boot_id", "boot", strlen("boot"));
        read_all(scratch->root_fd);
        restore(scratch->root_fd);
        assert(park_recover(scratch->root_fd, STATE, &notes, &error) == 0 || error.text[0]);
        assert(rotation_recover(scratch->root_fd, STATE, &note, &error) == 0 || error.text[0]);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert(faccessat(scratch->root_fd, others[i] + 1, F_OK, 0) == 0);
        return 0;
}
