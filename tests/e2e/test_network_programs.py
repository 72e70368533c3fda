"""Networks under programs that people use: nginx and python in containers, curl, wrk, iperf3, ping and dig as their clients."""

import json
import os
import re
import shutil
import subprocess

import pytest

from harness.host import children
from harness.names import dig, inside
from harness.networks import make_network, wait_for_port
from test_network_outside import addresses, dual, outside  # noqa: F401 (a fixture)

pytestmark = pytest.mark.differs_from_reference("it runs without its firewall here")


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def publish(port, *where, protocol="tcp"):
    return {f"{port}/{protocol}": [{"HostIp": "", "HostPort": str(number)} for number in where]}


def nginx(host, network="dual", **more):
    container = host.spawn(image="nginx", name="web", host_config={
        "NetworkMode": network, "PortBindings": publish(80, 18080)}, **more)
    wait_for_port(host, container, 80)
    return container


@pytest.mark.images("nginx")
def test_nginx_is_reached_by_curl_from_everywhere_and_logs_who_asked(host, outside):  # noqa: F811
    container = nginx(host, dual(host))
    v4, v6 = addresses(host, container)
    for where in (f"{outside.host_address}:18080", f"[{outside.host_address6}]:18080"):
        got = outside.shell("curl", "-sS", "--max-time", "10", f"http://{where}/").stdout
        assert "served by a container" in got
    for where in ("127.0.0.1:18080", f"{outside.host_address}:18080", f"{v4}:80", f"[{v6}]:80"):
        assert "served by a container" in host.shell("curl", "-sS", "--max-time", "10", f"http://{where}/").stdout
    peer = host.spawn("sleep", "1000", host_config={"NetworkMode": "dual"})
    assert "served by a container" in host.docker("exec", peer, "wget", "-qO-", "http://web/").out
    # Its own published port, through the host.
    got = inside(host, container, "curl", "-sS", "--max-time", "10", f"http://{outside.host_address}:18080/")
    assert "served by a container" in got.stdout, got.stderr
    host.wait_for_output(container, outside.address6.encode())
    asked = {line.split()[0] for line in host.output(container)[0].decode().splitlines()}
    assert {outside.address, outside.address6} <= asked


@needs("wrk")
@pytest.mark.images("nginx")
def test_many_connections_through_a_published_port(host, outside):  # noqa: F811
    nginx(host, dual(host))
    for ask, where in ((outside.shell, f"{outside.host_address}:18080"), (host.shell, "127.0.0.1:18080")):
        for headers in ([], ["-H", "Connection: close"]):
            told = ask("wrk", "-t1", "-c50", "-d1s", *headers, f"http://{where}/").stdout
            assert int(re.search(r"(\d+) requests in", told)[1]) > 100, told
            assert "Socket errors: connect 0" in told or "Socket errors" not in told, told
            assert "Non-2xx" not in told, told


@needs("iperf3")
def test_streams_and_datagrams_by_iperf3(host, outside):  # noqa: F811
    container = host.spawn("sleep", "1000", image="busybox", host_config={"NetworkMode": dual(host), "PortBindings": {
        **publish(5201, 15201), **publish(5201, 15201, protocol="udp")}})
    pid = host.inspect(container)["State"]["Pid"]
    server = subprocess.Popen([*host.enter, "nsenter", f"--net=/proc/{pid}/ns/net", "iperf3", "-s"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        wait_for_port(host, container, 5201)
        for where in (outside.host_address, outside.host_address6):
            for options in ([], ["-R"], ["-u", "-b", "50M"], ["-P", "4"]):
                told = json.loads(outside.shell("iperf3", "-J", "-n", "1M", "-c", where, "-p", "15201", *options, timeout=60,
                                                check=False).stdout)
                assert "error" not in told, told["error"]
                total = told["end"].get("sum_received") or told["end"]["sum"]
                assert total["bytes"] > 10_000, told["end"]
    finally:
        for child in children(server.pid):
            os.kill(child, 9)
        server.wait(timeout=30)


# python3-minimal has sockets, and no module for HTTP.
SERVER = """
import socket
with socket.create_server(("::", 8000), family=socket.AF_INET6, dualstack_ipv6=True, backlog=50) as server:
    while True:
        connection, peer = server.accept()
        body = peer[0].removeprefix("::ffff:").encode()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
        connection.close()
"""

CLIENT = """
import socket
with socket.create_connection(("server", 8000), timeout=10) as connection:
    connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    address = b"".join(iter(lambda: connection.recv(4096), b"")).decode().splitlines()[-1]
print(address)
"""


@pytest.mark.images("python")
def test_a_python_server_knows_its_clients_by_address_and_name(host, outside):  # noqa: F811
    dual(host)
    server = host.spawn("python3", "-c", SERVER, image="python", name="server", host_config={
        "NetworkMode": "dual", "PortBindings": publish(8000, 18000)})
    wait_for_port(host, server, 8000)
    for where, who in ((outside.host_address, outside.address), (f"[{outside.host_address6}]", outside.address6)):
        assert outside.shell("curl", "-sS", "--max-time", "10", f"http://{where}:18000/").stdout == who
    client = host.spawn("sleep", "1000", image="python", name="client", host_config={"NetworkMode": "dual"})
    address = host.docker("exec", client, "python3", "-c", CLIENT).out.strip()
    assert address in addresses(host, client)
    asked = f"import socket; print(socket.gethostbyaddr('{address}')[0])"
    assert host.docker("exec", server, "python3", "-c", asked).out == "client.dual\n"


def test_ping_and_the_size_of_packets(host, outside):  # noqa: F811
    dual(host, Options={"com.docker.network.driver.mtu": "1400"})
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "dual"})
    peer = host.spawn("sleep", "1000", name="peer", host_config={"NetworkMode": "dual"})
    for where in (*addresses(host, peer), outside.address, outside.address6, "peer"):
        for size in ("56", "1300", "4000"):  # the last one in pieces
            told = host.docker("exec", container, "ping", "-c2", "-i0.1", "-w5", "-s", size, where, check=False).out
            # By IPv6 nobody on the way may cut a packet: the first large answer is told to come in smaller pieces.
            learns = size == "4000" and where == outside.address6
            assert "2 packets received" in told or learns and "1 packets received" in told, told
    for where in addresses(host, container):
        assert host.shell("busybox", "ping", "-c1", "-w5", "-s", "2000", where).returncode == 0


def test_dig_hears_of_every_name_at_once(host):
    make_network(host, "lan", IPAM={"Config": [{"Subnet": "10.77.0.0/24"}]})
    container = host.spawn("sleep", "1000", name="asks", host_config={"NetworkMode": "lan", "Dns": ["127.0.0.11"]})
    for number in range(5):
        name = f"node{number}"
        host.spawn("sleep", "1000", name=name, host_config={"NetworkMode": "lan"})
        assert dig(host, container, name).contents == [f"10.77.0.{number + 3}"]
        assert dig(host, container, "-x", f"10.77.0.{number + 3}").contents == [f"{name}.lan."]
