"""What a container is made of, seen from inside and from outside."""

import re

import pytest

DEFAULT_CAPABILITIES = 0x00000000A80425FB  # Docker's fourteen
MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def status(text):
    return dict(re.findall(r"^(\w+):\s+(.*)$", text, re.M))


def mount_table(text):
    """{target: (root, options, type, super options)} of a mountinfo."""
    table = {}
    for line in text.splitlines():
        fields = line.split()
        dash = fields.index("-")
        table[fields[4]] = (fields[3], set(fields[5].split(",")), fields[dash + 1], fields[dash + 3])
    return table


def inside(host, *command, **more):
    code, out, err = host.run(*command, **more)
    assert code == 0, err
    return out.decode()


@pytest.mark.parametrize("name", ["pid", "net", "ipc", "mnt", "uts"])
def test_each_namespace_is_the_containers_own(host, name):
    assert inside(host, "readlink", f"/proc/self/ns/{name}") != host.shell("readlink", f"/proc/self/ns/{name}").stdout


def test_cgroup_namespace_is_the_containers_own(host):
    if host.engine.is_reference:
        pytest.skip("Docker uses the host's on cgroup v1 unless told otherwise")
    assert inside(host, "readlink", "/proc/self/ns/cgroup") != host.shell("readlink", "/proc/self/ns/cgroup").stdout
    assert {line.split(":")[2] for line in inside(host, "cat", "/proc/self/cgroup").splitlines()} == {"/"}


def test_program_is_process_1_and_sees_no_others(host):
    assert inside(host, "sh", "-c", "echo $$ /proc/[0-9]*").split() == ["1", "/proc/1"]


def test_mounts_are_those_of_docker(host):
    table = mount_table(inside(host, "cat", "/proc/self/mountinfo"))
    wanted = {"/": "overlay", "/proc": "proc", "/dev": "tmpfs", "/dev/pts": "devpts", "/sys": "sysfs", "/dev/shm": "tmpfs",
              "/dev/mqueue": "mqueue"}
    assert {target: table[target][2] for target in wanted} == wanted
    assert {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts", "/sys/fs/cgroup"} <= set(table)
    assert {"nosuid", "nodev", "noexec"} <= table["/proc"][1] and {"ro", "nosuid", "nodev", "noexec"} <= table["/sys"][1]
    assert {"nosuid", "nodev", "noexec"} <= table["/dev/shm"][1] and "size=65536k" in table["/dev/shm"][3]
    assert {"nosuid", "noexec"} <= table["/dev/pts"][1] and "ptmxmode=666" in table["/dev/pts"][3]
    assert "nosuid" in table["/dev"][1] and "mode=755" in table["/dev"][3]
    groups = [target for target in table if target.startswith("/sys/fs/cgroup/")] or ["/sys/fs/cgroup"]
    assert all({"ro", "nosuid", "nodev", "noexec"} <= table[target][1] for target in groups)
    known = set(wanted) | {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts", "/sys/fs/cgroup"}
    rest = {target for target in set(table) - known if not target.startswith(("/sys/fs/cgroup/", "/proc/", "/sys/"))}
    assert rest == set()


def test_control_groups_inside_are_read_only_and_show_the_containers_own(host):
    out = inside(host, "sh", "-c", "mkdir /sys/fs/cgroup/memory/x /sys/fs/cgroup/x 2>&1; cat /sys/fs/cgroup/pids/pids.max "
                 "/sys/fs/cgroup/pids.max 2>/dev/null; true", host_config={"PidsLimit": 77})
    assert "77" in out and "Read-only file system" in out


def test_devices_are_the_usual_ones(host):
    out = inside(host, "sh", "-c", "cd /dev; ls; stat -c '%n %t:%T %a' null zero full random urandom tty; readlink fd; readlink ptmx")
    listed = out.split()
    for name in ("null", "zero", "full", "random", "urandom", "tty", "fd", "stdin", "stdout", "stderr", "ptmx", "pts", "shm"):
        assert name in listed
    for line in ("null 1:3 666", "zero 1:5 666", "full 1:7 666", "random 1:8 666", "urandom 1:9 666", "tty 5:0 666"):
        assert line in out
    assert "/proc/self/fd" in out and "pts/ptmx" in out


def test_other_devices_cannot_be_opened(host):
    out = inside(host, "sh", "-c", "mknod /d b 254 0; cat /d 2>&1 >/dev/null; mknod /k c 1 1; cat /k 2>&1 >/dev/null; true")
    assert out.count("Operation not permitted") == 2


def test_default_capabilities_are_dockers(host):
    fields = status(inside(host, "cat", "/proc/self/status"))
    assert int(fields["CapBnd"], 16) == int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == DEFAULT_CAPABILITIES
    assert int(fields["CapAmb"], 16) == 0


def test_user_has_no_effective_capabilities(host):
    fields = status(inside(host, "cat", "/proc/self/status", User="user"))
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    assert int(fields["CapBnd"], 16) == DEFAULT_CAPABILITIES


def test_capabilities_are_added_and_dropped(client):
    def effective(**options):
        return int(status(client.run("busybox", "cat", "/proc/self/status", rm=True, **options).out)["CapEff"], 16)
    assert effective(cap_add=["NET_ADMIN"]) == DEFAULT_CAPABILITIES | 1 << 12
    assert effective(cap_add=["CAP_SYS_TIME"]) == DEFAULT_CAPABILITIES | 1 << 25
    assert effective(cap_drop=["ALL"]) == 0
    assert effective(cap_drop=["ALL"], cap_add=["CHOWN"]) == 1
    assert effective(cap_drop=["CHOWN"]) == DEFAULT_CAPABILITIES & ~1


def test_unknown_capability_is_refused(host):
    reply = host.api.post("/containers/create", body={"Image": "busybox", "HostConfig": {"CapAdd": ["FLY"]}})
    assert reply.status == 400 and "FLY" in reply.message


def test_seccomp_filter_is_on_and_refuses(client):
    script = "grep '^Seccomp:' /proc/self/status; unshare -m true 2>&1 || echo refused"
    out = client.run("busybox", "sh", "-c", script, rm=True).out
    assert "Seccomp:\t2" in out and "refused" in out and "Operation not permitted" in out


def test_seccomp_can_be_turned_off(client):
    out = client.run("busybox", "grep", "^Seccomp:", "/proc/self/status", security_opt=["seccomp=unconfined"], rm=True).out
    assert out == "Seccomp:\t0\n"


def test_no_new_privileges(client):
    out = client.run("busybox", "grep", "NoNewPrivs", "/proc/self/status", security_opt=["no-new-privileges"], rm=True).out
    assert out == "NoNewPrivs:\t1\n"


def test_masked_paths_are_empty(host):
    for path in MASKED:
        out = inside(host, "sh", "-c", f"[ -e {path} ] || exit 0; [ -d {path} ] && ls -A {path} || cat {path}")
        assert out == "", path


def test_kernel_settings_are_read_only(host):
    for path in READ_ONLY:
        out = inside(host, "sh", "-c", f"[ -e {path} ] || exit 0; grep ' {path} ' /proc/self/mountinfo")
        assert not out or out.split()[5].startswith("ro"), path
    assert b"Read-only" in host.run("sh", "-c", "echo 1 > /proc/sys/kernel/panic")[2]


@pytest.mark.differs_from_reference("it needs every capability of the kernel, which not every machine has")
def test_privileged_container_has_everything(client):
    script = "grep -E '^(CapEff|Seccomp):' /proc/self/status; touch /sys/kernel 2>&1; mount -t tmpfs none /tmp && echo mounted; ls /dev | wc -l"
    out = client.run("busybox", "sh", "-c", script, privileged=True, rm=True).out
    assert "Seccomp:\t0" in out and "mounted" in out
    assert int(status(out)["CapEff"], 16) & ~DEFAULT_CAPABILITIES
    assert int(out.split()[-1]) > 15


@pytest.mark.differs_from_reference("it needs every capability of the kernel, which not every machine has")
def test_privileged_container_has_the_hosts_capabilities_and_no_masks(host):
    out = inside(host, "sh", "-c", "cat /proc/self/status; cat /proc/self/mountinfo", host_config={"Privileged": True})
    assert int(status(out)["CapEff"], 16) == int(status(host.read_proc(1, "status"))["CapBnd"], 16)
    table = mount_table(out[out.index("\n", out.rindex("ctxt_switches")) + 1:])
    assert not any(target.startswith("/proc/") for target in table)
    assert "rw" in table["/sys"][1] and "rw" in table["/proc"][1]


def test_read_only_root(client):
    script = "touch /x 2>&1; touch /dev/shm/ok && echo shm; touch /tmp/x 2>&1"
    out = client.run("busybox", "sh", "-c", script, read_only=True, rm=True).out
    assert out.count("Read-only file system") == 2 and "shm" in out


def test_tmpfs_is_mounted_where_asked(client):
    script = "grep -E ' /(scratch|tmp) ' /proc/self/mountinfo; touch /tmp/a /scratch/b; df -k /scratch | tail -1"
    out = client.run("busybox", "sh", "-c", script, read_only=True, tmpfs=["/tmp", "/scratch:size=4m,mode=1770"], rm=True).out
    table = mount_table("\n".join(line for line in out.splitlines() if " - " in line))
    assert table["/tmp"][2] == table["/scratch"][2] == "tmpfs"
    assert {"nosuid", "nodev", "noexec"} <= table["/tmp"][1]
    assert "size=4096k" in table["/scratch"][3] and "mode=1770" in table["/scratch"][3]


def test_init_is_process_1_and_reaps(host, client):
    # The orphans end long before their grandparent does; without an init they would stay as zombies.
    script = ("for i in 1 2 3 4 5; do sh -c '(sleep 0.05 &) ; true'; done; "
              "i=0; while [ $i -lt 200 ]; do i=$((i+1)); n=$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c -E '\\((sleep|sh)\\) [ZS] 1 '); "
              "sleep 0.05; [ $n -le 1 ] && break; done; cat /proc/1/comm; grep -l 'State:.Z' /proc/[0-9]*/status; true")
    out = client.run("busybox", "sh", "-c", script, init=True, rm=True).out
    assert out.strip() in ("tini", "docker-init", "init"), out


def test_init_passes_signals_and_exit_codes(host, client):
    # Not before the program runs: what comes while init itself starts is lost, as for any process 1 without a handler.
    container = client.spawn("busybox", "sh", "-c", "echo up; exec sleep 1000", init=True)
    host.wait_for_output(container, b"up")
    client.stop(container, timeout=60)
    assert client.inspect(container)["State"]["ExitCode"] == 143


def test_ulimits(client):
    result = client.run("busybox", "sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c", ulimit=["nofile=123:456", "core=0:0"], rm=True)
    assert result.out.split() == ["123", "456", "0"]


def test_standard_files_are_written(host):
    out = inside(host, "cat", "/etc/hosts", "/etc/hostname", Hostname="box")
    assert "127.0.0.1\tlocalhost" in out and out.endswith("box\n")
    extra = inside(host, "cat", "/etc/hosts", host_config={"ExtraHosts": ["db:10.1.2.3"], "NetworkMode": "host"})
    assert "10.1.2.3\tdb" in extra


def test_container_can_not_reach_the_hosts_network(host):
    server = host.spawn("nc", "-l", "-p", "7777", "-e", "echo", "reached", host_config={"NetworkMode": "host"})
    assert host.run("sh", "-c", "nc -w 1 127.0.0.1 7777 </dev/null")[0] != 0
    host.remove(server)


def test_root_is_mounted_only_inside(host):
    container = host.spawn("sleep", "1000")
    if not host.engine.is_reference:
        assert container not in host.read_proc(1, "mountinfo")
    assert "overlay" in host.read_proc(host.state(container)["Pid"], "mountinfo")


def test_sysctls_of_its_own_namespaces_can_be_set_and_others_not(host):
    out = inside(host, "cat", "/proc/sys/kernel/msgmax", host_config={"Sysctls": {"kernel.msgmax": "12345"}})
    assert out == "12345\n"
