#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""T36: there is no memory. The real programs, with every request for memory refused, one run each.

    alloc.py PROGRAM TESTS TREE AT few|all [SAMPLE]

PROGRAM has the one that raises its alarms beside it, TESTS is the directory of judge and failing-malloc.so.
Every other request is refused alone, those between with all that follow. A verb that looks says what it says
with memory, or ends; it never gives another answer. One that writes does all or ends, too. What it leaves is
held against the invariants, and so is what a recovery leaves that has no memory either; the next run does
what was left. few: one pair and one kubeconfig are due, all: everything is. With SAMPLE, only so many requests
of each verb are refused, evenly spread.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

from powerloss import Judge

OWES = 75
ENDED = -signal.SIGABRT
# What the program says last, and what the C library, which starts it, and GMP do.
NO_MEMORY = re.compile("out of memory|[Cc]annot (re)?allocate memory")
INTERRUPTED = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=renameat2:signal=KILL:when=3"]
STATE = "/var/lib/kube-renewd"
ALARMS = STATE + "/public/alarms"
ACTS = (["run"], ["recover"], ["restore"])
LOOKS = (["check"], ["check", "--output=json"], ["plan", "--all"], ["verify"], ["alarms"], ["backup", "list"],
         ["explain", "apiserver"], ["config"])


class Program:
    """It, its helper, and the control plane that they work on."""

    def __init__(self, program, tests, tree, at, due):
        self.judge = Judge(os.path.join(tests, "judge"), tree, at, due)
        self.root, self.program, self.at = self.judge.root, program, at
        self.library = os.path.join(tests, "failing-malloc.so")
        self.kept, self.count = self.root + ".kept", self.root + ".count"

    def start(self, argv, refused, **environment):
        """(exit status, stdout, stderr)"""
        if refused is not None:
            environment.update(LD_PRELOAD=self.library, FAILING_MALLOC=refused, FAILING_MALLOC_COUNT=self.count)
        done = subprocess.run(argv, env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def run(self, verb, refused=None, prefix=(), invocation=""):
        at = [] if verb[0] in ("recover", "config", "backup", "restore") else ["--at=" + self.at]
        return self.start([*prefix, self.program, "--root=" + self.root, "--layout=kubeadm", *at, *verb], refused,
                          INVOCATION_ID=invocation)

    def fail(self, status, invocation, refused=None):
        """What OnFailure= starts."""
        how = {"RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "ABRT"} if status < 0 else \
              {"RESULT": "exit-code", "EXIT_CODE": "exited", "EXIT_STATUS": str(status)}
        return self.start([self.program + "-failure", "kube-renewd.service"], refused,
                          STATE_DIRECTORY=self.root + STATE, MONITOR_INVOCATION_ID=invocation,
                          **{"MONITOR_" + ("SERVICE_" if key == "RESULT" else "") + key: value
                             for key, value in how.items()})

    def requests(self, run):
        """How many there are, and how it ends with memory."""
        usual = run("0")
        with open(self.count, encoding="ascii") as file:
            return int(file.read()), usual

    def keep(self):
        shutil.rmtree(self.kept, ignore_errors=True)
        subprocess.run(["cp", "-a", self.root, self.kept], check=True)

    def restore(self):
        """In place: the judge has the root open."""
        for name in os.listdir(self.root):
            shutil.rmtree(os.path.join(self.root, name))
        subprocess.run(["cp", "-a", self.kept + "/.", self.root], check=True)

    def is_unfinished(self):
        return any(os.path.exists(f"{self.root}{STATE}/transaction.{phase}") for phase in ("prepared", "committed"))

    def alarms(self):
        try:
            return set(os.listdir(self.root + ALARMS))
        except FileNotFoundError:
            return set()

    def close(self):
        self.judge.close()
        shutil.rmtree(self.kept, ignore_errors=True)


def crashed(status, text):
    """Whoever ends because there is no memory says so."""
    if status < 0 and not (status == ENDED and NO_MEMORY.search(text)):
        return f"killed by {signal.Signals(-status).name}: {text[-300:]}"
    return None


def other_end(end, usual):
    """It is as with memory, or none."""
    if end[0] == ENDED or end[0] == usual[0]:
        return None
    return f"ended in {end[0]} and not in {usual[0]}: {(end[1] + end[2])[-500:]}"


def look(program, verb, usual, refused, number):
    end = program.run(verb, refused)
    wrong = crashed(end[0], end[2]) or program.judge.ask("remembered") or other_end(end, usual)
    if not wrong and end[0] != ENDED and end[1] != usual[1]:
        wrong = f"gives another answer, request {number}: {(end[1] + end[2])[-500:]}"
    return wrong


def alarm_of(program, end, before, invocation):
    """I7: what ends badly has raised an alarm, or OnFailure= does."""
    program.fail(end[0], invocation)
    if not program.alarms() - before:
        return f"I7 ended in {end[0]} without an alarm: {(end[1] + end[2])[-500:]}"
    return None


def act(program, verb, usual, refused, number):
    ask, before, invocation = program.judge.ask, program.alarms(), f"{number:032x}"

    # 1. The fault, and what a reader sees at that moment. Where nothing has changed, what follows is known.
    end = program.run(verb, refused, invocation=invocation)
    wrong = crashed(end[0], end[2]) or ask("readers") or other_end(end, usual)
    if not wrong and end[0] == ENDED and not ask("remembered"):
        return None
    if not wrong and verb == ["run"]:
        wrong = ask("renewed") if end[0] == usual[0] else alarm_of(program, end, before, invocation)
    if wrong:
        return wrong

    # 2. A recovery that has no memory either, in its turn.
    if program.is_unfinished():
        end = program.run(["recover"], f"{number * 7919 % 3000 + 1}")
        wrong = crashed(end[0], end[2]) or ask("readers")
        if wrong:
            return "in the recovery: " + wrong

    # 3. Recovery, twice: the second changes nothing.
    end = program.run(["recover"])
    if end[0] != 0:
        return f"the recovery ends in {end[0]}: {end[2]}"
    ask("remember")
    program.run(["recover"])
    wrong = ask("remembered") or ask("whole")
    if wrong:
        return wrong

    # 4. The next night does what was left.
    end = program.run(["run"])
    if end[0] != OWES:
        return f"the next run ends in {end[0]}: {(end[1] + end[2])[-500:]}"
    return ask("whole") or ask("renewed") or ask("backups")


class Sweep:
    def __init__(self, program, tests, tree, at, due, sample=None):
        self.program, self.sample = Program(program, tests, tree, at, due), sample and int(sample)
        self.lines = self.points = self.failed = 0

    def prepare(self, verb):
        """The host as this verb is to find it, and the verb in full."""
        program = self.program
        program.judge.ask("reset")
        if verb[0] == "recover":
            program.run(["run"], prefix=INTERRUPTED)
            if not program.is_unfinished():
                raise RuntimeError("the run was not interrupted")
        elif verb[0] == "run":
            program.run(["recover"])
        elif verb[0] in ("restore", "verify", "alarms", "backup"):
            program.run(["run"])
        if verb[0] == "restore":
            verb = verb + sorted(os.listdir(program.root + STATE + "/backups"))[:1]
        program.keep()
        return verb

    def numbers(self, most):
        step = max(1, most // self.sample) if self.sample else 1
        return range(1 + step // 2, most + 1, step)

    def report(self, name, numbers, most, wrong):
        self.lines += 1
        self.points += len(numbers)
        self.failed += len(wrong)
        for text in wrong[:20]:
            print("# " + text.replace("\n", "\n#   "))
        print(f"{'not ok' if wrong else 'ok'} {self.lines} - T36 '{name}' without memory: {len(numbers)} of {most} "
              "requests refused", flush=True)

    def sweep(self, verb, attempt):
        program, wrong = self.program, []
        full = self.prepare(verb)
        most, usual = program.requests(lambda refused: program.run(full, refused))
        program.restore()
        program.judge.ask("remember")
        numbers = self.numbers(most)
        for i, number in enumerate(numbers):
            refused = f"{number}{'+' if i % 2 else ''}"
            text = attempt(program, full, usual, refused, number)
            if text or program.judge.ask("remembered"):
                program.restore()
                program.judge.ask("remember")
            if text:
                wrong.append(f"{verb[0]}, request {refused}: {text}")
        self.report(" ".join(verb), numbers, most, wrong)

    def sweep_failure(self):
        """I7 holds where the alarm is raised without memory, too."""
        program, wrong = self.program, []
        program.judge.ask("reset")
        most, _ = program.requests(lambda refused: program.fail(ENDED, "", refused))
        for number in range(1, most + 1):
            for refused in (f"{number}", f"{number}+"):
                program.judge.ask("reset")
                end = program.fail(ENDED, "", refused)
                try:
                    with open(program.root + ALARMS + "/renewal-failed@host.json", encoding="utf-8") as file:
                        json.load(file)
                except (OSError, ValueError) as error:
                    wrong.append(f"request {refused}: ended in {end[0]}, and {error}")
        self.report("kube-renewd-failure", range(most), most, wrong)

    def run(self):
        for verb in ACTS:
            self.sweep(verb, act)
        self.sweep_failure()
        for verb in LOOKS:
            self.sweep(verb, look)
        print(f"# {self.points} points, {self.failed} failed\n1..{self.lines}")
        self.program.close()
        return self.failed > 0


if __name__ == "__main__":
    sys.exit(Sweep(*sys.argv[1:]).run())
