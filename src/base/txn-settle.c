/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/txn-internal.h"

#include "base/fs-internal.h"

#include <fcntl.h>

/* What is found under a name, by content. */
typedef enum Seen {
        SEEN_MISSING,
        SEEN_OLD,
        SEEN_NEW,
        SEEN_FOREIGN, /* bytes that are neither old nor new */
        SEEN_ALIEN,   /* no regular file of a sane size, or its directory is gone */
} Seen;

typedef struct Side {
        Seen seen;
        FileImage *image; /* NULL for MISSING and ALIEN */
} Side;

typedef struct Member {
        TxnFile *file;
        Side target, temporary;
        FileImage *copy; /* old content from the backup, where it is nowhere else */
} Member;

/* What a pair shall become, as a whole. */
typedef enum Goal {
        GOAL_AS_IS,
        GOAL_NEW,
        GOAL_OLD,
        GOAL_BEFORE, /* as if we had never been here: foreign bytes where there are any, else old */
} Goal;

typedef struct Members {
        Member *list;
        size_t n;
} Members;

static void members_done(Members *members)
{
        for (size_t i = 0; i < members->n; i++) {
                file_image_free(members->list[i].target.image);
                file_image_free(members->list[i].temporary.image);
                file_image_free(members->list[i].copy);
        }
        free(members->list);
}

static Seen judge_content(const TxnFile *file, const FileImage *image)
{
        if (digest_equal(&image->digest, &file->new_digest))
                return SEEN_NEW;
        if (file->existed && digest_equal(&image->digest, &file->old_digest))
                return SEEN_OLD;
        return SEEN_FOREIGN;
}

static int look(const TxnFile *file, const char *name, Side *side, Error *reterr)
{
        int r = -EISDIR;

        if (file->directory_fd >= 0)
                r = fs_read_at(file->directory_fd, name, FS_SIZE_MAX, &side->image, reterr);
        switch (r) {
        case 0:
                side->seen = judge_content(file, side->image);
                return 0;
        case -ENOENT:
                side->seen = SEEN_MISSING;
                return 0;
        case -EISDIR:
        case -EINVAL:
        case -EFBIG:
        case -ELOOP:
                side->seen = SEEN_ALIEN;
                return 0;
        default:
                return error_prefix(reterr, r, "cannot judge '%s'", file->path);
        }
}

static int look_at_member(const TxnPair *pair, TxnFile *file, Member *member, Error *reterr)
{
        int r;

        member->file = file;
        r = look(file, file->name, &member->target, reterr);
        if (r >= 0)
                r = look(file, file->temporary, &member->temporary, reterr);
        if (r >= 0 && member->target.seen != SEEN_OLD && member->temporary.seen != SEEN_OLD)
                member->copy = txn_backup_load(pair->root_fd, pair->record, file);
        return r;
}

static bool target_is_disturbed(const Member *member)
{
        return member->target.seen == SEEN_FOREIGN || member->target.seen == SEEN_ALIEN ||
               (member->target.seen == SEEN_MISSING && member->file->existed);
}

static bool is_disturbed(const Member *member)
{
        return target_is_disturbed(member) || member->temporary.seen == SEEN_FOREIGN;
}

/* What the target shall hold: NULL for no file, the target's own digest for "as it is". */
typedef struct Want {
        bool as_is;
        const Digest *digest;
} Want;

static Want wanted(const Member *member, Goal goal)
{
        const TxnFile *file = member->file;

        if (goal == GOAL_AS_IS || member->target.seen == SEEN_ALIEN)
                return (Want){.as_is = true};
        if (goal == GOAL_NEW)
                return (Want){.digest = &file->new_digest};
        if (goal == GOAL_BEFORE && target_is_disturbed(member))
                return (Want){.as_is = true};
        if (goal == GOAL_BEFORE && member->temporary.seen == SEEN_FOREIGN)
                return (Want){.digest = &member->temporary.image->digest};
        return (Want){.digest = file->existed ? &file->old_digest : NULL};
}

/* Where those bytes are; NULL if nowhere, or if there shall be none. */
static const FileImage *find_bytes(const Member *member, Want want)
{
        const FileImage *const places[] = {
                member->target.image, member->temporary.image, member->copy};

        if (want.as_is)
                return member->target.image;
        for (size_t i = 0; want.digest && i < ELEMENTSOF(places); i++)
                if (places[i] && digest_equal(&places[i]->digest, want.digest))
                        return places[i];
        return NULL;
}

static bool is_reachable(const Member *member, Goal goal)
{
        Want want = wanted(member, goal);

        return want.as_is || !want.digest || find_bytes(member, want);
}

static bool all_reachable(const Members *members, Goal goal)
{
        for (size_t i = 0; i < members->n; i++)
                if (!is_reachable(&members->list[i], goal))
                        return false;
        return true;
}

static bool is_whole(const TxnPair *pair, const Members *members, Goal goal)
{
        autofree TxnMember *views = xcalloc(members->n, sizeof(TxnMember));

        if (!pair->judge || !pair->judge->is_whole)
                return false;
        for (size_t i = 0; i < members->n; i++) {
                const Member *member = &members->list[i];
                const FileImage *image = find_bytes(member, wanted(member, goal));

                views[i] = (TxnMember){.path = member->file->path,
                        .data = image ? image->data : NULL,
                        .size = image ? image->size : 0};
        }
        return pair->judge->is_whole(pair->judge->userdata, views, members->n);
}

static bool any(const Members *members, bool (*predicate)(const Member *member))
{
        for (size_t i = 0; i < members->n; i++)
                if (predicate(&members->list[i]))
                        return true;
        return false;
}

static bool is_out_of_reach(const Member *member)
{
        return member->target.seen == SEEN_ALIEN || member->file->swap_error < 0;
}

static Goal decide(const TxnPair *pair, const Members *members)
{
        /* 1. A member that cannot be swapped holds its pair back. */
        if (any(members, is_out_of_reach))
                return GOAL_BEFORE;

        /* 2. Whoever wrote a whole pair meanwhile knew what he did. */
        if (any(members, target_is_disturbed) && is_whole(pair, members, GOAL_AS_IS))
                return GOAL_AS_IS;
        if (any(members, is_disturbed) && is_whole(pair, members, GOAL_BEFORE))
                return GOAL_BEFORE;

        /* 3. Otherwise all new, or else all old, never some of each. */
        if (all_reachable(members, GOAL_NEW))
                return GOAL_NEW;
        return all_reachable(members, GOAL_OLD) ? GOAL_OLD : GOAL_AS_IS;
}

/* The entry for a path: each has one, however often we look. */
static TxnConflict *find_conflict(TxnOutcome *outcome, const char *path)
{
        for (size_t i = 0; i < outcome->n_conflicts; i++)
                if (streq(outcome->conflicts[i].path, path))
                        return &outcome->conflicts[i];
        outcome->conflicts =
                xreallocarray(outcome->conflicts, outcome->n_conflicts + 1, sizeof(TxnConflict));
        outcome->conflicts[outcome->n_conflicts] = (TxnConflict){.path = xstrdup(path)};
        return &outcome->conflicts[outcome->n_conflicts++];
}

static char *describe(const Member *member, Goal goal)
{
        static const char *const texts[] = {
                [GOAL_AS_IS] = "somebody else wrote it in the meantime, and that stands",
                [GOAL_BEFORE] = "somebody else wrote it in the meantime, and that stands",
                [GOAL_NEW] = "somebody else changed it in the meantime, and was overwritten",
                [GOAL_OLD] = "the new content is lost, so the old one is back",
        };

        if (member->file->swap_error < 0)
                return xasprintf("it cannot be replaced: %s", strerror(-member->file->swap_error));
        if (member->target.seen == SEEN_ALIEN)
                return xstrdup("it is no regular file any more, or its directory is gone");
        return xstrdup(texts[is_disturbed(member) ? goal : GOAL_OLD]);
}

static int note_conflict(const TxnPair *pair, const Member *member, Goal goal, Error *reterr)
{
        const FileImage *stays = find_bytes(member, wanted(member, goal));
        const Side *const sides[] = {&member->temporary, &member->target};
        TxnConflict *conflict = find_conflict(pair->outcome, member->file->path);

        conflict->adopted = is_disturbed(member) && !is_out_of_reach(member) &&
                            (goal == GOAL_AS_IS || goal == GOAL_BEFORE);
        conflict->replaced = goal == GOAL_NEW;
        free(conflict->text);
        conflict->text = describe(member, goal);
        for (size_t i = 0; i < ELEMENTSOF(sides); i++) {
                char *path;
                int r;

                if (sides[i]->seen != SEEN_FOREIGN || sides[i]->image == stays)
                        continue;
                r = txn_backup_displaced(
                        pair->root_fd, pair->record, member->file, sides[i]->image, &path, reterr);
                if (r < 0)
                        return r;
                free(conflict->displaced);
                conflict->displaced = path;
        }
        return 0;
}

static int note_conflicts(const TxnPair *pair, const Members *members, Goal goal, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < members->n; i++) {
                const Member *member = &members->list[i];

                if (is_disturbed(member) || member->file->swap_error < 0 ||
                        !is_reachable(member, GOAL_NEW))
                        r = note_conflict(pair, member, goal, reterr);
        }
        return r;
}

/* File systems without these flags get a plain rename: what it displaces is gone, but we have just
 * looked at it. */
static int swap(const TxnFile *file, const char *from, const char *to, unsigned flags)
{
        int fd = file->directory_fd;

        if (renameat2(fd, from, fd, to, flags) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        return renameat(fd, from, fd, to) < 0 ? -errno : 0;
}

static int clear_temporary(const Member *member)
{
        const TxnFile *file = member->file;

        if (unlinkat(file->directory_fd, file->temporary, 0) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

/* One step for one member. Foreign bytes have been saved by now. 0 nothing to do, 1 done. */
static int move(const Member *member, Goal goal, Error *reterr)
{
        const TxnFile *file = member->file;
        Want want = wanted(member, goal);
        const FileImage *source = find_bytes(member, want);
        int r = 0;

        /* 1. It may be there already, or the bytes may be nowhere. */
        if (want.as_is || (source && source == member->target.image) || (want.digest && !source) ||
                (!want.digest && member->target.seen == SEEN_MISSING))
                return 0;

        /* 2. Have the right bytes, or nothing, at the temporary name. */
        if (!source || source == member->copy)
                r = clear_temporary(member);
        if (r >= 0 && source && source == member->copy)
                r = txn_stage_file(file, source->data, source->size, false, reterr);

        /* 3. Swap. A live name is never unlinked: what must not exist is moved away. */
        if (r >= 0 && !source)
                r = swap(file, file->name, file->temporary, RENAME_NOREPLACE);
        else if (r >= 0)
                r = swap(file, file->temporary, file->name,
                        member->target.seen == SEEN_MISSING ? RENAME_NOREPLACE : RENAME_EXCHANGE);

        /* Somebody was quicker: look again. */
        if (r == -ENOENT || r == -EEXIST)
                return 1;
        return r < 0 ? error_errno(reterr, r, "cannot swap '%s'", file->path) : 1;
}

/* Swaps the members of a pair right after each other. */
static int move_all(const Members *members, Goal goal, bool *ret_acted, Error *reterr)
{
        for (size_t i = 0; i < members->n; i++) {
                int r = move(&members->list[i], goal, reterr);

                if (r < 0 && goal != GOAL_NEW)
                        return r;
                if (r < 0) /* the next look takes the pair back */
                        members->list[i].file->swap_error = r;
                if (r != 0)
                        *ret_acted = true;
                if (r < 0)
                        break;
        }
        return 0;
}

int txn_settle_pair(const TxnPair *pair, bool *ret_acted, Error *reterr)
{
        __attribute__((cleanup(members_done)))
        Members members = {.list = xcalloc(pair->n_files, sizeof(Member)), .n = pair->n_files};
        Goal goal;
        int r;

        /* 1. What is there? */
        for (size_t i = 0; i < members.n; i++) {
                r = look_at_member(pair, &pair->files[i], &members.list[i], reterr);
                if (r < 0)
                        return r;
        }

        /* 2. What shall be there? */
        goal = decide(pair, &members);

        /* 3. Nothing of somebody else's is lost, and everything of it is told. */
        r = note_conflicts(pair, &members, goal, reterr);

        /* 4. One step. */
        return r < 0 ? r : move_all(&members, goal, ret_acted, reterr);
}

static int was_swapped(const TxnFile *file, Error *reterr)
{
        autoptr(FileImage) target_image = NULL;
        autoptr(FileImage) temporary_image = NULL;
        Side target = {}, temporary = {};
        int r;

        r = look(file, file->name, &target, reterr);
        target_image = target.image;
        if (r >= 0)
                r = look(file, file->temporary, &temporary, reterr);
        temporary_image = temporary.image;
        return r < 0 ? r : target.seen == SEEN_NEW && temporary.seen == SEEN_OLD;
}

int txn_was_swapped(const TxnRecord *record, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < record->n_files; i++)
                r = was_swapped(&record->files[i], reterr);
        return r;
}
