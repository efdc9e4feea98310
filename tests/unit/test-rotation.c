/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/inventory/rotation.h"
#include "scratch.h"

#define NOW    ((int64_t)1825975560) /* 2027-11-11T23:26:00Z */
#define LINK   "/pki/kubelet-client-current.pem"
#define OLD    "/pki/kubelet-client-2026-11-11-23-26-00.pem"
#define NEW    "kubelet-client-2027-11-11-23-26-00.pem"
#define RECORD "state/kubelet-rotation.json"

/* The kubelet's directory; where the link is, NULL for none. */
static void make_host(bool is_link)
{
        assert_int_equal(mkdir("pki", 0755), 0);
        assert_int_equal(mkdir("state", 0755), 0);
        put(is_link ? &OLD[1] : &LINK[1], "old");
        if (is_link)
                assert_int_equal(symlink(OLD, &LINK[1]), 0);
}

static int swap(Error *reterr)
{
        Secret content = {(unsigned char *)"new", 3};

        return rotation_swap(&(Rotation){.root_fd = root_fd,
                                     .state_directory = "/state",
                                     .link = LINK,
                                     .content = &content,
                                     .now = NOW},
                reterr);
}

static char *recover(void)
{
        char *note = NULL;
        Error error = {};

        if (rotation_recover(root_fd, "/state", &note, &error) < 0)
                fail_msg("%s", error.text);
        return note;
}

/* Names in the kubelet's directory, with blanks between. */
static void assert_names(const char *expected)
{
        autostrv names = NULL;
        autofree char *text = NULL;

        assert_int_equal(fs_list(root_fd, "/pki", &names, NULL), 0);
        text = strv_join(names, " ");
        assert_string_equal(text, expected);
        assert_int_equal(access(RECORD, F_OK), -1);
}

static void assert_leads_to(const char *target)
{
        char text[PATH_MAX] = "";

        assert_true(readlink(&LINK[1], text, sizeof(text) - 1) > 0);
        assert_string_equal(text, target);
}

static void test_t42_the_link_leads_to_the_new_file(void **state)
{
        struct stat st;
        Error error = {};

        make_host(true);
        assert_int_equal(swap(&error), 0);
        assert_leads_to("/pki/" NEW);
        assert_content(LINK, "new");
        assert_content(OLD, "old");
        assert_int_equal(stat("pki/" NEW, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_names("kubelet-client-2026-11-11-23-26-00.pem " NEW " kubelet-client-current.pem");
        assert_null(recover());

        assert_int_equal(swap(&error), -EEXIST);
        assert_string_equal(error.text, "'/pki/" NEW "' is there already");
        assert_content(LINK, "new");
}

static void test_t42_a_plain_file_becomes_a_link_and_is_kept(void **state)
{
        make_host(false);
        assert_int_equal(swap(NULL), 0);
        assert_leads_to("/pki/" NEW);
        assert_content(LINK, "new");
        assert_content("/pki/kubelet-client-2027-11-11-23-26-00-replaced.pem", "old");
        assert_names("kubelet-client-2027-11-11-23-26-00-replaced.pem " NEW
                     " kubelet-client-current.pem");
}

static void test_t42_nothing_there_is_no_hindrance(void **state)
{
        make_host(true);
        assert_int_equal(unlink(&LINK[1]), 0);
        assert_int_equal(swap(NULL), 0);
        assert_leads_to("/pki/" NEW);
}

/* What fails in the middle leaves everything as it was. */
static void test_a_failure_is_undone(void **state)
{
        Error error = {};

        make_host(true);
        assert_int_equal(unlink(&LINK[1]), 0);
        assert_int_equal(mkdir(&LINK[1], 0755), 0);
        assert_int_equal(swap(&error), -EINVAL);
        assert_string_equal(error.text, "'" LINK "' is neither a link nor a file");
        assert_names("kubelet-client-2026-11-11-23-26-00.pem kubelet-client-current.pem");
}

static void write_record(const char *link, const char *file)
{
        autofree char *text = xasprintf(
                "{\"schema_version\": 1, \"link\": \"%s\", \"file\": \"%s\"}", link, file);

        put(RECORD, text);
}

/* All that a crash may leave, one thing more each time; the last one is that the link is swapped.
 */
static void test_t36_recovery_after_each_step(void **state)
{
        static const char *const left[] = {
                NULL, "pki/." NEW ".new", "pki/" NEW, "pki/.kubelet-client-current.pem.new"};

        make_host(true);
        for (size_t n = 0; n <= ELEMENTSOF(left); n++) {
                autofree char *note = NULL;

                write_record(LINK, NEW);
                for (size_t i = 1; i <= n && i < ELEMENTSOF(left); i++)
                        put(left[i], "secret");
                if (n == ELEMENTSOF(left)) {
                        assert_int_equal(unlink(left[3]), 0);
                        assert_int_equal(unlink(left[1]), 0);
                        assert_int_equal(unlink(&LINK[1]), 0);
                        assert_int_equal(symlink("/pki/" NEW, &LINK[1]), 0);
                }
                note = recover();
                if (n < ELEMENTSOF(left)) {
                        assert_string_equal(note, "'" LINK "' is as it was, '" NEW "' is removed");
                        assert_content(LINK, "old");
                        assert_names("kubelet-client-2026-11-11-23-26-00.pem "
                                     "kubelet-client-current.pem");
                } else {
                        assert_string_equal(note, "'" LINK "' leads to '" NEW "'");
                        assert_content(LINK, "secret");
                }
                assert_null(recover());
        }
}

static void test_t36_recovery_of_a_plain_file(void **state)
{
        const char *replaced = "pki/kubelet-client-2027-11-11-23-26-00-replaced.pem";
        autofree char *note = NULL;

        make_host(false);
        write_record(LINK, NEW);
        put("pki/" NEW, "secret");
        assert_int_equal(link(&LINK[1], replaced), 0);
        note = recover();
        assert_string_equal(note, "'" LINK "' is as it was, '" NEW "' is removed");
        assert_content(LINK, "old");
        assert_names("kubelet-client-current.pem");
}

/* A record names nothing but what a rotation makes; what is gone altogether needs no recovery. */
static void test_odd_records(void **state)
{
        static const struct {
                const char *link, *file;
        } table[] = {
                {LINK, "../state/x.pem"},
                {LINK, "admin.conf"},
                {LINK, "other-2027.pem"},
                {LINK, "kubelet-client"},
                {LINK, "kubelet-client-current.pem"},
                {LINK, "kubelet-client-2027-11-11-23-26-00-replaced.pem"},
                {LINK, "kubelet-client-2027-11-11-23-26-0x.pem"},
                {"pki/kubelet-client-current.pem", NEW},
                {"/pki/kubelet-client.pem", NEW},
        };
        Error error = {};
        char *note = NULL;

        make_host(true);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                write_record(table[i].link, table[i].file);
                if (rotation_recover(root_fd, "/state", &note, &error) != -EBADMSG)
                        fail_msg("%s %s", table[i].link, table[i].file);
                assert_string_equal(
                        error.text, "'/state/kubelet-rotation.json' is no record of a rotation");
        }
        write_record("/nowhere/kubelet-client-current.pem", NEW);
        assert_null(recover());
        assert_int_equal(access(RECORD, F_OK), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t42_the_link_leads_to_the_new_file),
                SCRATCH_TEST(test_t42_a_plain_file_becomes_a_link_and_is_kept),
                SCRATCH_TEST(test_t42_nothing_there_is_no_hindrance),
                SCRATCH_TEST(test_a_failure_is_undone),
                SCRATCH_TEST(test_t36_recovery_after_each_step),
                SCRATCH_TEST(test_t36_recovery_of_a_plain_file),
                SCRATCH_TEST(test_odd_records),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
