#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
. "$(dirname "$0")/sweep-lib.sh" || exit 99
sweep kill 5
