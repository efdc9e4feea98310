/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The scene of a crash for a test that is not written in C (tests/crash/powerloss.py).
 *
 *     judge TREE AT few|all
 *
 * Prints the root of the scene, then answers each line of its input, the name of something to do
 * or to check (sweep.h), with "ok" or "not ok"; what does not hold comes before it as comments. */

#include "sweep.h"

typedef struct Question {
        const char *name;
        bool (*check)(const Scene *scene, const char *where);
        void (*act)(Scene *scene);
} Question;

static const Question questions[] = {
        {.name = "reset", .act = scene_reset},
        {.name = "remember", .act = scene_remember},
        {.name = "readers", .check = scene_check_readers},
        {.name = "remembered", .check = scene_check_remembered},
        {.name = "whole", .check = scene_check_whole},
        {.name = "renewed", .check = scene_check_renewed},
        {.name = "backups", .check = scene_check_backups},
};

static bool answer(Scene *scene, const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(questions); i++) {
                const Question *question = &questions[i];

                if (!streq(question->name, name))
                        continue;
                if (question->act)
                        question->act(scene);
                return !question->check || question->check(scene, "the loss of power");
        }
        printf("# nobody knows '%s'\n", name);
        return false;
}

int main(int argc, char **argv)
{
        char line[64];

        if (argc != 4) {
                fprintf(stderr, "usage: %s TREE AT few|all\n", argv[0]);
                return 2;
        }
        Scene scene = scene_new(argv[1], argv[2], streq(argv[3], "few"));

        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("%s\n", scene.root);
        while (fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\n")] = 0;
                printf("%s\n", answer(&scene, line) ? "ok" : "not ok");
        }
        scene_free(&scene);
        return 0;
}
