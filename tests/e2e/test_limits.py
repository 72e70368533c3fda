"""Limits of memory, processes and processor, seen from inside and outside, and what happens at them."""

import pathlib

import pytest

from harness.waiting import until

V1 = pathlib.Path("/sys/fs/cgroup/memory")
EAT = "x=a; while :; do x=$x$x; done"


def group(host, container, controller):
    """The container's control group in one controller's hierarchy."""
    base = V1.parent / controller if V1.exists() else V1.parent
    return base / host.engine.cgroup / container


def read(host, container, controller, v1, v2):
    folder = group(host, container, controller)
    return (folder / (v1 if V1.exists() else v2)).read_text().strip()


def test_memory_limit_is_the_kernels(host, client):
    container = client.spawn("busybox", "sleep", "1000", memory="64m")
    assert read(host, container, "memory", "memory.limit_in_bytes", "memory.max") == str(64 << 20)
    assert client.inspect(container)["HostConfig"]["Memory"] == 64 << 20


def test_swap_limit_is_the_kernels(host, client):
    container = client.spawn("busybox", "sleep", "1000", memory="64m", memory_swap="128m")
    v2 = str((64 << 20))
    wanted = str(128 << 20) if V1.exists() else v2
    assert read(host, container, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max") == wanted


def test_program_that_takes_too_much_memory_is_killed_and_it_is_noticed(client):
    container = client.create("busybox", "sh", "-c", EAT, memory="16m", memory_swap="16m")
    client.start(container)
    assert client.wait(container) == 137
    state = client.inspect(container)["State"]
    assert state["OOMKilled"] is True and state["ExitCode"] == 137 and state["Status"] == "exited"


def test_death_of_a_child_by_memory_is_noticed(host):
    container = host.spawn("sh", "-c", f"sh -c '{EAT}'; exit 3", host_config={"Memory": 16 << 20, "MemorySwap": 16 << 20})
    assert host.wait(container) in (3, 137)
    assert host.state(container)["OOMKilled"] is True


def test_killed_container_was_not_out_of_memory(host):
    container = host.spawn("sleep", "1000", host_config={"Memory": 64 << 20})
    host.api.post(f"/containers/{container}/kill")
    assert host.wait(container) == 137 and host.state(container)["OOMKilled"] is False


def test_pids_limit_stops_a_fork_bomb(client):
    result = client.run("busybox", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 2 & done; wait", pids_limit=5, rm=True)
    assert "can't fork" in result.err


def test_pids_limit_is_the_kernels(host, client):
    container = client.spawn("busybox", "sleep", "1000", pids_limit=9)
    assert read(host, container, "pids", "pids.max", "pids.max") == "9"


def test_cpus_are_a_quota(host, client):
    container = client.spawn("busybox", "sleep", "1000", cpus="1.5")
    if V1.exists():
        assert read(host, container, "cpu", "cpu.cfs_quota_us", "") == "150000"
        assert read(host, container, "cpu", "cpu.cfs_period_us", "") == "100000"
    else:
        assert read(host, container, "cpu", "", "cpu.max") == "150000 100000"
    assert client.inspect(container)["HostConfig"]["NanoCpus"] == 1_500_000_000


def test_cpu_quota_is_felt(host):
    # Busy for a while on a tenth of a processor: the kernel must have held it back.
    container = host.spawn("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done",
                           host_config={"NanoCpus": 100_000_000})

    def throttled():
        text = (group(host, container, "cpu") / "cpu.stat").read_text()
        return int(dict(line.split() for line in text.splitlines())["nr_throttled"]) > 0
    until(throttled, "the kernel to hold the container back")


def test_cpu_shares_and_set(host, client):
    container = client.spawn("busybox", "sh", "-c", "grep Cpus_allowed_list /proc/self/status; sleep 1000", cpu_shares=300, cpuset="0")
    if V1.exists():
        assert read(host, container, "cpu", "cpu.shares", "") == "300"
        assert read(host, container, "cpuset", "cpuset.cpus", "") == "0"
    host.wait_for_output(container, b"Cpus_allowed_list:\t0\n")


def test_processor_that_is_not_there_is_refused(host):
    body = {"Image": "busybox", "HostConfig": {"CpusetCpus": "0-500"}}
    reply = host.api.post("/containers/create", body=body)
    assert reply.status == 400 and "Requested CPUs are not available" in reply.message


@pytest.mark.parametrize("limits, text", [
    ({"Memory": 1 << 20}, "Minimum memory limit allowed is 6MB"),
    ({"Memory": 64 << 20, "MemorySwap": 32 << 20}, "Minimum memoryswap limit should be larger than memory limit"),
    ({"MemorySwap": 64 << 20}, "You should always set the Memory limit when using Memoryswap limit"),
    ({"NanoCpus": 10 ** 15}, "Range of CPUs is from"),
    ({"NanoCpus": 10 ** 9, "CpuQuota": 5000}, "Conflicting options"),
])
def test_limits_that_make_no_sense_are_refused(host, limits, text):
    reply = host.api.post("/containers/create", body={"Image": "busybox", "HostConfig": limits})
    assert reply.status == 400 and text.lower() in reply.message.lower()


def test_shm_size(host):
    _, out, _ = host.run("df", "-k", "/dev/shm", host_config={"ShmSize": 8 << 20})
    assert b" 8192 " in out
