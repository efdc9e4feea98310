/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/yaml-tree.h"

#include "base/fs.h"

#define DIRECTIVES_MAX 64

static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};

/* What is only needed while the events come in. */
typedef struct Builder {
        yaml_parser_t parser;
        YamlTree *tree;
        size_t allocated;
        size_t open[YAML_DEPTH_MAX]; /* indexes of the collections around the next node */
        size_t depth;
        const unsigned char *data;
        size_t size;
        size_t byte, character; /* the same place, counted in both ways */
} Builder;

void yaml_tree_free(YamlTree *tree)
{
        if (!tree)
                return;
        for (size_t i = 0; i < tree->n_nodes; i++) {
                YamlNode *node = &tree->nodes[i];

                if (node->text)
                        explicit_bzero(node->text, node->length);
                free(node->text);
                free(node->anchor);
                free(node->tag);
        }
        free(tree->nodes);
        free(tree);
}

static int fail_at(Error *reterr, int r, size_t line, size_t column, const char *text)
{
        return error_set(reterr, r, "line %zu, column %zu: %s", line, column, text);
}

/* libyaml knows the place of a bad character only as an offset. */
static int fail_reader(const Builder *b, Error *reterr)
{
        size_t end = b->parser.problem_offset, line = 1, column = 1;

        for (size_t i = 0; i < end && i < b->size; i++) {
                if ((b->data[i] & 0xc0) != 0x80)
                        column++;
                if (b->data[i] == '\n') {
                        line++;
                        column = 1;
                }
        }
        return fail_at(reterr, -EBADMSG, line, column, b->parser.problem);
}

static int fail_parser(const Builder *b, Error *reterr)
{
        const yaml_parser_t *parser = &b->parser;

        if (parser->error == YAML_MEMORY_ERROR)
                xcheck(NULL);
        if (parser->error == YAML_READER_ERROR)
                return fail_reader(b, reterr);
        return fail_at(reterr, -EBADMSG, parser->problem_mark.line + 1,
                parser->problem_mark.column + 1, parser->problem);
}

/* Marks count characters. Scalars come in the order of the text, so one cursor goes through it
 * once; were a mark to lie behind it, the search starts over. */
static size_t byte_of(Builder *b, size_t character)
{
        if (character < b->character)
                b->byte = b->character = 0;
        for (; b->byte < b->size; b->byte++) {
                if ((b->data[b->byte] & 0xc0) == 0x80)
                        continue;
                if (b->character == character)
                        break;
                b->character++;
        }
        return b->byte;
}

static YamlNode *last_node(Builder *b)
{
        return &b->tree->nodes[b->tree->n_nodes - 1];
}

static char *dup_text(const unsigned char *text)
{
        return xstrdup((const char *)text);
}

static int append(Builder *b, YamlKind kind, const yaml_event_t *event, const unsigned char *anchor,
        const unsigned char *tag, Error *reterr)
{
        YamlTree *tree = b->tree;
        size_t line = event->start_mark.line + 1, column = event->start_mark.column + 1;

        if (tree->n_nodes >= YAML_NODES_MAX)
                return fail_at(reterr, -E2BIG, line, column, "too many nodes");
        if (tree->n_nodes >= b->allocated) {
                b->allocated = b->allocated ? b->allocated * 2 : 64;
                tree->nodes = xreallocarray(tree->nodes, b->allocated, sizeof(*tree->nodes));
        }
        tree->nodes[tree->n_nodes] = (YamlNode){
                .kind = kind,
                .line = line,
                .column = column,
                .anchor = dup_text(anchor),
                .tag = dup_text(tag),
                .after = tree->n_nodes + 1,
        };
        tree->n_nodes++;
        return 0;
}

static int append_scalar(Builder *b, const yaml_event_t *event, Error *reterr)
{
        size_t length = event->data.scalar.length;
        YamlNode *scalar;
        int r;

        r = append(b, YAML_KIND_SCALAR, event, event->data.scalar.anchor, event->data.scalar.tag,
                reterr);
        if (r < 0)
                return r;
        scalar = last_node(b);
        scalar->style = event->data.scalar.style;
        scalar->start = byte_of(b, event->start_mark.index);
        scalar->end = byte_of(b, event->end_mark.index);
        scalar->length = length;
        scalar->text = xmalloc(length + 1);
        memcpy(scalar->text, event->data.scalar.value, length);
        scalar->text[length] = 0;
        return 0;
}

static int append_alias(Builder *b, const yaml_event_t *event, Error *reterr)
{
        int r;

        r = append(b, YAML_KIND_ALIAS, event, NULL, NULL, reterr);
        if (r < 0)
                return r;
        last_node(b)->text = dup_text(event->data.alias.anchor);
        last_node(b)->length = strlen(last_node(b)->text);
        return 0;
}

static int open_collection(Builder *b, YamlKind kind, const yaml_event_t *event,
        const unsigned char *anchor, const unsigned char *tag, Error *reterr)
{
        if (b->depth >= YAML_DEPTH_MAX)
                return fail_at(reterr, -E2BIG, event->start_mark.line + 1,
                        event->start_mark.column + 1, "nested too deep");
        b->open[b->depth++] = b->tree->n_nodes;
        return append(b, kind, event, anchor, tag, reterr);
}

static int close_collection(Builder *b)
{
        b->tree->nodes[b->open[--b->depth]].after = b->tree->n_nodes;
        return 0;
}

static int take_event(Builder *b, const yaml_event_t *event, Error *reterr)
{
        switch (event->type) {
        case YAML_SCALAR_EVENT:
                return append_scalar(b, event, reterr);
        case YAML_ALIAS_EVENT:
                return append_alias(b, event, reterr);
        case YAML_SEQUENCE_START_EVENT:
                return open_collection(b, YAML_KIND_SEQUENCE, event,
                        event->data.sequence_start.anchor, event->data.sequence_start.tag, reterr);
        case YAML_MAPPING_START_EVENT:
                return open_collection(b, YAML_KIND_MAPPING, event,
                        event->data.mapping_start.anchor, event->data.mapping_start.tag, reterr);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                return close_collection(b);
        default:
                return 0;
        }
}

/* Scalars may be keys: none stays behind in freed memory. */
static void delete_event(yaml_event_t *event)
{
        if (event->type == YAML_SCALAR_EVENT)
                explicit_bzero(event->data.scalar.value, event->data.scalar.length);
        yaml_event_delete(event);
}

/* Reads no further than the start of a second document, as client-go and the kubelet do. */
static bool is_end(Builder *b, const yaml_event_t *event)
{
        if (event->type != YAML_DOCUMENT_START_EVENT || b->tree->n_nodes == 0)
                return event->type == YAML_STREAM_END_EVENT;
        b->tree->second_line = event->start_mark.line + 1;
        return true;
}

static int take_events(Builder *b, Error *reterr)
{
        for (bool end = false; !end;) {
                yaml_event_t event;
                int r;

                if (!yaml_parser_parse(&b->parser, &event))
                        return fail_parser(b, reterr);
                end = is_end(b, &event);
                r = take_event(b, &event, reterr);
                delete_event(&event);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_utf16(const unsigned char *data, size_t size)
{
        return size >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0);
}

/* libyaml compares each %TAG with all before it, which a hostile file could make last for hours. */
static int check_directives(const Builder *b, Error *reterr)
{
        size_t n = 0;

        for (size_t i = 0; i < b->size; i++)
                if (b->data[i] == '%' && (i == 0 || b->data[i - 1] < ' ' || b->data[i - 1] >= 0x80))
                        n++;
        if (n > DIRECTIVES_MAX)
                return error_set(
                        reterr, -E2BIG, "more than %d lines begin with %%", DIRECTIVES_MAX);
        return 0;
}

/* Places were counted without the byte order mark. */
static void shift_places(YamlTree *tree, size_t by)
{
        for (size_t i = 0; i < tree->n_nodes; i++) {
                tree->nodes[i].start += by;
                tree->nodes[i].end += by;
        }
}

/* What libyaml still holds of the text may be a key. */
static void delete_parser(yaml_parser_t *parser)
{
        explicit_bzero(parser->raw_buffer.start,
                (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
        explicit_bzero(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
        yaml_parser_delete(parser);
}

int yaml_tree_parse(const void *data, size_t size, YamlTree **ret, Error *reterr)
{
        autoptr(YamlTree) tree = xcalloc(1, sizeof(*tree));
        Builder b = {.tree = tree, .data = data, .size = size};
        size_t skip = 0;
        int r;

        if (size > FS_SIZE_MAX)
                return error_set(reterr, -EFBIG, "larger than %zu bytes", FS_SIZE_MAX);
        if (is_utf16(data, size))
                return fail_at(reterr, -EOPNOTSUPP, 1, 1, "UTF-16 is not supported, UTF-8 is");
        if (size >= sizeof(byte_order_mark) &&
                memcmp(data, byte_order_mark, sizeof(byte_order_mark)) == 0)
                skip = sizeof(byte_order_mark);
        tree->data = data;
        b.data += skip;
        b.size -= skip;
        if (!yaml_parser_initialize(&b.parser))
                xcheck(NULL);
        yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&b.parser, b.data, b.size);
        r = check_directives(&b, reterr);
        if (r >= 0)
                r = take_events(&b, reterr);
        delete_parser(&b.parser);
        if (r < 0)
                return r;
        if (tree->n_nodes == 0)
                return fail_at(reterr, -EBADMSG, 1, 1, "an empty document");
        shift_places(tree, skip);
        *ret = TAKE(tree);
        return 0;
}
