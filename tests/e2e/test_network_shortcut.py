"""Connections of the host to 127.0.0.1 that go to the container itself, untranslated: BPF programs at connect()."""

import ctypes
import json
import os
import shutil
import struct
import subprocess
import sys

import pytest

from harness.networks import address, make_network, serve
from harness.waiting import until
from test_network_firewalld import firewalld_host  # noqa: F401 (a fixture)
from test_network_ports import published
from test_network_ufw import Ufw

pytestmark = pytest.mark.berth_only

# Prints where the connection really leads and what its names are; after a line from its input, what the server says.
CLIENT = """
import json, os, socket, sys
def name(text):
    where, port = text.split(":")
    return [socket.inet_ntoa(bytes.fromhex(where)[::-1]), int(port, 16)]
with socket.socket() as one:
    if len(sys.argv) > 3:
        one.bind((sys.argv[3], 0))
    one.settimeout(5)
    one.connect((sys.argv[1], int(sys.argv[2])))
    inode = str(os.fstat(one.fileno()).st_ino)
    with open("/proc/net/tcp") as table:
        found = next(fields for fields in map(str.split, table) if fields[9] == inode)
    print(json.dumps({"leads to": name(found[2]), "peer": one.getpeername(), "own": one.getsockname()[0]}), flush=True)
    sys.stdin.readline()
    one.shutdown(socket.SHUT_WR)
    print(b"".join(iter(lambda: one.recv(65536), b"")).decode(), end="")
"""


@pytest.fixture(autouse=True)
def needs_version_2(request):
    for name in ("host", "fresh_host"):
        if name in request.fixturenames and request.getfixturevalue(name).cgroup.path is None:
            pytest.skip("no cgroup version 2 beside version 1")


def connect(host, *where, prefix=()):
    """What CLIENT says of a connection, with the server's answer; None if it is refused."""
    done = host.shell(*prefix, sys.executable, "-c", CLIENT, *map(str, where), check=False, input="\n")
    if done.returncode != 0:
        assert "ConnectionRefusedError" in done.stderr, done.stderr
        return None
    said, answer = done.stdout.split("\n", 1)
    return {**json.loads(said), "answer": answer.strip()}


def leads_to(host, port=18000, *bound):
    return tuple(connect(host, "127.0.0.1", port, *bound)["leads to"])


def programs(host):
    """How many programs are attached to the test host's cgroup at connect4, getpeername4 and getsockname4."""
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    directory = os.open(host.cgroup.path, os.O_RDONLY)
    counts = []
    for place in (10, 29, 31):
        query = ctypes.create_string_buffer(struct.pack("IIIIQI", directory, place, 0, 0, 0, 0), 128)
        assert syscall(321, 16, query, len(query)) == 0, os.strerror(ctypes.get_errno())
        counts.append(struct.unpack_from("I", query, 24)[0])
    os.close(directory)
    return counts


@pytest.mark.parametrize("where", ["", "127.0.0.1"])
def test_the_connection_is_to_the_container_and_looks_as_asked_for(host, where):
    container = serve(host, "short", **published((where, "18000")))
    said = connect(host, "127.0.0.1", 18000)
    assert said == {"leads to": [address(host, container), 8000], "peer": ["127.0.0.1", 18000], "own": "127.0.0.1",
                    "answer": "short"}


def test_the_container_sees_the_bridge_as_by_translation(host):
    container = host.spawn("nc", "-ll", "-p", "8000", "-e", "sh", "-c", "cat >/dev/null; netstat -tn",
                           **published(("127.0.0.1", "18000")))
    until(lambda: connect(host, "127.0.0.1", 18000), "the server")
    gateway = host.inspect(container)["NetworkSettings"]["Networks"]["bridge"]["Gateway"]
    for bound in ((), ("127.0.0.1",)):
        assert f"{gateway}:" in connect(host, "127.0.0.1", 18000, *bound)["answer"]


def test_a_socket_with_an_address_of_its_own_is_translated(host):
    serve(host, "long", **published(("", "18000")))
    said = connect(host, "127.0.0.1", 18000, "127.0.0.1")
    assert said["leads to"] == ["127.0.0.1", 18000] and said["answer"] == "long"


def test_other_addresses_of_the_loopback_are_translated(host):
    serve(host, "long", **published(("", "18000")))
    said = connect(host, "127.0.0.2", 18000)
    assert said["leads to"] == ["127.0.0.2", 18000] and said["answer"] == "long"


def test_a_port_of_another_address_is_not_at_127_0_0_1(host):
    serve(host, "elsewhere", **published(("127.0.0.2", "18000")))
    assert connect(host, "127.0.0.1", 18000) is None
    assert connect(host, "127.0.0.2", 18000)["answer"] == "elsewhere"


def test_ranges_lead_to_the_ports_they_are_published_for(host):
    bindings = {f"{port}/tcp": [{"HostIp": "", "HostPort": str(port + shift)}]
                for first, shift in ((7990, 0), (8100, 10000)) for port in range(first, first + 40)}
    container = serve(host, "range", host_config={"PortBindings": bindings}, ExposedPorts={port: {} for port in bindings})
    assert leads_to(host, 8000) == (address(host, container), 8000)
    assert connect(host, "127.0.0.1", 18100) is None  # nobody listens there in the container
    host.remove(container)
    container = serve(host, "shifted", host_config={"PortBindings": {"8000/tcp": [{"HostPort": "18139"}]}},
                      ExposedPorts={"8000/tcp": {}})
    assert leads_to(host, 18139) == (address(host, container), 8000)


def test_a_range_of_ten_thousand(host):
    host.docker("run", "-d", "--name", "many", "-p", "20000-29999:20000-29999", "busybox", "nc", "-ll", "-p", "27777", "-e",
                "echo", "one of many")
    said = until(lambda: connect(host, "127.0.0.1", 27777), "the server")
    assert said["leads to"] == [address(host, "many"), 27777] and said["answer"] == "one of many"


def test_a_port_is_refused_once_its_container_has_stopped(host):
    container = serve(host, "web", **published(("", "18000")))
    assert connect(host, "127.0.0.1", 18000)
    host.docker("stop", "-t", "0", container)
    assert connect(host, "127.0.0.1", 18000) is None


def test_the_port_follows_its_container_to_another_address(host):
    make_network(host, "lan", IPAM={"Config": [{"Subnet": "10.77.0.0/24"}]})
    container = serve(host, "moved", **published(("", "18000"), NetworkMode="lan"))
    assert leads_to(host) == (address(host, container, "lan"), 8000)
    host.docker("network", "disconnect", "lan", container)
    assert connect(host, "127.0.0.1", 18000) is None
    host.docker("network", "connect", "--ip", "10.77.0.99", "lan", container)
    assert leads_to(host) == ("10.77.0.99", 8000)


def test_other_network_namespaces_of_the_machine_are_left_alone(host):
    container = serve(host, "web", **published(("", "18000")))
    pid = host.inspect(container)["State"]["Pid"]
    assert connect(host, "127.0.0.1", 18000)
    assert connect(host, "127.0.0.1", 18000, prefix=("nsenter", f"--net=/proc/{pid}/ns/net")) is None


def test_without_a_daemon_connections_are_translated_and_open_ones_go_on(fresh_host):
    host = fresh_host
    container = serve(host, "web", **published(("", "18000")))
    short = (address(host, container), 8000)
    with subprocess.Popen([*host.enter, sys.executable, "-c", CLIENT, "127.0.0.1", "18000"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as client:
        assert tuple(json.loads(client.stdout.readline())["leads to"]) == short
        host.crash()
        assert programs(host) == [0, 0, 0]
        assert leads_to(host) == ("127.0.0.1", 18000)
        assert client.communicate("\n")[0].strip() == "web"
    host.start()
    assert leads_to(host) == short and programs(host) == [1, 1, 1]
    host.terminate()
    assert programs(host) == [0, 0, 0]


def test_it_can_be_switched_off(fresh_host):
    host = fresh_host
    container = serve(host, "web", **published(("", "18000")))
    host.terminate()
    (host.folder / "daemon.json").write_text('{"connect-redirect": false}')
    host.start()
    assert programs(host) == [0, 0, 0]
    assert host.state(container)["Running"] and leads_to(host) == ("127.0.0.1", 18000)


def test_a_host_without_the_hierarchy_translates(fresh_host):
    host = fresh_host
    host.terminate()
    host.shell("umount", "-l", "/sys/fs/cgroup/unified")
    host.shell("umount", "-l", "/sys/fs/cgroup/unified")
    host.start()
    serve(host, "web", **published(("", "18000")))
    assert leads_to(host) == ("127.0.0.1", 18000)
    assert "no shortcut to published ports" in host.log.read_text()


def test_where_the_host_has_rules_for_what_goes_out_connections_are_translated(host):
    container = serve(host, "web", **published(("", "18000")))
    short = (address(host, container), 8000)
    assert leads_to(host) == short
    # The rule holds for what goes to the loopback link, and that is where a translated packet was to go.
    host.shell("nft", "add table inet mine; add chain inet mine out { type filter hook output priority 0; policy drop; };"
               "add rule inet mine out oifname lo accept")
    try:
        until(lambda: leads_to_lo(host), "the long way")
        assert connect(host, "127.0.0.1", 18000)["answer"] == "web"
    finally:
        host.shell("nft", "delete table inet mine")
    until(lambda: leads_to(host) == short, "the short way")


def test_rules_that_refuse_nothing_are_no_reason(host):
    container = serve(host, "web", **published(("", "18000")))
    host.shell("nft", "add table inet mine; add chain inet mine out { type filter hook output priority 0; };"
               "add chain inet mine more; add chain inet mine aside;"
               "add rule inet mine out oifname lo counter accept; add rule inet mine out jump more;"
               "add rule inet mine more ct state established accept; add rule inet mine aside drop")
    try:
        short = (address(host, container), 8000)
        assert leads_to(host) == short
        # What is reached only by a jump counts.
        host.shell("nft", "add rule inet mine more tcp dport 1 jump aside")
        until(lambda: leads_to(host) == ("127.0.0.1", 18000), "the long way")
        host.shell("nft", "flush chain inet mine aside")
        until(lambda: leads_to(host) == short, "the short way")
    finally:
        host.shell("nft", "delete table inet mine")


@pytest.mark.skipif(not shutil.which("ufw"), reason="ufw is not installed (Debian: ufw)")
def test_ufw_is_a_reason_only_if_it_refuses_what_goes_out(fresh_host):
    host = fresh_host
    container = serve(host, "web", **published(("127.0.0.1", "18000")))
    ufw = Ufw(host)
    ufw.enable()
    try:
        assert leads_to(host) == (address(host, container), 8000)
        ufw("default", "deny", "outgoing")
        until(lambda: leads_to_lo(host), "the long way, which ufw takes for the loopback link's")
        assert connect(host, "127.0.0.1", 18000)["answer"] == "web"
    finally:
        ufw.close()


@pytest.mark.skipif(not shutil.which("firewalld"), reason="firewalld is not installed (Debian: firewalld)")
def test_firewalld_refuses_only_ipv6(firewalld_host):
    host, _, firewalld = firewalld_host
    container = serve(host, "web", **published(("127.0.0.1", "18000")))
    assert leads_to(host) == (address(host, container), 8000)
    # A policy for what the host sends, as its administrator may add one.
    firewalld("--direct", "--add-rule", "ipv4", "filter", "OUTPUT", "0", "-p", "tcp", "--dport", "1", "-j", "REJECT")
    until(lambda: leads_to_lo(host), "the long way")


def leads_to_lo(host):
    """None while the shortcut is still there, and dropped by the rule."""
    done = host.shell(sys.executable, "-c", CLIENT, "127.0.0.1", "18000", check=False, input="\n")
    return done.returncode == 0 and json.loads(done.stdout.split("\n")[0])["leads to"] == ["127.0.0.1", 18000]
