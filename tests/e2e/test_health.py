"""Health checks: what probes find, what is kept of it, and who may see it."""

import json
import time

import docker.types
import pytest

from harness.health import HOUR, MS, changes, check, execute, health, moment, past, shell, sleeper, wait_for, wait_for_results
from harness.waiting import until


# -- probes ---------------------------------------------------------------------------------------------------------


def test_status_follows_the_probes_and_each_change_is_an_event(host):
    since = time.time()
    container = sleeper(host, shell("cat /well", Retries=2))
    assert health(host, container)["Status"] == "starting"
    sick = wait_for(host, container, "unhealthy")
    assert sick["FailingStreak"] >= 2
    assert (sick["Log"][-1]["ExitCode"], "No such file" in sick["Log"][-1]["Output"]) == (1, True)
    execute(host, container, "sh", "-c", "echo yes > /well")
    well = wait_for(host, container, "healthy")
    assert (well["FailingStreak"], well["Log"][-1]["ExitCode"], well["Log"][-1]["Output"]) == (0, 0, "yes\n")
    execute(host, container, "rm", "/well")
    wait_for(host, container, "unhealthy")
    assert changes(host, since, container) == [f"health_status: {status}" for status in ("unhealthy", "healthy", "unhealthy")]


def test_three_failures_in_a_row_are_needed_by_default(host):
    container = sleeper(host, shell("exit 7"))
    shown = wait_for(host, container, "unhealthy")
    assert shown["FailingStreak"] >= 3 and [result["ExitCode"] for result in shown["Log"][:3]] == [7, 7, 7]


def test_a_failure_between_successes_changes_nothing(host):
    since = time.time()
    container = sleeper(host, shell("echo >> /n; test $(wc -l < /n) -ne 3", Retries=2))
    until(lambda: sum(result["ExitCode"] for result in health(host, container)["Log"]) == 1, "the one failure")
    until(lambda: health(host, container)["Log"][0]["ExitCode"] == 1, "it to become the oldest result")
    assert changes(host, since, container) == ["health_status: healthy"]


def test_last_five_results_are_kept_with_their_times(host):
    container = sleeper(host, shell("echo >> /n; wc -l < /n"))
    until(lambda: int(wait_for_results(host, container)[-1]["Output"]) >= 7, "the seventh result")
    results = health(host, container)["Log"]
    numbers = [int(result["Output"]) for result in results]
    assert len(results) == 5 and numbers == list(range(numbers[0], numbers[0] + 5))
    times = [moment(result[key]) for result in results for key in ("Start", "End")]
    assert times == sorted(times)


def test_command_without_a_shell(host):
    container = sleeper(host, check("CMD", "echo", "a  b", "$HOME"))
    assert wait_for_results(host, container)[0]["Output"] == "a  b $HOME\n"


def test_probe_has_the_containers_user_directory_and_environment(host):
    container = sleeper(host, shell("id -u; pwd; echo $COLOUR"), User="12", WorkingDir="/tmp", Env=["COLOUR=red"])
    assert wait_for_results(host, container)[0]["Output"] == "12\n/tmp\nred\n"


@pytest.mark.differs_from_reference("it does not show the output, and leaves the shell's child")
def test_probe_that_takes_too_long_is_ended_with_its_children(host):
    container = sleeper(host, shell("echo begun; sleep 4321", Timeout=300, Retries=1))
    first = wait_for(host, container, "unhealthy")["Log"][0]
    assert (first["ExitCode"], first["Output"]) == (-1, "Health check exceeded timeout (300ms): begun\n")
    wait_for_results(host, container, 3)
    assert list(host.processes().values()).count("sleep 4321") <= 1  # of the probe that may be under way


def test_silent_probe_that_takes_too_long(host):
    container = sleeper(host, check("CMD", "sleep", "4321", Timeout=50))
    assert wait_for_results(host, container)[0]["Output"] == "Health check exceeded timeout (50ms)"


def test_output_is_cut_and_always_text(host):
    container = sleeper(host, shell("head -c 5000 /dev/zero | tr '\\0' x"))
    assert wait_for_results(host, container)[0]["Output"] == "x" * 4096 + "..."
    container = sleeper(host, shell("printf 'a\\377b' >&2"))
    assert wait_for_results(host, container)[0]["Output"] == "a\N{REPLACEMENT CHARACTER}b"


def test_program_that_is_not_there(host):
    container = sleeper(host, check("CMD", "nothing-of-that-name"))
    result = wait_for(host, container, "unhealthy")["Log"][0]
    assert result["ExitCode"] == -1 and 'exec: "nothing-of-that-name": executable file not found in $PATH' in result["Output"]


def test_failures_of_the_start_period_do_not_count(host):
    container = sleeper(host, shell("exit 1", Retries=1, StartPeriod=HOUR, StartInterval=20))
    wait_for_results(host, container, 4)
    assert (health(host, container)["Status"], health(host, container)["FailingStreak"]) == ("starting", 0)


@pytest.mark.differs_from_reference("it has no start interval")
def test_start_interval_holds_until_the_first_success(host):
    container = sleeper(host, shell("echo >> /n; test -e /well", interval=HOUR, StartPeriod=HOUR, StartInterval=20))
    wait_for_results(host, container, 3)
    execute(host, container, "touch", "/well")
    wait_for(host, container, "healthy")
    tries = host.docker("exec", container, "wc", "-l", "/n").out
    wait_for_results(host, sleeper(host, shell("true")), 5)  # time enough for others
    assert host.docker("exec", container, "wc", "-l", "/n").out == tries


# -- the container's life ----------------------------------------------------------------------------------------------


def test_created_container_and_one_without_a_check_have_no_health(host):
    assert "Health" not in host.state(host.create("true", Healthcheck=shell("true")))
    assert "Health" not in host.state(host.spawn("sleep", "1000"))
    assert "Health" not in host.state(sleeper(host, {"Test": ["NONE"]}))


def test_nobody_looks_after_a_stopped_container_and_a_start_begins_anew(host):
    container = sleeper(host, shell("test -e /well", interval=50))
    execute(host, container, "touch", "/well")
    wait_for(host, container, "healthy")
    assert host.api.post(f"/containers/{container}/stop", t=0).status == 204
    assert (host.state(container)["Status"], health(host, container)["Status"]) == ("exited", "unhealthy")
    since = time.time()
    assert host.api.post(f"/containers/{container}/start").status == 204
    wait_for(host, container, "healthy")
    assert changes(host, since, container) == ["health_status: healthy"]


def test_paused_container_is_not_probed(host):
    container = sleeper(host, shell("echo >> /n"))
    wait_for(host, container, "healthy")
    assert host.api.post(f"/containers/{container}/pause").status == 204
    results = health(host, container)
    assert results["Status"] == "unhealthy"
    wait_for_results(host, sleeper(host, shell("true")), 5)
    assert health(host, container) == results
    assert host.api.post(f"/containers/{container}/unpause").status == 204
    wait_for(host, container, "healthy")


@pytest.mark.berth_only
def test_pause_during_a_probe_drops_it(host):
    container = sleeper(host, shell("test -e /quick || sleep 4321", interval=100))
    until(lambda: "sleep 4321" in host.processes().values(), "the probe")
    execute(host, container, "touch", "/quick")
    assert host.api.post(f"/containers/{container}/pause").status == 204
    assert host.api.post(f"/containers/{container}/unpause").status == 204
    wait_for(host, container, "healthy")
    assert "sleep 4321" not in host.processes().values()
    assert all(result["ExitCode"] == 0 for result in health(host, container)["Log"])


def test_signal_that_ends_nothing_does_not_end_the_checks(host):
    container = host.spawn("sh", "-c", "trap : USR1; while :; do sleep 0.05; done", Healthcheck=shell("echo >> /n; wc -l < /n"))
    wait_for(host, container, "healthy")
    assert host.api.post(f"/containers/{container}/kill", signal="USR1").status == 204
    seen = int(health(host, container)["Log"][-1]["Output"])
    until(lambda: int(health(host, container)["Log"][-1]["Output"]) > seen + 2, "further results")
    assert health(host, container)["Status"] == "healthy"


def test_next_run_of_a_restart_policy_begins_anew(host):
    policy = {"RestartPolicy": {"Name": "always"}}
    command = "rm -f /sick; until test -e /sick; do sleep 0.02; done; until test -e /end; do sleep 0.02; done; rm /end"
    container = host.spawn("sh", "-c", command, Healthcheck=shell("test ! -e /sick", Retries=1), host_config=policy)
    execute(host, container, "touch", "/sick")
    wait_for(host, container, "unhealthy")
    since = time.time()
    execute(host, container, "touch", "/end")
    wait_for(host, container, "healthy")
    assert host.inspect(container)["RestartCount"] == 1
    assert changes(host, since, container) == ["health_status: healthy"]


@pytest.mark.berth_only
def test_health_and_a_probe_under_way_survive_the_daemon(fresh_host):
    host = fresh_host
    sick = sleeper(host, shell("exit 1", Retries=1))
    wait_for(host, sick, "unhealthy")
    slow = sleeper(host, shell("echo >> /tries; until test -e /go; do sleep 0.01; done", Timeout=HOUR))
    until(lambda: [line for line in host.processes().values() if "/tries" in line], "the probe")
    before = health(host, sick)["FailingStreak"]
    host.leftovers.note_containers()
    host.crash()
    host.start()
    shown = health(host, sick)
    assert shown["Status"] == "unhealthy" and shown["FailingStreak"] >= before
    assert (health(host, slow)["Status"], host.inspect(slow)["ExecIDs"]) == ("starting", None)
    execute(host, slow, "touch", "/go")
    wait_for(host, slow, "healthy")
    until(lambda: int(host.docker("exec", slow, "wc", "-l", "/tries").out.split()[0]) >= 3, "further probes")
    assert [result["ExitCode"] for result in health(host, slow)["Log"][:2]] == [0, 0]


@pytest.mark.berth_only
def test_probe_that_ended_while_the_daemon_was_away_is_made_again(fresh_host):
    host = fresh_host
    container = sleeper(host, shell("echo >> /tries; until test -e /go; do sleep 0.01; done", Timeout=HOUR))
    until(lambda: [line for line in host.processes().values() if "/tries" in line], "the probe")
    pid = host.state(container)["Pid"]
    host.leftovers.note_containers()
    host.crash()
    (host.proc / str(pid) / "root/go").touch()
    until(lambda: not [line for line in host.processes().values() if "/tries" in line], "its end")
    host.start()
    wait_for(host, container, "healthy")


@pytest.mark.berth_only
def test_paused_container_is_not_probed_by_the_next_daemon_either(fresh_host):
    host = fresh_host
    container = sleeper(host, shell("true"))
    wait_for(host, container, "healthy")
    assert host.api.post(f"/containers/{container}/pause").status == 204
    host.leftovers.note_containers()
    host.crash()
    host.start()
    assert host.state(container)["Status"] == "paused" and health(host, container)["Status"] == "unhealthy"
    assert host.api.post(f"/containers/{container}/unpause").status == 204
    wait_for(host, container, "healthy")


# -- what is seen of it ------------------------------------------------------------------------------------------------


def test_probes_have_the_events_of_an_exec(host):
    since = time.time()
    container = sleeper(host, check("CMD", "echo", "well"))
    wait_for(host, container, "healthy")
    until(lambda: past(host, since, event=["exec_die"]), "the probe's end")
    events = past(host, since, container=[container])
    probe = next(event for event in events if event["Action"].startswith("exec_create"))
    exec_id = probe["Actor"]["Attributes"]["execID"]
    told = [event["Action"] for event in events if event["Actor"]["Attributes"].get("execID") == exec_id]
    assert [action.strip() for action in told] == ["exec_create: echo well", "exec_start: echo well", "exec_die"]


def test_event_filter_takes_the_family_and_one_of_its_members(host):
    since = time.time()
    container = sleeper(host, shell("test -e /well", Retries=1))
    wait_for(host, container, "unhealthy")
    execute(host, container, "touch", "/well")
    wait_for(host, container, "healthy")

    def told(*values):
        return [event["Action"] for event in past(host, since, event=list(values))]
    assert told("health_status") == ["health_status: unhealthy", "health_status: healthy"]
    assert told("health_status: healthy") == ["health_status: healthy"]
    assert told("health_status: ill") == [] and told("health") == []
    assert told("start", "health_status: unhealthy") == ["start", "health_status: unhealthy"]


@pytest.mark.berth_only
def test_probe_is_no_exec_of_the_containers(host):
    container = sleeper(host, check("CMD", "sleep", "4321"))
    until(lambda: "sleep 4321" in host.processes().values(), "the probe")
    assert host.inspect(container)["ExecIDs"] is None


def test_list_shows_health_and_filters_by_it(host, cli):
    healthy = cli.spawn("busybox", "sleep", "1000", name="well", health_cmd="true", health_interval="20ms")
    sick = cli.spawn("busybox", "sleep", "1000", name="sick", health_cmd="false", health_interval="20ms", health_retries=1)
    cli.spawn("busybox", "sleep", "1000", name="young", health_cmd="true", health_interval="1h")
    cli.spawn("busybox", "sleep", "1000", name="plain")
    cli.spawn("busybox", "sleep", "1000", name="off", no_healthcheck=True)
    cli.create("busybox", "sleep", "1000", name="new", health_cmd="true")
    wait_for(host, healthy, "healthy")
    wait_for(host, sick, "unhealthy")
    status = dict(line.split(":", 1) for line in cli("ps", "-a", "--format", "{{.Names}}:{{.Status}}").out.splitlines())
    assert status["well"].endswith(" (healthy)") and status["sick"].endswith(" (unhealthy)")
    assert status["young"].endswith(" (health: starting)") and status["new"] == "Created"
    assert "(" not in status["plain"] + status["off"]
    for word, names in (("healthy", {"well"}), ("unhealthy", {"sick"}), ("starting", {"young"}), ("none", {"plain", "off", "new"})):
        assert cli.names(health=word) == names
    assert cli.names(all=False, health="none") == {"plain", "off"}


def test_sdk_sees_health(host):
    test = docker.types.Healthcheck(test=["CMD", "true"], interval=20 * MS, timeout=HOUR * MS, retries=2)
    created = host.sdk.api.create_container("busybox", ["sleep", "1000"], healthcheck=test)["Id"]
    host.sdk.api.start(created)
    container = host.sdk.containers.get(created)
    until(lambda: container.reload() or container.attrs["State"]["Health"]["Status"] == "healthy", "health")
    assert container.attrs["Config"]["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 20 * MS,
                                                        "Timeout": HOUR * MS, "Retries": 2}


def test_flags_reach_the_container(host, cli):
    container = cli.create("busybox", "sleep", "1", health_cmd="a b", health_interval="1m", health_timeout="2s",
                           health_retries=4, health_start_period="3s")
    assert cli.inspect(container)["Config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "a b"], "Interval": 60_000 * MS, "Timeout": 2000 * MS, "Retries": 4, "StartPeriod": 3000 * MS}


# -- at creation -------------------------------------------------------------------------------------------------------


@pytest.fixture
def checked_image(host):
    """An image with a health check of its own."""
    changes = ["HEALTHCHECK --interval=1m --timeout=2s --retries=4 CMD test -e /well", 'CMD ["sleep", "1000"]']
    flags = [word for change in changes for word in ("--change", change)]
    host.docker("import", *flags, "-", "checked:1", input=host.busybox_layers()[0], text=False)
    return "checked:1"


def test_image_brings_a_check(host, checked_image):
    own = {"Test": ["CMD-SHELL", "test -e /well"], "Interval": 60_000 * MS, "Timeout": 2000 * MS, "Retries": 4}
    assert host.api.get(f"/images/{checked_image}/json").json["Config"]["Healthcheck"] == own

    def merged(healthcheck):
        return host.inspect(host.create(image=checked_image, Healthcheck=healthcheck))["Config"]["Healthcheck"]
    assert merged(None) == own
    assert merged({"Interval": 5 * MS, "Retries": 0}) == {**own, "Interval": 5 * MS}
    assert merged({"Test": ["CMD", "true"]}) == {**own, "Test": ["CMD", "true"]}
    container = host.spawn(image=checked_image, Healthcheck={"Test": ["NONE"]})
    assert "Health" not in host.state(container)
    container = host.spawn(image=checked_image, Healthcheck={"Interval": 20 * MS})
    execute(host, container, "touch", "/well")
    wait_for(host, container, "healthy")


@pytest.mark.parametrize("healthcheck, text", [
    ({"Interval": 10}, "Interval in Healthcheck cannot be less than 1ms"),
    ({"Timeout": -1}, "Timeout in Healthcheck cannot be less than 1ms"),
    ({"StartPeriod": 999_999}, "StartPeriod in Healthcheck cannot be less than 1ms"),
    ({"Retries": -1}, "Retries in Healthcheck cannot be negative"),
])
def test_what_makes_no_sense_is_refused(host, healthcheck, text):
    reply = host.api.post("/containers/create", body={"Image": "busybox", "Healthcheck": {"Test": ["CMD", "true"], **healthcheck}})
    assert (reply.status, reply.message) == (400, text)


def test_unknown_kind_of_test_is_no_check(host):
    body = {"Image": "busybox", "Cmd": ["sleep", "1000"], "Healthcheck": {"Test": ["GUESS", "what"]}}
    reply = host.api.post("/containers/create", body=body)
    assert reply.status == 201
    if not host.engine.is_reference:
        assert "GUESS" in json.dumps(reply.json["Warnings"])
    assert host.api.post(f"/containers/{reply.json['Id']}/start").status == 204
    assert "Health" not in host.state(reply.json["Id"])
