"""Running a container to its end, with three clients."""

import pytest

from harness.clients import Failed


def test_output_goes_to_the_stream_it_was_written_to(client):
    result = client.run("busybox", "sh", "-c", "echo out; echo err >&2", rm=True)
    assert result == (0, "out\n", "err\n")


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_code_of_the_program_is_the_clients(client, code):
    assert client.run("busybox", "sh", "-c", f"exit {code}", rm=True).code == code


def test_death_by_signal_is_128_and_the_number(client):
    assert client.run("busybox", "sh", "-c", "kill -9 $$", rm=True, init=True).code == 137


def test_default_command_is_the_images(client):
    assert client.run("busybox", input="echo from sh\n", rm=True).out == "from sh\n"


def test_stdin_is_piped_and_its_end_is_seen(client):
    text = "".join(f"line {number}\n" for number in range(20000))
    result = client.run("busybox", "cat", input=text, rm=True)
    assert (result.code, result.err) == (0, "") and result.out == text


def test_large_output_arrives_whole(client):
    result = client.run("busybox", "sh", "-c", "seq 1 200000", rm=True)
    assert result.out.split() == [str(number) for number in range(1, 200001)]


def test_environment_is_the_images_and_the_users(client):
    result = client.run("busybox", "env", env={"COLOUR": "blue and green", "EMPTY": ""}, rm=True, hostname="box")
    lines = result.out.splitlines()
    assert "COLOUR=blue and green" in lines and "EMPTY=" in lines and "HOSTNAME=box" in lines
    assert "HOME=/root" in lines
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in lines
    assert not any(line.startswith("TERM=") for line in lines)


def test_working_directory_is_made_if_it_is_missing(client):
    result = client.run("busybox", "sh", "-c", "pwd; stat -c '%u:%g %a' .", workdir="/srv/deep/er", rm=True)
    assert result.out == "/srv/deep/er\n0:0 755\n"


@pytest.mark.parametrize("user, wanted", [
    ("user", "uid=1000(user) gid=1000(user) groups=29(audio),100(users),1000(user)"),
    ("daemon", "uid=1(daemon) gid=1(daemon) groups=1(daemon)"),
    ("1000", "uid=1000(user) gid=1000(user) groups=29(audio),100(users),1000(user)"),
    ("user:daemon", "uid=1000(user) gid=1(daemon) groups=1(daemon)"),
    ("1234", "uid=1234 gid=0(root) groups=0(root)"),
    ("1234:5678", "uid=1234 gid=5678 groups=5678"),
    (":33", "uid=0(root) gid=33(www-data) groups=33(www-data)"),
])
def test_user_and_groups_are_those_of_the_image(client, user, wanted):
    result = client.run("busybox", "id", user=user, rm=True)
    got = dict(part.split("=") for part in result.out.split())
    expected = dict(part.split("=") for part in wanted.split())
    assert got["uid"] == expected["uid"] and got["gid"] == expected["gid"]
    groups = set(got.get("groups", expected["groups"]).split(","))
    assert groups | {expected["gid"]} == set(expected["groups"].split(",")) | {expected["gid"]}


def test_added_groups_are_there_by_name_and_number(client):
    result = client.run("busybox", "id", "-G", user="daemon", group_add=["audio", "777"], rm=True)
    assert set(result.out.split()) == {"1", "29", "777"}


def test_home_is_the_users(client):
    assert client.run("busybox", "sh", "-c", "echo $HOME", user="user", rm=True).out == "/home/user\n"


def test_entrypoint_takes_the_place_of_the_images(client):
    assert client.run("busybox", "a", "b", entrypoint="echo", rm=True).out == "a b\n"


def test_hostname_is_set_and_resolves(client):
    result = client.run("busybox", "sh", "-c", "hostname; cat /etc/hostname", hostname="box.example", rm=True)
    assert result.out == "box.example\nbox.example\n"


def test_hostname_is_the_short_id_by_default(client):
    container = client.create("busybox", "hostname")
    client.start(container)
    client.wait(container)
    assert client.logs(container).out.strip() == container[:12]


def test_labels_are_kept(client):
    container = client.create("busybox", "true", label={"org.example.a": "1", "plain": ""})
    assert client.inspect(container)["Config"]["Labels"] == {"org.example.a": "1", "plain": ""}


def test_rm_leaves_no_container(client):
    client.run("busybox", "true", rm=True, name="gone")
    assert "gone" not in client.names()


def test_without_rm_the_container_stays_with_its_exit_code(client):
    client.run("busybox", "sh", "-c", "exit 3", name="stays")
    state = client.inspect("stays")["State"]
    assert (state["Status"], state["ExitCode"], state["Running"], state["Pid"]) == ("exited", 3, False, 0)


def test_detached_container_runs_on(client):
    container = client.spawn("busybox", "sleep", "1000", name="runs")
    assert len(container) == 64
    state = client.inspect("runs")["State"]
    assert state["Running"] and state["Status"] == "running" and state["Pid"] > 0


def test_network_none_has_only_a_loopback(client):
    result = client.run("busybox", "sh", "-c", "ls /sys/class/net; ip -o addr show lo", network="none", rm=True)
    assert result.out.split()[0] == "lo" and "127.0.0.1/8" in result.out
    assert len([line for line in result.out.splitlines() if " inet " not in line and " inet6 " not in line]) == 1


def test_network_host_is_the_hosts(host, client):
    wanted = host.shell("readlink", "/proc/self/ns/net").stdout
    assert client.run("busybox", "readlink", "/proc/self/ns/net", network="host", rm=True).out == wanted


def test_cidfile_holds_the_id(host, cli):
    path = host.folder / f"{cli.name}.cid"
    cli("run", "-d", "--cidfile", path, "busybox", "true")
    assert len(path.read_text()) == 64
    with pytest.raises(Failed):
        cli("run", "--cidfile", path, "busybox", "true")
    path.unlink()


def test_env_file_is_read(host, cli):
    path = host.folder / "env"
    path.write_text("# comment\nA=1\nB=two words\n\nFROM_OUTSIDE\n")
    lines = cli("run", "--rm", "--env-file", path, "busybox", "env").out.splitlines()
    assert "A=1" in lines and "B=two words" in lines
    assert not any(line.startswith(("#", "FROM_OUTSIDE")) for line in lines)
