/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which layouts describe this host? Private to the configuration.
 *
 *     r = layout_choose(root_fd, &options, configured, &layout, reterr);
 *
 * By --layout=, by Layout= of the configuration, or by looking (renew/config/layout-detect.h).
 * Several are made one (renew/config/layout-merge.h). Layouts are NAME.conf in kube-renewd/layouts
 * of /etc, /run and /usr/share, the first hides the others; the vendor's are also looked for
 * outside the root, because the tree of another host rarely has a copy of this program. For running
 * from the build tree $KUBE_RENEWD_LAYOUT_PATH names the vendor's directory. */

#include "renew/config/config.h"

/* configured: the settings of the main file and the drop-ins; [agent] Layout=NAME… is appended with
 * the origin of the choice. *ret: the settings of the layouts. In both, paths that begin with %b
 * are whole (renew/config/layout-base.h). -ENODEV if nothing fits, -ENOENT if there is no layout of
 * that name. */
int layout_choose(int root_fd, const ConfigOptions *options, Settings *configured, Settings **ret,
        Error *reterr) MUST_USE;
