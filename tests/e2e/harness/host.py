"""A test host: network, mount and PID namespaces and a cgroup of its own, with one engine in it.

A holder process keeps the namespaces; it is process 1 of the PID namespace and lives as long as the pipe to the test run
is open. So nothing that an engine started can outlive the tests, whatever goes wrong.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

import docker as docker_sdk

from . import clients
from .cgroups import OwnCgroup
from .http import Api, split
from .waiting import until

HOLDER = """
import signal, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(sys.argv[1:], check=True)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
sys.stdin.read()
"""


def children(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Host:
    def __init__(self, engine, image_folder):
        self.engine, self.image_folder = engine, image_folder
        # Overlay wants an ordinary file system, and socket paths want to be short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="be-", dir=os.environ.get("BERTH_E2E_DIR", "/var/tmp")))
        self.folder.chmod(0o755)
        self.data_root, self.exec_root = self.folder / "d", self.folder / "x"
        self.socket = str(self.folder / "s")
        self.log = self.folder / "engine.log"
        (self.folder / "daemon.json").write_text("{}")
        (self.folder / "home").mkdir()
        self.api = Api(self.socket)
        self.loaded = set()
        self.daemon = None
        self._sdk = None
        self.cgroup = OwnCgroup()
        self._unshare = subprocess.Popen(
            [*self.cgroup.join, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "--propagation", "private", sys.executable, "-c", HOLDER, *self.cgroup.mount],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
        assert self._unshare.stdout.readline() == b"ready\n", "the test host did not come up"
        self.holder = children(self._unshare.pid)[0]
        self.proc = pathlib.Path(f"/proc/{self.holder}/root/proc")  # the host's processes, by their numbers inside

    # -- the machine ------------------------------------------------------------------------------------------------

    @property
    def enter(self):
        return [*self.cgroup.join, "nsenter", f"--target={self.holder}", "--net", "--mount", "--pid"]

    def shell(self, *command, check=True, **more):
        """Runs a program inside the test host, beside the engine."""
        return subprocess.run([*self.enter, *command], check=check, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **more)

    def read_proc(self, pid, name):
        return (self.proc / str(pid) / name).read_text()

    def processes(self):
        """{pid inside: command line} of everything that runs in this host, containers included; zombies left out."""
        found = {}
        for entry in self.proc.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                    if state not in "ZX" and not line.startswith("nsenter"):
                        found[int(entry.name)] = line
        return found

    def outer_pid(self, pid):
        """The number that the machine knows a process of this host by."""
        started = self.read_proc(pid, "stat").rsplit(")", 1)[1].split()[19]
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                line = next(line for line in status.read_text().splitlines() if line.startswith("NSpid"))
                numbers = line.split()[1:]
                stat = (status.parent / "stat").read_text().rsplit(")", 1)[1].split()[19]
                if len(numbers) > 1 and numbers[1] == str(pid) and stat == started:
                    return int(numbers[0])
        raise ProcessLookupError(pid)

    # -- the engine -------------------------------------------------------------------------------------------------

    def start(self):
        """Starts the engine, and returns when it answers."""
        assert self.daemon is None
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen([*self.enter, *self.engine.command(self.folder)], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, cwd="/")
        until(self._answers, lambda: f"{self.engine.name} to answer; its log ends with:\n{self.log_tail()}")
        return self

    def _answers(self):
        assert self.daemon.poll() is None, f"{self.engine.name} ended at start:\n{self.log_tail()}"
        try:
            return self.api.get("/_ping").status == 200
        except (OSError, ValueError):
            return False

    def log_tail(self, lines=30):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def daemon_pid(self):
        """The engine's number outside."""
        return until(lambda: children(self.daemon.pid), "the engine's process")[0]

    def signal_daemon(self, number):
        """Sends a signal to the engine and waits for its end; returns its exit code, negative for a signal."""
        os.kill(self.daemon_pid, number)
        code = self.daemon.wait(timeout=60)
        self.daemon = None
        if self._sdk:
            self._sdk.close()
            self._sdk = None
        return code

    def terminate(self):
        return self.signal_daemon(signal.SIGTERM)

    def crash(self):
        """kill -9."""
        self.signal_daemon(signal.SIGKILL)

    def close(self):
        if self._sdk:
            self._sdk.close()
        self._unshare.stdin.close()
        self._unshare.wait(timeout=30)
        if self.daemon:
            self.daemon.wait(timeout=30)
        self.cgroup.remove()
        if os.environ.get("BERTH_E2E_KEEP"):
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- clients ----------------------------------------------------------------------------------------------------

    @property
    def environment(self):
        home = str(self.folder / "home")
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "HOME": home, "DOCKER_CONFIG": home, "LC_ALL": "C",
                "DOCKER_CONTENT_TRUST": "0", "TERM": "xterm", **self.engine.client_environment}

    def docker(self, *arguments, **more):
        """The docker command line; a single string is split at blanks."""
        return clients.run_program(self, clients.docker_program(), arguments, **more)

    def berth(self, *arguments, **more):
        return clients.run_program(self, clients.berth_program(), arguments, **more)

    @property
    def sdk(self):
        """python3-docker's client."""
        if self._sdk is None:
            self._sdk = docker_sdk.DockerClient(base_url=f"unix://{self.socket}", version="auto", timeout=120)
        return self._sdk

    # -- images and containers --------------------------------------------------------------------------------------

    def need(self, *images):
        """Loads test images by their archives' names, once."""
        for image in images:
            if image not in self.loaded:
                self.load(self.image_folder / f"{image}.tar")
                self.loaded.add(image)
        return self

    def load(self, archive):
        """Loads an archive, a path or bytes, and returns the reply, which must be a success."""
        if isinstance(archive, pathlib.Path):
            with open(archive, "rb") as file:
                reply = self.api.post("/images/load", body=file, headers={"Content-Type": "application/x-tar"}, quiet=1)
        else:
            reply = self.api.post("/images/load", body=archive, headers={"Content-Type": "application/x-tar"}, quiet=1)
        assert reply.status == 200 and b"errorDetail" not in reply.body, reply
        return reply

    def busybox_layers(self):
        """The layers of busybox, uncompressed, for images that stand on it."""
        with tarfile.open(self.image_folder / "busybox.tar") as archive:
            manifest = json.loads(archive.extractfile("manifest.json").read())
            return [archive.extractfile(name).read() for name in manifest[0]["Layers"]]

    def create(self, *command, name=None, host_config=None, image="busybox", **config):
        """Creates a container by the API itself; fields are named as on the wire. Returns its ID."""
        body = {"Image": image, "Cmd": list(command) or None, "HostConfig": host_config or {}, **config}
        query = {"name": name} if name else {}
        reply = self.api.post("/containers/create", body=body, **query)
        assert reply.status == 201, reply
        return reply.json["Id"]

    def spawn(self, *command, **more):
        """A running container; returns its ID."""
        container = self.create(*command, **more)
        reply = self.api.post(f"/containers/{container}/start")
        assert reply.status == 204, reply
        return container

    def inspect(self, container):
        reply = self.api.get(f"/containers/{container}/json")
        assert reply.status == 200, reply
        return reply.json

    def state(self, container):
        return self.inspect(container)["State"]

    def wait(self, container):
        reply = self.api.post(f"/containers/{container}/wait")
        assert reply.status == 200, reply
        return reply.json["StatusCode"]

    def output(self, container, stdout=1, stderr=1):
        """What a container without terminal has written: (stdout, stderr)."""
        reply = self.api.get(f"/containers/{container}/logs", stdout=stdout, stderr=stderr)
        assert reply.status == 200, reply
        return split(reply.body)

    def wait_for_output(self, container, text):
        until(lambda: text in b"".join(self.output(container)), lambda: f"{text!r}; there is {self.output(container)}")

    def run(self, *command, **more):
        """Runs a container to its end: (exit code, stdout, stderr)."""
        container = self.spawn(*command, **more)
        code = self.wait(container)
        out, err = self.output(container)
        self.remove(container)
        return code, out, err

    def remove(self, container):
        reply = self.api.delete(f"/containers/{container}", force=1, v=1)
        assert reply.status == 204, reply

    def images(self):
        """The images' list, in an order that does not change."""
        return sorted(self.api.get("/images/json", all=1).json, key=lambda image: image["Id"])

    def containers(self):
        return json.loads(self.api.get("/containers/json", all=1).body)
