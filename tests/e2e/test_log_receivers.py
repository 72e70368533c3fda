"""Receivers of logs that are slow, die or come back, and what the container and the other operations notice of it."""

import os
import signal
import threading

import pytest

from harness.receivers import Fluentd, Syslog
from harness.waiting import until

pytestmark = pytest.mark.berth_only


class SlowSyslog(Syslog):
    """Reads nothing before `go`."""

    def __init__(self, host, transport, **more):
        self.go = threading.Event()
        super().__init__(host, transport, **more)

    def serve(self, connection):
        self.go.wait()
        super().serve(connection)

    def __exit__(self, *_):
        self.go.set()
        super().__exit__(*_)


def log_to(driver, receiver, **options):
    options = {name.replace("_", "-"): value for name, value in options.items()}
    return {"LogConfig": {"Type": driver, "Config": {f"{driver}-address": receiver.address, **options}}}


def process(host, command):
    """The number of a process of this command line; 0 if there is none."""
    return next((pid for pid, line in host.processes().items() if line == command), 0)


def is_held(host, command):
    """Whether a process waits for somebody to read what it writes."""
    pid = process(host, command)
    return pid and "pipe_write" in host.read_proc(pid, "wchan")


def parent(host, pid):
    return int(host.read_proc(pid, "stat").rsplit(")", 1)[1].split()[1])


def shim_of(host, container):
    return parent(host, host.state(container)["Pid"])


def writer_of(host, shim):
    """The process that writes a monitor's file; 0 if there is none."""
    shims = (pid for pid, line in host.processes().items() if "berth-shim" in line)
    return next((pid for pid in shims if parent(host, pid) == shim), 0)


def numbers(messages):
    return [int(message.rsplit(b" ", 1)[1]) for message in messages]


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_a_slow_receiver_holds_the_container_and_nothing_else(host, transport):
    with SlowSyslog(host, transport) as syslog:
        container = host.spawn("seq", "1", "500000", host_config=log_to("syslog", syslog))
        until(lambda: is_held(host, "seq 1 500000"), "the container to wait")
        assert host.docker("exec", container, "echo", "hello").out == "hello\n"
        assert host.state(container)["Running"]
        syslog.go.set()
        assert host.wait(container) == 0
        assert numbers(syslog.wait_for(500000)) == list(range(1, 500001))


def test_a_container_that_is_held_can_be_killed(host):
    with SlowSyslog(host, "tcp") as syslog:
        container = host.spawn("seq", "1", "500000", host_config=log_to("syslog", syslog))
        until(lambda: is_held(host, "seq 1 500000"), "the container to wait")
        killer = threading.Thread(target=host.api.post, args=[f"/containers/{container}/kill"])
        killer.start()
        until(lambda: not process(host, "seq 1 500000"), "the end of the process")
        syslog.go.set()  # the container has ended once its messages are sent
        killer.join()
        assert host.wait(container) == 137
        received = numbers(syslog.messages)
        assert received[:-1] == list(range(1, len(received)))  # the last line may have been cut by the signal


def test_without_blocking_a_receiver_that_takes_nothing_costs_messages_and_little_memory(host):
    with SlowSyslog(host, "tcp") as syslog:
        options = {"mode": "non-blocking", "max_buffer_size": "1m"}
        container = host.spawn("sh", "-c", "seq 1 2000000; exec sleep 1000",
                               host_config=log_to("syslog", syslog, **options))
        until(lambda: process(host, "sleep 1000"), "the end of the output")
        status = host.read_proc(shim_of(host, container), "status")
        peak = int(status.partition("VmHWM:")[2].split()[0])
        assert peak < 12 << 10
        syslog.go.set()
        host.remove(container)
        received = numbers(syslog.messages)
        assert received[:1000] == list(range(1, 1001)) and len(received) < 2000000


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_without_blocking_a_disk_that_stalls_costs_lines_and_holds_nobody(host, driver):
    options = {"mode": "non-blocking", "max-buffer-size": "100k"}
    container = host.spawn("sh", "-c", "until [ -e /go ]; do usleep 10000; done; seq 1 1000000; exec sleep 1000",
                           host_config={"LogConfig": {"Type": driver, "Config": options}})
    shim = shim_of(host, container)
    writer = until(lambda: writer_of(host, shim), "the process that writes the file")
    os.kill(host.outer_pid(writer), signal.SIGSTOP)  # as if each write took forever
    host.docker("exec", container, "touch", "/go")
    until(lambda: process(host, "sleep 1000"), "the end of the output")
    os.kill(host.outer_pid(writer), signal.SIGCONT)
    assert host.api.post(f"/containers/{container}/kill").status == 204
    host.wait(container)
    lines = host.output(container)[0].split()
    assert lines[:1000] == [b"%d" % number for number in range(1, 1001)] and len(lines) < 1000000


def test_fluentd_that_dies_and_comes_back_gets_every_message(host):
    config = {"fluentd_request_ack": "true", "fluentd_retry_wait": "10ms"}
    with Fluentd(host, "tcp") as first:
        container = host.spawn("sh", "-c", "seq 1 20000; exec sleep 1000",
                               host_config=log_to("fluentd", first, **config))
        first.wait_for(100)
    with Fluentd(host, "tcp", port=first.port) as second:
        until(lambda: second.records and second.records[-1]["log"] == b"20000", "the last message")
        host.remove(container)
    assert {int(record["log"]) for record in first.records + second.records} == set(range(1, 20001))


def test_the_daemons_death_is_not_seen_by_the_receiver(fresh_host):
    host = fresh_host
    with Syslog(host, "tcp") as syslog:
        container = host.spawn("sh", "-c", "for i in $(seq 1 3000); do echo $i; usleep 500; done",
                               host_config=log_to("syslog", syslog))
        for count in (200, 1000):
            syslog.wait_for(count)
            host.leftovers.note_containers()
            host.crash()
            syslog.wait_for(len(syslog.messages) + 200)
            host.start()
        assert host.wait(container) == 0
        assert numbers(syslog.wait_for(3000)) == list(range(1, 3001))
        assert len(syslog.connections) == 1
