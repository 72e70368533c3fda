"""Names while no daemon runs: queries wait in the sockets that the containers' shims keep, and are answered by the next one."""

import contextlib
import shutil
import subprocess
from http.client import HTTPException

import pytest

from harness.killing import killed_at, was_killed
from harness.names import dig
from harness.networks import address, execute
from harness.waiting import until
from test_dns_names import lan, spawn

pytestmark = pytest.mark.berth_only

RESOLVER = "0B00007F:"  # 127.0.0.11, as the kernel lists it
ESTABLISHED = "01"


def bytes_waiting(host, pid, protocol):
    """What has come to the resolver's sockets of a process's namespace and nobody has read."""
    count = 0
    for line in host.read_proc(pid, f"net/{protocol}").splitlines()[1:]:
        _, local, _, state, queues = line.split()[:5]
        if local.startswith(RESOLVER) and (protocol == "udp" or state == ESTABLISHED):
            count += int(queues.split(":")[1], 16)
    return count


@contextlib.contextmanager
def asking(host, pid, name, *options):
    """A dig in the namespace of a process: yields once its query has arrived and waits; `[0]` is what it wrote, afterwards."""
    protocol = "tcp" if "+tcp" in options else "udp"
    command = [*host.enter, "nsenter", f"--net=/proc/{pid}/ns/net", "dig", "@127.0.0.11", "+tries=1", "+time=60", "+short",
               *options, name]
    answers = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        before = bytes_waiting(host, pid, protocol)
        until(lambda: bytes_waiting(host, pid, protocol) > before, f"a query over {protocol}")
        yield answers
        answers.append(process.communicate(timeout=60)[0].split())


def ask_while_away(host, container, name):
    """What is answered to a query over UDP and to one over TCP that are sent while the daemon is killed and comes back."""
    pid = host.state(container)["Pid"]
    host.crash()
    with asking(host, pid, name) as udp, asking(host, pid, name, "+tcp") as tcp:
        host.start()
    return udp[0], tcp[0]


def test_queries_wait_for_the_next_daemon(fresh_host):
    host = fresh_host
    lan(host)
    web = spawn(host, "web")
    other = spawn(host, "other")
    wanted = [address(host, web, "lan")]
    for _ in range(2):
        assert ask_while_away(host, other, "web") == (wanted, wanted)
    assert dig(host, web, "other").contents == [address(host, other, "lan")]


def test_queries_of_a_container_that_was_connected_while_it_ran_wait_too(fresh_host):
    host = fresh_host
    lan(host)
    web = spawn(host, "web")
    late = host.spawn("sleep", "1000", name="late")
    host.docker("network connect lan late")
    wanted = [address(host, web, "lan")]
    assert ask_while_away(host, late, "web") == (wanted, wanted)


def test_queries_wait_while_the_daemon_is_replaced_in_order(fresh_host):
    host = fresh_host
    lan(host)
    web = spawn(host, "web")
    other = spawn(host, "other")
    wanted = [address(host, web, "lan")]
    pid = host.state(other)["Pid"]
    host.terminate()
    with asking(host, pid, "web") as answer:
        host.start()
    assert answer == [wanted]


def test_the_next_run_of_a_container_has_sockets_of_its_own(fresh_host):
    host = fresh_host
    lan(host)
    web = spawn(host, "web")
    other = spawn(host, "other")
    host.crash()
    host.start()
    host.docker("restart -t 0 other")
    wanted = [address(host, web, "lan")]
    assert dig(host, other, "web").contents == wanted
    assert ask_while_away(host, other, "web") == (wanted, wanted)
    assert execute(host, other, "nslookup", "web").count(wanted[0]) == 1


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed: it ends the daemon at a system call")
def test_a_connect_that_was_cut_off_is_not_in_the_way_of_the_next(fresh_host):
    host = fresh_host
    lan(host)
    wanted = [address(host, spawn(host, "web"), "lan")]
    for count in range(1, 100):
        victim = host.spawn("sleep", "1000", name="victim")
        with killed_at(host, count), contextlib.suppress(OSError, ValueError, HTTPException):
            host.api.post("/networks/lan/connect", body={"Container": "victim"})
        killed = was_killed(host)
        if killed:
            host.start()
        if "lan" not in host.inspect(victim)["NetworkSettings"]["Networks"]:
            host.docker("network connect lan victim")
        for option in ("+notcp", "+tcp"):
            assert dig(host, victim, "web", option).contents == wanted, f"killed at call {count}"
        host.remove(victim)
        if not killed:
            break
    assert not killed and count > 3, "the daemon came to the end of it in no turn"
