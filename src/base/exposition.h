/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Prometheus' text exposition format 0.0.4, as node_exporter's textfile collector reads it: gauges
 * only, no timestamps.
 *
 *     Exposition *exposition = exposition_new();
 *     exposition_family(exposition, "x509_read_errors", "Files that hold no certificate.");
 *     exposition_sample(exposition, (Label[]){{"filename", name}, {}}, 1);
 *     char *text = exposition_end(exposition);
 *
 * Samples of a family come out sorted, and no two with the same labels: one such pair would cost
 * the reader the whole file, with everything else it had to read. Values of labels are text from
 * outside: escaped as in base/escape.h, then by the rules of the format. */

#include "base/macro.h"

typedef struct Exposition Exposition;

/* A value that is NULL or "" is left out: to Prometheus that is the same label. */
typedef struct Label {
        const char *name, *value;
} Label;

Exposition *exposition_new(void);

/* What follows are samples of this gauge. Each family comes once; help is one line of plain text.
 */
void exposition_family(Exposition *exposition, const char *name, const char *help);

/* One sample; labels end with {}. Of two with the same labels the first stays. */
void exposition_sample(Exposition *exposition, const Label *labels, int64_t value);

/* The same labels for several families: a="1",b="2" once as text, which the caller frees. */
char *exposition_labels(const Label *labels);
void exposition_sample_text(Exposition *exposition, const char *labels, int64_t value);

/* The whole text; the exposition is gone. The caller frees. */
char *exposition_end(Exposition *exposition);
