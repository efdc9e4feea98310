/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/exposition.h"

#include "base/escape.h"

typedef struct Sample {
        char *labels;
        size_t order;
        int64_t value;
} Sample;

struct Exposition {
        FILE *stream;
        char *text;
        size_t size;
        const char *family; /* NULL before the first */
        Sample *samples;    /* of this family */
        size_t n, allocated;
};

Exposition *exposition_new(void)
{
        Exposition *exposition = xcalloc(1, sizeof(*exposition));

        exposition->allocated = 16;
        exposition->samples = xcalloc(exposition->allocated, sizeof(Sample));
        exposition->stream = xcheck(open_memstream(&exposition->text, &exposition->size));
        return exposition;
}

/* By labels; of the same ones the first first. */
static int compare_samples(const void *a, const void *b)
{
        const Sample *x = a, *y = b;
        int order = strcmp(x->labels, y->labels);

        return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void print_sample(Exposition *exposition, const Sample *sample)
{
        bool has_labels = sample->labels[0];

        fprintf(exposition->stream, "%s%s%s%s %lld\n", exposition->family, has_labels ? "{" : "",
                sample->labels, has_labels ? "}" : "", (long long)sample->value);
}

static void end_family(Exposition *exposition)
{
        Sample *samples = exposition->samples;

        qsort(samples, exposition->n, sizeof(*samples), compare_samples);
        for (size_t i = 0; i < exposition->n; i++)
                if (i == 0 || !streq(samples[i].labels, samples[i - 1].labels))
                        print_sample(exposition, &samples[i]);
        for (size_t i = 0; i < exposition->n; i++)
                free(samples[i].labels);
        exposition->n = 0;
}

void exposition_family(Exposition *exposition, const char *name, const char *help)
{
        end_family(exposition);
        exposition->family = name;
        fprintf(exposition->stream, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* Control characters are gone already. */
static void print_value(FILE *stream, const char *value)
{
        autofree char *escaped = escape_text(value);

        for (const char *p = escaped; *p; p++) {
                if (*p == '\\' || *p == '"')
                        fputc('\\', stream);
                fputc(*p, stream);
        }
}

/* A stream in memory fails only where memory ends. */
static char *close_stream(FILE *stream, char **text)
{
        bool failed = ferror(stream);

        if (fclose(stream) != 0 || failed)
                return xcheck(NULL);
        return xcheck(*text);
}

char *exposition_labels(const Label *labels)
{
        const char *separator = "";
        char *text = NULL;
        size_t size;
        FILE *stream = xcheck(open_memstream(&text, &size));

        for (; labels->name; labels++) {
                if (!labels->value || !labels->value[0])
                        continue;
                fprintf(stream, "%s%s=\"", separator, labels->name);
                print_value(stream, labels->value);
                fputc('"', stream);
                separator = ",";
        }
        return close_stream(stream, &text);
}

/* Takes the text. */
static void add_sample(Exposition *exposition, char *labels, int64_t value)
{
        if (exposition->n == exposition->allocated) {
                exposition->allocated *= 2;
                exposition->samples =
                        xreallocarray(exposition->samples, exposition->allocated, sizeof(Sample));
        }
        exposition->samples[exposition->n] = (Sample){
                .labels = labels,
                .order = exposition->n,
                .value = value,
        };
        exposition->n++;
}

void exposition_sample(Exposition *exposition, const Label *labels, int64_t value)
{
        add_sample(exposition, exposition_labels(labels), value);
}

void exposition_sample_text(Exposition *exposition, const char *labels, int64_t value)
{
        add_sample(exposition, xstrdup(labels), value);
}

char *exposition_end(Exposition *exposition)
{
        char *text;

        end_family(exposition);
        text = close_stream(exposition->stream, &exposition->text);
        free(exposition->samples);
        free(exposition);
        return text;
}
