"""The host's own firewall as firewalld makes it: what docs/networking-firewall.md says of it, with firewalld itself, in a test host.

`./dev deps` does not install it: Debian's package starts it on the machine.
"""

import os
import shutil
import subprocess

import pytest

from harness.host import children
from harness.outside import Outside, ask_from_container, ask_from_host
from harness.waiting import until
from test_network_outside import UNANSWERED
from test_network_ufw import answers, serving

pytestmark = [pytest.mark.berth_only, pytest.mark.skipif(
    not (shutil.which("firewalld") and shutil.which("dbus-daemon")), reason="firewalld or dbus-daemon is not installed")]


class Firewalld:
    """firewalld and a bus for it, with configuration of their own, in the namespaces of one test host."""

    def __init__(self, host):
        self.host, self.running = host, []
        host.shell("mount", "-t", "tmpfs", "tmpfs", "/run")
        host.shell("mkdir", "-p", "/run/dbus", "/run/firewalld")
        own = str(host.folder / "firewalld")
        host.shell("cp", "-aL", "/etc/firewalld", own)
        host.shell("mount", "--bind", own, "/etc/firewalld")
        # As the documentation says: or else by IPv6 no port answers that comes round by berth-in.
        host.shell("sed", "-i", "s/^IPv6_rpfilter=.*/IPv6_rpfilter=no/", "/etc/firewalld/firewalld.conf")
        host.shell("mount", "-t", "tmpfs", "tmpfs", "/var/log")
        self._run("dbus-daemon", "--system", "--nofork", "--nopidfile")
        until(lambda: host.shell("test", "-S", "/run/dbus/system_bus_socket", check=False).returncode == 0, "the bus")
        self._run("firewalld", "--nofork", "--nopid")
        until(lambda: host.shell("firewall-cmd", "--state", check=False).returncode == 0, "firewalld", every=0.2)
        until(lambda: all(host.shell("nft", "list", "table", family, "berth", check=False).returncode == 0
                          for family in ("ip", "ip6")), "the engine's notice")

    def _run(self, *command):
        self.running.append(subprocess.Popen([*self.host.enter, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL))

    def __call__(self, *arguments):
        return self.host.shell("firewall-cmd", *arguments)

    def close(self):
        for process in reversed(self.running):
            for child in children(process.pid):
                os.kill(child, 15)
            process.wait(timeout=30)
        self.host.shell("nft", "delete", "table", "inet", "firewalld", check=False)
        self.host.shell("umount", "/var/log", "/etc/firewalld", "/run")


@pytest.fixture
def firewalld_host(fresh_host):
    neighbour = Outside(fresh_host)
    firewalld = Firewalld(fresh_host)
    yield fresh_host, neighbour, firewalld
    firewalld.close()
    neighbour.close()


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_published_port_answers_if_its_zone_allows_it(firewalld_host, protocol):
    host, neighbour, firewalld = firewalld_host
    _, server = serving(host, protocol)
    known, nobody = [neighbour.address, neighbour.address6], [None, None]
    try:
        assert answers(neighbour, 18000, protocol, UNANSWERED) == nobody
        firewalld("--zone=public", f"--add-port=18000/{protocol}")
        assert answers(neighbour, 18000, protocol) == known, "with the address of who asks"
        assert answers(neighbour, 18001, protocol, UNANSWERED) == nobody
        for where in ("127.0.0.1", neighbour.host_address, neighbour.host_address6):
            assert ask_from_host(host, where, 18001, protocol), "what the host asks itself does not come in"
        firewalld("--runtime-to-permanent")
        firewalld("--reload")
        assert answers(neighbour, 18000, protocol) == known
        firewalld("--zone=public", f"--remove-port=18000/{protocol}")
        assert answers(neighbour, 18000, protocol, UNANSWERED) == nobody
    finally:
        server.close()


def test_containers_reach_the_world_if_their_bridge_is_in_a_zone_that_may(firewalld_host):
    host, neighbour, firewalld = firewalld_host
    container, server = serving(host)
    bridge = "br-" + host.api.get("/networks/dual").json["Id"][:12]
    try:
        with neighbour.serving(9000):
            assert ask_from_container(host, container, neighbour.address, 9000, patience=UNANSWERED) is None
            firewalld("--zone=trusted", f"--add-interface={bridge}")
            assert ask_from_container(host, container, neighbour.address, 9000) == neighbour.host_address
            assert ask_from_container(host, container, neighbour.address6, 9000) == neighbour.host_address6
        assert answers(neighbour, 18000, patience=UNANSWERED) == [None, None]
    finally:
        server.close()
