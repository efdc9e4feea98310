#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# coverage.sh [REGEX]: how much of src/ the unit, cli and fuzz floors reach, in lines. It must be 90 % of all; of the files
# that replace what is live (the transaction, kubeconfigs) it must be every line but those of tests/unreached.txt, each
# of which has a reason. REGEX: also shows the lines that are not reached in files whose name matches.
#
# The crash floor is left out: it counts the system calls of the program, and gcov's would be among them. What talks to
# systemd over D-Bus is reached by the system floor, in containers that keep nothing.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/floors.sh
. tools/floors.sh || exit 1

wanted=90
whole='^src/(base/txn|kube/kubeconfig|kube/yaml-splice)[^/]*[.]c$'
shown=${1:-}
build=build/coverage
status=0

tree_coverage || exit 1
make -C "$build" -s -j"$jobs" check TESTS= >"$build.log" 2>&1 || { show "$build.log"; exit 1; }
find "$build" -name '*.gcda' -delete
# Whether they pass is for ./dev test to say: some look at what the program opens or act as somebody else, and gcov opens
# many files at the end.
for floor in unit cli fuzz; do
        make -C "$build" -k -j"$jobs" "check-$floor" >"$build-$floor.log" 2>&1
        read -r passed failed skipped < <(count_results "$build/tests/$floor")
        printf '%-9s %5d passed %3d failed %3d skipped\n' "$floor" "$passed" "$failed" "$skipped"
        [ "$passed" != 0 ] || { show "$build-$floor.log"; exit 1; }
done

gcovr -r . --object-directory "$build" -f src/ -j "$jobs" --json "$build.json" >"$build.log" 2>&1 ||
        { tail "$build.log"; exit 1; }

# 1. Each file and each room.
jq -r '.files[] | [.file, ([.lines[] | select(.count > 0)] | length), ([.lines[] | select(.["gcovr/noncode"] | not)] | length)] | @tsv' "$build.json" | awk '
        function line(name, reached, all) { printf "%-36s %5d of %5d  %5.1f %%\n", name, reached, all, 100 * reached / all }
        { split($1, part, "/"); room[part[2]] += $2; rooms[part[2]] += $3; sum += $2; all += $3; line($1, $2, $3) }
        END { print ""; for (name in rooms) line("src/" name, room[name], rooms[name]); line("src", sum, all) }'

# unreached REGEX: "FILE:NUMBER TEXT" of each line of such a file.
unreached() {
        jq -r --arg files "$1" '.files[] | select(.file | test($files)) | .file as $file | .lines[] |
                select(.count == 0 and (.["gcovr/noncode"] | not)) | "\($file) \(.line_number)"' "$build.json" |
                while read -r file number; do
                        printf '%s:%d %s\n' "$file" "$number" "$(sed -n "${number}s/^ *//p" "$file")"
                done
}
[ -z "$shown" ] || unreached "$shown"

# 2. What must be.
percent=$(jq '[.files[].lines[] | select(.["gcovr/noncode"] | not).count] | 100 * (map(select(. > 0)) | length) / length' "$build.json")
awk -v percent="$percent" -v wanted="$wanted" 'BEGIN { exit !(percent < wanted) }' &&
        { echo "src is below $wanted %"; status=1; }
while read -r place text; do
        grep -qF -- "${place%:*} | $text | " tests/unreached.txt && continue
        echo "not reached, and not in tests/unreached.txt: $place $text"
        status=1
done < <(unreached "$whole")
exit "$status"
