"""Other limits for a container, running or not."""

import pytest
from test_limits import V1, read


def update(host, container, **body):
    return host.api.post(f"/containers/{container}/update", body=body)


def test_limits_of_a_running_container_change_at_once_and_are_recorded(host):
    container = host.spawn("sleep", "1000", host_config={"Memory": 64 << 20, "MemorySwap": 128 << 20})
    reply = update(host, container, Memory=300 << 20, MemorySwap=600 << 20, CpuShares=512, PidsLimit=77, CpusetCpus="0")
    assert reply.status == 200 and not reply.json["Warnings"], reply
    assert read(host, container, "memory", "memory.limit_in_bytes", "memory.max") == str(300 << 20)
    assert read(host, container, "pids", "pids.max", "pids.max") == "77"
    if V1.exists():
        assert read(host, container, "memory", "memory.memsw.limit_in_bytes", "") == str(600 << 20)
        assert read(host, container, "cpu", "cpu.shares", "") == "512"
    config = host.inspect(container)["HostConfig"]
    assert (config["Memory"], config["MemorySwap"], config["CpuShares"], config["PidsLimit"]) == (300 << 20, 600 << 20, 512, 77)
    assert update(host, container, Memory=32 << 20, MemorySwap=32 << 20, PidsLimit=-1).status == 200
    assert read(host, container, "memory", "memory.limit_in_bytes", "memory.max") == str(32 << 20)
    assert read(host, container, "pids", "pids.max", "pids.max") == "max"


def test_new_limits_hold_from_the_next_start(host):
    container = host.create("sleep", "1000")
    assert update(host, container, NanoCpus=500_000_000).status == 200
    host.api.post(f"/containers/{container}/start")
    if V1.exists():
        assert read(host, container, "cpu", "cpu.cfs_quota_us", "") == "50000"


@pytest.mark.parametrize("before, wanted, status, text", [
    ({"CpuPeriod": 100000}, {"NanoCpus": 10 ** 9}, 409, "Nano CPUs cannot be updated as CPU Period has already been set"),
    ({"NanoCpus": 10 ** 9}, {"CpuQuota": 50000}, 409, "CPU Quota cannot be updated as NanoCPUs has already been set"),
    ({"Memory": 64 << 20}, {"Memory": 300 << 20}, 409, "update the memoryswap at the same time"),
    ({"AutoRemove": True}, {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 1}}, 400, "maximum retry count"),
    ({}, {"Memory": 1024}, 400, "Minimum memory limit allowed is 6MB"),
    ({}, {"CpusetCpus": "0-500"}, 400, "Requested CPUs are not available"),
])
def test_what_makes_no_sense_is_refused_and_changes_nothing(host, before, wanted, status, text):
    container = host.create("true", host_config=before)
    known = host.inspect(container)["HostConfig"]
    reply = update(host, container, **wanted)
    if not host.engine.is_reference:
        assert reply.status == status and text in reply.message, reply
    assert host.inspect(container)["HostConfig"] == known


def test_dockers_command_line_updates(host):
    container = host.spawn("sleep", "1000")
    assert host.docker("update", "--cpu-shares", "300", container).out.strip() == container
    assert host.inspect(container)["HostConfig"]["CpuShares"] == 300
