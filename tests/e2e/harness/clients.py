"""The three clients that the scenarios run with, behind one set of verbs: docker, berth and python3-docker.

Options of create and run are named as the command line's flags: run("busybox", "id", user="daemon", read_only=True).
"""

import collections
import json
import os
import shlex
import shutil
import subprocess

from .client_networks import CommandLineNetworks, SdkNetworks, network_flags
from .engines import berth_bin
from .http import split

TIMEOUT = 120
Result = collections.namedtuple("Result", "code out err")


class Failed(AssertionError):
    """A client's command ended badly. The text is what the user sees."""

    def __init__(self, code, message):
        super().__init__(f"exit code {code}: {message}")
        self.code, self.message = code, message


def docker_program():
    return os.environ.get("BERTH_E2E_DOCKER") or shutil.which("docker") or "docker"


def berth_program():
    return str(berth_bin() / "berth")


def words(arguments):
    return shlex.split(arguments[0]) if len(arguments) == 1 and " " in arguments[0] else [str(a) for a in arguments]


def run_program(host, program, arguments, check=True, input=None, text=True, timeout=TIMEOUT):
    """Runs a command line client to its end; stdin is empty unless given."""
    done = subprocess.run([program, *words(arguments)], env=host.environment, input=input if input is not None else
                          ("" if text else b""), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text,
                          timeout=timeout, cwd=host.folder)
    if check and done.returncode != 0:
        raise Failed(done.returncode, (done.stderr or done.stdout) if text else done.stderr.decode(errors="replace"))
    return Result(done.returncode, done.stdout, done.stderr)


FLAGS = {"workdir": "--workdir", "cpuset": "--cpuset-cpus"}
REPEATED = {"env", "label", "ulimit", "tmpfs", "cap_add", "cap_drop", "security_opt", "group_add"}


def flags(options):
    """Command line flags from keyword options."""
    options = dict(options)
    found = network_flags(options)
    for key, value in options.items():
        flag = FLAGS.get(key, "--" + key.replace("_", "-"))
        if value is True:
            found.append(flag)
        elif key in REPEATED:
            items = [f"{k}={v}" for k, v in value.items()] if isinstance(value, dict) else value
            for item in items:
                found += [flag, item]
        elif value is not None and value is not False:
            found.append(f"{flag}={value}")
    return found


class CommandLine(CommandLineNetworks):
    """docker, or berth: the same flags and the same output are the point."""

    flags = staticmethod(flags)

    def __init__(self, host, name, program):
        self.host, self.name, self.program = host, name, program

    def __call__(self, *arguments, **more):
        return run_program(self.host, self.program, arguments, **more)

    def run(self, image, *command, input=None, **options):
        interactive = ["-i"] if input is not None else []
        return self("run", *interactive, *flags(options), image, *command, input=input, check=False)

    def spawn(self, image, *command, **options):
        return self("run", "-d", *flags(options), image, *command).out.strip()

    def create(self, image, *command, **options):
        return self("create", *flags(options), image, *command).out.strip()

    def start(self, container):
        self("start", container)

    def stop(self, container, timeout=10):
        self("stop", "-t", timeout, container)

    def restart(self, container, timeout=10):
        self("restart", "-t", timeout, container)

    def kill(self, container, signal="KILL"):
        self("kill", "-s", signal, container)

    def wait(self, container):
        return int(self("wait", container).out)

    def rename(self, container, name):
        self("rename", container, name)

    def remove(self, container, force=False):
        self("rm", *(["-f"] if force else []), container)

    def names(self, all=True, **filters):
        found = [f"--filter={key.replace('_', '-')}={value}" for key, value in filters.items()]
        return set(self("ps", *(["-a"] if all else []), *found, "--format", "{{.Names}}").out.split())

    def inspect(self, container):
        return json.loads(self("container", "inspect", container).out)[0]

    def logs(self, container, timestamps=False, tail=None, since=None, until=None, follow=False):
        return self("logs", *flags(dict(timestamps=timestamps, tail=tail, since=since, until=until, follow=follow)),
                    container)

    def tags(self):
        return set(self("images", "--format", "{{.Repository}}:{{.Tag}}").out.split())

    def load(self, path):
        return self("load", "-i", path).out

    def import_image(self, path, tag):
        return self("import", path, tag).out.strip()

    def tag(self, image, name):
        self("tag", image, name)

    def remove_image(self, image, force=False):
        self("rmi", *(["-f"] if force else []), image)

    def inspect_image(self, image):
        return json.loads(self("image", "inspect", image).out)[0]

    def history(self, image):
        return self("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).out.splitlines()

    def events(self, since, until, **filters):
        found = [f"--filter={key}={value}" for key, value in filters.items()]
        lines = self("events", "--since", since, "--until", until, *found, "--format", "{{json .}}").out.splitlines()
        return [json.loads(line) for line in lines]

    def engine_version(self):
        return self("version", "--format", "{{.Server.Version}}").out.strip()

    def engine_info(self):
        return json.loads(self("info", "--format", "{{json .}}").out)


def bytes_of(text):
    return int(text[:-1]) * {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[text[-1]] if isinstance(text, str) else text


class Sdk(SdkNetworks):
    """python3-docker, by its low-level client, which shows failures as the API does."""

    name = "python"

    def __init__(self, host):
        self.host = host
        self.api = host.sdk.api

    def _create(self, image, command, attach=False, **options):
        from docker.types import Ulimit
        get = options.pop
        of_networks = self._network_config(options)
        host_config = dict(
            mem_limit=get("memory", None), memswap_limit=get("memory_swap", None),
            cpu_shares=get("cpu_shares", None), cpuset_cpus=get("cpuset", None), pids_limit=get("pids_limit", None),
            read_only=get("read_only", None), init=get("init", None), privileged=get("privileged", False),
            cap_add=get("cap_add", None), cap_drop=get("cap_drop", None), security_opt=get("security_opt", None),
            group_add=get("group_add", None), auto_remove=get("rm", False),
            ulimits=[Ulimit(name=name, soft=int(value.split(":")[0]), hard=int(value.split(":")[-1])) for name, value in
                     (item.split("=") for item in get("ulimit", []))] or None,
            tmpfs=dict(((item.split(":", 1) + [""])[:2]) for item in get("tmpfs", [])) or None,
            nano_cpus=int(float(get("cpus", 0)) * 1e9) or None, **of_networks[0])
        config = dict(
            name=get("name", None), environment=get("env", None), working_dir=get("workdir", None),
            user=get("user", None), hostname=get("hostname", None), labels=get("label", None),
            stop_signal=get("stop_signal", None), stop_timeout=get("stop_timeout", None), tty=get("tty", False),
            **of_networks[1])
        if (entrypoint := get("entrypoint", None)) is not None:
            config["entrypoint"] = [entrypoint]
        assert not options, f"the python client does not know {sorted(options)}"
        host_config = self.api.create_host_config(**{k: v for k, v in host_config.items() if v is not None})
        try:
            created = self.api.create_container(image, list(command) or None, host_config=host_config,
                                                stdin_open=attach, **{k: v for k, v in config.items() if v is not None})
        except Exception as error:
            raise self._failed(error, 125) from error
        return created["Id"]

    @staticmethod
    def _failed(error, code=1):
        return Failed(code, getattr(error, "explanation", None) or str(error))

    def _call(self, function, *arguments, **more):
        import docker.errors
        try:
            return function(*arguments, **more)
        except docker.errors.APIError as error:
            raise self._failed(error) from error

    def run(self, image, *command, input=None, **options):
        """As the command line does it: create, attach, start, copy, wait; exit codes 125 to 127 as there."""
        keep = not options.pop("rm", False)
        try:
            container = self._create(image, command, attach=input is not None, **options)
        except Failed as failure:
            return Result(125, "", failure.message)
        query = dict(stream=1, stdout=1, stderr=1, stdin=int(input is not None))
        try:
            with self.host.api.hijack(f"/containers/{container}/attach", **query) as stream:
                try:
                    self._call(self.api.start, container)
                except Failed as failure:
                    return Result(self.inspect(container)["State"]["ExitCode"], "", failure.message)
                if input:
                    stream.send(input.encode())
                if input is not None:
                    stream.close_stdin()
                data = stream.read_all()
            code = self.wait(container)
            out, err = (data, b"") if options.get("tty") else split(data)
            return Result(code, out.decode(), err.decode())
        finally:
            if not keep:
                self.remove(container, force=True)

    def spawn(self, image, *command, **options):
        container = self.create(image, *command, **options)
        self.start(container)
        return container

    def create(self, image, *command, **options):
        return self._create(image, command, **options)

    def start(self, container):
        self._call(self.api.start, container)

    def stop(self, container, timeout=10):
        self._call(self.api.stop, container, timeout=timeout)

    def restart(self, container, timeout=10):
        self._call(self.api.restart, container, timeout=timeout)

    def kill(self, container, signal="KILL"):
        self._call(self.api.kill, container, signal)

    def wait(self, container):
        return self._call(self.api.wait, container)["StatusCode"]

    def rename(self, container, name):
        self._call(self.api.rename, container, name)

    def remove(self, container, force=False):
        self._call(self.api.remove_container, container, v=True, force=force)

    def names(self, all=True, **filters):
        found = {key.replace("_", "-"): value for key, value in filters.items()}
        return {name[1:] for item in self._call(self.api.containers, all=all, filters=found) for name in item["Names"]}

    def inspect(self, container):
        return self._call(self.api.inspect_container, container)

    def logs(self, container, timestamps=False, tail=None, since=None, until=None, follow=False):
        more = {key: value for key, value in (("since", since), ("until", until)) if value is not None}
        more = {key: int(value) if isinstance(value, str) and value.isdigit() else value for key, value in more.items()}

        def read(**streams):
            data = self._call(self.api.logs, container, timestamps=timestamps, tail="all" if tail is None else tail,
                              stream=True, follow=follow, **more, **streams)
            return b"".join(data).decode()
        return Result(0, read(stdout=True, stderr=False), read(stdout=False, stderr=True))

    def tags(self):
        return {tag for image in self._call(self.api.images) for tag in image["RepoTags"] or []}

    def load(self, path):
        with open(path, "rb") as file:
            return "".join(line.get("stream", "") for line in self._call(self.api.load_image, file))

    def import_image(self, path, tag):
        repository, tag = tag.split(":")
        with open(path, "rb") as file:
            answer = self._call(self.api.import_image_from_data, file.read(), repository=repository, tag=tag)
        return json.loads(answer.splitlines()[-1])["status"]

    def tag(self, image, name):
        repository, tag = name.split(":")
        self._call(self.api.tag, image, repository, tag)

    def remove_image(self, image, force=False):
        self._call(self.api.remove_image, image, force=force)

    def inspect_image(self, image):
        return self._call(self.api.inspect_image, image)

    def history(self, image):
        return [step["CreatedBy"] for step in self._call(self.api.history, image)]

    def events(self, since, until, **filters):
        return list(self._call(self.api.events, since=int(since), until=int(until), filters=filters, decode=True))

    def engine_version(self):
        return self._call(self.api.version)["Version"]

    def engine_info(self):
        return self._call(self.api.info)


NAMES = ["docker", "berth", "python"]


def make(host, name):
    if name == "python":
        return Sdk(host)
    return CommandLine(host, name, docker_program() if name == "docker" else berth_program())
