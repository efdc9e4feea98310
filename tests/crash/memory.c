/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a command, holds it at its very end, and searches its memory for private keys.
 *
 *     memory NUMBERS COMMAND ARGUMENT...
 *     memory NUMBERS <FILE               searches that instead
 *
 * NUMBERS is a shell command that prints lines "NAME HEX": the private numbers of keys. It runs
 * when the other is held, so that it knows the keys that were made, too. What is looked for are the
 * numbers themselves in both byte orders, their base64 as it is in PEM, and the base64 of that as
 * it is in kubeconfigs, in pieces, so that half a key is found as well.
 *
 * Each finding is a line; the exit status is 0 without any, 1 with some, 2 if it could not be done.
 * The kernel stops a traced process in exit_group() while all of its memory is still there
 * (PTRACE_EVENT_EXIT). */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nettle/base64.h>

#define NUMBER_MAX  1024 /* bytes */
#define PIECE       16
#define STEP        8 /* from one piece to the next */
#define PIECES_MAX  ((size_t)1 << 20)
#define INPUT_MAX   ((size_t)64 << 20)
#define MAPPING_MAX ((uint64_t)256 << 20)

typedef struct Piece {
        unsigned char bytes[PIECE];
        const char *name, *form;
        size_t next; /* with the same first two bytes; 0: the last */
} Piece;

static Piece *pieces;
static size_t n_pieces, first[65536];

static void die(const char *what)
{
        fprintf(stderr, "memory: %s: %s\n", what, strerror(errno));
        exit(2);
}

static size_t hash(const unsigned char *bytes)
{
        return (size_t)bytes[0] << 8 | bytes[1];
}

static void add_pieces(const char *name, const char *form, const unsigned char *bytes, size_t size)
{
        for (size_t i = 0; i + PIECE <= size && n_pieces + 1 < PIECES_MAX; i += STEP) {
                Piece *piece = &pieces[++n_pieces];

                piece->name = name;
                piece->form = form;
                memcpy(piece->bytes, bytes + i, PIECE);
                piece->next = first[hash(piece->bytes)];
                first[hash(piece->bytes)] = n_pieces;
        }
}

/* As it looks behind any number of other bytes: base64 counts in threes. */
static void add_base64(const char *name, const unsigned char *bytes, size_t size, bool again)
{
        for (size_t shift = 0; shift < 3; shift++) {
                char text[BASE64_ENCODE_RAW_LENGTH(2 * NUMBER_MAX)];
                size_t n = (size - shift) / 3 * 3;

                base64_encode_raw(text, n, bytes + shift);
                add_pieces(name, again ? "PEM" : "base64 of PEM", (unsigned char *)text, n / 3 * 4);
                if (again)
                        add_base64(name, (unsigned char *)text, n / 3 * 4, false);
        }
}

static void add_number(const char *name, const char *hex)
{
        unsigned char bytes[NUMBER_MAX], reversed[NUMBER_MAX];
        size_t size = 0;

        while (size < NUMBER_MAX && sscanf(hex + 2 * size, "%2hhx", &bytes[size]) == 1)
                size++;
        for (size_t i = 0; i < size; i++)
                reversed[size - 1 - i] = bytes[i];
        errno = EINVAL;
        if (size < PIECE)
                die(name);
        add_pieces(name, "DER", bytes, size);
        add_pieces(name, "number", reversed, size);
        add_base64(name, bytes, size, true);
}

static void read_numbers(const char *command)
{
        FILE *output = popen(command, "re");
        char name[256], hex[2 * NUMBER_MAX + 1];

        pieces = calloc(PIECES_MAX, sizeof(*pieces));
        if (!output || !pieces)
                die(command);
        while (fscanf(output, "%255s %2048s", name, hex) == 2)
                add_number(strdup(name), hex); /* to the end of the process */
        errno = EINVAL;
        if (pclose(output) != 0 || n_pieces == 0 || n_pieces + 1 >= PIECES_MAX)
                die(command);
}

static pid_t start(char **argv)
{
        pid_t pid = fork();
        int status;

        if (pid < 0)
                die("fork");
        if (pid == 0) {
                ptrace(PTRACE_TRACEME, 0, NULL, NULL);
                execvp(argv[0], argv);
                _exit(127);
        }
        errno = ENOEXEC;
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
                die(argv[0]);
        if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) < 0)
                die("ptrace");
        return pid;
}

/* Signals on the way are its own affair. */
static void run_to_its_end(pid_t pid)
{
        int status, signal = 0;

        for (;;) {
                errno = ECHILD;
                if (ptrace(PTRACE_CONT, pid, NULL, signal) < 0 || waitpid(pid, &status, 0) != pid ||
                        !WIFSTOPPED(status))
                        die("it was gone before it could be held");
                if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
                        return;
                signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status); /* exec() */
        }
}

static bool search(const unsigned char *memory, size_t size, const char *mapping)
{
        bool found = false;

        for (size_t at = 0; at + PIECE <= size; at++)
                for (size_t i = first[hash(memory + at)]; i > 0; i = pieces[i].next)
                        if (memcmp(memory + at, pieces[i].bytes, PIECE) == 0) {
                                printf("%s, as %s, at byte %zu of %s", pieces[i].name,
                                        pieces[i].form, at, mapping);
                                found = true;
                        }
        return found;
}

/* Everything that can be written; nothing else can hold what was read or made. */
static bool search_all(pid_t pid)
{
        char path[32], line[512], access[8];
        bool found = false;
        uint64_t from, to;
        size_t searched = 0;
        FILE *maps;

        snprintf(path, sizeof(path), "/proc/%d/maps", pid);
        maps = fopen(path, "re");
        if (!maps)
                die(path);
        while (fgets(line, sizeof(line), maps)) {
                if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, access) != 3 ||
                        access[1] != 'w' || to - from > MAPPING_MAX)
                        continue;
                unsigned char *memory = malloc(to - from);
                struct iovec here = {memory, to - from},
                             there = {(void *)(uintptr_t)from, to - from};
                ssize_t n = memory ? process_vm_readv(pid, &here, 1, &there, 1, 0) : -1;

                if (n > 0)
                        found = search(memory, (size_t)n, line) || found;
                searched += n > 0 ? (size_t)n : 0;
                free(memory);
        }
        fclose(maps);
        errno = ENODATA;
        if (searched < 4096)
                die("its memory");
        return found;
}

static int search_input(void)
{
        static unsigned char input[INPUT_MAX];
        size_t size = fread(input, 1, sizeof(input), stdin);

        errno = ENODATA;
        if (size == 0 || size == sizeof(input))
                die("standard input");
        return search(input, size, "standard input\n");
}

int main(int argc, char **argv)
{
        int status;
        bool found;
        pid_t pid;

        errno = EINVAL;
        if (argc < 2)
                die("memory NUMBERS [COMMAND ARGUMENT...]");
        if (argc == 2) {
                read_numbers(argv[1]);
                return search_input();
        }
        pid = start(argv + 2);
        run_to_its_end(pid);
        read_numbers(argv[1]);
        found = search_all(pid);
        errno = EINTR;
        if (ptrace(PTRACE_CONT, pid, NULL, 0) < 0 || waitpid(pid, &status, 0) != pid ||
                !WIFEXITED(status))
                die("a signal has ended it");
        free(pieces);
        return found;
}
