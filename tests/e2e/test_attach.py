"""Attach and terminals: hijacked streams, a person typing, detach keys, resize."""

import contextlib
import os
import select
import signal
import subprocess

from harness.http import frames, split
from harness.waiting import until


def test_attach_sees_both_streams_framed(host):
    container = host.create("sh", "-c", "echo out; echo err >&2")
    with host.api.hijack(f"/containers/{container}/attach", stream=1, stdout=1, stderr=1) as stream:
        assert stream.status == 101 and stream.headers["upgrade"] == "tcp"
        assert stream.headers["content-type"] == "application/vnd.docker.multiplexed-stream" or host.engine.is_reference
        host.api.post(f"/containers/{container}/start")
        assert sorted(frames(stream.read_all())) == [(1, b"out\n"), (2, b"err\n")]


def test_attach_without_upgrade_is_the_older_200(host):
    container = host.create("echo", "hi")
    with host.api.hijack(f"/containers/{container}/attach", upgrade=False, stream=1, stdout=1) as stream:
        assert stream.status == 200 and stream.headers["content-type"] == "application/vnd.docker.raw-stream"
        host.api.post(f"/containers/{container}/start")
        assert frames(stream.read_all()) == [(1, b"hi\n")]


def test_attach_with_logs_gives_what_was_written_before(host):
    container = host.spawn("sh", "-c", "echo before; read x; echo after", OpenStdin=True)
    host.wait_for_output(container, b"before")
    with host.api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1, logs=1) as stream:
        stream.read_until(b"before\n")
        stream.send(b"go\n")
        assert frames(stream.read_all()) == [(1, b"before\n"), (1, b"after\n")]


def test_attach_of_logs_alone_ends(host):
    container = host.spawn("echo", "done")
    host.wait(container)
    with host.api.hijack(f"/containers/{container}/attach", stdout=1, logs=1) as stream:
        assert frames(stream.read_all()) == [(1, b"done\n")]


def test_two_clients_see_the_same_output(host):
    container = host.spawn("sh", "-c", "while read x && test $x != end; do echo got $x; done", OpenStdin=True)
    path = f"/containers/{container}/attach"
    with host.api.hijack(path, stream=1, stdin=1, stdout=1) as one, host.api.hijack(path, stream=1, stdout=1) as two:
        def is_attached():  # of a container that runs, the answer's head may come just before it
            one.send(b"here\n")
            return select.select([two.sock], [], [], 0.1)[0]
        until(is_attached, "the second client to be attached")
        one.send(b"this\nend\n")
        first, second = one.read_all(), two.read_all()
        assert split(second)[0].endswith(b"got this\n") and first.endswith(second)


def test_stdin_stays_open_after_a_client_left_unless_it_is_once(host):
    container = host.spawn("sh", "-c", "read a; read b; echo $a $b", OpenStdin=True)
    for word in (b"one\n", b"two\n"):
        with host.api.hijack(f"/containers/{container}/attach", stream=1, stdin=1) as stream:
            stream.send(word)
            stream.close_stdin()
            if word == b"one\n":
                assert stream.read_all() == b""
    assert host.wait(container) == 0
    assert host.output(container)[0] == b"one two\n"


def test_stdin_once_ends_with_its_first_client(host):
    container = host.create("cat", OpenStdin=True, StdinOnce=True)
    with host.api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1) as stream:
        host.api.post(f"/containers/{container}/start")
        stream.send(b"all there is")
        stream.close_stdin()
        assert frames(stream.read_all()) == [(1, b"all there is")]
    assert host.wait(container) == 0


def test_attach_to_an_unknown_container_is_404(host):
    with host.api.hijack("/containers/nobody/attach", stream=1, stdout=1) as stream:
        assert stream.status == 404


def test_session_on_a_terminal(terminal):
    session = terminal("run", "-it", "--rm", "--name", "typed", "busybox", "sh")
    session.expect("# ")
    assert session.is_raw()
    session.type("tty; echo $TERM\r")
    assert "/dev/pts/0" in session.expect("xterm")
    session.type("exit 12\r")
    assert session.finish() == 12


def test_terminal_has_the_size_of_the_clients_and_follows_it(terminal):
    session = terminal("run", "-it", "--rm", "busybox", "sh", rows=33, columns=111)
    session.expect("# ")
    session.type("stty size\r")
    session.expect("33 111")
    session.resize(44, 122)
    session.type("while [ \"$(stty size)\" != '44 122' ]; do sleep 0.1; done; echo re''sized\r")
    session.expect("resized")
    session.type("exit\r")
    session.finish()


def test_control_c_goes_to_the_program_inside(terminal):
    session = terminal("run", "-it", "--rm", "busybox", "sh", "-c", "trap 'echo caught; exit 3' INT; echo up; sleep 1000 & wait")
    session.expect("up")
    session.type("\x03")
    session.expect("caught")
    assert session.finish() == 3


def test_detach_keys_leave_it_running_and_attach_comes_back(host, cli, terminal):
    session = terminal("run", "-it", "--name", "left", "busybox", "sh")
    session.expect("# ")
    session.type("\x10\x11")
    assert session.finish() == 0
    assert host.state("left")["Running"]
    again = terminal("attach", "left")
    again.type("\recho back again\r")
    again.expect("back again\r\n")
    again.type("exit 4\r")
    assert again.finish() == 4


def test_detach_keys_can_be_chosen(host, terminal):
    session = terminal("run", "-it", "--name", "left", "--detach-keys", "ctrl-x,q", "busybox", "sh")
    session.expect("# ")
    session.type("echo \x10\x11 still here\r")
    session.expect("still here\r\n")
    session.type("\x18q")
    session.finish()
    assert host.state("left")["Running"]


def test_piped_stdin_on_the_command_line(cli):
    assert cli("run", "-i", "--rm", "busybox", "cat", input="through\n").out == "through\n"


def test_no_output_of_a_short_program_is_lost(host):
    """A client may ask for the start as soon as it has read 101, while the engine is still busy attaching it."""
    for _ in range(40):
        container = host.create("echo", "hi")
        with host.api.hijack(f"/containers/{container}/attach", stream=1, stdout=1) as stream:
            assert host.api.post(f"/containers/{container}/start").status == 204
            assert frames(stream.read_all()) == [(1, b"hi\n")]
        host.api.delete(f"/containers/{container}?force=1")


def test_start_attached_gives_output_and_exit_code(cli):
    cli("create", "--name", "once", "busybox", "sh", "-c", "echo hi; exit 9")
    result = cli("start", "-a", "once", check=False)
    assert (result.code, result.out) == (9, "hi\n")


def test_terminal_without_a_terminal_is_refused(cli):
    result = cli("run", "-it", "--rm", "busybox", "true", input="", check=False)
    assert result.code == 1 and "the input device is not a TTY" in result.err


def test_signals_to_the_client_reach_the_container(host, cli):
    client = subprocess.Popen([cli.program, "run", "--rm", "--name", "proxied", "busybox", "sh", "-c",
                               "trap 'echo got it; exit 6' USR1; echo up; while :; do sleep 0.1; done"],
                              env=host.environment, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "up\n"
    client.send_signal(signal.SIGUSR1)
    assert client.stdout.readline() == "got it\n"
    assert client.wait(60) == 6
    client.stdout.close()


def test_resize_over_the_api(host):
    container = host.spawn("sh", "-c", "trap 'stty size' WINCH; echo up; while :; do sleep 0.1; done", Tty=True)
    url = f"/containers/{container}/logs"
    until(lambda: b"up" in host.api.get(url, stdout=1).body, "the program")
    reply = host.api.post(f"/containers/{container}/resize", h=21, w=77)
    assert reply.status == 200
    until(lambda: b"21 77" in host.api.get(url, stdout=1).body, "the new size")
    assert host.api.post(f"/containers/{container}/resize", h="tall", w=77).status == 400


def test_resize_of_a_stopped_container_is_409(host):
    container = host.create("true", Tty=True)
    reply = host.api.post(f"/containers/{container}/resize", h=21, w=77)
    assert reply.status == 409 and "is not running" in reply.message


def test_client_that_dies_does_not_end_the_container(host, cli):
    client = subprocess.Popen([cli.program, "run", "--name", "orphan", "busybox", "sh", "-c", "echo up; sleep 1000"],
                              env=host.environment, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "up\n"
    os.kill(client.pid, signal.SIGKILL)
    client.wait(60)
    client.stdout.close()
    assert host.state("orphan")["Running"]


def test_attached_client_that_stops_reading_does_not_stop_others(host):
    container = host.spawn("sh", "-c", "read x; seq 1 300000; echo end", OpenStdin=True)
    path = f"/containers/{container}/attach"
    with host.api.hijack(path, stream=1, stdin=1, stdout=1) as slow:
        slow.send(b"go\n")
        until(lambda: b"\n1000\n" in host.output(container)[0], "output")
    assert host.wait(container) == 0
    assert host.output(container)[0].endswith(b"300000\nend\n")


def test_many_clients_of_one_terminal_see_the_same_and_may_all_type(host):
    container = host.spawn("sh", "-c", "stty -echo; echo up; while read x; do echo got $x; done", OpenStdin=True, Tty=True)
    until(lambda: b"up" in host.api.get(f"/containers/{container}/logs", stdout=1).body, "its readiness")
    path = f"/containers/{container}/attach"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(host.api.hijack(path, stream=1, stdin=1, stdout=1)) for _ in range(10)]
        for number, client in enumerate(clients):
            client.send(b"%d\n" % number)
            client.read_until(b"got %d\r\n" % number)  # what it typed has come back: it is attached
        clients[0].send(b"all\n\x04")
        for client in clients:
            assert client.read_all().endswith(b"got all\r\n")
    assert host.wait(container) == 0
