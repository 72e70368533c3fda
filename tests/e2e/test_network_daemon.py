"""What the daemon's settings say of networks, what it finds on its host, and what it repairs there."""

import contextlib
import json

import pytest

from harness.engines import engine_under_test
from harness.host import Host
from harness.names import dig, name_server
from harness.networks import ask_from_host, endpoint, execute, make_network, serve
from harness.outside import Outside
from harness.waiting import until
from test_dns_upstream import host_resolv_conf

pytestmark = pytest.mark.berth_only


@contextlib.contextmanager
def settings(host, **values):
    """The daemon with other settings; those of before afterwards."""
    def restart(text):
        if host.daemon:
            host.terminate()
        (host.folder / "daemon.json").write_text(text)
        host.start()
    restart(json.dumps({name.replace("_", "-"): value for name, value in values.items()}))
    try:
        yield
    finally:
        for container in host.containers():
            host.remove(container["Id"])
        for network in host.api.get("/networks", filters={"type": ["custom"]}).json:
            assert host.api.delete(f"/networks/{network['Id']}").status == 204
        restart("{}")


def subnets(host, name):
    return [entry["Subnet"] for entry in host.api.get(f"/networks/{name}").json["IPAM"]["Config"]]


def test_pools_that_subnets_are_chosen_from(fresh_host):
    pools = [{"base": "10.200.0.0/23", "size": 24}, {"base": "10.210.0.0/24", "size": 25}]
    with settings(fresh_host, default_address_pools=pools, bip="172.17.0.1/16"):
        for name in ("a1", "a2", "a3", "a4"):
            make_network(fresh_host, name)
        assert [subnets(fresh_host, name) for name in ("a1", "a2", "a3", "a4")] == [
            ["10.200.0.0/24"], ["10.200.1.0/24"], ["10.210.0.0/25"], ["10.210.0.128/25"]]
        reply = fresh_host.api.post("/networks/create", body={"Name": "a5"})
        assert reply.status == 400 and "all predefined address pools have been fully subnetted" in reply.message
        assert fresh_host.api.delete("/networks/a2").status == 204
        make_network(fresh_host, "a5")
        assert subnets(fresh_host, "a5") == ["10.200.1.0/24"]
        # One that the user names may be anywhere else.
        make_network(fresh_host, "a6", IPAM={"Config": [{"Subnet": "10.220.0.0/24"}]})


def test_the_default_bridge_as_it_is_configured(fresh_host):
    with settings(fresh_host, bip="10.199.0.1/16", fixed_cidr="10.199.7.0/29", mtu=1400, icc=False):
        container = serve(fresh_host, "configured")
        own = endpoint(fresh_host, container)
        assert own["IPAddress"].startswith("10.199.7.") and (own["Gateway"], own["IPPrefixLen"]) == ("10.199.0.1", 16)
        assert execute(fresh_host, container, "cat", "/sys/class/net/eth0/mtu") == "1400\n"
        assert "10.199.0.1/16" in fresh_host.shell("ip", "-o", "address", "show", "docker0").stdout
        assert ask_from_host(fresh_host, own["IPAddress"], 8000) == "configured"
        other = fresh_host.spawn("sleep", "1000")
        assert "0 packets received" in fresh_host.docker("exec", other, "ping", "-c1", "-W1", own["IPAddress"], check=False).out


def test_a_docker0_of_somebody_else_stays_his(image_folder):
    host = Host(engine_under_test(), image_folder)
    try:
        host.shell("ip", "link", "add", "docker0", "type", "bridge")
        host.shell("ip", "address", "add", "172.17.0.1/16", "dev", "docker0")
        host.start().need("busybox")
        container = serve(host, "beside")
        own = endpoint(host, container)
        assert own["IPAddress"].startswith("172.18.0."), "another subnet than his"
        assert own["Gateway"] + "/16" in host.shell("ip", "-o", "address", "show", "berth0").stdout
        assert ask_from_host(host, own["IPAddress"], 8000) == "beside"
        assert host.api.get("/networks/bridge").json["Options"]["com.docker.network.bridge.name"] == "berth0"
        host.remove(container)
        host.terminate()
        assert "172.17.0.1/16" in host.shell("ip", "-o", "address", "show", "docker0").stdout
    finally:
        host.close()


OTHERS = """
table inet others {
  chain own {
    type filter hook input priority 10; policy accept;
    tcp dport 9 counter drop
  }
}
"""


@pytest.mark.parametrize("damage", ["flush ruleset", "delete table inet berth", "flush chain inet berth publish",
                                    "delete element inet berth anyports4 { tcp . 18000 }"])
def test_a_damaged_table_is_repaired(host, damage):
    ports = {"8000/tcp": [{"HostIp": "", "HostPort": "18000"}]}
    container = serve(host, "whole", host_config={"PortBindings": ports})
    assert ask_from_host(host, "127.0.0.1", 18000) == "whole"
    host.shell("nft", *damage.split(" ", 3 if damage.startswith("delete element") else -1))
    until(lambda: ask_from_host(host, "127.0.0.1", 18000, check=False) == "whole", "the port")
    host.shell("nft", "-f", "-", input=OTHERS)
    before = host.shell("nft", "list", "table", "inet", "others").stdout
    host.shell("nft", "delete", "table", "inet", "berth")
    until(lambda: ask_from_host(host, "127.0.0.1", 18000, check=False) == "whole", "the port")
    assert host.shell("nft", "list", "table", "inet", "others").stdout == before
    host.shell("nft", "delete", "table", "inet", "others")
    host.remove(container)
    # Its rules for what comes in are gone with it.
    until(lambda: host.shell("ip", "link", "show", "berth-in", check=False).returncode != 0, "the end of the policy")


@contextlib.contextmanager
def systemd_resolved(host, behind):
    """A host with systemd-resolved: its stub in /etc/resolv.conf, the servers behind it in the file that it keeps."""
    host.shell("mount", "-t", "tmpfs", "tmpfs", "/run")
    host.shell("mkdir", "-p", "/run/systemd/resolve")
    host.shell("sh", "-c", f"printf 'nameserver {behind}\\nsearch corp.test\\n' > /run/systemd/resolve/resolv.conf")
    try:
        with host_resolv_conf(host, "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch corp.test\n"):
            yield
    finally:
        host.shell("umount", "/run")


def test_the_stub_of_systemd_resolved(fresh_host):
    host = fresh_host
    neighbour = Outside(host)
    host.terminate()
    try:
        with systemd_resolved(host, neighbour.address), name_server(host, "127.0.0.53"):
            host.start()
            make_network(host, "lan")
            container = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"})
            assert dig(host, container, "up.test").contents == ["192.0.2.7"], "the host asks the stub"
            assert "nameserver 127.0.0.11" in execute(host, container, "cat", "/etc/resolv.conf")
            # Without a resolver of its own a container asks those behind the stub itself.
            on_bridge = execute(host, host.spawn("sleep", "1000"), "cat", "/etc/resolv.conf")
            assert f"nameserver {neighbour.address}" in on_bridge and "127.0.0.53" not in on_bridge
            assert "search corp.test" in on_bridge
            of_host = execute(host, host.spawn("sleep", "1000", host_config={"NetworkMode": "host"}), "cat", "/etc/resolv.conf")
            assert "nameserver 127.0.0.53" in of_host
            for one in host.containers():
                host.remove(one["Id"])
            host.terminate()
    finally:
        neighbour.close()


def test_a_server_that_never_answers_is_given_up(host):
    make_network(host, "lan", IPAM={"Config": [{"Subnet": "10.77.0.0/24", "Gateway": "10.77.0.1"}]})
    with name_server(host, "10.77.0.1"):
        container = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan", "Dns": ["10.77.0.1"]})
        assert dig(host, container, "silent.test", "+time=20").status == "SERVFAIL"
        assert dig(host, container, "up.test").contents == ["192.0.2.7"]
