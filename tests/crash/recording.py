# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every test of a loss of power shares: the scene, the program, one recorded run and its states.

    judge = Judge(...); program = Program(PROGRAM, judge.root, AT)
    class Something(Recording): def check(self, tree): ...
    points, complaints = Something(judge, argv).sweep(limit)
    complaint = Something(judge, argv).needs(sync)      without that call of fsync
"""

import datetime
import json
import os
import re
import subprocess
import sys

from disk import Sync, Trace, flatten, read_tree, without_locks

STATE = "/var/lib/kube-renewd"
OWES = 75


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def files_of(tree):
    """{path: bytes}"""
    return {row[0]: row[4] for row in tree if row[1] == 0o100000}


class Judge:
    """The scene and its invariants, in C: tests/crash/judge.c."""

    def __init__(self, judge, tree, at, due):
        self.process = subprocess.Popen([judge, tree, at, due], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.root = self.process.stdout.readline().strip()
        if not self.root.startswith("/"):
            raise RuntimeError(self.root)

    def ask(self, question):
        """What does not hold, or None."""
        self.process.stdin.write(question + "\n")
        text = ""
        for line in self.process.stdout:
            if line in ("ok\n", "not ok\n"):
                return None if line == "ok\n" else text.strip("\n")
            text += line
        raise RuntimeError("the judge has died: " + text)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Program:
    def __init__(self, program, root, at):
        self.root, self.arguments = root, [program, "--root=" + root, "--layout=kubeadm"]
        self.at = datetime.datetime.fromisoformat(at.rstrip("Z"))

    def argv(self, verb, earlier=0):
        at = (self.at - datetime.timedelta(hours=earlier)).isoformat() + "Z"
        return self.arguments + ([] if verb == ["recover"] else ["--at=" + at]) + verb

    @staticmethod
    def spawn(argv):
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False).returncode

    def run(self, verb, earlier=0):
        return self.spawn(self.argv(verb, earlier))


def half_written(tree):
    """I2 for our own files: whoever reads one at any time finds all of it."""
    for path, data in files_of(tree).items():
        name = os.path.basename(path)
        if not path.startswith(STATE + "/") or name.startswith(".") or "/backups/" in path:
            continue
        try:
            if name.endswith(".json") or name.startswith("transaction."):
                json.loads(data)
            elif name.endswith(".prom") and not data.endswith(b"\n"):
                return f"'{path}' is half written"
        except ValueError:
            return f"'{path}' is half written"
    return None


def claimed(tree):
    """What a program that has ended has said of its files: nothing of what the next writer uses up."""
    return tuple(row for row in without_locks(tree) if not re.search(STATE + r"/(.*/)?\.[^/]*\.(new|failure)$", row[0]))


def number_of(trace, kind, text):
    """The number, from 1, of the first event of a kind that has this text."""
    return 1 + next(i for i, event in enumerate(e for e in trace.events if e.text.split()[0] == kind)
                    if text in event.text)


class Recording:
    """One recorded run, and what must be true of every state of the disk that it may leave behind.
    before: makes what is on the disk for good. interrupted: a run that comes before it, (argv, faults to inject)."""

    def __init__(self, judge, argv, before=lambda: None, inject=(), interrupted=None):
        self.judge = judge
        judge.ask("reset")
        before()
        commands = [interrupted] if interrupted else []
        commands.append((argv() if callable(argv) else argv, inject))
        self.trace = Trace(judge.root, commands, os.path.join(judge.root, "..", "log"))
        self.begin, self.end = flatten(self.trace.start), self.trace.end()
        self.end_files = files_of(self.end)
        self.start_files = files_of(self.begin)
        self.verdicts = {}

    def glance(self, tree, ended):
        """What is wrong with a tree at first sight, or None. ended: the program had."""
        return (self.lost(tree) if ended else None) or half_written(tree) or self.silent(files_of(tree))

    def check(self, tree):
        """What does not hold after a reboot with this on the disk, or None."""
        raise NotImplementedError

    def lost(self, tree):
        """Nothing is lost that a program has claimed by ending."""
        rows = set(claimed(self.end)) ^ set(claimed(tree))
        return "it had ended, and this is lost: " + min(row[0] for row in rows) if rows else None

    def now(self):
        """What is on the disk after what was done since."""
        return flatten(read_tree(self.judge.root))

    def recover_twice(self, program):
        """The second time changes nothing."""
        status = program.run(["recover"])
        if status != 0:
            return f"recover ends in {status}"
        self.judge.ask("remember")
        program.run(["recover"])
        return self.judge.ask("remembered")

    def silent(self, files):
        """I7: a report that tells of alarms without their files."""
        for report in (STATE + "/public/status.json", STATE + "/reported"):
            if files.get(report) != self.end_files.get(report) or files.get(report) == self.start_files.get(report):
                continue
            for path, data in self.end_files.items():
                if path.startswith(STATE + "/public/alarms/") and files.get(path) != data:
                    return f"'{report}' is new, and '{path}' is not"
        return None

    def try_state(self, cut, how, tree, closely=True):
        """A complaint with its place, or None. The same state is judged once."""
        ended = cut == len(self.trace.events)
        key = hash((without_locks(tree), ended))
        complaint = self.verdicts.get(key) or self.glance(tree, ended)
        if closely and key not in self.verdicts:
            self.verdicts[key] = complaint = complaint or self.check(tree)
        return complaint and f"power lost after '{self.trace.events[cut - 1].text}', {how}: {complaint}"

    def sweep(self, limit):
        """(points, complaints) over all states, or about `limit` of them, evenly spread."""
        states = {}
        for cut, how, tree in self.trace.states():
            states.setdefault((without_locks(tree), cut == len(self.trace.events)), (cut, how, tree))
        chosen = list(states.values())
        if limit:
            chosen = chosen[:: -(-len(chosen) // limit)]
        complaints = [self.try_state(*state) for state in chosen]
        return len(chosen), [complaint for complaint in complaints if complaint]

    def needs(self, sync, closely=True):
        """What breaks without that call, or None. The latest states come first: they are worse. But for those
        of the very end, where every loss is one."""
        states = list(self.trace.states(sync))
        amid = [state for state in states if state[0] != len(self.trace.events)]
        for cut, how, tree in reversed(states[len(amid):] + amid):
            complaint = self.try_state(cut, how, tree, closely)
            if complaint:
                return complaint
        return None


class Tap:
    def __init__(self):
        self.count = self.points = self.failed = 0

    def result(self, text, points, complaints):
        self.count += 1
        self.points += points
        self.failed += len(complaints)
        print(f"{'not ok' if complaints else 'ok'} {self.count} - "
              f"T36 {text}: {points} points, {len(complaints)} failed")
        for complaint in complaints[:20]:
            print("# " + complaint.replace("\n", "\n# "))
        sys.stdout.flush()

    def done(self):
        print(f"# {self.points} points, {self.failed} failed\n1..{self.count}")
        return self.failed != 0


class Calls:
    """Which kinds of calls of fsync something needs, over all scenarios. One that a later call makes up for in
    one of them may be the last in another; one that is never needed has no business in the program."""

    def __init__(self):
        self.tried, self.breaks = 0, {}

    def drop_each(self, scenarios):
        """Looks at first sight in all of them before it looks closely in any: that takes a hundred times as long."""
        for closely in (False, True):
            for scenario in scenarios:
                for event in scenario.trace.events[scenario.trace.first:]:
                    if isinstance(event, Sync):
                        self.drop(scenario, event, closely)

    def drop(self, scenario, sync, closely):
        kind = re.sub(r"(\.kube-renewd-|backups/\.?[0-9TZ]+-)[0-9a-f]{32}|(/alarms/|rename )\S*", r"\1\2...", sync.text)
        if self.breaks.get(kind):
            return
        self.tried += 1
        self.breaks[kind] = scenario.needs(sync, closely)
        if os.environ.get("POWERLOSS_VERBOSE"):
            print(f"# without {kind}: {self.breaks[kind]}")

    def complaints(self):
        return [f"nothing breaks without {kind}" for kind, complaint in self.breaks.items() if not complaint]
