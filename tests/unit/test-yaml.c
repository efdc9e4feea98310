/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/json.h"
#include "base/yaml.h"

#include <yaml.h>

/* A scalar as a reader takes it: with quotes it is text, without it may be something else. */
static json_t *scalar_to_json(const yaml_node_t *node)
{
        const char *text = (const char *)node->data.scalar.value;
        json_t *json = NULL;

        if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
                json = json_loads(text, JSON_DECODE_ANY, NULL);
        return json ? json : json_string(text);
}

static json_t *node_to_json(yaml_document_t *document, const yaml_node_t *node)
{
        json_t *json;

        assert_non_null(node);
        if (node->type == YAML_SCALAR_NODE)
                return scalar_to_json(node);
        if (node->type == YAML_SEQUENCE_NODE) {
                json = json_array();
                for (yaml_node_item_t *i = node->data.sequence.items.start;
                        i < node->data.sequence.items.top; i++)
                        json_array_append_new(
                                json, node_to_json(document, yaml_document_get_node(document, *i)));
                return json;
        }
        json = json_object();
        for (yaml_node_pair_t *i = node->data.mapping.pairs.start; i < node->data.mapping.pairs.top;
                i++) {
                const yaml_node_t *key = yaml_document_get_node(document, i->key);

                json_object_set_new(json, (const char *)key->data.scalar.value,
                        node_to_json(document, yaml_document_get_node(document, i->value)));
        }
        return json;
}

/* What libyaml makes of our text. */
static json_t *read_back(const char *text)
{
        yaml_parser_t parser;
        yaml_document_t document;
        json_t *json;

        assert_true(yaml_parser_initialize(&parser));
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
        if (!yaml_parser_load(&parser, &document))
                fail_msg("%s in:\n%s", parser.problem, text);
        json = node_to_json(&document, yaml_document_get_root_node(&document));
        yaml_document_delete(&document);
        yaml_parser_delete(&parser);
        return json;
}

static void check_value(const json_t *json)
{
        autofree char *text = yaml_text(json);
        autoptr(json_t) again = read_back(text);

        if (!json_equal(json, again))
                fail_msg("not the same value:\n%s", text);
}

static void test_block_style(void **state)
{
        static const struct {
                const char *json, *yaml;
        } table[] = {
                {"null", "null\n"},
                {"[]", "[]\n"},
                {"{}", "{}\n"},
                {"-12", "-12\n"},
                {"\"a b\"", "a b\n"},
                {"[\"a\", true, 1.5]", "- a\n- true\n- 1.5\n"},
                {"{\"b\": [], \"a\": {}}", "a: {}\nb: []\n"},
                {"{\"b\": [\"x\", \"z\"], \"a\": {\"c\": null}}",
                        "a:\n  c: null\nb:\n  - x\n  - z\n"},
                {"[{\"b\": 1, \"a\": [{\"c\": 2}]}, {\"d\": \"\"}]",
                        "- a:\n    - c: 2\n  b: 1\n- d: \"\"\n"},
                {"[[1, [2, []]], [{\"a\": [[3]]}]]",
                        "- - 1\n  - - 2\n    - []\n- - a:\n      - - 3\n"},
                {"{\"on\": 1, \"1\": 2, \"a: b\": 3}", "\"1\": 2\n\"a: b\": 3\n\"on\": 1\n"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(json_t) json = json_loads(table[i].json, JSON_DECODE_ANY, NULL);
                autofree char *text = yaml_text(json);

                assert_string_equal(text, table[i].yaml);
                check_value(json);
        }
}

/* What a reader of YAML 1.1 would not take for text without quotes. */
static void test_ambiguous_text_is_quoted(void **state)
{
        static const char *const words[] = {"", " ", "~", "y", "N", "yes", "No", "on", "OFF",
                "True", "false", "null", "NULL", "1", "-1", "0x1F", "0o7", "1e3", ".5", ".inf",
                ".NaN", "1:30", "12:30:45", "2027-11-11", "2027-11-11T23:26:00Z", "1_000", "=",
                "<<", "a: b", "a:", ":a", "a #b", "#a", " a", "a ", "- a", "-", "---", "...", "?",
                "? a", "[a]", "{a}", "a, [b", "&a", "*a", "!a", "|", ">", "'a'", "\"a\"", "%a",
                "@a", "`a`", "a\nb", "a\tb", "a\\b", "\xc3\xa9"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                autoptr(json_t) json = json_string(words[i]);
                autofree char *text = yaml_text(json);

                if (text[0] != '"')
                        fail_msg("'%s' has no quotes: %s", words[i], text);
                check_value(json);
        }
}

static void test_ordinary_text_is_plain(void **state)
{
        static const char *const words[] = {"apiserver", "NOT LOADED",
                "admin.conf/kubernetes-admin", "/etc/kubernetes/pki/apiserver.crt", "DNS:cp-1",
                "CN=kube-apiserver,O=x", "RSA-2048", "expires in 10 days; it's due",
                "etcd/ca.crt (old)", "IP:2001:db8::1"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                autoptr(json_t) json = json_string(words[i]);
                autofree char *text = yaml_text(json);
                autofree char *expected = xasprintf("%s\n", words[i]);

                assert_string_equal(text, expected);
                check_value(json);
        }
}

/* YAML is stricter than JSON about what may stand in a text, and breaks lines at more of it. */
static void test_every_character_survives(void **state)
{
        static const char *const texts[] = {"\x01\x1f\x7f", "\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0",
                "a\xe2\x80\xa8"
                "b\xe2\x80\xa9"
                "c",
                "\xef\xbb\xbf", "\xef\xbf\xbe\xef\xbf\xbf",
                "\xef\xbf\xbd \xf0\x9f\x94\x91 \xe6\xbc\xa2", "\xf4\x8f\xbf\xbd", "a\rb\r\nc"};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(json_t) json = json_pack("{s:s, s:[s]}", "a", texts[i], "b", texts[i]);

                assert_non_null(json);
                check_value(json);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_block_style),
                cmocka_unit_test(test_ambiguous_text_is_quoted),
                cmocka_unit_test(test_ordinary_text_is_plain),
                cmocka_unit_test(test_every_character_survives),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
