"""Pause and unpause: the processes stand still, and whoever ends a paused container ends it."""

import pytest

from harness.waiting import until


def post(host, container, verb, **query):
    return host.api.post(f"/containers/{container}/{verb}", **query)


@pytest.fixture
def paused(host):
    container = host.spawn("sleep", "1000", name="still")
    assert post(host, container, "pause").status == 204
    return container


def test_paused_container_writes_nothing_until_it_is_unpaused(host):
    container = host.spawn("sh", "-c", "while :; do echo tick; sleep 0.01; done")
    host.wait_for_output(container, b"tick")
    assert post(host, container, "pause").status == 204
    state = host.state(container)
    assert (state["Status"], state["Running"], state["Paused"]) == ("paused", True, True) and state["Pid"] > 0
    before = host.output(container)[0]
    assert host.api.get("/_ping").status == 200 and host.output(container)[0] == before
    assert post(host, container, "unpause").status == 204
    until(lambda: len(host.output(container)[0]) > len(before), "it to go on")
    assert host.state(container)["Status"] == "running"


def test_refusals_have_dockers_status_and_text(host, paused):
    reply = post(host, paused, "pause")
    assert (reply.status, reply.message) == (409, f"Container {paused} is already paused")
    reply = post(host, paused, "start")
    assert (reply.status, reply.message) == (409, "cannot start a paused container, try unpause instead")
    assert host.api.delete(f"/containers/{paused}").status == 409
    assert post(host, paused, "unpause").status == 204
    reply = post(host, paused, "unpause")
    assert (reply.status, reply.message) == (500, f"Container {paused} is not paused")
    assert post(host, paused, "kill").status == 204
    reply = post(host, paused, "pause")
    assert (reply.status, reply.message) == (409, f"Container {paused} is not running")


def test_list_says_paused(host, paused):
    item, = host.containers()
    assert item["State"] == "paused" and item["Status"].endswith("(Paused)")


def test_kill_of_a_paused_container_ends_it(host, paused):
    assert post(host, paused, "kill").status == 204
    assert (host.state(paused)["Status"], host.state(paused)["ExitCode"]) == ("exited", 137)


def test_stop_of_a_paused_container_lets_it_hear_the_signal(host):
    container = host.spawn("sh", "-c", "trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done")
    host.wait_for_output(container, b"up")
    assert post(host, container, "pause").status == 204
    assert post(host, container, "stop", t=60).status == 204
    assert host.state(container)["ExitCode"] == 5


def test_restart_of_a_paused_container_runs_it(host, paused):
    assert post(host, paused, "restart", t=0).status == 204
    assert host.state(paused)["Status"] == "running"


def test_removal_by_force_of_a_paused_container(host, paused):
    host.remove(paused)
    assert host.containers() == []


@pytest.mark.berth_only
def test_pause_survives_the_daemon(fresh_host):
    host = fresh_host
    container = host.spawn("sleep", "1000")
    assert post(host, container, "pause").status == 204
    host.leftovers.note_containers()
    host.crash()
    host.start()
    assert host.state(container)["Status"] == "paused"
    assert post(host, container, "unpause").status == 204
    assert host.state(container)["Status"] == "running"
