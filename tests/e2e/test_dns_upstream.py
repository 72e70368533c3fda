"""What a container's resolver does not know itself: it asks servers upstream."""

import contextlib

import pytest

from harness.names import dig, inside, name_server, queries_at
from harness.networks import execute, make_network

GATEWAY = "10.77.0.1"


@pytest.fixture
def lan(host):
    make_network(host, "lan", IPAM={"Config": [{"Subnet": "10.77.0.0/24", "Gateway": GATEWAY}]})
    with name_server(host, GATEWAY):
        yield host


def spawn(host, *servers, **host_config):
    return host.spawn("sleep", "1000", host_config={"NetworkMode": "lan", "Dns": list(servers or [GATEWAY]), **host_config})


def test_a_name_of_nobody_here_is_asked_upstream(lan):
    container = spawn(lan)
    assert dig(lan, container, "up.test").contents == ["192.0.2.7"]
    assert dig(lan, container, "brief.test", "+tcp").contents == ["192.0.2.8"]
    assert dig(lan, container, "gone.test").status == "NXDOMAIN"
    assert dig(lan, container, "single").status == "NXDOMAIN"
    assert "192.0.2.7" in execute(lan, container, "nslookup", "up.test")


def test_an_answer_that_is_too_long_for_upstream_comes_over_tcp(lan):
    container = spawn(lan)
    assert "tc" in dig(lan, container, "big.test").flags
    assert len(dig(lan, container, "big.test", "+noignore").contents) == 100


@pytest.mark.berth_only
def test_answers_are_kept_as_long_as_they_hold(lan):
    container = spawn(lan)
    before = queries_at(lan, GATEWAY)
    for name in ("up.test", "UP.test", "up.test"):
        assert dig(lan, container, name).contents == ["192.0.2.7"]
    for _ in range(3):
        assert dig(lan, container, "gone.test").status == "NXDOMAIN"
    assert queries_at(lan, GATEWAY) - before == 3
    for _ in range(3):
        assert dig(lan, container, "brief.test").contents == ["192.0.2.8"]
    assert queries_at(lan, GATEWAY) - before == 7
    # Another container has answers of its own.
    dig(lan, spawn(lan), "up.test")
    assert queries_at(lan, GATEWAY) - before == 9


def test_the_next_server_is_asked_if_one_does_not_answer(lan):
    # Nobody has this address: the host says so, or nobody does.
    container = spawn(lan, "10.77.0.1", "10.77.0.250")
    assert dig(lan, container, "up.test").contents == ["192.0.2.7"]
    container = spawn(lan, "10.77.0.250", "10.77.0.1")
    assert dig(lan, container, "up.test").contents == ["192.0.2.7"]


@pytest.mark.differs_from_reference("the resolver asks itself until nobody waits any more")
def test_no_server_at_all_is_a_failure_told_at_once(lan):
    container = spawn(lan, "127.0.0.11")
    assert dig(lan, container, "up.test").status == "SERVFAIL"


def test_ndots_of_the_user_keeps_single_names_in(lan):
    container = spawn(lan, DnsOptions=["ndots:1"])
    before = queries_at(lan, GATEWAY)
    reply = dig(lan, container, "single")
    assert (reply.status, reply.contents) == ("NOERROR", [])
    assert queries_at(lan, GATEWAY) - before == 1
    assert "options ndots:1\n" in execute(lan, container, "cat", "/etc/resolv.conf")


@contextlib.contextmanager
def host_resolv_conf(host, text):
    """The test host's /etc/resolv.conf, for an engine that is started in it; the rest of the machine has its own."""
    path = host.folder / "resolv.conf"
    path.write_text(text)
    host.shell("mount", "--bind", str(path), "/etc/resolv.conf")
    try:
        yield path
    finally:
        host.shell("umount", "/etc/resolv.conf")


def test_servers_on_the_hosts_loopback_are_asked_from_the_host(fresh_host):
    host = fresh_host
    host.terminate()
    with host_resolv_conf(host, "nameserver 127.0.0.1\nsearch some.test\noptions timeout:3\n"), \
            name_server(host, "127.0.0.1"):
        host.start()
        make_network(host, "lan")
        container = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"})
        assert dig(host, container, "up.test").contents == ["192.0.2.7"]
        assert dig(host, container, "big.test", "+tcp").contents[0].startswith("192.0.3.")
        lines = execute(host, container, "cat", "/etc/resolv.conf").splitlines()
        assert sorted(line for line in lines if line and not line.startswith("#")) == [
            "nameserver 127.0.0.11", "options timeout:3 ndots:0", "search some.test"]
        host.terminate()


@pytest.mark.differs_from_reference("names lead out of internal networks by way of the host: CVE-2024-29018, mended in 25.0.5")
def test_an_internal_network_does_not_ask_servers_on_the_hosts_loopback(fresh_host):
    host = fresh_host
    host.terminate()
    with host_resolv_conf(host, "nameserver 127.0.0.1\n"), name_server(host, "127.0.0.1"):
        host.start()
        make_network(host, "closed", Internal=True)
        container = host.spawn("sleep", "1000", host_config={"NetworkMode": "closed"})
        assert dig(host, container, "up.test").status == "SERVFAIL"
        host.terminate()


@pytest.mark.berth_only
def test_a_change_of_the_hosts_servers_is_seen(fresh_host):
    host = fresh_host
    host.terminate()
    with host_resolv_conf(host, "nameserver 127.0.0.2\n") as path, name_server(host, "127.0.0.1"):
        host.start()
        make_network(host, "lan")
        container = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"})
        assert dig(host, container, "up.test").status == "SERVFAIL"
        path.write_text("nameserver 127.0.0.1\n")
        until_seen = [dig(host, container, "up.test") for _ in range(20)]
        assert until_seen[-1].contents == ["192.0.2.7"]
        host.terminate()


@pytest.mark.berth_only
def test_a_silent_server_does_not_hold_up_others_for_long(lan):
    container = spawn(lan)
    many = inside(lan, container, "sh", "-c",
                  "for i in 1 2 3 4 5; do dig @127.0.0.11 +tries=1 +time=1 silent.test & done; "
                  "dig @127.0.0.11 +short up.test; wait")
    assert "192.0.2.7" in many.stdout
