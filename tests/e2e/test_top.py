"""docker top: the host's ps, and of it the container's own lines."""

import pytest

from harness.waiting import until


def test_top_shows_the_containers_processes_and_no_others(host):
    container = host.spawn("sh", "-c", "sleep 4321; true", name="busy")
    url = f"/containers/{container}/top"
    until(lambda: "sleep 4321" in {line[-1] for line in host.api.get(url).json["Processes"]}, "the shell's child")
    reply = host.api.get(url).json
    assert reply["Titles"] == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    commands = {line[-1] for line in reply["Processes"]}
    assert "sleep 4321" in commands and commands <= {"sleep 4321", "sh -c sleep 4321; true"}
    assert all(len(line) == 8 for line in reply["Processes"])


def test_columns_are_the_callers_choice(host):
    container = host.spawn("sleep", "4321")
    reply = host.api.get(f"/containers/{container}/top", ps_args="-o pid,comm").json
    assert reply == {"Titles": ["PID", "COMMAND"], "Processes": [[str(host.state(container)["Pid"]), "sleep"]]}


@pytest.mark.parametrize("arguments, text", [("-o comm", "Couldn't find PID field in ps output"),
                                             ("-e -o comm=PID", 'specifying "comm=PID" is not allowed')])
def test_output_that_cannot_be_told_apart_is_refused(host, arguments, text):
    container = host.spawn("sleep", "4321")
    reply = host.api.get(f"/containers/{container}/top", ps_args=arguments)
    assert reply.status == 500 and text in reply.message


def test_top_of_a_stopped_container_is_409(host):
    container = host.create("true")
    reply = host.api.get(f"/containers/{container}/top")
    assert reply.status in (409, 500) and "is not running" in reply.message


def test_dockers_command_line_shows_it(host):
    container = host.spawn("sleep", "4321")
    assert "sleep 4321" in host.docker("top", container).out
