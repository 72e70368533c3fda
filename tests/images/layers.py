"""Layers from real packages: root file systems by mmdebstrap, and what a second one adds to a first, as a layer."""

import hashlib
import io
import os
import posixpath
import subprocess
import tarfile

import archive

EXCLUDED = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*"]


def machine_sources(suite):
    """The `deb` lines by which this machine itself gets `suite`; empty if it gets another one."""
    fields = "$(CREATED_BY)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    targets = subprocess.run(["apt-get", "indextargets", "--format", fields], stdout=subprocess.PIPE, text=True)
    lines = []
    for target in targets.stdout.splitlines():
        created_by, codename, uri, release, component = target.split("|")
        line = f"deb {uri} {release} {component}"
        if created_by == "Packages" and codename in (suite, suite + "-updates", suite + "-security"):
            if release.startswith(suite) and line not in lines:
                lines.append(line)
    return lines


def bootstrap(suite, packages, hooks, target):
    """A minimal Debian with `packages` as a tar at `target`; each hook is a shell line with the root in $1."""
    command = ["mmdebstrap", "--quiet", "--mode=root", "--format=tar", "--variant=minbase"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    command += [f"--include={','.join(packages)}"] if packages else []
    command += [f"--customize-hook={hook}" for hook in hooks]
    command += [suite, target] + machine_sources(suite)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(archive.EPOCH), "LC_ALL": "C.UTF-8"}
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=environment)


class Tree:
    """The entries of a root's tar by path, with what tells two versions of one apart."""

    def __init__(self, path):
        self.source = tarfile.open(path)
        self.members, self.marks = {}, {}
        for member in self.source:
            name = posixpath.normpath(member.name)
            member.name = name
            if member.islnk():
                member.linkname = posixpath.normpath(member.linkname)
            if name == ".":
                continue
            self.members[name] = member
            self.marks[name] = self._mark(member)

    def _mark(self, member):
        content = ""
        if member.isreg():
            content = hashlib.sha256(self.source.extractfile(member).read()).hexdigest()
        xattrs = sorted((key, value) for key, value in member.pax_headers.items() if "xattr" in key)
        when = 0 if member.isdir() else int(member.mtime)
        return (member.type, member.mode, member.uid, member.gid, member.linkname, when, content, xattrs)

    def layer(self, names):
        """The named entries as a layer's bytes, in the order of the source; names that are not here become whiteouts."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as target:
            for name in sorted(names - self.members.keys()):
                parent, base = posixpath.split(name)
                target.addfile(archive.entry(posixpath.join(parent, ".wh." + base), mode=0o600)[0])
            for name, member in self.members.items():
                if name in names:
                    member.mtime = int(member.mtime)
                    member.pax_headers = {k: v for k, v in member.pax_headers.items() if "xattr" in k}
                    target.addfile(member, self.source.extractfile(member) if member.isreg() else None)
        return out.getvalue()

    def whole(self):
        return self.layer(set(self.members))


def difference(base, changed):
    """What turns `base` into `changed`, as a layer: new and changed entries with their directories, and whiteouts."""
    names = {name for name, mark in changed.marks.items() if base.marks.get(name) != mark}
    # A hard link needs its target in the same layer, and a changed target takes its links with it.
    for name, member in changed.members.items():
        if member.islnk() and (name in names or member.linkname in names):
            names |= {name, member.linkname}
    for name in list(names):
        while name := posixpath.dirname(name):
            names.add(name)
    gone = {name for name in base.members if name not in changed.members}
    names |= {name for name in gone if posixpath.dirname(name) not in gone}
    return changed.layer(names)
