/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON values written as YAML, in block style with the keys sorted.
 *
 *     autofree char *text = yaml_text(json);
 *     fputs(text, stdout);
 *
 * Every JSON string is a YAML string too (YAML 1.2, 7.3.1), so whatever a reader of YAML 1.1 or 1.2
 * could take for a number, a truth, a date or a sign is double-quoted. Reading YAML is kube's
 * affair: nothing here parses. */

#include <jansson.h>

/* One document, with a final newline; the caller frees. */
char *yaml_text(const json_t *json);
