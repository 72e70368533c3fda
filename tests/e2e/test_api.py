"""The API's own manners: versions, methods, errors, what is not there yet."""

import pytest


def test_ping_answers_with_the_version_headers(host):
    for reply in (host.api.get("/_ping"), host.api.head("/_ping")):
        assert reply.status == 200 and reply.headers["Api-Version"] and reply.headers["Ostype"] == "linux"
        assert reply.headers["Docker-Experimental"] == "false" and reply.headers["Server"]
        assert reply.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
    assert host.api.get("/_ping").body == b"OK" and host.api.head("/_ping").body == b""


@pytest.mark.berth_only
def test_versions_are_those_that_are_promised(host):
    assert host.api.get("/_ping").headers["Api-Version"] == "1.51"
    version = host.api.get("/version").json
    assert (version["ApiVersion"], version["MinAPIVersion"]) == ("1.51", "1.24")
    components = {item["Name"]: item["Version"] for item in version["Components"]}
    assert components["Engine"] == version["Version"] and version["Version"].startswith("28.") and components["Berth"]


@pytest.mark.parametrize("prefix", ["", "/v1.24", "/v1.30", "/v1.41"])
def test_paths_work_with_and_without_a_version(host, prefix):
    assert host.api.get(prefix + "/containers/json").json == []
    assert host.api.get(prefix + "/version").json["Os"] == "linux"


def test_versions_that_are_not_supported_are_400(host):
    for version in ("v9.99", "v1.11"):
        reply = host.api.get(f"/{version}/containers/json")
        assert reply.status == 400 and "version" in reply.message, version


def test_unknown_path_is_404(host):
    reply = host.api.get("/colours")
    assert (reply.status, reply.message) == (404, "page not found")


@pytest.mark.differs_from_reference("it answers 404")
def test_wrong_method_is_405(host):
    assert host.api.delete("/version").status == 405


@pytest.mark.berth_only
@pytest.mark.parametrize("method, path", [("POST", "/build"), ("POST", "/swarm/init"), ("GET", "/plugins")])
def test_what_is_not_there_yet_is_501_with_a_sentence(host, method, path):
    reply = host.api.request(method, path)
    assert reply.status == 501 and len(reply.message.split()) > 3


def test_info_counts_what_there_is(host):
    host.create("true")
    host.spawn("sleep", "1000")
    info = host.api.get("/info").json
    assert (info["Containers"], info["ContainersRunning"], info["ContainersStopped"]) == (2, 1, 1)
    assert info["OSType"] == "linux" and info["NCPU"] >= 1 and info["MemTotal"] > 10 ** 8
    assert info["DockerRootDir"] == str(host.data_root) and info["Images"] >= 1


def test_clients_show_version_and_info(host, client):
    assert client.engine_version() == host.api.get("/version").json["Version"]
    assert client.engine_info()["DockerRootDir"] == str(host.data_root)


def test_connection_is_kept_for_the_next_request(host):
    sock = host.api.raw(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
    assert host.api.read_answer(sock).status == 200
    sock.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert host.api.read_answer(sock).json["Os"] == "linux"
    assert sock.recv(1) == b""
    sock.close()


def test_create_takes_a_chunked_body(host):
    body = b'{"Image": "busybox"}'
    sock = host.api.raw(b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert host.api.read_answer(sock).status == 201
    sock.close()


def test_inspect_has_what_clients_read(host):
    container = host.create("echo", "hi", name="shown", Env=["A=1"], host_config={"Memory": 64 << 20})
    shown = host.inspect("shown")
    assert shown["Id"] == container and shown["Name"] == "/shown" and shown["Path"] == "echo" and shown["Args"] == ["hi"]
    assert shown["Image"].startswith("sha256:") and shown["Config"]["Image"] == "busybox"
    assert "A=1" in shown["Config"]["Env"] and any(item.startswith("PATH=") for item in shown["Config"]["Env"])
    assert shown["HostConfig"]["Memory"] == 64 << 20 and shown["HostConfig"]["LogConfig"]["Type"] == "json-file"
    assert shown["RestartCount"] == 0 and shown["Platform"] == "linux" and shown["Mounts"] == []
    assert {"Networks", "Ports"} <= set(shown["NetworkSettings"])
    assert shown["Config"]["Hostname"] == container[:12]
    assert "SizeRw" not in shown and "SizeRw" in host.api.get("/containers/shown/json", size=1).json


def test_names_are_found_by_id_and_by_what_begins_only_one_id(host):
    container = host.create("true", name="found")
    for name in ("found", container, container[:12], container[:6]):
        assert host.api.get(f"/containers/{name}/json").json["Id"] == container, name


def test_config_file_and_labels_are_read(fresh_host):
    host = fresh_host
    host.terminate()
    (host.folder / "daemon.json").write_text('{"labels": ["tier=test"]}')
    host.start()
    assert host.api.get("/info").json["Labels"] == ["tier=test"]
