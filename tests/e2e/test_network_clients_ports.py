"""Published ports as the three clients ask for them: every form of -p, -P, what is shown of them, what is refused. Asked for by real
clients from a neighbour, from the host and from containers."""

import subprocess
import sys

import pytest

from harness import clients
from harness.clients import Failed
from harness.networks import wait_for_port
from harness.outside import ask_from_container, ask_from_host
from test_network_clients import spawn
from test_network_outside import UNANSWERED, outside, serve  # noqa: F401 (fixtures)

pytestmark = pytest.mark.differs_from_reference("it runs without its firewall here")
FORMS = {  # -p: (what is shown, at which addresses a neighbour gets an answer, at which the host does)
    "18000:8000": (["0.0.0.0:18000", "[::]:18000"], ["outside", "outside6"], ["127.0.0.1"]),
    "203.0.113.1:18000:8000": (["203.0.113.1:18000"], ["outside"], ["203.0.113.1"]),
    "[2001:db8:113::1]:18000:8000": (["[2001:db8:113::1]:18000"], ["outside6"], ["2001:db8:113::1"]),
    "127.0.0.1:18000:8000": (["127.0.0.1:18000"], [], ["127.0.0.1"]),
    "[::1]:18000:8000": (["[::1]:18000"], [], []),
    "0.0.0.0:18000:8000": (["0.0.0.0:18000"], ["outside"], ["127.0.0.1", "203.0.113.1"]),
    "[::]:18000:8000": (["[::]:18000"], ["outside6"], ["2001:db8:113::1"]),
}


@pytest.fixture
def dual(host, client):
    client.network_create("lan", subnet=["10.61.0.0/24", "fd00:61::/64"], ipv6=True)
    return {"network": "lan"}


def wheres(outside):  # noqa: F811
    return {"outside": (outside.host_address, outside.address), "outside6": (outside.host_address6, outside.address6)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_forms_of_an_address_and_a_port(host, client, dual, outside, serve, form, protocol):  # noqa: F811
    shown, reached, reached_here = FORMS[form]
    container = serve(spawn(client, publish=f"{form}/{protocol}", **dual), 8000, protocol)
    assert client.port(container, f"8000/{protocol}") == shown
    for name, (where, who) in wheres(outside).items():
        answer = outside.ask(where, 18000, protocol, patience=5 if name in reached else UNANSWERED)
        assert answer == (who if name in reached else None), where
    for where in reached_here:
        assert ask_from_host(host, where, 18000, protocol), where
    client.remove(container, force=True)
    assert outside.ask(outside.host_address, 18000, protocol, patience=UNANSWERED) is None


@pytest.mark.parametrize("form", ["8000", "127.0.0.1::8000"])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_of_the_ephemeral_range(host, client, serve, form, protocol):  # noqa: F811
    container = serve(spawn(client, publish=f"{form}/{protocol}"), 8000, protocol)
    address, number = client.port(container, f"8000/{protocol}")[0].rsplit(":", 1)
    assert address == ("127.0.0.1" if "::" in form else "0.0.0.0")
    first, last = map(int, host.shell("cat", "/proc/sys/net/ipv4/ip_local_port_range").stdout.split())
    assert first <= int(number) <= last
    assert ask_from_host(host, "127.0.0.1", number, protocol)


def test_ranges(host, client, outside, serve):  # noqa: F811
    container = spawn(client, publish=["18000-18002:8000-8002", "127.0.0.1:18100-18101:8100-8101/udp"])
    for port in (8000, 8001, 8002):
        serve(container, port)
        assert client.port(container, f"{port}/tcp")[0] == f"0.0.0.0:{port + 10000}"
        assert outside.ask(outside.host_address, port + 10000) == outside.address
    assert client.port(container, "8101/udp") == ["127.0.0.1:18101"]
    # Any free one of several, as one of them is taken.
    first, second = (spawn(client, publish="127.0.0.1:18200-18201:8000") for _ in range(2))
    assert [client.port(one, "8000/tcp") for one in (first, second)] == [["127.0.0.1:18200"], ["127.0.0.1:18201"]]
    with pytest.raises(Failed, match="(?i)all ports are allocated|port is already allocated"):
        spawn(client, publish="127.0.0.1:18200-18201:8000")


def test_sctp(host, client):
    container = spawn(client, publish="18000:8000/sctp")
    assert client.port(container, "8000/sctp")[0] == "0.0.0.0:18000"
    assert "sctp . 18000" in host.shell("nft", "list", "table", "inet", "berth").stdout


@pytest.mark.images("nginx")
def test_all_that_is_exposed(host, client):
    container = client.spawn("nginx", publish_all=True, expose=["9000/udp"])
    wait_for_port(host, container, 80)
    web, = {text.rsplit(":", 1)[1] for text in client.port(container, "80/tcp")}
    assert client.port(container, "9000/udp")
    for where in ("127.0.0.1", "[::1]"):
        assert "served by a container" in host.shell("curl", "-sS", "--max-time", "10", f"http://{where}:{web}/").stdout


def test_reached_from_everywhere(host, client, dual, outside, serve):  # noqa: F811
    container = serve(spawn(client, publish="18000:8000", **dual), 8000)
    client.network_create("other", subnet=["10.62.0.0/24", "fd00:62::/64"], ipv6=True)
    neighbour, stranger, on_bridge = spawn(client, **dual), spawn(client, network="other"), spawn(client)
    for where, who in wheres(outside).values():
        assert outside.ask(where, 18000) == who
        assert ask_from_host(host, where, 18000)
        for asking in (container, neighbour, stranger):
            assert ask_from_container(host, asking, where, 18000), (asking, where)
    assert ask_from_container(host, on_bridge, outside.host_address, 18000)
    for where in ("127.0.0.1", "::1"):
        assert ask_from_host(host, where, 18000), where


def test_a_port_that_is_taken_is_named(host, client):
    first = spawn(client, publish="18000:8000", name="first")
    for form in ("18000:9000", "127.0.0.1:18000:9000", "[::1]:18000:9000", "17999-18000:7999-8000"):
        with pytest.raises(Failed, match=r"Bind for .*:18000 failed: port is already allocated"):
            spawn(client, publish=form)
    spawn(client, publish="18000:8000/udp", name="another-protocol")
    client.remove(first, force=True)
    spawn(client, publish="18000:8000")


LISTEN = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM if sys.argv[2] == "udp" else socket.SOCK_STREAM) as own:
    own.bind((sys.argv[1], 18000))
    if sys.argv[2] == "tcp":
        own.listen()
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::", "::1"])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_of_a_process_of_the_host_is_named(host, client, dual, address, protocol):
    with subprocess.Popen([*host.enter, sys.executable, "-c", LISTEN, address, protocol], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(Failed, match=r"failed to bind host port .*:18000:.*address already in use"):
            spawn(client, publish=f"18000:8000/{protocol}", **dual)
        process.stdin.close()
    left = client.create("busybox", "true", publish=f"18000:8000/{protocol}", **dual)
    client.start(left)


def test_ports_are_listed(host, client):
    container = spawn(client, name="web", publish=["127.0.0.1:18000:8000", "127.0.0.1:18001:8001/udp"], expose="9000")
    assert client.names(publish="18000") == client.names(publish="18001/udp") == client.names(expose="9000") == {"web"}
    assert client.names(publish="18001") == set()
    settings = client.inspect(container)
    assert settings["NetworkSettings"]["Ports"] == {
        "8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18000"}], "8001/udp": [{"HostIp": "127.0.0.1", "HostPort": "18001"}],
        "9000/tcp": None}
    assert settings["HostConfig"]["PortBindings"]["8000/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "18000"}]
    client.stop(container, timeout=0)
    assert client.inspect(container)["NetworkSettings"]["Ports"] == {}
    client.start(container)
    assert client.port(container, "8000/tcp") == ["127.0.0.1:18000"]


def test_addresses_of_the_daemon_and_the_network(fresh_host):
    host = fresh_host
    host.terminate()
    (host.folder / "daemon.json").write_text('{"publish-default-address": "127.0.0.1"}')
    host.start()
    for name in clients.NAMES:
        client = clients.make(host, name)
        client.network_create("lan", opt="com.docker.network.bridge.host_binding_ipv4=127.0.0.2")
        shown = [client.port(spawn(client, publish="18000:8000", **more), "8000/tcp")
                 for more in ({}, {"network": "lan"})]
        assert shown == [["127.0.0.1:18000"], ["127.0.0.2:18000"]]
        everywhere = spawn(client, publish="0.0.0.0:18001:8000")
        assert client.port(everywhere, "8000/tcp") == ["0.0.0.0:18001"]
        for container in host.containers():
            host.remove(container["Id"])
        client.network_remove("lan")
    host.terminate()
    (host.folder / "daemon.json").write_text("{}")
    host.start()
