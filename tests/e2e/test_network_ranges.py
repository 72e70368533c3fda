"""A published range of thousands of ports: it costs next to nothing, and is shown port by port all the same."""

import pathlib
import re

import pytest

COUNT = 10_000
FIRST = 20_000
RANGE = f"{FIRST}-{FIRST + COUNT - 1}"


def memory_kb(host):
    return int(re.search(r"^Pss_Anon: +(\d+)", pathlib.Path(f"/proc/{host.daemon_pid}/smaps_rollup").read_text(), re.M)[1])


@pytest.mark.berth_only
def test_a_large_range_takes_no_memory_and_is_shown_port_by_port(fresh_host):
    host = fresh_host
    for _ in range(3):  # what the first starts need and the daemon keeps
        host.berth("run", "--rm", "busybox", "true")
    before = memory_kb(host)
    container = host.berth("run", "-d", "-p", f"{RANGE}:{RANGE}", "busybox", "sleep", "1000").out.strip()
    # Counted at once: nothing is left to a later moment at which memory is given back.
    assert memory_kb(host) - before < 3000
    shown = host.inspect(container)
    names = sorted(f"{port}/tcp" for port in range(FIRST, FIRST + COUNT))
    bindings = {name: [{"HostIp": "", "HostPort": name.split("/")[0]}] for name in names}
    assert list(shown["HostConfig"]["PortBindings"].items()) == list(bindings.items())
    assert list(shown["Config"]["ExposedPorts"].items()) == [(name, {}) for name in names]
    assert {name: [binding["HostPort"] for binding in bound if binding["HostIp"] == "0.0.0.0"]
            for name, bound in shown["NetworkSettings"]["Ports"].items()} == {name: [name.split("/")[0]] for name in names}
    listed = [port for port in host.containers()[0]["Ports"] if port["IP"] == "0.0.0.0"]
    assert [port["PublicPort"] for port in listed] == [port["PrivatePort"] for port in listed] == [*range(FIRST, FIRST + COUNT)]
    assert f"0.0.0.0:{RANGE}->{RANGE}/tcp" in host.berth("ps", "--format", "{{.Ports}}").out
    host.remove(container)
    assert memory_kb(host) - before < 3000


@pytest.mark.berth_only
def test_a_large_range_lives_through_a_restart_of_the_daemon(fresh_host):
    host = fresh_host
    container = host.berth("run", "-d", "-p", "127.0.0.1:20000-20099:30000-30099", "-p", "9:9/udp", "busybox", "sleep",
                           "1000").out.strip()
    before = host.inspect(container)
    host.crash()
    host.start()
    after = host.inspect(container)
    for part in ("HostConfig", "Config", "NetworkSettings"):
        assert after[part] == before[part]
    host.remove(container)
