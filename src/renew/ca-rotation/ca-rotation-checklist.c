/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-checklist.h"

#include "base/path.h"
#include "kube/kubelet.h"
#include "renew/ca-rotation/ca-rotation-cluster.h"
#include "renew/inventory/rotation.h"

/* Where relative names in the files of the kubelet begin. */
#define KUBELET_DIRECTORY "/var/lib/kubelet"

/* What is to be done about a certificate that no phase signs anew. */
static char *remedy_of(const Item *item)
{
        if (rotation_is_stored(item) && !rotation_is_kept(item))
                return xasprintf("the kubelet asks the cluster for it: after reissue remove it, "
                                 "restart the kubelet, and see that its request is approved");
        if (item->entry->watch)
                return xstrdup("somebody else renews it");
        if (issuer_restarts(item->entry))
                return xasprintf(
                        "'%s' renews it when it is started", item->entry->issuer.renewed_by);
        return xasprintf("it is not for this CA to sign again: 'kube-renewd %s %s' after reissue "
                         "(Issuer=%s)",
                item->entry->issuer.kind == ISSUER_KIND_EXTERNAL ? "csr" : "renew",
                item->entry->name, issuer_kind_name(item->entry->issuer.kind));
}

/* Ours are signed anew by the CA that stays, and only those are told that could not be. */
static bool is_ahead(const Item *item, bool staying_signs)
{
        return !staying_signs && (ca_rotation_signs(item) || rotation_is_kept(item));
}

/* Certificates of this host that the CA which is to go has signed. */
static void add_leaves(const ChecklistInput *input, const CaRotation *rotation, const Cert *leaving,
        Checklist *checklist)
{
        const Cert *signer = ca_phase_signer(rotation->record, rotation->phase);

        for (size_t i = 0; i < input->inventory->n_items; i++) {
                const Item *item = &input->inventory->items[i];
                bool is_leaf = item_is_leaf(item);
                autofree char *remedy = NULL;

                if (!is_leaf || item->renewed_as || !item->cert ||
                        !cert_is_issued_by(item->cert, leaving) ||
                        is_ahead(item, !cert_equal(signer, leaving)))
                        continue;
                remedy = ca_rotation_signs(item) ? NULL : remedy_of(item);
                checklist_add(checklist, rotation, item->name, CHECK_OPEN, CA_PHASE_TRUST_NEW,
                        xasprintf("'%s' has a certificate of the CA that is to go%s%s", item->path,
                                remedy ? ", and " : "", remedy ? remedy : ""));
        }
}

/* Whom the kubelet lets in, where that is a file of its own: kubeadm names the CA file, which
 * follows. */
static void add_kubelet(const ChecklistInput *input, const CaRotation *rotation,
        const Cert *leaving, const Cert *staying, Checklist *checklist)
{
        static const char name[] = "clientCAFile of the kubelet";
        int root_fd = input->rotations->root_fd, r;
        autofree char *value = NULL, *path = NULL;
        autoptr(FileImage) file = NULL;
        autoptr(CertList) list = NULL;
        const char *source;
        Error error = {};

        r = kubelet_setting(root_fd, "--client-ca-file", "authentication.x509.clientCAFile", &value,
                &source, &error);
        if (r >= 0 && !value)
                return;
        path = r < 0 ? NULL : path_join(KUBELET_DIRECTORY, value);
        r = r < 0 ? r : fs_read_file(root_fd, path, FS_SIZE_MAX, &file, &error);
        if (r >= 0)
                r = cert_list_parse(file->data, file->size, &list, &error);
        if (r < 0 && file)
                error_prefix(&error, r, "'%s'", path);
        if (r < 0)
                checklist_add(checklist, rotation, name, CHECK_UNKNOWN, CA_PHASE_TRUST_NEW,
                        xasprintf("could not be read: %s", error.text));
        else if (cert_list_contains(list, leaving) && !cert_list_contains(list, staying))
                checklist_add(checklist, rotation, name, CHECK_OPEN, CA_PHASE_TRUST_NEW,
                        xasprintf("the CA that goes is trusted by '%s', and the one that stays is "
                                  "not: add it there, or the kubelet lets the API server in no "
                                  "more (logs, exec)",
                                path));
}

/* What those need who know only the new CA ends before the phase does. */
static void add_cross(const ChecklistInput *input, const CaRotation *rotation, Checklist *checklist)
{
        const CaRecord *record = rotation->record;

        if (!record->is_aborting && rotation->phase == CA_PHASE_TRUST_BOTH && record->old_by_new &&
                record->old_by_new->not_after <= input->now &&
                record->old_ca->not_after > input->now)
                checklist_add(checklist, rotation, "cross certificate", CHECK_OPEN,
                        CA_PHASE_REISSUE,
                        xasprintf("what the new CA has said of the old one has ended, and who "
                                  "knows only the new one is refused: --phase=trust-both makes it "
                                  "anew"));
}

static bool trusts_both(const CaRotation *rotation)
{
        return rotation->phase == CA_PHASE_TRUST_BOTH || rotation->phase == CA_PHASE_REISSUE;
}

static void add_host(const ChecklistInput *input, const CaRotation *rotation, Checklist *checklist)
{
        const CaRecord *record = rotation->record;
        bool aborts = input->aborts || record->is_aborting;
        const Cert *leaving = aborts ? record->new_ca : record->old_ca;

        add_leaves(input, rotation, leaving, checklist);
        if (trusts_both(rotation))
                add_kubelet(input, rotation, leaving, aborts ? record->old_ca : record->new_ca,
                        checklist);
        add_cross(input, rotation, checklist);
}

Checklist *checklist_make(const ChecklistInput *input)
{
        Checklist *checklist = xcalloc(1, sizeof(*checklist));

        for (size_t i = 0; i < input->rotations->n; i++) {
                const CaRotation *rotation = &input->rotations->list[i];

                if (rotation->record && rotation->is_selected && rotation->error >= 0)
                        add_host(input, rotation, checklist);
        }
        cluster_check(input, checklist);
        return checklist;
}
