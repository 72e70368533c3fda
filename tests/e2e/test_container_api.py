"""What the Engine API answers to requests about containers that are odd, as Docker's own tests ask them."""

import base64
import time

import pytest
from harness.waiting import until
from test_limits import V1

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def container(host):
    return host.spawn("sleep", "1000", name="web")


# -- bodies ---------------------------------------------------------------------------------------------------------

BODIES = ["/containers/nobody/exec", "/containers/nobody/update", "/exec/nobody/start"]


@pytest.mark.differs_from_reference("older texts")
@pytest.mark.parametrize("path", BODIES)
def test_bodies_that_are_no_json_are_refused_before_anything_else(host, path):
    def refusal(body, headers=JSON):
        reply = host.api.post(path, body=body, headers=headers)
        assert reply.status == 400
        return reply.message
    assert "unsupported Content-Type header (text/plain): must be 'application/json'" in refusal(b"{}", {"Content-Type": "text/plain"})
    assert "invalid JSON: invalid character 'i' looking for beginning of object key string" in refusal(b"{invalid json")
    assert "unexpected content after JSON" in refusal(b"{} trailing content")
    assert host.api.post(path, body=b"", headers=JSON).status < 500


def test_names_in_bodies_may_be_written_in_any_case(host, container):
    reply = host.api.post("/containers/web/exec", body={"cmd": ["true"], "attachstdout": True, "detachKeys": "ctrl-a"})
    assert reply.status == 201
    shown = host.api.get(f"/exec/{reply.json['Id']}/json").json
    assert shown["OpenStdout"] and shown["ProcessConfig"]["entrypoint"] == "true"
    assert base64.b64decode(shown["DetachKeys"]) == b"\x01"


# -- sizes and signals ----------------------------------------------------------------------------------------------

@pytest.mark.differs_from_reference("older texts")
@pytest.mark.parametrize("value, text", [(None, "invalid syntax"), ("", "invalid syntax"), ("tall", "invalid syntax"),
                                         ("+1", "invalid syntax"), ("-100", "value out of range"),
                                         ("4294967296", "value out of range")])
def test_sizes_that_are_none_are_refused(host, container, value, text):
    execution = host.api.post("/containers/web/exec", body={"Cmd": ["true"]}).json["Id"]
    for path in (f"/containers/{container}/resize", f"/exec/{execution}/resize"):
        for bad, good in (("h", "w"), ("w", "h")):
            query = {good: "100"} if value is None else {good: "100", bad: value}
            reply = host.api.post(path, **query)
            what = {"h": "height", "w": "width"}[bad]
            assert (reply.status, reply.message) == (400, f'invalid resize {what} "{value or ""}": {text}')


def test_resize_without_a_terminal_is_accepted(host, container):
    assert host.api.post("/containers/web/resize", h=40, w=40).status == 200
    host.api.post("/containers/web/kill")
    reply = host.api.post("/containers/web/resize", h=40, w=40)
    assert reply.status == 409 and "is not running" in reply.message


@pytest.mark.parametrize("signal", ["0", "SIG42", "BOGUS", "TERMINATE"])
def test_signals_that_are_none_are_refused(host, container, signal):
    reply = host.api.post("/containers/web/kill", signal=signal)
    assert reply.status == 400 and f"nvalid signal: {signal}" in reply.message
    assert host.state("web")["Running"]


def test_kill_of_what_is_not_there_names_the_step(host):
    reply = host.api.post("/containers/nobody/kill")
    assert reply.status == 404 and "annot kill container: nobody: No such container: nobody" in reply.message


def test_stop_of_a_stopped_container_is_304_whatever_the_signal(host):
    host.create("true", name="still")
    assert host.api.post("/containers/still/stop", signal="BOGUS").status == 304


@pytest.mark.differs_from_reference("the parameter came with API 1.42")
def test_stop_with_a_signal_heeds_the_version(host):
    script = "trap 'exit 3' USR1; trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done"
    for prefix, code in (("", 3), ("/v1.41", 4)):
        ident = host.spawn("sh", "-c", script)
        host.wait_for_output(ident, b"ready")
        assert host.api.post(f"{prefix}/containers/{ident}/stop", signal="USR1").status == 204
        assert host.state(ident)["ExitCode"] == code


# -- exec and attach ------------------------------------------------------------------------------------------------

def test_empty_program_is_looked_for_like_any_other(host, container):
    execution = host.api.post("/containers/web/exec", body={"Cmd": [""]}).json["Id"]
    reply = host.api.post(f"/exec/{execution}/start", body={"Detach": True})
    assert reply.status == 400 and 'exec: "": executable file not found in $PATH' in reply.message


def test_ended_execs_are_no_longer_the_containers(host, container):
    for command in (["true"], ["/not/there"]):
        execution = host.api.post("/containers/web/exec", body={"Cmd": command}).json["Id"]
        assert host.inspect("web")["ExecIDs"] == [execution]
        host.api.post(f"/exec/{execution}/start", body={"Detach": True})
        until(lambda: host.inspect("web")["ExecIDs"] is None, "the end of the exec")
        assert host.api.get(f"/exec/{execution}/json").status == 200


def test_bad_detach_keys_are_refused_before_the_connection_is_taken(host, container):
    reply = host.api.post("/containers/web/attach", detachKeys="bogus-keys", stream=1)
    assert reply.status == 400 and b"detach keys (bogus-keys) provided" in reply.body


def test_quick_exec_loses_nothing_to_a_client_that_buffers(host, container):
    container = host.sdk.containers.get("web")
    assert {container.exec_run(["echo", "all of it"]).output for _ in range(20)} == {b"all of it\n"}


# -- inspect --------------------------------------------------------------------------------------------------------

def test_inspect_shows_what_is_hidden_by_default(host):
    def paths(**host_config):
        config = host.inspect(host.create("true", host_config=host_config))["HostConfig"]
        return config["MaskedPaths"], config["ReadonlyPaths"]
    masked, readonly = paths()
    assert {"/proc/kcore", "/proc/keys", "/sys/firmware"} <= set(masked) and "/proc/sys" in readonly
    assert paths(Privileged=True) == (None, None)
    assert paths(MaskedPaths=[], ReadonlyPaths=["/proc/bus"]) == ([], ["/proc/bus"])


def test_any_path_may_be_asked_for_its_options(host):
    assert host.api.request("OPTIONS", "/containers/json").status == 200


# -- update ---------------------------------------------------------------------------------------------------------

def test_update_without_warnings_says_null(host, container):
    assert host.api.post("/containers/web/update", body={"CpuShares": 100}).json == {"Warnings": None}


def test_restart_policy_without_a_name_is_left_alone(host, container):
    assert host.api.post("/containers/web/update", body={"RestartPolicy": {"MaximumRetryCount": 3}}).status == 200
    assert host.inspect("web")["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")


def test_new_restart_policy_holds_for_the_run_that_is_under_way(host):
    host.spawn("sh", "-c", "until [ -e /go ]; do sleep 0.05; done; rm /go; exit 1", name="again")

    def end_it():
        execution = host.api.post("/containers/again/exec", body={"Cmd": ["touch", "/go"]}).json["Id"]
        host.api.post(f"/exec/{execution}/start", body={"Detach": True})
    assert host.api.post("/containers/again/update", body={"RestartPolicy": {"Name": "always"}}).status == 200
    end_it()
    until(lambda: host.inspect("again")["RestartCount"] == 1 and host.state("again")["Running"], "the second run")
    assert host.api.post("/containers/again/update", body={"RestartPolicy": {"Name": "no"}}).status == 200
    until(lambda: host.state("again")["Status"] == "running", "the second run")
    end_it()
    until(lambda: host.state("again")["Status"] == "exited", "the end")


@pytest.mark.skipif(not V1.exists(), reason="version 2 of cgroups kills instead of refusing")
def test_limit_that_the_kernel_refuses_is_not_recorded(host):
    host.spawn("sh", "-c", "dd if=/dev/zero of=/dev/shm/full bs=1M count=40; echo full; sleep 1000", name="full",
               host_config={"Memory": 64 << 20, "MemorySwap": 64 << 20})
    host.wait_for_output("full", b"full")
    reply = host.api.post("/containers/full/update", body={"Memory": 16 << 20, "MemorySwap": 16 << 20})
    assert reply.status >= 400 and "annot update container" in reply.message
    config = host.inspect("full")["HostConfig"]
    assert (config["Memory"], config["MemorySwap"]) == (64 << 20, 64 << 20)


# -- events ---------------------------------------------------------------------------------------------------------

def told(host, since, **filters):
    query = {"filters": filters} if filters else {}
    return [event["Action"] for event in host.api.get("/events", since=since, until=f"{time.time():.9f}", **query).lines]


def test_events_are_chosen_by_docker_rules(host):
    since = f"{time.time():.9f}"
    ident = host.create("true", name="chosen-1")
    assert told(host, since, container=["chosen"]) == told(host, since, container=[ident[:3]]) == ["create"]
    assert told(host, since, container=["hosen-1"]) == []
    assert told(host, since, scope=["local"], type=["container"]) == ["create"]
    assert told(host, since, scope=["swarm"]) == told(host, since, daemon=["other"]) == []
    assert told(host, since, planet=["earth"], event=["create"]) == ["create"]
    assert "create" in told(host, "0", container=["chosen-1"])


def test_events_of_execs_have_their_ids_and_codes(host, container):
    since = f"{time.time():.9f}"
    execution = host.api.post("/containers/web/exec", body={"Cmd": ["sh", "-c", "exit 3"]}).json["Id"]
    host.api.post(f"/exec/{execution}/start", body={"Detach": True})
    until(lambda: "exec_die" in told(host, since), "its end")
    events = host.api.get("/events", since=since, until=f"{time.time():.9f}", filters={"container": ["web"]}).lines
    assert [event["Action"] for event in events] == ["exec_create: sh -c exit 3", "exec_start: sh -c exit 3", "exec_die"]
    assert {event["Actor"]["Attributes"]["execID"] for event in events} == {execution}
    assert events[-1]["Actor"]["Attributes"]["exitCode"] == "3"
    assert told(host, since, event=["exec_create"]) == ["exec_create: sh -c exit 3"]
    assert told(host, since, event=["exec_die"]) == ["exec_die"] and told(host, since, event=["exec"]) == []
