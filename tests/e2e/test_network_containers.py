"""Containers on networks: addresses, names in files, who reaches whom, and what inspect and events tell of it."""

import json
import re
import time

import pytest

from harness.networks import address, ask_from, ask_from_host, endpoint, execute, make_network, serve
from harness.waiting import until


def links_inside(host, container):
    return re.findall(r"^\d+: ([a-z0-9]+)", execute(host, container, "ip", "link"), re.M)


def test_the_default_network_is_the_bridge(host):
    container = host.spawn("sleep", "1000", name="web")
    shown = host.inspect(container)
    settings = shown["NetworkSettings"]
    own = settings["Networks"]["bridge"]
    assert links_inside(host, container) == ["lo", "eth0"]
    inside = execute(host, container, "ip", "-4", "addr", "show", "eth0")
    assert f"inet {own['IPAddress']}/{own['IPPrefixLen']} " in inside
    assert own["MacAddress"] in execute(host, container, "ip", "link", "show", "eth0")
    assert f"default via {own['Gateway']}" in execute(host, container, "ip", "route")
    assert own["EndpointID"] and own["NetworkID"]
    for field in ("IPAddress", "IPPrefixLen", "Gateway", "MacAddress", "EndpointID"):
        assert settings[field] == own[field]
    assert settings["SandboxID"] and settings["Ports"] == {}


@pytest.mark.differs_from_reference("it calls the mode default, and has fewer fields")
def test_inspect_has_all_fields_of_an_endpoint(host):
    container = host.spawn("sleep", "1000")
    shown = host.inspect(container)
    assert shown["HostConfig"]["NetworkMode"] == "bridge"
    assert set(shown["NetworkSettings"]["Networks"]["bridge"]) == {
        "IPAMConfig", "Links", "Aliases", "MacAddress", "DriverOpts", "GwPriority", "NetworkID", "EndpointID", "Gateway",
        "IPAddress", "IPPrefixLen", "IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "DNSNames"}
    assert shown["NetworkSettings"]["SandboxKey"] == f"/proc/{shown['State']['Pid']}/ns/net"


@pytest.mark.differs_from_reference("it keeps the sandbox's ID")
def test_a_stopped_container_has_no_address_and_gets_one_again(host):
    container = host.spawn("sleep", "1000")
    network = endpoint(host, container)["NetworkID"]
    host.docker("kill", container)
    host.wait(container)
    stopped = host.inspect(container)["NetworkSettings"]
    assert stopped["IPAddress"] == "" and stopped["SandboxID"] == "" and stopped["Ports"] == {}
    own = stopped["Networks"]["bridge"]
    assert own["IPAddress"] == own["EndpointID"] == own["Gateway"] == own["MacAddress"] == ""
    assert own["NetworkID"] == network
    host.docker("start", container)
    assert address(host, container)


def test_containers_and_the_host_reach_each_other(host):
    server = serve(host, "from the server")
    client = host.spawn("sleep", "1000")
    where = address(host, server)
    assert ask_from(host, client, where, 8000) == "from the server"
    assert ask_from_host(host, where, 8000) == "from the server"


def test_network_none_is_only_loopback(host):
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "none"})
    assert links_inside(host, container) == ["lo"]
    own = endpoint(host, container, "none")
    assert own["IPAddress"] == "" and own["NetworkID"]


def test_network_host_is_the_hosts(host):
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "host"})
    pid = host.inspect(container)["State"]["Pid"]
    assert host.shell("readlink", f"/proc/{pid}/ns/net", "/proc/1/ns/net").stdout.split() == \
        [host.shell("readlink", "/proc/1/ns/net").stdout.strip()] * 2
    assert list(host.inspect(container)["NetworkSettings"]["Networks"]) == ["host"]


def test_ports_are_discarded_with_a_warning_in_the_network_of_the_host(host):
    reply = host.api.post("/containers/create", body={
        "Image": "busybox", "Cmd": ["sleep", "1000"], "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"NetworkMode": "host", "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}})
    assert reply.status == 201
    assert reply.json["Warnings"] == ["Published ports are discarded when using host network mode"]
    assert host.api.post(f"/containers/{reply.json['Id']}/start").status == 204
    assert host.inspect(reply.json["Id"])["NetworkSettings"]["Ports"] == {}


def test_the_network_of_another_container_is_shared_with_its_names(host):
    owner = serve(host, "inside", name="owner", Hostname="owner-host")
    guest = host.spawn("sleep", "1000", host_config={"NetworkMode": f"container:{owner}"})
    pids = [host.inspect(one)["State"]["Pid"] for one in (owner, guest)]
    spaces = host.shell("readlink", *(f"/proc/{pid}/ns/net" for pid in pids)).stdout.split()
    assert spaces[0] == spaces[1]
    assert execute(host, guest, "hostname").strip() == "owner-host"
    execute(host, guest, "sh", "-c", "echo 10.9.9.9 added >> /etc/hosts")
    assert "10.9.9.9 added" in execute(host, owner, "cat", "/etc/hosts")
    assert ask_from(host, guest, "127.0.0.1", 8000) == "inside"
    shown = host.inspect(guest)
    assert shown["NetworkSettings"]["Networks"] == {} and shown["HostsPath"] == host.inspect(owner)["HostsPath"]


@pytest.mark.differs_from_reference("it answers 500")
def test_the_network_of_a_container_outlives_it_in_its_guest(host):
    owner = serve(host, name="owner")
    guest = host.spawn("sleep", "1000", host_config={"NetworkMode": "container:owner"})
    host.docker("kill", owner)
    host.wait(owner)
    assert "lo" in links_inside(host, guest)
    reply = host.api.post(f"/containers/{guest}/restart", t=0)
    assert reply.status == 409 and "non running container" in reply.message


def test_the_network_of_nobody_cannot_be_joined(host):
    owner = host.create("sleep", "1000", name="owner")
    guest = host.create("true", host_config={"NetworkMode": "container:owner"})
    reply = host.api.post(f"/containers/{guest}/start")
    assert reply.status == 409 and reply.message == f"cannot join network of a non running container: {owner}"
    lost = host.create("true", host_config={"NetworkMode": "container:nobody"})
    reply = host.api.post(f"/containers/{lost}/start")
    assert reply.status == 404 and "No such container: nobody" in reply.message


@pytest.mark.differs_from_reference("other words")
@pytest.mark.parametrize("mode", ["container:x", "container:"])
def test_what_a_container_mode_leaves_no_room_for_is_refused(host, mode):
    for body in ({"Hostname": "a"}, {"ExposedPorts": {"80/tcp": {}}}, {"HostConfig": {"Dns": ["9.9.9.9"]}},
                 {"HostConfig": {"PublishAllPorts": True}}):
        config = {**body, "HostConfig": {**body.get("HostConfig", {}), "NetworkMode": mode}}
        reply = host.api.post("/containers/create", body={"Image": "busybox", **config})
        assert reply.status == 400 and ("conflicting options" in reply.message or "Invalid network mode" in reply.message)


def test_an_address_on_the_default_bridge_is_refused(host):
    reply = host.api.post("/containers/create", body={
        "Image": "busybox", "Cmd": ["true"],
        "NetworkingConfig": {"EndpointsConfig": {"bridge": {"IPAMConfig": {"IPv4Address": "172.17.0.77"}}}}})
    if reply.status == 201:
        reply = host.api.post(f"/containers/{reply.json['Id']}/start")
    assert reply.status == 400
    assert "user specified IP address is supported on user defined networks only" in reply.message


@pytest.mark.differs_from_reference("it says less")
def test_a_network_that_is_not_there_is_named_at_the_start(host):
    container = host.create("true", host_config={"NetworkMode": "nowhere"})
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status == 404 and reply.message == "failed to set up container networking: network nowhere not found"
    assert host.state(container)["ExitCode"] == 128


@pytest.mark.differs_from_reference("it tells less in resolv.conf")
def test_hosts_and_resolv_conf_of_the_default_bridge(host):
    container = host.spawn("sleep", "1000", Hostname="web", Domainname="corp.test",
                           host_config={"ExtraHosts": ["db:10.1.2.3", "up:host-gateway"], "Dns": ["192.0.2.53"],
                                        "DnsSearch": ["corp.test"], "DnsOptions": ["timeout:3"]})
    own = endpoint(host, container)
    lines = execute(host, container, "cat", "/etc/hosts").splitlines()
    assert lines[:1] == ["127.0.0.1\tlocalhost"]
    assert lines[-3:] == ["10.1.2.3\tdb", f"{own['Gateway']}\tup", f"{own['IPAddress']}\tweb.corp.test web"]
    assert execute(host, container, "cat", "/etc/resolv.conf").splitlines()[4:] == [
        "nameserver 192.0.2.53", "search corp.test", "options timeout:3", "",
        "# Based on host file: '/etc/resolv.conf' (legacy)", "# Overrides: [nameservers search options]"]
    assert execute(host, container, "hostname", "-d").strip() == "corp.test"


def test_a_link_on_the_default_bridge_is_a_line_of_hosts_and_variables(host):
    database = serve(host, "rows", name="db", Env=["KEY=value"], ExposedPorts={"8000/tcp": {}})
    where = address(host, database)
    web = host.spawn("sleep", "1000", name="web", host_config={"Links": ["db:store"]})
    hosts = execute(host, web, "cat", "/etc/hosts").splitlines()
    assert f"{where}\tstore {database[:12]} db" in hosts
    variables = host.read_proc(host.inspect(web)["State"]["Pid"], "environ").split("\0")
    assert {f"STORE_PORT=tcp://{where}:8000", f"STORE_PORT_8000_TCP_ADDR={where}", "STORE_NAME=/web/store",
            "STORE_ENV_KEY=value"} <= set(variables)
    assert ask_from(host, web, where, 8000) == "rows"


def test_a_given_mac_address_is_used(host):
    container = host.create("sleep", "1000", MacAddress="02:00:00:00:00:77")
    assert host.api.post(f"/containers/{container}/start").status == 204
    assert endpoint(host, container)["MacAddress"] == "02:00:00:00:00:77"
    assert "02:00:00:00:00:77" in execute(host, container, "ip", "link", "show", "eth0")


@pytest.mark.differs_from_reference("20.10 has no options of endpoints")
@pytest.mark.parametrize("program", ["docker", "berth"])
def test_options_of_an_endpoint_name_its_link_and_set_it_up(host, program):
    """docker's command line makes IFNAME small."""
    make_network(host, "own")
    options = '"driver-opt=com.docker.network.endpoint.ifname=lan7",' \
              '"driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.proxy_arp=1"'
    done = getattr(host, program)("run", "--rm", "--network", f"name=own,{options}", "busybox", "sh", "-c",
                                  "cd /proc/sys/net/ipv4/conf/lan7 && cat log_martians proxy_arp")
    assert (done.code, done.out) == (0, "1\n1\n"), done


def test_events_tell_of_the_network(host):
    since = time.time()
    container = host.create("true", name="short")
    assert host.api.post(f"/containers/{container}/start").status == 204
    host.wait(container)
    host.remove(container)
    events = host.api.get("/events", since=f"{since:.9f}", until=f"{time.time():.9f}").lines
    ours = [(event["Type"], event["Action"]) for event in events
            if container in (event["Actor"]["ID"], event["Actor"]["Attributes"].get("container"))]
    assert ours == [("container", "create"), ("network", "connect"), ("container", "start"), ("container", "die"),
                    ("network", "disconnect"), ("container", "destroy")]
    connect = next(event for event in events if event["Action"] == "connect"
                   and event["Actor"]["Attributes"]["container"] == container)
    assert connect["Actor"]["Attributes"]["name"] == connect["Actor"]["Attributes"]["type"] == "bridge"


def test_the_list_filters_by_network(host):
    on_bridge = host.spawn("sleep", "1000")
    alone = host.spawn("sleep", "1000", host_config={"NetworkMode": "none"})

    def listed(network):
        return [item["Id"] for item in host.api.get("/containers/json", filters=json.dumps({"network": [network]})).json]
    assert listed("bridge") == [on_bridge] and listed("none") == [alone] and listed("other") == []
    assert listed(endpoint(host, on_bridge)["NetworkID"][:10]) == [on_bridge]


def test_a_restarted_container_is_reached_again(host):
    container = serve(host, "again")
    host.docker("restart", "-t", "0", container)
    assert until(lambda: ask_from_host(host, address(host, container), 8000, check=False), "the server") == "again"
