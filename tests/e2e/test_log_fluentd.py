"""The log driver fluentd: records, tags, acknowledgements, receivers that are late."""

import time

import msgpack
import pytest

from harness.receivers import Fluentd, unused_port
from harness.waiting import until


def log_to(receiver, **options):
    options = {name.replace("_", "-"): value for name, value in options.items()}
    return {"LogConfig": {"Type": "fluentd", "Config": {"fluentd-address": receiver.address, **options}}}


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_a_record_tells_its_container(host, transport):
    with Fluentd(host, transport) as fluentd:
        before = int(time.time())
        container = host.spawn("sh", "-c", "echo out; sleep 0.2; echo err >&2", name="web", host_config=log_to(fluentd))
        host.wait(container)
        (tag, at, out), (_, _, err) = fluentd.wait_for(2)
    assert tag == container[:12] and before <= at <= time.time()
    assert out == {"container_id": container.encode(), "container_name": b"/web", "source": b"stdout", "log": b"out"}
    assert (err["source"], err["log"]) == (b"stderr", b"err")


def test_an_address_may_come_without_a_scheme(host):
    with Fluentd(host) as fluentd:
        options = {"fluentd-address": f"127.0.0.1:{fluentd.port}"}
        host.wait(host.spawn("echo", "x", host_config={"LogConfig": {"Type": "fluentd", "Config": options}}))
        fluentd.wait_for(1)


def test_without_an_address_it_is_the_usual_port_of_this_host(host):
    with Fluentd(host, port=24224) as fluentd:
        host.wait(host.spawn("echo", "x", host_config={"LogConfig": {"Type": "fluentd"}}))
        assert fluentd.wait_for(1)[0][2]["log"] == b"x"


@pytest.mark.parametrize("client", ["docker", "berth"], indirect=True)
def test_the_tag_labels_and_variables_are_in_the_record(host, client):
    with Fluentd(host) as fluentd:
        client("run", "--rm", "--name=web", "--label=tier=front", "--env=COLOR=red", "--log-driver=fluentd",
               f"--log-opt=fluentd-address={fluentd.address}", "--log-opt=tag=docker.{{.Name}}", "--log-opt=labels=tier",
               "--log-opt=env=COLOR", "busybox", "echo", "x")
        tag, _, record = fluentd.wait_for(1)[0]
    assert tag == "docker.web" and record["tier"] == b"front" and record["COLOR"] == b"red"


def test_python_docker_may_choose_the_driver(host):
    from docker.types import LogConfig
    with Fluentd(host) as fluentd:
        log = LogConfig(type="fluentd", config={"fluentd-address": fluentd.address})
        host.sdk.containers.run("busybox", "echo hello", detach=True, log_config=log).wait()
        assert fluentd.wait_for(1)[0][2]["log"] == b"hello"


def test_a_long_line_comes_in_pieces_that_belong_together(host):
    with Fluentd(host) as fluentd:
        container = host.spawn("sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo; printf '\\377\\n'",
                               host_config=log_to(fluentd))
        host.wait(container)
        fluentd.wait_for(4)
        *pieces, bad = fluentd.records
    assert [len(piece["log"]) for piece in pieces] == [16384, 16384, 7232]
    assert len({piece["partial_id"] for piece in pieces}) == 1
    assert [piece["partial_ordinal"] for piece in pieces] == [b"1", b"2", b"3"]
    assert [piece["partial_last"] for piece in pieces] == [b"false", b"false", b"true"]
    assert {piece["partial_message"] for piece in pieces} == {b"true"}
    assert bad["log"] == b"\xff" and "partial_id" not in bad


def test_times_may_have_nanoseconds(host):
    with Fluentd(host) as fluentd:
        host.wait(host.spawn("echo", "x", host_config=log_to(fluentd, fluentd_sub_second_precision="true")))
        at = fluentd.wait_for(1)[0][1]
    assert isinstance(at, msgpack.ExtType) and at.code == 0 and len(at.data) == 8
    seconds, nanoseconds = int.from_bytes(at.data[:4], "big"), int.from_bytes(at.data[4:], "big")
    assert abs(seconds - time.time()) < 120 and nanoseconds < 10**9


def test_messages_ask_for_an_acknowledgement_if_they_are_to(host):
    with Fluentd(host) as fluentd:
        container = host.spawn("seq", "1", "20", host_config=log_to(fluentd, fluentd_request_ack="true"))
        host.wait(container)
        fluentd.wait_for(20)
        chunks = [option[b"chunk"] for option in fluentd.options]
    assert [record["log"] for record in fluentd.records] == [b"%d" % number for number in range(1, 21)]
    assert len(set(chunks)) == 20


def test_an_asynchronous_container_does_not_wait_for_its_fluentd(host):
    port = unused_port(host)
    options = {"fluentd-address": f"127.0.0.1:{port}", "fluentd-async": "true", "fluentd-retry-wait": "100ms"}
    container = host.spawn("sh", "-c", "echo early; exec sleep 60",
                           host_config={"LogConfig": {"Type": "fluentd", "Config": options}})
    host.wait_for_output(container, b"early")
    with Fluentd(host, port=port) as fluentd:
        until(lambda: fluentd.records, "what was written before")
        assert fluentd.records[0]["log"] == b"early"
        host.remove(container)


@pytest.mark.parametrize("client", ["docker", "berth"], indirect=True)
def test_logs_are_read_back_from_the_cache(host, client):
    with Fluentd(host) as fluentd:
        container = client("run", "-d", "--log-driver=fluentd", f"--log-opt=fluentd-address={fluentd.address}", "busybox",
                           "seq", "1", "50").out.strip()
        host.wait(container)
        fluentd.wait_for(50)
        # Docker wants to reach fluentd even for this.
        assert client("logs", "--tail=2", container).out.split() == ["49", "50"]


def test_without_the_cache_nothing_is_read_back(host):
    with Fluentd(host) as fluentd:
        container = host.spawn("echo", "x", host_config=log_to(fluentd, cache_disabled="true"))
        host.wait(container)
        fluentd.wait_for(1)
        reply = host.api.get(f"/containers/{container}/logs", stdout=1)
    assert reply.status == 501 and reply.message == "configured logging driver does not support reading"
