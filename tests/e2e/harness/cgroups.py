"""A test host's own part of cgroup version 2, beside version 1: from inside it looks like the whole hierarchy.

What an engine attaches to it is seen by the host's own processes alone. Where there is no version 1, containers need the
machine's own hierarchy, and there is no such part.
"""

import contextlib
import itertools
import os
import pathlib

from .waiting import until

MOUNT = pathlib.Path("/sys/fs/cgroup/unified")
PREFIX = "berth-e2e-"
numbers = itertools.count(1)


class OwnCgroup:
    def __init__(self):
        self.path = None
        if not (MOUNT / "cgroup.procs").exists():
            return
        remove_stale()
        self.path = MOUNT / f"{PREFIX}{os.getpid()}-{next(numbers)}"
        self.path.mkdir()

    @property
    def join(self):
        """What a command begins with to run in it."""
        return ["sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', str(self.path)] if self.path else []

    @property
    def mount(self):
        """A command for the host's mount namespace: the hierarchy is this part of it."""
        return ["mount", "--bind", str(self.path), str(MOUNT)] if self.path else ["true"]

    def remove(self):
        if self.path:
            until(lambda: try_remove(self.path), f"{self.path} to be empty")


def try_remove(path):
    with contextlib.suppress(OSError):
        path.rmdir()
    return not path.exists()


def remove_stale():
    """Those of test runs that were killed."""
    for path in MOUNT.glob(f"{PREFIX}*"):
        if not pathlib.Path("/proc", path.name.removeprefix(PREFIX).split("-")[0]).exists():
            try_remove(path)
