"""The engines that are measured: each starts, loads the same busybox image, and tells how to run a container."""

import hashlib
import io
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time

NETWORKS = ("none", "host")
IMAGE = "bench:latest"


class Missing(Exception):
    """A peer cannot be measured here; the text says why."""


def find_program(name, folder=None):
    path = shutil.which(str(folder / name)) if folder else shutil.which(name, path="/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise Missing(f"{name} is not installed")
    return path


class Busybox:
    """One root file system with a static busybox, as a directory and as a docker-archive."""

    def __init__(self, folder, server=None):
        program = find_program("busybox")
        self.root = folder / "rootfs"
        for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
            (self.root / name).mkdir(parents=True)
        shutil.copy(program, self.root / "bin/busybox")
        for name in ("cat", "sh", "sleep", "true"):
            (self.root / "bin" / name).symlink_to("busybox")
        if server:
            shutil.copy(server, self.root / "bin/http_server")
        for name in ("hostname", "hosts", "resolv.conf"):
            (self.root / "etc" / name).touch()
        self.archive = folder / "image.tar"
        self._write_archive()

    def _write_archive(self):
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(self.root, arcname=".")
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        config = json.dumps({
            "architecture": architecture, "os": "linux", "created": "2026-01-01T00:00:00Z",
            "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()]},
        }).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        manifest = json.dumps([{"Config": name, "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode()
        with tarfile.open(self.archive, "w") as tar:
            for file, content in ((name, config), ("layer.tar", layer.getvalue()), ("manifest.json", manifest)):
                info = tarfile.TarInfo(file)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


class TestHost:
    """A network and a mount namespace, with a /sys of their own (dockerd is slow without): nothing leads out of it.

    What is mounted here before stays as it is, so that sockets and files have the same paths inside and outside. Where cgroup
    version 2 was beside version 1, a part of it of the host's own looks like the whole: programs that an engine attaches
    there are met by nobody else.
    """

    CGROUP = "/sys/fs/cgroup/unified"
    ENTER = """set -e
        aside=$(mktemp -d)
        mount --rbind /sys/fs/cgroup $aside
        mount -t sysfs sysfs /sys
        mount --move $aside /sys/fs/cgroup
        if [ -d $1 ]; then
            mount -t cgroup2 cgroup2 $aside
            mkdir $aside/$2
            mount --bind $aside/$2 $1
            umount $aside
            echo 0 > $1/cgroup.procs
        fi
        rmdir $aside
        mount -t tmpfs tmpfs /run
        ip link set lo up
        echo ready
        exec sleep infinity"""

    JOIN = 'if [ -w $0/cgroup.procs ]; then echo 0 > $0/cgroup.procs; fi; exec "$@"'
    REMOVE = 'mount -t cgroup2 cgroup2 "$1" && find "$1/$2" -depth -type d -exec rmdir {} +'
    numbers = itertools.count(1)

    def __init__(self):
        self.cgroup = f"berth-bench-{os.getpid()}-{next(self.numbers)}"
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", self.ENTER, "sh",
                                        self.CGROUP, self.cgroup], stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise Missing("no test host of its own")
        self.enter = [find_program("nsenter"), f"--net=/proc/{self.holder.pid}/ns/net", f"--mount=/proc/{self.holder.pid}/ns/mnt", "sh", "-c",
                      self.JOIN, self.CGROUP]
        self.namespace = os.readlink(f"/proc/{self.holder.pid}/ns/net")

    def call(self, *words):
        return subprocess.run([*self.enter, *words], check=True, capture_output=True, text=True).stdout

    def stop(self):
        self.holder.kill()
        self.holder.wait()
        if os.path.isdir(self.CGROUP):
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", self.REMOVE, "sh", folder, self.cgroup],
                               check=True)


class Engine:
    """An engine with a command line, and perhaps a daemon. `prefix` is the command line up to its subcommand.

    Engines share the bench's namespaces, or have a test host each where both want a bridge called docker0.
    """

    name = ""
    prefix = ()
    socket = None           # of its API, if it has one
    process_names = ()      # of all its processes, cut to 15 characters as in /proc/<pid>/comm
    cgroup = None           # what it leaves at the root of each hierarchy
    image = IMAGE
    run_options = ()
    whole_log = ("--log-driver", "json-file", "--log-opt", "max-size=1g")  # keeps all of 200 MB in one file
    remove = ("rm", "-f")

    def __init__(self, folder):
        self.folder = folder / self.name
        self.folder.mkdir()
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        self.daemon = None
        self.host = None

    def start(self, busybox):
        raise NotImplementedError

    def start_daemon(self, argv):
        self.log = self.folder / "log"
        self.argv = [*(self.host.enter if self.host else ()), *argv]
        self.spawn_daemon()
        deadline = time.monotonic() + 30
        while subprocess.run([*self.prefix, "version"], env=self.environment, capture_output=True).returncode != 0:
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"{self.name} does not start: {self.log.read_text().strip().splitlines()[-1:]}")
            time.sleep(0.05)

    def spawn_daemon(self):
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           env=self.environment, start_new_session=True)

    def call(self, *words):
        done = subprocess.run([*self.prefix, *words], env=self.environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Missing(f"{self.name} {words[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def run_command(self, network):
        return [*self.prefix, "run", "--rm", "--network", network, *self.run_options, self.image, "true"]

    def run_sleeping(self, network="none"):
        return self.call("run", "-d", "--network", network, *self.run_options, self.image, "sleep", "1000")

    def processes(self):
        """IDs of the engine's own processes: by name, and in the bench's network namespace (not those of the machine)."""
        ours = self.host.namespace if self.host else os.readlink("/proc/self/ns/net")
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "comm").read_text().strip() in self.process_names:
                    if os.readlink(entry / "ns/net") == ours:
                        found.append(int(entry.name))
            except OSError:
                pass  # it ended in between
        return found

    def stop(self):
        if self.prefix and (ids := self.call("ps", "-aq").split()):
            self.call(*self.remove, *ids)
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        if self.host:
            self.host.stop()
        for top in pathlib.Path("/sys/fs/cgroup").glob(f"*/{self.cgroup}"):
            for directory, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass  # somebody else's, who uses this engine as well


class Berth(Engine):
    name = "berth"
    process_names = ("berthd", "berth-shim")
    cgroup = "berth"

    def __init__(self, folder, programs):
        super().__init__(folder)
        self.programs = programs

    def start(self, busybox):
        self.socket = self.folder / "berth.sock"
        self.environment["DOCKER_HOST"] = f"unix://{self.socket}"
        self.prefix = (find_program("berth", self.programs),)
        self.start_daemon([find_program("berthd", self.programs), "-H", f"unix://{self.socket}", "--data-root",
                           self.folder / "data", "--exec-root", self.folder / "exec"])
        self.call("load", "-i", str(busybox.archive))


class Docker(Engine):
    name = "docker"
    process_names = ("dockerd", "containerd", "containerd-shim", "docker-proxy")
    cgroup = "docker"

    def start(self, busybox):
        self.socket = self.folder / "docker.sock"
        self.environment["DOCKER_HOST"] = f"unix://{self.socket}"
        self.prefix = (find_program("docker"),)
        self.start_daemon([find_program("dockerd"), "-H", f"unix://{self.socket}", "--data-root", self.folder / "data",
                           "--exec-root", self.folder / "exec", "--pidfile", self.folder / "pid",
                           *(() if self.host else ("--iptables=false", "--bridge=none"))])
        self.call("load", "-i", str(busybox.archive))


class Podman(Engine):
    name = "podman"
    process_names = ("podman", "conmon")
    cgroup = "libpod_parent"
    image = f"localhost/{IMAGE}"
    # Its default limits are more than a machine without CAP_SYS_RESOURCE allows.
    run_options = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
    whole_log = ("--log-driver", "k8s-file", "--log-opt", "max-size=1g")
    remove = ("rm", "-f", "--time", "0")

    def start(self, busybox):
        self.prefix = (*(self.host.enter if self.host else ()), find_program("podman"), "--root", str(self.folder / "data"), "--runroot", str(self.folder / "exec"),
                       "--tmpdir", str(self.folder / "tmp"), "--cgroup-manager", "cgroupfs", "--events-backend", "file",
                       "--storage-driver", "overlay")
        self.call("load", "-i", str(busybox.archive))


class Runtime:
    """An OCI runtime's command line alone, on a bundle without an image store, log or monitor."""

    def __init__(self, name, folder, busybox):
        self.name = name
        self.program = find_program(name)
        self.state = folder / name / "state"
        self.bundles = {}
        for network in NETWORKS:
            bundle = folder / name / network
            bundle.mkdir(parents=True)
            subprocess.run([self.program, "spec"], cwd=bundle, check=True)
            spec = json.loads((bundle / "config.json").read_text())
            spec["process"].update(terminal=False, args=["/bin/true"])
            spec["root"] = {"path": str(busybox.root), "readonly": False}
            if network == "host":
                spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
            (bundle / "config.json").write_text(json.dumps(spec))
            self.bundles[network] = bundle

    def run_command(self, network):
        return [self.program, "--root", str(self.state), "run", "--bundle", str(self.bundles[network]),
                f"bench-{self.name}-{network}"]
