"""What restart policies ask for when the daemon, or the whole host, comes back."""

import shutil
import threading

import pytest

from harness.waiting import until

pytestmark = pytest.mark.berth_only


def spawn(host, policy, *command, **more):
    return host.spawn(*command, host_config={"RestartPolicy": {"Name": policy}}, **more)


def is_running(host, container):
    return host.state(container)["Status"] == "running"


def reboot(host):
    """Everything dies at once, and the exec root, which is in memory, is empty afterwards."""
    host.leftovers.note_containers()
    host.crash()
    ours = [pid for pid in host.processes() if pid != 1]
    if ours:
        host.shell("kill", "-KILL", *map(str, ours), check=False)
    until(lambda: not [pid for pid in host.processes() if pid != 1], "the end of all processes")
    shutil.rmtree(host.exec_root)
    host.start()


def test_reboot_brings_back_what_is_meant_to_run(fresh_host):
    host = fresh_host
    back = [spawn(host, policy, "sleep", "1000") for policy in ("always", "unless-stopped", "on-failure")]
    gone = host.spawn("sleep", "1000")
    never = host.create("sleep", "1000", host_config={"RestartPolicy": {"Name": "always"}})
    temporary = host.spawn("sleep", "1000", host_config={"AutoRemove": True})
    reboot(host)
    for container in back:
        until(lambda: is_running(host, container), "its return")
    assert (host.state(gone)["Status"], host.state(gone)["ExitCode"]) == ("exited", 255)
    assert host.state(never)["Status"] == "created"
    until(lambda: temporary not in [item["Id"] for item in host.containers()], "its removal")


def test_reboot_respects_a_stop(fresh_host):
    host = fresh_host
    always, unless = spawn(host, "always", "sleep", "1000"), spawn(host, "unless-stopped", "sleep", "1000")
    for container in (always, unless):
        assert host.api.post(f"/containers/{container}/stop", t=0).status == 204
    reboot(host)
    until(lambda: is_running(host, always), "its return")
    assert host.state(unless)["Status"] == "exited"


def test_container_that_ended_while_the_daemon_was_away_runs_again(fresh_host):
    host = fresh_host
    container = spawn(host, "always", "sleep", "1000")
    pid = host.state(container)["Pid"]
    host.leftovers.note_containers()
    host.crash()
    host.shell("kill", "-KILL", str(pid))
    until(lambda: not (host.proc / str(pid)).exists(), "its end")
    host.start()
    until(lambda: is_running(host, container), "its return")
    assert host.state(container)["Pid"] != pid


def test_wait_for_the_next_run_goes_on_after_a_crash(fresh_host):
    host = fresh_host
    container = spawn(host, "on-failure", "sh", "-c", "test -e /go && sleep 1000; exit 3")
    until(lambda: host.inspect(container)["RestartCount"] >= 5 and host.state(container)["Restarting"], "its waiting")
    count = host.inspect(container)["RestartCount"]
    host.leftovers.note_containers()
    host.crash()
    host.start()
    until(lambda: host.inspect(container)["RestartCount"] > count, "the next run")
    assert host.api.post(f"/containers/{container}/stop").status == 204
    assert host.state(container)["Status"] == "exited"


def test_paused_container_that_dies_with_the_host_is_not_paused_afterwards(fresh_host):
    host = fresh_host
    container = host.spawn("sleep", "1000")
    assert host.api.post(f"/containers/{container}/pause").status == 204
    assert host.api.post(f"/containers/{container}/kill").status == 204
    host.crash()
    host.start()
    assert host.state(container)["Status"] == "exited"


@pytest.mark.parametrize("options", [[], ["--rm"]], ids=["kept", "removed"])
@pytest.mark.parametrize("ends", ["later", "meanwhile"])
def test_run_goes_on_through_the_death_of_the_daemon(fresh_host, options, ends):
    host = fresh_host
    done = []
    command = ["run", *options, "--name", "web", "-i", "busybox", "sh", "-c", "echo up; until test -e /go; do sleep 0.01; done; exit 7"]
    thread = threading.Thread(target=lambda: done.append(host.berth(*command, check=False)))
    thread.start()
    until(lambda: any(item["State"] == "running" for item in host.containers()), "the container")
    host.wait_for_output("web", b"up")
    pid = host.state("web")["Pid"]
    host.leftovers.note_containers()
    host.crash()
    if ends == "later":
        host.start()
    host.shell("nsenter", f"--target={pid}", "--mount", "touch", "/go")
    if ends == "meanwhile":
        until(lambda: not (host.proc / str(pid)).exists(), "its end")
        host.start()
    thread.join(60)
    assert [(one.code, one.out) for one in done] == [(7, "up\n")], done
