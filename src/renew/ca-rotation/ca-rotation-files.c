/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-files.h"

#include "base/path.h"
#include "pki/pem.h"

RotationFiles *rotation_files_new(int root_fd)
{
        RotationFiles *files = xcalloc(1, sizeof(*files));

        files->root_fd = root_fd;
        return files;
}

void rotation_files_free(RotationFiles *files)
{
        if (!files)
                return;
        for (size_t i = 0; i < files->n; i++) {
                free(files->files[i]->path);
                file_image_free(files->files[i]->image);
                secret_free(files->files[i]->content);
                free(files->files[i]);
        }
        free(files->files);
        free(files);
}

/* A file that is known by another path: through a linked directory, or by a link. Hard links part
 * with the first replacement. */
static RotationFile *find_by_place(const RotationFiles *files, const FileImage *image)
{
        for (size_t i = 0; i < files->n; i++) {
                const FileImage *known = files->files[i]->image;

                if (known && known->st.st_dev == image->st.st_dev &&
                        known->st.st_ino == image->st.st_ino &&
                        fs_same_place(files->root_fd, known->path, image->path))
                        return files->files[i];
        }
        return NULL;
}

static RotationFile *find_by_path(const RotationFiles *files, const char *path)
{
        for (size_t i = 0; i < files->n; i++)
                if (streq(files->files[i]->path, path))
                        return files->files[i];
        return NULL;
}

int rotation_files_get(RotationFiles *files, const char *path, RotationFile **ret, Error *reterr)
{
        autofree char *normal = path_normalize(path);
        autoptr(FileImage) image = NULL;
        RotationFile *file;
        int r;

        *ret = find_by_path(files, normal);
        if (*ret)
                return 0;
        r = fs_read_file(files->root_fd, normal, FS_SIZE_MAX, &image, reterr);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = image ? find_by_place(files, image) : NULL;
        if (*ret)
                return 0;
        file = xcalloc(1, sizeof(*file));
        file->path = TAKE(normal);
        file->image = TAKE(image);
        file->mode = 0644;
        files->files = xreallocarray(files->files, files->n + 1, sizeof(RotationFile *));
        files->files[files->n++] = *ret = file;
        return 0;
}

const void *rotation_file_data(const RotationFile *file, size_t *ret_size)
{
        *ret_size = file->content ? file->content->size : file->image ? file->image->size : 0;
        return file->content ? file->content->data : file->image ? file->image->data : NULL;
}

void rotation_file_set(RotationFile *file, Secret *content)
{
        secret_free(file->content);
        file->content = content;
        if (file->image && file->image->size == content->size &&
                memcmp(file->image->data, content->data, content->size) == 0)
                secret_free(TAKE(file->content));
}

/* A certificate of a text, with what stands before it. */
typedef struct Segment {
        const char *lead, *block, *end;
        Cert *cert;
} Segment;

typedef struct Segments {
        Segment *list;
        size_t n;
        const char *tail, *end;
} Segments;

static void segments_done(Segments *segments)
{
        for (size_t i = 0; i < segments->n; i++)
                cert_free(segments->list[i].cert);
        free(segments->list);
}

/* From "-----BEGIN" to the end of the line with "-----END". */
static const char *begin_of(const PemBlock *block)
{
        return block->label.data - strlen("-----BEGIN ");
}

static const char *end_of(const PemBlock *block, const char *end)
{
        const char *line = block->body.data + block->body.size;
        const char *newline = memchr(line, '\n', (size_t)(end - line));

        return newline ? newline + 1 : end;
}

static Cert *cert_of(const PemBlock *block)
{
        autofree unsigned char *der = NULL;
        Cert *cert = NULL;
        size_t size;

        if (!block->complete || !pem_is(block, "CERTIFICATE") ||
                pem_decode(block, &der, &size) < 0 || cert_parse_der(der, size, &cert, NULL) < 0)
                return NULL;
        return cert;
}

static Segments segments_of(const char *text, size_t size)
{
        Segments segments = {.tail = text, .end = text + size};
        PemText rest = {text, size};
        PemBlock block;

        while (pem_next(&rest, &block)) {
                Cert *cert = cert_of(&block);

                if (!cert)
                        continue;
                segments.list =
                        xreallocarray(segments.list, segments.n + 1, sizeof(*segments.list));
                segments.list[segments.n++] = (Segment){
                        segments.tail, begin_of(&block), end_of(&block, segments.end), cert};
                segments.tail = segments.list[segments.n - 1].end;
        }
        return segments;
}

static bool is_known(const BundleEdit *edit, const Cert *cert)
{
        for (size_t i = 0; i < edit->n_known; i++)
                if (edit->known[i] && cert_equal(edit->known[i], cert))
                        return true;
        return false;
}

/* What grows by pieces, each on a line of its own; wiped whenever it moves, for a key may stand
 * beside a certificate. */
static void add(Secret *text, const void *data, size_t size)
{
        bool lacks_newline = text->size > 0 && size > 0 && text->data[text->size - 1] != '\n';
        unsigned char *longer = xmalloc(text->size + size + 1);

        memcpy(longer, text->data, text->size);
        if (lacks_newline)
                longer[text->size] = '\n';
        memcpy(longer + text->size + lacks_newline, data, size);
        explicit_bzero(text->data, text->size);
        free(text->data);
        text->data = longer;
        text->size += size + lacks_newline;
}

static void add_piece(Secret *text, const char *from, const char *to)
{
        add(text, from, (size_t)(to - from));
}

static void add_wanted(Secret *text, const Segments *segments, const BundleEdit *edit)
{
        for (size_t i = 0; i < edit->n_wanted; i++) {
                autofree char *pem = cert_to_pem(edit->wanted[i]);
                const Segment *there = NULL;

                for (size_t k = 0; k < segments->n && !there; k++)
                        if (cert_equal(segments->list[k].cert, edit->wanted[i]))
                                there = &segments->list[k];
                if (there)
                        add_piece(text, there->block, there->end);
                else
                        add(text, pem, strlen(pem));
        }
}

/* What stands before a certificate that moves or goes is about it, unless it holds a block of
 * another kind: a key. */
static void add_lead(Secret *text, const Segment *segment, bool stays)
{
        size_t size = (size_t)(segment->block - segment->lead);

        if (stays || memmem(segment->lead, size, "-----BEGIN ", strlen("-----BEGIN ")))
                add(text, segment->lead, size);
}

Secret *bundle_edit(const void *text, size_t size, const BundleEdit *edit)
{
        __attribute__((cleanup(segments_done))) Segments segments = segments_of(text, size);
        autoptr(Secret) result = xcalloc(1, sizeof(*result));
        bool is_placed = false;

        result->data = xmalloc(1);
        for (size_t i = 0; i < segments.n; i++) {
                const Segment *segment = &segments.list[i];
                bool known = is_known(edit, segment->cert);

                add_lead(result, segment, !known || !is_placed);
                if (!known)
                        add_piece(result, segment->block, segment->end);
                else if (!is_placed)
                        add_wanted(result, &segments, edit);
                is_placed |= known;
        }
        if (!is_placed && edit->append)
                add_wanted(result, &segments, edit);
        add_piece(result, segments.tail, segments.end);
        return result->size == size && memcmp(result->data, text, size) == 0 ? NULL : TAKE(result);
}
