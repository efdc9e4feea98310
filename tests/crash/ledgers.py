# SPDX-License-Identifier: LGPL-2.1-or-later
"""T36 for what is no transaction: the kubelet's link, manifests that are moved out, what failed runs leave
behind, ledgers, alarms and the status.

    for name, recording, does in Ledgers(judge, program, step).scenarios(): ...
"""

import base64
import os
import re
import stat

from disk import write_tree
from recording import OWES, STATE, Recording, claimed, files_of, flatten, number_of, read_file, read_tree

MANIFESTS = "/etc/kubernetes/manifests"
MANIFEST = MANIFESTS + "/kube-apiserver.yaml"
KUBELET = "/var/lib/kubelet"
LINK = KUBELET + "/pki/kubelet-client-current.pem"
FIRST = KUBELET + "/pki/kubelet-client-2026-11-22-23-26-00.pem"


def below(tree, directory):
    return [row for row in tree if row[0].startswith(directory + "/")]


def content(tree, path):
    """What a reader of this name gets, None if there is nothing."""
    rows = {row[0]: row for row in tree}
    row = rows.get(path)
    if row and row[1] == stat.S_IFLNK:
        row = rows.get(row[4].decode())
    return row and row[4]


class Ledger(Recording):
    """A run that replaces no certificate: what it has said stays said. then: what is done next, and its status."""

    def __init__(self, judge, program, argv, before=lambda: None, then=None, interrupted=None):
        self.program, self.then = program, then
        judge.ask("reset")
        self.pristine = flatten(read_tree(judge.root))
        super().__init__(judge, argv, before, (), interrupted)

    def seen(self, _tree):
        """What no reader must see at any time, or None."""
        return None

    def settled(self, _tree):
        """What must not be left behind a recovery, or None."""
        return None

    def glance(self, tree, ended):
        return super().glance(tree, ended) or self.seen(tree)

    def check(self, tree):
        write_tree(self.judge.root, tree)
        complaint = self.recover_twice(self.program) or self.settled(self.now())
        if complaint or not self.then:
            return complaint
        verb, expected = self.then
        status = self.program.run(verb, earlier=-1)
        return None if status == expected else f"the next {' '.join(verb)} ends in {status}"


class Rotation(Ledger):
    """The kubelet's link leads to the old certificate or to the new one."""

    def seen(self, tree):
        if content(tree, LINK) not in (content(self.begin, LINK), content(self.end, LINK)):
            return f"'{LINK}' leads to neither certificate"
        return None

    def settled(self, tree):
        files, kubelet = files_of(tree), below(tree, KUBELET)
        if STATE + "/kubelet-rotation.json" in files:
            return "the record is still there"
        if kubelet == below(self.begin, KUBELET):
            return None
        if kubelet != below(self.end, KUBELET):
            return "the kubelet's files are neither as they were nor as they were to be"
        return None if STATE + "/owed/kubelet.json" in files else "the link leads to a new file, and no restart is owed"


class Parked(Ledger):
    """A manifest is under its name, or under one that the kubelet passes over; recovery puts it back."""

    def seen(self, tree):
        there, whole = below(tree, MANIFESTS), below(self.pristine, MANIFESTS)
        for row in there:
            if not os.path.basename(row[0]).startswith(".") and row[0::4] not in [good[0::4] for good in whole]:
                return f"the kubelet would run '{row[0]}'"
        return None if content(self.pristine, MANIFEST) in [row[4] for row in there] else "the manifest is lost"

    def settled(self, tree):
        if [row[0::4] for row in below(tree, MANIFESTS)] != [row[0::4] for row in below(self.pristine, MANIFESTS)]:
            return "the manifests are not as they were"
        records = [row for row in below(claimed(tree), STATE + "/parked")]
        return f"'{records[0][0]}' is still there" if records else None


class Shelved(Ledger):
    """An alarm that moves is always in one place at least."""

    def seen(self, tree):
        files = files_of(tree)
        for path in files_of(self.begin):
            if "/alarms/restart-owed@" in path and path not in files and path.replace("alarms", "shelved") not in files:
                return f"'{path}' is neither raised nor shelved"
        return None


class Ledgers:
    def __init__(self, judge, program, step):
        self.judge, self.program, self.step = judge, program, step

    def steps(self, *steps):
        return [self.step, self.judge.root, *steps]

    def write(self, path, data, mode="wb"):
        os.makedirs(os.path.dirname(self.judge.root + path), exist_ok=True)
        with open(self.judge.root + path, mode) as file:
            file.write(data)

    def kubelet(self, is_link):
        """A kubelet.conf that names the kubelet's certificate store, as kubeadm leaves it."""
        def before():
            conf = "/etc/kubernetes/kubelet.conf"
            text = read_file(self.judge.root + conf).decode()
            pair = re.findall(r"client-(?:certificate|key)-data: (.*)", text)
            self.write(FIRST if is_link else LINK, b"".join(map(base64.b64decode, pair)))
            if is_link:
                os.symlink(FIRST, self.judge.root + LINK)
            self.write(conf, re.sub(r"client-(certificate|key)-data: .*", rf"client-\1: {LINK}", text).encode())
        return before

    def failure(self):
        """What systemd starts when a run was killed."""
        root = self.judge.root
        environment = {"STATE_DIRECTORY": root + STATE, "RUNTIME_DIRECTORY": root + "/run/kube-renewd",
                       "MONITOR_SERVICE_RESULT": "signal", "MONITOR_EXIT_CODE": "killed", "MONITOR_EXIT_STATUS": "KILL"}
        return (["env"] + [f"{name}={value}" for name, value in environment.items()] +
                [self.program.arguments[0] + "-failure", "kube-renewd.service"])

    def does(self, argv):
        return lambda: self.program.spawn(argv)

    def runs(self, *verb):
        return lambda: self.program.run(list(verb), earlier=1)

    def write_again(self):
        """Somebody puts the manifest in place that is out."""
        manifest = read_file(self.judge.root + MANIFEST)
        self.does(self.steps("out", MANIFEST))()
        self.write(MANIFEST, manifest)

    def roll_back(self):
        """Rolled back, and renewed since."""
        self.does(self.steps("hold", "etcd"))()
        self.write("/etc/kubernetes/admin.conf", b"# new\n", "ab")

    def shelve(self):
        self.program.run(["run"], earlier=1)
        self.write("/etc/kube-renewd/kube-renewd.conf", b"[alarms]\nShelve=restart-owed@*\n", "ab")

    def mend(self):
        """There was an alarm, and what it was about is gone."""
        path = "/etc/kubernetes/scheduler.conf"
        conf = read_file(self.judge.root + path)
        self.write(path, b"garbage")
        self.program.run(["run"], earlier=1)
        self.write(path, conf)

    def scenarios(self):
        """(name, recording, what one of its events must say) of each."""
        run, renew = (["run"], OWES), (["renew", "--kubelet"], OWES)
        alarms = STATE + "/public/alarms/"

        def ledger(argv, before=lambda: None, then=None, kind=Ledger, interrupted=None):
            return kind(self.judge, self.program, argv, before, then, interrupted)

        rotate, recover = self.program.argv(renew[0]), self.program.argv(["recover"])
        for name, is_link in (("plain file", False), ("link", True)):
            rotation = ledger(rotate, self.kubelet(is_link), renew, Rotation)
            yield f"renew --kubelet, a {name}", rotation, f"rename .*{LINK}$"
        synced = number_of(rotation.trace, "fsync", LINK)
        for name, is_link, fault in (("undoes", False, "symlinkat:signal=KILL"),
                                     ("finishes", True, f"fsync:signal=KILL:when={synced}")):
            yield (f"a recovery that {name} a renew --kubelet",
                   ledger(recover, self.kubelet(is_link), renew, Rotation, (rotate, [fault])),
                   f"unlink {STATE}/kubelet-rotation.json")
        for name, argv, before in (
                ("a manifest moved out and back", self.steps("out", MANIFEST, "back", MANIFEST), lambda: None),
                ("a manifest put back by a recovery", recover, self.does(self.steps("out", MANIFEST))),
                ("a manifest that somebody else has put back", recover, self.write_again)):
            yield name, ledger(argv, before, None, Parked), f"unlink {STATE}/parked/"
        yield "a roll-back that is noted", ledger(self.steps("hold", "etcd")), f"rename .*{STATE}/held/"
        yield ("a roll-back that is over", ledger(self.steps("settle", "etcd"), self.roll_back),
               f"unlink {STATE}/held/")
        for name, before in (("the first", lambda: None), ("another", self.runs("run"))):
            yield (f"the report of {name} killed run", ledger(self.failure(), before, run),
                   f"rename .*{alarms}renewal-failed@host")
        night = ["env", "INVOCATION_ID=" + "0" * 32] + self.program.argv(["run"])  # as systemd starts it
        yield "an alarm that is shelved", ledger(night, self.shelve, run, Shelved), f"unlink {alarms}"
        yield "an alarm that is cleared", ledger(night, self.mend, run), f"unlink {alarms}invalid"
