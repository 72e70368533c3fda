"""Published ports as containers have them: who gets which, what is shown of them, and when they are free again."""

import json

import pytest

from harness.networks import ask_from_host, serve


def published(*bindings, port="8000/tcp", **more):
    """Arguments for a container that publishes the port on these (address, port)."""
    return {"ExposedPorts": {port: {}}, **more.pop("config", {}), "host_config": {
        "PortBindings": {port: [{"HostIp": where, "HostPort": number} for where, number in bindings]}, **more}}


def ports_of(host, container):
    return host.inspect(container)["NetworkSettings"]["Ports"]


def listed(host, container):
    return next(item["Ports"] for item in host.containers() if item["Id"] == container)


def test_a_published_port_is_reached_and_shown(host):
    container = serve(host, "out there", name="web", **published(("127.0.0.1", "18000")))
    assert ask_from_host(host, "127.0.0.1", 18000) == "out there"
    assert ports_of(host, container) == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18000"}]}
    assert listed(host, container) == [{"IP": "127.0.0.1", "PrivatePort": 8000, "PublicPort": 18000, "Type": "tcp"}]


def test_clients_show_published_ports(host, cli):
    serve(host, name="web", **published(("127.0.0.1", "18000"), config={"ExposedPorts": {"8000/tcp": {}, "9/udp": {}}}))
    assert cli("port", "web").out.splitlines() == ["8000/tcp -> 127.0.0.1:18000"]
    assert cli("port", "web", "8000").out.strip() == "127.0.0.1:18000"
    assert cli("ps", "--format", "{{.Ports}}").out.strip() == "9/udp, 127.0.0.1:18000->8000/tcp"


def test_all_exposed_ports_get_one_of_the_ephemeral_range(host):
    container = serve(host, "any", ExposedPorts={"8000/tcp": {}, "9/udp": {}}, host_config={"PublishAllPorts": True})
    ports = ports_of(host, container)
    assert set(ports) == {"8000/tcp", "9/udp"}
    first, last = map(int, host.shell("cat", "/proc/sys/net/ipv4/ip_local_port_range").stdout.split())
    numbers = [int(binding["HostPort"]) for bindings in ports.values() for binding in bindings]
    assert all(first <= number <= last for number in numbers)
    assert ask_from_host(host, "127.0.0.1", int(ports["8000/tcp"][0]["HostPort"])) == "any"


def test_one_of_several_host_ports_is_taken(host):
    taken = serve(host, "first", **published(("127.0.0.1", "18000")))
    other = serve(host, "second", **published(("127.0.0.1", "18000-18001")))
    assert ports_of(host, other) == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18001"}]}
    assert ask_from_host(host, "127.0.0.1", 18000) == "first" and ask_from_host(host, "127.0.0.1", 18001) == "second"
    assert taken


def test_a_port_that_is_taken_is_named_and_nothing_stays(host):
    serve(host, "first", **published(("127.0.0.1", "18000")))
    other = host.create("sleep", "1000", name="late", **published(("127.0.0.1", "18000")))
    reply = host.api.post(f"/containers/{other}/start")
    assert reply.status == 500 and "18000" in reply.message and "port is already allocated" in reply.message
    assert "driver failed programming external connectivity on endpoint" in reply.message
    shown = host.inspect(other)
    assert shown["State"]["Status"] == "created" and shown["NetworkSettings"]["Ports"] == {}
    assert shown["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] == ""


def test_a_port_is_free_once_the_end_is_known(host):
    for turn in range(5):
        container = serve(host, str(turn), **published(("127.0.0.1", "18000")))
        assert ask_from_host(host, "127.0.0.1", 18000) == str(turn)
        if turn % 2:
            host.remove(container)
        else:
            host.docker("kill", container)
            host.wait(container)
    assert ask_from_host(host, "127.0.0.1", 18000, check=False) is None


@pytest.mark.berth_only
def test_published_ports_live_through_a_crash_of_the_daemon(fresh_host):
    host = fresh_host
    container = serve(host, "on air", **published(("127.0.0.1", "18000")))
    host.crash()
    assert ask_from_host(host, "127.0.0.1", 18000) == "on air"
    host.start()
    assert ask_from_host(host, "127.0.0.1", 18000) == "on air"
    assert ports_of(host, container) == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18000"}]}
    host.remove(container)
    assert ask_from_host(host, "127.0.0.1", 18000, check=False) is None


@pytest.mark.differs_from_reference("it judges when it starts")
@pytest.mark.parametrize("bindings", [{"x/tcp": []}, {"80-81/tcp": []}, {"80/icmp": []}, {"80/tcp": [{"HostPort": "99999"}]},
                                      {"80/tcp": [{"HostPort": "9-8"}]}, {"80/tcp": [{"HostIp": "here"}]}])
def test_what_is_no_port_is_refused_at_creation(host, bindings):
    reply = host.api.post("/containers/create", body={"Image": "busybox", "HostConfig": {"PortBindings": bindings}})
    assert reply.status == 400 and "invalid" in reply.message


def test_the_list_filters_by_ports(host):
    container = host.spawn("sleep", "1000", **published(("127.0.0.1", "18000")))

    def found(**filters):
        values = {name: [value] for name, value in filters.items()}
        return [item["Id"] for item in host.api.get("/containers/json", filters=json.dumps(values)).json]
    assert found(publish="18000") == found(expose="8000/tcp") == found(publish="17999-18001") == [container]
    assert found(publish="8000") == found(publish="18000/udp") == found(expose="18000") == []


@pytest.mark.berth_only
def test_an_administrator_can_read_the_table(host):
    serve(host, "web", **published(("", "18000")))
    table = host.shell("nft", "list", "table", "inet", "berth").stdout
    assert '"docker0"' in table and '""' not in table
    assert "tcp . 18000 : " in table
