"""The daemon goes and comes back: containers run on, and what became of them is known."""

import signal

import pytest

from harness.waiting import until

WAYS = [signal.SIGTERM, signal.SIGKILL]


@pytest.fixture(params=WAYS, ids=["term", "kill"])
def restart(fresh_host, request):
    """Stops the daemon, lets something happen meanwhile, and starts it again."""
    def again(meanwhile=lambda: None):
        fresh_host.signal_daemon(request.param)
        meanwhile()
        fresh_host.start()
    return again


def test_running_containers_run_on(fresh_host, restart):
    host = fresh_host
    containers = [host.spawn("sleep", "1000", name=f"c{number}") for number in range(3)]
    before = [host.state(container) for container in containers]
    restart()
    after = [host.state(container) for container in containers]
    assert [(s["Pid"], s["StartedAt"], s["Status"]) for s in after] == [(s["Pid"], s["StartedAt"], "running") for s in before]
    for container in containers:
        assert host.api.post(f"/containers/{container}/stop", t=0).status == 204
        assert host.state(container)["ExitCode"] == 137


def test_exit_while_the_daemon_was_away_is_known(fresh_host, restart):
    host = fresh_host
    container = host.spawn("sh", "-c", "read x; exit 33", OpenStdin=True)
    pid = host.state(container)["Pid"]

    def end():
        # Its stdin cannot be reached without the daemon, so a signal ends it.
        host.shell("kill", "-KILL", str(pid))
        until(lambda: not host.proc.joinpath(str(pid)).exists(), "its end")
    restart(end)
    state = until(lambda: (s := host.state(container)) and not s["Running"] and s, "the true state")
    assert (state["Status"], state["ExitCode"]) == ("exited", 137)
    assert state["FinishedAt"] > state["StartedAt"]


def test_exit_code_of_a_program_that_ended_by_itself_is_known(fresh_host, restart):
    host = fresh_host
    script = "while [ ! -e /proc/1/cwd/go ]; do sleep 0.02; done; echo last words; exit 42"
    container = host.spawn("sh", "-c", script)
    pid = host.state(container)["Pid"]

    def go():
        (host.proc / str(pid) / "root" / "go").touch()
        until(lambda: not host.proc.joinpath(str(pid)).exists(), "the program's end")
    restart(go)
    assert host.wait(container) == 42
    assert host.state(container)["ExitCode"] == 42
    if not host.engine.is_reference:  # whose pipes nobody read meanwhile
        assert host.output(container)[0] == b"last words\n"


def test_stopped_and_created_containers_are_what_they_were(fresh_host, restart):
    host = fresh_host
    created = host.create("true", name="created", Labels={"a": "b"})
    exited = host.spawn("sh", "-c", "echo said; exit 5", name="exited")
    host.wait(exited)
    before = [host.inspect(container) for container in (created, exited)]
    restart()
    after = [host.inspect(container) for container in (created, exited)]
    for key in ("Id", "Name", "Created", "Path", "Args", "Config", "State", "Image"):
        assert [item[key] for item in after] == [item[key] for item in before], key
    assert host.output(exited)[0] == b"said\n"
    assert host.api.post(f"/containers/{created}/start").status == 204
    assert host.wait(created) == 0


def test_output_goes_on_into_the_log_while_the_daemon_is_away(fresh_host, restart):
    host = fresh_host
    if host.engine.is_reference:
        pytest.skip("Docker's output waits in a pipe")
    script = "echo before; while [ ! -e /go ]; do sleep 0.02; done; echo during; while [ ! -e /end ]; do sleep 0.02; done; echo after"
    container = host.spawn("sh", "-c", script)
    host.wait_for_output(container, b"before")
    root = host.proc / str(host.state(container)["Pid"]) / "root"
    log = host.data_root / "containers" / container / f"{container}-json.log"

    def go():
        (root / "go").touch()
        until(lambda: "during" in log.read_text(), "the log")
    restart(go)
    (root / "end").touch()
    assert host.wait(container) == 0
    assert host.output(container)[0] == b"before\nduring\nafter\n"


def test_images_and_names_are_kept(fresh_host, restart):
    host = fresh_host
    host.api.post("/images/busybox/tag", repo="kept", tag="1")
    before = host.images()
    restart()
    assert host.images() == before
    assert host.run("echo", "still", image="kept:1")[1] == b"still\n"


def test_attach_works_after_the_daemons_return(fresh_host, restart):
    host = fresh_host
    container = host.spawn("sh", "-c", "read x; echo got $x", OpenStdin=True)
    restart()
    with host.api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1) as stream:
        stream.send(b"word\n")
        assert stream.read_all()[8:] == b"got word\n"
    assert host.wait(container) == 0


@pytest.mark.berth_only
def test_attached_client_does_not_notice_that_the_daemon_went(fresh_host, restart):
    host = fresh_host
    container = host.spawn("sh", "-c", "while read x; do echo got $x; done", OpenStdin=True, StdinOnce=True)
    with host.api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1) as stream:
        stream.send(b"one\n")
        stream.read_until(b"got one\n")

        def talk():
            stream.send(b"two\n")
            stream.read_until(b"got two\n")
        restart(talk)
        stream.send(b"three\n")
        stream.read_until(b"got three\n")
        stream.close_stdin()
        stream.read_all()
    assert host.wait(container) == 0


@pytest.mark.differs_from_reference("its daemon removes such a container when it comes back")
def test_auto_remove_works_for_containers_of_an_earlier_daemon(fresh_host, restart):
    host = fresh_host
    container = host.spawn("sleep", "1000", host_config={"AutoRemove": True})
    restart()
    assert host.api.post(f"/containers/{container}/kill").status == 204
    until(lambda: host.containers() == [], "its removal")


@pytest.mark.berth_only
def test_auto_remove_happens_after_an_end_that_nobody_saw(fresh_host, restart):
    host = fresh_host
    container = host.spawn("sleep", "1000", host_config={"AutoRemove": True})
    pid = host.state(container)["Pid"]
    restart(lambda: host.shell("kill", "-KILL", str(pid)))
    until(lambda: host.containers() == [], "its removal")


def test_daemon_stops_cleanly_on_term(fresh_host):
    host = fresh_host
    host.spawn("sleep", "1000")
    assert host.terminate() == 0
    assert not (host.folder / "pid").exists()
    host.start()
    assert host.containers()[0]["State"] == "running"


@pytest.mark.berth_only
def test_second_daemon_on_the_same_data_is_refused(fresh_host):
    host = fresh_host
    done = host.shell(*host.engine.command(host.folder), check=False, timeout=60)
    assert done.returncode != 0
    assert host.api.get("/_ping").status == 200
