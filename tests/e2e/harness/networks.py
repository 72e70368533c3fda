"""What tests of networks need: servers in containers, and questions to them from containers and from the host."""

import sys

from .waiting import until

ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as connection:
    connection.sendall(sys.argv[3].encode())
    connection.shutdown(socket.SHUT_WR)
    print(b"".join(iter(lambda: connection.recv(65536), b"")).decode(), end="")
"""


def serve(host, text="hello", port=8000, **more):
    """A container that answers every connection to the port with the text; returns its ID once it listens."""
    # One listener for all connections: one after the other, what comes in between would be lost with the last one.
    container = host.spawn("nc", "-ll", "-p", str(port), "-e", "sh", "-c", f"cat >/dev/null; echo {text}", **more)
    wait_for_port(host, container, port)
    return container


def wait_for_port(host, container, port):
    def listens():
        pid = host.inspect(container)["State"]["Pid"]
        tables = host.read_proc(pid, "net/tcp") + host.read_proc(pid, "net/tcp6")
        return any(f":{port:04X} " in line and " 0A " in line for line in tables.splitlines())
    until(listens, f"port {port} of {container}")


def endpoint(host, container, network="bridge"):
    return host.inspect(container)["NetworkSettings"]["Networks"][network]


def address(host, container, network="bridge"):
    return endpoint(host, container, network)["IPAddress"]


def ask_from_host(host, where, port, text="", check=True):
    """What a server answers to a program of the test host; None if there is no answer."""
    asked = host.shell(sys.executable, "-c", ASK, where, str(port), text, check=check)
    return asked.stdout.strip() if asked.returncode == 0 else None


def ask_from(host, container, where, port):
    """The same to a program in a container, by its pid's network namespace."""
    pid = host.inspect(container)["State"]["Pid"]
    asked = host.shell("nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", ASK, where, str(port), "",
                       check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


def make_network(host, name, **body):
    reply = host.api.post("/networks/create", body={"Name": name, **body})
    assert reply.status == 201, reply
    return reply.json["Id"]


def execute(host, container, *command):
    """What a further process in the container writes."""
    done = host.docker("exec", container, *command)
    assert done.code == 0, done
    return done.out
