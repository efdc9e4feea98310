/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes DER as DER (ITU-T X.690), for the harnesses of certificates and keys: whole elements are
 * left out, doubled, put elsewhere, given other tags or contents, and all lengths fit again. What
 * libFuzzer does to bytes nearly always ends at the first wrong length; it has its turn too. Linked
 * with --enable-fuzzing only. */

#include "fuzz.h"

#include "base/macro.h"

#define NODES_MAX  512
#define DEPTH_MAX  16
#define SIZE_LIMIT ((size_t)1 << 16)

#ifndef DER_OFFSET
#define DER_OFFSET 0 /* of the DER in an input */
#endif

size_t LLVMFuzzerMutate(unsigned char *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(
        unsigned char *data, size_t size, size_t max_size, unsigned int seed);

typedef struct Node {
        size_t start, content, end;
        int parent;
} Node;

typedef struct Tree {
        const unsigned char *data;
        Node nodes[NODES_MAX];
        int n;
} Tree;

typedef struct Bytes {
        unsigned char data[SIZE_LIMIT];
        size_t size;
} Bytes;

/* The header of an element: where its content begins and ends. */
static bool read_head(const unsigned char *data, size_t at, size_t to, Node *node)
{
        size_t length, n;

        if (to - at < 2)
                return false;
        node->start = at;
        length = data[at + 1];
        at += 2;
        if (length & 0x80) {
                n = length & 0x7f;
                if (n == 0 || n > 3 || to - at < n)
                        return false;
                for (length = 0; n > 0; n--)
                        length = length << 8 | data[at++];
        }
        node->content = at;
        node->end = at + length;
        return length <= to - at;
}

/* All elements from `at` to `to`, and what is in them: also in octet strings, for extensions and
 * keys stand in those. False if it is no DER. */
static bool read_all(Tree *tree, size_t at, size_t to, int parent, unsigned depth)
{
        while (at < to) {
                Node node = {.parent = parent};
                unsigned char tag = tree->data[at];
                int i = tree->n, before;

                if (tree->n == NODES_MAX || !read_head(tree->data, at, to, &node))
                        return false;
                tree->nodes[tree->n++] = node;
                before = tree->n;
                if (depth < DEPTH_MAX && ((tag & 0x20) || tag == 0x04) &&
                        !read_all(tree, node.content, node.end, i, depth + 1))
                        tree->n = before;
                at = node.end;
        }
        return true;
}

static void append(Bytes *bytes, const void *data, size_t size)
{
        if (size > SIZE_LIMIT - bytes->size)
                size = SIZE_LIMIT - bytes->size;
        memcpy(bytes->data + bytes->size, data, size);
        bytes->size += size;
}

static void append_head(Bytes *bytes, unsigned char tag, size_t length)
{
        const unsigned char three[] = {
                tag, 0x82, (unsigned char)(length >> 8), (unsigned char)length};
        const unsigned char two[] = {tag, 0x81, (unsigned char)length};
        const unsigned char one[] = {tag, (unsigned char)length};

        if (length > 255)
                append(bytes, three, sizeof(three));
        else if (length > 127)
                append(bytes, two, sizeof(two));
        else
                append(bytes, one, sizeof(one));
}

/* The whole with other bytes in the place of one element; every length around it is made anew. */
static void rebuild(const Tree *tree, size_t size, int i, Bytes *bytes)
{
        static Bytes inner, outer;

        inner = *bytes;
        for (int parent = tree->nodes[i].parent; parent >= 0; parent = tree->nodes[i].parent) {
                const Node *node = &tree->nodes[i], *around = &tree->nodes[parent];

                outer.size = 0;
                append_head(&outer, tree->data[around->start],
                        around->end - around->content - (node->end - node->start) + inner.size);
                append(&outer, tree->data + around->content, node->start - around->content);
                append(&outer, inner.data, inner.size);
                append(&outer, tree->data + node->end, around->end - node->end);
                inner = outer;
                i = parent;
        }
        bytes->size = 0;
        append(bytes, tree->data, tree->nodes[i].start);
        append(bytes, inner.data, inner.size);
        append(bytes, tree->data + tree->nodes[i].end, size - tree->nodes[i].end);
}

/* What takes the place of this element. */
static void replace(const Tree *tree, const Node *node, unsigned random, Bytes *bytes)
{
        const Node *other = &tree->nodes[random / 8 % (unsigned)tree->n];
        const unsigned char *data = tree->data;
        static unsigned char content[SIZE_LIMIT];
        size_t size = node->end - node->content;

        bytes->size = 0;
        switch (random % 8) {
        case 0: /* nothing */
                break;
        case 1: /* twice the same */
                append(bytes, data + node->start, node->end - node->start);
                append(bytes, data + node->start, node->end - node->start);
                break;
        case 2: /* another tag */
                append_head(bytes, (unsigned char)(random >> 8), size);
                append(bytes, data + node->content, size);
                break;
        case 3: /* another element */
                append(bytes, data + other->start, other->end - other->start);
                break;
        case 4: /* another one beside it */
                append(bytes, data + other->start, other->end - other->start);
                append(bytes, data + node->start, node->end - node->start);
                break;
        default: /* other content */
                memcpy(content, data + node->content, size);
                size = LLVMFuzzerMutate(content, size, size + 16);
                append_head(bytes, data[node->start], size);
                append(bytes, content, size);
        }
}

size_t LLVMFuzzerCustomMutator(unsigned char *data, size_t size, size_t max_size, unsigned int seed)
{
        static Bytes bytes;
        static Tree tree;
        unsigned random = seed * 2654435761U >> 4;

        tree.data = data + DER_OFFSET;
        tree.n = 0;
        if (seed % 8 == 0 || size <= DER_OFFSET || size > SIZE_LIMIT / 2 ||
                !read_all(&tree, 0, size - DER_OFFSET, -1, 0) || tree.n == 0)
                return LLVMFuzzerMutate(data, size, max_size);
        int i = (int)(random % (unsigned)tree.n);

        replace(&tree, &tree.nodes[i], random / NODES_MAX, &bytes);
        rebuild(&tree, size - DER_OFFSET, i, &bytes);
        if (bytes.size == 0 || bytes.size > max_size - DER_OFFSET)
                return LLVMFuzzerMutate(data, size, max_size);
        memcpy(data + DER_OFFSET, bytes.data, bytes.size);
        return DER_OFFSET + bytes.size;
}
