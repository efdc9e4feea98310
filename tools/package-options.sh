# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The options of `./dev deb` and `./dev rpm`, which are the same. Sourced by tools/deb.sh and tools/rpm.sh.
# shellcheck disable=SC2034 # for them
without_tests= # --nocheck: the tests of the package do not run while it is built

# package_options VERB OPTION...: exports SOURCE_DATE_EPOCH if there is --source-date.
package_options() {
        local verb=$1

        shift
        while [ $# -gt 0 ]; do
                case $1 in
                --source-date)
                        [[ ${2:-} =~ ^[0-9]+$ ]] || break
                        export SOURCE_DATE_EPOCH=$2
                        shift 2
                        ;;
                --nocheck)
                        # shellcheck disable=SC2034 # for them
                        without_tests=yes
                        shift
                        ;;
                *) break ;;
                esac
        done
        [ $# = 0 ] && return
        echo "usage: ./dev $verb [--source-date SECONDS] [--nocheck]" >&2
        exit 2
}
