"""Ways out of a container, each with the attack that was published and the proof that it does not work here."""

import hashlib
import os
import pathlib
import re

import pytest

import archive
from harness.engines import berth_bin
from harness.waiting import until


def image_with(host, *entries, config=None, tag="attack:1"):
    host.load(archive.Image(tag, host.busybox_layers() + [archive.tar(entries)], config or {"Cmd": ["sh"]}).docker_archive())
    return tag


def replaced(name, *entries):
    """A whiteout of what the lower layer has, then other entries in its place."""
    return archive.entry(f".wh.{name}"), *entries


def attempt(host, *command, image="attack:1", **more):
    """(exit code, stdout, stderr), or None where the engine refuses to start it, which is right too."""
    container = host.create(*command, image=image, **more)
    reply = host.api.post(f"/containers/{container}/start")
    result = None
    if reply.status == 204:
        code = host.wait(container)
        result = code, *host.output(container)
    host.remove(container)
    return result


def programs():
    return {name: hashlib.sha256((berth_bin() / name).read_bytes()).hexdigest()
            for name in ("berthd", "berth-shim") if (berth_bin() / name).exists()}


def test_runtime_cannot_be_overwritten_through_proc_self_exe(host):
    """CVE-2019-5736: the entrypoint runs the runtime again, and a writer waits for its executable to be free."""
    before = programs()
    image_with(host, archive.entry("attack", data=b"#!/proc/self/exe\n", mode=0o755),
               archive.entry("write", data=b"#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9; do echo x > /proc/1/exe; "
                             b"for p in /proc/[0-9]*; do echo x > $p/exe; done; done 2>&1\n", mode=0o755))
    attempt(host, "/attack")
    attempt(host, "/write")
    attempt(host, "/write", host_config={"Privileged": not host.engine.is_reference})
    assert programs() == before


def test_image_symlink_in_place_of_proc_does_not_hide_the_real_one(host, victim):
    """CVE-2019-16884, CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc as a link gets the masks put elsewhere."""
    image_with(host, *replaced("proc", archive.symlink("proc", "/fake"), archive.directory("fake")))
    result = attempt(host, "sh", "-c", "echo 1 > /proc/sys/kernel/panic; cat /proc/keys; true")
    if result:
        assert result[1] == b"" and b"ead-only" in result[2]


@pytest.mark.parametrize("name", ["dev", "sys", "proc"])
def test_image_symlink_in_place_of_a_system_directory_leaves_the_host_alone(host, victim, name):
    """CVE-2026-41579, CVE-2026-47766: the image ships /dev as a symlink to a directory of the host."""
    image_with(host, *replaced(name, archive.symlink(name, str(victim))))
    attempt(host, "true")
    climbing = "../" * 12 + str(victim)[1:]
    image_with(host, *replaced(name, archive.symlink(name, climbing)))
    attempt(host, "true")


@pytest.mark.parametrize("name", ["hosts", "hostname", "resolv.conf"])
def test_image_symlink_in_place_of_a_file_that_is_mounted_leaves_the_host_alone(host, victim, name):
    """CVE-2021-30465 and its kind: the target of a mount is a link to a file of the host."""
    image_with(host, archive.symlink(f"etc/{name}", str(victim / "secret")))
    attempt(host, "sh", "-c", f"echo changed > /etc/{name}; true")
    image_with(host, archive.symlink(f"etc/{name}", str(victim / "made-by-mount")))
    attempt(host, "true")


def test_image_symlink_in_place_of_etc_leaves_the_host_alone(host, victim):
    """CVE-2024-45310: directories and files for mounts are made through a link of the image."""
    image_with(host, *replaced("etc", archive.symlink("etc", str(victim))))
    attempt(host, "true")


def test_tmpfs_on_a_symlink_is_not_mounted_on_the_host(host, victim):
    """CVE-2021-30465: a mount's target is a link out of the root."""
    before = host.read_proc(1, "mountinfo")
    image_with(host, archive.symlink("scratch", str(victim)))
    attempt(host, "sh", "-c", "touch /scratch/x; sleep 0.1", host_config={"Tmpfs": {"/scratch": "", "/scratch/sub": ""}})
    assert host.read_proc(1, "mountinfo") == before


def test_working_directory_through_a_symlink_is_made_inside(host, victim):
    """CVE-2024-45310: the working directory is made by a path that the image controls."""
    image_with(host, archive.symlink("link", str(victim)), archive.symlink("up", "../" * 12 + str(victim)[1:]))
    for link in ("/link", "/up"):
        attempt(host, "sh", "-c", "touch x; pwd", WorkingDir=f"{link}/made/deep")


def test_working_directory_is_no_leaked_descriptor(host):
    """CVE-2024-21626: WORKDIR /proc/self/fd/7 is a directory of the host if the runtime leaks one."""
    numbers = range(3, 12) if host.engine.is_reference else range(256)
    for number in numbers:
        for path in (f"/proc/self/fd/{number}", f"/proc/1/fd/{number}")[:1 if number > 20 else 2]:
            container = host.create("sh", "-c", "ls -la; pwd -P", WorkingDir=path)
            reply = host.api.post(f"/containers/{container}/start")
            assert reply.status >= 400, (path, host.wait(container), host.output(container))
            host.remove(container)


def test_working_directory_through_an_image_link_is_no_leaked_descriptor(host):
    """CVE-2024-21626, second form: the link to /proc/self/fd/N is in the image."""
    links = [archive.symlink(f"fd{number}", f"/proc/self/fd/{number}") for number in range(3, 30)]
    image_with(host, *links)
    for number in range(3, 12 if host.engine.is_reference else 30):
        result = attempt(host, "sh", "-c", "cat ../../../../../../../../../etc/shadow; ls -A", WorkingDir=f"/fd{number}")
        assert result is None or b"root:*:::::::" in result[1] or result[0] != 0, result


def test_no_descriptor_of_the_host_is_open_inside(host):
    """CVE-2024-21626: nothing but the standard streams is inherited."""
    for tty in (False, True):
        container = host.spawn("sh", "-c", "ls /proc/1/fd; exec sleep 1000", Tty=tty)
        pid = host.state(container)["Pid"]
        until(lambda: "sleep" in host.read_proc(pid, "cmdline"), "the program")
        assert sorted(os.listdir(host.proc / str(pid) / "fd")) == ["0", "1", "2"]


def test_inheritable_capabilities_are_empty(host):
    """CVE-2022-24769, -29162, -27649, -27650, -27651, -27652: with inheritable ones a file's capabilities are gained."""
    for more in ({}, {"User": "user"}, {"host_config": {"CapAdd": ["NET_ADMIN"]}}):
        _, out, _ = host.run("grep", "-E", "^Cap(Inh|Amb)", "/proc/self/status", **more)
        assert out == b"CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\n"


def test_masks_do_not_depend_on_the_images_dev_null(host):
    """CVE-2025-31133: /dev/null is replaced, so that masking binds something else over it."""
    core_pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
    image_with(host, archive.directory("dev"), archive.symlink("dev/null", "/proc/sys/kernel/core_pattern"))
    result = attempt(host, "sh", "-c", "cat /proc/keys; stat -c %t:%T /dev/null; echo '|/x' > /proc/sys/kernel/core_pattern")
    if result:
        assert result[1] == b"1:3\n" and b"ead-only" in result[2]
    assert pathlib.Path("/proc/sys/kernel/core_pattern").read_text() == core_pattern


def test_console_is_a_terminal_and_nothing_else(host, victim):
    """CVE-2025-52565: /dev/console or /dev/pts/N of the image is a link that the console's mount follows."""
    image_with(host, archive.directory("dev"), archive.symlink("dev/console", str(victim / "secret")), archive.directory("dev/pts"),
               archive.symlink("dev/pts/0", "/proc/sysrq-trigger"), archive.symlink("dev/ptmx", str(victim / "secret")))
    container = host.spawn("sh", "-c", "grep ' /dev/console ' /proc/self/mountinfo; stat -c %F /dev/console", image="attack:1",
                           Tty=True)
    assert host.wait(container) == 0
    out = host.api.get(f"/containers/{container}/logs", stdout=1).body
    assert b" devpts " in out and b"character special file" in out


def test_kernel_settings_are_written_to_procfs_only(host, victim):
    """CVE-2025-52881: the write of a sysctl is led to another file by a fake /proc of the image."""
    image_with(host, *replaced("proc", archive.directory("proc"), archive.directory("proc/sys"), archive.directory("proc/sys/kernel"),
                               archive.symlink("proc/sys/kernel/msgmax", str(victim / "secret"))))
    result = attempt(host, "cat", "/proc/sys/kernel/msgmax", host_config={"Sysctls": {"kernel.msgmax": "4321"}})
    assert result is None or result[1] == b"4321\n"


@pytest.mark.parametrize("name, value", [("kernel.core_pattern", "|/x"), ("kernel.panic", "1"), ("vm.swappiness", "1"),
                                         ("kernel.shm_rmid_forced", "1+kernel.core_pattern=|/x"), ("kernel.msgmax/../panic", "1"),
                                         ("net/../kernel/panic", "1"), ("net.../../../kernel/panic", "1")])
def test_settings_of_the_whole_kernel_are_refused(host, name, value):
    """CVE-2022-0811: a sysctl's name or value smuggles in another one."""
    files = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/panic", "/proc/sys/vm/swappiness"]
    before = [pathlib.Path(file).read_text() for file in files]
    reply = host.api.post("/containers/create", body={"Image": "busybox", "HostConfig": {"Sysctls": {name: value}}})
    if reply.status == 201:
        reply = host.api.post(f"/containers/{reply.json['Id']}/start")
        assert reply.status >= 400, reply
    assert [pathlib.Path(file).read_text() for file in files] == before


def test_settings_of_the_hosts_network_cannot_be_changed_by_its_guests(host):
    """CVE-2022-0811's neighbour: with the host's network, net.* is the host's."""
    reply = host.api.post("/containers/create", body={"Image": "busybox", "HostConfig": {
        "NetworkMode": "host", "Sysctls": {"net.ipv4.ip_forward": "1"}}})
    if reply.status == 201:
        assert host.api.post(f"/containers/{reply.json['Id']}/start").status >= 400


def test_release_agent_cannot_be_set(host):
    """CVE-2022-0492: a control group's release_agent runs as root on the host."""
    script = ("for f in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent; do echo /x > $f; done; "
              "mkdir /m; mount -t cgroup -o memory c /m && echo mounted; unshare -C sh -c 'mount -t cgroup -o rdma c /m' && echo mounted; true")
    code, out, err = host.run("sh", "-c", script, User="0")
    assert out == b"" and b"denied" in err + b"denied" * (b"not permitted" in err)


def test_no_abstract_socket_is_reachable_with_the_hosts_network(host):
    """CVE-2020-15257: the shim listened on an abstract socket, which belongs to the network namespace."""
    host.spawn("sleep", "1000")
    _, out, _ = host.run("cat", "/proc/net/unix", host_config={"NetworkMode": "host"})
    names = [line.split()[-1] for line in out.decode().splitlines()]
    # The kernel's own choice, @ and five digits, belongs to a socket that only sends.
    assert not [name for name in names if name.startswith("@") and not re.fullmatch("@[0-9a-f]{5}", name)]


def test_state_directories_are_closed_to_others(host):
    """CVE-2024-25621, CVE-2021-41091, CVE-2021-21284: what is below the data root is nobody else's."""
    container = host.spawn("sleep", "1000")
    assert host.data_root.stat().st_mode & 0o007 == 0
    if not host.engine.is_reference:
        assert (host.data_root / "containers" / container).stat().st_mode & 0o007 == 0
        assert pathlib.Path(host.socket).stat().st_mode & 0o007 == 0
        # The way to the socket may be passed, but not read; the shims' sockets behind it are nobody else's.
        assert host.exec_root.stat().st_mode & 0o006 == 0 and (host.exec_root / "c").stat().st_mode & 0o077 == 0


@pytest.mark.berth_only
def test_paths_that_tell_of_the_machine_are_masked(host):
    """GHSA-jq35-85cj-fj4p (powercap), GHSA-6fw5-f8r9-fgfm (/proc/interrupts, thermal_throttle)."""
    paths = ["/sys/devices/virtual/powercap", "/proc/interrupts", "/proc/latency_stats", "/proc/timer_stats", "/proc/sched_debug",
             "/sys/devices/system/cpu/cpu0/thermal_throttle", "/proc/asound", "/proc/acpi"]
    for path in paths:
        _, out, _ = host.run("sh", "-c", f"[ -d {path} ] && ls -A {path}; [ -f {path} ] && cat {path}; true")
        assert out == b"", path


def test_attach_and_hang_up_leaks_nothing(host):
    """CVE-2022-31030, CVE-2022-23471, CVE-2025-64329: aborted attaches piled up in the daemon and the shim."""
    container = host.spawn("sh", "-c", "while :; do echo x; sleep 0.01; done", OpenStdin=True)
    pid = host.state(container)["Pid"]
    shim = int(host.read_proc(pid, "stat").rsplit(")", 1)[1].split()[1])

    def descriptors():
        return len(os.listdir(f"/proc/{host.daemon_pid}/fd")), len(os.listdir(host.proc / str(shim) / "fd"))

    def attach(times):
        for _ in range(times):
            host.api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1).close()
    attach(20)
    before = descriptors()
    attach(50 if host.engine.is_reference else 500)
    if not host.engine.is_reference:
        until(lambda: all(now <= then + 6 for now, then in zip(descriptors(), before)), lambda: f"{descriptors()}, was {before}")
