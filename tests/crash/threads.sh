#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Keys are generated in parallel, and the threads do not get into each other's way: the thread sanitizer watches the
# very source. All of the program is watched by ./dev tsan.
. "${SRCDIR:-$(dirname "$0")/../..}/tests/tap.sh" || exit 99

export TSAN_OPTIONS=exitcode=66
flags=(-std=gnu11 -D_GNU_SOURCE -O1 -g -fsanitize=thread)

# watched DIRECTORY: $SCRATCH/threads of the source there.
watched() {
        local src=$1/src

        # shellcheck disable=SC2046 # words
        "${CC:-cc}" "${flags[@]}" -I"$src" -I"$BUILDDIR" -o "$SCRATCH/threads" "$SRCDIR/tests/crash/threads.c" \
                "$src"/pki/{cert-native,der,key,key-batch,key-token,native,pem}.c "$src"/base/{digest,error,escape,fs,memory,parallel}.c \
                $(pkg-config --cflags --libs gnutls nettle)
}

echo 'int main(void) { return 0; }' >"$SCRATCH/empty.c"
"${CC:-cc}" "${flags[@]}" -o "$SCRATCH/empty" "$SCRATCH/empty.c" 2>/dev/null
"$SCRATCH/empty" 2>/dev/null || tap_skip_all "there is no thread sanitizer"
tap_ok "the threads are built" watched "$SRCDIR"
tap_ok "and do not race" "$SCRATCH/threads"

mkdir "$SCRATCH/broken" && cp -R "$SRCDIR/src" "$SCRATCH/broken/src" || exit 99
sed -i 's/atomic_size_t next/size_t next/; s/atomic_fetch_add(&queue->next, 1)/queue->next++/' \
        "$SCRATCH/broken/src/base/parallel.c"
tap_ok "threads that share a number are built" watched "$SCRATCH/broken"
tap_status 66 "and are seen" "$SCRATCH/threads"
tap_like "$OUTPUT" 'data race .*(parallel[.]c|take_all)' "racing"
tap_done
