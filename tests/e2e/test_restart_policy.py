"""Restart policies: when a container runs again, how it looks in between, and what ends that."""

import json
import threading
import time

import pytest

from harness.waiting import until


def spawn(host, policy, *command, count=0, **more):
    return host.spawn(*command, host_config={"RestartPolicy": {"Name": policy, "MaximumRetryCount": count}}, **more)


def post(host, container, verb, **query):
    return host.api.post(f"/containers/{container}/{verb}", **query)


def restarting(host, container, count=3):
    """Waits until it waits for long enough that a test can look at it; returns what inspect shows."""
    def waits():
        shown = host.inspect(container)
        return shown if shown["State"]["Restarting"] and shown["RestartCount"] >= count else None
    return until(waits, "the container to wait for its next run")


def test_on_failure_tries_as_often_as_it_may(host):
    container = spawn(host, "on-failure", "sh", "-c", "echo run; exit 4", count=2)
    until(lambda: host.state(container)["Status"] == "exited", "the last try")
    assert host.inspect(container)["RestartCount"] == 2
    assert host.state(container)["ExitCode"] == 4
    assert host.output(container)[0] == b"run\n" * 3


@pytest.mark.parametrize("policy", ["no", "on-failure"])
def test_success_is_final(host, policy):
    container = spawn(host, policy, "true")
    host.wait(container)
    assert host.state(container)["Status"] == "exited" and host.inspect(container)["RestartCount"] == 0


def test_restarting_container_looks_as_dockers(host):
    container = spawn(host, "always", "sh", "-c", "exit 3")
    state = restarting(host, container, count=5)["State"]
    assert (state["Status"], state["Running"], state["Pid"], state["ExitCode"]) == ("restarting", True, 0, 3)
    item, = host.api.get("/containers/json").json
    assert item["State"] == "restarting" and item["Status"].startswith("Restarting (3) ")
    assert post(host, container, "start").status == 304
    for reply in (post(host, container, "pause"), post(host, container, "attach", stream=1, stdout=1)):
        assert reply.status == 409 and b"is restarting, wait until the container is running" in reply.body
    assert host.api.delete(f"/containers/{container}").status == 409
    assert post(host, container, "stop").status == 204


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_stop_and_kill_end_the_waiting(host, verb):
    container = spawn(host, "always", "sh", "-c", "exit 3")
    count = restarting(host, container, count=4)["RestartCount"]
    assert post(host, container, verb).status == 204
    until(lambda: host.state(container)["Status"] == "exited", "its end")
    assert host.state(container)["ExitCode"] == 3
    assert host.inspect(container)["RestartCount"] in (count, count + 1)


def test_removal_by_force_ends_the_waiting(host):
    container = spawn(host, "always", "false")
    restarting(host, container)
    host.remove(container)
    assert host.containers() == []


@pytest.mark.parametrize("policy", ["always", "unless-stopped", "on-failure"])
def test_stopped_container_stays_stopped(host, policy):
    container = spawn(host, policy, "sleep", "1000")
    assert post(host, container, "stop", t=0).status == 204
    assert host.state(container)["Status"] == "exited" and host.inspect(container)["RestartCount"] == 0


def test_container_that_is_killed_from_outside_runs_again(host):
    container = spawn(host, "always", "sleep", "1000")
    pid = host.state(container)["Pid"]
    host.shell("kill", "-KILL", str(pid))
    until(lambda: (s := host.state(container))["Status"] == "running" and s["Pid"] != pid, "its next run")
    assert host.inspect(container)["RestartCount"] == 1


def test_restart_by_the_user_counts_from_zero_and_keeps_the_policy(host):
    container = spawn(host, "unless-stopped", "sleep", "1000")
    assert post(host, container, "restart", t=0).status == 204
    assert host.inspect(container)["RestartCount"] == 0
    pid = host.state(container)["Pid"]
    host.shell("kill", "-KILL", str(pid))
    until(lambda: host.inspect(container)["RestartCount"] == 1, "its next run")


def test_each_end_wakes_those_who_wait(host):
    container = host.create("sh", "-c", "exit 7", host_config={"RestartPolicy": {"Name": "always"}})
    codes = []

    def wait():
        codes.append(post(host, container, "wait", condition="next-exit").json["StatusCode"])
    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: (post(host, container, "start"), codes)[1], "the answer")
    thread.join()
    assert codes == [7]
    assert host.wait(container) == 7


def test_program_that_went_away_ends_it_with_the_last_exit_code(host):
    container = spawn(host, "always", "sh", "-c", "rm /bin/sh; exit 4")
    state = until(lambda: (s := host.state(container))["Error"] and s, "the failed start")
    assert (state["Status"], state["ExitCode"]) == ("exited", 4)
    assert "executable file not found" in state["Error"]


def test_events_tell_of_each_run(host):
    container = spawn(host, "on-failure", "false", count=1)
    until(lambda: host.state(container)["Status"] == "exited", "the last try")
    connection, response = host.api.stream("/events", since=0, until=int(time.time()) + 1,
                                           filters=json.dumps({"container": [container]}))
    actions = [json.loads(line)["Action"] for line in response.read().splitlines()]
    connection.close()
    assert [action for action in actions if action in ("start", "die")] == ["start", "die"] * 2
