"""A person at a terminal: a program on a pty, typed into and read from."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

from .waiting import DEADLINE


class Terminal:
    def __init__(self, command, environment, rows=24, columns=80):
        self.text = b""
        self.code = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(command[0], command, environment)
            finally:
                os._exit(127)
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode() if isinstance(text, str) else text)

    def _read(self, deadline):
        """Adds what is written within the deadline; False at the end of the program's output."""
        ready, _, _ = select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more on the terminal: {self.text.decode(errors='replace')!r}"
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += data
        return bool(data)

    def expect(self, wanted):
        """Reads until `wanted` appears; returns what came before it, and forgets both."""
        wanted = wanted.encode() if isinstance(wanted, str) else wanted
        deadline = time.monotonic() + DEADLINE
        while wanted not in self.text:
            assert self._read(deadline), f"the program ended before {wanted!r}: {self.text!r}"
        before, self.text = self.text.split(wanted, 1)
        return before.decode(errors="replace")

    def finish(self):
        """Reads to the end; returns the exit code."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def is_raw(self):
        """Whether the program has put the terminal into raw mode."""
        return not termios.tcgetattr(self.fd)[3] & termios.ICANON

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self.fd)
