"""The log driver syslog: transports, formats, tags, and what `docker logs` reads back."""

import re
import socket

import pytest

from harness.receivers import Syslog
from harness.waiting import until

TRANSPORTS = ["unixgram", "unix", "udp", "tcp"]
UNIX_TIME = rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
RFC3339 = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)"
RFC3339_MICRO = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)"


def log_to(receiver, **options):
    options = {name.replace("_", "-"): value for name, value in options.items()}
    return {"LogConfig": {"Type": "syslog", "Config": {"syslog-address": receiver.address, **options}}}


def text_of(message):
    """What follows the header of Docker's own format."""
    return message.split(b"]: ", 1)[1]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_line_arrives_with_its_priority_and_tag(host, transport):
    with Syslog(host, transport) as syslog:
        container = host.spawn("sh", "-c", "echo out; sleep 0.2; echo err >&2", host_config=log_to(syslog))
        host.wait(container)
        out, err = syslog.wait_for(2)
    tag = container[:12].encode()
    assert re.fullmatch(rb"<30>" + UNIX_TIME + b" " + tag + rb"\[\d+\]: out", out)
    assert re.fullmatch(rb"<27>" + UNIX_TIME + b" " + tag + rb"\[\d+\]: err", err)


@pytest.mark.parametrize("facility, priority", [("kern", 6), ("local7", 190), ("authpriv", 86), ("5", 46)])
def test_the_facility_is_in_the_priority(host, facility, priority):
    with Syslog(host, "udp") as syslog:
        host.wait(host.spawn("echo", "x", host_config=log_to(syslog, syslog_facility=facility)))
        assert syslog.wait_for(1)[0].startswith(b"<%d>" % priority)


@pytest.mark.parametrize("format, pattern", [
    ("rfc3164", rb"<30>" + UNIX_TIME + rb" HOST the-tag\[\d+\]: text"),
    ("rfc5424", rb"<30>1 " + RFC3339 + rb" HOST the-tag \d+ the-tag - text"),
    ("rfc5424micro", rb"<30>1 " + RFC3339_MICRO + rb" HOST the-tag \d+ the-tag - text"),
])
def test_formats_are_those_of_the_rfcs(host, format, pattern):
    with Syslog(host, "udp") as syslog:
        host.wait(host.spawn("echo", "text", host_config=log_to(syslog, syslog_format=format, tag="the-tag")))
        message = syslog.wait_for(1)[0]
    assert re.fullmatch(pattern.replace(b"HOST", re.escape(socket.gethostname().encode())), message)


@pytest.mark.parametrize("client", ["docker", "berth"], indirect=True)
def test_the_tag_is_a_template(host, client):
    with Syslog(host, "udp") as syslog:
        client("run", "--rm", "--name=web", "--log-driver=syslog", f"--log-opt=syslog-address={syslog.address}",
               "--log-opt=tag={{.ImageName}}/{{.Name}}", "busybox", "echo", "x")
        assert b" busybox/web[" in syslog.wait_for(1)[0]


def test_python_docker_may_choose_the_driver(host):
    from docker.types import LogConfig
    with Syslog(host, "tcp") as syslog:
        log = LogConfig(type="syslog", config={"syslog-address": syslog.address})
        host.sdk.containers.run("busybox", "echo hello", detach=True, log_config=log).wait()
        assert text_of(syslog.wait_for(1)[0]) == b"hello"


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_long_lines_and_bytes_that_are_no_text_arrive_as_they_are(host, transport):
    with Syslog(host, transport) as syslog:
        script = r"printf '\377\376 bad\n'; head -c 40000 /dev/zero | tr '\0' x; echo"
        container = host.spawn("sh", "-c", script, host_config=log_to(syslog))
        host.wait(container)
        until(lambda: sum(len(text_of(message)) for message in syslog.messages[1:]) >= 40000)
        bad, *pieces = map(text_of, syslog.messages)
    assert bad == b"\xff\xfe bad"
    assert [len(piece) for piece in pieces] == [16384, 16384, 7232] and set(b"".join(pieces)) == {ord("x")}


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_a_receiver_that_comes_back_gets_what_is_written_then(host, transport):
    with Syslog(host, transport) as syslog:
        container = host.spawn("sh", "-c", "while read line; do echo $line; done", OpenStdin=True, StdinOnce=True,
                               host_config=log_to(syslog))
        with host.api.hijack(f"/containers/{container}/attach", stream=1, stdin=1) as stream:
            stream.send(b"first\n")
            syslog.wait_for(1)
            syslog.disconnect()
            count = 0

            def arrived():
                nonlocal count
                count += 1
                stream.send(b"line %d\n" % count)
                return len(syslog.messages) > 1
            until(arrived, "a message on the new connection", every=0.1)
            stream.close_stdin()
            host.wait(container)


def test_logs_are_read_back_from_the_cache(host):
    with Syslog(host, "udp") as syslog:
        container = host.spawn("sh", "-c", "seq 1 200; echo err >&2", host_config=log_to(syslog))
        host.wait(container)
    out, err = host.output(container)
    assert out.split() == [b"%d" % number for number in range(1, 201)] and err == b"err\n"
    assert host.inspect(container)["LogPath"] == ""


def test_the_cache_is_bounded_as_it_is_told(host):
    with Syslog(host, "udp") as syslog:
        bounds = {"cache-max-size": "20k", "cache-max-file": "2", "cache-compress": "false"}
        container = host.spawn("sh", "-c", "seq 1 20000", host_config=log_to(syslog, **bounds))
        host.wait(container)
    if not host.engine.is_reference:  # which bounds it by its defaults
        lines = host.output(container)[0].split()
        assert lines[-1] == b"20000" and len(lines) < 2000


@pytest.mark.parametrize("client", ["docker", "berth"], indirect=True)
def test_without_the_cache_nothing_is_read_back(host, client):
    with Syslog(host, "udp") as syslog:
        container = client("run", "-d", "--log-driver=syslog", f"--log-opt=syslog-address={syslog.address}",
                           "--log-opt=cache-disabled=true", "busybox", "echo", "x").out.strip()
        host.wait(container)
        syslog.wait_for(1)
    result = client("logs", container, check=False)
    assert result.code == 1 and "configured logging driver does not support reading" in result.err
    assert host.api.get(f"/containers/{container}/logs", stdout=1).status == 501


def test_a_name_that_nobody_knows_is_told_at_the_start(host):
    options = {"syslog-address": "tcp://nowhere.invalid:514"}
    container = host.create("true", host_config={"LogConfig": {"Type": "syslog", "Config": options}})
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status == 500 and "failed to initialize logging driver: dial tcp: lookup nowhere.invalid" in reply.message


def test_a_name_is_looked_up(host):
    with Syslog(host, "tcp") as syslog:
        options = {"syslog-address": f"tcp://localhost:{syslog.port}"}
        host.wait(host.spawn("echo", "x", host_config={"LogConfig": {"Type": "syslog", "Config": options}}))
        syslog.wait_for(1)


def test_a_host_without_syslog_says_so_at_the_start(host):
    container = host.create("true", host_config={"LogConfig": {"Type": "syslog"}})
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status == 500 and "failed to initialize logging driver: Unix syslog delivery error" in reply.message


def test_a_restart_sends_to_the_same_receiver_again(host):
    with Syslog(host, "unixgram") as syslog:
        container = host.spawn("echo", "run", host_config=log_to(syslog))
        host.wait(container)
        assert host.api.post(f"/containers/{container}/start").status == 204
        host.wait(container)
        assert [text_of(message) for message in syslog.wait_for(2)] == [b"run", b"run"]
        assert host.output(container)[0] == b"run\nrun\n"
