"""Health checks without a program in the image, and what an unhealthy container gets."""

import json
import threading
import time

import pytest

from harness.health import changes, check, execute, health, past, shell, sleeper, wait_for, wait_for_results
from harness.waiting import until

# -- probes without a program in the image ----------------------------------------------------------------------------

SERVER = "mkdir -p /www; echo fine > /www/well; httpd -p 127.0.0.1:8080 -h /www; sleep 1000"


def server(host, *test, **more):
    """A container without any network but its loopback, with an HTTP server there."""
    return host.spawn("sh", "-c", SERVER, Healthcheck=check(*test, **more), host_config={"NetworkMode": "none"})


def answering(host, answer, *test, **more):
    """A container that answers every connection to port 8080 with these bytes."""
    read_head = "while read -r line && test ${#line} -gt 1; do :; done"
    command = f"echo '{read_head}; cat /answer' > /serve; printf '{answer}' > /answer; nc -ll -p 8080 -e sh /serve"
    return host.spawn("sh", "-c", command, Healthcheck=check(*test, **more), host_config={"NetworkMode": "none"})


@pytest.mark.berth_only
@pytest.mark.parametrize("url", ["http://localhost:8080/well", "http://127.0.0.1:8080/well"])
def test_http_probe_asks_inside_the_containers_network(host, url):
    container = server(host, "HTTP", url)
    assert wait_for(host, container, "healthy")["Log"][-1]["Output"] == "HTTP 200 OK"


@pytest.mark.berth_only
def test_http_probe_tells_the_answer_that_is_no_success(host):
    container = server(host, "HTTP", "http://localhost:8080/nothing", Retries=1)
    result = wait_for(host, container, "unhealthy")["Log"][-1]
    assert (result["ExitCode"], result["Output"]) == (1, "HTTP 404 Not Found")


@pytest.mark.berth_only
@pytest.mark.parametrize("answer, status, text", [
    ("HTTP/1.1 302 Found\\r\\nLocation: https://elsewhere/\\r\\n\\r\\n", "healthy", "HTTP 302 Found"),
    ("HTTP/1.0 503 Service Unavailable\\r\\n\\r\\n", "unhealthy", "HTTP 503 Service Unavailable"),
    ("SSH-2.0-server\\r\\n", "unhealthy", 'the answer is not HTTP: "SSH-2.0-server"'),
])
def test_answers_are_judged_by_their_first_line(host, answer, status, text):
    container = answering(host, answer, "HTTP", "http://127.0.0.1:8080", Retries=1)
    until(lambda: text in [result["Output"] for result in health(host, container)["Log"]], "the answer")
    until(lambda: health(host, container)["Status"] == status, status)


@pytest.mark.berth_only
def test_tcp_probe_needs_a_listener(host):
    container = server(host, "TCP", "8080")
    assert wait_for(host, container, "healthy")["Log"][-1]["Output"] == "connected to port 8080"
    container = server(host, "TCP", "8081", Retries=1)
    result = wait_for(host, container, "unhealthy")["Log"][-1]
    assert (result["ExitCode"], result["Output"]) == (1, "connect to 127.0.0.1:8081: connection refused")


@pytest.mark.berth_only
def test_network_probe_that_gets_no_answer_takes_too_long(host):
    command = ("nc", "-ll", "-p", "8080", "-e", "sleep", "1000")
    container = host.spawn(*command, Healthcheck=check("HTTP", "http://127.0.0.1:8080/", Timeout=100))
    until(lambda: "Health check exceeded timeout (100ms)" in [result["Output"] for result in health(host, container)["Log"]],
          "a probe that takes too long")


@pytest.mark.berth_only
def test_network_probe_has_no_events_of_an_exec(host):
    since = time.time()
    wait_for(host, server(host, "TCP", "8080"), "healthy")
    assert past(host, since, event=["exec_create", "exec_start"]) == []


@pytest.mark.berth_only
def test_network_probe_survives_the_daemon(fresh_host):
    host = fresh_host
    container = server(host, "HTTP", "http://localhost:8080/well")
    wait_for(host, container, "healthy")
    host.leftovers.note_containers()
    host.crash()
    host.start()
    before = health(host, container)["Log"][-1]["End"]
    until(lambda: health(host, container)["Log"][-1]["End"] > before, "a further result")
    assert health(host, container)["Status"] == "healthy"


@pytest.mark.berth_only
@pytest.mark.parametrize("test, text", [
    (["HTTP", "https://localhost/"], "https is not supported"),
    (["HTTP", "http://web:8080/"], "names are not looked up"),
    (["HTTP", "/path"], "http://localhost:8080/path"),
    (["HTTP"], "exactly one URL"),
    (["TCP", "70000"], "between 1 and 65535"),
    (["TCP", "1", "2"], "exactly one port"),
])
def test_targets_that_cannot_be_asked_are_refused_at_creation(host, test, text):
    reply = host.api.post("/containers/create", body={"Image": "busybox", "Healthcheck": {"Test": test}})
    assert reply.status == 400 and text in reply.message


@pytest.mark.berth_only
def test_flags_of_probes_without_a_program(host):
    container = host.berth("run", "-d", "--health-http", "http://localhost:8080/well", "--health-interval", "20ms",
                           "busybox", "sh", "-c", SERVER).out.strip()
    wait_for(host, container, "healthy")
    container = host.berth("run", "-d", "--health-tcp", "8080", "--health-interval", "20ms", "--health-on-failure", "none",
                           "busybox", "sh", "-c", SERVER).out.strip()
    wait_for(host, container, "healthy")
    shown = json.loads(host.docker("inspect", container).out)[0]
    assert (shown["Config"]["Healthcheck"]["Test"], shown["State"]["Health"]["Status"]) == (["TCP", "8080"], "healthy")


# -- what an unhealthy container gets ----------------------------------------------------------------------------------


def reasons(host, since, container):
    """What was done on failure, and why."""
    return [(event["Action"], event["Actor"]["Attributes"]["reason"])
            for event in past(host, since, container=[container]) if event["Action"].startswith("health_on_failure")]


@pytest.mark.berth_only
def test_unhealthy_container_is_restarted_and_begins_anew(host):
    since = time.time()
    container = sleeper(host, shell("test ! -e /sick", Retries=2, OnFailure="restart"), StopTimeout=0)
    wait_for(host, container, "healthy")
    pid = host.state(container)["Pid"]
    execute(host, container, "touch", "/sick")
    until(lambda: host.state(container)["Pid"] not in (0, pid), "the restart")
    assert host.inspect(container)["RestartCount"] == 0
    until(lambda: len(reasons(host, since, container)) >= 2, "the next one: it is as sick as before")
    until(lambda: host.docker("exec", container, "rm", "/sick", check=False).code == 0, "an exec between two restarts")
    wait_for(host, container, "healthy")
    assert set(reasons(host, since, container)) == {("health_on_failure: restart", "2 failed probes in a row")}


@pytest.mark.berth_only
@pytest.mark.parametrize("action, code", [("stop", 0), ("kill", 137)])
def test_unhealthy_container_is_ended_for_good(host, action, code):
    since = time.time()
    container = host.spawn("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done",
                           Healthcheck=shell("exit 1", Retries=1, OnFailure=action),
                           host_config={"RestartPolicy": {"Name": "unless-stopped"}})
    until(lambda: host.state(container)["Status"] == "exited", "its end")
    assert host.state(container)["ExitCode"] == code
    assert reasons(host, since, container) == [(f"health_on_failure: {action}", "1 failed probe in a row")]
    assert changes(host, since, container) == ["health_status: unhealthy"]


@pytest.mark.berth_only
def test_action_is_taken_once_while_the_container_stays_unhealthy(host):
    since = time.time()
    command = "trap : TERM; while :; do sleep 0.02; done"
    container = host.spawn("sh", "-c", command, StopTimeout=3600,
                           Healthcheck=shell("echo >> /n; wc -l < /n; exit 1", Retries=1, OnFailure="stop"))
    until(lambda: int(wait_for_results(host, container)[-1]["Output"]) >= 6, "further probes")
    assert len(reasons(host, since, container)) == 1
    assert len(past(host, since, container=[container], event=["kill"])) == 1


@pytest.mark.berth_only
def test_stop_is_not_undone_by_a_check_that_fails_meanwhile(host):
    command = "trap 'touch /sick; until test -e /go; do sleep 0.02; done; exit 0' TERM; while :; do sleep 0.02; done"
    container = host.spawn("sh", "-c", command, Healthcheck=shell("test ! -e /sick", Retries=1, OnFailure="restart"))
    wait_for(host, container, "healthy")
    stop = threading.Thread(target=lambda: host.api.post(f"/containers/{container}/stop", t=60))
    stop.start()
    wait_for(host, container, "unhealthy")
    wait_for_results(host, container, 5)
    execute(host, container, "touch", "/go")
    stop.join(60)
    assert (host.state(container)["Status"], host.state(container)["ExitCode"]) == ("exited", 0)


@pytest.mark.berth_only
def test_action_that_does_not_exist_is_refused(host):
    body = {"Image": "busybox", "Healthcheck": {"Test": ["CMD", "true"], "OnFailure": "explode"}}
    reply = host.api.post("/containers/create", body=body)
    assert reply.status == 400 and 'invalid OnFailure "explode"' in reply.message
