"""Published ports for those who come by IPv6 and whom no address translation leads to the container: because that has only
IPv4, or because they come from ::1 and br_netfilter loses what goes back there."""

import subprocess
import sys

import pytest

from harness import outside
from harness.networks import ask_from_host, make_network, serve, wait_for_port
from test_network_ports import ports_of, published

# Sends each line of its input over one connection, and writes what comes back.
TALK = """
import socket, sys
with socket.create_connection(("::1", 18000), timeout=20) as connection, connection.makefile("rw", buffering=1) as stream:
    for line in sys.stdin:
        stream.write(line)
        print(stream.readline(), end="", flush=True)
"""


def test_a_port_without_an_address_is_published_by_ipv6_too(host):
    container = serve(host, "both", **published(("", "18000")))
    assert ports_of(host, container) == {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18000"},
                                                      {"HostIp": "::", "HostPort": "18000"}]}
    assert ask_from_host(host, "127.0.0.1", 18000) == "both"
    assert ask_from_host(host, "::1", 18000) == "both"
    host.remove(container)
    assert ask_from_host(host, "::1", 18000, check=False) is None


def test_a_port_at_an_ipv6_address_alone_leads_to_a_container_without_ipv6(host):
    serve(host, "by six", **published(("::1", "18000")))
    assert ask_from_host(host, "::1", 18000) == "by six"
    assert ask_from_host(host, "127.0.0.1", 18000, check=False) is None


def test_large_answers_come_whole(host):
    command = "head -c 5000000 /dev/zero | tr '\\0' x > /tmp/large; exec httpd -f -p 8000 -h /tmp"
    host.spawn("sh", "-c", command, name="large", **published(("", "18000")))
    wait_for_port(host, "large", 8000)
    assert host.shell("curl", "--silent", "--max-time", "20", "http://[::1]:18000/large").stdout == "x" * 5_000_000


def test_ports_go_with_the_container_to_another_network(host):
    container = serve(host, "moved", **published(("", "18000")))
    network = make_network(host, "second")
    host.docker("network", "connect", network, container)
    host.docker("network", "disconnect", "bridge", container)
    assert ask_from_host(host, "::1", 18000) == "moved"
    host.remove(container)
    host.docker("network", "rm", network)


@pytest.mark.berth_only
@pytest.mark.parametrize("ipv6", [False, True], ids=["without IPv6", "with IPv6"])
def test_a_range_of_ports_has_one_listener(host, ipv6):
    make_network(host, "lan", EnableIPv6=ipv6)
    ports = {f"{8000 + i}/tcp": [{"HostIp": "", "HostPort": str(18000 + i)}] for i in range(1000)}
    serve(host, "in the range", port=8500, host_config={"PortBindings": ports, "NetworkMode": "lan"})
    assert ask_from_host(host, "::1", 18500) == "in the range"


@pytest.mark.berth_only
def test_a_container_with_ipv6_answers_at_the_loopback_address_while_the_daemon_is_away(fresh_host):
    host = fresh_host
    make_network(host, "six", EnableIPv6=True)
    bindings = published(("", "18000"))
    bindings["host_config"]["NetworkMode"] = "six"
    container = serve(host, "with six", **bindings)
    assert ask_from_host(host, "::1", 18000) == "with six"
    host.crash()
    assert ask_from_host(host, "::1", 18000) == "with six"
    host.start()
    assert ask_from_host(host, "::1", 18000) == "with six"
    host.remove(container)
    assert ask_from_host(host, "::1", 18000, check=False) is None


@pytest.mark.berth_only
def test_connections_live_through_a_crash_of_the_daemon(fresh_host):
    host = fresh_host
    container = host.spawn("nc", "-l", "-p", "8000", "-e", "cat", **published(("", "18000")))
    wait_for_port(host, container, 8000)
    with subprocess.Popen([*host.enter, sys.executable, "-c", TALK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          bufsize=1) as talk:
        def answer(line):
            talk.stdin.write(f"{line}\n")
            return talk.stdout.readline().strip()
        assert answer("before") == "before"
        host.crash()
        assert answer("while there is none") == "while there is none"
        host.start()
        assert answer("after") == "after"
        talk.stdin.close()
    host.wait(container)


@pytest.fixture
def answer(host):
    """answer(container): tells who sends datagrams to its port 8000 where they come from."""
    servers = []

    def start(container, port=8000):
        servers.append(outside.Server(host, container, port, "udp"))
        return container
    yield start
    for server in servers:
        server.close()


def datagrams(*bindings, port="8000/udp", network="bridge"):
    return {"ExposedPorts": {port: {}}, "host_config": {"NetworkMode": network, "PortBindings": {
        port: [{"HostIp": where, "HostPort": number} for where, number in bindings]}}}


def gateway(host, network="bridge"):
    return host.api.get(f"/networks/{network}").json["IPAM"]["Config"][0]["Gateway"]


def asked(host, where, port=18000, **more):
    return outside.ask_from_host(host, where, port, "udp", **more)


def test_datagrams_by_ipv6_reach_a_container_without_it(host, answer):
    container = answer(host.spawn("sleep", "1000", **datagrams(("", "18000"))))
    assert ports_of(host, container) == {"8000/udp": [{"HostIp": "0.0.0.0", "HostPort": "18000"},
                                                      {"HostIp": "::", "HostPort": "18000"}]}
    assert asked(host, "::1") == gateway(host)
    assert asked(host, "127.0.0.1") == gateway(host)
    host.remove(container)
    assert asked(host, "::1", patience=0.5) is None


def test_datagrams_from_a_neighbour_are_answered_from_the_address_that_was_asked(host, answer):
    answer(host.spawn("sleep", "1000", **datagrams(("", "18000"))))
    neighbour = outside.Outside(host)
    try:
        second = "2001:db8:113::77"
        host.shell("ip", "address", "add", f"{second}/64", "dev", "outside", "nodad")
        for where in (neighbour.host_address6, second):
            assert neighbour.ask(where, 18000, "udp") == gateway(host)  # the socket takes no answer from elsewhere
    finally:
        neighbour.close()


def test_datagrams_to_one_ipv6_address_come_to_no_other(host, answer):
    answer(host.spawn("sleep", "1000", **datagrams(("::1", "18000"))))
    assert asked(host, "::1") == gateway(host)
    assert asked(host, "127.0.0.1", patience=0.5) is None


def test_a_range_of_datagram_ports_leads_one_to_one(host, answer):
    ports = {f"{8000 + i}/udp": [{"HostIp": "", "HostPort": str(18000 + i)}] for i in range(4)}
    container = host.spawn("sleep", "1000", host_config={"PortBindings": ports}, ExposedPorts=dict.fromkeys(ports, {}))
    answer(container, 8003)
    assert asked(host, "::1", 18003) == gateway(host)
    assert asked(host, "::1", 18002, patience=0.5) is None


@pytest.mark.berth_only
def test_more_datagram_ports_than_are_relayed_are_published_by_ipv4_alone(host):
    ports = {f"{8000 + i}/udp": [{"HostIp": "", "HostPort": str(18000 + i)}] for i in range(16)}
    container = host.spawn("sleep", "1000", host_config={"PortBindings": ports}, ExposedPorts=dict.fromkeys(ports, {}))
    assert ports_of(host, container)["8015/udp"] == [{"HostIp": "0.0.0.0", "HostPort": "18015"}]


def test_a_datagram_port_that_another_program_has_is_refused(host):
    taken = "import socket, sys; own = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); own.setsockopt(41, 26, 1); " \
            "own.bind(('::', 18000)); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([*host.enter, sys.executable, "-c", taken], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as program:
        assert program.stdout.readline() == "ready\n"
        container = host.create("sleep", "1000", **datagrams(("", "18000")))
        reply = host.api.post(f"/containers/{container}/start")
        assert reply.status == 500 and "address already in use" in reply.message, reply
        program.stdin.close()
    assert host.api.post(f"/containers/{container}/start").status == 204
    host.remove(container)


def test_datagram_ports_go_with_the_container_to_another_network(host, answer):
    container = answer(host.spawn("sleep", "1000", **datagrams(("", "18000"))))
    network = make_network(host, "second")
    host.docker("network", "connect", network, container)
    host.docker("network", "disconnect", "bridge", container)
    assert asked(host, "::1") == gateway(host, network)
    host.remove(container)
    host.docker("network", "rm", network)


@pytest.mark.berth_only
def test_datagrams_are_relayed_while_the_daemon_is_away(fresh_host):
    host = fresh_host
    container = host.spawn("sleep", "1000", **datagrams(("", "18000")))
    server = outside.Server(host, container, 8000, "udp")
    try:
        host.crash()
        assert asked(host, "::1")
        host.start()
        assert asked(host, "::1")
        host.remove(container)
        assert asked(host, "::1", patience=0.5) is None
        again = host.spawn("sleep", "1000", **datagrams(("", "18000")))
        host.remove(again)
    finally:
        server.close()
