"""Networks as the three clients make and use them: each thing that Docker's networks can be asked for, by docker, berth and
python3-docker, and looked at from inside, from the host and from a neighbour of it."""

import json
import re
import time

import pytest

from harness.clients import Failed
from harness.networks import ask_from, ask_from_host, wait_for_port
from harness.outside import ask_from_container, ask_from_host as ask_for_peer
from test_network_outside import UNANSWERED, outside, serve  # noqa: F401 (fixtures)

pytestmark = pytest.mark.differs_from_reference("it has one network per container at creation, and no firewall here")


def own(client, container, network="lan"):
    return client.inspect(container)["NetworkSettings"]["Networks"][network]


def spawn(client, **options):
    return client.spawn("busybox", "sleep", "1000", **options)


def web(host, client, text="hello", **options):
    """A server at port 8000."""
    container = client.spawn("busybox", "nc", "-ll", "-p", "8000", "-e", "sh", "-c", f"cat >/dev/null; echo {text}", **options)
    wait_for_port(host, container, 8000)
    return container


def inside(host, container, *command):
    done = host.docker("exec", container, *command)
    return done.out


def test_the_default_network(host, client):
    server = web(host, client)
    where = own(client, server, "bridge")
    assert where["IPAddress"].startswith("172.17.0.") and where["Gateway"] == "172.17.0.1"
    assert "172.17.0.1/16" in host.shell("ip", "-o", "-4", "address", "show", "docker0").stdout
    assert ask_from(host, spawn(client), where["IPAddress"], 8000) == "hello"
    assert ask_from_host(host, where["IPAddress"], 8000) == "hello"


def test_the_modes_without_a_link(host, client):
    alone = spawn(client, network="none")
    assert re.findall(r"^\d+: (\w+)", inside(host, alone, "ip", "link"), re.M) == ["lo"]
    owner = web(host, client, name="owner")
    guest = spawn(client, network="container:owner")
    assert ask_from(host, guest, "127.0.0.1", 8000) == "hello"
    assert inside(host, guest, "hostname") == inside(host, owner, "hostname")
    of_host = spawn(client, network="host")
    assert "docker0" in inside(host, of_host, "ip", "link")


def test_the_configuration_of_addresses(host, client):
    client.network_create("lan", subnet=["10.61.0.0/16", "fd00:61::/64"], ip_range="10.61.3.0/30", gateway=["10.61.0.254",
                          "fd00:61::fe"], aux_address=["printer=10.61.3.1", "disk=fd00:61::2"], ipv6=True)
    shown = {entry["Subnet"]: entry for entry in client.network_inspect("lan")["IPAM"]["Config"]}
    assert shown["10.61.0.0/16"] == {"Subnet": "10.61.0.0/16", "IPRange": "10.61.3.0/30", "Gateway": "10.61.0.254",
                                     "AuxiliaryAddresses": {"printer": "10.61.3.1"}}
    assert shown["fd00:61::/64"] == {"Subnet": "fd00:61::/64", "Gateway": "fd00:61::fe",
                                     "AuxiliaryAddresses": {"disk": "fd00:61::2"}}
    # The range has four addresses, one of them the printer's.
    members = [spawn(client, network="lan") for _ in range(3)]
    assert {own(client, one)["IPAddress"] for one in members} == {"10.61.3.0", "10.61.3.2", "10.61.3.3"}
    assert all(own(client, one)["GlobalIPv6Address"] not in ("fd00:61::2", "fd00:61::fe") for one in members)
    assert "default via 10.61.0.254" in inside(host, members[0], "ip", "route")
    assert "default via fd00:61::fe" in inside(host, members[0], "ip", "-6", "route")
    with pytest.raises(Failed, match="no available IPv4 addresses"):
        spawn(client, network="lan")


def test_addresses_of_ones_own_choice(host, client):
    client.network_create("lan", subnet=["10.61.0.0/24", "fd00:61::/64"], ipv6=True)
    container = spawn(client, network="lan", ip="10.61.0.77", ip6="fd00:61::77", link_local_ip=["169.254.8.8", "fe80::8"])
    endpoint = own(client, container)
    assert (endpoint["IPAddress"], endpoint["GlobalIPv6Address"]) == ("10.61.0.77", "fd00:61::77")
    assert endpoint["IPAMConfig"] == {"IPv4Address": "10.61.0.77", "IPv6Address": "fd00:61::77",
                                      "LinkLocalIPs": ["169.254.8.8", "fe80::8"]}
    shown = inside(host, container, "ip", "address", "show", "eth0")
    for address in ("10.61.0.77/24", "fd00:61::77/64", "169.254.8.8/16", "fe80::8/64"):
        assert address in shown, shown
    neighbour = spawn(client, network="lan", link_local_ip="169.254.8.9")
    assert inside(host, neighbour, "ping", "-c1", "-w5", "169.254.8.8").count("bytes from") == 1


def test_mac_addresses_given_and_derived(host, client):
    client.network_create("lan", subnet="10.61.0.0/24")
    derived = spawn(client, network="lan", ip="10.61.0.77")
    given = spawn(client, network="lan", mac_address="02:00:00:00:00:99")
    assert own(client, derived)["MacAddress"] == "02:42:0a:3d:00:4d"
    assert own(client, given)["MacAddress"] == "02:00:00:00:00:99"
    for container in (derived, given):
        assert own(client, container)["MacAddress"] in inside(host, container, "ip", "link", "show", "eth0")


def test_subnets_are_chosen_where_nothing_is(host, client):
    host.shell("ip", "route", "add", "172.18.0.0/17", "dev", "lo")
    try:
        for name in ("one", "two"):
            client.network_create(name, ipv6=True)
        chosen = [[entry["Subnet"] for entry in client.network_inspect(name)["IPAM"]["Config"]] for name in ("one", "two")]
        v4 = [text for texts in chosen for text in texts if ":" not in text]
        v6 = [text for texts in chosen for text in texts if ":" in text]
        assert v4 == ["172.19.0.0/16", "172.20.0.0/16"], "172.18 overlaps a route of the host"
        assert len(set(v6)) == 2 and all(re.fullmatch(r"fd[0-9a-f:]+::/64", text) for text in v6)
        a, b = spawn(client, network="one"), spawn(client, network="one")
        assert inside(host, a, "ping", "-6", "-c1", "-w5", own(client, b, "one")["GlobalIPv6Address"]).count("bytes from") == 1
    finally:
        host.shell("ip", "route", "del", "172.18.0.0/17", "dev", "lo")


def test_several_networks_of_one_container(host, client):
    for number, name in enumerate(("lan", "wan")):
        client.network_create(name, subnet=f"10.6{number + 1}.0.0/24")
    container = web(host, client, network=["lan", "wan"])
    for name in ("lan", "wan"):
        assert ask_from(host, spawn(client, network=name), own(client, container, name)["IPAddress"], 8000) == "hello"
    assert re.findall(r"^\d+: (\w+)", inside(host, container, "ip", "link"), re.M) == ["lo", "eth0", "eth1"]


def test_connected_and_disconnected_while_it_runs(host, client):
    client.network_create("lan", subnet=["10.61.0.0/24", "fd00:61::/64"], ipv6=True)
    container = web(host, client, name="web")
    peer = spawn(client, network="lan", name="peer")
    client.network_connect("lan", "web", ip="10.61.0.44", ip6="fd00:61::44", alias=["www", "shop"], link_local_ip="169.254.4.4",
                           link="peer:friend")
    endpoint = own(client, container)
    assert (endpoint["IPAddress"], endpoint["GlobalIPv6Address"]) == ("10.61.0.44", "fd00:61::44")
    assert {"www", "shop"} <= set(endpoint["Aliases"]) and endpoint["Links"] == ["peer:friend"]
    for name in ("www", "shop", "web"):
        assert inside(host, peer, "ping", "-4", "-c1", "-w5", name).count("bytes from 10.61.0.44") == 1
    assert inside(host, container, "ping", "-c1", "-w5", "friend").count("bytes from") == 1
    assert "169.254.4.4/16" in inside(host, container, "ip", "address")
    client.network_disconnect("lan", "web")
    assert list(client.inspect(container)["NetworkSettings"]["Networks"]) == ["bridge"]
    assert ask_from_host(host, own(client, container, "bridge")["IPAddress"], 8000) == "hello"
    with pytest.raises(Failed, match="is not connected to"):
        client.network_disconnect("lan", "web")
    client.network_connect("lan", "web")
    client.network_disconnect("lan", "web", force=True)
    with pytest.raises(Failed, match="network nowhere not found"):
        client.network_connect("nowhere", "web")


def test_filters_and_removal(host, client):
    client.network_create("red", label={"colour": "red"}, attachable=True)
    client.network_create("blue", label={"colour": "blue"}, internal=True)
    identity = client.network_inspect("red")["Id"]
    assert client.network_inspect("red")["Attachable"] and client.network_inspect("blue")["Internal"]
    assert client.network_names(driver="bridge") == {"bridge", "red", "blue"}
    assert client.network_names(label="colour=red") == client.network_names(id=identity[:12]) == {"red"}
    assert client.network_names(name="blue") == {"blue"} and client.network_names(scope="swarm") == set()
    assert client.network_names(type="custom") == client.network_names(dangling="true") == {"red", "blue"}
    assert client.network_names(type="builtin") == {"bridge", "host", "none"}
    container = spawn(client, network="red")
    with pytest.raises(Failed, match="has active endpoints"):
        client.network_remove("red")
    assert client.network_prune() == {"blue"}
    client.remove(container, force=True)
    client.network_remove("red")
    with pytest.raises(Failed, match="(?i)network red not found"):
        client.network_inspect("red")
    with pytest.raises(Failed, match="pre-defined"):
        client.network_remove("bridge")
    with pytest.raises(Failed, match="predefined"):
        client.network_create("host")


def test_events(host, client):
    since = int(time.time())
    identity = client.network_create("lan")
    container = spawn(client)
    client.network_connect("lan", container)
    client.network_disconnect("lan", container)
    client.network_remove("lan")
    events = [event for event in client.events(since, int(time.time()) + 1, type="network") if event["Actor"]["ID"] == identity]
    assert [event["Action"] for event in events] == ["create", "connect", "disconnect", "destroy"]
    assert [event["Actor"]["Attributes"].get("container") for event in events] == [None, container, container, None]


def test_faults_of_addresses(host, client):
    client.network_create("lan", subnet="10.61.0.0/24")
    with pytest.raises(Failed, match="already exists"):
        client.network_create("lan")
    for subnet in ("10.61.0.0/24", "10.61.0.128/25", "10.0.0.0/8", "172.17.8.0/24"):
        with pytest.raises(Failed, match="Pool overlaps with other one on this address space"):
            client.network_create("other", subnet=subnet)
    holder = spawn(client, network="lan", ip="10.61.0.9")
    for address, text in (("10.61.0.9", "Address already in use"), ("10.61.0.1", "Address already in use"),
                          ("10.62.0.9", "no configured subnet or ip-range contain the IP address 10.62.0.9")):
        with pytest.raises(Failed, match=text):
            spawn(client, network="lan", ip=address)
    with pytest.raises(Failed, match="network nowhere not found"):
        spawn(client, network="nowhere")
    client.network_create("tiny", subnet="10.62.0.0/30")
    first = spawn(client, network="tiny")
    with pytest.raises(Failed, match="no available IPv4 addresses on this network's address pools: tiny"):
        spawn(client, network="tiny")
    with pytest.raises(Failed, match="no available IPv4 addresses on this network's address pools: tiny"):
        client.network_connect("tiny", holder)
    client.remove(first, force=True)
    assert own(client, spawn(client, network="tiny"), "tiny")["IPAddress"] == "10.62.0.2"


def test_links_of_bridges(host, client):
    client.network_create("lan", subnet="10.61.0.0/24", opt=["com.docker.network.bridge.name=brlan",
                          "com.docker.network.driver.mtu=1400", "com.docker.network.container_iface_prefix=net"])
    container = spawn(client, network="lan")
    assert json.loads(host.shell("ip", "-j", "link", "show", "brlan").stdout)[0]["mtu"] == 1400
    assert inside(host, container, "cat", "/sys/class/net/net0/mtu") == "1400\n"
    client.remove(container, force=True)
    client.network_remove("lan")
    assert host.shell("ip", "link", "show", "brlan", check=False).returncode != 0


def test_icc_off(host, client, serve):  # noqa: F811
    client.network_create("lan", subnet="10.61.0.0/24", opt="com.docker.network.bridge.enable_icc=false")
    server = serve(spawn(client, network="lan"), 8000)
    where = own(client, server)["IPAddress"]
    assert ask_from_container(host, spawn(client, network="lan"), where, 8000, patience=UNANSWERED) is None
    assert ask_for_peer(host, where, 8000)


@pytest.mark.parametrize("masquerade", ["true", "false"])
def test_masquerade(host, client, outside, masquerade):  # noqa: F811
    client.network_create("lan", subnet=["10.61.0.0/24", "fd00:61::/64"], ipv6=True,
                          opt=f"com.docker.network.bridge.enable_ip_masquerade={masquerade}")
    container = spawn(client, network="lan", ip="10.61.0.9", ip6="fd00:61::9")
    with outside.serving(9000):
        seen = [ask_from_container(host, container, where, 9000) for where in (outside.address, outside.address6)]
    assert seen == ([outside.host_address, outside.host_address6] if masquerade == "true" else ["10.61.0.9", "fd00:61::9"])


def test_default_address_of_ports(host, client, outside, serve):  # noqa: F811
    client.network_create("lan", subnet="10.61.0.0/24",
                          opt=f"com.docker.network.bridge.host_binding_ipv4={outside.host_address}")
    container = serve(spawn(client, network="lan", publish="18000:8000"), 8000)
    assert client.port(container, "8000/tcp") == [f"{outside.host_address}:18000"]
    assert outside.ask(outside.host_address, 18000) == outside.address
    assert ask_for_peer(host, "127.0.0.1", 18000, patience=UNANSWERED) is None


@pytest.mark.parametrize("mode, reached", [("nat", {"host": [18000], "container": []}),
                                           ("routed", {"host": [], "container": [8000]}),
                                           ("nat-unprotected", {"host": [18000], "container": [8000, 8001]}),
                                           ("isolated", {"host": [], "container": []})])
def test_gateway_modes(host, client, outside, serve, mode, reached):  # noqa: F811
    modes = [f"com.docker.network.bridge.gateway_mode_{family}={mode}" for family in ("ipv4", "ipv6")]
    client.network_create("lan", subnet=["10.61.0.0/24", "fd00:61::/64"], ipv6=True, opt=modes,
                          **({"internal": True} if mode == "isolated" else {}))
    container = spawn(client, network="lan", publish="18000:8000")
    for port in (8000, 8001):
        serve(container, port)
    endpoint = own(client, container)
    for where, own_address in ((outside.host_address, endpoint["IPAddress"]), (outside.host_address6, endpoint["GlobalIPv6Address"])):
        for kind, address, ports in (("host", where, [18000]), ("container", own_address, [8000, 8001])):
            for port in ports:
                answer = outside.ask(address, port, patience=5 if port in reached[kind] else UNANSWERED)
                assert (answer is not None) == (port in reached[kind]), (address, port, answer)
    bridge = host.shell("ip", "-o", "address", "show", "to", "10.61.0.0/24").stdout
    assert ("10.61.0.1/24" in bridge) == (mode != "isolated")


def test_macvlan(host, client, outside):  # noqa: F811
    client.network_create("lan", driver="macvlan", opt=["parent=outside", "macvlan_mode=bridge"], subnet="203.0.113.0/24",
                          ip_range="203.0.113.128/25", gateway=outside.address)
    a, b = spawn(client, network="lan"), spawn(client, network="lan")
    with outside.serving(9000):
        assert ask_from_container(host, a, outside.address, 9000) == own(client, a)["IPAddress"]
    assert inside(host, a, "ping", "-c1", "-w5", own(client, b)["IPAddress"]).count("bytes from") == 1
    assert "default via 203.0.113.2" in inside(host, a, "ip", "route")


@pytest.mark.parametrize("driver, options", [("macvlan", ["parent=outside.50"]), ("ipvlan", ["parent=outside"]),
                                             ("ipvlan", ["parent=outside", "ipvlan_mode=l3"]),
                                             ("ipvlan", ["parent=outside.51", "ipvlan_mode=l2"])])
def test_lans_that_not_every_kernel_has(host, client, outside, driver, options):  # noqa: F811
    try:
        client.network_create("lan", driver=driver, opt=options, subnet="10.61.0.0/24")
        a, b = spawn(client, network="lan"), spawn(client, network="lan")
    except Failed as failure:
        # Without the module that is what is said, and nothing else may be.
        assert re.search(r"this kernel has no links of kind (vlan|ipvlan)|no links of kind (vlan|ipvlan)", failure.message)
        pytest.skip(f"{driver} {options[0]}: {failure.message}")
    assert inside(host, a, "ping", "-c1", "-w5", own(client, b)["IPAddress"]).count("bytes from") == 1
