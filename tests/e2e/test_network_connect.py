"""Networks of one's own: containers on several of them, connected and disconnected while they run and while they do not."""

import re
import threading

import pytest

from harness.networks import address, ask_from, ask_from_host, endpoint, execute, make_network, serve
from harness.waiting import until


def lan(host, name="lan", subnet="10.77.0.0/24", **body):
    return make_network(host, name, IPAM={"Config": [{"Subnet": subnet}]}, **body)


def connect(host, network, container, **config):
    return host.api.post(f"/networks/{network}/connect", body={"Container": container, "EndpointConfig": config})


def disconnect(host, network, container, force=False):
    return host.api.post(f"/networks/{network}/disconnect", body={"Container": container, "Force": force})


def links_inside(host, container):
    return re.findall(r"^\d+: ([a-z0-9]+)", execute(host, container, "ip", "link"), re.M)


def file_of(host, container, name):
    return execute(host, container, "cat", f"/etc/{name}").splitlines()


def on(network, **config):
    return {"host_config": {"NetworkMode": network}, "NetworkingConfig": {"EndpointsConfig": {network: config}}}


def test_an_address_and_names_of_ones_own(host):
    lan(host)
    container = host.spawn("sleep", "1000", name="web", **on(
        "lan", IPAMConfig={"IPv4Address": "10.77.0.50"}, Aliases=["www"]))
    own = endpoint(host, container, "lan")
    assert own["IPAddress"] == "10.77.0.50" and own["IPAMConfig"] == {"IPv4Address": "10.77.0.50"}
    assert "www" in own["Aliases"]
    assert host.inspect(container)["NetworkSettings"]["IPAddress"] == ""
    assert "inet 10.77.0.50/24" in execute(host, container, "ip", "addr", "show", "eth0")
    assert file_of(host, container, "hosts")[-1] == f"10.77.0.50\t{container[:12]}"
    assert "nameserver 127.0.0.11" in file_of(host, container, "resolv.conf")


@pytest.mark.differs_from_reference("it has no such field")
def test_inspect_lists_the_names_of_an_endpoint(host):
    lan(host)
    container = host.spawn("sleep", "1000", name="web", Hostname="box", **on("lan", Aliases=["www"]))
    assert endpoint(host, container, "lan")["DNSNames"] == ["web", "www", container[:12], "box"]
    host.docker("rename", "web", "shop")
    assert endpoint(host, container, "lan")["DNSNames"] == ["shop", "www", container[:12], "box"]


def test_networks_keep_to_themselves(host):
    lan(host)
    lan(host, "wan", "10.78.0.0/24")
    server = serve(host, "inside", **on("lan"))
    where = address(host, server, "lan")
    assert ask_from(host, host.spawn("sleep", "1000", **on("lan")), where, 8000) == "inside"
    assert ask_from_host(host, where, 8000) == "inside"


@pytest.mark.differs_from_reference("it takes one network at creation")
def test_several_networks_at_creation(host):
    lan(host)
    lan(host, "wan", "10.78.0.0/24")
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "wan"},
                           NetworkingConfig={"EndpointsConfig": {"lan": {}, "wan": {"GwPriority": 1}}})
    assert links_inside(host, container) == ["lo", "eth0", "eth1"]
    assert f"inet {address(host, container, 'wan')}/24" in execute(host, container, "ip", "addr", "show", "eth0")
    assert "default via 10.78.0.1" in execute(host, container, "ip", "route")


def test_a_running_container_gets_and_loses_a_network(host):
    lan(host)
    container = serve(host, "both")
    peer = host.spawn("sleep", "1000", **on("lan"))
    assert connect(host, "lan", container).status == 200
    assert links_inside(host, container) == ["lo", "eth0", "eth1"]
    where = address(host, container, "lan")
    assert ask_from(host, peer, where, 8000) == "both"
    assert f"{where}\t{container[:12]}" in file_of(host, container, "hosts")
    assert "nameserver 127.0.0.11" in file_of(host, container, "resolv.conf")
    assert disconnect(host, "lan", container).status == 200
    assert links_inside(host, container) == ["lo", "eth0"]
    assert list(host.inspect(container)["NetworkSettings"]["Networks"]) == ["bridge"]
    assert f"{where}\t{container[:12]}" not in file_of(host, container, "hosts")
    assert ask_from(host, container, address(host, container), 8000) == "both"


def test_what_the_user_wrote_into_the_files_stays(host):
    lan(host)
    container = host.spawn("sleep", "1000")
    execute(host, container, "sh", "-c", "echo '10.9.9.9 mine' >> /etc/hosts; echo 'nameserver 192.0.2.1' > /etc/resolv.conf")
    assert connect(host, "lan", container).status == 200
    assert "10.9.9.9 mine" in file_of(host, container, "hosts")
    assert file_of(host, container, "resolv.conf") == ["nameserver 192.0.2.1"]


def test_a_stopped_container_has_its_networks_from_the_next_start(host):
    lan(host)
    container = host.create("sleep", "1000")
    assert connect(host, "lan", container, Aliases=["late"]).status == 200
    assert disconnect(host, "bridge", container).status == 200
    assert host.api.post(f"/containers/{container}/start").status == 204
    networks = host.inspect(container)["NetworkSettings"]["Networks"]
    assert list(networks) == ["lan"] and networks["lan"]["IPAddress"].startswith("10.77.0.")
    assert links_inside(host, container) == ["lo", "eth0"]


def test_without_any_network_only_loopback_is_there(host):
    container = host.create("sleep", "1000")
    assert disconnect(host, "bridge", container).status == 200
    assert host.api.post(f"/containers/{container}/start").status == 204
    assert links_inside(host, container) == ["lo"]
    assert host.inspect(container)["NetworkSettings"]["Networks"] == {}


def test_what_cannot_be_connected_says_why(host):
    lan(host)
    container = host.spawn("sleep", "1000")
    assert connect(host, "nowhere", container).status == 404
    assert connect(host, "lan", "nobody").status == 404
    assert connect(host, "lan", container).status == 200
    assert connect(host, "lan", container).status == 403
    reply = disconnect(host, "none", container)
    assert reply.status in (403, 404, 500) and "is not connected to" in reply.message
    for mode, network in (("host", "lan"), ("none", "lan"), ("bridge", "none"), (f"container:{container}", "lan")):
        other = host.create("sleep", "1000", host_config={"NetworkMode": mode})
        assert host.api.post(f"/containers/{other}/start").status == 204
        assert connect(host, network, other).status in (400, 403), mode


def test_a_network_in_use_stays(host):
    lan(host)
    container = host.spawn("sleep", "1000", **on("lan"))
    reply = host.api.delete("/networks/lan")
    assert reply.status == 403 and "has active endpoints" in reply.message
    host.docker("kill", container)
    host.wait(container)
    assert host.api.delete("/networks/lan").status == 204
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status == 404 and "network lan not found" in reply.message


@pytest.mark.berth_only
def test_a_container_that_ends_during_connect_leaves_nothing(host):
    lan(host)
    for turn in range(6):
        container = host.spawn("sleep", "1000")
        threads = [threading.Thread(target=host.api.post, args=(f"/containers/{container}/kill",)),
                   threading.Thread(target=connect, args=(host, "lan", container))]
        for thread in threads[::1 if turn % 2 else -1]:
            thread.start()
        for thread in threads:
            thread.join()
        host.wait(container)
        assert host.inspect(container)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] == ""
        host.remove(container)
    assert host.api.get("/networks/lan").json["Containers"] == {}


@pytest.mark.berth_only
def test_connections_to_several_networks_live_through_a_restart(fresh_host):
    host = fresh_host
    lan(host)
    container = serve(host, "both")
    assert connect(host, "lan", container).status == 200
    before = host.inspect(container)["NetworkSettings"]["Networks"]
    host.crash()
    host.start()
    assert host.inspect(container)["NetworkSettings"]["Networks"] == before
    assert ask_from_host(host, before["lan"]["IPAddress"], 8000) == "both"
    assert disconnect(host, "lan", container).status == 200
    until(lambda: links_inside(host, container) == ["lo", "eth0"], "the link to be gone")
