/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nearest-word.h"

#include <ctype.h>

#define WORD_SIZE_MAX 63

static size_t min3(size_t a, size_t b, size_t c)
{
        size_t least = a < b ? a : b;

        return least < c ? least : c;
}

static bool same_letter(char a, char b)
{
        return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Letters to insert, remove, replace or exchange with their neighbour (Damerau), without regard to
 * case; neither word is longer than WORD_SIZE_MAX. */
static size_t edit_distance(const char *a, const char *b)
{
        size_t rows[3][WORD_SIZE_MAX + 1], n = strlen(b), i;

        for (size_t j = 0; j <= n; j++)
                rows[0][j] = j;
        for (i = 1; a[i - 1]; i++) {
                size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        bool same = same_letter(a[i - 1], b[j - 1]);

                        row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
                        if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                                same_letter(a[i - 2], b[j - 1]) &&
                                rows[(i - 2) % 3][j - 2] + 1 < row[j])
                                row[j] = rows[(i - 2) % 3][j - 2] + 1;
                }
        }
        return rows[(i - 1) % 3][n];
}

const char *nearest_word(const char *word, const char *const *list)
{
        size_t length = strlen(word), best = length / 3 + 1;
        const char *nearest = NULL;

        if (length > WORD_SIZE_MAX)
                return NULL;
        for (; *list; list++) {
                size_t distance =
                        strlen(*list) <= WORD_SIZE_MAX ? edit_distance(word, *list) : best;

                if (distance < best) {
                        best = distance;
                        nearest = *list;
                }
        }
        return nearest;
}
