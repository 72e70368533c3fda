"""Whether the engine stays as it is: memory, threads and descriptors over many starts, and over clients that hang up."""

import http.client
import itertools
import json
import os
import pathlib
import socket
import threading
import time

import measure
import peers
import report

CLIENTS = 4
START_WARM_UP = 500    # before the first look
ABORT_WARM_UP = 3000   # the engine remembers a thousand execs that have ended
LOOKS = 10             # after it
PATIENCE = 60          # seconds for one answer
# What may come on top between the first look and the last: what an allocator keeps differs from look to look.
PSS_KB, THREADS, DESCRIPTORS = 1024, 2, 2


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """One client of the API; its connection is kept."""

    def __init__(self, path):
        self.path, self.connection = path, UnixConnection(path)

    def ask(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None,
                                {"Content-Type": "application/json"} if body is not None else {})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text) if text else None

    def hijack(self, path, body=None):
        """A connection on which a request to upgrade was sent."""
        text = json.dumps(body).encode() if body is not None else b""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(str(self.path))
        sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                     f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        return sock

    def create(self, *command, **more):
        return self.ask("POST", "/containers/create",
                        {"Image": peers.IMAGE, "Cmd": command, "HostConfig": {"NetworkMode": "none"}, **more})["Id"]

    def run(self):
        """What `run --rm` asks for."""
        container = self.create("true")
        with self.hijack(f"/containers/{container}/attach?stream=1&stdout=1&stderr=1") as output:
            output.recv(1 << 16)  # the head: it is attached
            self.ask("POST", f"/containers/{container}/start")
            while output.recv(1 << 16):
                pass
        self.ask("POST", f"/containers/{container}/wait")
        self.ask("DELETE", f"/containers/{container}")

    def abort(self, number, container):
        """An exec or an attach whose client hangs up: before the answer, after it, or in the middle of what it types."""
        kind = number % 6
        if kind < 3:
            made = self.ask("POST", f"/containers/{container}/exec", {
                "Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": kind == 2})
            path, body = f"/exec/{made['Id']}/start", {"Detach": False, "Tty": kind == 2}
        else:
            path, body = f"/containers/{container}/attach?stream=1&stdin=1&stdout=1&stderr=1", None
        with self.hijack(path, body) as stream:
            if kind % 3 != 0:
                stream.recv(1 << 16)
                stream.sendall(b"typed\n" * 100 + (b"\x04" if kind == 2 else b""))  # nobody else ends a terminal's input


def look_at(pid):
    """What a process holds."""
    process = pathlib.Path(f"/proc/{pid}")
    return {"PSS kB": measure.pss_kb([pid]), "threads": len(os.listdir(process / "task")),
            "descriptors": len(os.listdir(process / "fd"))}


def look_when_quiet(pid):
    """The same once it has not changed for a while: what follows an answer in the background is not over with it."""
    last, since, end = look_at(pid), time.monotonic(), time.monotonic() + 10
    while time.monotonic() - since < 0.5 and time.monotonic() < end:
        time.sleep(0.05)
        now = look_at(pid)
        if now != last:
            last, since = now, time.monotonic()
    return last


class Leaks:
    def __init__(self, engine, starts, aborts):
        self.engine, self.starts, self.aborts = engine, starts, aborts
        self.grown = []

    def measure(self):
        """Returns what has grown, one line each."""
        daemon = self.engine.daemon.pid
        self.repeat(f"{self.starts:,} starts", START_WARM_UP, self.starts, {"berthd": daemon},
                    lambda client, _: client.run())
        client = Client(self.engine.socket)
        container = client.create("cat", OpenStdin=True)  # it reads what they type, as long as it lives
        client.ask("POST", f"/containers/{container}/start")
        process = client.ask("GET", f"/containers/{container}/json")["State"]["Pid"]
        shim = int(pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
        self.repeat(f"{self.aborts:,} aborted execs and attaches", ABORT_WARM_UP, self.aborts,
                    {"berthd": daemon, "berth-shim": shim}, lambda client, number: client.abort(number, container))
        client.ask("DELETE", f"/containers/{container}?force=1")
        return self.grown

    def repeat(self, what, warm_up, number, processes, operation):
        """Does it so often, and looks at the processes between."""
        looks, rows, done = {name: [] for name in processes}, [], 0
        for count in [warm_up] + [number // LOOKS] * LOOKS:
            rate = count / self.do(count, operation)
            done += count
            for name, pid in processes.items():
                looks[name].append(look_when_quiet(pid))
                rows.append([f"{name} after {done:,}", f"{rate:,.0f}", *map(str, looks[name][-1].values())])
        report.print_table(what, ["", "per second", "PSS kB", "threads", "descriptors"], rows)
        for name, found in looks.items():
            for unit, most in (("PSS kB", PSS_KB), ("threads", THREADS), ("descriptors", DESCRIPTORS)):
                # What is held goes up and down with the allocator and with clients that have just hung up; what leaks
                # raises the least that is held.
                half = len(found) // 2
                first, last = (min(look[unit] for look in part) for part in (found[:half], found[half:]))
                if last > first + most:
                    self.grown.append(f"{what}: {unit} of {name} from {first:,} to {last:,}")

    def do(self, count, operation):
        """Shares the operations among the clients; returns how long they took."""
        numbers, failures = itertools.count(), []

        def work():
            client = Client(self.engine.socket)
            try:
                while (number := next(numbers)) < count:
                    operation(client, number)
            except Exception as error:  # of a thread: told below
                failures.append(error)
            client.connection.close()
        threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return time.monotonic() - started
