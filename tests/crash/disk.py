# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a loss of power may leave on a disk.

    trace = Trace(root, argv, log)            what a program does to a tree, by strace
    for cut, how, tree in trace.states(): ... every tree that a reboot may find
    for ... in trace.states(dropped=sync): ...  the same, had it not made this call of fsync
    write_tree(root, tree)

The model is the strict reading of POSIX, weaker than any file system in use promises to be:

* fsync(2) of a file puts its bytes, mode, owner and attributes on the disk, and not its name. fsync of
  a directory puts the names in it on the disk, and not what the files of these names hold. (ext4, XFS
  and btrfs each write more than that; a program that lives with this model lives with all of them.)
* What was not synced since may be on the disk or not, each operation for itself, also out of order.
  Bytes may be there in part, or as zeros.
* One operation on a directory is there or not there: create, mkdir, unlink, a rename, an exchange. All
  journalling file systems keep that, and without it no file could be replaced at all.
* A name that survives leads to what that file was when it was created: empty, with its first mode.

Of everything that is possible at a cut, which may be any set of the operations that are pending, these
are tried: none, all, all but one, one alone, the first n, all but those on one file or directory, only
those on one file or directory, all but the bytes; bytes in part and as zeros. Locks hold nothing but a
number for people; their content is left out.
"""

import os
import re
import shutil
import stat
import subprocess

HARMLESS = {
    "access", "chdir", "close", "dup", "dup2", "dup3", "epoll_create1", "epoll_ctl", "eventfd2", "execve",
    "faccessat", "faccessat2", "fadvise64", "fcntl", "fgetxattr", "flistxattr", "flock", "fstat", "fstatfs",
    "getcwd", "getdents64", "getxattr", "inotify_init1", "ioctl", "lgetxattr", "lseek", "lstat", "memfd_create",
    "mmap", "newfstatat", "poll", "ppoll", "pread64", "read", "readlink", "readlinkat", "readv", "select",
    "stat", "statfs", "statx", "timerfd_create", "timerfd_settime",
}
UMASK = 0o077  # of the unit
LOCKS = ("lock", "report.lock")
CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(<[^>]*>)?( E\w+)?")
UNFINISHED = re.compile(r"^(\d+) +(.*?) *<unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")


class Op:
    """One change of one file or directory (`inode`). `names`: what becomes of names in a directory."""

    def __init__(self, text, inode, names=None, data=None, offset=0, size=None, meta=None):
        self.text, self.inode, self.names = text, inode, names
        self.data, self.offset, self.size, self.meta = data, offset, size, meta


class Sync:
    """One call of fsync that did not fail, and what its file or directory went through last."""

    def __init__(self, path, inode, last):
        self.text, self.inode, self.last = f"fsync {path or '/'} after {last}", inode, last


class Inode:
    """A file, a directory or a link; `names` leads from the names in a directory to numbers of inodes."""

    def __init__(self, kind, mode, owner, data=b"", attributes=()):
        self.kind, self.mode, self.owner, self.data, self.attributes = kind, mode, owner, data, dict(attributes)
        self.names = {}

    def copy(self):
        other = Inode(self.kind, self.mode, self.owner, self.data, self.attributes)
        other.names = dict(self.names)
        return other

    def apply(self, op, variant="kept"):
        if op.names is not None:
            for name, inode in op.names.items():
                if inode is None:
                    self.names.pop(name, None)
                else:
                    self.names[name] = inode
        elif op.data is not None:
            data = {"kept": op.data, "half": op.data[: len(op.data) // 2], "zeros": bytes(len(op.data))}[variant]
            old = self.data.ljust(op.offset, b"\0")
            self.data = old[: op.offset] + data + old[op.offset + len(data):]
        elif op.size is not None:
            self.data = self.data[: op.size].ljust(op.size, b"\0")
        else:
            key, value = op.meta
            if key in ("mode", "owner"):
                setattr(self, key, value)
            elif value is None:
                self.attributes.pop(key, None)
            else:
                self.attributes[key] = value


def read_tree(root):
    """The inodes below root by number; 0 is root itself."""
    inodes, linked = {}, {}

    def add(path):
        number, st = len(inodes), os.lstat(path)
        kind = stat.S_IFMT(st.st_mode)
        if kind == stat.S_IFREG and st.st_nlink > 1 and linked.setdefault((st.st_dev, st.st_ino), number) != number:
            return linked[st.st_dev, st.st_ino]
        inodes[number] = inode = Inode(kind, stat.S_IMODE(st.st_mode), (st.st_uid, st.st_gid))
        if kind == stat.S_IFLNK:
            inode.data = os.readlink(path).encode()
            return number
        inode.attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
        if kind == stat.S_IFDIR:
            inode.names = {name: add(os.path.join(path, name)) for name in sorted(os.listdir(path))}
        else:
            with open(path, "rb") as file:
                inode.data = file.read()
        return number

    add(root)
    return inodes


def flatten(inodes):
    """The tree as a value: ((path, kind, mode, owner, bytes, attributes, an earlier name of the same file), ...),
    directories first."""
    rows, paths = [], {}

    def walk(number, path):
        inode = inodes[number]
        rows.append((path, inode.kind, inode.mode, inode.owner, inode.data, tuple(sorted(inode.attributes.items())),
                     paths.get(number)))
        paths.setdefault(number, path)
        for name in sorted(inode.names):
            walk(inode.names[name], path + "/" + name)

    walk(0, "")
    return tuple(rows)


def write_tree(root, rows):
    """Makes what is below root exactly this."""
    for entry in os.scandir(root):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    for path, kind, mode, owner, data, attributes, other in rows[1:]:
        path = root + path
        if kind == stat.S_IFLNK:
            os.symlink(data, path)
            continue
        if other is not None:
            os.link(root + other, path)
            continue
        if kind == stat.S_IFDIR:
            os.mkdir(path)
        else:
            with open(path, "xb") as file:
                file.write(data)
        if owner != (os.geteuid(), os.getegid()):
            os.chown(path, *owner)
        os.chmod(path, mode)
        for name, value in attributes:
            os.setxattr(path, name, value)


def without_locks(rows):
    """The same tree, whatever locks there are: they hold nothing, and whoever misses one makes it."""
    return tuple(row for row in rows if not is_lock(row[0]))


def is_lock(path):
    return os.path.basename(path) in LOCKS


def plain(text):
    """A string of strace -xx."""
    return bytes.fromhex(text.strip('"<>').replace("\\x", "")).decode("utf-8", "surrogateescape")


def calls(log):
    """(name, arguments, result, path of the result) of each call that did not fail, in order of its end."""
    begun = {}
    with open(log, encoding="ascii") as file:
        for line in file:
            line = line.rstrip("\n")
            if match := UNFINISHED.match(line):
                begun[match[1]] = match[2]
                continue
            if match := RESUMED.match(line):
                line = match[1] + " " + begun.pop(match[1]) + match[2]
            match = CALL.match(line)
            if match and not match[6] and match[4] != "?":
                yield match[2], re.split(r", (?![^{]*\})", match[3]), int(match[4]), plain(match[5] or "")


class Trace:
    """What programs did below a root, one after the other: `events`, each an Op or a Sync, from the tree `start` on.
    commands: (argv, faults of strace to inject) of each; the power is lost during the last one, whose events begin
    with number `first`: what an earlier one has left unsynced may go with it. Its status and output are kept."""

    def __init__(self, root, commands, log):
        self.root, self.start = root, read_tree(root)
        self.live = {number: inode.copy() for number, inode in self.start.items()}
        self.events, self.offsets, self.first = [], {}, 0
        for argv, inject in commands:
            self.first = len(self.events)
            self.record(argv, inject, log)

    def record(self, argv, inject, log):
        self.umask = UMASK
        faults = [word for fault in inject for word in ("-e", "inject=" + fault)]
        strace = ["strace", "-f", "-qq", "-y", "-xx", "-s", "16777216", "-o", log, "-e", "trace=%file,%desc,umask"]
        done = subprocess.run(strace + faults + argv, umask=UMASK, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.status, self.output = done.returncode, done.stdout
        for call in calls(log):
            self.take(*call)
        if without_locks(flatten(self.live)) != without_locks(flatten(read_tree(self.root))):
            raise RuntimeError("the recorder has missed something")

    def find(self, path):
        """The number of the inode that has this path now, None if there is none."""
        number = 0
        for name in filter(None, path.split("/")):
            number = self.live[number].names.get(name)
            if number is None:
                return None
        return number

    def inside(self, path):
        """The path below the root, None for what is elsewhere."""
        if path == self.root:
            return ""
        return path[len(self.root):] if path.startswith(self.root + "/") else None

    def at(self, fd, name=None):
        """What a descriptor, or a name in a directory's descriptor, stands for."""
        match = re.match(r"^(?:(?:\d+|AT_FDCWD)(<[^>]*>)|(\"[^\"]*\"))", fd)
        path = plain(match[1] or match[2]) if match else ""
        return self.inside(os.path.normpath(os.path.join(path, plain(name))) if name else path)

    def add(self, op):
        self.live[op.inode].apply(op)
        self.events.append(op)

    def change_names(self, what, path, names):
        """Names in the directory of path."""
        self.add(Op(f"{what} {path}", self.find(os.path.dirname(path)), names=names))

    def create(self, what, path, kind, mode, data=b""):
        number = len(self.live)
        self.live[number] = Inode(kind, mode, (os.geteuid(), os.getegid()), data)
        self.start[number] = self.live[number].copy()
        self.change_names(what, path, {os.path.basename(path): number})

    def set(self, path, key, value):
        if getattr(self.live[self.find(path)], key, self.live[self.find(path)].attributes.get(key)) != value:
            self.add(Op(f"{key} of {path}", self.find(path), meta=(key, value)))

    def take(self, name, args, result, result_path):
        if name == "umask":
            self.umask = int(args[0], 8)
            return
        if name in ("openat", "openat2", "open", "creat"):
            path = self.inside(result_path)
            if path is not None:
                self.take_open(" ".join(args), path, result)
            return
        path = self.at(args[4 if name == "mmap" else 0]) if args else None
        if path is None and name not in ("renameat", "renameat2", "rename", "symlinkat", "linkat", "link"):
            return
        take = getattr(self, "take_" + name, None)
        if take:
            take(path, args, result)
        elif name not in HARMLESS or (name == "mmap" and "MAP_SHARED" in args[3] and "PROT_WRITE" in args[2]):
            raise RuntimeError(f"{name} of '{path}' is not in the model")

    def take_open(self, text, path, fd):
        if "O_APPEND" in text or "O_TMPFILE" in text or "SYNC" in text:
            raise RuntimeError(f"opening '{path}' so is not in the model: {text}")
        self.offsets[fd] = 0
        if self.find(path) is None and "O_CREAT" in text:
            mode = int(re.search(r"(?: |mode=)(0[0-7]+)\b", text)[1], 8)
            self.create("create", path, stat.S_IFREG, mode & ~self.umask)
        elif "O_TRUNC" in text:
            self.add(Op(f"truncate {path}", self.find(path), size=0))

    def take_write(self, path, args, result):
        fd = int(args[0].split("<")[0])
        data = bytes.fromhex(args[1].strip('"').replace("\\x", ""))[:result]
        if len(data) != result:
            raise RuntimeError(f"the bytes of '{path}' were not recorded")
        self.add(Op(f"write {path}", self.find(path), data=data, offset=self.offsets[fd]))
        self.offsets[fd] += result

    def take_ftruncate(self, path, args, _result):
        self.add(Op(f"truncate {path}", self.find(path), size=int(args[1])))

    def take_fsync(self, path, _args, _result):
        inode, last = self.find(path), "nothing"
        for event in self.events:
            if event.inode == inode:
                last = "nothing" if isinstance(event, Sync) else event.text
        self.events.append(Sync(path, inode, last))

    take_fdatasync = take_fsync

    def take_fchmod(self, path, args, _result):
        self.set(path, "mode", int(args[1], 8))

    def take_fchmodat(self, _path, args, _result):
        self.set(self.at(args[0], args[1]), "mode", int(args[2], 8))

    def take_fchown(self, path, args, _result):
        self.set(path, "owner", (int(args[1]), int(args[2])))

    def take_fsetxattr(self, path, args, _result):
        self.set(path, plain(args[1]), bytes.fromhex(args[2].strip('"').replace("\\x", "")))

    def take_fremovexattr(self, path, args, _result):
        self.set(path, plain(args[1]), None)

    def take_mkdirat(self, _path, args, _result):
        self.create("mkdir", self.at(args[0], args[1]), stat.S_IFDIR, int(args[2], 8) & ~self.umask)

    def take_mkdir(self, path, args, _result):
        self.create("mkdir", path, stat.S_IFDIR, int(args[1], 8) & ~self.umask)

    def take_chmod(self, path, args, _result):
        self.set(path, "mode", int(args[1], 8))

    def take_unlinkat(self, _path, args, _result):
        path = self.at(args[0], args[1])
        self.change_names("unlink", path, {os.path.basename(path): None})

    def take_symlinkat(self, _path, args, _result):
        path = self.at(args[1], args[2])
        if path is not None:
            self.create("symlink", path, stat.S_IFLNK, 0o777, plain(args[0]).encode())

    def take_linkat(self, _path, args, _result):
        old, new = self.at(args[0], args[1]), self.at(args[2], args[3])
        if new is not None:
            self.change_names("link", new, {os.path.basename(new): self.find(old)})

    def take_renameat(self, _path, args, _result):
        old, new = self.at(args[0], args[1]), self.at(args[2], args[3])
        if old is None and new is None:
            return
        if os.path.dirname(old) != os.path.dirname(new):
            raise RuntimeError(f"a rename of '{old}' to another directory is not in the model")
        exchange = len(args) > 4 and "RENAME_EXCHANGE" in args[4]
        self.change_names(f"{'exchange' if exchange else 'rename'} {os.path.basename(old)}", new, {
            os.path.basename(old): self.find(new) if exchange else None,
            os.path.basename(new): self.find(old)})

    take_renameat2 = take_renameat

    def states(self, dropped=None):
        """(number of events, how, tree) of everything that may be found after each event; the same tree may
        come several times. With `dropped`, one of the syncs, only what is different without it."""
        durable = {number: inode.copy() for number, inode in self.start.items()}
        pending, suspects, differs = [], None, dropped is None
        for cut, event in enumerate(self.events, 1):
            if isinstance(event, Sync):
                if dropped and differs and event.inode == dropped.inode:
                    return
                if event is dropped:
                    differs, suspects = True, [op for op in pending if op.inode == event.inode]
                else:
                    for op in pending:
                        if op.inode == event.inode:
                            durable[op.inode].apply(op)
                    pending = [op for op in pending if op.inode != event.inode]
            elif event.names is None and is_lock(event.text):
                durable[event.inode].apply(event)
            else:
                pending.append(event)
            if differs and cut > self.first:
                for how, choice in choices(pending, pending if suspects is None else suspects):
                    yield cut, how, survivors(durable, choice)

    def end(self):
        """What is there when nothing is lost."""
        return flatten(self.live)


def survivors(durable, choice):
    """The tree with what is on the disk and what is chosen, [(Op, variant), ...], in the order of the calls."""
    inodes = dict(durable)
    for op, variant in choice:
        if inodes[op.inode] is durable[op.inode]:
            inodes[op.inode] = durable[op.inode].copy()
        inodes[op.inode].apply(op, variant)
    return flatten(inodes)


def choices(pending, suspects):
    """(how, [(Op, variant), ...]) for what is tried at one cut, about the operations that are suspects."""
    everything = [(op, "kept") for op in pending]

    yield "nothing survives", []
    yield "everything survives", everything
    for i, op in enumerate(pending):
        if op not in suspects:
            continue
        yield f"lost: {op.text}", everything[:i] + everything[i + 1:]
        yield f"only: {op.text}", [everything[i]]
        yield f"nothing after: {op.text}", everything[: i + 1]
        for variant in ("half", "zeros") if op.data is not None else ():
            yield f"{variant}: {op.text}", everything[:i] + [(op, variant)] + everything[i + 1:]
    for inode in {op.inode: None for op in suspects}:
        text = next(op.text for op in suspects if op.inode == inode)
        yield f"lost: all from '{text}' on", [(op, v) for op, v in everything if op.inode != inode]
        yield f"only: all from '{text}' on", [(op, v) for op, v in everything if op.inode == inode]
    yield "lost: all bytes", [(op, v) for op, v in everything if op.names is not None]
