"""Requests that no friendly client sends. The daemon answers each, or hangs up, and goes on as before."""

import json
import os
import socket
import threading

import pytest

from harness.waiting import until


@pytest.fixture(autouse=True)
def daemon_goes_on(host):
    """After each of these tests the same daemon process must still answer."""
    before = host.daemon_pid
    yield
    assert host.daemon_pid == before and host.api.get("/_ping").status == 200


def status_of(host, field):
    """A number of the daemon's /proc/<pid>/status."""
    with open(f"/proc/{host.daemon_pid}/status") as file:
        return int(dict(line.split(":", 1) for line in file)[field].split()[0])


def post_create(host, body, content_type="application/json"):
    return host.api.post("/containers/create", body=body, headers={"Content-Type": content_type})


@pytest.mark.differs_from_reference("it answers 500")
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null!", b'{"Image": 7}', b'"busybox"', b'{"Image": "busybox"} x', b"\xff\xfe",
                                  b'{"Image": "busybox", "HostConfig": []}', b'{"Cmd": {"a": 1}, "Image": "busybox"}'])
def test_malformed_json_is_400(host, body):
    reply = post_create(host, body)
    assert reply.status == 400 and reply.json["message"]


def test_deeply_nested_json_is_400_and_no_crash(host):
    depth = 100_000
    body = b'{"Image": "busybox", "Labels": ' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)
    try:
        assert post_create(host, body).status in (400, 500 if host.engine.is_reference else 400)
    except BrokenPipeError:
        pass  # it stopped reading


def test_wrong_content_type_is_400_or_415(host):
    reply = post_create(host, b'{"Image": "busybox"}', "text/plain")
    assert reply.status in (400, 415)


@pytest.mark.berth_only
def test_body_over_the_limit_is_413_or_400_and_is_not_read_into_memory(host):
    before = status_of(host, "VmRSS")
    sock = host.api.raw(b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Content-Length: 2000000000\r\n\r\n" + b'{"Image": "')
    try:
        for _ in range(1000):
            sock.sendall(b"a" * 65536)
    except OSError:
        pass  # it hung up, as it may
    try:
        status = host.api.read_answer(sock).status
    except OSError:
        status = "hung up"
    sock.close()
    assert status in (400, 413, "hung up")
    assert status_of(host, "VmRSS") - before < 32 * 1024


def test_header_flood_is_refused(host):
    sock = host.api.raw(b"GET /_ping HTTP/1.1\r\nHost: x\r\n")
    try:
        for number in range(100_000):
            sock.sendall(b"X-Flood-%d: %s\r\n" % (number, b"f" * 100))
        sock.sendall(b"\r\n")
        status = host.api.read_answer(sock).status
    except OSError:
        status = "hung up"
    sock.close()
    assert status in (400, 413, 431, "hung up")


def test_one_endless_header_line_is_refused(host):
    sock = host.api.raw(b"GET /_ping HTTP/1.1\r\nHost: x\r\nX-Long: ")
    try:
        for _ in range(200):
            sock.sendall(b"f" * 65536)
        sock.sendall(b"\r\n\r\n")
        status = host.api.read_answer(sock).status
    except OSError:
        status = "hung up"
    sock.close()
    assert status in (400, 413, 431, "hung up")


@pytest.mark.parametrize("request_line", [b"\r\n\r\n", b"NONSENSE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00\x01\x02\x03\r\n\r\n",
                                          b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
                                          b"GET /_ping HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                                          b"POST /containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
def test_bytes_that_are_no_http_do_no_harm(host, request_line):
    sock = host.api.raw(request_line)
    sock.shutdown(socket.SHUT_WR)
    answer = b""
    try:
        while data := sock.recv(65536):
            answer += data
    except OSError:
        pass
    sock.close()
    assert answer == b"" or answer.startswith(b"HTTP/1.")


@pytest.mark.parametrize("path", ["/containers/..%2f..%2fetc/json", "/containers/%00/json", "/images/../../etc/passwd/json",
                                  "/containers/" + "a" * 5000 + "/json", "/v1.41/../../etc/passwd", "/%zz"])
def test_odd_paths_find_nothing(host, path):
    sock = host.api.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert host.api.read_answer(sock).status in (301, 400, 404, 414)
    sock.close()


def test_half_a_request_and_silence_costs_nobody_else(host):
    socks = [host.api.raw(b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Le") for _ in range(50)]
    assert host.api.get("/_ping").status == 200
    for sock in socks:
        sock.close()


def test_client_that_hangs_up_in_the_middle_of_logs(host):
    container = host.spawn("sh", "-c", "while :; do echo line; done")
    for _ in range(5):
        connection, response = host.api.stream(f"/containers/{container}/logs", stdout=1, follow=1)
        assert response.read(1000)
        connection.close()
        response.close()


def test_client_that_hangs_up_in_the_middle_of_attach(host):
    container = host.spawn("sh", "-c", "while :; do echo line; done")
    for _ in range(5):
        stream = host.api.hijack(f"/containers/{container}/attach", stream=1, stdout=1)
        stream.read_until(b"line")
        stream.close()
    assert host.state(container)["Running"]


def test_client_that_hangs_up_in_the_middle_of_a_load(host):
    data = (host.image_folder / "busybox-gzip.tar").read_bytes()
    for part in (100, len(data) // 2, len(data) - 100):
        sock = host.api.raw(b"POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-tar\r\n"
                            b"Content-Length: %d\r\n\r\n" % len(data) + data[:part])
        sock.close()



def count_descriptors(host):
    return len(os.listdir(f"/proc/{host.daemon_pid}/fd"))


@pytest.mark.berth_only
def test_streams_whose_client_is_gone_end(host):
    container = host.spawn("sleep", "1000")
    threads, descriptors = status_of(host, "Threads"), count_descriptors(host)
    open_streams = []
    for _ in range(10):
        open_streams.append(host.api.stream("/events"))
        open_streams.append(host.api.stream(f"/containers/{container}/logs", stdout=1, follow=1))
    waiting = [host.api.raw(f"POST /containers/{container}/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
               for _ in range(10)]
    until(lambda: status_of(host, "Threads") >= threads + 25, "all of them to be served")
    for connection, response in open_streams:
        connection.close()
        response.close()
    for sock in waiting:
        sock.close()
    until(lambda: status_of(host, "Threads") <= threads + 2, lambda: f"there to be {threads} threads again")
    # Less than one for each stream: a network namespace that was made in advance meanwhile has some as well.
    until(lambda: count_descriptors(host) <= descriptors + 8, "descriptors to be closed")


def test_many_clients_at_once_create_start_and_remove(host):
    failures = []

    def work(number):
        try:
            for turn in range(3):
                container = host.spawn("sh", "-c", f"exit {number}", name=f"w{number}-{turn}")
                assert host.wait(container) == number
                host.remove(container)
        except Exception as error:  # noqa: BLE001 (reported below, with its thread's number)
            failures.append((number, error))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and host.containers() == []


def test_one_name_for_many_at_once_is_given_once(host):
    statuses = []

    def work():
        statuses.append(host.api.post("/containers/create", body={"Image": "busybox"}, name="contested").status)
    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 11


def test_start_by_many_at_once_runs_it_once(host):
    container = host.create("sh", "-c", "echo started; sleep 1000")
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(host.api.post(f"/containers/{container}/start").status))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {204, 304} and statuses.count(204) >= 1
    host.wait_for_output(container, b"started")
    assert host.output(container)[0] == b"started\n"


@pytest.mark.differs_from_reference("it answers 500")
def test_filters_that_are_no_json_are_400(host):
    for path in ("/containers/json", "/images/json", "/events"):
        reply = host.api.get(path, filters="{nonsense", until=1)
        assert reply.status == 400 and json.loads(reply.body)["message"], path
