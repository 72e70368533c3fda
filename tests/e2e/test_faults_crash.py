"""kill -9 at every step, and a disk that is full: nothing acknowledged is lost, nothing half-made stays."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
from http.client import HTTPException

import pytest

import archive
from harness.engines import engine_under_test
from harness.host import Host
from harness.leftovers import Leftovers
from harness.networks import ask_from_host
from harness.waiting import until

pytestmark = pytest.mark.berth_only

DELAYS = [0.0, 0.001, 0.002, 0.004, 0.008, 0.016]  # where in the operation the axe falls


def crash_during(host, request, delay):
    """Sends a request on a thread, kills the daemon `delay` seconds into it, and starts it again."""
    replies = []

    def ask():
        try:
            replies.append(request())
        except (OSError, ValueError, AssertionError, HTTPException) as error:
            replies.append(error)
    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(delay)
    host.leftovers.note_containers()
    host.crash()
    thread.join(60)
    host.leftovers.note_containers()
    host.start()
    return replies[0]


def test_kill_during_create_leaves_a_whole_container_or_none(fresh_host):
    host = fresh_host
    for turn, delay in enumerate(DELAYS):
        name = f"crash{turn}"
        reply = crash_during(host, lambda: host.api.post("/containers/create", body={"Image": "busybox", "Cmd": ["true"]},
                                                         name=name), delay)
        found = [item for item in host.containers() if f"/{name}" in item["Names"]]
        if getattr(reply, "status", None) == 201:
            assert [item["Id"] for item in found] == [reply.json["Id"]]
        for item in found:
            assert host.api.post(f"/containers/{item['Id']}/start").status == 204 and host.wait(item["Id"]) == 0
            host.remove(item["Id"])
        host.remove(host.create("true", name=name))
    host.leftovers.check()


def test_kill_during_start_leaves_it_running_or_not_and_the_state_is_true(fresh_host):
    host = fresh_host
    for delay in DELAYS:
        container = host.create("sleep", "1000")
        reply = crash_during(host, lambda: host.api.post(f"/containers/{container}/start"), delay)
        state = host.state(container)
        sleeping = [pid for pid, line in host.processes().items() if line == "sleep 1000"]
        assert state["Running"] == bool(sleeping), (state, host.processes())
        if getattr(reply, "status", None) == 204:
            assert state["Running"]
        if not state["Running"]:
            assert host.api.post(f"/containers/{container}/start").status == 204
        host.remove(container)
    host.leftovers.check()


def test_kill_during_load_leaves_no_half_image(fresh_host):
    host = fresh_host
    layers = [archive.tar([(f"file{n}-{k}", os.urandom(200_000)) for k in range(20)]) for n in range(3)]
    image = archive.Image("crash:1", layers, {"Cmd": ["/x"]})
    data = image.docker_archive()
    for delay in [*DELAYS, 0.05, 0.1]:
        crash_during(host, lambda: host.api.post("/images/load", body=data), delay)
        reply = host.api.get("/images/crash:1/json")
        if reply.status == 200:
            assert reply.json["Id"] == image.id
            assert host.api.delete("/images/crash:1").status == 200
        until(lambda: not host.leftovers.find(), lambda: str(host.leftovers.find()), deadline=20)
    host.load(data)
    assert host.api.get("/images/crash:1/json").json["Id"] == image.id


def test_kill_with_twenty_running_containers_loses_none(fresh_host):
    host = fresh_host
    running = [host.spawn("sh", "-c", f"trap 'exit {number}' TERM; echo up; while :; do sleep 0.1; done", name=f"r{number}")
               for number in range(20)]
    for container in running:
        host.wait_for_output(container, b"up")
    pids = [host.state(container)["Pid"] for container in running]
    host.leftovers.note_containers()
    host.crash()
    host.start()
    assert [host.state(container)["Pid"] for container in running] == pids
    for number, container in enumerate(running):
        assert host.api.post(f"/containers/{container}/stop", t=60).status == 204
        assert host.state(container)["ExitCode"] == number
        host.remove(container)
    host.leftovers.check()


def test_kill_of_the_daemon_again_and_again_under_load(fresh_host):
    host = fresh_host
    for turn in range(5):
        stop = threading.Event()

        def work(number):
            while not stop.is_set():
                try:
                    container = host.spawn("true", name=f"t{turn}-{number}")
                    host.wait(container)
                    host.remove(container)
                except (OSError, AssertionError, ValueError, HTTPException):
                    pass
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.15)
        host.leftovers.note_containers()
        host.crash()
        stop.set()
        for thread in threads:
            thread.join()
        host.leftovers.note_containers()
        host.start()
        for item in host.containers():
            host.remove(item["Id"])
    host.leftovers.check()


def shims(host, container):
    """The monitors of one container: ancestors of its process 1."""
    pid = host.state(container)["Pid"]
    parent = int(host.read_proc(pid, "stat").rsplit(")", 1)[1].split()[1])
    assert "berth-shim" in host.read_proc(parent, "cmdline") or "shim" in host.read_proc(parent, "comm")
    return parent


def test_kill_of_a_shim_ends_its_container_and_the_state_says_so(fresh_host):
    host = fresh_host
    container, other = host.spawn("sleep", "1000"), host.spawn("sleep", "1000")
    host.shell("kill", "-KILL", str(shims(host, container)))
    state = until(lambda: (s := host.state(container)) and not s["Running"] and s, "the loss to be noticed")
    assert state["Status"] == "exited" and state["ExitCode"] != 0
    until(lambda: sum(line == "sleep 1000" for line in host.processes().values()) == 1, "the orphan to be ended")
    assert host.state(other)["Running"]
    assert host.api.post(f"/containers/{container}/start").status == 204
    assert host.state(container)["Running"]


def test_kill_of_a_shim_while_the_daemon_is_away_is_noticed_at_its_return(fresh_host):
    host = fresh_host
    container = host.spawn("sleep", "1000")
    shim = shims(host, container)
    host.leftovers.note_containers()
    host.crash()
    host.shell("kill", "-KILL", str(shim))
    host.start()
    state = until(lambda: (s := host.state(container)) and not s["Running"] and s, "the loss to be noticed")
    assert state["Status"] == "exited" and state["ExitCode"] != 0
    until(lambda: "sleep 1000" not in host.processes().values(), "the orphan to be ended")


def test_a_shim_that_goes_away_while_it_is_taken_back_does_not_keep_the_daemon_from_starting(fresh_host):
    host = fresh_host
    container, other = host.spawn("sleep", "1000"), host.spawn("sleep", "2000")
    shim = shims(host, container)
    host.leftovers.note_containers()
    host.crash()
    host.shell("kill", "-KILL", str(shim))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        path = host.exec_root / "c" / container[:32] / "shim.sock"
        path.unlink()
        listener.bind(str(path))
        listener.listen()

        def greet_and_leave():
            connection, _ = listener.accept()
            with connection:
                connection.send(json.dumps({"event": "state", "pid": 1, "started_at": "2020-01-01T00:00:00Z"}).encode())
                connection.recv(1, socket.MSG_PEEK)
        thread = threading.Thread(target=greet_and_leave)
        thread.start()
        host.start()
        thread.join()
    assert host.state(container)["Status"] == "exited" and host.state(other)["Running"]


def test_wait_ends_when_the_shim_is_killed(fresh_host):
    host = fresh_host
    container = host.spawn("sleep", "1000")
    codes = []
    thread = threading.Thread(target=lambda: codes.append(host.wait(container)))
    thread.start()
    host.shell("kill", "-KILL", str(shims(host, container)))
    thread.join(60)
    assert len(codes) == 1 and codes[0] != 0


@pytest.fixture
def small_disk(image_folder):
    """A host whose data is on a file system of 24 MB."""
    own = Host(engine_under_test(), image_folder)
    disk = own.folder / "disk"
    try:
        with open(disk, "wb") as file:
            file.truncate(24 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk], check=True)
        own.data_root.mkdir(mode=0o710)
        own.shell("mount", "-o", "loop", str(disk), str(own.data_root))
        # From outside the data are seen through the holder's mount namespace.
        own.data_root = pathlib.Path(f"/proc/{own.holder}/root") / str(own.data_root)[1:]
        own.start().need("busybox")
        own.leftovers = Leftovers(own)
        yield own
    finally:
        own.close()


def test_full_disk_while_loading_is_said_and_rolled_back(small_disk):
    host = small_disk
    before = host.images()
    image = archive.Image("large:1", [archive.tar([(f"f{n}", os.urandom(1 << 20)) for n in range(40)])], {"Cmd": ["/f"]})
    for form in (image.docker_archive(), archive.gzip.compress(image.docker_archive(), 1)):
        reply = host.api.post("/images/load", body=form)
        assert b"no space left on device" in reply.body.lower() and (reply.status >= 400 or b"error" in reply.body)
        assert host.images() == before
        host.leftovers.check()
    assert host.run("echo", "still works")[1] == b"still works\n"
    host.load(archive.Image("small:1", [archive.tar([("f", b"x")])], {}).docker_archive())


def test_container_that_fills_the_disk_hurts_only_itself(small_disk):
    host = small_disk
    container = host.spawn("sh", "-c", "dd if=/dev/zero of=/fill bs=64k; echo filled; exit 3")
    assert host.wait(container) == 3
    assert host.state(container)["ExitCode"] == 3
    host.remove(container)
    until(lambda: not host.leftovers.find(), "its files to be removed, which happens after the answer")
    assert host.run("echo", "works again")[1] == b"works again\n"


def test_daemon_is_killed_by_nothing_but_us(fresh_host):
    """A daemon that gets TERM twice, HUP and PIPE ends once, cleanly."""
    host = fresh_host
    container = host.spawn("sleep", "1000")
    os.kill(host.daemon_pid, signal.SIGPIPE)
    assert host.api.get("/_ping").status == 200
    assert host.terminate() == 0
    host.start()
    assert host.state(container)["Running"]


def test_kill_at_the_end_of_a_container_that_removes_itself_leaves_nothing(fresh_host):
    host = fresh_host
    for delay in DELAYS:
        container = host.spawn("sleep", "1000", host_config={"AutoRemove": True}, name="own")
        crash_during(host, lambda: host.api.post(f"/containers/{container}/kill"), delay)
        until(lambda: all(item["State"] == "running" for item in host.containers()), "its end")
        # The signal may not have come at all, or end it only now.
        assert host.api.delete(f"/containers/{container}", force=1).status in (204, 404, 409)
        until(lambda: not host.leftovers.find(), lambda: str(host.leftovers.find()))
    host.leftovers.check()


def test_kill_during_start_leaves_its_ports_reached_by_ipv6(fresh_host):
    host = fresh_host
    for delay in [*DELAYS, 0.006, 0.01, 0.012]:
        container = host.create("nc", "-ll", "-p", "8000", "-e", "cat", ExposedPorts={"8000/tcp": {}},
                                host_config={"PortBindings": {"8000/tcp": [{"HostIp": "", "HostPort": "18000"}]}})
        crash_during(host, lambda: host.api.post(f"/containers/{container}/start"), delay)
        if host.state(container)["Running"]:
            until(lambda: ask_from_host(host, "::1", 18000, "still here", check=False) == "still here", "an answer")
        host.remove(container)
    host.leftovers.check()


def lasting_state(host, container, command):
    """The container's state if it is what the processes say. It changes once more after the daemon's start, if its policy brings it back."""
    state = host.state(container)
    count = list(host.processes().values()).count(command)
    return state if not state["Restarting"] and count == (1 if state["Running"] else 0) else None


@pytest.mark.parametrize("verb", ["stop", "restart", "pause", "kill"])
def test_kill_during_a_change_of_a_container_leaves_a_true_state(fresh_host, verb):
    host = fresh_host
    for delay in DELAYS:
        container = host.spawn("sleep", "1000", host_config={"RestartPolicy": {"Name": "unless-stopped"}})
        query = {"t": 0} if verb in ("stop", "restart") else {}
        reply = crash_during(host, lambda: host.api.post(f"/containers/{container}/{verb}", **query), delay)
        state = until(lambda: lasting_state(host, container, "sleep 1000"), lambda: f"a true state: {host.state(container)}, {host.processes()}")
        if getattr(reply, "status", None) == 204:
            wanted = {"stop": "exited", "kill": "exited", "restart": "running", "pause": "paused"}[verb]
            assert state["Status"] == wanted
        host.remove(container)
    host.leftovers.check()
