"""Networks by the API itself: made, shown, listed, removed; what is refused, and the words for it."""

import time

import pytest


def create(host, name, **body):
    return host.api.post("/networks/create", body={"Name": name, **body})


def made(host, name, **body):
    reply = create(host, name, **body)
    assert reply.status == 201, reply
    return reply.json["Id"]


def shown(host, name):
    reply = host.api.get(f"/networks/{name}")
    assert reply.status == 200, reply
    return reply.json


def subnet(text, **more):
    return {"IPAM": {"Config": [{"Subnet": text, **more}]}}


def names(host, **filters):
    reply = host.api.get("/networks", filters=filters)
    assert reply.status == 200, reply
    return {network["Name"] for network in reply.json}


def test_create_answers_with_an_id(host):
    reply = create(host, "lan")
    assert reply.status == 201 and set(reply.json) == {"Id", "Warning"} and reply.json["Warning"] == ""
    assert len(reply.json["Id"]) == 64 and shown(host, "lan")["Id"] == reply.json["Id"]


def test_inspect_shows_what_was_asked_for_and_what_was_given(host):
    made(host, "lan", Labels={"colour": "red"}, Internal=True, Attachable=True,
         Options={"com.docker.network.bridge.enable_icc": "false"},
         IPAM={"Driver": "default", "Options": {"a": "b"}, "Config": [{
             "Subnet": "10.61.0.0/16", "IPRange": "10.61.3.0/24", "Gateway": "10.61.0.254",
             "AuxiliaryAddresses": {"printer": "10.61.3.1"}}]})
    network = shown(host, "lan")
    assert network["IPAM"] == {"Driver": "default", "Options": {"a": "b"}, "Config": [{
        "Subnet": "10.61.0.0/16", "IPRange": "10.61.3.0/24", "Gateway": "10.61.0.254",
        "AuxiliaryAddresses": {"printer": "10.61.3.1"}}]}
    assert network["Labels"] == {"colour": "red"} and network["Internal"] and network["Attachable"]
    assert network["Options"] == {"com.docker.network.bridge.enable_icc": "false"}
    expected = dict(Name="lan", Scope="local", Driver="bridge", EnableIPv6=False, Ingress=False, ConfigOnly=False,
                    ConfigFrom={"Network": ""}, Containers={})
    assert {key: network[key] for key in expected} == expected


@pytest.mark.differs_from_reference("it has no EnableIPv4, and writes no gateway of its own choice")
def test_what_nobody_asked_for_is_chosen(host):
    made(host, "lan", **subnet("10.61.0.0/16"))
    network = shown(host, "lan")
    assert network["EnableIPv4"] is True and network["IPAM"]["Config"] == [{"Subnet": "10.61.0.0/16",
                                                                          "Gateway": "10.61.0.1"}]


def test_subnets_are_chosen_apart_from_each_other(host):
    chosen = []
    for name in ("one", "two", "three"):
        made(host, name)
        chosen += [entry["Subnet"] for entry in shown(host, name)["IPAM"]["Config"]]
    assert len(set(chosen)) == 3 and all(text.startswith(("172.", "192.168.")) for text in chosen)


@pytest.mark.differs_from_reference("it has no pool for IPv6")
def test_ipv6_has_a_subnet_of_unique_local_addresses(host):
    made(host, "one", EnableIPv6=True)
    made(host, "two", EnableIPv6=True)
    subnets = [entry["Subnet"] for name in ("one", "two") for entry in shown(host, name)["IPAM"]["Config"]
               if ":" in entry["Subnet"]]
    assert len(set(subnets)) == 2 and all(text.startswith("fd") and text.endswith("/64") for text in subnets)
    assert shown(host, "one")["EnableIPv6"]


def test_ipv6_with_a_subnet_of_ones_own(host):
    made(host, "six", EnableIPv6=True, IPAM={"Config": [{"Subnet": "10.61.0.0/24"},
                                                        {"Subnet": "fd00:61::/64", "Gateway": "fd00:61::9"}]})
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "six"})
    endpoint = host.inspect(container)["NetworkSettings"]["Networks"]["six"]
    assert endpoint["GlobalIPv6Address"].startswith("fd00:61::") and endpoint["GlobalIPv6PrefixLen"] == 64
    assert endpoint["IPv6Gateway"] == "fd00:61::9" and endpoint["IPAddress"].startswith("10.61.0.")


def test_containers_of_a_network_are_in_its_inspect(host):
    identity = made(host, "lan", **subnet("10.61.0.0/24"))
    container = host.spawn("sleep", "1000", name="web", host_config={"NetworkMode": "lan"})
    endpoint = host.inspect(container)["NetworkSettings"]["Networks"]["lan"]
    entry = shown(host, "lan")["Containers"][container]
    assert entry == {"Name": "web", "EndpointID": endpoint["EndpointID"], "MacAddress": endpoint["MacAddress"],
                     "IPv4Address": "10.61.0.2/24", "IPv6Address": ""}
    assert endpoint["NetworkID"] == identity
    assert [network["Containers"] for network in host.api.get("/networks", filters={"name": ["lan"]}).json] == [{}]


def test_a_bridge_has_the_name_and_containers_the_mtu_that_were_asked_for(host):
    made(host, "lan", Options={"com.docker.network.bridge.name": "brlan", "com.docker.network.driver.mtu": "1400"})
    assert host.shell("ip", "link", "show", "brlan").returncode == 0
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"})
    assert host.docker("exec", container, "cat", "/sys/class/net/eth0/mtu").out == "1400\n"
    host.remove(container)
    assert host.api.delete("/networks/lan").status == 204
    assert host.shell("ip", "link", "show", "brlan", check=False).returncode != 0


@pytest.mark.differs_from_reference("its containers have a default route that leads nowhere")
def test_an_internal_network_has_no_way_out(host):
    made(host, "lan", Internal=True, **subnet("10.61.0.0/24"))
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"})
    routes = host.docker("exec", container, "ip", "route").out
    assert "10.61.0.0/24 dev eth0" in routes and "default" not in routes


def test_networks_are_found_by_name_by_id_and_by_the_beginning_of_an_id(host):
    identity = made(host, "lan")
    for name in ("lan", identity, identity[:12], identity[:5]):
        assert shown(host, name)["Id"] == identity
    for name in ("la", identity[:11] + "x", "lan2"):
        reply = host.api.get(f"/networks/{name}")
        assert reply.status == 404 and reply.message == f"network {name} not found"


@pytest.mark.differs_from_reference("it has other words for it")
def test_the_beginning_of_two_ids_is_ambiguous(host):
    identities = [made(host, f"plan{number}", ConfigOnly=True) for number in range(17)]
    firsts = [identity[0] for identity in identities]
    common = next(first for first in firsts if firsts.count(first) > 1)
    for reply in (host.api.get(f"/networks/{common}"), host.api.delete(f"/networks/{common}")):
        assert reply.status == 400
        assert reply.message.startswith(f"network {common} is ambiguous (")
        assert reply.message.endswith(" matches found based on ID prefix)")


def test_inspect_takes_a_scope_and_verbose(host):
    made(host, "lan")
    assert host.api.get("/networks/lan", scope="local", verbose="true").status == 200
    assert host.api.get("/networks/lan", scope="swarm").status == 404
    reply = host.api.get("/networks/lan", verbose="maybe")
    assert reply.status == 400 and reply.message.startswith("invalid value for verbose: maybe: strconv.ParseBool")


@pytest.mark.differs_from_reference("it checks only when it is asked to")
def test_a_name_is_taken_once(host):
    made(host, "lan")
    reply = create(host, "lan")
    assert reply.status == 409 and reply.message == "network with name lan already exists"


@pytest.mark.parametrize("name", ["bridge", "host", "none"])
def test_predefined_networks_stay_as_they_are(host, name):
    reply = create(host, name)
    assert reply.status == 403 and reply.message == f"operation is not permitted on predefined {name} network "
    if host.api.get(f"/networks/{name}").status == 200:
        reply = host.api.delete(f"/networks/{name}")
        assert reply.status == 403 and reply.message == f"{name} is a pre-defined network and cannot be removed"


@pytest.mark.parametrize("body, status, text", [
    ({"Name": ""}, (400, 500), "invalid name"),
    ({"Name": "x", "Driver": "bogus"}, 404, "plugin"),
    ({"Name": "x", "Driver": "host"}, 403, "only one instance of \"host\" network is allowed"),
    ({"Name": "x", "Driver": "null"}, 403, "only one instance of \"null\" network is allowed"),
    ({"Name": "x", "Driver": "overlay"}, (403, 500), "This node is not a swarm manager."),
    ({"Name": "x", "ConfigFrom": {"Network": "nowhere"}}, (403, 404), "nowhere"),
    ({"Name": "x", "ConfigOnly": True, "Internal": True}, 403, "configuration network can only contain network specific"),
    ({"Name": "x", "Options": {"com.docker.network.bridge.enable_icc": "maybe"}}, (400, 500), "enable_icc"),
    ({"Name": "x", "IPAM": {"Config": [{"Subnet": "10.61.0.0/24"}, {"Subnet": "10.62.0.0/24"}]}}, 403,
     "bridge driver doesn't support multiple subnets"),
    ({"Name": "x", "IPAM": {"Driver": "bogus"}}, (400, 404), "bogus"),
])
def test_what_cannot_be_made_says_why(host, body, status, text):
    reply = host.api.post("/networks/create", body=body)
    assert reply.status in (status if isinstance(status, tuple) else (status,)) and text in reply.message, reply


@pytest.mark.differs_from_reference("its checks came with 25")
@pytest.mark.parametrize("config, faults", [
    ([{"Subnet": "bogus"}], ["invalid subnet bogus: invalid CIDR block notation"]),
    ([{"Subnet": "10.61.0.5/24"}], ["invalid subnet 10.61.0.5/24: it should be 10.61.0.0/24"]),
    ([{"Subnet": "10.61.0.0/24", "IPRange": "10.62.0.0/25"}],
     ["invalid ip-range 10.62.0.0/25: parent subnet 10.61.0.0/24 doesn't contain ip-range"]),
    ([{"Subnet": "10.61.0.0/24", "IPRange": "10.0.0.0/8"}],
     ["invalid ip-range 10.0.0.0/8: CIDR block is bigger than its parent subnet 10.61.0.0/24"]),
    ([{"Subnet": "10.61.0.0/24", "Gateway": "10.62.0.1"}],
     ["invalid gateway 10.62.0.1: parent subnet 10.61.0.0/24 doesn't contain this address"]),
    ([{"Subnet": "10.61.0.0/24", "Gateway": "fd00::1"}], ["invalid gateway fd00::1: parent subnet is an IPv4 block"]),
    ([{"Subnet": "10.61.0.0/24", "Gateway": "bogus", "AuxiliaryAddresses": {"a": "10.62.0.1"}}],
     ["invalid gateway bogus: invalid address",
      "invalid auxiliary address a: parent subnet 10.61.0.0/24 doesn't contain this address"]),
])
def test_every_fault_of_an_ipam_configuration_is_named(host, config, faults):
    reply = create(host, "x", IPAM={"Config": config})
    assert reply.status == 400 and reply.message.splitlines() == ["invalid network config:", *faults]


def test_subnets_do_not_overlap(host):
    made(host, "lan", **subnet("10.61.0.0/16"))
    for text in ("10.61.0.0/16", "10.61.7.0/24", "10.0.0.0/8"):
        reply = create(host, "other", **subnet(text))
        assert reply.status == 403 and "Pool overlaps with other one on this address space" in reply.message
    assert names(host, name=["other"]) == set()


def test_an_exhausted_network_says_so(host):
    made(host, "tiny", **subnet("10.61.0.0/30"))
    host.spawn("sleep", "1000", host_config={"NetworkMode": "tiny"})
    late = host.create("sleep", "1000", host_config={"NetworkMode": "tiny"})
    reply = host.api.post(f"/containers/{late}/start")
    assert reply.status in (403, 500) and "no available IPv4 addresses on this network's address pools" in reply.message
    assert "tiny" in reply.message


def test_addresses_are_in_use_or_outside(host):
    made(host, "lan", **subnet("10.61.0.0/24", AuxiliaryAddresses={"printer": "10.61.0.9"}))

    def start(address):
        container = host.create("sleep", "1000", host_config={"NetworkMode": "lan"}, NetworkingConfig={
            "EndpointsConfig": {"lan": {"IPAMConfig": {"IPv4Address": address}}}})
        return host.api.post(f"/containers/{container}/start")
    assert start("10.61.0.7").status == 204
    for taken in ("10.61.0.7", "10.61.0.9", "10.61.0.1"):
        reply = start(taken)
        assert reply.status in (403, 500) and "Address already in use" in reply.message, taken
    reply = start("10.99.0.7")
    assert reply.status in (400, 500) and "10.99.0.7" in reply.message


def test_a_configuration_is_taken_from_another_network(host):
    made(host, "plan", ConfigOnly=True, **subnet("10.61.0.0/24"), Labels={"colour": "red"})
    plan = shown(host, "plan")
    assert plan["ConfigOnly"] and plan["Driver"] == "null"
    made(host, "lan", ConfigFrom={"Network": "plan"})
    network = shown(host, "lan")
    assert network["ConfigFrom"] == {"Network": "plan"} and network["Labels"] == {"colour": "red"}
    assert network["IPAM"]["Config"][0]["Subnet"] == "10.61.0.0/24"
    reply = host.api.delete("/networks/plan")
    assert reply.status == 403 and "configuration network" in reply.message and "is in use" in reply.message
    assert host.api.delete("/networks/lan").status == 204 and host.api.delete("/networks/plan").status == 204


def test_removed_networks_are_gone_and_those_in_use_stay(host):
    identity = made(host, "lan")
    container = host.spawn("sleep", "1000", name="web", host_config={"NetworkMode": "lan"})
    reply = host.api.delete("/networks/lan")
    assert reply.status == 403 and "has active endpoints" in reply.message and "error while removing network" in reply.message
    host.remove(container)
    assert host.api.delete(f"/networks/{identity[:10]}").status == 204
    reply = host.api.delete("/networks/lan")
    assert reply.status == 404 and reply.message == "network lan not found"


def test_filters_of_the_list(host):
    red = made(host, "red-lan", Labels={"colour": "red", "size": "10"})
    made(host, "blue-lan", Labels={"colour": "blue"})
    assert {"red-lan", "blue-lan", "none", "host"} <= names(host)
    assert names(host, name=["red"]) == {"red-lan"}
    assert names(host, name=["^lan"]) == set() and names(host, name=["lan$"]) == {"red-lan", "blue-lan"}
    assert names(host, id=[red]) == names(host, id=[red[:9]]) == {"red-lan"}
    assert names(host, label=["colour"]) == {"red-lan", "blue-lan"}
    assert names(host, label=["colour=red"]) == names(host, label=["colour", "size"]) == {"red-lan"}
    assert names(host, label=["colour=r"]) == set()
    assert names(host, driver=["null"]) == {"none"} and names(host, driver=["null", "host"]) == {"none", "host"}
    assert names(host, type=["custom"]) == {"red-lan", "blue-lan"}
    assert {"none", "host"} <= names(host, type=["builtin"]) and "red-lan" not in names(host, type=["builtin"])
    assert names(host, type=["custom", "builtin"]) == names(host)
    assert names(host, scope=["swarm"]) == set() and names(host, scope=["local"]) == names(host)
    assert names(host, driver=["bridge"], name=["blue"]) == {"blue-lan"}


@pytest.mark.differs_from_reference("its list does not know which are in use")
def test_dangling_networks_are_those_without_containers(host):
    made(host, "used")
    made(host, "idle")
    host.spawn("sleep", "1000", host_config={"NetworkMode": "used"})
    assert names(host, dangling=["true"]) == names(host, dangling=["1"]) == {"idle"}
    assert names(host, dangling=["false"]) == {"used", "bridge", "host", "none"}


@pytest.mark.parametrize("filters, text", [
    ({"colour": ["red"]}, "nvalid filter 'colour'"),
    ({"type": ["bogus"]}, "'type'='bogus'"),
    ({"dangling": ["maybe"]}, "dangling"),
    ({"dangling": ["true", "false"]}, "dangling"),
])
def test_filters_that_make_no_sense_are_refused(host, filters, text):
    reply = host.api.get("/networks", filters=filters)
    assert reply.status in (400, 500) and text in reply.message, reply


def test_prune_removes_what_nobody_uses(host):
    for name, labels in (("red", {"colour": "red"}), ("blue", {"colour": "blue"}), ("used", {}), ("plain", {})):
        made(host, name, Labels=labels)
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "used"})

    def prune(**filters):
        reply = host.api.post("/networks/prune", filters=filters)
        assert reply.status == 200, reply
        return set(reply.json["NetworksDeleted"] or [])
    assert prune(until=["1h"]) == set()
    assert prune(label=["colour=red"]) == {"red"}
    assert prune(**{"label!": ["colour"]}) == {"plain"}
    since = time.time()
    assert prune() == {"blue"}
    event, = host.api.get("/events", since=f"{since:.9f}", until=f"{time.time():.9f}",
                          filters={"event": ["prune"], "type": ["network"]}).lines
    assert event["Actor"]["Attributes"] == {"reclaimed": "0"}
    assert host.api.post("/networks/prune").json["NetworksDeleted"] is None
    for filters in ({"colour": ["red"]}, {"until": ["1h", "2h"]}, {"until": ["soon"]}):
        assert host.api.post("/networks/prune", filters=filters).status in (400, 500)
    assert names(host, type=["custom"]) == {"used"}
    host.remove(container)


def test_events_tell_what_became_of_a_network(host):
    since = time.time()
    identity = made(host, "lan")
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"})
    host.remove(container)
    assert host.api.delete("/networks/lan").status == 204
    events = host.api.get("/events", since=f"{since:.9f}", until=f"{time.time():.9f}", filters={"type": ["network"]}).lines
    assert [event["Action"] for event in events] == ["create", "connect", "disconnect", "destroy"]
    for event in events:
        attributes = {"name": "lan", "type": "bridge"}
        if event["Action"].endswith("connect"):
            attributes["container"] = container
        assert event["Actor"] == {"ID": identity, "Attributes": attributes} and event["scope"] == "local"
    narrowed = host.api.get("/events", since=f"{since:.9f}", until=f"{time.time():.9f}", filters={"network": ["lan"]}).lines
    assert {event["Type"] for event in narrowed} == {"network"}


@pytest.mark.parametrize("path, body", [
    ("/networks/create", b"{"), ("/networks/create", b""), ("/networks/create", b'{"Name": 1}'),
    ("/networks/create", b'{"Name": "x", "IPAM": []}'), ("/networks/lan/connect", b"["),
    ("/networks/lan/disconnect", b'{"Container": []}'),
])
def test_bodies_that_are_no_json_are_refused(host, path, body):
    reply = host.api.post(path, body=body, headers={"Content-Type": "application/json"})
    assert reply.status in (400, 500) and reply.message


def test_connecting_names_what_is_not_there(host):
    made(host, "lan")
    container = host.spawn("sleep", "1000")
    for action in ("connect", "disconnect"):
        reply = host.api.post(f"/networks/lan/{action}", body={"Container": "nobody"})
        assert reply.status == 404 and reply.message == "No such container: nobody"
        reply = host.api.post(f"/networks/nowhere/{action}", body={"Container": container})
        assert reply.status == 404 and "network nowhere not found" in reply.message


def test_a_mac_address_that_was_asked_for_is_shown_where_older_clients_look(host):
    made(host, "lan")
    web = host.spawn("sleep", "1000", host_config={"NetworkMode": "lan"}, NetworkingConfig={
        "EndpointsConfig": {"lan": {"MacAddress": "02:00:00:00:00:77"}}})
    assert host.inspect(web)["Config"]["MacAddress"] == "02:00:00:00:00:77"
    assert "MacAddress" not in host.inspect(host.spawn("sleep", "1000"))["Config"]


def test_clients_before_1_45_see_short_ids_among_the_aliases(host):
    made(host, "lan")
    web = host.spawn("sleep", "1000", Hostname="front", host_config={"NetworkMode": "lan"}, NetworkingConfig={
        "EndpointsConfig": {"lan": {"Aliases": ["shop"]}}})

    def aliases(version):
        return host.api.get(f"{version}/containers/{web}/json").json["NetworkSettings"]["Networks"]["lan"]["Aliases"]
    assert aliases("/v1.44") == aliases("/v1.24") == ["shop", web[:12], "front"]
    assert aliases("/v1.45") == aliases("") == ["shop"]
    plain = host.spawn("sleep", "1000")
    networks = host.api.get(f"/v1.44/containers/{plain}/json").json["NetworkSettings"]["Networks"]
    assert networks["bridge"]["Aliases"] is None


def test_the_list_may_be_asked_for_with_a_slash(host):
    assert host.api.get("/networks/").json == host.api.get("/networks").json


@pytest.mark.parametrize("path, body, status, message", [
    ("/networks/bridge/connect", {}, 400, 'invalid name or ID supplied: ""'),
    ("/networks/bridge/disconnect", {}, 400, 'invalid name or ID supplied: ""'),
    ("/networks/bridge/disconnect", {"Container": "nobody"}, 404, "No such container: nobody"),
    ("/networks/bridge/disconnect", {"Container": "nobody", "Force": True}, 404, "endpoint nobody not found"),
    ("/networks/nowhere/disconnect", {"Container": "nobody", "Force": True}, 404, "network nowhere not found"),
])
def test_containers_that_are_not_there(host, path, body, status, message):
    reply = host.api.post(path, body=body)
    assert (reply.status, reply.message) == (status, message)


def test_older_versions_of_the_api(host):
    reply = host.api.post("/v1.24/networks/create", body={"Name": "old", "CheckDuplicate": True, "Driver": "bridge",
                                                          "EnableIPv4": False})
    assert reply.status == 201
    container = host.spawn("sleep", "1000", host_config={"NetworkMode": "old"})
    old, = host.api.get("/v1.24/networks", filters={"name": ["old"]}).json
    assert list(old["Containers"]) == [container]
    new, = host.api.get("/v1.40/networks", filters={"name": ["old"]}).json
    assert new["Containers"] == {}
    assert host.api.get("/v1.24/networks/old").json["IPAM"]["Config"]


def test_info_lists_the_drivers(host):
    assert {"bridge", "host", "macvlan", "ipvlan", "null"} <= set(host.api.get("/info").json["Plugins"]["Network"])
