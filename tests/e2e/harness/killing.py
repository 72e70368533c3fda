"""Ends the engine at one of its system calls: at the entry of the Nth one that changes something, of any of its threads."""

import contextlib
import os
import subprocess

# Messages to the kernel and to shims, and what changes files.
CALLS = "sendto,sendmsg,pwrite64,write,fsync,fdatasync,mkdir,rename,unlink,unlinkat,rmdir,unshare,bind,listen"


@contextlib.contextmanager
def killed_at(host, count):
    """While the block runs, the thread that first comes to its `count`th such call takes the whole engine with it."""
    tracer = subprocess.Popen(["strace", "-f", "-p", str(host.daemon_pid), "-o", os.devnull, "-e", f"trace={CALLS}",
                               "-e", f"inject={CALLS}:signal=SIGKILL:when={count}"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        line = tracer.stderr.readline()
        assert "attached" in line, f"strace says: {line}"
        yield
    finally:
        tracer.kill()  # what it traces goes on
        tracer.communicate(timeout=30)


def was_killed(host):
    """Whether the engine is gone since; then it may be started again."""
    with contextlib.suppress(OSError):
        if host.api.get("/_ping").status == 200:
            return False
    host.daemon.wait(timeout=30)
    host.daemon = None
    return True
