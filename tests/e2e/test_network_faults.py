"""The daemon comes and goes: connections stay, and nothing is left of what it was about to do."""

import json
import random
import subprocess
import sys
import threading
import time
from http.client import HTTPException

import pytest

from harness.leftovers import Leftovers
from harness.networks import address, ask_from_host, endpoint, make_network, serve, wait_for_port
from harness.waiting import until

pytestmark = pytest.mark.berth_only

# Keeps one connection open and echoes lines through it as they come on stdin.
KEEP = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
for line in sys.stdin:
    connection.sendall(line.encode())
    print(connection.makefile().readline(), end="", flush=True)
"""


@pytest.mark.parametrize("way", ["terminate", "crash"])
def test_connections_live_through_a_restart_of_the_daemon(fresh_host, way):
    host = fresh_host
    server = host.spawn("nc", "-l", "-p", "8000", "-e", "cat")
    wait_for_port(host, server, 8000)
    before = endpoint(host, server)
    client = subprocess.Popen([*host.enter, sys.executable, "-c", KEEP, before["IPAddress"], "8000"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def echo(text):
        client.stdin.write(text + "\n")
        client.stdin.flush()
        return client.stdout.readline().strip()
    try:
        assert echo("one") == "one"
        getattr(host, way)()
        assert echo("two") == "two"
        host.start()
        assert echo("three") == "three"
        assert endpoint(host, server) == before
        assert address(host, host.spawn("sleep", "1000")) != before["IPAddress"]
    finally:
        client.stdin.close()
        client.wait(10)
        client.stdout.close()


def test_addresses_of_containers_that_ended_without_the_daemon_are_free(fresh_host):
    host = fresh_host
    container = host.spawn("sleep", "1000")
    pid = host.inspect(container)["State"]["Pid"]
    host.crash()
    host.shell("kill", "-KILL", str(pid))
    until(lambda: pid not in host.processes(), "the end of the container")
    host.start()
    assert endpoint(host, container)["IPAddress"] == ""
    host.remove(container)
    host.leftovers.check()


def crash_while(host, work, delay):
    done = []

    def run():
        try:
            done.append(work())
        except (OSError, ValueError, AssertionError, HTTPException) as error:
            done.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(delay)
    host.leftovers.note_containers()
    host.crash()
    thread.join(60)
    host.start()


@pytest.mark.parametrize("network", ["bridge", "lan"])
@pytest.mark.parametrize("seed", range(2))
def test_kill_between_any_two_steps_leaves_nothing(fresh_host, seed, network):
    host = fresh_host
    if network != "bridge":
        make_network(host, network)
    before = Leftovers(host)
    before.ids = host.leftovers.ids
    chance = random.Random(seed)
    for turn in range(8):
        name = f"crash{turn}"

        def life():
            container = host.spawn("sleep", "1000", name=name, ExposedPorts={"80/tcp": {}}, host_config={
                "NetworkMode": network, "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "18000"}]}})
            host.remove(container)
        crash_while(host, life, chance.uniform(0, 0.03))
        for item in json.loads(host.api.get("/containers/json", all=1).body):
            shown = host.inspect(item["Id"])
            own = shown["NetworkSettings"]["Networks"][network]
            assert bool(own["IPAddress"]) == bool(shown["NetworkSettings"]["Ports"]) == shown["State"]["Running"]
            host.remove(item["Id"])
        before.check()


def test_a_start_that_fails_leaves_nothing(host):
    container = host.create("/no/such/program")
    before = host.spawn("sleep", "1000")
    first = address(host, before)
    for _ in range(3):
        assert host.api.post(f"/containers/{container}/start").status == 400
    assert endpoint(host, container)["IPAddress"] == ""
    host.remove(before)
    assert first


def test_a_server_is_reached_after_the_daemon_came_back(fresh_host):
    host = fresh_host
    server = serve(host, "still here")
    host.crash()
    assert ask_from_host(host, "172.17.0.2", 8000) == "still here"
    host.start()
    assert ask_from_host(host, address(host, server), 8000) == "still here"
    more = serve(host, "new")
    assert ask_from_host(host, address(host, more), 8000) == "new"
