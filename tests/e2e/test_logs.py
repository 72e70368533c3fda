"""Logs: streams, tail, time limits, timestamps, follow."""

import re
import subprocess
import threading
import time

import pytest

from harness.http import split

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ")


def test_streams_are_kept_apart(host, client):
    container = client.spawn("busybox", "sh", "-c", "echo out; echo err >&2")
    client.wait(container)
    result = client.logs(container)
    assert (result.out, result.err) == ("out\n", "err\n")


def test_tail_counts_lines_from_the_end(host, client):
    container = client.spawn("busybox", "seq", "1", "100")
    client.wait(container)
    assert client.logs(container, tail=3).out == "98\n99\n100\n"
    assert client.logs(container, tail=1000).out.startswith("1\n2\n")
    assert client.logs(container, tail=0).out == ""


def test_tail_reaches_over_large_logs(host):
    container = host.spawn("sh", "-c", "seq 1 100000")
    host.wait(container)
    reply = host.api.get(f"/containers/{container}/logs", stdout=1, tail=50000)
    lines = split(reply.body)[0].split()
    assert len(lines) == 50000 and lines[0] == b"50001" and lines[-1] == b"100000"


def test_timestamps_are_rfc3339_with_nanoseconds(host, client):
    container = client.spawn("busybox", "echo", "hello")
    client.wait(container)
    line, = client.logs(container, timestamps=True).out.splitlines()
    assert STAMP.match(line) and line.endswith("Z hello")


def test_since_and_until_cut_by_time(host, client):
    container = client.spawn("busybox", "sh", "-c", "echo early; sleep 2.2; echo late")
    client.wait(container)
    stamps = [line.split(" ")[0] for line in client.logs(container, timestamps=True).out.splitlines()]
    whole_second = str(int(time.mktime(time.strptime(stamps[1][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone))
    assert client.logs(container, since=whole_second).out == "late\n"
    assert client.logs(container, until=whole_second).out == "early\n"
    assert client.logs(container, since="1").out == "early\nlate\n"


def test_since_takes_fractions_of_a_second_over_the_api(host):
    container = host.spawn("sh", "-c", "echo early; sleep 0.2; echo late")
    host.wait(container)
    lines = split(host.api.get(f"/containers/{container}/logs", stdout=1, timestamps=1).body)[0].decode().splitlines()
    seconds, nanos = re.match(r"(.*)\.(\d+)Z", lines[1].split(" ")[0]).groups()
    epoch = int(time.mktime(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) - time.timezone)
    since = f"{epoch}.{nanos.ljust(9, '0')}"
    assert split(host.api.get(f"/containers/{container}/logs", stdout=1, since=since).body)[0] == b"late\n"


def test_follow_ends_with_the_container(host, client):
    container = client.spawn("busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done")
    assert client.logs(container, follow=True).out == "1\n2\n3\n4\n5\n"


def test_follow_shows_lines_as_they_are_written(host, cli):
    container = host.create("sh", "-c", "echo first; read x; echo second", OpenStdin=True)
    with host.api.hijack(f"/containers/{container}/attach", stream=1, stdin=1) as stdin:
        host.api.post(f"/containers/{container}/start")
        follower = subprocess.Popen([cli.program, "logs", "-f", container], env=host.environment, text=True,
                                    stdout=subprocess.PIPE)
        assert follower.stdout.readline() == "first\n"
        stdin.send(b"go\n")
        assert follower.stdout.readline() == "second\n"
        assert follower.wait(60) == 0
        follower.stdout.close()


def test_follow_of_nothing_ends_when_the_container_is_removed(host):
    container = host.spawn("sleep", "1000")
    bodies = []
    thread = threading.Thread(target=lambda: bodies.append(
        host.api.get(f"/containers/{container}/logs", stdout=1, follow=1).body))
    thread.start()
    host.remove(container)
    thread.join(60)
    assert bodies == [b""]


def test_logs_of_a_second_run_follow_those_of_the_first(host, client):
    container = client.create("busybox", "echo", "again")
    for _ in range(2):
        client.start(container)
        client.wait(container)
    assert client.logs(container).out == "again\nagain\n"


def test_logs_of_a_terminal_are_raw(host):
    container = host.spawn("sh", "-c", "echo out; echo err >&2", Tty=True)
    host.wait(container)
    reply = host.api.get(f"/containers/{container}/logs", stdout=1, stderr=1)
    assert reply.body == b"out\r\nerr\r\n"


@pytest.mark.differs_from_reference("it replaces bytes that are no UTF-8")
def test_line_without_end_and_binary_bytes_come_back_as_written(host):
    container = host.spawn("sh", "-c", r"""printf 'no end'; printf '\001\377\200\000\n\n"q\\\\\360\237\230\200\355\240\200' >&2""")
    host.wait(container)
    out, err = host.output(container)
    assert out == b"no end" and err == b'\x01\xff\x80\0\n\n"q\\\\\xf0\x9f\x98\x80\xed\xa0\x80'


@pytest.mark.differs_from_reference("lines that came together have the same time")
def test_reading_goes_on_behind_the_last_timestamp_without_a_lost_or_doubled_line(host):
    container = host.spawn("sh", "-c", "seq 1 1000")
    host.wait(container)
    lines = split(host.api.get(f"/containers/{container}/logs", stdout=1, timestamps=1).body)[0].decode().splitlines()
    stamp = lines[499].split(" ")[0]
    rest = split(host.api.get(f"/containers/{container}/logs", stdout=1, since=stamp).body)[0].split()
    assert rest == [b"%d" % number for number in range(500, 1001)]  # from that time on, so the first is known already


@pytest.mark.differs_from_reference("it puts a timestamp before each piece of a long line")
def test_a_line_in_pieces_has_one_timestamp(host, client):
    container = client.spawn("busybox", "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo")
    client.wait(container)
    stamp, line = client.logs(container, timestamps=True).out.split(" ")
    assert line == "x" * 100000 + "\n"


def test_very_long_lines_are_whole(host):
    container = host.spawn("sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end")
    host.wait(container)
    out, _ = host.output(container)
    assert out == b"x" * 100000 + b"\nend\n"


def test_logs_need_a_stream(host):
    container = host.create("true")
    reply = host.api.get(f"/containers/{container}/logs")
    assert reply.status == 400 and "at least one stream" in reply.message


def test_logs_of_an_unknown_container_are_404(host):
    reply = host.api.get("/containers/nobody/logs", stdout=1)
    assert (reply.status, reply.message) == (404, "No such container: nobody")


def test_log_driver_none_keeps_nothing_and_says_so(host):
    container = host.spawn("echo", "lost", host_config={"LogConfig": {"Type": "none"}})
    host.wait(container)
    reply = host.api.get(f"/containers/{container}/logs", stdout=1)
    assert "configured logging driver does not support reading" in reply.message
