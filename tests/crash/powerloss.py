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

import hashlib
import json
import os
import re
import subprocess
import sys

from disk import Op, write_tree
from ledgers import Ledgers
from recording import (OWES, STATE, Calls, Judge, Program, Recording, Tap, files_of, flatten, number_of,
                       read_file, read_tree)

COMMITTED, PREPARED = STATE + "/transaction.committed", STATE + "/transaction.prepared"
AGAIN = 24  # states from which recovery is watched


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Transaction(Recording):
    """A run from one tree, whose files are replaced as one."""

    def __init__(self, judge, program, verb, before=lambda: None, inject=(), then=OWES, interrupted=None):
        self.program, self.then = program, then
        judge.ask("reset")
        pristine = files_of(flatten(read_tree(judge.root)))
        super().__init__(judge, verb if callable(verb) else program.argv(verb), before, inject, interrupted)
        self.record = self.find_record()
        found = COMMITTED in self.start_files or PREPARED in self.start_files
        self.before = pristine if found else self.start_files

    def find_record(self):
        """{path: (old digest, new digest)} of the last transaction that was written or found."""
        texts = [self.start_files[path] for path in (COMMITTED, PREPARED) if path in self.start_files]
        texts += [event.data for event in self.trace.events
                  if isinstance(event, Op) and event.data and "/.transaction.prepared" in event.text]
        return {file["path"]: (file["old"], file["new"]) for file in json.loads(texts[-1])["files"]}

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

    def check_recovered(self, tree):
        """After recovery: old or new, complete, and told."""
        files = files_of(self.now())
        outcome = self.outcome(files)
        if outcome not in ("old", "new"):
            return outcome
        if COMMITTED in files or PREPARED in files:
            return "the record is still there"
        if outcome == "old" and self.trace.status in (0, OWES) and COMMITTED in files_of(tree):
            return "it was committed, and is old again"
        return (self.untold(files) or self.judge.ask("backups")) if outcome == "new" else None

    def check(self, tree):
        # 1. At any time a reader finds whole files.
        write_tree(self.judge.root, tree)
        complaint = self.judge.ask("readers")
        if complaint:
            return complaint

        # 2. Recovery, twice: the second changes nothing.
        complaint = self.recover_twice(self.program) or self.judge.ask("whole") or self.check_recovered(tree)
        if complaint:
            return complaint

        # 3. The next night does what was left; restarts are owed, as nothing runs here.
        status = self.program.run(["run"])
        if status != self.then:
            return f"the next run ends in {status}"
        files = files_of(self.now())
        return (self.judge.ask("whole") or self.judge.ask("renewed") or self.judge.ask("backups") or
                self.untold(files))


class Sweep:
    def __init__(self, program, judge, tree, at, due, limit=None):
        self.limit = limit and int(limit)
        self.judge = Judge(judge, tree, at, due)
        self.program = Program(program, self.judge.root, at)
        self.ledgers = Ledgers(self.judge, self.program, os.path.join(os.path.dirname(judge), "step"))
        self.tap, self.scenarios = Tap(), []

    def add(self, name, recording, does):
        """`does`: one of the events must say so, or the recording is not what its name says."""
        if not any(re.match(does, event.text) for event in recording.trace.events[recording.trace.first:]):
            raise RuntimeError(f"'{name}' did something else:\n{recording.trace.output}")
        self.tap.result(f"power lost during {name}", *recording.sweep(self.limit))
        self.scenarios.append(recording)
        return recording

    def scenario(self, name, verb, does, **more):
        return self.add(name, Transaction(self.judge, self.program, verb, **more), does)

    def lose_again(self, first):
        """Power that is lost once more, while a recovery is at work on what a first loss has left."""
        trees = [tree for _, _, tree in first.trace.states() if {COMMITTED, PREPARED} & set(files_of(tree))]
        trees = list(dict.fromkeys(trees))
        points, complaints = 0, []
        for tree in trees[:: -(-len(trees) // AGAIN)]:
            again = Transaction(self.judge, self.program, ["recover"], lambda: write_tree(self.judge.root, tree))
            more, found = again.sweep(None)
            points, complaints = points + more, complaints + found
        self.tap.result("power lost again during a recovery", points, complaints)

    def killed(self, call, number):
        """A run that is killed before the call with this number."""
        return self.program.argv(["run"]), [f"{call}:signal=KILL:when={number}"]

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

    def owe_a_hook(self):
        self.ledgers.write("/etc/kube-renewd/kube-renewd.conf", b"[hooks]\nDeploy=/bin/true\n", "ab")

    def restore(self):
        """The only backup that is there."""
        return self.program.argv(["restore", *os.listdir(self.judge.root + STATE + "/backups")])

    def run(self):
        swap, undo, remove = "exchange ", f"unlink {PREPARED}", f"unlink {STATE}/backups/[^/]*[.]removed$"
        run = self.scenario("a first run", ["run"], f"mkdir {STATE}").trace
        committed, swapped = number_of(run, "rename", COMMITTED), number_of(run, "exchange", "")
        self.scenario("a renewal that owes no restart", ["renew", "admin.conf"], swap)
        self.scenario("a run that cannot commit", ["run"], undo,
                      inject=[f"fsync:error=EIO:when={number_of(run, 'fsync', COMMITTED)}"])
        self.scenario("a recovery that undoes", ["recover"], undo, interrupted=self.killed("renameat", committed))
        self.scenario("a recovery that finishes", ["recover"], swap, interrupted=self.killed("renameat2", swapped))
        self.scenario("a recovery amid the swaps", ["recover"], swap, interrupted=self.killed("renameat2", swapped + 1))
        self.scenario("a run that removes a backup", ["run"], remove, before=self.too_many_backups())
        self.scenario("a run after another one", ["run"], swap,
                      before=lambda: self.program.run(["renew", "apiserver"], earlier=1))
        self.scenario("a run that cannot write its metrics", ["run"], swap, before=self.no_metrics, then=1)
        self.scenario("a run that owes a hook", ["run"], f"rename .*{STATE}/owed/hook-deploy", before=self.owe_a_hook)
        staged = number_of(run, "fsync", "/.kube-renewd-")
        self.scenario("a run that leaves a file on a failing disk", ["run"], f"rename .*{STATE}/transaction.leftover-1",
                      inject=[f"fsync:error=EIO:when={staged}", "unlinkat:error=EROFS:when=1"])
        self.scenario("a restore", self.restore, swap, before=lambda: self.program.run(["run"], earlier=1))

        for ledger in self.ledgers.scenarios():
            self.add(*ledger)

        # The last ones end with what the first ones do in their middle.
        calls = Calls()
        calls.drop_each(self.scenarios[::-1])
        self.tap.result("each call of fsync is needed", calls.tried, calls.complaints())

        # Here the directories are synced twice, and both times for the same.
        self.scenario("a run where files cannot be exchanged", ["run"], "rename [.]kube-renewd-",
                      inject=["renameat2:error=EINVAL"])
        if not self.limit:
            self.lose_again(self.scenarios[0])
        self.judge.close()
        return self.tap.done()


if __name__ == "__main__":
    sys.exit(Sweep(*sys.argv[1:]).run())
