"""A thousand random operations by four clients, the daemon's death among them: what is listed is what there is.

The dice of a run are in its seed, which is printed; BERTH_E2E_SEED throws them again. How the clients interleave is not in
it: a seed that has failed fails again soon, not always.
"""

import collections
import contextlib
import os
import random
import threading
import time
from http.client import HTTPException

import pytest

from harness.leftovers import cgroups, directories
from harness.waiting import until

pytestmark = pytest.mark.berth_only

CLIENTS, OPERATIONS = 4, 1000
PATIENCE = 20  # seconds for any one answer
SETTLED = 5  # seconds after which list and kernel must agree, however busy the engine is
NAMES = [f"s{number}" for number in range(12)]
COMMANDS = [["sleep", "1000"]] * 4 + [["true"], ["sh", "-c", "exit 3"], ["sh", "-c", "trap 'exit 4' TERM; sleep 1000 & wait"]]
POLICIES = [{}] * 3 + [{"RestartPolicy": {"Name": "always"}}, {"RestartPolicy": {"Name": "on-failure"}}, {"AutoRemove": True}]
WEIGHTS = {"create": 22, "start": 18, "execute": 14, "pause": 8, "unpause": 8, "kill": 8, "stop": 7, "restart": 7,
           "remove": 10, "crash": 3}


# What must have been done at least once, or the run says nothing: the last part of the path, or the method.
CHANGES = ("create", "start", "exec", "pause", "unpause", "kill", "stop", "restart", "DELETE")


class Client:
    """Does what its dice say, to containers that it shares with the others."""

    down = threading.Lock()  # held over a death of the daemon
    turns = 0  # of the daemon's life: one more when it dies, one more when it answers again

    def __init__(self, host, seed):
        self.host, self.dice = host, random.Random(seed)
        self.wrong = []
        self.succeeded = collections.Counter()

    def run(self):
        try:
            for verb in self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=OPERATIONS // CLIENTS):
                self.do(verb, self.dice.choice(NAMES))
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(f"the client ended: {error!r}")

    def do(self, verb, name):
        before = Client.turns
        while lost := self.lost(verb, name):
            with self.down:  # until the daemon is back
                daemon = self.host.daemon
                assert daemon and daemon.poll() is None, "the daemon has ended by itself"
                assert Client.turns != before, f"{verb} {name}: the daemon lives and has dropped the connection: {lost!r}"
                before = Client.turns

    def lost(self, verb, name):
        """What cut the operation off if the daemon died under it, or was not there."""
        try:
            getattr(self, verb)(name)
        except (TimeoutError, AssertionError) as error:
            self.wrong.append(f"{verb} {name}: {error!r}")
        except (OSError, HTTPException, ValueError) as error:
            return error
        return None

    def ask(self, method, path, *expected, **more):
        try:
            reply = self.host.api.request(method, path, timeout=PATIENCE, **more)
        except TimeoutError as error:
            raise TimeoutError(f"{method} {path}: no answer within {PATIENCE} s") from error
        not_paused = reply.status == 500 and reply.message.endswith(" is not paused")  # as Docker has it
        assert reply.status in expected or not_paused, f"{method} {path}: {reply}"
        if reply.status < 300:
            self.succeeded[path.split("/")[-1] if method == "POST" else method] += 1
        return reply

    def change(self, verb, name, **query):
        self.ask("POST", f"/containers/{name}/{verb}", 204, 304, 404, 409, **query)

    def create(self, name):
        made = self.ask("POST", "/containers/create", 201, 409, name=name,
                        body={"Image": "busybox", "Cmd": self.dice.choice(COMMANDS), "HostConfig": self.dice.choice(POLICIES)})
        if made.status == 201:
            self.host.leftovers.ids.add(made.json["Id"])

    def start(self, name):
        if not self.dice.randrange(3):
            self.create(name)
        self.change("start", name)

    def execute(self, name):
        command = self.dice.choice([["true"], ["sleep", "1000"], ["sh", "-c", "echo hi; exit 2"]])
        made = self.ask("POST", f"/containers/{name}/exec", 201, 404, 409, body={"Cmd": command, "AttachStdout": True})
        if made.status == 201:
            detach = command[0] == "sleep" or bool(self.dice.randrange(2))
            self.ask("POST", f"/exec/{made.json['Id']}/start", 200, 404, 409, body={"Detach": detach})

    def pause(self, name):
        self.change("pause", name)

    def unpause(self, name):
        """One that is paused, if there is one: what else ends a pause comes four times as often, and met nearly all of them first."""
        paused = self.ask("GET", "/containers/json", 200, all=1, filters={"status": ["paused"]}).json
        self.change("unpause", self.dice.choice(paused)["Id"] if paused else name)

    def kill(self, name):
        self.change("kill", name, signal=self.dice.choice(["KILL", "TERM", "USR1"]))

    def stop(self, name):
        self.change("stop", name, t=0)

    def restart(self, name):
        self.change("restart", name, t=0)

    def remove(self, name):
        self.ask("DELETE", f"/containers/{name}", 204, 404, 409, force=1, v=1)

    def crash(self, _):
        with self.down:
            self.host.leftovers.note_containers()
            Client.turns += 1
            self.host.crash()
            self.host.start()
            Client.turns += 1


def disagreements(host):
    """What the list of containers says that the kernel does not, and the other way round: one line each."""
    listed = {item["Id"]: item["State"] for item in host.api.get("/containers/json", all=1, timeout=PATIENCE).json}
    known = host.leftovers.ids | set(listed)
    running = {container for container, state in listed.items() if state in ("running", "paused")}
    groups = {os.path.basename(path) for path in cgroups(host.engine.cgroup)} & known
    folders = {os.path.basename(path) for path in directories(host.data_root / "containers")}
    found = [f"cgroup of {container}, which is {listed.get(container)}" for container in groups - running]
    found += [f"directory of {container}, which is not listed" for container in folders - set(listed)]
    alive, inside = host.processes(), {}
    for pid in alive:
        with contextlib.suppress(OSError):
            text = host.read_proc(pid, "cgroup")
            inside[pid] = next((container for container in known if container in text), None)
    found += [f"process {pid} ({alive[pid]}) of {container}, which is {listed.get(container)}"
              for pid, container in inside.items() if container and container not in running]
    for container in running:
        inspected = host.api.get(f"/containers/{container}/json", timeout=PATIENCE)
        pid = inspected.json["State"]["Pid"] if inspected.status == 200 else None
        if container not in groups or inside.get(pid) != container:
            found.append(f"{container} is {listed[container]}, but process {pid} is {alive.get(pid)}")
    return found


class Observer:
    """Looks at list and kernel while the clients work. They differ for moments; what lasts is wrong."""

    def __init__(self, host):
        self.host, self.wrong, self.ended = host, [], threading.Event()
        self.since = {}

    def run(self):
        while not self.ended.wait(0.2):
            with Client.down:  # it is the engine that is watched, not what stands still without it
                with contextlib.suppress(OSError, HTTPException, ValueError):
                    self.look()

    def look(self):
        now = time.monotonic()
        self.since = {line: self.since.get(line, now) for line in disagreements(self.host)}
        self.wrong += [f"for {SETTLED} s under load: {line}" for line, since in self.since.items()
                       if now - since > SETTLED and not any(line in known for known in self.wrong)]


def thaw(host):
    """Who reads the output of an exec waits while its container is paused; in the end nobody is left to unpause it."""
    with contextlib.suppress(OSError, HTTPException, ValueError):
        for item in host.api.get("/containers/json", all=1, filters={"status": ["paused"]}, timeout=PATIENCE).json:
            host.api.post(f"/containers/{item['Id']}/unpause", timeout=PATIENCE)


def work(host, seed):
    """Lets the clients do all they have to; returns what was wrong."""
    clients = [Client(host, seed * CLIENTS + number) for number in range(CLIENTS)]
    observer = Observer(host)
    watching = threading.Thread(target=observer.run)
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in [watching, *threads]:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(0.1)
        if not all(thread.is_alive() for thread in threads):
            thaw(host)
    observer.ended.set()
    watching.join()
    succeeded = sum((client.succeeded for client in clients), collections.Counter())
    idle = [f"no {verb} has succeeded: {succeeded}" for verb in CHANGES if not succeeded[verb]]
    return [line for one in [*clients, observer] for line in one.wrong] + idle


def test_thousand_random_operations_leave_nothing_and_agree_with_the_kernel(fresh_host):
    host = fresh_host
    seed = int(os.environ.get("BERTH_E2E_SEED", random.randrange(1 << 32)))
    print(f"BERTH_E2E_SEED={seed}")
    wrong = work(host, seed)
    assert not wrong, "\n".join(wrong)
    found = []

    def agreed():
        found[:] = disagreements(host)
        return not found
    until(agreed, lambda: "the list and the kernel to agree:\n  " + "\n  ".join(found), deadline=15)
    for item in host.containers():
        reply = host.api.delete(f"/containers/{item['Id']}", force=1, v=1)
        assert reply.status in (204, 404), reply
    host.leftovers.check()
