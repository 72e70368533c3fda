"""Images whose configuration, users, sizes or types lie. What they say is checked before it is used."""

import gzip
import json
import time

import pytest

import archive

MEGABYTE = 1 << 20


def with_files(host, *entries, config=None, tag="attack:1"):
    layers = host.busybox_layers() + [archive.tar(entries)]
    host.load(archive.Image(tag, layers, config or {"Cmd": ["sh"]}).docker_archive())
    return tag


def status_of(host, field):
    with open(f"/proc/{host.daemon_pid}/status") as file:
        return int(dict(line.split(":", 1) for line in file)[field].split()[0])


def try_user(host, user, image="busybox"):
    """The identity that a container gets, or None where it is refused."""
    reply = host.api.post("/containers/create", body={"Image": image, "Cmd": ["id", "-u"], "User": user})
    if reply.status != 201:
        return None
    container = reply.json["Id"]
    started = host.api.post(f"/containers/{container}/start").status == 204
    out = None
    if started:
        host.wait(container)
        out = host.output(container)[0].decode().strip()
    host.remove(container)
    return out


@pytest.mark.parametrize("user", ["4294967296", "4294967295", "2147483648", "18446744073709551616", "-1", "99999999999999999999",
                                  "0x0", "0b0", "1e3", " 0", "0 ", "1000 0", "1000;0", "root\n", "1000:4294967296", "1000:-1"])
def test_user_that_is_no_number_and_no_name_never_becomes_root(host, user):
    """CVE-2024-40635, CVE-2026-46680: a number beyond 32 bits wraps to 0."""
    got = try_user(host, user)
    assert got != "0" and got in (None, "1000", "2147483648"), got


@pytest.mark.parametrize("user, wanted", [("1000:", ("1000", None)), ("+1", (None,)), ("00", ("0", None)), ("01000", ("1000", None)),
                                          ("0", ("0",)), ("2147483647", ("2147483647",))])
def test_spellings_of_numbers_mean_what_they_say_or_nothing(host, user, wanted):
    """CVE-2026-30892: `exec -u` read "1000:" as something else."""
    if host.engine.is_reference and user == "+1":
        pytest.skip("Docker reads +1 as 1")
    assert try_user(host, user) in wanted


def test_name_that_looks_like_a_number_is_the_images_user(host):
    """CVE-2026-46680: a user named like a number in /etc/passwd; the name wins, as in Docker."""
    with_files(host, ("etc/passwd", b"root:x:0:0::/:/bin/sh\n4294967296:x:1234:1234::/:/bin/sh\n"))
    assert try_user(host, "4294967296", "attack:1") in ("1234", None)


def test_groups_of_a_user_are_exactly_those_of_the_image(host):
    """CVE-2023-25173, CVE-2022-36109: supplementary groups were missing, or the daemon's own stayed."""
    for user, wanted in (("user", {"1000", "29", "100"}), ("daemon", {"1"}), ("1234", {"0"}), ("1234:5", {"5"}), ("user:1", {"1"})):
        _, out, _ = host.run("id", "-G", User=user)
        assert set(out.decode().split()) == wanted, user


@pytest.mark.differs_from_reference("it takes its time")
@pytest.mark.parametrize("name", ["etc/passwd", "etc/group"])
def test_giant_user_files_are_bounded(host, name):
    """CVE-2026-47262: a user file of one endless line, or of endless lines, takes memory or time without end."""
    for content in (b"x" * (8 * MEGABYTE), b"x:x:1:1::/:/x\n" * (MEGABYTE // 2), b":" * (4 * MEGABYTE), b"root:x:0:" + b"u," * (2 * MEGABYTE)):
        with_files(host, (name, content))
        begin = time.monotonic()
        container = host.create("true", image="attack:1", User="user")
        if host.api.post(f"/containers/{container}/start").status == 204:
            host.wait(container)
        assert time.monotonic() - begin < 30
        host.remove(container)


@pytest.mark.parametrize("content", [b"", b"root", b"root:", b":::::::\n", b"root:x:zero:0::/:/x\n", b"\0\0\0", b"root:x:-1:0::/:\n",
                                     b"#root:x:0:0\n+::::::\n", b"user:x:4294967296:0::/:\n"])
def test_malformed_passwd_does_not_make_root(host, content):
    """CVE-2024-40635's neighbour: lines of /etc/passwd that do not parse."""
    with_files(host, ("etc/passwd", content))
    assert try_user(host, "user", "attack:1") is None or host.engine.is_reference and b"4294967296" in content
    assert try_user(host, "0", "attack:1") in ("0", None)
    assert try_user(host, "1000", "attack:1") in ("1000", None)


@pytest.mark.differs_from_reference("it reads /dev/zero without end")
def test_passwd_that_is_a_link_or_a_directory_shows_nothing_of_the_host(host):
    """The image's /etc/passwd is read by the engine: a link in its place must end inside the root."""
    with_files(host, archive.symlink("etc/passwd", "/proc/1/root/etc/passwd"))
    assert try_user(host, "backup", "attack:1") is None
    with_files(host, archive.symlink("etc/passwd", "../" * 12 + "etc/passwd"))
    assert try_user(host, "backup", "attack:1") is None
    with_files(host, archive.symlink("etc/group", "/dev/zero"))
    try_user(host, "user", "attack:1")
    with_files(host, archive.entry("etc/.wh.passwd"), archive.directory("etc/passwd"))
    assert try_user(host, "user", "attack:1") is None


def test_labels_and_environment_reach_no_shell(host):
    """CVE-2026-53488: an image's LABEL was run by a shell on the host."""
    mark = host.folder / "executed"
    attack = f"$(touch {mark})`touch {mark}`;touch {mark}|touch {mark}&\n'\"touch {mark}"
    config = {"Cmd": ["true"], "Labels": {attack: attack, "a": attack}, "Env": [f"A={attack}"], "StopSignal": "SIGTERM"}
    with_files(host, ("x", b""), config=config)
    assert host.run(image="attack:1")[0] == 0
    host.api.get("/images/json", filters={"label": [attack]})
    assert not mark.exists()


@pytest.mark.parametrize("volume", ["/../../../../../../etc", "/x/../../../../../../../../etc/", "etc", "/proc", "/link", ""])
def test_volume_of_an_image_takes_nothing_from_the_host(host, volume):
    """CVE-2022-23648: VOLUME with `..` or a link copied the host's files into the container."""
    (host.folder / "victim").mkdir(exist_ok=True)
    (host.folder / "victim" / "secret-of-the-host").write_text("x")
    config = {"Cmd": ["sh"], "Volumes": {volume: {}}}
    image = archive.Image("attack:1", host.busybox_layers() + [archive.tar([archive.symlink("link", str(host.folder / "victim"))])], config)
    host.api.post("/images/load", body=image.docker_archive())
    reply = host.api.post("/containers/create", body={"Image": "attack:1", "Cmd": ["find", "/", "-name", "secret-of-the-host"]})
    if reply.status == 201 and host.api.post(f"/containers/{reply.json['Id']}/start").status == 204:
        host.wait(reply.json["Id"])
        assert host.output(reply.json["Id"])[0] == b""
    assert (host.folder / "victim" / "secret-of-the-host").exists()


def load_quickly(host, data, seconds=60, megabytes=200):
    """Loads an archive and checks that it cost neither time nor memory out of measure; True if it was taken."""
    before = status_of(host, "VmHWM")
    begin = time.monotonic()
    reply = host.api.post("/images/load", body=data, quiet=1)
    assert time.monotonic() - begin < seconds
    assert status_of(host, "VmHWM") - before < megabytes * 1024
    return reply.status == 200 and b"errorDetail" not in reply.body


@pytest.mark.differs_from_reference("it takes its time")
def test_bomb_in_place_of_a_document_takes_no_memory(host):
    """CVE-2023-25153: a manifest or config of any size was read into memory."""
    bomb = b'[{"Config": "' + b"a" * (300 * MEGABYTE)
    for name in ("manifest.json", "index.json", "oci-layout", "repositories"):
        assert not load_quickly(host, gzip.compress(archive.tar([(name, bomb)]), 1)), name
    image = archive.Image("attack:1", [archive.tar([("x", b"")])], {})
    files = dict(image.docker_archive_entries())
    config = json.loads(files["manifest.json"])[0]["Config"]
    files[config] = b'{"config": {"Labels": {"a": "' + b"a" * (300 * MEGABYTE) + b'"}}}'
    assert not load_quickly(host, gzip.compress(archive.tar(files.items()), 1))


@pytest.mark.differs_from_reference("it takes its time")
def test_many_opaque_whiteouts_take_no_time(host):
    """CVE-2026-32288, CVE-2026-95838: each opaque whiteout walked the whole tree again."""
    base = archive.tar([(f"f{number}", b"") for number in range(3000)])
    opaque = archive.tar([archive.entry(".wh..wh..opq") for _ in range(3000)])
    same = archive.tar([archive.entry(f".wh.f{number}") for number in range(3000)] * 2)
    nested = archive.tar([item for number in range(300) for item in
                          (archive.directory("/".join(["d"] * (number + 1))), archive.entry("/".join(["d"] * (number + 1)) + "/.wh..wh..opq"))])
    for layers in ([base, opaque], [base, same], [base, nested, opaque]):
        load_quickly(host, archive.Image("attack:1", layers, {}).docker_archive())
        host.api.delete("/images/attack:1", force=1)


@pytest.mark.differs_from_reference("it takes its time")
def test_giant_pax_headers_and_sparse_files_take_no_memory(host):
    """CVE-2023-25153's kin: records and holes whose stated size is far beyond what is there."""
    record = archive.tar([archive.entry("x", data=b"x", pax={"comment": "c" * (64 * MEGABYTE)})])
    attributes = archive.tar([archive.entry("x", data=b"x", pax={f"SCHILY.xattr.user.a{n}": "v" * 60000 for n in range(300)})])
    sparse = archive.tar([archive.entry("x", data=b"1\n0\n1\n" + b"\0" * 506 + b"x", pax={
        "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x", "GNU.sparse.realsize": str(1 << 50)})])
    for layer in (record, attributes, sparse):
        load_quickly(host, archive.Image("attack:1", [layer], {}).docker_archive())
        host.api.delete("/images/attack:1", force=1)
    assert host.run("echo", "unhurt")[1] == b"unhurt\n"


def oci(manifest_changes=None, index_changes=None, descriptor_changes=None):
    """An OCI archive with parts of its manifest, index or descriptor changed, and all digests right."""
    image = archive.Image("attack:1", [archive.tar([("x", b"x")])], {"Cmd": ["/x"]})
    files = dict(image.oci_entries())
    index = json.loads(files["index.json"])
    descriptor = index["manifests"][0]
    manifest = json.loads(files.pop("blobs/sha256/" + descriptor["digest"].split(":")[1]))
    manifest.update(manifest_changes or {})
    data = archive.canonical({key: value for key, value in manifest.items() if value is not None})
    files["blobs/sha256/" + archive.sha256(data)] = data
    descriptor.update({"digest": "sha256:" + archive.sha256(data), "size": len(data), **(descriptor_changes or {})})
    index.update(index_changes or {})
    files["index.json"] = archive.canonical(index)
    return archive.tar(files.items())


@pytest.mark.berth_only
@pytest.mark.parametrize("changes", [
    {"manifest_changes": {"manifests": [{"digest": "sha256:" + "a" * 64, "size": 1, "mediaType": "x"}]}},
    {"manifest_changes": {"mediaType": "application/vnd.oci.image.index.v1+json"}},
    {"descriptor_changes": {"mediaType": "application/vnd.oci.image.index.v1+json"}},
    {"index_changes": {"mediaType": "application/vnd.oci.image.manifest.v1+json"}},
    {"index_changes": {"layers": []}},
], ids=["both", "manifest-says-index", "descriptor-says-index", "index-says-manifest", "index-with-layers"])
def test_document_that_can_be_read_as_two_types_is_refused(host, changes):
    """CVE-2021-41190: one document, read as a manifest by one side and as an index by the other."""
    assert not load_quickly(host, oci(**changes))
    assert host.api.get("/images/attack:1/json").status == 404


@pytest.mark.berth_only
@pytest.mark.parametrize("digest", ["sha256:../../../../../../etc/passwd", "sha256:../x", "../../x", "sha256:" + "0" * 63 + "/"])
def test_digest_of_a_descriptor_is_no_path(host, digest):
    """Apple container 1.3.1: the digest of a descriptor was used as a path of the content store."""
    for changes in ({"descriptor_changes": {"digest": digest}},
                    {"manifest_changes": {"config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 10}}},
                    {"manifest_changes": {"layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": 10}]}}):
        assert not load_quickly(host, oci(**changes))


@pytest.mark.berth_only
def test_document_whose_size_is_a_lie_is_refused(host):
    """Bytes are trusted only if their size and digest are those of the descriptor."""
    for size in (0, 1, -1, 1 << 62):
        assert not load_quickly(host, oci(descriptor_changes={"size": size})), size


def test_configuration_that_lies_about_its_platform_or_size_does_no_harm(host):
    """Numbers and strings of a config at their limits."""
    for changes in ({"architecture": "../../x"}, {"os": "windows"}, {"created": "not a time"}, {"created": 5}, {"history": 7},
                    {"config": {"Env": ["=", "", "A"], "Cmd": ["/x"]}}, {"config": {"WorkingDir": "\0"}}, {"config": []}):
        image = archive.Image("attack:1", [archive.tar([("x", b"")])], {"Cmd": ["/x"]})
        image.config = archive.canonical({**json.loads(image.config), **changes})
        host.api.post("/images/load", body=image.docker_archive())
        host.api.get("/images/json")
        reply = host.api.get("/images/attack:1/json")
        assert reply.status in (200, 404), reply
        host.api.delete("/images/attack:1", force=1)
    assert host.run("echo", "unhurt")[1] == b"unhurt\n"
