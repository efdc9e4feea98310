/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/inventory-internal.h"

static bool is_same_inode(const FileImage *a, const FileImage *b)
{
        return a && b ? a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino : a == b;
}

/* A link to a file that is known by another path, or a way through a linked directory to it: what
 * is done to that file is done to this one. A hard link is a file of its own from the first
 * replacement on. */
static bool is_linked(const InventoryReader *reader, const InventoryFile *file)
{
        const Inventory *inventory = reader->inventory;

        for (size_t i = 0; i < inventory->n_files && inventory->files[i] != file; i++) {
                const InventoryFile *other = inventory->files[i];

                if (other->path && is_same_inode(other->image, file->image) &&
                        fs_same_place(reader->root_fd, other->path, file->path))
                        return true;
        }
        return false;
}

void inventory_read_copies(InventoryReader *reader)
{
        const Layout *layout = &reader->config->layout;
        Inventory *inventory = reader->inventory;

        inventory->copies = xcalloc(layout->n_copy_targets, sizeof(InventoryCopy));
        inventory->n_copies = layout->n_copy_targets;
        for (size_t i = 0; i < inventory->n_copies; i++) {
                InventoryCopy *copy = &inventory->copies[i];
                InventoryFile *file;

                copy->target = &layout->copy_targets[i];
                for (size_t k = 0; k < COPY_PARTS && copy->target->parts[k]; k++)
                        copy->parts[k] = inventory_file(reader, copy->target->parts[k])->image;
                file = inventory_file(reader, copy->target->path);
                copy->file = file->image;
                copy->error = file->read.error;
                copy->problem = file->read.problem;
                copy->linked = is_linked(reader, file);
        }
}
