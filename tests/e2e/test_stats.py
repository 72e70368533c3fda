"""Statistics: one sample, two, a stream."""

import json

from harness.waiting import until


def test_two_samples_are_a_second_apart_and_tell_what_is_used(host):
    container = host.spawn("sh", "-c", "while :; do :; done", name="busy", host_config={"Memory": 64 << 20, "PidsLimit": 50})
    stats = host.api.get(f"/containers/{container}/stats", stream=0).json
    assert (stats["name"], stats["id"]) == ("/busy", container)
    assert stats["preread"] < stats["read"] and not stats["preread"].startswith("0001")
    used = stats["cpu_stats"]["cpu_usage"]["total_usage"] - stats["precpu_stats"]["cpu_usage"]["total_usage"]
    passed = stats["cpu_stats"]["system_cpu_usage"] - stats["precpu_stats"]["system_cpu_usage"]
    assert 0 < used and 0 < passed and stats["cpu_stats"]["online_cpus"] > 0
    assert stats["memory_stats"]["limit"] == 64 << 20 and 0 < stats["memory_stats"]["usage"] < 64 << 20
    assert stats["pids_stats"] == {"current": 1, "limit": 50}
    assert list(stats["networks"]) == ["eth0"] and stats["num_procs"] == 0 and stats["storage_stats"] == {}


def test_one_shot_has_no_sample_before(host):
    container = host.spawn("sleep", "1000")
    stats = host.api.get(f"/containers/{container}/stats", stream=0, **{"one-shot": 1}).json
    assert stats["preread"].startswith("0001") and stats["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    assert stats["memory_stats"]["usage"] > 0
    reply = host.api.get(f"/containers/{container}/stats", **{"one-shot": 1})
    assert reply.status == 400 and "cannot have stream=true and one-shot=true" in reply.message


def test_stopped_container_has_only_its_name(host):
    container = host.create("true", name="still")
    stats = host.api.get(f"/containers/{container}/stats", stream=0).json
    assert stats["name"] == "/still" and stats["read"].startswith("0001")
    assert stats["memory_stats"] == {} and stats["cpu_stats"]["cpu_usage"]["total_usage"] == 0


def test_stream_goes_on_and_ends_with_the_container(host):
    container = host.spawn("sleep", "1000")
    connection, response = host.api.stream(f"/containers/{container}/stats")
    first, second = json.loads(response.readline()), json.loads(response.readline())
    assert first["preread"].startswith("0001") and second["preread"] == first["read"]
    host.remove(container)
    until(lambda: response.readline() == b"", "the end of the stream")
    connection.close()


def test_dockers_command_line_shows_them(host):
    host.spawn("sleep", "1000", name="shown", host_config={"Memory": 64 << 20})
    assert "shown" in host.docker("stats", "--no-stream").out and "64MiB" in host.docker("stats", "--no-stream").out
