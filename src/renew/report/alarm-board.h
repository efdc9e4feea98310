/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The alarm files of this host as one board with two sides: active alarms in public/alarms/, and in
 * public/shelved/ those that Shelve= of the configuration names (RFC 8632).
 *
 *     AlarmBoard board = {.input = input};
 *     alarm_board_adopt(&board);                                 what somebody else has raised
 *     alarm_board_sort(&board);                                  each to the side it belongs to
 *     alarm_board_raise(&board, ALARM_TYPE_EXPIRED, "apiserver", &finding);
 *     alarm_board_clear(&board, alarm, "why");
 *     if (board.r < 0) ... board.error
 *
 * Every change has its event in the journal. Goes on after a file that cannot be written; the first
 * failure is kept. Which fault raises which alarm is renew/report/report.h. */

#include "renew/report/evidence.h"

typedef enum AlarmSide {
        ALARMS_ACTIVE,
        ALARMS_SHELVED,
        N_ALARM_SIDES,
} AlarmSide;

typedef struct AlarmBoard {
        const ReportInput *input;
        int r; /* 0, or what the first failure was */
        Error error;
} AlarmBoard;

/* Does Shelve= name it? */
bool alarm_is_shelved(const Config *config, const char *type, const char *resource);

/* Puts in its place what could not be written there when it was raised for us:
 * renew/state/reported.h. */
void alarm_board_adopt(AlarmBoard *board);

/* Moves what Shelve= names now, or names no longer; an alarm keeps its age and its count. */
void alarm_board_sort(AlarmBoard *board);

void alarm_board_raise(
        AlarmBoard *board, AlarmType type, const char *resource, const Finding *finding);

/* With the words of its type. Takes the reason. */
void alarm_board_raise_plain(AlarmBoard *board, AlarmType type, const char *resource, char *reason);

/* Wherever it is. */
void alarm_board_clear(AlarmBoard *board, const char *type, const char *resource, const char *why);

/* The alarms on one side, on the active one with those that wait for their place; *ret stays where
 * they cannot be listed. */
void alarm_board_list(AlarmBoard *board, AlarmSide side, AlarmList **ret);

/* The same without a board. */
int alarm_side_read(
        int root_fd, const Config *config, AlarmSide side, AlarmList **ret, Error *reterr) MUST_USE;
