"""A neighbour of the test host: a network namespace of its own, joined to the host by a pair of links."""

import contextlib
import os
import socket
import subprocess
import sys

HOLDER = "import sys; print('ready', flush=True); sys.stdin.read()"

ASK = """
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[3] == "udp" else socket.SOCK_STREAM
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family, kind, socket.IPPROTO_SCTP if sys.argv[3] == "sctp" else 0) as asking:
    asking.settimeout(float(sys.argv[4]))
    asking.connect((sys.argv[1], int(sys.argv[2])))
    asking.send(b"?\\n")
    print(asking.recv(65536).decode().strip())
"""


def has_sctp():
    """Whether this kernel has it at all."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        return False
    return True


class Outside:
    """`address` and `address6` are its own; `host_address` and `host_address6` are the test host's, as it sees it."""

    host_address, address = "203.0.113.1", "203.0.113.2"
    host_address6, address6 = "2001:db8:113::1", "2001:db8:113::2"

    def __init__(self, host):
        self.host = host
        self._holder = subprocess.Popen(["unshare", "--net", sys.executable, "-c", HOLDER], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, cwd="/")
        assert self._holder.stdout.readline() == b"ready\n", "the neighbour did not come up"
        self.enter = ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]
        in_host = ["nsenter", f"--target={host.holder}", "--net"]
        self._configure(in_host, f"""
            link add outside type veth peer name inside netns {self._holder.pid}
            address add {self.host_address}/24 dev outside
            address add {self.host_address6}/64 dev outside nodad
            link set outside up""")
        self._configure(self.enter, f"""
            link set lo up
            address add {self.address}/24 dev inside
            address add {self.address6}/64 dev inside nodad
            link set inside up
            route add default via {self.host_address}
            -6 route add default via {self.host_address6}""")

    @staticmethod
    def _configure(enter, lines):
        for line in lines.strip().splitlines():
            subprocess.run([*enter, "ip", *line.split()], check=True)

    def shell(self, *command, check=True, **more):
        """Runs a program there."""
        return subprocess.run([*self.enter, *command], check=check, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **more)

    def ask(self, where, port, protocol="tcp", patience=5):
        """The first answer of a server to a line; None if there is none."""
        asked = self.shell(sys.executable, "-c", ASK, where, str(port), protocol, str(patience), check=False)
        return asked.stdout.strip() if asked.returncode == 0 else None

    @contextlib.contextmanager
    def serving(self, port, protocol="tcp"):
        """A server there, as those in containers."""
        process = subprocess.Popen([*self.enter, sys.executable, "-c", SERVE, str(port), protocol],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            assert process.stdout.readline() == b"ready\n", f"nothing serves port {port}"
            yield
        finally:
            process.kill()
            process.wait(timeout=30)

    def close(self):
        """The links go with the namespace."""
        self._holder.stdin.close()
        self._holder.wait(timeout=30)


def ask_from_host(host, where, port, protocol="tcp", patience=5):
    """The same from a program of the test host itself."""
    asked = host.shell(sys.executable, "-c", ASK, where, str(port), protocol, str(patience), check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


def ask_from_container(host, container, where, port, protocol="tcp", patience=5):
    """The same from the network of a container that runs."""
    pid = host.inspect(container)["State"]["Pid"]
    asked = host.shell("nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", ASK, where, str(port), protocol,
                       str(patience), check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


SERVE = """
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[2] == "udp" else socket.SOCK_STREAM
serving = []
for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    one = socket.socket(family, kind, socket.IPPROTO_SCTP if sys.argv[2] == "sctp" else 0)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((address, int(sys.argv[1])))
    serving.append(one)
    if kind == socket.SOCK_STREAM:
        one.listen(100)
print("ready", flush=True)
import selectors
with selectors.DefaultSelector() as selector:
    for one in serving:
        selector.register(one, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if kind == socket.SOCK_STREAM:
                connection, peer = key.fileobj.accept()
                connection.sendall(peer[0].encode())
                connection.close()
            else:
                _, peer = key.fileobj.recvfrom(100)
                key.fileobj.sendto(peer[0].encode(), peer)
"""


class Server:
    """Tells everybody who asks at a port of a container the address that he comes from. A program of the test host in
    the container's network, as small images have none that can."""

    def __init__(self, host, container, port, protocol="tcp"):
        pid = host.inspect(container)["State"]["Pid"]
        self._process = subprocess.Popen(
            [*host.enter, "nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", SERVE, str(port), protocol],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert self._process.stdout.readline() == b"ready\n", f"nothing serves port {port}"

    def close(self):
        # nsenter waits for its child in the PID namespace: ending it alone would leave the server.
        for child in self._children(self._process.pid):
            os.kill(child, 9)
        self._process.wait(timeout=30)

    @staticmethod
    def _children(pid):
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
