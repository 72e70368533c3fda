"""The proof that nobody notices the death of the daemon: four kinds of traffic go on through a hundred of them."""

import contextlib
import shutil
import struct
import subprocess
import sys
import threading
from http.client import HTTPException

import pytest

from harness.engines import Berthd, berth_bin
from harness.waiting import until

pytestmark = pytest.mark.berth_only

DEATHS = 100
ON_THE_HOST = {"NetworkMode": "host"}

# Both clients print a line for each round, and end when their stdin does. The first thing that is wrong ends them badly.
HTTP_CLIENT = """
import http.client, select, sys, time
expected = b"".join(b"%d\\n" % number for number in range(1, 5001))
while not select.select([sys.stdin], [], [], 0.002)[0]:
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
    connection.request("GET", "/numbers")
    reply = connection.getresponse()
    assert reply.status == 200 and reply.read() == expected
    connection.close()
    print("ok", flush=True)
"""
TCP_CLIENT = """
import select, socket, sys
stream = socket.create_connection(("127.0.0.1", 9000), timeout=60)
back = stream.makefile("rb")
number = 0
while not select.select([sys.stdin], [], [], 0.002)[0]:
    number += 1
    stream.sendall(b"%d\\n" % number)
    line = back.readline()
    assert line == b"%d\\n" % number, (number, line)
    print("ok", flush=True)
"""


class Traffic(threading.Thread):
    """Something that goes on and counts its rounds; what went wrong is raised by finish()."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.host, self.rounds, self.error = host, 0, None
        self.ending = threading.Event()

    def run(self):
        try:
            self.work()
        except BaseException as error:  # for the thread that asks
            self.error = error

    def check(self):
        if self.error:
            raise self.error

    def finish(self):
        self.ending.set()
        self.join(60)
        assert not self.is_alive(), f"{type(self).__name__} does not end"
        self.check()


class NetworkClient(Traffic):
    """A program in the host's network."""

    def __init__(self, host, program):
        super().__init__(host)
        self.client = subprocess.Popen([*host.enter, sys.executable, "-c", program], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def work(self):
        for _ in self.client.stdout:
            self.rounds += 1
        said = self.client.stderr.read()
        assert self.ending.is_set() and self.client.wait(60) == 0, f"the client ended after {self.rounds}: {said}"

    def finish(self):
        self.ending.set()
        self.client.stdin.close()
        super().finish()


class Session(Traffic):
    """A person in `exec -it`: types a number, and waits for what the program says to it."""

    def __init__(self, host, container):
        super().__init__(host)
        config = {"Cmd": ["sh", "-c", "stty -echo; echo ready; while read n; do echo got $n; done; exit 7"],
                  "Tty": True, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True}
        self.id = host.api.post(f"/containers/{container}/exec", body=config).json["Id"]
        self.stream = host.api.hijack(f"/exec/{self.id}/start", body={"Detach": False, "Tty": True})
        self.stream.read_until(b"ready\r\n")
        self.stream.buffer = b""

    def work(self):
        while not self.ending.wait(0.002):
            self.stream.send(b"%d\n" % (self.rounds + 1))
            seen = self.stream.read_until(b"\n")
            assert seen == b"got %d\r\n" % (self.rounds + 1)
            self.stream.buffer = b""
            self.rounds += 1
        self.stream.send(b"\x04")
        assert self.stream.read_all() == b""
        self.stream.close()


class Follower(Traffic):
    """`logs -f --timestamps`, begun again behind the last timestamp whenever it ends."""

    def __init__(self, host, container):
        super().__init__(host)
        self.container, self.last = container, ""

    def work(self):
        while True:
            last_reading = self.ending.is_set()
            with contextlib.suppress(OSError, HTTPException):
                self.follow()
            if last_reading:
                return

    def follow(self):
        query = {"since": self.last} if self.last else {}
        connection, reply = self.host.api.stream(f"/containers/{self.container}/logs", follow=1, stdout=1, timestamps=1,
                                                 **query)
        with contextlib.closing(connection):
            assert reply.status == 200, reply.read()
            data = b""
            while more := reply.read1(65536):
                data = self.take(data + more)

    def take(self, data):
        """Counts whole lines, a frame each; returns the rest."""
        while len(data) >= 8 and len(data) >= 8 + (size := struct.unpack(">4xL", data[:8])[0]):
            stamp, text = data[8:8 + size].decode().split(" ")
            data = data[8 + size:]
            if stamp > self.last:  # a reading begins with the line that is known already
                assert text == f"{self.rounds + 1}\n", f"{text!r} came after {self.rounds}"
                self.last, self.rounds = stamp, self.rounds + 1
        return data


def all_move_on(traffic):
    """Waits until each kind of traffic has done something more."""
    before = [one.rounds for one in traffic]

    def moved():
        for one in traffic:
            one.check()
        return all(one.rounds > count for one, count in zip(traffic, before))
    until(moved, lambda: f"traffic to go on: {before} became {[one.rounds for one in traffic]}", every=0.002)


def exchanged(host):
    """An engine whose programs are another build's: copies beside the old ones."""
    programs = host.folder / "upgrade"
    programs.mkdir()
    for name in ("berthd", "berth-shim"):
        shutil.copy(berth_bin() / name, programs / name)
    return Berthd(programs)


def test_nothing_is_lost_through_a_hundred_deaths_and_an_exchanged_program(fresh_host):
    host = fresh_host
    web = host.spawn("sh", "-c", "mkdir /www; seq 1 5000 > /www/numbers; echo up; exec httpd -f -p 127.0.0.1:8080 -h /www",
                     host_config=ON_THE_HOST)
    echo = host.spawn("nc", "-l", "-p", "9000", "-e", "cat", host_config=ON_THE_HOST)
    box = host.spawn("sleep", "1000")
    writer = host.spawn("sh", "-c", "trap 'exit 5' TERM; n=0; while :; do for i in 1 2 3 4 5; do n=$((n+1)); echo $n; done; "
                                    "usleep 5000; done")
    for port in ("1F90", "2328"):
        until(lambda: any(f":{port} " in line and " 0A " in line for name in ("tcp", "tcp6")
                          for line in host.read_proc(1, f"net/{name}").splitlines()), f"a listener on port {port}")
    containers = [web, echo, box, writer]
    pids = [host.state(container)["Pid"] for container in containers]
    unaware = [NetworkClient(host, HTTP_CLIENT), NetworkClient(host, TCP_CLIENT), Session(host, box)]
    follower = Follower(host, writer)
    for one in [*unaware, follower]:
        one.start()
    all_move_on([*unaware, follower])
    for death in range(DEATHS):
        host.leftovers.note_containers()
        host.crash()
        all_move_on(unaware)
        if death == DEATHS // 2:
            host.engine = exchanged(host)
        host.start()
        all_move_on([follower])
    assert [host.state(container)["Pid"] for container in containers] == pids
    for one in unaware:
        one.finish()
    assert host.api.get(f"/exec/{unaware[2].id}/json").json["ExitCode"] == 7
    assert host.api.post(f"/containers/{writer}/stop", t=60).status == 204 and host.state(writer)["ExitCode"] == 5
    follower.finish()
    assert host.output(writer)[0] == b"".join(b"%d\n" % number for number in range(1, follower.rounds + 1))
