"""stats, top, update, pause, wait, attach, prune and events by both command lines."""

import json
import re
import signal
import subprocess
import time

from harness.waiting import until


def table(text):
    """The columns' titles, and each row as a list; columns are at least two blanks apart."""
    titles, *rows = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    return titles, rows


def start(cli, host, *arguments):
    return subprocess.Popen([cli.program, *arguments], env=host.environment, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# -- stats ----------------------------------------------------------------------------------------------------------

def test_stats_has_dockers_columns(host, cli):
    ident = host.spawn("sleep", "1000", name="one", host_config={"Memory": 64 << 20})
    titles, (row,) = table(cli("stats", "--no-stream").out)
    assert titles == ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"]
    assert row[:2] == [ident[:12], "one"] and row[3].endswith(" / 64MiB") and row[-1] == "1"
    assert re.fullmatch(r"[\d.]+k?B / [\d.]+k?B", row[5])
    assert all(re.fullmatch(r"\d+\.\d\d%", row[column]) for column in (2, 4))


def test_stats_of_the_named_and_of_the_stopped(host, cli):
    host.spawn("sleep", "1000", name="one")
    host.spawn("sleep", "1000", name="two")
    host.create("true", name="still")
    names = ["stats", "--no-stream", "--format", "{{.Name}}"]
    assert sorted(cli(*names).out.split()) == ["one", "two"]
    assert sorted(cli(*names, "--all").out.split()) == ["one", "still", "two"]
    assert cli(*names, "two").out == "two\n"
    assert cli("stats", "--no-stream", "--format", "{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}", "still").out == "0.00% 0B / 0B 0\n"


def test_stats_as_documents_with_whole_ids(host, cli):
    ident = host.spawn("sleep", "1000", name="one")
    shown = json.loads(cli("stats", "--no-stream", "--no-trunc", "--format", "json").out)
    assert shown["ID"] == ident and shown["Name"] == "one" and shown["PIDs"] == "1"
    assert set(shown) == {"BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"}


def test_stats_go_on_without_end(host, cli):
    host.spawn("sleep", "1000", name="one")
    shown = start(cli, host, "stats", "--format", "{{.Name}}", "one")
    seen = ""
    while seen.count("one") < 2:
        character = shown.stdout.read(1)
        assert character, seen
        seen += character
    shown.kill()
    shown.communicate(timeout=60)


# -- top ------------------------------------------------------------------------------------------------------------

def test_top_shows_columns_and_processes(host, cli):
    host.spawn("sleep", "4321", name="one")
    titles, rows = table(cli("top", "one").out)
    assert titles == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"] and rows[0][-1] == "sleep 4321"
    titles, rows = table(cli("top", "one", "-o", "pid,comm").out)
    assert titles == ["PID", "COMMAND"] and rows == [[str(host.state("one")["Pid"]), "sleep"]]


# -- update, pause, wait --------------------------------------------------------------------------------------------

def test_update_changes_and_prints_the_names_given(host, cli):
    for name in ("one", "two"):
        host.spawn("sleep", "1000", name=name)
    assert cli("update", "--memory", "64m", "--memory-swap", "128m", "--pids-limit", "50", "--restart",
               "on-failure:3", "--cpus", "0.5", "one", "two").out == "one\ntwo\n"
    for name in ("one", "two"):
        config = host.inspect(name)["HostConfig"]
        assert (config["Memory"], config["MemorySwap"], config["PidsLimit"]) == (64 << 20, 128 << 20, 50)
        assert config["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3} and config["NanoCpus"] == 5 * 10 ** 8
    result = cli("update", "--memory", "96m", "--memory-swap", "96m", "one", "nobody", check=False)
    assert result.code == 1 and result.out == "one\n" and "No such container: nobody" in result.err


def test_pause_and_unpause_print_the_names_given(host, cli):
    for name in ("one", "two"):
        host.spawn("sleep", "1000", name=name)
    assert sorted(cli("pause", "one", "two").out.split()) == ["one", "two"]
    assert "Up" in cli("ps", "--format", "{{.Status}}").out and "(Paused)" in cli("ps", "--format", "{{.Status}}").out
    assert sorted(cli("unpause", "one", "two").out.split()) == ["one", "two"]
    result = cli("unpause", "one", check=False)
    assert result.code == 1 and "is not paused" in result.err


def test_wait_prints_exit_codes_in_order(host, cli):
    host.spawn("sh", "-c", "exit 3", name="three")
    waiting = host.spawn("sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done; exit 4", name="four")
    waiter = start(cli, host, "wait", "three", "four")
    execution = host.api.post(f"/containers/{waiting}/exec", body={"Cmd": ["touch", "/go"]}).json["Id"]
    host.api.post(f"/exec/{execution}/start", body={"Detach": True})
    assert waiter.communicate(timeout=60)[0] == "3\n4\n" and waiter.returncode == 0


# -- attach ---------------------------------------------------------------------------------------------------------

def test_attach_ends_with_the_containers_exit_code(host, cli):
    host.spawn("sh", "-c", "read line; echo got $line; exit 21", name="asks", OpenStdin=True, StdinOnce=True)
    result = cli("attach", "asks", input="it\n", check=False)
    assert result.code == 21
    assert result.out == "got it\n" or host.engine.is_reference  # Docker 20.10 may lose the output of a quick end


def test_attach_without_stdin_passes_signals_on(host, cli):
    host.spawn("sh", "-c", "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done", name="traps")
    host.wait_for_output("traps", b"ready")
    since = time.time()
    attached = start(cli, host, "attach", "--no-stdin", "traps")
    until(lambda: any(event["Action"] == "attach" for event in host.api.get(
        "/events", since=f"{since:.9f}", until=f"{time.time():.9f}").lines), "the attachment")
    attached.send_signal(signal.SIGTERM)
    out, _ = attached.communicate(timeout=60)
    assert attached.returncode == 7 and ("caught" in out or host.engine.is_reference)


# -- prune ----------------------------------------------------------------------------------------------------------

def test_prune_asks_and_tells(host, cli):
    ident = host.create("true", name="old")
    refused = cli("container", "prune", input="n\n", check=False)
    assert "WARNING! This will remove all stopped containers." in refused.out and host.containers()
    done = cli("container", "prune", input="y\n").out
    assert f"Deleted Containers:\n{ident}\n" in done and "Total reclaimed space: 0B" in done
    assert cli("container", "prune", "--force").out == "Total reclaimed space: 0B\n"


# -- events ---------------------------------------------------------------------------------------------------------

def test_events_as_documents_and_by_template(host, cli):
    since = f"{time.time():.6f}"
    ident = host.create("true", name="told", Labels={"colour": "red"})
    window = ["events", "--since", since, "--until", f"{time.time():.6f}", "--filter", "container=told"]
    event = json.loads(cli(*window, "--format", "json").out)
    assert (event["Type"], event["Action"], event["Actor"]["ID"]) == ("container", "create", ident)
    assert json.loads(cli(*window, "--format", "{{json .}}").out) == event
    form = "{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.colour}} {{.Scope}}"
    assert cli(*window, "--format", form).out == f"container create {ident} red local\n"
    assert cli(*window, "--filter", "event=start").out == ""
    assert cli(*window, "--filter", "label=colour=red", "--filter", "type=container", "--filter", "image=busybox").out


def test_events_come_while_they_happen(host, cli):
    shown = start(cli, host, "events", "--filter", "event=start", "--format", "{{.Actor.Attributes.name}}")
    until(lambda: host.api.get("/info").json["NEventsListener"] > 0, "the command line to listen")
    host.spawn("sleep", "1000", name="seen")
    assert shown.stdout.readline() == "seen\n"
    shown.kill()
    shown.communicate(timeout=60)
