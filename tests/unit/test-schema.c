/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/event/alarm-types.h"
#include "renew/report/row.h"
#include "renew/restart/verify.h"

/* share/schema/NAME.schema.json */
static json_t *schema_read(const char *name)
{
        autofree char *path = xasprintf("%s/share/schema/%s.schema.json", getenv("SRCDIR"), name);
        json_error_t error;
        json_t *schema = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

        if (!schema)
                fail_msg("%s: line %d: %s", path, error.line, error.text);
        return schema;
}

/* What is at "properties.type.enum". */
static const json_t *at(const json_t *json, const char *dotted)
{
        autofree char *copy = xstrdup(dotted);
        char *rest = copy, *key;

        while ((key = strsep(&rest, ".")))
                json = json_object_get(json, key);
        if (!json)
                fail_msg("the schema has no %s", dotted);
        return json;
}

static bool has_text(const json_t *array, const char *text)
{
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *value = json_string_value(json_array_get(array, i));

                if (value && streq(value, text))
                        return true;
        }
        return false;
}

/* The enumeration has these words, each once, and no others but null. */
static void assert_words(const json_t *enumeration, char *const *words)
{
        size_t n = 0;

        for (; words[n]; n++)
                if (!has_text(enumeration, words[n]))
                        fail_msg("the schema does not know '%s'", words[n]);
        for (size_t i = 0; i < json_array_size(enumeration); i++) {
                const char *value = json_string_value(json_array_get(enumeration, i));

                if (value && !strv_contains(words, value))
                        fail_msg("the program does not know '%s'", value);
        }
        assert_true(json_array_size(enumeration) - n <= 1);
}

static const char *type_name(int type)
{
        return alarm_type_info((AlarmType)type)->name;
}

static const char *severity_name(int severity)
{
        return alarm_severity_name((AlarmSeverity)severity);
}

static const char *state_word(int state)
{
        return state_name((State)state);
}

static const char *due_word(int reason)
{
        return due_reason_name((DueReason)reason);
}

static const char *outcome_word(int outcome)
{
        return outcome_name((Outcome)outcome);
}

static const char *proof_word(int kind)
{
        return proof_kind_name((ProofKind)kind);
}

static const struct {
        const char *schema, *place;
        int max;
        const char *(*name_of)(int);
} enumerations[] = {
        {"alarm", "properties.type.enum", N_ALARM_TYPES, type_name},
        {"alarm", "properties.severity.enum", N_ALARM_SEVERITIES, severity_name},
        {"check", "definitions.certificate.properties.status.enum", N_STATES, state_word},
        {"definitions", "definitions.dueReason.enum", DUE_REQUESTED + 1, due_word},
        {"definitions", "definitions.outcome.enum", OUTCOME_PENDING + 1, outcome_word},
        {"verify", "items.properties.proof.enum", PROOF_MADE + 1, proof_word},
};

static void test_enumerations_are_those_of_the_program(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(enumerations); i++) {
                autoptr(json_t) schema = schema_read(enumerations[i].schema);
                autostrv words = NULL;

                print_message("# %s %s\n", enumerations[i].schema, enumerations[i].place);
                for (int word = 0; word < enumerations[i].max; word++)
                        strv_add(&words, enumerations[i].name_of(word));
                assert_words(at(schema, enumerations[i].place), words);
        }
}

/* What the table of alarms says is what the schema allows. */
static void test_event_types_of_alarms(void **state)
{
        autoptr(json_t) schema = schema_read("alarm");
        const json_t *event_types = at(schema, "properties.event_type.enum");

        for (AlarmType type = 0; type < N_ALARM_TYPES; type++)
                assert_true(has_text(event_types, alarm_type_info(type)->event_type));
}

/* Every member is required, described, and written. */
static void assert_members(const json_t *schema, const json_t *object)
{
        const json_t *required = at(schema, "required"), *properties = at(schema, "properties");
        const char *key;
        json_t *value;

        assert_true(json_is_false(at(schema, "additionalProperties")));
        json_object_foreach((json_t *)object, key, value)
        {
                if (!has_text(required, key) || !json_object_get(properties, key))
                        fail_msg("the schema does not know '%s'", key);
        }
        assert_int_equal(json_array_size(required), json_object_size(object));
        assert_int_equal(json_object_size(properties), json_object_size(object));
}

static void test_members_are_those_that_are_written(void **state)
{
        Row row = {.name = (char *)"ca"};
        const Rows rows = {&row, 1};
        const Alarm alarm = {.type = (char *)"expired"};
        autoptr(json_t) alarm_schema = schema_read("alarm");
        autoptr(json_t) check_schema = schema_read("check");
        autoptr(json_t) written_alarm = alarm_to_json(&alarm);
        autoptr(json_t) written_rows = rows_to_json(&rows);

        assert_members(alarm_schema, written_alarm);
        assert_members(
                at(check_schema, "definitions.certificate"), json_array_get(written_rows, 0));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_enumerations_are_those_of_the_program),
                cmocka_unit_test(test_event_types_of_alarms),
                cmocka_unit_test(test_members_are_those_that_are_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
