/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/json.h"
#include "base/yaml.h"
#include "kube/yaml-tree.h"

#include <assert.h>

static void compare(const YamlTree *tree, const YamlNode *node, const json_t *json);

/* A word without quotes that YAML 1.1 takes for a number or a date would not begin like one. */
static void compare_scalar(const YamlNode *node, const json_t *json)
{
        assert(node->kind == YAML_KIND_SCALAR && !node->tag && !node->anchor);
        if (json_is_string(json)) {
                assert(node->length == json_string_length(json));
                assert(memcmp(node->text, json_string_value(json), node->length) == 0);
                assert(node->style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ||
                        (node->length > 0 && !strchr("0123456789.+-~", node->text[0])));
                return;
        }
        autofree char *text = xcheck(json_dumps(json, JSON_ENCODE_ANY));

        assert(node->style == YAML_PLAIN_SCALAR_STYLE && streq(node->text, text));
}

static void compare_object(const YamlTree *tree, const YamlNode *node, const json_t *json)
{
        size_t n = 0;

        assert(node->kind == YAML_KIND_MAPPING);
        for (const YamlNode *key = yaml_first(tree, node), *value; key;
                key = yaml_next(tree, node, value), n++) {
                value = yaml_next(tree, node, key);
                compare(tree, value, xcheck(json_object_get(json, key->text)));
        }
        assert(n == json_object_size(json));
}

static void compare_array(const YamlTree *tree, const YamlNode *node, const json_t *json)
{
        const YamlNode *item = yaml_first(tree, node);

        assert(node->kind == YAML_KIND_SEQUENCE);
        for (size_t i = 0; i < json_array_size(json); i++, item = yaml_next(tree, node, item))
                compare(tree, item, json_array_get(json, i));
        assert(!item);
}

static void compare(const YamlTree *tree, const YamlNode *node, const json_t *json)
{
        assert(node);
        if (json_is_object(json))
                compare_object(tree, node, json);
        else if (json_is_array(json))
                compare_array(tree, node, json);
        else
                compare_scalar(node, json);
}

/* --output=yaml says what --output=json says, whatever names and texts of outside are in it. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(json_t) json = NULL;
        autoptr(YamlTree) tree = NULL;
        autofree char *text = NULL;
        Error error = {};
        int r;

        if (json_read(data, size, &json, NULL) < 0)
                return 0;
        text = yaml_text(json);
        r = yaml_tree_parse(text, strlen(text), &tree, &error);
        if (r == -E2BIG)
                return 0;
        if (r < 0) {
                fprintf(stderr, "%s\n%s\n", error.text, text);
                abort();
        }
        assert(tree->second_line == 0);
        compare(tree, yaml_root(tree), json);
        return 0;
}
