/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a fuzz harness looks like: one function, which libFuzzer calls with inputs of its own
 * making, and tests/fuzz/replay.c with those of the corpus.
 *
 *     int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
 *
 * It returns 0; what a parser must never do (crash, leak, read past the end, accept what it cannot
 * write again) ends the process. The data is exactly size bytes long, without a NUL behind it. */

#include <stddef.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
