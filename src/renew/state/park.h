/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Static-pod manifests that are out of the kubelet's sight for a moment, so that it ends the pod:
 * the restart of a component whose runtime cannot be asked.
 *
 *     r = park_out(root_fd, state_directory, manifest, reterr);    renamed to a dot-name beside it
 *     r = park_back(root_fd, state_directory, manifest, reterr);   and back again
 *     r = park_recover(root_fd, state_directory, &notes, reterr);  after a crash: all are put back
 *
 * The kubelet runs every file of that directory whose name has no leading dot (facts of
 * k8s.io/kubernetes pkg/kubelet/config/file.go). The record STATE/parked/NAME.json is there before
 * the manifest moves and until it is back. Both moves are one rename each that never replaces
 * anything: a manifest that somebody has written in the meantime stays, and ours is set aside. */

#include "base/error.h"

int park_out(
        int root_fd, const char *state_directory, const char *manifest, Error *reterr) MUST_USE;

/* -EEXIST if somebody else has written a manifest of that name: theirs stays, ours keeps its
 * dot-name unless both are the same. -ENOENT if neither is there any more. The record is gone in
 * all of these cases. */
int park_back(
        int root_fd, const char *state_directory, const char *manifest, Error *reterr) MUST_USE;

/* Puts back all that a crash has left out, also where one of them fails (the first failure is
 * returned). *ret_notes gets a sentence for each, NULL if there was none; the caller frees.
 * Idempotent. */
int park_recover(
        int root_fd, const char *state_directory, char ***ret_notes, Error *reterr) MUST_USE;
