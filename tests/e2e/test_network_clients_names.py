"""Names as the three clients ask for them: aliases, links, host names, servers, hosts. Asked by dig and by programs in the container."""

import re

import pytest

from harness.names import dig, name_server
from test_network_clients import inside, own, spawn

pytestmark = pytest.mark.differs_from_reference("host names are names since 25; it writes less into resolv.conf")
NOWHERE = {"dns": ["127.0.0.11"]}  # nobody is asked upstream


@pytest.fixture
def lan(client):
    client.network_create("lan", subnet=["10.61.0.0/24", "fd00:61::/64"], gateway="10.61.0.1", ipv6=True)


def test_all_names_of_a_container(host, client, lan):
    web = spawn(client, name="web", network="lan", network_alias=["www", "shop"], hostname="box", domainname="corp.test")
    other = spawn(client, name="other", network="lan", **NOWHERE)
    v4, v6 = own(client, web)["IPAddress"], own(client, web)["GlobalIPv6Address"]
    for name in ("web", "www", "shop", "box", web[:12], "web.lan"):
        assert dig(host, other, name).contents == [v4], name
        assert dig(host, other, name, "AAAA").contents == [v6], name
        assert dig(host, other, name, "+tcp").contents == [v4], name
    assert dig(host, other, "-x", v4).contents == dig(host, other, "-x", v6).contents == ["web.lan."]
    assert inside(host, other, "ping", "-4", "-c1", "-w5", "www").count(f"bytes from {v4}") == 1
    assert inside(host, web, "hostname", "-f").strip() == "box.corp.test"
    hosts = inside(host, web, "cat", "/etc/hosts").splitlines()
    assert f"{v4}\tbox.corp.test box" in hosts and f"{v6}\tbox.corp.test box" in hosts
    client.rename(web, "web-two")
    assert dig(host, other, "web-two").contents == [v4] and dig(host, other, "web").contents == []
    client.stop(web, timeout=0)
    assert dig(host, other, "www").contents == []


def test_an_alias_of_several_in_rotation(host, client, lan):
    members = [spawn(client, network="lan", network_alias="pool") for _ in range(3)]
    wanted = {own(client, one)["IPAddress"] for one in members}
    answers = [dig(host, members[0], "pool").contents for _ in range(40)]
    assert all(set(contents) == wanted for contents in answers)
    assert {contents[0] for contents in answers} == wanted


def test_links(host, client, lan):
    database = spawn(client, name="db", network="lan")
    web = spawn(client, name="web", network="lan", link="db:store", **NOWHERE)
    other = spawn(client, name="other", network="lan", **NOWHERE)
    assert dig(host, web, "store").contents == dig(host, web, "db").contents == [own(client, database)["IPAddress"]]
    assert dig(host, other, "store").contents == []
    old = spawn(client, name="old")
    new = spawn(client, name="new", link="old:ancient")
    assert f"{own(client, old, 'bridge')['IPAddress']}\tancient {old[:12]} old" in inside(host, new, "cat", "/etc/hosts")


@pytest.mark.parametrize("network", ["bridge", "lan"])
def test_servers_and_files_of_ones_own(host, client, lan, network):
    container = spawn(client, network=network, dns=["192.0.2.53", "192.0.2.54"], dns_search=["corp.test", "other.test"],
                      dns_option=["ndots:2", "timeout:1"],
                      add_host=["db:10.1.2.3", "six:fd00::9", "up:host-gateway"], hostname="box")
    resolv = [line for line in inside(host, container, "cat", "/etc/resolv.conf").splitlines() if line and line[0] != "#"]
    servers = ["nameserver 192.0.2.53", "nameserver 192.0.2.54"] if network == "bridge" else ["nameserver 127.0.0.11"]
    assert resolv == [*servers, "search corp.test other.test", "options ndots:2 timeout:1"]
    hosts = inside(host, container, "cat", "/etc/hosts").splitlines()
    for line in ("10.1.2.3\tdb", "fd00::9\tsix", "172.17.0.1\tup", "127.0.0.1\tlocalhost",
                 f"{own(client, container, network)['IPAddress']}\tbox"):
        assert line in hosts, hosts
    assert inside(host, container, "ping", "-4", "-c1", "-w5", "up").count("bytes from 172.17.0.1") == 1
    assert inside(host, container, "hostname").strip() == "box"


def test_servers_upstream(host, client, lan):
    spawn(client, name="first", network="lan")  # the bridge has its address, for the server
    with name_server(host, "10.61.0.1"):
        container = spawn(client, network="lan", dns="10.61.0.1")
        assert dig(host, container, "up.test").contents == ["192.0.2.7"]
        assert dig(host, container, "gone.test").status == "NXDOMAIN"
        assert "tc" in dig(host, container, "big.test").flags
        assert len(dig(host, container, "big.test", "+noignore").contents) == 100
        on_bridge = spawn(client, dns="10.61.0.1")
        assert re.search(r"192\.0\.2\.7", inside(host, on_bridge, "nslookup", "up.test"))


@pytest.mark.images("python")
def test_programs_of_the_c_library_resolve(host, client, lan):
    spawn(client, name="web", network="lan", network_alias="www")
    program = "import socket; print(sorted({one[4][0] for one in socket.getaddrinfo('www', 80)}))"
    done = client.run("python", "python3", "-c", program, network="lan", rm=True)
    web = own(client, "web")
    assert done.out.strip() == str(sorted([web["IPAddress"], web["GlobalIPv6Address"]])), done
