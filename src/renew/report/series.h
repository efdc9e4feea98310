/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The labels that x509-certificate-exporter gives to a certificate: embedded_key embedded_kind
 * filename filepath issuer_C … issuer_ST serial_number subject_C … subject_ST.
 *
 *     Series *series = series_of_rows(rows, &n);
 *     exposition_sample_text(exposition, series[0].labels, series[0].row->not_after);
 *     series_free(series, n);
 *
 * One series per certificate and place that has been read. Two certificates of one file that have
 * all labels in common (a CA and its renewal, both with the serial number 0) are told apart by one
 * more, discriminator, as version 4 of the exporter does; one that is there twice is one series. */

#include "base/exposition.h"
#include "renew/report/row.h"

typedef struct Series {
        const Row *row; /* not owned */
        char *labels;   /* exposition_labels() */
} Series;

/* Sorted by labels. */
Series *series_of_rows(const Rows *rows, size_t *ret_n);

void series_free(Series *series, size_t n);

/* The first value of an attribute ("CN", "O", …) in the certificate's order, which is the last in
 * the text of RFC 4514; NULL if there is none. The caller frees. */
char *dn_attribute(const char *dn, const char *type);

/* A serial number in decimal. What is no hexadecimal number, or is longer than 64 octets, comes as
 * it is. The caller frees. */
char *serial_to_decimal(const char *hex);
