"""python3-docker as its users call it: the calls of its own integration tests that are about a container's life."""

import json
import threading
import time

import docker
import pytest
from harness.waiting import until

pytestmark = pytest.mark.usefixtures("host")


def spawn(host, *command, **more):
    return host.sdk.containers.run("busybox", list(command) or ["sleep", "1000"], detach=True, **more)


def make_exec(host, container, command, **more):
    return host.sdk.api.exec_create(container.id, command, **more)["Id"]


# -- run ------------------------------------------------------------------------------------------------------------

def test_run_gives_the_output(host):
    assert host.sdk.containers.run("busybox", "echo hello world") == b"hello world\n"
    assert host.sdk.containers.run("busybox", ["sh", "-c", "echo out; echo err >&2"], stderr=True) in (b"out\nerr\n", b"err\nout\n")
    assert list(host.sdk.containers.run("busybox", ["sh", "-c", "echo a; echo b"], stream=True)) == [b"a\n", b"b\n"]


def test_run_that_fails_is_an_error_with_exit_code_and_stderr(host):
    with pytest.raises(docker.errors.ContainerError) as raised:
        host.sdk.containers.run("busybox", ["sh", "-c", "echo broken >&2; exit 3"])
    assert raised.value.exit_status == 3 and raised.value.stderr == b"broken\n"


def test_run_of_what_is_not_there_is_an_error_of_its_own(host):
    with pytest.raises(docker.errors.APIError) as raised:
        host.sdk.containers.run("busybox", "sdfskdfsdfds")
    assert raised.value.response.status_code == 400 and "executable file not found" in raised.value.explanation
    with pytest.raises(docker.errors.NotFound):
        host.sdk.containers.get("nobody")


def test_run_removes_when_asked(host):
    assert host.sdk.containers.run("busybox", "echo once", remove=True) == b"once\n"
    until(lambda: not host.containers(), "the container's removal")


# -- exec -----------------------------------------------------------------------------------------------------------

def test_exec_run_gives_exit_code_and_output(host):
    container = spawn(host)
    assert container.exec_run(["sh", "-c", "echo out; exit 3"]) == (3, b"out\n")
    assert container.exec_run("env", environment={"A": "b=c"}).output.count(b"A=b=c\n") == 1
    assert container.exec_run("id -un", user="daemon").output == b"daemon\n"
    assert container.exec_run("pwd", workdir="/tmp").output == b"/tmp\n"


def test_exec_run_streams_and_separates(host):
    container = spawn(host)
    code, chunks = container.exec_run(["sh", "-c", "echo one; echo two"], stream=True)
    assert code is None and b"".join(chunks) == b"one\ntwo\n"
    script = ["sh", "-c", "echo out; echo err >&2"]
    assert container.exec_run(script, demux=True) == (0, (b"out\n", b"err\n"))
    code, pairs = container.exec_run(script, stream=True, demux=True)
    out, err = zip(*pairs)
    assert (b"".join(filter(None, out)), b"".join(filter(None, err))) == (b"out\n", b"err\n")


def test_exec_by_socket_takes_input(host):
    container = spawn(host)
    ident = make_exec(host, container, "cat", stdin=True, tty=True)
    sock = host.sdk.api.exec_start(ident, socket=True, tty=True)
    sock._sock.sendall(b"typed\n")
    text = b""
    while b"typed\r\ntyped\r\n" not in text:
        data = sock._sock.recv(100)
        assert data, text
        text += data
    sock._sock.sendall(b"\x04")
    while sock._sock.recv(100):
        pass
    sock.close()
    assert host.sdk.api.exec_inspect(ident)["ExitCode"] == 0


def test_exec_detached_runs_without_us(host):
    container = spawn(host)
    ident = make_exec(host, container, ["sh", "-c", "exit 5"])
    assert not host.sdk.api.exec_start(ident, detach=True)
    until(lambda: host.sdk.api.exec_inspect(ident)["Running"] is False, "the end")
    assert host.sdk.api.exec_inspect(ident)["ExitCode"] == 5


def test_exec_inspect_tells_what_was_asked(host):
    container = spawn(host)
    ident = make_exec(host, container, ["mkdir", "/does/not/exist"], privileged=True, user="root")
    shown = host.sdk.api.exec_inspect(ident)
    assert (shown["ID"], shown["ContainerID"], shown["ExitCode"]) == (ident, container.id, None)
    assert shown["ProcessConfig"] == {"entrypoint": "mkdir", "arguments": ["/does/not/exist"], "privileged": True,
                                      "tty": False, "user": "root"}
    assert container.attrs is not None and ident in host.inspect(container.id)["ExecIDs"]


@pytest.mark.parametrize("keys", ["ctrl-p", "ctrl-p,ctrl-q"])
def test_exec_is_detached_from_by_its_keys(host, keys):
    container = spawn(host)
    ident = make_exec(host, container, "cat", stdin=True, tty=True, detach_keys=keys)
    sock = host.sdk.api.exec_start(ident, socket=True, tty=True)
    sock._sock.sendall(b"\x10\x11" if "q" in keys else b"\x10")
    while sock._sock.recv(100):
        pass  # to the end, which only the keys bring about
    sock.close()


# -- attach and logs ------------------------------------------------------------------------------------------------

def test_attach_streams_until_the_end(host):
    container = spawn(host, "sh", "-c", "echo first; sleep 0.2; echo last")
    assert b"".join(container.attach(stream=True, logs=True)) == b"first\nlast\n"


def test_attach_separates_streams(host):
    container = spawn(host, "sh", "-c", "echo out; echo err >&2")
    container.wait()
    assert container.attach(logs=True, demux=True) == (b"out\n", b"err\n")


def test_attach_by_socket_carries_frames(host):
    container = host.sdk.containers.create("busybox", ["cat"], stdin_open=True)
    sock = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    sock._sock.sendall(b"frame\n")
    data = b""
    while len(data) < 14:
        data += sock._sock.recv(100)
    assert data == b"\x01\0\0\0\0\0\0\x06frame\n"
    sock.close()


def test_logs_in_all_ways(host):
    container = spawn(host, "sh", "-c", "for i in 1 2 3; do echo $i; done; sleep 0.2; echo err >&2")
    assert container.wait()["StatusCode"] == 0
    assert container.logs() == b"1\n2\n3\nerr\n"
    assert container.logs(tail=2) == b"3\nerr\n" and container.logs(stderr=False, tail=2) == b"3\n"
    assert container.logs(stdout=False) == b"err\n"
    assert container.logs(tail=0) == b""
    assert b"".join(container.logs(stream=True)) == b"1\n2\n3\nerr\n"
    assert b"".join(container.logs(stream=True, follow=True)) == b"1\n2\n3\nerr\n"
    assert container.logs(since=int(time.time()) + 100) == b""
    assert container.logs(until=int(time.time()) - 1000) == b""
    stamps = [line.split(b" ")[0] for line in container.logs(timestamps=True).splitlines()]
    assert len(stamps) == 4 and stamps == sorted(stamps)


def test_logs_follow_what_comes(host):
    container = spawn(host, "sh", "-c", "echo before; while [ ! -e /go ]; do sleep 0.05; done; echo after")
    lines = container.logs(stream=True, follow=True)
    assert next(lines) == b"before\n"
    container.exec_run(["touch", "/go"])
    assert list(lines) == [b"after\n"]


# -- observe --------------------------------------------------------------------------------------------------------

def test_stats_as_a_document_and_as_a_stream(host):
    container = spawn(host)
    once = container.stats(stream=False)
    assert once["name"] == "/" + container.name and once["memory_stats"]["limit"] > 0
    stream = container.stats(decode=True, stream=True)
    first, second = next(stream), next(stream)
    assert second["preread"] == first["read"] and set(once) == set(first)
    stream.close()


def test_top_with_and_without_arguments(host):
    container = spawn(host, "sleep", "60")
    shown = container.top()
    assert shown["Titles"] == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert [process[-1] for process in shown["Processes"]] == ["sleep 60"]
    assert container.top(ps_args="waux")["Titles"][-1] == "COMMAND"


def test_update_of_limits_and_policy(host):
    container = spawn(host, mem_limit="64m", memswap_limit="128m", restart_policy={"Name": "always"})
    container.update(mem_limit=96 << 20, memswap_limit=192 << 20)
    container.update(restart_policy={"Name": "on-failure", "MaximumRetryCount": 5})
    container.reload()
    config = container.attrs["HostConfig"]
    assert (config["Memory"], config["MemorySwap"]) == (96 << 20, 192 << 20)
    assert config["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 5}


def test_pause_wait_kill_and_their_states(host):
    container = spawn(host)
    for change, status in ((container.pause, "paused"), (container.unpause, "running"), (container.kill, "exited")):
        change()
        container.reload()
        assert container.status == status
    assert container.wait()["StatusCode"] == 137
    with pytest.raises(docker.errors.APIError) as raised:
        container.kill()
    assert raised.value.response.status_code == 409 and "is not running" in raised.value.explanation


def test_wait_with_conditions(host):
    container = host.sdk.containers.create("busybox", ["true"])
    assert container.wait(condition="not-running")["StatusCode"] == 0
    results = []
    waiter = threading.Thread(target=lambda: results.append(container.wait(condition="next-exit")["StatusCode"]))
    waiter.start()
    host.sdk.containers.run("busybox", "true")  # the wait is under way by the time another container has come and gone
    while waiter.is_alive():
        container.start()
        waiter.join(1)
    assert results == [0]


def test_wait_gives_up_after_its_time(host):
    container = spawn(host)
    with pytest.raises((docker.errors.DockerException, OSError)):
        container.wait(timeout=1)


@pytest.mark.differs_from_reference("rename of a running container needs its network")
def test_resize_restart_stop_rename(host):
    container = spawn(host, tty=True, name="one")
    container.resize(height=40, width=120)
    assert container.exec_run("true").exit_code == 0
    started = container.attrs["State"]["StartedAt"]
    container.restart(timeout=0)
    container.rename("two")
    container.reload()
    assert container.name == "two" and container.attrs["State"]["StartedAt"] != started
    container.stop(timeout=0)
    container.reload()
    assert container.status == "exited"
    with pytest.raises(docker.errors.NotFound):
        host.sdk.containers.get("one")


def test_lists_by_filters(host):
    running = spawn(host, name="running", labels={"a": "b"})
    ended = spawn(host, "sh", "-c", "exit 3", name="ended")
    ended.wait()

    def names(**more):
        return {container.name for container in host.sdk.containers.list(**more)}
    assert names() == {"running"} and names(all=True) == {"running", "ended"}
    assert names(all=True, filters={"exited": 3}) == {"ended"}
    assert names(all=True, filters={"label": "a=b"}) == names(filters={"label": ["a"]}) == {"running"}
    assert names(all=True, filters={"status": "exited"}) == {"ended"}
    assert names(all=True, filters={"since": running.id}) == {"ended"}
    assert names(all=True, filters={"before": ended.id}) == {"running"}
    assert names(limit=1) == {"ended"}
    assert names(filters={"id": running.id[:12]}) == names(filters={"name": "run"}) == {"running"}
    assert host.sdk.api.containers(size=True)[0]["SizeRootFs"] > 0
    assert host.sdk.api.containers(quiet=True) == [{"Id": running.id}]


def test_prune_tells_what_it_removed(host):
    ended = spawn(host, "true")
    ended.wait()
    running = spawn(host)
    report = host.sdk.containers.prune()
    assert report["ContainersDeleted"] == [ended.id] and report["SpaceReclaimed"] >= 0
    assert [container.id for container in host.sdk.containers.list(all=True)] == [running.id]


def test_events_live_and_of_the_past(host):
    events = host.sdk.events(decode=True, filters={"event": "start", "type": "container"})
    container = spawn(host)
    event = next(events)
    assert (event["Action"], event["Actor"]["ID"], event["from"]) == ("start", container.id, "busybox")
    events.close()
    past = host.sdk.events(since=int(time.time()) - 100, until=int(time.time()) + 1)
    assert any(json.loads(line).get("id") == container.id for chunk in past for line in chunk.splitlines())


def test_ping_version_and_info(host):
    assert host.sdk.ping() is True
    assert host.sdk.version()["ApiVersion"] and host.sdk.info()["ContainersRunning"] == 0
