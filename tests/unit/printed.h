/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a function prints on stdout, for functions whose whole result is that.
 *
 *     autofree char *text = printed(print_it, argument);
 *
 * stdout is a file meanwhile, never a terminal. */

#include "unit.h"

#include "base/macro.h"

static inline char *printed(void (*print)(const void *), const void *argument)
{
        FILE *file = tmpfile();
        int saved = dup(STDOUT_FILENO);
        char *text;
        long size;

        assert_non_null(file);
        fflush(stdout);
        assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
        print(argument);
        fflush(stdout);
        assert_true(dup2(saved, STDOUT_FILENO) >= 0);
        close(saved);
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        size = ftell(file);
        assert_true(size >= 0);
        rewind(file);
        text = xcalloc((size_t)size + 1, 1);
        assert_int_equal(fread(text, 1, (size_t)size, file), size);
        fclose(file);
        return text;
}
