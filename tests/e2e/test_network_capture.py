"""What the packets themselves show: on the links of the host and of containers, and in counters before and after the engine's rules."""

import json
import sys

import pytest

from harness.capture import Capture, counting, of_container
from harness.names import dig, inside
from harness.networks import make_network
from harness.outside import Outside, Server, ask_from_container, ask_from_host
from test_network_outside import UNANSWERED, addresses, dual, outside, published, serve  # noqa: F401 (fixtures)

pytestmark = pytest.mark.differs_from_reference("it runs without its firewall here")
LISTENER_REPORT, ROUTER_SOLICITATION, NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT = 143, 133, 135, 136  # of ICMPv6


def on(network):
    return {"host_config": {"NetworkMode": network}}


def bridge_of(host, network):
    return "docker0" if network == "bridge" else "br-" + host.api.get(f"/networks/{network}").json["Id"][:12]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_packets_from_outside_have_their_source_address_in_the_container(host, outside, serve, protocol):  # noqa: F811
    container = serve(host.spawn("sleep", "1000", **published(dual(host), ("", "18000"), port=f"8000/{protocol}")), 8000, protocol)
    with Capture(of_container(host, container)) as seen, Capture(outside.enter) as answered:
        for where in (outside.host_address, outside.host_address6):
            assert outside.ask(where, 18000, protocol)
    for who, where, own in zip((outside.address, outside.address6), (outside.host_address, outside.host_address6),
                               addresses(host, container)):
        came = [packet for packet in seen.on("eth0", "in") if packet.protocol == protocol and packet.destination == own]
        assert came and {(packet.source, packet.port) for packet in came} == {(who, 8000)}
        went = [packet for packet in answered.on("inside", "in") if packet.protocol == protocol and packet.destination == who]
        assert went and {(packet.source, packet.source_port) for packet in went} == {(where, 18000)}


def own_messages(host, packets):
    """What a link sends by itself in the seconds after it came up, without any engine: which multicast groups it is in, whether
    there are routers, and who has its own addresses."""
    listed = json.loads(host.shell("ip", "-j", "-6", "address", "show", "dev", "outside").stdout)[0]["addr_info"]
    own = {"::", *(address["local"] for address in listed)}
    return {packet for packet in packets if packet.protocol == "icmpv6" and packet.source in own and packet.kind in (
        LISTENER_REPORT, ROUTER_SOLICITATION, NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT)}


def live_through_everything(host):
    """Containers of all kinds, that come and go, and talk to each other, to themselves and to the host. Nobody is asked for
    whom one would have to leave the host."""
    dual(host)
    dual(host, "closed", 62, Internal=True)
    make_network(host, "automatic", EnableIPv6=True)
    silent = {"Dns": ["127.0.0.11"]}
    ports = published("dual", ("", "18000"))
    web = host.spawn("sleep", "1000", name="web", **{**ports, "host_config": {**ports["host_config"], **silent}})
    peer = host.spawn("sleep", "1000", name="peer", host_config={"NetworkMode": "dual", **silent})
    kept = host.spawn("sleep", "1000", host_config={"NetworkMode": "closed", **silent})
    others = [host.spawn("sleep", "1000", host_config={"NetworkMode": mode, **silent})
              for mode in ("bridge", "automatic", "none", "host")]
    others.append(host.spawn("sleep", "1000", **on("container:web")))
    server = Server(host, web, 8000)
    try:
        for where in (*addresses(host, web), *addresses(host, peer)):
            inside(host, peer, "ping", "-c1", "-W1", where)
        for asking in (web, peer, others[0]):
            assert ask_from_container(host, asking, "203.0.113.1", 18000)
        for where in ("127.0.0.1", "203.0.113.1", "2001:db8:113::1"):
            assert ask_from_host(host, where, 18000)
        assert dig(host, peer, "web").contents == [addresses(host, web)[0]]
        for asking in (peer, kept):
            assert dig(host, asking, "nobody.test").status in ("SERVFAIL", "NXDOMAIN")
            assert dig(host, asking, "-x", "198.51.100.7").status in ("SERVFAIL", "NXDOMAIN")
        # Whoever is on an internal network alone sends nothing out, whatever his routes are.
        gateway4, gateway6 = "10.62.0.1", "fd00:62::1"
        inside(host, kept, "ip", "route", "add", "default", "via", gateway4)
        inside(host, kept, "ip", "-6", "route", "add", "default", "via", gateway6)
        for where in ("198.51.100.7", "2001:db8:7::7", *addresses(host, web)):
            inside(host, kept, "ping", "-c1", "-W1", where)
        host.docker("network", "connect", "automatic", "peer")
        host.docker("network", "disconnect", "dual", "peer")
        host.docker("restart", "-t", "0", "peer")
    finally:
        server.close()
    for container in (web, peer, kept, *others):
        host.remove(container)
    for name in ("dual", "closed", "automatic"):
        assert host.api.delete(f"/networks/{name}").status == 204


def test_nothing_leaves_the_host_that_nobody_sent(fresh_host):
    """The daemon starts, networks and containers live and end, the daemon ends; there are routes to the world all the time."""
    host = fresh_host
    host.terminate()
    neighbour = Outside(host)
    try:
        host.shell("ip", "route", "add", "default", "via", neighbour.address)
        host.shell("ip", "-6", "route", "add", "default", "via", neighbour.address6)
        with Capture(neighbour.enter) as arrived, Capture(host.enter) as seen:
            host.start()
            live_through_everything(host)
            host.crash()
            host.start()
            host.terminate()
        with Capture(neighbour.enter) as control:
            ask_from_host(host, neighbour.address, 9)
        assert seen.on("docker0") and [packet for packet in control.packets if packet.port == 9], "the capture works"
        left = {*seen.on("outside", "out"), *arrived.on("inside", "in")}
        left -= own_messages(host, left)
        assert not left, "these left the host:\n" + "\n".join(map(str, left))
        # There is no other link that could lead outside.
        assert {packet.link for packet in seen.packets if not packet.link.startswith(("veth", "br-"))} <= {
            "lo", "outside", "docker0", "gone"}
    finally:
        neighbour.close()


# Sends a TCP segment that belongs to no connection, as a program does that goes on after the host has forgotten of it.
STRAY = """
import socket, struct, sys
source, target = sys.argv[1:]
family = socket.AF_INET6 if ":" in target else socket.AF_INET
def pack(address):
    return socket.inet_pton(family, address)
with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as own:
    for flags in (4, 17, 20, 2):  # reset, finish, reset of an answer, and one that opens a connection
        segment = struct.pack(">HHIIBBHHH", 5000 + flags, 9000, 1, 1, 80, flags, 100, 0, 0)
        data = pack(source) + pack(target) + struct.pack(">II" if family == socket.AF_INET6 else ">HH",
            *((len(segment), 6) if family == socket.AF_INET6 else (6, len(segment)))) + segment
        total = sum(struct.unpack(f">{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        own.sendto(segment[:16] + struct.pack(">H", ~total & 0xFFFF) + segment[18:], (target, 0))
"""


def test_what_leaves_has_the_hosts_address(host, outside):  # noqa: F811
    container = host.spawn("sleep", "1000", **on(dual(host)))
    with Capture(outside.enter) as arrived, outside.serving(9000), outside.serving(9001, "udp"):
        for own, where in zip(addresses(host, container), (outside.address, outside.address6)):
            assert ask_from_container(host, container, where, 9000)
            assert ask_from_container(host, container, where, 9001, "udp")
            assert inside(host, container, "ping", "-c1", "-W5", where).returncode == 0
            assert inside(host, container, sys.executable, "-c", STRAY, own, where).returncode == 0
    sources = {packet.source for packet in arrived.on("inside", "in") if packet.protocol in ("tcp", "udp", "icmp", "sctp")}
    assert sources == {outside.host_address, outside.host_address6}
    echoes = {packet.source for packet in arrived.on("inside", "in") if packet.protocol == "icmpv6" and packet.kind == 128}
    assert echoes == {outside.host_address6}


def knock(host, container, *where):
    """Asks in every way: none is answered."""
    for address in where:
        for protocol in ("tcp", "udp"):
            assert ask_from_container(host, container, address, 8000, protocol, patience=UNANSWERED) is None
        assert inside(host, container, "ping", "-c1", "-W1", address).returncode != 0


def assert_dropped(counts, ways):
    for source, target in ways:
        for family in ("ipv4", "ipv6"):
            asked, passed = counts[source, target, family]
            assert asked > 0 and passed == 0, (source, target, family, asked, passed)


def test_packets_between_networks_are_dropped_in_the_host(host, serve):  # noqa: F811
    container = host.spawn("sleep", "1000", **on(dual(host)))
    stranger = host.spawn("sleep", "1000", **on(dual(host, "other", 62)))
    for protocol in ("tcp", "udp"):
        serve(container, 8000, protocol)
    ways = [(bridge_of(host, "other"), bridge_of(host, "dual"))]
    with counting(host, *ways) as counts, Capture(of_container(host, container)) as seen:
        knock(host, stranger, *addresses(host, container))
        assert_dropped(counts(), ways)
    theirs = addresses(host, stranger, "other")
    assert not [packet for packet in seen.packets if packet.source in theirs]


def test_packets_of_internal_networks_are_dropped_in_the_host(host, outside, serve):  # noqa: F811
    container = host.spawn("sleep", "1000", **on(dual(host, Internal=True)))
    stranger = host.spawn("sleep", "1000", **on(dual(host, "other", 62)))
    for asked in (container, stranger):
        for protocol in ("tcp", "udp"):
            serve(asked, 8000, protocol)
    # It has no routes out; a container that may gives itself some.
    inside(host, container, "ip", "route", "add", "default", "via", "10.61.0.1")
    inside(host, container, "ip", "-6", "route", "add", "default", "via", "fd00:61::1")
    bridge, other = bridge_of(host, "dual"), bridge_of(host, "other")
    ways = [(bridge, "outside"), ("outside", bridge), (bridge, other), (other, bridge)]
    own = addresses(host, container)
    with counting(host, *ways) as counts, Capture(of_container(host, container)) as seen, Capture(outside.enter) as arrived:
        knock(host, container, outside.address, outside.address6)
        knock(host, container, *addresses(host, stranger, "other"))
        knock(host, stranger, *own)
        for where in own:
            for protocol in ("tcp", "udp"):
                assert outside.ask(where, 8000, protocol, patience=UNANSWERED) is None
        assert_dropped(counts(), ways)
    strangers = {outside.address, outside.address6, *addresses(host, stranger, "other")}
    assert not [packet for packet in seen.on("eth0", "in") if packet.source in strangers]
    assert not [packet for packet in arrived.on("inside", "in") if packet.source in own]


def test_packets_from_outside_to_containers_are_dropped_in_the_host(host, outside, serve):  # noqa: F811
    """Who has a route to the bridge's subnet, as every neighbour may, reaches published ports alone."""
    container = host.spawn("sleep", "1000", **published(dual(host), ("", "18000")))
    for port in (8000, 8001):
        serve(container, port)
    ways = [("outside", bridge_of(host, "dual"))]
    with counting(host, *ways) as counts, Capture(of_container(host, container)) as seen:
        for where in addresses(host, container):
            for port in (8000, 8001):
                assert outside.ask(where, port, patience=UNANSWERED) is None
        assert_dropped(counts(), ways)
    assert not [packet for packet in seen.packets if packet.source in (outside.address, outside.address6)]
    with counting(host, *ways) as counts:
        assert outside.ask(outside.host_address, 18000) and outside.ask(outside.host_address6, 18000)
        assert all(passed == asked > 0 for asked, passed in counts().values())
