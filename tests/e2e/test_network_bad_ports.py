"""What is no port, in all the ways that people and programs write it: refused with Docker's words, and nothing stays of it."""

import docker
import pytest

from harness.networks import make_network
from test_cli_parity import both, comparable  # noqa: F401 (a fixture)

SPECIFICATIONS = [
    # numbers
    "", "0", "65536", "-1", "a", "80.5", "+80", "0x50", "8 0", " 80", "80 ", "99999999999", "0:80", "80:0", "65536:80", "80:65536",
    "99999999999:80", "+80:80", "a:b", ":80", "80:", ":", "8080:80,9090:90",
    # ranges
    "90-80", "80-", "-80", "-", "80-80-80", "1-2-3:80", "0-1:80", "1-65536:80", "8081-8080:80", "8080:80-81", "80-81:80-82",
    "8080-8090:80-85", "127.0.0.1:80-90:80-91", "8080-8081:80",
    # protocols
    "80/icmp", "80/", "80/tcp/udp", "8080:80/TCP", "8080/tcp:80", "8080:80/sctp", "/tcp",
    # addresses
    "::80", ":::80", "1.2.3:80:80", "300.1.1.1:80:80", "localhost:80:80", "*:80:80", "1:2:3:4", "127.0.0.1:80:80:80",
    "127.0.0.1", "127.0.0.1:", "fd00::1:80:80", "[fd00::1:80:80", "fd00::1]:80:80", "[fd00::1]80:80", "[fd00::g]:80:80", "[]:80:80",
    "[127.0.0.1]:80:80", "[::1%lo]:80:80", "[::1]", "[::1]:80",
    # the long form
    "target=80,published=x", "target=65536", "target=0", "published=80", "target=80,protocol=icmp", "target=80,bogus=1",
    "target=80,published=8080-8081", "target=80,published=8080,mode=ingress", "target=80,mode=x", "target=,published=1",
]


@pytest.mark.parametrize("specification", SPECIFICATIONS)
def test_the_command_lines_judge_alike(host, both, specification):  # noqa: F811
    answers = both("create", "-p", specification, "busybox", "true")
    assert [answer.code for answer in answers] in ([0, 0], [125, 125], [1, 1])
    if answers[0].code != 0:
        assert comparable(answers[1]) == comparable(answers[0])
        assert host.containers() == []
        return
    bindings = [host.inspect(answer.out.strip())["HostConfig"]["PortBindings"] for answer in answers]
    assert bindings[0] == bindings[1]


@pytest.mark.parametrize("exposed", ["", "0", "65536", "a", "90-80", "80/icmp", "80/", "80:80", "-80", "80-90/sctp", "80/tcp/udp"])
def test_the_command_lines_judge_exposed_ports_alike(host, both, exposed):  # noqa: F811
    answers = both("create", "--expose", exposed, "busybox", "true")
    if answers[0].code != 0:
        assert comparable(answers[1]) == comparable(answers[0])
    else:
        ports = [host.inspect(answer.out.strip())["Config"].get("ExposedPorts") for answer in answers]
        assert ports[0] == ports[1]


BINDINGS = [
    ({"": [{"HostPort": "80"}]}, "invalid port specification"), ({"x": []}, "invalid port specification"),
    ({"x/tcp": []}, "invalid port specification"), ({"65536/tcp": []}, "invalid port specification"),
    ({"-1/tcp": []}, "invalid port specification"), ({"80-81/tcp": []}, "invalid port specification"),
    ({"0/tcp": [{"HostPort": "80"}]}, 'invalid port specification: "0/tcp"'), ({"0/udp": []}, "invalid port specification"),
    ({"80/icmp": []}, "invalid port specification"), ({"80/": []}, None), ({"/tcp": []}, "invalid port specification"),
    ({"80/tcp/udp": []}, "invalid port specification"),
    ({"80/tcp": [{"HostPort": "x"}]}, "invalid port specification"),
    ({"80/tcp": [{"HostPort": "65536"}]}, "invalid port specification"),
    ({"80/tcp": [{"HostPort": "-1"}]}, "invalid port specification"),
    ({"80/tcp": [{"HostPort": "9-8"}]}, "invalid port specification"),
    ({"80/tcp": [{"HostPort": "8-"}]}, "invalid port specification"),
    ({"80/tcp": [{"HostPort": "8-65536"}]}, "invalid port specification"),
    ({"80/tcp": [{"HostIp": "here", "HostPort": "80"}]}, "invalid IP address: here"),
    ({"80/tcp": [{"HostIp": "1.2.3", "HostPort": "80"}]}, "invalid IP address: 1.2.3"),
    ({"80/tcp": [{"HostIp": "[::1]", "HostPort": "80"}]}, "invalid IP address: [::1]"),
    ({"80/tcp": [{"HostIp": "::1%lo", "HostPort": "80"}]}, "invalid IP address: ::1%lo"),
]


@pytest.mark.differs_from_reference("it judges when it starts")
@pytest.mark.parametrize("bindings, text", BINDINGS)
def test_the_engine_judges_what_programs_send(host, bindings, text):
    reply = host.api.post("/containers/create", body={"Image": "busybox", "HostConfig": {"PortBindings": bindings}})
    assert (reply.status, text in reply.message if text else True) == (400 if text else 201, True), reply
    if text:
        with pytest.raises(docker.errors.APIError, match="invalid"):
            config = host.sdk.api.create_host_config()
            host.sdk.api.create_container("busybox", ["true"], host_config={**config, "PortBindings": bindings})
        assert host.containers() == []


@pytest.mark.differs_from_reference("it judges when it starts")
@pytest.mark.parametrize("body", [{"PortBindings": 1}, {"PortBindings": []}, {"PortBindings": {"80/tcp": {}}},
                                  {"PortBindings": {"80/tcp": [{"HostPort": 80}]}}, {"PortBindings": {"80/tcp": ["80"]}}])
def test_what_is_no_list_of_bindings_is_refused(host, body):
    reply = host.api.post("/containers/create", body={"Image": "busybox", "HostConfig": body})
    assert reply.status == 400 and reply.message, reply


@pytest.mark.differs_from_reference("it binds what it is told to")
def test_addresses_that_the_host_does_not_have(host):
    make_network(host, "lan")
    for network in ("bridge", "lan"):
        container = host.create("sleep", "1000", host_config={"NetworkMode": network, "PortBindings": {
            "80/tcp": [{"HostIp": "198.51.100.9", "HostPort": "18000"}]}})
        reply = host.api.post(f"/containers/{container}/start")
        assert reply.status == 500 and "198.51.100.9:18000" in reply.message and "cannot assign requested address" in reply.message
        assert host.state(container)["Status"] == "created"
