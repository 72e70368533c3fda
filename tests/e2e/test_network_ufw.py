"""The host's own firewall as ufw makes it: what docs/networking-firewall.md says of it, with ufw itself, in a test host."""

import shutil

import pytest

from harness.networks import make_network
from harness.outside import Outside, Server, ask_from_container, ask_from_host
from harness.waiting import until
from test_network_outside import UNANSWERED, addresses, dual, published

pytestmark = [pytest.mark.berth_only,
              pytest.mark.skipif(not shutil.which("ufw"), reason="ufw is not installed (Debian: ufw)")]


PLACES = "/etc/ufw", "/lib/ufw", "/etc/default/ufw"  # what ufw writes to


class Ufw:
    """ufw with configuration of its own, in the namespaces of one test host. The machine's is neither read nor written."""

    def __init__(self, host):
        self.host = host
        for where in PLACES:
            own = str(host.folder / where[1:].replace("/", "-"))
            host.shell("cp", "-aL", where, own)
            host.shell("mount", "--bind", own, where)

    def __call__(self, *arguments):
        return self.host.shell("ufw", *arguments)

    def enable(self):
        """The engine hears of the rules, and is a moment later than they."""
        self("--force", "enable")
        until(lambda: all(self.host.shell("nft", "list", "table", family, "berth", check=False).returncode == 0
                          for family in ("ip", "ip6")), "the engine's notice")

    def disable(self):
        """Its chains stay, and let everything through."""
        self("disable")

    def close(self):
        self.disable()
        for family in ("ip", "ip6"):
            self.host.shell("nft", "delete", "table", family, "filter", check=False)
        self.host.shell("umount", *PLACES)


@pytest.fixture
def ufw_host(fresh_host):
    neighbour = Outside(fresh_host)
    ufw = Ufw(fresh_host)
    yield fresh_host, neighbour, ufw
    ufw.close()
    neighbour.close()


def answers(neighbour, port, protocol="tcp", patience=5):
    """What somebody outside gets by IPv4 and IPv6."""
    return [neighbour.ask(where, port, protocol, patience) for where in (neighbour.host_address, neighbour.host_address6)]


def serving(host, protocol="tcp"):
    ports = published(dual(host), ("", "18000"), ("", "18001"), port=f"8000/{protocol}")
    container = host.spawn("sleep", "1000", **ports)
    return container, Server(host, container, 8000, protocol)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_published_port_answers_if_ufw_allows_it(ufw_host, protocol):
    host, neighbour, ufw = ufw_host
    container, server = serving(host, protocol)
    known, nobody = [neighbour.address, neighbour.address6], [None, None]
    try:
        assert answers(neighbour, 18000, protocol) == answers(neighbour, 18001, protocol) == known
        ufw("default", "allow", "routed")
        ufw("allow", f"18000/{protocol}")
        ufw.enable()
        assert answers(neighbour, 18000, protocol) == known, "as it is, with the address of who asks"
        assert answers(neighbour, 18001, protocol, UNANSWERED) == nobody, "ufw denies what it does not allow"
        for where in ("127.0.0.1", neighbour.host_address, neighbour.host_address6):
            assert ask_from_host(host, where, 18001, protocol), "what the host asks itself does not come in"
        ufw("allow", f"18001/{protocol}")
        assert answers(neighbour, 18001, protocol) == known
        ufw("delete", "allow", f"18000/{protocol}")
        ufw("deny", f"18000/{protocol}")
        assert answers(neighbour, 18000, protocol, UNANSWERED) == nobody
        ufw("reload")
        assert answers(neighbour, 18001, protocol) == known
        assert answers(neighbour, 18000, protocol, UNANSWERED) == nobody
        ufw.disable()
        assert answers(neighbour, 18000, protocol) == known
    finally:
        server.close()


def test_who_may_ask_is_ufws_to_say_as_well(ufw_host):
    host, neighbour, ufw = ufw_host
    _, server = serving(host)
    try:
        ufw("default", "allow", "routed")
        ufw("allow", "from", neighbour.address, "to", "any", "port", "18000", "proto", "tcp")
        ufw("allow", "from", "203.0.113.99", "to", "any", "port", "18001", "proto", "tcp")
        ufw.enable()
        assert answers(neighbour, 18000, patience=UNANSWERED) == [neighbour.address, None]
        assert answers(neighbour, 18001, patience=UNANSWERED) == [None, None]
    finally:
        server.close()


def test_containers_reach_the_world_if_ufw_lets_their_bridge(ufw_host):
    host, neighbour, ufw = ufw_host
    container, server = serving(host)
    make_network(host, "other", IPAM={"Config": [{"Subnet": "10.62.0.0/24"}]})
    stranger = host.spawn("sleep", "1000", host_config={"NetworkMode": "other"})
    bridge = "br-" + host.api.get("/networks/dual").json["Id"][:12]
    try:
        ufw("allow", "18000/tcp")
        ufw.enable()
        with neighbour.serving(9000):
            assert ask_from_container(host, container, neighbour.address, 9000, patience=UNANSWERED) is None
            assert answers(neighbour, 18000, patience=UNANSWERED) == [None, None], "ufw forwards nothing unless told to"
            ufw("route", "allow", "in", "on", bridge)
            ufw("route", "allow", "in", "on", "berth-in")
            assert ask_from_container(host, container, neighbour.address, 9000) == neighbour.host_address
            assert ask_from_container(host, container, neighbour.address6, 9000) == neighbour.host_address6
            assert ask_from_container(host, stranger, neighbour.address, 9000, patience=UNANSWERED) is None
        assert answers(neighbour, 18000) == [neighbour.address, neighbour.address6]
        assert answers(neighbour, 18001, patience=UNANSWERED) == [None, None]
        # Networks stay apart, whatever ufw lets through.
        ufw("default", "allow", "routed")
        assert ask_from_container(host, stranger, addresses(host, container)[0], 8000, patience=UNANSWERED) is None
    finally:
        server.close()
