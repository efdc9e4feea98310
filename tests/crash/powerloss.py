#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""T36: the power is lost while the real program works.

    powerloss.py PROGRAM JUDGE TREE AT few|all [LIMIT]

Each scenario records what the program does to a control plane, and for every state of the disk that a reboot
may then find (disk.py says which) makes that state, recovers twice, lets the next night run, and holds the
invariants against each. Then each fsync(2) that the program has made is taken out of the record, one at a
time: now some state must break an invariant, or nothing needs that call. few: one pair and one kubeconfig
are due, all: everything is. With LIMIT, only about so many states of each run are tried, evenly spread, and
no call of a kind that is known to be needed.
"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

from disk import Op, Sync, Trace, flatten, read_tree, without_locks, write_tree

STATE = "/var/lib/kube-renewd"
COMMITTED, PREPARED = STATE + "/transaction.committed", STATE + "/transaction.prepared"
OWES = 75
AGAIN = 24  # states from which recovery is watched


def digest(data):
    return hashlib.sha256(data).hexdigest()


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

    def run(self, verb, earlier=0):
        return subprocess.run(self.argv(verb, earlier), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False).returncode


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


class Scenario:
    """One recorded run from one tree, and what must be true of every state it may leave behind."""

    def __init__(self, judge, program, verb, before, inject, then):
        self.judge, self.program, self.then = judge, program, then
        judge.ask("reset")
        pristine = files_of(flatten(read_tree(judge.root)))
        before()
        self.trace = Trace(judge.root, program.argv(verb), os.path.join(judge.root, "..", "log"), inject)
        self.end = self.trace.end()
        self.end_files = files_of(self.end)
        self.start_files = files_of(flatten(self.trace.start))
        self.record = self.find_record()
        found = COMMITTED in self.start_files or PREPARED in self.start_files
        self.before = pristine if found else self.start_files
        self.verdicts = {}

    def find_record(self):
        """{path: (old digest, new digest)} of the transaction that was written or found."""
        texts = [self.start_files[path] for path in (COMMITTED, PREPARED) if path in self.start_files]
        texts += [event.data for event in self.trace.events
                  if isinstance(event, Op) and event.data and "/.transaction.prepared" in event.text]
        return {file["path"]: (file["old"], file["new"]) for file in json.loads(texts[0])["files"]}

    def outcome(self, files):
        """What the live files are: "old", "new", or a complaint."""
        seen = set()
        for path, data in self.before.items():
            if path.startswith(STATE):
                continue
            old, new = self.record.get(path, (digest(data), None))
            found = digest(files.get(path, b""))
            if found == new:
                seen.add("new")
            elif found != old:
                return f"'{path}' is neither old nor new"
            elif path in self.record:
                seen.add("old")
        return seen.pop() if len(seen) == 1 else "some files are new, some old"

    def untold(self, files):
        """Failure mode 1: new files, and nobody knows that a process has the old ones."""
        for path, data in self.end_files.items():
            if path.startswith(STATE + "/owed/") and not os.path.basename(path).startswith("."):
                if path not in files or json.loads(files[path])["paths"] != json.loads(data)["paths"]:
                    return f"the files are new, and '{path}' does not say so"
        return None

    def silent(self, files):
        """I7: a status that has alarms without their files."""
        status = STATE + "/public/status.json"
        if files.get(status) != self.end_files.get(status) or files.get(status) == self.start_files.get(status):
            return None
        for path, data in self.end_files.items():
            if path.startswith(STATE + "/public/alarms/") and files.get(path) != data:
                return f"the status is new, and '{path}' is not"
        return None

    def check_recovered(self, tree):
        """After recovery: old or new, complete, and told."""
        files = files_of(flatten(read_tree(self.judge.root)))
        outcome = self.outcome(files)
        if outcome not in ("old", "new"):
            return outcome
        if COMMITTED in files or PREPARED in files:
            return "the record is still there"
        if outcome == "old" and self.trace.status in (0, OWES) and COMMITTED in files_of(tree):
            return "it was committed, and is old again"
        return (self.untold(files) or self.judge.ask("backups")) if outcome == "new" else None

    def check(self, tree, ended):
        """What does not hold after a reboot with this on the disk, or None."""
        # 1. Nothing is lost that the program has claimed by ending; at any time a reader finds whole files.
        if ended and claimed(tree) != claimed(self.end):
            lost = set(claimed(self.end)) ^ set(claimed(tree))
            return "it had ended, and this is lost: " + min(row[0] for row in lost)
        write_tree(self.judge.root, tree)
        complaint = self.judge.ask("readers") or half_written(tree) or self.silent(files_of(tree))
        if complaint:
            return complaint

        # 2. Recovery, twice: the second changes nothing.
        status = self.program.run(["recover"])
        if status != 0:
            return f"recover ends in {status}"
        self.judge.ask("remember")
        self.program.run(["recover"])
        complaint = self.judge.ask("remembered") or self.judge.ask("whole") or self.check_recovered(tree)
        if complaint:
            return complaint

        # 3. The next night does what was left; restarts are owed, as nothing runs here.
        status = self.program.run(["run"])
        if status != self.then:
            return f"the next run ends in {status}"
        files = files_of(flatten(read_tree(self.judge.root)))
        return (self.judge.ask("whole") or self.judge.ask("renewed") or self.judge.ask("backups") or
                self.untold(files))

    def try_state(self, cut, how, tree):
        """A complaint with its place, or None. The same state is judged once."""
        ended = cut == len(self.trace.events)
        key = hash((without_locks(tree), ended))
        if key not in self.verdicts:
            self.verdicts[key] = self.check(tree, ended)
        complaint = self.verdicts[key]
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

    def needs(self, sync):
        """What breaks without that call, or None. The latest states come first: they are worse. But for those
        of the very end, where every loss is one."""
        states = list(self.trace.states(sync))
        amid = [state for state in states if state[0] != len(self.trace.events)]
        for cut, how, tree in reversed(states[len(amid):] + amid):
            complaint = self.try_state(cut, how, tree)
            if complaint:
                return complaint
        return None


def claimed(tree):
    """What a program that has ended has said of its files: nothing of what the next writer uses up."""
    return tuple(row for row in without_locks(tree) if not re.search(STATE + r"/(.*/)?\.[^/]*\.new$", row[0]))


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

    def drop_each(self, scenario, hasty):
        for event in scenario.trace.events:
            if not isinstance(event, Sync):
                continue
            kind = re.sub(r"(\.kube-renewd-|backups/\.?[0-9TZ]+-)[0-9a-f]{32}|(/alarms/|rename )\S*", r"\1\2...",
                          event.text)
            if hasty and self.breaks.get(kind):
                continue
            complaint = scenario.needs(event)
            self.tried += 1
            self.breaks[kind] = self.breaks.get(kind) or complaint
            if os.environ.get("POWERLOSS_VERBOSE"):
                print(f"# without {kind}: {complaint}")

    def complaints(self):
        return [f"nothing breaks without {kind}" for kind, complaint in self.breaks.items() if not complaint]


def number_of(trace, kind, text):
    """The number, from 1, of the first event of a kind that has this text."""
    return 1 + next(i for i, event in enumerate(e for e in trace.events if e.text.split()[0] == kind)
                    if text in event.text)


class Sweep:
    def __init__(self, program, judge, tree, at, due, limit=None):
        self.limit = limit and int(limit)
        self.judge = Judge(judge, tree, at, due)
        self.program = Program(program, self.judge.root, at)
        self.tap, self.scenarios = Tap(), []

    def scenario(self, name, verb, does, before=lambda: None, inject=(), then=OWES):
        """`does`: one of the events must say so, or the scenario is not what its name says."""
        scenario = Scenario(self.judge, self.program, verb, before, inject, then)
        if not any(re.match(does, event.text) for event in scenario.trace.events):
            raise RuntimeError(f"'{name}' did something else:\n{scenario.trace.output}")
        self.tap.result(f"power lost during {name}", *scenario.sweep(self.limit))
        self.scenarios.append(scenario)
        return scenario

    def lose_again(self, first):
        """Power that is lost once more, while a recovery is at work on what a first loss has left."""
        trees = [tree for _, _, tree in first.trace.states() if {COMMITTED, PREPARED} & set(files_of(tree))]
        trees = list(dict.fromkeys(trees))
        points, complaints = 0, []
        for tree in trees[:: -(-len(trees) // AGAIN)]:
            again = Scenario(self.judge, self.program, ["recover"], lambda: write_tree(self.judge.root, tree), (), OWES)
            more, found = again.sweep(None)
            points, complaints = points + more, complaints + found
        self.tap.result("power lost again during a recovery", points, complaints)

    def killed(self, call, number):
        """What makes a tree where a run was killed before the call with this number."""
        argv = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={number}"]
        return lambda: subprocess.run(argv + self.program.argv(["run"]), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def no_metrics(self):
        os.makedirs(self.judge.root + STATE + "/public/kube-renewd.prom")

    def too_many_backups(self):
        """One backup may stay, one is there, and its file is due again."""
        def before():
            root, paths = self.judge.root, ("/etc/kubernetes/admin.conf", "/root/.kube/config")
            files = {path: read_file(root + path) for path in paths}
            os.makedirs(root + "/etc/kube-renewd", exist_ok=True)
            with open(root + "/etc/kube-renewd/kube-renewd.conf", "ab") as file:
                file.write(b"[backup]\nKeepBackups=1\n")
            self.program.run(["renew", "admin.conf"], earlier=1)
            for path in paths:
                with open(root + path, "wb") as file:
                    file.write(files[path])
        return before

    def run(self):
        swap, undo, remove = "exchange ", f"unlink {PREPARED}", f"unlink {STATE}/backups/[^/]*[.]removed$"
        run = self.scenario("a first run", ["run"], f"mkdir {STATE}").trace
        committed, swapped = number_of(run, "rename", COMMITTED), number_of(run, "exchange", "")
        self.scenario("a renewal that owes no restart", ["renew", "admin.conf"], swap)
        self.scenario("a run that cannot commit", ["run"], undo,
                      inject=[f"fsync:error=EIO:when={number_of(run, 'fsync', COMMITTED)}"])
        self.scenario("a recovery that undoes", ["recover"], undo, self.killed("renameat", committed))
        self.scenario("a recovery that finishes", ["recover"], swap, self.killed("renameat2", swapped))
        self.scenario("a recovery amid the swaps", ["recover"], swap, self.killed("renameat2", swapped + 1))
        self.scenario("a run that removes a backup", ["run"], remove, self.too_many_backups())
        self.scenario("a run after another one", ["run"], swap,
                      lambda: self.program.run(["renew", "apiserver"], earlier=1))
        self.scenario("a run that cannot write its metrics", ["run"], swap, self.no_metrics, then=1)

        if not self.limit:
            self.lose_again(self.scenarios[0])

        # The last ones end with what the first ones do in their middle.
        calls = Calls()
        for scenario in reversed(self.scenarios):
            calls.drop_each(scenario, self.limit is not None)
        self.tap.result("each call of fsync is needed", calls.tried, calls.complaints())
        self.judge.close()
        return self.tap.done()


if __name__ == "__main__":
    sys.exit(Sweep(*sys.argv[1:]).run())
