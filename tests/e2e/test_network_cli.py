"""Networks by the command lines: berth beside docker on the same daemon, and what their commands do."""

import json
import re
import shlex
import time

import pytest

from test_cli_parity import both, comparable  # noqa: F401 (a fixture)

QUESTIONS = """
network
network --help
network bogus
network create --help
network ls --help
network inspect --help
network rm --help
network prune --help
network connect --help
network disconnect --help
network ls
network list
network ls -q
network ls -q --no-trunc
network ls --no-trunc
network ls --format '{{.ID}}|{{.Name}}|{{.Driver}}|{{.Scope}}|{{.IPv4}}|{{.IPv6}}|{{.Internal}}|{{.Labels}}|{{.CreatedAt}}'
network ls --format 'table {{.Name}}\\t{{.CreatedAt}}\\t{{.IPv4}}\\t{{.IPv6}}\\t{{.Internal}}\\t{{.Labels}}'
network ls --format 'table {{.ID}}: {{.Name}}' --no-trunc
network ls --format '{{.Label "colour"}}'
network ls --format json
network ls --format '{{json .}}' --no-trunc
network ls --format raw
network ls --format raw -q
network ls --format table
network ls --format '{{.Bogus}}'
network ls --format '{{'
network ls -f name=web
network ls -f name=^web1
network ls -f driver=bridge -f type=custom
network ls -f driver=bogus
network ls -f label=colour
network ls -f label=colour=red -q
network ls -f type=builtin
network ls -f type=bogus
network ls -f scope=local --format '{{.Name}}'
network ls -f scope=swarm
network ls -f dangling=maybe
network ls -f bogus=1
network ls -f bogus
network ls extra
network ls --bogus
network inspect lan
network inspect -v lan
network inspect lan web2
network inspect nowhere
network inspect lan nowhere web2
network inspect
network inspect ''
network inspect -f '{{.Name}} {{.Driver}} {{json .IPAM.Config}} {{range .Containers}}{{.IPv4Address}}{{end}}' lan
network inspect -f '{{json .Labels}}' lan none
network inspect -f json lan
network inspect -f '{{.Bogus}}' lan
network inspect -f '{{' lan
network inspect --format '{{.Name}}' nowhere
inspect --type network lan
inspect --type network nowhere
inspect --type network -f '{{.Id}}' lan
inspect lan
inspect -f '{{.Name}}' lan
network create
network create a b
network create lan
network create bridge
network create host
network create -d bogus x
network create -d host x
network create --subnet 10.61.0.0/24 x
network create --subnet 10.61.0.0/25 --gateway 10.61.0.9 x
network create --subnet bogus x
network create --subnet 10.99.0.1/24 x
network create --subnet 10.99.0.0/24 --gateway 10.98.0.1 x
network create --subnet 10.99.0.0/24 --gateway bogus x
network create --gateway 10.98.0.1 x
network create --ip-range 10.98.0.0/24 x
network create --subnet 10.99.0.0/24 --ip-range 10.98.0.0/25 x
network create --subnet 10.99.0.0/24 --ip-range 10.0.0.0/8 x
network create --subnet 10.99.0.0/24 --ip-range bogus x
network create --subnet 10.99.0.0/24 --aux-address a=10.98.0.1 x
network create --subnet 10.99.0.0/24 --aux-address a=bogus x
network create --subnet 10.99.0.0/24 --subnet 10.99.0.0/16 x
network create --subnet 10.99.0.0/24 --subnet 10.98.0.0/24 x
network create --subnet 10.99.0.0/24,10.98.0.0/24 --gateway 10.99.0.1 --gateway 10.99.0.2 x
network create --subnet 10.99.0.0/24,10.98.0.0/24 --ip-range 10.99.0.0/25 --ip-range 10.99.0.128/25 x
network create --subnet 'a"b' x
network create --label =x x
network create --ipv6=maybe x
network create --config-from nowhere x
network create --config-only --internal x
network create --config-from lan x
network create --ingress x
network create --scope swarm x
network create --bogus x
network create ''
network create -o com.docker.network.bridge.enable_icc=maybe x
network create --ipam-driver bogus x
network rm
network rm nowhere
network rm nowhere bridge
network rm -f nowhere
network rm -f nowhere none
network rm ''
network rm none
network remove --bogus x
network prune -f --filter label=nothing
network prune -f --filter bogus=1
network prune -f --filter bogus
network prune -f --filter until=soon
network prune --filter label=nothing
network prune extra
network connect
network connect lan
network connect nowhere running
network connect lan nobody
network connect lan running
network connect '' running
network connect lan ''
network connect --ip bogus web2 running
network connect --ip 10.99.0.1 web2 running
network connect --driver-opt a web2 running
network connect --link a:b:c web2 running
network connect --gw-priority x web2 running
network connect host running
network connect --bogus web2 running
network disconnect
network disconnect web2 running
network disconnect nowhere running
network disconnect lan nobody
network disconnect -f web2 nobody
network disconnect host running
network disconnect '' running
ps --filter network=lan --format '{{.Names}} {{.Networks}}'
create --network nowhere,alias=x busybox
create --network lan --network lan busybox
create --network lan --network host busybox
create --network name=lan,ip=10.61.0.9 --ip 10.61.0.10 busybox
create --network name=lan,bogus=x busybox
create --network-alias x busybox
create -p x busybox
create -p 70000:80 busybox
create -p 80-81:90-92 busybox
create -p a:80:80 busybox
create -p 80/bogus busybox
create --expose x busybox
create --expose 80:80 busybox
create --mac-address bogus busybox
create --ip bogus --network lan busybox
"""


def create(host, name, **body):
    reply = host.api.post("/networks/create", body={"Name": name, **body})
    assert reply.status == 201, reply
    return reply.json["Id"]


@pytest.fixture
def some_networks(host):
    create(host, "lan", Labels={"colour": "red"}, IPAM={"Config": [{"Subnet": "10.61.0.0/24"}]})
    create(host, "web10", Internal=True)
    create(host, "web2", Labels={"colour": "blue"}, IPAM={"Config": [{"Subnet": "10.62.0.0/24"}]})
    host.spawn("sleep", "4321", name="running", host_config={"NetworkMode": "lan"})


@pytest.mark.parametrize("question", QUESTIONS.strip().splitlines())
def test_answer_is_dockers(some_networks, both, question):  # noqa: F811
    docker, berth = both(*shlex.split(question))
    assert comparable(berth) == comparable(docker)


def test_create_prints_the_id_and_sends_every_flag(host, cli):
    out = cli("network", "create", "--ipv6", "--subnet", "10.61.0.0/24,fd00:62::/64", "--gateway", "fd00:62::9", "--ip-range",
              "10.61.0.128/25", "--aux-address", "a=10.61.0.2", "--aux-address", "b=fd00:62::3", "--label", "l", "--label",
              "m=n", "-o", "com.docker.network.driver.mtu=1400", "--ipam-opt", "q=r", "--internal", "--attachable", "lan").out
    assert re.fullmatch(r"[0-9a-f]{64}\n", out)
    network = json.loads(cli("network", "inspect", out.strip()).out)[0]
    assert network["Internal"] and network["Attachable"] and network["Labels"] == {"l": "", "m": "n"}
    assert network["Options"] == {"com.docker.network.driver.mtu": "1400"} and network["IPAM"]["Options"] == {"q": "r"}
    by_subnet = {entry["Subnet"]: entry for entry in network["IPAM"]["Config"]}
    assert by_subnet["10.61.0.0/24"]["IPRange"] == "10.61.0.128/25"
    assert by_subnet["10.61.0.0/24"]["AuxiliaryAddresses"] == {"a": "10.61.0.2"}
    assert by_subnet["fd00:62::/64"]["Gateway"] == "fd00:62::9"
    assert by_subnet["fd00:62::/64"]["AuxiliaryAddresses"] == {"b": "fd00:62::3"}


@pytest.mark.differs_from_reference("it needs a subnet for IPv6")
def test_ipv6_and_no_ipv4(host, cli):
    cli("network", "create", "--ipv6", "--ipv4=false", "six")
    assert cli("network", "ls", "-f", "name=six", "--format", "{{.IPv4}} {{.IPv6}}").out == "false true\n"


def test_a_configuration_network(host, cli):
    cli("network", "create", "--config-only", "--subnet", "10.61.0.0/24", "plan")
    cli("network", "create", "--config-from", "plan", "lan")
    out = cli("network", "inspect", "-f", "{{.ConfigFrom.Network}} {{(index .IPAM.Config 0).Subnet}}", "lan").out
    assert out == "plan 10.61.0.0/24\n"


def test_connect_and_disconnect(host, cli):
    create(host, "lan", IPAM={"Config": [{"Subnet": "10.61.0.0/24"}]})
    create(host, "first")
    host.spawn("sleep", "1000", name="web", host_config={"NetworkMode": "first"})
    done = cli("network", "connect", "--ip", "10.61.0.77", "--alias", "www,shop", "--alias", "store", "lan", "web")
    assert (done.out, done.err) == ("", "")
    endpoint = cli.inspect("web")["NetworkSettings"]["Networks"]["lan"]
    assert endpoint["IPAddress"] == "10.61.0.77" and {"www", "shop", "store"} <= set(endpoint["Aliases"])
    done = cli("network", "disconnect", "lan", "web")
    assert (done.out, done.err) == ("", "")
    assert list(cli.inspect("web")["NetworkSettings"]["Networks"]) == ["first"]
    cli("network", "connect", "lan", "web")
    cli("network", "disconnect", "--force", "lan", "web")
    assert list(cli.inspect("web")["NetworkSettings"]["Networks"]) == ["first"]


def test_run_with_fields_of_a_network(host, cli):
    create(host, "lan", IPAM={"Config": [{"Subnet": "10.61.0.0/24"}]})
    web = cli("run", "-d", "--network", "name=lan,alias=www,ip=10.61.0.9", "busybox", "sleep", "1000").out.strip()
    endpoint = cli.inspect(web)["NetworkSettings"]["Networks"]["lan"]
    assert endpoint["IPAddress"] == "10.61.0.9" and "www" in endpoint["Aliases"]


@pytest.mark.differs_from_reference("it takes one network at creation")
def test_run_with_several_networks(host, cli):
    create(host, "lan")
    create(host, "wan")
    web = cli("run", "-d", "--network", "lan", "--network", "name=wan,gw-priority=1", "busybox", "sleep", "1000").out.strip()
    assert set(cli.inspect(web)["NetworkSettings"]["Networks"]) == {"lan", "wan"}


def test_rm_goes_on_after_a_failure(host, cli):
    for name in ("one", "two"):
        create(host, name)
    done = cli("network", "rm", "one", "nowhere", "two", check=False)
    assert done.code == 1 and done.out == "one\ntwo\n"
    assert done.err == "Error response from daemon: network nowhere not found\nexit status 1\n"
    create(host, "one")
    done = cli("network", "rm", "-f", "nowhere", "one")
    assert done.code == 0 and done.out == "one\n" and done.err == ""


def test_prune_asks_and_tells(host, cli):
    create(host, "idle")
    warning = ("WARNING! This will remove all custom networks not used by at least one container.\n"
               "Are you sure you want to continue? [y/N] ")
    done = cli("network", "prune", input="n\n")
    assert done.code == 0 and done.out == warning
    done = cli("network", "prune", input="y\n")
    assert done.code == 0 and done.out == warning + "Deleted Networks:\nidle\n\n"
    create(host, "idle", Labels={"keep": ""})
    assert cli("network", "prune", "-f", "--filter", "label!=keep").out == ""
    assert cli("network", "prune", "--force").out == "Deleted Networks:\nidle\n\n"


def test_networks_are_listed_in_the_order_people_expect(host, cli):
    for name in ("web10", "web2", "web1"):
        create(host, name)
    assert cli("network", "ls", "-f", "name=web", "--format", "{{.Name}}").out.split() == ["web1", "web2", "web10"]


def test_events_of_networks(host, cli):
    since = time.time()
    identity = create(host, "lan")
    lines = cli("events", "--since", f"{since:.9f}", "--until", f"{time.time():.9f}", "--filter", "type=network").out
    assert f" network create {identity} (name=lan, type=bridge)\n" in lines
