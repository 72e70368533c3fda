"""Filters and sizes of the list of containers."""

import pytest


def names(host, all=1, **filters):
    items = host.api.get("/containers/json", all=all, filters={key.replace("_", "-"): value for key, value in filters.items()}).json
    return {name[1:] for item in items for name in item["Names"]}


def test_ports_states_and_exit_codes(host):
    host.spawn("sleep", "1000", name="web", ExposedPorts={"80/tcp": {}, "9000/udp": {}})
    host.wait(host.spawn("sh", "-c", "exit 3", name="ended"))
    assert names(host, expose=["80"]) == names(host, expose=["70-90/tcp"]) == names(host, expose=["9000/udp"]) == {"web"}
    assert names(host, expose=["9000"]) == names(host, publish=["80"]) == set()
    assert names(host, exited=["3"]) == {"ended"} and names(host, exited=["0"]) == set()
    assert names(host, status=["exited", "running"], all=0) == {"web", "ended"}
    assert names(host, health=["none"]) == {"web", "ended"} and names(host, health=["healthy"]) == set()
    assert names(host, is_task=["false"]) == {"web", "ended"} and names(host, is_task=["true"]) == set()


@pytest.mark.parametrize("filters", [{"exited": ["x"]}, {"status": ["asleep"]}, {"health": ["ill"]}, {"colour": ["red"]}])
def test_values_that_make_no_sense_are_refused(host, filters):
    assert host.api.get("/containers/json", filters=filters).status == 400


def test_sizes_count_hard_links_once(host):
    script = "dd if=/dev/zero of=/one bs=1k count=64; ln /one /two; sync"
    container = host.spawn("sh", "-c", script, name="big")
    host.wait(container)
    item, = host.api.get("/containers/json", all=1, size=1).json
    shown = host.api.get(f"/containers/{container}/json", size=1).json
    assert 65536 <= item["SizeRw"] < 2 * 65536 and shown["SizeRw"] == item["SizeRw"]
    assert item["SizeRootFs"] == shown["SizeRootFs"] > item["SizeRw"]
    assert "SizeRw" not in host.inspect(container)
