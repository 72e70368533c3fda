"""Bridges that an administrator removes or sets down while containers are on them: they come back with the next container."""

import pytest

from harness.networks import address, ask_from, ask_from_host, make_network, serve

pytestmark = pytest.mark.berth_only  # Docker's next container does not start until the daemon is started again

REMOVED, DOWN = ("delete", "{}"), ("set", "{}", "down")
WAYS = pytest.mark.parametrize("way", [REMOVED, DOWN], ids=["removed", "set down"])


def lan(host, **body):
    """Returns the name of its bridge."""
    return "br-" + make_network(host, "lan", EnableIPv6=True, **body)[:12]


def take_away(host, link, way):
    host.shell("ip", "link", *(word.format(link) for word in way))


def serve_on(host, network, text, **host_config):
    return serve(host, text, name=text, host_config={"NetworkMode": network, **host_config})


def published(network, port):
    return {"ExposedPorts": {"8000/tcp": {}}, "host_config": {"NetworkMode": network, "PortBindings": {
        "8000/tcp": [{"HostIp": "", "HostPort": str(port)}]}}}


@WAYS
@pytest.mark.parametrize("network", ["bridge", "lan"])
def test_the_next_start_brings_it_back_for_all(host, network, way):
    link = lan(host) if network == "lan" else "docker0"
    first = serve(host, "first", **published(network, 18000))
    take_away(host, link, way)
    assert ask_from_host(host, "127.0.0.1", 18000, check=False) is None
    second = serve(host, "second", **published(network, 18001))
    assert ask_from(host, second, address(host, first, network), 8000) == "first"
    assert ask_from(host, first, address(host, second, network), 8000) == "second"
    assert ask_from(host, first, address(host, first, network), 8000) == "first"
    for port, text in ((18000, "first"), (18001, "second")):
        for where in ("127.0.0.1", "::1"):
            assert ask_from_host(host, where, port) == text


@WAYS
def test_the_next_connect_brings_it_back_for_all(host, way):
    link = lan(host)
    first = serve_on(host, "lan", "first")
    late = serve(host, "late", name="late")
    take_away(host, link, way)
    host.docker("network connect lan late")
    assert ask_from(host, late, address(host, first, "lan"), 8000) == "first"
    assert ask_from(host, first, address(host, late, "lan"), 8000) == "late"


def test_the_next_daemon_brings_it_back_for_all(fresh_host):
    host = fresh_host
    link = lan(host)
    first = serve_on(host, "lan", "first")
    second = serve_on(host, "lan", "second")
    host.terminate()
    take_away(host, link, REMOVED)
    host.start()
    assert ask_from(host, second, address(host, first, "lan"), 8000) == "first"
    assert ask_from_host(host, address(host, second, "lan"), 8000) == "second"


def test_neighbours_that_are_kept_apart_stay_so(host):
    link = lan(host, Options={"com.docker.network.bridge.enable_icc": "false"})
    first = serve_on(host, "lan", "first")
    second = serve_on(host, "lan", "second")
    take_away(host, link, REMOVED)
    third = serve_on(host, "lan", "third")
    for asker, answerer in ((first, second), (first, third), (third, first)):
        assert ask_from(host, asker, address(host, answerer, "lan"), 8000) is None
    assert ask_from_host(host, address(host, first, "lan"), 8000) == "first"


def test_a_link_of_that_name_that_is_no_bridge_is_said(host):
    link = lan(host)
    take_away(host, link, REMOVED)
    host.shell("ip", "link", "add", link, "type", "veth", "peer", "name", "other")
    try:
        container = host.create("sleep", "1000", host_config={"NetworkMode": "lan"})
        reply = host.api.post(f"/containers/{container}/start")
        assert reply.status == 409 and f"link {link} is no bridge" in reply.message, reply
    finally:
        host.shell("ip", "link", "delete", link)
    assert host.api.post(f"/containers/{container}/start").status == 204
