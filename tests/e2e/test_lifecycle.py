"""create, start, stop, kill, restart, wait, rename, remove and ps, with three clients."""

import json
import threading
import time

import pytest

from harness.clients import Failed
from harness.http import UnixConnection
from harness.waiting import until

IGNORES_TERM = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
SAYS_TERM = "trap 'echo term; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
SAYS_QUIT = "trap 'echo quit; exit 8' QUIT; echo ready; while :; do sleep 0.1; done"


def spawn_ready(host, client, script, **options):
    container = client.spawn("busybox", "sh", "-c", script, **options)
    host.wait_for_output(container, b"ready")
    return container


def test_created_container_has_not_run(client):
    container = client.create("busybox", "true", name="waits")
    state = client.inspect(container)["State"]
    assert (state["Status"], state["Running"], state["ExitCode"], state["Pid"]) == ("created", False, 0, 0)
    assert state["StartedAt"].startswith("0001-01-01") and state["FinishedAt"].startswith("0001-01-01")


def test_start_runs_it_and_start_again_changes_nothing(client):
    container = client.create("busybox", "sleep", "1000")
    client.start(container)
    pid = client.inspect(container)["State"]["Pid"]
    client.start(container)
    assert client.inspect(container)["State"]["Pid"] == pid


def test_exited_container_can_be_started_again(host, client):
    container = client.create("busybox", "sh", "-c", "echo run >> /count; cat /count")
    for runs in (1, 2, 3):
        client.start(container)
        assert client.wait(container) == 0
    assert host.output(container)[0] == b"run\n" * 6
    client.remove(container)


def test_stop_sends_term_and_takes_the_programs_exit_code(host, client):
    container = spawn_ready(host, client, SAYS_TERM)
    client.stop(container, timeout=60)
    assert client.inspect(container)["State"]["ExitCode"] == 7
    assert b"term" in host.output(container)[0]


def test_stop_kills_what_does_not_go_in_time(host, client):
    container = spawn_ready(host, client, IGNORES_TERM)
    client.stop(container, timeout=1)
    assert client.inspect(container)["State"]["ExitCode"] == 137


def test_stop_signal_is_the_containers_own(host, client):
    container = spawn_ready(host, client, SAYS_QUIT, stop_signal="SIGQUIT")
    client.stop(container, timeout=60)
    assert client.inspect(container)["State"]["ExitCode"] == 8


def test_stop_of_a_stopped_container_is_no_failure(client):
    container = client.create("busybox", "true")
    client.start(container)
    client.wait(container)
    client.stop(container)


@pytest.mark.parametrize("signal, code", [("KILL", 137), ("SIGKILL", 137), ("9", 137), ("USR1", 10)])
def test_kill_sends_any_signal_by_name_or_number(host, client, signal, code):
    container = spawn_ready(host, client, "trap 'exit 10' USR1; echo ready; while :; do sleep 0.1; done")
    client.kill(container, signal)
    assert client.wait(container) == code


def test_kill_of_a_stopped_container_is_refused(client):
    container = client.create("busybox", "true", name="still")
    with pytest.raises(Failed, match="is not running"):
        client.kill("still")


def test_restart_runs_it_anew(client):
    container = client.spawn("busybox", "sleep", "1000")
    before = client.inspect(container)["State"]
    client.restart(container, timeout=0)
    after = client.inspect(container)["State"]
    assert after["Running"] and after["Pid"] != before["Pid"] and after["StartedAt"] > before["StartedAt"]


def test_restart_starts_a_stopped_container(client):
    container = client.create("busybox", "sleep", "1000")
    client.restart(container)
    assert client.inspect(container)["State"]["Running"]


def test_wait_returns_when_the_container_ends(host, client):
    container = client.spawn("busybox", "sh", "-c", "read line; exit 5")
    assert client.wait(container) == 5
    assert client.wait(container) == 5


def wait_in_background(host, container, condition):
    answers = []

    def ask():
        answers.append(host.api.post(f"/containers/{container}/wait", condition=condition))
    thread = threading.Thread(target=ask)
    thread.start()
    return thread, answers


def test_wait_not_running_answers_at_once_for_a_created_container(host):
    container = host.create("true")
    reply = host.api.post(f"/containers/{container}/wait", condition="not-running")
    assert reply.status == 200 and reply.json["StatusCode"] == 0


def test_wait_next_exit_waits_for_the_next_run(host):
    container = host.create("sh", "-c", "exit 4")
    thread, answers = wait_in_background(host, container, "next-exit")
    thread.join(0.3)
    assert thread.is_alive()
    host.api.post(f"/containers/{container}/start")
    thread.join(60)
    assert answers[0].json["StatusCode"] == 4
    thread, answers = wait_in_background(host, container, "next-exit")
    thread.join(0.3)
    assert thread.is_alive()
    host.api.post(f"/containers/{container}/start")
    thread.join(60)
    assert answers[0].json["StatusCode"] == 4


def test_wait_answers_its_head_at_once_for_clients_wait_for_that_before_they_start(host):
    container = host.create("sh", "-c", "exit 8")
    connection = UnixConnection(host.socket)
    connection.request("POST", f"/containers/{container}/wait?condition=next-exit", headers={"Content-Length": "0"})
    response = connection.getresponse()
    assert response.status == 200
    host.api.post(f"/containers/{container}/start")
    assert json.loads(response.read())["StatusCode"] == 8
    connection.close()


def test_wait_removed_answers_when_it_is_gone(host):
    container = host.spawn("sh", "-c", "exit 6")
    thread, answers = wait_in_background(host, container, "removed")
    assert host.wait(container) == 6
    thread.join(0.3)
    assert thread.is_alive()
    host.remove(container)
    thread.join(60)
    assert answers[0].status == 200 and answers[0].json["StatusCode"] == 6


@pytest.mark.differs_from_reference("it waits as if no condition were given")
def test_wait_with_an_unknown_condition_is_400(host):
    container = host.create("true")
    assert host.api.post(f"/containers/{container}/wait", condition="never").status == 400


def test_wait_for_an_unknown_container_is_404(host):
    reply = host.api.post("/containers/nobody/wait")
    assert (reply.status, reply.message) == (404, "No such container: nobody")


def test_auto_remove_takes_it_away_after_its_end(client):
    container = client.spawn("busybox", "true", rm=True, name="fleeting")
    until(lambda: "fleeting" not in client.names(), f"{container} to be removed")


def test_rename_gives_the_new_name_and_frees_the_old(client):
    client.create("busybox", "true", name="before")
    client.rename("before", "after")
    assert client.names() == {"after"}
    client.create("busybox", "true", name="before")
    with pytest.raises(Failed, match="already in use"):
        client.rename("before", "after")


def test_remove_by_name_short_id_and_full_id(client):
    ids = [client.create("busybox", "true", name=f"c{number}") for number in range(3)]
    client.remove("c0")
    client.remove(ids[1][:12])
    client.remove(ids[2])
    assert client.names() == set()


def test_remove_of_a_running_container_needs_force(client):
    container = client.spawn("busybox", "sleep", "1000", name="busy")
    with pytest.raises(Failed, match="(?i)stop the container before|container is running"):
        client.remove("busy")
    assert client.inspect(container)["State"]["Running"]
    client.remove("busy", force=True)
    assert client.names() == set()


def test_ps_shows_running_containers_and_all_on_request(client):
    client.create("busybox", "true", name="made")
    client.spawn("busybox", "sleep", "1000", name="alive")
    client.run("busybox", "sh", "-c", "exit 9", name="ended")
    assert client.names(all=False) == {"alive"}
    assert client.names() == {"made", "alive", "ended"}


def test_ps_filters(client):
    client.create("busybox", "true", name="made", label={"tier": "web", "plain": ""})
    alive = client.spawn("busybox", "sleep", "1000", name="alive", label={"tier": "db"}, network="none")
    client.run("busybox", "sh", "-c", "exit 9", name="ended")
    assert client.names(status="created") == {"made"}
    assert client.names(status="running") == {"alive"}
    assert client.names(status="exited") == {"ended"}
    assert client.names(exited=9) == {"ended"}
    assert client.names(exited=8) == set()
    assert client.names(name="e") == {"made", "alive", "ended"}
    assert client.names(name="^ali") == {"alive"}
    assert client.names(id=alive[:12]) == {"alive"}
    assert client.names(label="tier") == {"made", "alive"}
    assert client.names(label="tier=web") == {"made"}
    assert client.names(label="plain") == {"made"}
    assert client.names(ancestor="busybox") == {"made", "alive", "ended"}
    assert client.names(ancestor="busybox:latest", status="running") == {"alive"}
    assert client.names(before="alive") == {"made"}
    assert client.names(since="made") == {"alive", "ended"}
    assert "alive" in client.names(network="none") and "alive" not in client.names(network="host")


def test_list_has_the_fields_that_clients_show(host):
    container = host.spawn("sh", "-c", "sleep 1000", name="shown", Labels={"a": "b"})
    item, = host.api.get("/containers/json", size=1).json
    assert item["Id"] == container and item["Names"] == ["/shown"] and item["Image"] == "busybox"
    assert item["ImageID"].startswith("sha256:") and item["Command"] == "sh -c 'sleep 1000'"
    assert item["State"] == "running" and item["Status"].startswith("Up ") and item["Labels"] == {"a": "b"}
    assert item["Ports"] == [] and item["Mounts"] == [] and abs(item["Created"] - time.time()) < 600
    assert "Networks" in item["NetworkSettings"] and "NetworkMode" in item["HostConfig"]
    assert item["SizeRootFs"] > 1_000_000


def test_list_limit_and_unknown_filter(host):
    for number in range(3):
        host.create("true", name=f"n{number}")
    assert [item["Names"] for item in host.api.get("/containers/json", limit=2).json] == [["/n2"], ["/n1"]]
    assert host.api.get("/containers/json", filters={"colour": ["red"]}).status == 400
    assert host.api.get("/containers/json", filters={"status": ["asleep"]}).status == 400


def test_ps_table_is_dockers(cli):
    cli("run", "-d", "--name", "shown", "busybox", "sleep", "1000")
    header, row = cli("ps").out.splitlines()
    assert header.split() == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    assert '"sleep 1000"' in row and row.endswith("shown") and " busybox " in row and " Up " in row
    assert cli("ps", "-q").out.strip() == row.split()[0]
    assert cli("container", "ls", "-aq", "--no-trunc").out.strip().startswith(row.split()[0])


def test_commands_print_what_they_were_given(cli):
    cli("create", "--name", "one", "busybox", "sleep", "1000")
    for command in (["start"], ["restart", "-t", "0"], ["stop", "-t", "0"], ["start"], ["kill"], ["rm"]):
        assert cli(*command, "one").out == "one\n"


def test_commands_go_on_after_a_missing_name_and_exit_1(cli):
    cli("create", "--name", "there", "busybox", "true")
    result = cli("rm", "missing", "there", check=False)
    assert (result.code, result.out) == (1, "there\n")
    assert "No such container: missing" in result.err


def test_inspect_formats_go_templates(cli):
    cli("create", "--name", "one", "--label", "a=b", "-e", "X=1", "busybox", "echo", "hi")
    assert cli("inspect", "-f", "{{.Name}} {{.State.Status}}", "one").out == "/one created\n"
    assert cli("inspect", "-f", "{{json .Config.Cmd}}", "one").out == '["echo","hi"]\n'
    assert cli("inspect", "-f", '{{index .Config.Labels "a"}}', "one").out == "b\n"
    assert cli("inspect", "-f", "{{range .Config.Cmd}}[{{.}}]{{end}}", "one").out == "[echo][hi]\n"
    assert cli("inspect", "-f", '{{join .Config.Cmd ","}}', "one").out == "echo,hi\n"
    assert cli("inspect", "-f", '{{if .State.Running}}up{{else}}down{{end}}', "one").out == "down\n"
    assert cli("inspect", "-f", '{{printf "%s-%d" .State.Status .State.ExitCode}}', "one").out == "created-0\n"
    result = cli("inspect", "missing", check=False)
    assert result.code == 1 and "missing" in result.err and result.out.strip() == "[]"


def test_commands_with_several_names_act_on_all_at_once(host, cli, tmp_path):
    waits = f"trap 'while [ ! -e {tmp_path}/go ]; do sleep 0.1; done; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
    releases = f"trap 'touch {tmp_path}/go; exit 4' TERM; echo ready; while :; do sleep 0.1; done"
    for name, script in (("waits", waits), ("releases", releases)):
        cli("run", "-d", "--name", name, "-v", f"{tmp_path}:{tmp_path}", "busybox", "sh", "-c", script)
        host.wait_for_output(name, b"ready")
    result = cli("stop", "-t", "-1", "waits", "nobody", "releases", check=False)
    assert (result.code, result.out) == (1, "waits\nreleases\n")
    assert "No such container: nobody" in result.err
    assert [host.inspect(name)["State"]["ExitCode"] for name in ("waits", "releases")] == [3, 4]
    assert cli("rm", "-f", "waits", "nobody", "releases").out == "waits\nreleases\n"
