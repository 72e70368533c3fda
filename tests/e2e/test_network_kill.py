"""kill -9 of the daemon between any two steps of what it does for networks: the next one leaves nothing of it, and what it tells
of the container is true."""

import contextlib
import json
import shutil
from http.client import HTTPException

import pytest

from harness.killing import killed_at, was_killed
from harness.leftovers import Leftovers
from harness.networks import make_network

pytestmark = [pytest.mark.berth_only, pytest.mark.skipif(
    not shutil.which("strace"), reason="strace is not installed: it ends the daemon at a system call")]

MOST = 300  # no operation needs more calls: a loop that goes on is a fault of the test


def created(host, network="lan"):
    ports = {"80/tcp": [{"HostIp": "", "HostPort": "18000"}], "81/udp": [{"HostIp": "127.0.0.1", "HostPort": "18000-18010"}]}
    host.create("sleep", "1000", name="victim", host_config={"NetworkMode": network, "PortBindings": ports})


def running(host, network="lan"):
    created(host, network)
    assert start(host).status == 204


def connected(host):
    running(host)
    assert connect(host).status == 200


def start(host):
    return host.api.post("/containers/victim/start")


def connect(host):
    return host.api.post("/networks/wan/connect", body={"Container": "victim"})


def create_network(host):
    return host.api.post("/networks/create", body={"Name": "new", "EnableIPv6": True})


# Name: what there is before, and what the daemon is killed in.
OPERATIONS = {
    "start": (created, start),
    "start-on-bridge": (lambda host: created(host, "bridge"), start),
    "stop": (running, lambda host: host.api.post("/containers/victim/stop", t=0)),
    "restart": (running, lambda host: host.api.post("/containers/victim/restart", t=0)),
    "remove": (running, lambda host: host.api.delete("/containers/victim", force=1)),
    "connect": (running, connect),
    "disconnect": (connected, lambda host: host.api.post("/networks/wan/disconnect", body={"Container": "victim"})),
    "create-network": (lambda host: None, create_network),
    "remove-network": (create_network, lambda host: host.api.delete("/networks/new")),
}


def networks_of_the_host(host):
    make_network(host, "lan", EnableIPv6=True, IPAM={"Config": [{"Subnet": "10.61.0.0/29"}, {"Subnet": "fd00:61::/64"}]})
    make_network(host, "wan", IPAM={"Config": [{"Subnet": "10.62.0.0/30"}]})


def check_what_is_told(host):
    """Compares what the engine says of the container with the kernel: process, links, addresses, ports."""
    table = host.shell("nft", "list", "table", "inet", "berth").stdout
    for item in json.loads(host.api.get("/containers/json", all=1).body):
        shown = host.inspect(item["Id"])
        settings, state = shown["NetworkSettings"], shown["State"]
        assert state["Running"] == (state["Pid"] != 0) == bool(settings["Ports"]) == ("18000" in table)
        for name, own in settings["Networks"].items():
            assert bool(own["IPAddress"]) == bool(own["EndpointID"]) == state["Running"], (name, own)
        if state["Running"]:
            assert "sleep" in host.processes()[state["Pid"]]
            listed = host.shell("nsenter", f"--net=/proc/{state['Pid']}/ns/net", "ip", "-j", "-4", "address").stdout
            inside = {address["local"] for link in json.loads(listed) for address in link["addr_info"]}
            told = {own["IPAddress"] for own in settings["Networks"].values()}
            assert inside - {"127.0.0.1"} == told
            lines = (host.data_root / "containers" / item["Id"] / "hosts").read_text().splitlines()
            assert {line.split()[0] for line in lines if line.startswith(("10.", "172."))} == told
        else:
            assert not any("sleep" in line for line in host.processes().values())


def clear(host):
    for item in json.loads(host.api.get("/containers/json", all=1).body):
        host.remove(item["Id"])
    assert host.api.delete("/networks/new").status in (204, 404)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_kill_at_any_step_leaves_nothing(fresh_host, operation):
    host = fresh_host
    networks_of_the_host(host)
    prepare, work = OPERATIONS[operation]
    before = Leftovers(host)
    before.ids = host.leftovers.ids
    for count in range(1, MOST):
        prepare(host)
        before.note_containers()
        with killed_at(host, count), contextlib.suppress(OSError, ValueError, HTTPException):
            work(host)
        killed = was_killed(host)
        if killed:
            host.start()
        try:
            check_what_is_told(host)
            clear(host)
            before.check()
        except AssertionError as error:
            raise AssertionError(f"killed at call {count} of {operation}: {error}") from error
        if not killed:
            break
    assert not killed and count > 3, "the daemon came to the end of it in no turn"
