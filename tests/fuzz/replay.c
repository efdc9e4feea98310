/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/macro.h"

#include <dirent.h>

#define SIZE_MAX_OF_SEED ((size_t)1 << 20)
#ifndef N_CUTS
#define N_CUTS 64
#endif

/* The harness sees a copy of exactly this size, so that the sanitizer sees one byte too many. */
static void feed(const unsigned char *data, size_t size)
{
        unsigned char *copy = xmalloc(size ? size : 1);

        memcpy(copy, data, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
}

/* The seed, and what is left of it when it is cut off somewhere. */
static bool replay(const char *path)
{
        autofree unsigned char *data = xmalloc(SIZE_MAX_OF_SEED);
        FILE *file = fopen(path, "re");
        size_t size;

        if (!file)
                return false;
        size = fread(data, 1, SIZE_MAX_OF_SEED, file);
        fclose(file);
        feed(data, size);
        for (size_t i = 0; i < N_CUTS; i++)
                feed(data, size * i / N_CUTS);
        return true;
}

int main(int argc, char **argv)
{
        const char *source = getenv("SRCDIR"), *slash = strrchr(argv[0], '/');
        const char *name = slash ? slash + 1 : argv[0];
        autofree char *directory = NULL;
        struct dirent **seeds = NULL;
        int n, n_tests = 0, n_failed = 0;

        name += strncmp(name, "fuzz-", 5) == 0 ? 5 : 0;
        directory = xasprintf("%s/tests/fuzz/corpus/%s", source ? source : ".", name);
        n = scandir(directory, &seeds, NULL, alphasort);
        for (int i = 0; i < n; i++) {
                if (seeds[i]->d_name[0] != '.') {
                        autofree char *path = xasprintf("%s/%s", directory, seeds[i]->d_name);
                        bool ok = replay(path);

                        printf("%sok %d - %s\n", ok ? "" : "not ", ++n_tests, seeds[i]->d_name);
                        n_failed += !ok;
                }
                free(seeds[i]);
        }
        free(seeds);
        if (n_tests == 0)
                printf("not ok %d - there are seeds in %s\n", ++n_tests, directory);
        printf("1..%d\n", n_tests);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
