"""Networks by python3-docker, as Compose of the first version and many test suites use them."""

import docker
import pytest
from docker.types import EndpointConfig, IPAMConfig, IPAMPool


def pool(subnet, **more):
    return IPAMConfig(pool_configs=[IPAMPool(subnet=subnet, **more)])


def test_a_network_from_making_to_removing(host):
    network = host.sdk.networks.create("lan", driver="bridge", check_duplicate=True, labels={"colour": "red"},
                                       ipam=pool("10.61.0.0/24", gateway="10.61.0.254", iprange="10.61.0.64/26",
                                                 aux_addresses={"printer": "10.61.0.65"}))
    network.reload()
    assert network.attrs["IPAM"]["Config"] == [{"Subnet": "10.61.0.0/24", "IPRange": "10.61.0.64/26",
                                                "Gateway": "10.61.0.254", "AuxiliaryAddresses": {"printer": "10.61.0.65"}}]
    assert [found.name for found in host.sdk.networks.list(filters={"label": "colour=red"})] == ["lan"]
    assert host.sdk.networks.get(network.short_id).id == network.id
    network.remove()
    with pytest.raises(docker.errors.NotFound):
        host.sdk.networks.get("lan")


def test_containers_are_connected_and_disconnected(host):
    lan = host.sdk.networks.create("lan", ipam=pool("10.61.0.0/24"))
    wan = host.sdk.networks.create("wan", ipam=pool("10.62.0.0/24"))
    container = host.sdk.containers.run("busybox", ["sleep", "1000"], detach=True, network="lan")
    wan.connect(container, ipv4_address="10.62.0.50", aliases=["shop"])
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    assert set(networks) == {"lan", "wan"} and networks["wan"]["IPAddress"] == "10.62.0.50"
    wan.reload()
    assert wan.containers == [container]
    lan.disconnect(container)
    container.reload()
    assert set(container.attrs["NetworkSettings"]["Networks"]) == {"wan"}
    wan.disconnect(container, force=True)
    container.remove(force=True)


def test_an_address_at_creation(host):
    host.sdk.networks.create("lan", ipam=pool("10.61.0.0/24"))
    api = host.sdk.api
    created = api.create_container("busybox", ["sleep", "1000"], host_config=api.create_host_config(network_mode="lan"),
                                   networking_config={"EndpointsConfig": {"lan": EndpointConfig(
                                       api._version, ipv4_address="10.61.0.33", aliases=["db"])}})
    api.start(created)
    endpoint = api.inspect_container(created)["NetworkSettings"]["Networks"]["lan"]
    assert endpoint["IPAddress"] == "10.61.0.33" and "db" in endpoint["Aliases"]


def test_failures_have_their_classes(host):
    host.sdk.networks.create("lan", ipam=pool("10.61.0.0/24"))
    with pytest.raises(docker.errors.APIError, match="Pool overlaps") as overlap:
        host.sdk.networks.create("other", ipam=pool("10.61.0.0/16"))
    assert overlap.value.status_code == 403
    with pytest.raises(docker.errors.APIError, match="predefined") as predefined:
        host.sdk.networks.create("host")
    assert predefined.value.status_code == 403
    with pytest.raises(docker.errors.APIError, match="already exists") as duplicate:
        host.sdk.networks.create("lan", check_duplicate=True)
    assert duplicate.value.status_code == 409


def test_prune(host):
    host.sdk.networks.create("idle")
    assert host.sdk.networks.prune()["NetworksDeleted"] == ["idle"]
    assert not host.sdk.networks.prune()["NetworksDeleted"]
