/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that does not get on with its new file: to be put before the command of a static pod.
 *
 *     guard ACCEPTED FILE exit|hang PROGRAM ARGUMENT...
 *
 * Becomes PROGRAM if FILE is byte for byte what ACCEPTED is, or if ACCEPTED is empty. Otherwise it
 * ends, or stays and does nothing, until it is told to end. Linked statically, for an image that
 * has nothing else. */

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MOST 65536

static size_t read_file(const char *path, char *content)
{
        FILE *file = fopen(path, "re");
        size_t size;

        if (!file) {
                perror(path);
                exit(3);
        }
        size = fread(content, 1, SIZE_MOST, file);
        fclose(file);
        return size;
}

int main(int argc, char **argv)
{
        static char accepted[SIZE_MOST], found[SIZE_MOST];
        size_t size;

        if (argc < 5)
                return 2;
        size = read_file(argv[1], accepted);
        if (size == 0 ||
                (read_file(argv[2], found) == size && memcmp(accepted, found, size) == 0)) {
                execvp(argv[4], argv + 4);
                perror(argv[4]);
                return 3;
        }
        fprintf(stderr, "guard: '%s' is not accepted\n", argv[2]);
        if (strcmp(argv[3], "hang") != 0)
                return 1;

        /* Process 1 of a container hears no signal that it does not handle. */
        signal(SIGTERM, exit);
        for (;;)
                pause();
}
