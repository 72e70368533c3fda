"""Names of containers on user-defined networks, asked for at 127.0.0.11 inside them."""

import sys

import pytest

from harness.names import dig, inside
from harness.networks import address, execute, make_network
from harness.waiting import until


def lan(host, name="lan", subnet="10.77.0.0/24", **body):
    return make_network(host, name, IPAM={"Config": [{"Subnet": subnet}]}, **body)


def spawn(host, name, network="lan", host_config=None, config=None, **endpoint):
    return host.spawn("sleep", "1000", name=name, host_config={"NetworkMode": network, **(host_config or {})},
                      NetworkingConfig={"EndpointsConfig": {network: endpoint}}, **(config or {}))


def test_a_container_is_found_by_all_its_names(host):
    lan(host)
    web = spawn(host, "web", Aliases=["www", "Front.Door"], config={"Hostname": "box"})
    other = spawn(host, "other")
    for name in ("web", "WEB", "www", "front.door", web[:12], "web.lan", "WWW.lan"):
        reply = dig(host, other, name)
        assert reply.status == "NOERROR" and "ra" in reply.flags, (name, reply.text)
        assert reply.records == [(name + ".", 600, "A", address(host, web, "lan"))], reply.text
    assert execute(host, other, "ping", "-c1", "-w5", "web").count("bytes from") == 1


@pytest.mark.differs_from_reference("the case of a network's name matters, though it does not in DNS")
def test_the_case_of_a_networks_name_does_not_matter(host):
    lan(host)
    web = spawn(host, "web", Aliases=["www"])
    assert dig(host, web, "www.LAN").contents == [address(host, web, "lan")]


@pytest.mark.differs_from_reference("host names are names since 25")
def test_a_container_is_found_by_its_host_name(host):
    lan(host)
    web = spawn(host, "web", config={"Hostname": "box"})
    assert dig(host, web, "box").contents == [address(host, web, "lan")]


def test_an_address_has_the_name_of_its_container(host):
    lan(host)
    web = spawn(host, "web", Aliases=["www"])
    reply = dig(host, spawn(host, "other"), "-x", address(host, web, "lan"))
    assert [(kind, content) for _, _, kind, content in reply.records] == [("PTR", "web.lan.")], reply.text


def test_an_alias_of_several_has_all_addresses_in_turns(host):
    lan(host)
    members = [spawn(host, f"member{number}", Aliases=["pool"]) for number in range(3)]
    wanted = {address(host, member, "lan") for member in members}
    first = set()
    for _ in range(40):
        contents = dig(host, members[0], "pool").contents
        assert set(contents) == wanted
        first.add(contents[0])
    assert first == wanted
    host.remove(members[2])
    wanted.remove(max(wanted))
    assert until(lambda: set(dig(host, members[0], "pool").contents) == wanted, "the end of a name")


def test_networks_know_only_their_own_names(host):
    lan(host)
    lan(host, "wan", "10.78.0.0/24")
    web = spawn(host, "web")
    far = spawn(host, "far", "wan", {"Dns": ["127.0.0.11"]})
    assert dig(host, far, "web").contents == []
    assert dig(host, far, "web.lan").contents == []
    host.docker("network connect wan web")
    assert dig(host, far, "web").contents == [address(host, web, "wan")]
    assert dig(host, web, "far").contents == [address(host, far, "wan")]
    host.docker("network disconnect wan web")
    assert dig(host, far, "web").contents == []


def test_a_name_changes_with_its_container(host):
    lan(host)
    web = spawn(host, "web", host_config={"Dns": ["127.0.0.11"]})
    host.docker("rename web shop")
    assert dig(host, web, "shop").contents == [address(host, web, "lan")]
    assert dig(host, web, "web").contents == []


def test_a_container_that_ends_has_no_name(host):
    lan(host)
    web = spawn(host, "web")
    other = spawn(host, "other", host_config={"Dns": ["127.0.0.11"]})
    host.docker("stop -t 0 web")
    assert dig(host, other, "web").contents == []
    host.docker("start web")
    assert dig(host, other, "web").contents == [address(host, web, "lan")]


def test_a_link_is_a_name_that_its_owner_alone_knows(host):
    lan(host)
    db = spawn(host, "db")
    web = spawn(host, "web", Links=["db:store"])
    other = spawn(host, "other", host_config={"Dns": ["127.0.0.11"]})
    assert dig(host, web, "store").contents == [address(host, db, "lan")]
    assert dig(host, other, "store").contents == []


def test_a_name_with_ipv4_alone_has_no_other_records(host):
    lan(host)
    web = spawn(host, "web", host_config={"Dns": ["127.0.0.11"]})
    for kind in ("AAAA", "MX"):
        reply = dig(host, web, "web", kind)
        assert (reply.status, reply.records) == ("NOERROR", []), reply.text


def test_ipv6_addresses(host):
    make_network(host, "six", EnableIPv6=True,
                 IPAM={"Config": [{"Subnet": "10.79.0.0/24"}, {"Subnet": "fd00:79::/64"}]})
    web = spawn(host, "web", "six")
    own = host.inspect(web)["NetworkSettings"]["Networks"]["six"]["GlobalIPv6Address"]
    reply = dig(host, web, "web", "AAAA")
    assert [record[1:] for record in reply.records] == [(600, "AAAA", own)], reply.text
    assert dig(host, web, "-x", own).contents == ["web.six."]


def test_tcp_and_truncation(host):
    lan(host)
    aliases = ["pool"]
    members = [spawn(host, f"member{number}", Aliases=aliases) for number in range(2)]
    assert len(dig(host, members[0], "pool", "+tcp").contents) == 2
    # Of so many addresses not all fit into 512 bytes: then the answer says so, and TCP has them all.
    for number in range(2, 34):
        members.append(spawn(host, f"member{number}", Aliases=aliases))
    cut = dig(host, members[0], "pool", "+noedns")
    assert "tc" in cut.flags and 0 < len(cut.contents) < len(members)
    assert len(dig(host, members[0], "pool", "+noedns", "+noignore").contents) == len(members)
    assert len(dig(host, members[0], "pool", "+bufsize=4096").contents) == len(members)


OWN_SERVER = """
import socket, subprocess
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tcp = socket.socket()
for own in (udp, tcp):
    own.bind(("0.0.0.0", 53))
tcp.listen()
client = socket.create_connection(("127.0.0.1", 53))
accepted, _ = tcp.accept()
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.sendto(b"own", ("127.0.0.1", 53))
print(udp.recv(10).decode(), flush=True)
for option in ("+notcp", "+tcp"):
    subprocess.run(["dig", "@127.0.0.11", "+short", option, "web"])
"""


def test_a_program_in_the_container_may_have_port_53_itself(host):
    lan(host)
    web = spawn(host, "web")
    where = address(host, web, "lan")
    assert inside(host, web, sys.executable, "-c", OWN_SERVER).stdout.split() == ["own", where, where]


def test_a_container_that_comes_to_a_network_late_has_names(host):
    lan(host)
    web = spawn(host, "web")
    late = host.spawn("sleep", "1000", name="late")
    host.docker("network connect lan late")
    assert dig(host, late, "web").contents == [address(host, web, "lan")]
    assert "nameserver 127.0.0.11" in execute(host, late, "cat", "/etc/resolv.conf")
    assert "bytes from" in execute(host, late, "ping", "-c1", "-w5", "web")


@pytest.mark.berth_only
def test_names_go_on_after_the_daemon_was_killed(fresh_host):
    host = fresh_host
    lan(host)
    web = spawn(host, "web")
    other = spawn(host, "other", host_config={"Dns": ["127.0.0.11"]})
    host.crash()
    host.start()
    assert dig(host, other, "web").contents == [address(host, web, "lan")]
    assert dig(host, other, "web", "+tcp").contents == [address(host, web, "lan")]
    pid = host.state(other)["Pid"]
    host.crash()
    assert dig(host, pid, "web", "+time=1").status == ""
    host.start()
    assert dig(host, web, "other").contents == [address(host, other, "lan")]


@pytest.mark.berth_only
def test_nft_lists_the_rules_in_a_container(host):
    make_network(host, "lan")
    pid = host.inspect(host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"}))["State"]["Pid"]
    rules = host.shell("nsenter", f"--net=/proc/{pid}/ns/net", "nft", "list", "ruleset").stdout
    assert "ip daddr 127.0.0.11 udp dport 53 notrack" in rules and "ip saddr 127.0.0.11 tcp sport" in rules
