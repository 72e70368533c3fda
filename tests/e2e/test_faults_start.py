"""What cannot be started: the right exit code, Docker's words, and nothing left behind."""

import pytest

import archive


def create(host, **body):
    return host.api.post("/containers/create", body={"Image": "busybox", **body})


def test_unknown_image_is_404(host):
    reply = create(host, Image="nothing")
    assert (reply.status, reply.message) == (404, "No such image: nothing:latest")


def test_unknown_image_at_the_command_line_is_125(host, cli):
    result = cli("run", "--pull", "never", "nothing", check=False)
    assert result.code == 125 and "No such image: nothing:latest" in result.err


@pytest.mark.parametrize("name", ["-dash", "a b", "a/b", "x", "é", ".."])
def test_bad_name_is_400(host, name):
    reply = host.api.post("/containers/create", body={"Image": "busybox"}, name=name)
    assert reply.status == 400
    assert f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed" in reply.message


def test_name_in_use_is_409_and_names_its_owner(host, client):
    owner = host.create("true", name="taken")
    reply = host.api.post("/containers/create", body={"Image": "busybox"}, name="taken")
    assert reply.status == 409
    assert reply.message == (f'Conflict. The container name "/taken" is already in use by container "{owner}". '
                             "You have to remove (or rename) that container to be able to reuse that name.")
    assert client.run("busybox", "true", name="taken").code == 125


def test_command_not_found_is_127_with_dockers_message(host, client):
    result = client.run("busybox", "nowhere", "--flag")
    assert result.code == 127
    assert 'exec: "nowhere": executable file not found in $PATH' in result.err


def test_path_not_found_is_127(host, client):
    result = client.run("busybox", "/no/where")
    assert result.code == 127 and "/no/where" in result.err and "no such file or directory" in result.err


@pytest.mark.parametrize("program", ["/etc/passwd", "/etc"])
def test_not_executable_is_126(host, client, program):
    result = client.run("busybox", program)
    assert result.code == 126 and f'exec: "{program}"' in result.err
    assert "permission denied" in result.err or "is a directory" in result.err


def test_failed_start_is_400_and_the_container_says_why(host):
    container = host.create("nowhere")
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status == 400 and "executable file not found in $PATH" in reply.message
    state = host.state(container)
    assert (state["Status"], state["ExitCode"], state["Pid"]) == ("created", 127, 0)
    assert "executable file not found" in state["Error"]


def test_failed_run_with_rm_leaves_no_container(host, client):
    assert client.run("busybox", "nowhere", rm=True).code == 127
    assert host.containers() == []


def test_container_that_failed_to_start_can_be_removed_and_its_name_used_again(host):
    for _ in range(3):
        container = host.create("nowhere", name="again")
        assert host.api.post(f"/containers/{container}/start").status == 400
        assert host.api.delete(f"/containers/{container}").status == 204


@pytest.mark.parametrize("user, text", [
    ("stranger", "unable to find user stranger: no matching entries in passwd file"),
    ("root:strangers", "unable to find group strangers: no matching entries in group file"),
    ("stranger:strangers", "unable to find user stranger"),
])
def test_unknown_user_is_refused(host, user, text):
    container = host.create("true", User=user)
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status in (400, 500) and text in reply.message


@pytest.mark.parametrize("directory", ["/etc/passwd", "/etc/passwd/deeper", "/proc/self/fd/0"])
def test_working_directory_that_is_no_directory_is_refused(host, directory):
    reply = create(host, Cmd=["true"], WorkingDir=directory)
    if reply.status == 201:
        reply = host.api.post(f"/containers/{reply.json['Id']}/start")
    assert reply.status in (400, 500) and "directory" in reply.message


def test_relative_working_directory_is_400(host):
    reply = create(host, WorkingDir="relative")
    assert reply.status == 400 and "relative" in reply.message


def test_image_without_a_command_is_400(host):
    layer = archive.tar([("file", b"")])
    host.load(archive.Image("silent:1", [layer], {}).docker_archive())
    reply = create(host, Image="silent:1")
    assert reply.status == 400 and "no command specified" in reply.message.lower()


def test_image_without_anything_in_it_says_that_the_program_is_missing(host):
    host.load(archive.Image("empty:1", [archive.tar([archive.directory("d")])], {"Cmd": ["/x"]}).docker_archive())
    container = host.create(image="empty:1")
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status == 400 and "/x" in reply.message
    assert host.state(container)["ExitCode"] == 127


FOREIGN = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\x00\xb7\x00" + b"\0" * 200  # an AArch64 header


@pytest.mark.parametrize("program, text", [(b"#!/no/interpreter\n", "no such file or directory"),
                                           (FOREIGN, "exec format error")], ids=["interpreter", "machine"])
def test_program_that_the_kernel_refuses_fails_plainly(host, program, text):
    layer = archive.tar([archive.entry("run", data=program, mode=0o755)])
    host.load(archive.Image("refused:1", host.busybox_layers() + [layer], {"Cmd": ["/run"]}).docker_archive())
    container = host.create(image="refused:1")
    reply = host.api.post(f"/containers/{container}/start")
    if reply.status == 204:  # runc notices only after it has reported a start
        assert host.wait(container) != 0 and text.encode() in b"".join(host.output(container))
    else:
        assert text in reply.message.lower() and host.state(container)["ExitCode"] in (126, 127)


def test_removal_of_a_running_container_is_409(host):
    container = host.spawn("sleep", "1000", name="busy")
    reply = host.api.delete("/containers/busy")
    assert reply.status == 409 and "/busy" in reply.message or container in reply.message
    assert "container is running" in reply.message or "stop the container before" in reply.message.lower()
    assert host.state(container)["Running"]


def test_kill_of_a_stopped_container_is_409_and_says_so(host):
    container = host.create("true", name="still")
    reply = host.api.post("/containers/still/kill")
    assert reply.status == 409 and "is not running" in reply.message and container in reply.message


def test_unknown_signal_is_400(host):
    container = host.spawn("sleep", "1000")
    reply = host.api.post(f"/containers/{container}/kill", signal="SIGNONSENSE")
    assert reply.status == 400 and "invalid signal: signonsense" in reply.message.lower()


@pytest.mark.parametrize("method, path", [
    ("GET", "json"), ("GET", "logs?stdout=1"), ("POST", "start"), ("POST", "stop"), ("POST", "restart"), ("POST", "kill"),
    ("POST", "wait"), ("POST", "rename?name=x1"), ("POST", "resize?h=1&w=1"), ("DELETE", "")])
def test_unknown_container_is_404_everywhere(host, method, path):
    reply = host.api.request(method, f"/containers/nobody/{path}".rstrip("/"))
    assert reply.status == 404 and reply.message.endswith("No such container: nobody")


@pytest.mark.differs_from_reference("it answers 500")
def test_prefix_that_fits_two_containers_is_refused(host):
    # Sixteen and one: two IDs must begin alike.
    ids = [host.create("true") for _ in range(17)]
    first = [identifier[0] for identifier in ids]
    letter = next(c for c in first if first.count(c) > 1)
    reply = host.api.get(f"/containers/{letter}/json")
    assert reply.status == 400 and "multiple ids found with provided prefix" in reply.message.lower()


def test_unsupported_network_says_so(host):
    reply = create(host, HostConfig={"NetworkMode": "no-such-network"}, Cmd=["true"])
    if reply.status == 201:
        reply = host.api.post(f"/containers/{reply.json['Id']}/start")
    assert reply.status in (404, 501) and "network" in reply.message
