"""Whoever gets a container's log messages: a syslog, systemd's journal, fluentd. They live in a test host's network."""

import contextlib
import ctypes
import os
import pathlib
import socket
import struct
import threading

import msgpack

from .waiting import until

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
FIELD = struct.Struct("<Q")


def inside(host, function):
    """What `function` returns when it runs in the host's network; a thread that has entered it ends afterwards."""
    result = []

    def run():
        with open(f"/proc/{host.holder}/ns/net") as namespace:
            if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        result.append(function())
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert result, "the host's network could not be entered"
    return result[0]


def unused_port(host):
    """A TCP port of the host's 127.0.0.1 that nobody listens at."""
    with inside(host, socket.socket) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Listener:
    """A socket, and a thread that hands what arrives to `take`."""

    def __init__(self, host, transport, path=None, port=0):
        self.transport = transport
        self.path = pathlib.Path(path) if path else host.folder / f"receiver-{os.urandom(3).hex()}"
        kind = socket.SOCK_STREAM if transport in ("unix", "tcp") else socket.SOCK_DGRAM
        if transport.startswith("unix"):
            self.socket = socket.socket(socket.AF_UNIX, kind)
            self.socket.bind(str(self.path))
            self.address = f"{transport}://{self.path}"
        else:
            self.socket = inside(host, lambda: socket.socket(socket.AF_INET, kind))
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(("127.0.0.1", port))
            self.port = self.socket.getsockname()[1]
            self.address = f"{transport}://127.0.0.1:{self.port}"
        self.connections = []
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        self._start(self._accept if kind == socket.SOCK_STREAM else self._receive)

    @staticmethod
    def _start(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.socket.accept()[0]
                self.connections.append(connection)
                self._start(self._read, connection)

    def _read(self, connection):
        with contextlib.suppress(OSError):
            self.serve(connection)

    def _receive(self):
        with contextlib.suppress(OSError):
            while True:
                data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
                for _, kind, content in ancillary:
                    if kind == socket.SCM_RIGHTS:  # too long for a datagram: a file in memory
                        with os.fdopen(struct.unpack("i", content[:4])[0], "rb") as file:
                            file.seek(0)
                            data = file.read()
                self.datagram(data)

    def serve(self, connection):
        raise NotImplementedError

    def datagram(self, data):
        raise NotImplementedError

    def disconnect(self):
        """Ends all connections, and goes on listening."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.connections.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.disconnect()
        if self.transport.startswith("unix"):
            self.path.unlink(missing_ok=True)


class Syslog(Listener):
    """Messages as they came, each without the newline that ends it."""

    def __init__(self, host, transport, **more):
        self.messages = []
        super().__init__(host, transport, **more)

    def datagram(self, data):
        self.messages.append(data.removesuffix(b"\n"))

    def serve(self, connection):
        with connection.makefile("rb") as stream:
            for line in stream:
                self.messages.append(line.removesuffix(b"\n"))

    def wait_for(self, count):
        until(lambda: len(self.messages) >= count, lambda: f"{count} messages; there are {self.messages}")
        return list(self.messages)


class Journal(Listener):
    """systemd's journal: each message is {field: value as bytes}."""

    def __init__(self, host, path):
        self.messages = []
        super().__init__(host, "unixgram", path=path)

    def datagram(self, data):
        fields = {}
        while data:
            line, _, data = data.partition(b"\n")
            if b"=" in line:
                name, _, value = line.partition(b"=")
            else:  # a value of any bytes: its length first
                name, (size,) = line, FIELD.unpack(data[:FIELD.size])
                value, data = data[FIELD.size:FIELD.size + size], data[FIELD.size + size + 1:]
            fields[name.decode()] = value
        self.messages.append(fields)

    wait_for = Syslog.wait_for


class Fluentd(Listener):
    """fluentd's forward protocol: each message is (tag, time, record); a record's texts are bytes."""

    def __init__(self, host, transport="tcp", acknowledge=True, **more):
        self.messages, self.options, self.acknowledge = [], [], acknowledge
        super().__init__(host, transport, **more)

    def serve(self, connection):
        unpacker = msgpack.Unpacker(raw=True, max_buffer_size=16 << 20)
        while data := connection.recv(1 << 16):
            unpacker.feed(data)
            for message in unpacker:
                tag, time, record, option = [*message, None][:4]
                self.options.append(option)
                if option and self.acknowledge:
                    connection.sendall(msgpack.packb({"ack": option[b"chunk"]}, use_bin_type=False))
                self.messages.append((tag.decode(), time, {key.decode(): value for key, value in record.items()}))

    wait_for = Syslog.wait_for

    @property
    def records(self):
        return [record for _, _, record in self.messages]
