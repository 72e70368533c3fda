"""Published ports and isolation as a neighbour of the host meets them, by IPv4 and IPv6, with real packets."""

import pytest

from harness.networks import make_network
from harness.outside import Outside, Server, ask_from_container, ask_from_host, has_sctp
from harness.waiting import until

pytestmark = pytest.mark.differs_from_reference("it runs without its firewall here")
UNANSWERED = 0.5  # seconds to wait for what should not come

SCTP = pytest.param("sctp", marks=pytest.mark.skipif(not has_sctp(), reason="this kernel has no SCTP"))
PROTOCOLS = ["tcp", "udp", SCTP]


@pytest.fixture
def outside(host):
    neighbour = Outside(host)
    yield neighbour
    neighbour.close()


@pytest.fixture
def serve(host):
    """serve(container, port, protocol): something answers there."""
    servers = []

    def start(container, port, protocol="tcp"):
        servers.append(Server(host, container, port, protocol))
        return container
    yield start
    for server in servers:
        server.close()


def published(network, *bindings, port="8000/tcp"):
    return {"ExposedPorts": {port: {}}, "host_config": {"NetworkMode": network, "PortBindings": {
        port: [{"HostIp": where, "HostPort": number} for where, number in bindings]}}}


def dual(host, name="dual", first=61, **body):
    make_network(host, name, EnableIPv6=True, IPAM={"Config": [{"Subnet": f"10.{first}.0.0/24"},
                                                               {"Subnet": f"fd00:{first}::/64"}]}, **body)
    return name


def addresses(host, container, network="dual"):
    endpoint = host.inspect(container)["NetworkSettings"]["Networks"][network]
    return endpoint["IPAddress"], endpoint["GlobalIPv6Address"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_address_of_who_comes_from_outside_is_kept(host, outside, serve, protocol):
    serve(host.spawn("sleep", "1000", **published(dual(host), ("", "18000"), port=f"8000/{protocol}")), 8000, protocol)
    assert outside.ask(outside.host_address, 18000, protocol) == outside.address
    assert outside.ask(outside.host_address6, 18000, protocol) == outside.address6


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_host_reaches_a_published_port_at_all_its_addresses(host, outside, serve, protocol):
    serve(host.spawn("sleep", "1000", **published(dual(host), ("", "18000"), port=f"8000/{protocol}")), 8000, protocol)
    for where in ("127.0.0.1", outside.host_address, outside.host_address6):
        assert ask_from_host(host, where, 18000, protocol), where


@pytest.fixture
def bridge_netfilter(host):
    """bridge_netfilter("1"): the kernel loses answers of containers to ::1."""
    setting = "net.bridge.bridge-nf-call-ip6tables"
    before = host.shell("sysctl", "-n", setting, check=False).stdout.strip()

    def change(value):
        if before:
            host.shell("sysctl", "-qw", f"{setting}={value}")
        elif value == "1":
            pytest.skip("the module br_netfilter is not loaded")
    yield change
    if before:
        change(before)


@pytest.mark.parametrize("where", ["", "::1"])
@pytest.mark.parametrize("protocol, lost", [("tcp", "0"), ("udp", "0"), ("tcp", "1"), ("udp", "1")])
def test_the_host_reaches_a_published_port_at_its_ipv6_loopback_address(host, serve, bridge_netfilter, protocol, lost, where):
    bridge_netfilter(lost)
    serve(host.spawn("sleep", "1000", **published(dual(host), (where, "18000"), port=f"8000/{protocol}")), 8000, protocol)
    for _ in range(2):
        assert ask_from_host(host, "::1", 18000, protocol)


def test_more_udp_ports_than_are_relayed_are_refused_at_the_ipv6_loopback_address(host, serve, bridge_netfilter):
    """Where answers would be lost: at once, so that a client of localhost goes on to 127.0.0.1."""
    bridge_netfilter("1")
    ports = {f"{8000 + i}/udp": [{"HostIp": "", "HostPort": str(18000 + i)}] for i in range(16)}
    serve(host.spawn("sleep", "1000", ExposedPorts=dict.fromkeys(ports, {}),
                     host_config={"NetworkMode": dual(host), "PortBindings": ports}), 8000, "udp")
    assert ask_from_host(host, "::1", 18000, "udp") is None
    assert ask_from_host(host, "127.0.0.1", 18000, "udp")


def test_the_next_published_port_notices_that_answers_to_the_ipv6_loopback_address_are_lost(host, serve, bridge_netfilter):
    bridge_netfilter("0")
    serve(host.spawn("sleep", "1000", **published(dual(host), ("", "18000"))), 8000)
    assert ask_from_host(host, "::1", 18000)
    bridge_netfilter("1")
    host.spawn("sleep", "1000", **published("dual", ("", "18001")))
    assert ask_from_host(host, "::1", 18000)
    bridge_netfilter("0")
    assert ask_from_host(host, "::1", 18000)
    host.spawn("sleep", "1000", **published("dual", ("", "18002")))
    assert ask_from_host(host, "::1", 18000)


def test_a_port_on_one_address_is_on_no_other(host, outside, serve):
    serve(host.spawn("sleep", "1000", **published("bridge", (outside.host_address, "18000"))), 8000)
    assert outside.ask(outside.host_address, 18000) == outside.address
    assert ask_from_host(host, "127.0.0.1", 18000, patience=UNANSWERED) is None


def test_a_port_on_the_loopback_address_is_not_for_neighbours(host, outside, serve):
    serve(host.spawn("sleep", "1000", **published("bridge", ("127.0.0.1", "18000"))), 8000)
    assert ask_from_host(host, "127.0.0.1", 18000)
    assert outside.ask(outside.host_address, 18000, patience=UNANSWERED) is None
    outside.shell("ip", "address", "del", "127.0.0.1/8", "dev", "lo")
    outside.shell("sysctl", "-qw", "net.ipv4.conf.inside.route_localnet=1")
    outside.shell("ip", "route", "add", "127.0.0.1/32", "via", outside.host_address, "dev", "inside", "table", "local")
    assert outside.ask("127.0.0.1", 18000, patience=UNANSWERED) is None


def test_containers_reach_a_published_port_through_the_host_even_their_own(host, outside, serve):
    container = serve(host.spawn("sleep", "1000", **published(dual(host), ("", "18000"))), 8000)
    neighbour = host.spawn("sleep", "1000", host_config={"NetworkMode": "dual"})
    stranger = host.spawn("sleep", "1000", host_config={"NetworkMode": dual(host, "other", 62)})
    for who in (container, neighbour, stranger):
        assert ask_from_container(host, who, outside.host_address, 18000), who
        assert ask_from_container(host, who, outside.host_address6, 18000), who


def test_a_range_of_ports_is_published_pairwise(host, outside, serve):
    ports = range(8000, 8003)
    container = host.spawn("sleep", "1000", ExposedPorts={f"{port}/tcp": {} for port in ports}, host_config={
        "PortBindings": {f"{port}/tcp": [{"HostIp": "", "HostPort": str(port + 10000)}] for port in ports}})
    serve(container, 8002)
    assert outside.ask(outside.host_address, 18002) == outside.address
    assert outside.ask(outside.host_address, 18001, patience=UNANSWERED) is None


def test_ports_that_are_not_published_are_not_for_neighbours(host, outside, serve):
    container = serve(host.spawn("sleep", "1000", **published(dual(host), ("", "18000"))), 8000)
    serve(container, 8001)
    v4, v6 = addresses(host, container)
    assert ask_from_host(host, v4, 8001) and ask_from_host(host, v6, 8001)
    assert outside.ask(v4, 8001, patience=UNANSWERED) is None
    assert outside.ask(v6, 8001, patience=UNANSWERED) is None


def test_networks_do_not_reach_each_other(host, serve):
    container = serve(host.spawn("sleep", "1000", host_config={"NetworkMode": dual(host)}), 8000)
    stranger = host.spawn("sleep", "1000", host_config={"NetworkMode": dual(host, "other", 62)})
    neighbour = host.spawn("sleep", "1000", host_config={"NetworkMode": "dual"})
    for where in addresses(host, container):
        assert ask_from_container(host, neighbour, where, 8000), where
        assert ask_from_container(host, stranger, where, 8000, patience=UNANSWERED) is None, where


def test_containers_reach_the_outside_with_the_hosts_address(host, outside):
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": dual(host)})
    with outside.serving(9000):
        assert ask_from_container(host, container, outside.address, 9000) == outside.host_address
        assert ask_from_container(host, container, outside.address6, 9000) == outside.host_address6


def test_an_internal_network_is_closed_in_both_directions(host, outside, serve):
    container = serve(host.spawn("sleep", "1000", **published(dual(host, Internal=True), ("", "18000"))), 8000)
    neighbour = host.spawn("sleep", "1000", host_config={"NetworkMode": "dual"})
    with outside.serving(9000):
        for where in (outside.address, outside.address6):
            assert ask_from_container(host, container, where, 9000, patience=UNANSWERED) is None
    for where in addresses(host, container):
        assert ask_from_container(host, neighbour, where, 8000), where
        assert outside.ask(where, 8000, patience=UNANSWERED) is None
    assert outside.ask(outside.host_address, 18000, patience=UNANSWERED) is None


def test_containers_of_a_network_without_icc_are_apart(host, serve):
    dual(host, Options={"com.docker.network.bridge.enable_icc": "false"})
    container = serve(host.spawn("sleep", "1000", host_config={"NetworkMode": "dual"}), 8000)
    neighbour = host.spawn("sleep", "1000", host_config={"NetworkMode": "dual"})
    for where in addresses(host, container):
        assert ask_from_container(host, neighbour, where, 8000, patience=UNANSWERED) is None, where


POLICY = """
table inet host {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    meta l4proto ipv6-icmp accept
    th dport 18000 accept
  }
}
"""


@pytest.fixture
def policy(host):
    """The test host lets in port 18000 alone; for published ports that holds a moment later."""
    host.shell("nft", "-f", "-", input=POLICY)
    until(lambda: all(host.shell("nft", "list", "table", family, "berth", check=False).returncode == 0
                      for family in ("ip", "ip6")), "the engine's notice")
    yield
    host.shell("nft", "delete", "table", "inet", "host")
    until(lambda: host.shell("ip", "link", "show", "berth-in", check=False).returncode != 0, "the end of the policy")


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_published_ports_obey_the_rules_of_the_host_for_what_comes_in(host, outside, serve, policy, protocol):
    bindings = ("", "18000"), ("", "18001")
    serve(host.spawn("sleep", "1000", **published(dual(host), *bindings, port=f"8000/{protocol}")), 8000, protocol)
    for where, who in ((outside.host_address, outside.address), (outside.host_address6, outside.address6)):
        assert outside.ask(where, 18000, protocol) == who
        assert outside.ask(where, 18001, protocol, UNANSWERED) is None
    assert ask_from_host(host, "127.0.0.1", 18001, protocol), "what the host asks itself does not come in"
    assert "table ip6 berth" in host.shell("nft", "list", "ruleset").stdout


def test_the_administrators_chain_decides_by_the_port_that_was_meant(host, outside, serve):
    serve(host.spawn("sleep", "1000", **published("bridge", ("", "18000"), ("", "18001"))), 8000)
    host.shell("nft", "add", "rule", "inet", "berth", "berth-user", "meta", "l4proto", "tcp",
               "ct", "original", "proto-dst", "18001", "drop")
    try:
        assert outside.ask(outside.host_address, 18000) == outside.address
        assert outside.ask(outside.host_address, 18001, patience=UNANSWERED) is None
    finally:
        host.shell("nft", "flush", "chain", "inet", "berth", "berth-user")


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan"])
def test_containers_are_neighbours_of_the_neighbour(host, outside, driver):
    known = kernel_has(host, driver)  # before the first such link: the parent of ipvlan links has the mode of the last one
    make_network(host, "lan", Driver=driver, Options={"parent": "outside"}, IPAM={
        "Config": [{"Subnet": "203.0.113.0/24", "IPRange": "203.0.113.128/25", "Gateway": outside.address}]})
    container = host.create("sleep", "1000", host_config={"NetworkMode": "lan"})
    started = host.api.post(f"/containers/{container}/start")
    if not known:
        assert started.status == 501 and f"no links of kind {driver}" in started.message, started
        pytest.skip(f"this kernel has no {driver}")
    assert started.status == 204, started
    address = host.inspect(container)["NetworkSettings"]["Networks"]["lan"]["IPAddress"]
    with outside.serving(9000):
        assert ask_from_container(host, container, outside.address, 9000) == address
    assert "default via 203.0.113.2" in host.docker("exec", container, "ip", "route").out


def kernel_has(host, kind):
    """Whether such a link can be made on the link that leads outside."""
    made = host.shell("ip", "link", "add", "probe", "link", "outside", "type", kind, check=False).returncode == 0
    if made:
        host.shell("ip", "link", "delete", "probe")
    return made
