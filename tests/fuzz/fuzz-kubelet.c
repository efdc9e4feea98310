/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "kube/cri-internal.h"
#include "kube/kubelet.h"
#include "scratch.h"

#include <assert.h>

/* The files of a kubelet: its flags up to a line "---", its configuration after it. A setting is a
 * text and has a source, a socket is an absolute path, and whatever is refused says why. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static const char border[] = "---\n";
        const unsigned char *end = memmem(data, size, border, strlen(border));
        size_t n = end ? (size_t)(end - data) : size;
        const Scratch *scratch = scratch_get();
        const char *source = NULL;
        autofree char *text = NULL;
        autostrv sockets = NULL;
        Error error = {};

        scratch_write(scratch, "/var/lib/kubelet/kubeadm-flags.env", data, n);
        scratch_write(scratch, "/var/lib/kubelet/config.yaml", data + n, size - n);
        if (kubelet_setting(
                    scratch->root_fd, "--healthz-port", "healthzPort", &text, &source, &error) < 0)
                assert(error.text[0] && !text);
        else
                assert(!text || source);
        error = (Error){};
        if (cri_endpoint_find(scratch->root_fd, NULL, &sockets, &source, &error) < 0)
                assert(error.text[0]);
        else
                assert(sockets && sockets[0][0] == '/' && source);
        return 0;
}
