"""The engine under test, and the reference by which the tests themselves are judged."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]


def berth_bin():
    return pathlib.Path(os.environ.get("BERTH_BIN", ROOT / "build/release/bin"))


class Berthd:
    name = "berthd"
    is_reference = False
    client_environment = {}
    cgroup = "berth"  # the parent of the containers' cgroups

    def __init__(self, programs=None):
        self.programs = programs or berth_bin()

    def command(self, folder):
        return [str(self.programs / "berthd"), "-H", f"unix://{folder}/s", "--data-root", f"{folder}/d", "--exec-root",
                f"{folder}/x", "--pidfile", f"{folder}/pid", "--config-file", f"{folder}/daemon.json",
                "--log-level", "debug"]


class Dockerd:
    """Debian's dockerd without a firewall: its published ports are those of docker-proxy alone."""

    name = "dockerd"
    is_reference = True
    client_environment = {"DOCKER_API_VERSION": "1.41"}  # berth asks for what it was made for
    cgroup = "docker"

    def command(self, folder):
        return ["dockerd", "-H", f"unix://{folder}/s", "--data-root", f"{folder}/d", "--exec-root", f"{folder}/x",
                "--pidfile", f"{folder}/pid", "--config-file", f"{folder}/daemon.json", "--iptables=false",
                "--ip6tables=false", "--live-restore", "--exec-opt", "native.cgroupdriver=cgroupfs"]


def engine_under_test():
    reference = os.environ.get("BERTH_E2E_REFERENCE", "")
    if reference not in ("", "dockerd"):
        raise ValueError(f"BERTH_E2E_REFERENCE is {reference!r}; it may be dockerd")
    return Dockerd() if reference else Berthd()
