"""Further processes in a running container: over the API, from both command lines, from python3-docker."""

import contextlib
import time

import pytest

from harness.http import frames
from harness.waiting import until


@pytest.fixture
def box(host):
    """A container that sleeps."""
    return host.spawn("sleep", "1000", name="box")


def create(host, container, *command, **config):
    config = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command), **config}
    reply = host.api.post(f"/containers/{container}/exec", body=config)
    assert reply.status == 201, reply
    return reply.json["Id"]


@contextlib.contextmanager
def started(host, exec_id, **options):
    with host.api.hijack(f"/exec/{exec_id}/start", body={"Detach": False, **options}) as stream:
        assert stream.status == 101
        yield stream


def execute(host, container, *command, **config):
    """Exit code and frames of a command in the container."""
    exec_id = create(host, container, *command, **config)
    with started(host, exec_id) as stream:
        output = frames(stream.read_all())
    return host.api.get(f"/exec/{exec_id}/json").json["ExitCode"], output


def output_of(host, container, *command, **config):
    return b"".join(data for _, data in execute(host, container, *command, **config)[1])


def test_exec_gives_both_streams_and_its_exit_code_at_once(host, box):
    for code in range(20):  # the exit code is there as soon as the stream has ended
        assert execute(host, box, "sh", "-c", f"echo out; exit {code}") == (code, [(1, b"out\n")])
    assert execute(host, box, "sh", "-c", "echo err >&2; kill -9 $$") == (137, [(2, b"err\n")])


def test_exec_reads_stdin_to_its_end(host, box):
    exec_id = create(host, box, "cat", AttachStdin=True)
    with started(host, exec_id) as stream:
        stream.send(b"some\0bytes")
        stream.close_stdin()
        assert frames(stream.read_all()) == [(1, b"some\0bytes")]


def test_exec_joins_all_namespaces_cgroups_and_limits(host, box):
    output = output_of(host, box, "sh", "-c", "ls -l /proc/self/ns | awk '{print $NF}'; cat /proc/self/cgroup; "
                               "grep -E '^(Cap|Seccomp:|NoNew)' /proc/self/status")
    init = output_of(host, box, "sh", "-c", "ls -l /proc/1/ns | awk '{print $NF}'; cat /proc/1/cgroup; "
                             "grep -E '^(Cap|Seccomp:|NoNew)' /proc/1/status")
    assert output == init and b"Seccomp:\t2" in init


def test_exec_has_the_environment_of_the_container_and_its_own(host):
    box = host.spawn("sleep", "1000", Env=["A=1", "B=2"])
    output = output_of(host, box, "env", Env=["B=3", "C=4"], Tty=False)
    values = dict(line.split("=", 1) for line in output.decode().splitlines())
    assert (values["A"], values["B"], values["C"], values["HOSTNAME"]) == ("1", "3", "4", box[:12])
    assert "TERM" not in values


def test_exec_takes_user_directory_and_privileges(host, box):
    shell = "id -u; id -g; pwd; grep CapEff /proc/self/status"
    output = output_of(host, box, "sh", "-c", shell, User="12:34", WorkingDir="/tmp")
    assert output == b"12\n34\n/tmp\nCapEff:\t0000000000000000\n"
    output = output_of(host, box, "sh", "-c", "grep CapEff /proc/self/status", Privileged=True)
    assert int(output.split()[1], 16) & (1 << 21)  # CAP_SYS_ADMIN


@pytest.mark.parametrize("command, code, text", [
    (["nothing-of-that-name"], 127, b'exec: "nothing-of-that-name": executable file not found in $PATH'),
    (["/etc/passwd"], 126, b"permission denied"),
    (["/no/where"], 127, b"no such file or directory"),
])
def test_program_that_cannot_run_is_told_on_the_stream_and_by_the_exit_code(host, box, command, code, text):
    result, output = execute(host, box, *command)
    told = b"".join(data for _, data in output)
    assert result == code and told.startswith(b"OCI runtime exec failed: exec failed: ") and text in told


def test_unknown_user_and_directory(host, box):
    code, [(_, told)] = execute(host, box, "id", User="somebody")
    assert code == 126 and b"unable to find user somebody: no matching entries in passwd file" in told
    code, [(_, told)] = execute(host, box, "id", WorkingDir="/no/where")
    assert code in (126, 127) and b"no such file or directory" in told


def test_detached_exec_answers_when_it_runs(host, box):
    exec_id = create(host, box, "sh", "-c", "echo done > /file; exit 3")
    assert host.api.post(f"/exec/{exec_id}/start", body={"Detach": True}).status == 200
    until(lambda: host.api.get(f"/exec/{exec_id}/json").json["ExitCode"] == 3, "the exec's end")
    assert execute(host, box, "cat", "/file")[1] == [(1, b"done\n")]
    failing = create(host, box, "nothing-of-that-name")
    reply = host.api.post(f"/exec/{failing}/start", body={"Detach": True})
    assert reply.status in (400, 404) and "executable file not found" in reply.message


def test_bad_requests_are_refused(host, box):
    create_url = f"/containers/{box}/exec"
    assert host.api.post(create_url, body={"Cmd": []}).status == 400
    assert "No exec command specified" in host.api.post(create_url, body={}).message
    assert host.api.post(create_url, body={"Cmd": ["true"], "DetachKeys": "ctrl-?,nope"}).status == 400
    assert host.api.post("/containers/nobody/exec", body={"Cmd": ["true"]}).status == 404
    unknown = "f" * 64
    for reply in (host.api.get(f"/exec/{unknown}/json"), host.api.post(f"/exec/{unknown}/start", body={}),
                  host.api.post(f"/exec/{unknown}/resize", h=1, w=1)):
        assert reply.status == 404 and f"No such exec instance: {unknown}" in reply.message


def test_exec_needs_a_running_container(host):
    created = host.create("true")
    reply = host.api.post(f"/containers/{created}/exec", body={"Cmd": ["true"]})
    assert reply.status == 409 and f"{created} is not running" in reply.message.replace("container ", "").lower()


def test_exec_runs_once(host, box):
    exec_id = create(host, box, "true")
    with started(host, exec_id) as stream:
        stream.read_all()
    reply = host.api.post(f"/exec/{exec_id}/start", body={"Detach": True})
    assert reply.status == 409 and "has already run" in reply.message


def test_inspect_shows_what_was_asked_for(host, box):
    exec_id = create(host, box, "sleep", "1000", User="0", AttachStdin=True)
    shown = host.api.get(f"/exec/{exec_id}/json").json
    assert (shown["Running"], shown["ExitCode"], shown["OpenStdin"]) == (False, None, True)
    assert shown["ProcessConfig"]["entrypoint"] == "sleep" and shown["ProcessConfig"]["arguments"] == ["1000"]
    assert shown["ContainerID"] == box and exec_id in host.inspect(box)["ExecIDs"]
    with started(host, exec_id):
        until(lambda: host.api.get(f"/exec/{exec_id}/json").json["Pid"] in host.processes(), "the process")
        shown = host.api.get(f"/exec/{exec_id}/json").json
        assert shown["Running"] and host.read_proc(shown["Pid"], "comm") in ("sleep\n", "busybox\n")


def test_execs_end_with_their_container(host, box):
    exec_id = create(host, box, "sh", "-c", "echo up; sleep 1000")
    with started(host, exec_id) as stream:
        stream.read_until(b"up\n")
        host.api.post(f"/containers/{box}/kill")
        assert frames(stream.read_all()) == [(1, b"up\n")]


def test_exec_of_a_terminal_resizes(host, box):
    exec_id = create(host, box, "sh", "-c", "trap 'stty size; exit 0' WINCH; tty; while :; do sleep 0.1; done", Tty=True,
                     AttachStdin=True)
    with started(host, exec_id, Tty=True) as stream:
        stream.read_until(b"/dev/pts/0\r\n")
        assert host.api.post(f"/exec/{exec_id}/resize", h=31, w=99).status in (200, 201)
        assert b"31 99" in stream.read_all()


def test_events_of_an_exec(host, box):
    since = int(time.time()) - 1
    exec_id = create(host, box, "sh", "-c", "exit 5")
    with started(host, exec_id) as stream:
        stream.read_all()
    host.api.get(f"/exec/{exec_id}/json")
    seen = host.api.get("/events", since=since, until=f"{time.time():.9f}", filters={"container": [box]}).lines
    events = [(event["Action"], event["Actor"]["Attributes"]) for event in seen if event["Action"].startswith("exec")]
    assert [action for action, _ in events] == ["exec_create: sh -c exit 5", "exec_start: sh -c exit 5", "exec_die"]
    assert all(attributes["execID"] == exec_id for _, attributes in events) and events[2][1]["exitCode"] == "5"


@pytest.mark.berth_only
def test_running_exec_outlives_the_daemon(host, box):
    exec_id = create(host, box, "sh", "-c", "echo up; read x; echo got $x; exit 4", AttachStdin=True)
    with started(host, exec_id) as stream:
        stream.read_until(b"up\n")
        host.crash()
        host.start()
        assert host.api.get(f"/exec/{exec_id}/json").json["Running"]
        stream.send(b"it\n")
        assert frames(stream.read_all()) == [(1, b"up\n"), (1, b"got it\n")]
    until(lambda: host.api.get(f"/exec/{exec_id}/json").json["ExitCode"] == 4, "the exec's end")
    assert execute(host, box, "true")[0] == 0


@pytest.mark.berth_only
def test_exec_that_ended_while_the_daemon_was_away_has_its_exit_code(host, box):
    exec_id = create(host, box, "sh", "-c", "echo up; read x; exit 6", AttachStdin=True)
    with started(host, exec_id) as stream:
        stream.read_until(b"up\n")
        host.crash()
        stream.send(b"go\n")
        assert frames(stream.read_all()) == [(1, b"up\n")]
    host.start()
    assert host.api.get(f"/exec/{exec_id}/json").json["ExitCode"] == 6


def test_many_clients_at_once(host, box):
    ids = [create(host, box, "sh", "-c", f"read x; echo {n} $x", AttachStdin=True) for n in range(20)]
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(started(host, exec_id)) for exec_id in ids]
        for stream in streams:
            stream.send(b"go\n")
        assert [frames(stream.read_all()) for stream in streams] == [[(1, b"%d go\n" % n)] for n in range(20)]


def test_python_client_executes(host, box):
    result = host.sdk.containers.get(box).exec_run(["sh", "-c", "echo out; echo err >&2; exit 2"], demux=True)
    assert (result.exit_code, result.output) == (2, (b"out\n", b"err\n"))
