"""What the daemon is told of networks: keys of daemon.json as dockerd's."""

import json
import re
import subprocess

import pytest

from harness.networks import address, endpoint, execute, make_network, wait_for_port
from harness.outside import Outside


def configure(host, **keys):
    """Starts the daemon with these keys: "dns_search" stands for dns-search."""
    host.terminate()
    (host.folder / "daemon.json").write_text(json.dumps({key.replace("_", "-"): value for key, value in keys.items()}))
    return host.start()


def refusal(host, **keys):
    """What the daemon says that does not start with these keys."""
    path = host.folder / "refused.json"
    path.write_text(json.dumps({key.replace("_", "-"): value for key, value in keys.items()}))
    command = [str(path) if word.endswith("daemon.json") else word for word in host.engine.command(host.folder)]
    ended = subprocess.run([*host.enter, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    return ended.stdout + ended.stderr


def resolv_conf(host, *options):
    lines = host.docker("run", "--rm", *options, "busybox", "cat", "/etc/resolv.conf").out.splitlines()
    return sorted(line for line in lines if line and not line.startswith("#"))


def test_dns_is_for_containers_that_ask_for_nothing_else(fresh_host):
    host = configure(fresh_host, dns=["192.0.2.9"], dns_search=["corp.test"], dns_opts=["timeout:3"])
    told = ["nameserver 192.0.2.9", "options timeout:3", "search corp.test"]
    assert resolv_conf(host) == told
    assert resolv_conf(host, "--network", "none") == told
    assert resolv_conf(host, "--network", "host") == told
    assert resolv_conf(host, "--dns", "192.0.2.8") == ["nameserver 192.0.2.8", *told[1:]]
    assert resolv_conf(host, "--dns-search", "other.test", "--dns-option", "ndots:1") == [
        "nameserver 192.0.2.9", "options ndots:1", "search other.test"]
    make_network(host, "lan")
    assert "nameserver 127.0.0.11" in resolv_conf(host, "--network", "lan")
    assert "search corp.test" in resolv_conf(host, "--network", "lan")


def test_host_gateways_are_what_add_host_writes(fresh_host):
    host = configure(fresh_host, host_gateway_ip="192.0.2.1")
    container = host.spawn("sleep", "1000", host_config={"ExtraHosts": ["up:host-gateway"]})
    assert "192.0.2.1\tup\n" in execute(host, container, "cat", "/etc/hosts")


@pytest.mark.berth_only
def test_there_may_be_a_host_gateway_of_each_family(fresh_host):
    host = configure(fresh_host, host_gateway_ips=["192.0.2.1", "2001:db8::1"])
    container = host.spawn("sleep", "1000", host_config={"ExtraHosts": ["up:host-gateway"]})
    assert "192.0.2.1\tup\n2001:db8::1\tup\n" in execute(host, container, "cat", "/etc/hosts")


def test_without_a_default_bridge_containers_have_a_loopback_link(fresh_host):
    host = configure(fresh_host, bridge="none")
    assert host.docker("network", "ls", "--format", "{{.Name}}").out.split() == ["host", "none"]
    assert host.shell("ip", "link", "show", "docker0", check=False).returncode != 0
    container = host.spawn("sleep", "1000", host_config={"PortBindings": {"80/tcp": [{"HostPort": "18080"}]}})
    assert re.findall(r"^\d+: ([a-z0-9]+)", execute(host, container, "ip", "link"), re.M) == ["lo"]
    make_network(host, "lan", IPAM={"Config": [{"Subnet": "10.77.0.0/24"}]})
    on_lan = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"})
    assert address(host, on_lan, "lan") == "10.77.0.2"
    assert host.api.post("/networks/create", body={"Name": "bridge"}).status == 403
    for one in (container, on_lan):
        host.remove(one)
    configure(host)
    assert "bridge" in host.docker("network", "ls", "--format", "{{.Name}}").out.split()
    assert address(host, host.spawn("sleep", "1000"))


def test_a_bridge_of_the_hosts_may_be_the_default_one(fresh_host):
    host = fresh_host
    for line in ("link add mine type bridge", "addr add 10.88.0.1/24 dev mine", "link set mine up"):
        host.shell("ip", *line.split())
    configure(host, bridge="mine", fixed_cidr="10.88.0.128/25", default_gateway="10.88.0.9")
    shown = host.api.get("/networks/bridge").json
    assert shown["Options"]["com.docker.network.bridge.name"] == "mine"
    assert shown["IPAM"]["Config"] == [{"Subnet": "10.88.0.0/24", "IPRange": "10.88.0.128/25", "Gateway": "10.88.0.1",
                                        "AuxiliaryAddresses": {"DefaultGatewayIPv4": "10.88.0.9"}}]
    container = host.spawn("sleep", "1000")
    own = endpoint(host, container)
    assert own["IPAddress"].startswith("10.88.0.") and int(own["IPAddress"].split(".")[3]) >= 128
    assert "default via 10.88.0.9" in execute(host, container, "ip", "route")
    host.remove(container)
    configure(host)
    assert "10.88.0.1/24" in host.shell("ip", "addr", "show", "mine").stdout
    assert host.api.get("/networks/bridge").json["Options"]["com.docker.network.bridge.name"] == "docker0"
    host.shell("ip", "link", "delete", "mine")


@pytest.mark.berth_only
def test_default_options_are_those_of_new_networks_of_the_driver(fresh_host):
    host = configure(fresh_host, default_network_opts={"bridge": {"com.docker.network.driver.mtu": "1400", "a": "b"},
                                                       "macvlan": {"c": "d"}})
    make_network(host, "lan")
    assert host.api.get("/networks/lan").json["Options"] == {"com.docker.network.driver.mtu": "1400", "a": "b"}
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"})
    assert "mtu 1400" in execute(host, container, "ip", "link", "show", "eth0")
    make_network(host, "own", Options={"com.docker.network.driver.mtu": "1300"})
    assert host.api.get("/networks/own").json["Options"] == {"com.docker.network.driver.mtu": "1300", "a": "b"}
    make_network(host, "source", ConfigOnly=True)
    make_network(host, "taken", ConfigFrom={"Network": "source"})
    assert host.api.get("/networks/taken").json["Options"] == {}
    assert host.api.get("/networks/bridge").json["Options"]["com.docker.network.driver.mtu"] == "1500"


@pytest.mark.berth_only
def test_direct_routing_is_for_published_ports(fresh_host):
    host = configure(fresh_host, allow_direct_routing=True)
    outside = Outside(host)
    try:
        container = host.spawn("sleep", "1000", ExposedPorts={"8000/tcp": {}}, host_config={"PortBindings": {
            "8000/tcp": [{"HostPort": "18000"}, {"HostPort": "18001"}]}})
        for port in ("8000", "8001"):
            host.docker("exec", "-d", container, "nc", "-ll", "-p", port, "-e", "echo", "there")
            wait_for_port(host, container, int(port))
        where = address(host, container)
        assert outside.ask(where, 8000) == "there"
        assert outside.ask(outside.host_address, 18001) == "there"
        assert outside.ask(where, 8001, patience=1) is None
        host.remove(container)
        assert "elements" not in host.shell("nft", "list", "set", "inet", "berth", "open4").stdout
    finally:
        outside.close()
        configure(host)


@pytest.mark.berth_only
def test_a_host_that_was_made_to_forward_may_forward_all(fresh_host):
    host = fresh_host

    def drops():
        return "elements" in host.shell("nft", "list", "set", "inet", "berth", "forwarding").stdout
    host.terminate()
    host.shell("sysctl", "-qw", "net.ipv4.ip_forward=0")
    host.start()
    assert drops()
    configure(host, ip_forward_no_drop=True)
    assert not drops()


@pytest.mark.berth_only
@pytest.mark.parametrize("keys, text", [
    ({"iptables": False}, 'configuration key "iptables": networks and published ports are rules of the nftables table'),
    ({"ip6tables": False}, 'configuration key "ip6tables": networks and published ports are rules of the nftables table'),
    ({"firewall-backend": "iptables"}, "there is no firewall but nftables"),
    ({"bridge-accept-fwmark": "0x1/0x3"}, "nft add rule inet berth berth-user meta mark 0x1/0x3 accept"),
    ({"bridge": "nowhere"}, "bridge device with non default name nowhere must be created manually"),
    ({"bridge": "lo"}, 'link "lo" is no bridge'),
    ({"bridge": "br0", "bip": "10.1.0.1/24"}, "You specified -b & --bip, mutually exclusive options"),
    ({"dns": ["x"]}, "x is not an ip address"),
    ({"dns": "192.0.2.1"}, "it is not an array"),
    ({"dns-search": ["a b"]}, "a b is not a valid domain"),
    ({"host-gateway-ip": "x"}, "invalid IP address: x"),
    ({"host-gateway-ips": ["192.0.2.1", "192.0.2.2"]}, "only one IPv4 host gateway IP address can be specified"),
    ({"default-network-opts": ["a"]}, "default-network-opts"),
])
def test_what_is_not_there_or_wrong_is_said_at_the_start(fresh_host, keys, text):
    fresh_host.terminate()
    assert text in refusal(fresh_host, **keys)


@pytest.mark.berth_only
def test_settings_of_dockerd_that_need_nothing_are_taken(fresh_host):
    host = configure(fresh_host, userland_proxy=False, userland_proxy_path="/usr/bin/docker-proxy", iptables=True,
                     ip6tables=True, firewall_backend="nftables")
    assert address(host, host.spawn("sleep", "1000"))
