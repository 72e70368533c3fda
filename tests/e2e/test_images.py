"""Images: load, list, inspect, history, tag, remove, import, with three clients; every archive format."""

import json

import pytest

import archive
from harness.clients import Failed
from harness.waiting import until


def small(tag, text=b"x", config=None, layers=1):
    """An image of a few bytes, different for each text."""
    content = [archive.tar([(f"file{number}", text)]) for number in range(layers)]
    return archive.Image(tag, content, config or {"Cmd": ["/file0"]})


def write(host, name, data):
    path = host.folder / name
    path.write_bytes(data)
    return path


def test_load_prints_the_name_and_the_image_is_listed(host, client):
    path = write(host, "small.tar", small("small:1").docker_archive())
    assert "Loaded image: small:1" in client.load(path)
    assert "small:1" in client.tags()
    path.unlink()


def test_load_of_an_image_without_name_prints_its_id(host, client):
    image = small(None, b"nameless")
    path = write(host, "small.tar", image.docker_archive())
    assert f"Loaded image ID: {image.id}" in client.load(path)
    client.remove_image(image.id)
    path.unlink()


@pytest.mark.parametrize("form", ["busybox-gzip", "busybox-zstd",
                                  pytest.param("busybox-oci", marks=pytest.mark.berth_only)])
def test_load_of_other_forms_runs(fresh_host, form):
    host = fresh_host
    if form == "busybox-zstd" and host.engine.is_reference:
        pytest.skip("Docker 20.10 has no zstd")
    if form != "busybox-oci":
        host.api.delete("/images/busybox", force=1)
    host.load(host.image_folder / f"{form}.tar")
    image = "busybox:oci" if form == "busybox-oci" else "busybox"
    assert host.run("echo", "fine", image=image) == (0, b"fine\n", b"")
    if form == "busybox-oci":
        assert host.api.delete("/images/busybox:oci").status == 200


def test_loading_twice_changes_nothing(host):
    host.load(small("small:1").docker_archive())
    before = host.images()
    host.load(small("small:1").docker_archive())
    assert host.images() == before


def test_load_moves_a_name_to_the_new_image(host):
    old, new = small("small:1", b"old"), small("small:1", b"new")
    host.load(old.docker_archive())
    host.load(new.docker_archive())
    assert host.api.get("/images/small:1/json").json["Id"] == new.id
    assert not host.api.get(f"/images/{old.id}/json").json["RepoTags"]


def test_archive_of_several_images_is_loaded_whole(host):
    images = [small("several:1", b"1"), small("several:2", b"2")]
    files = {name: data for image in images for name, data in image.docker_archive_entries()}
    manifests = [json.loads(image.docker_archive_entries()[-1][1])[0] for image in images]
    files["manifest.json"] = archive.canonical(manifests)
    host.load(archive.tar(files.items()))
    for image in images:
        assert host.api.get(f"/images/{image.tag}/json").json["Id"] == image.id


def test_inspect_shows_the_configuration(host, client):
    config = {"Env": ["A=1"], "Cmd": ["/file0"], "Entrypoint": ["/e"], "WorkingDir": "/w", "User": "u",
              "Labels": {"l": "v"}, "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGQUIT"}
    image = small("small:1", config=config, layers=3)
    host.load(image.docker_archive())
    shown = client.inspect_image("small:1")
    assert shown["Id"] == image.id and shown["RepoTags"] == ["small:1"] and shown["Created"] == archive.CREATED
    assert (shown["Os"], shown["Architecture"]) == ("linux", "amd64")
    assert shown["RootFS"]["Layers"] == ["sha256:" + archive.sha256(layer) for layer in image.layers]
    assert {key: shown["Config"][key] for key in config} == config


def test_image_is_found_by_every_form_of_its_name(host):
    image = small("small:1")
    host.load(image.docker_archive())
    short = image.id.split(":")[1]
    for name in ("small:1", "docker.io/library/small:1", "library/small:1", image.id, short, short[:12]):
        reply = host.api.get(f"/images/{name}/json")
        assert reply.status == 200 and reply.json["Id"] == image.id, name


def test_history_has_a_step_for_each_layer_newest_first(host, client):
    host.load(small("small:1", layers=3).docker_archive())
    assert client.history("small:1") == ["layer 2", "layer 1", "layer 0"]


def test_tag_names_the_same_image(client):
    client.tag("busybox", "renamed:v2")
    assert client.inspect_image("renamed:v2")["Id"] == client.inspect_image("busybox")["Id"]
    client.remove_image("renamed:v2")
    assert "renamed:v2" not in client.tags() and "busybox:latest" in client.tags()


@pytest.mark.differs_from_reference("it answers 500")
def test_tag_refuses_bad_names(host):
    assert host.api.post("/images/busybox/tag", repo="UPPER", tag="x").status == 400
    assert host.api.post("/images/busybox/tag", repo="ok", tag="-bad").status == 400


def test_tag_of_an_unknown_image_is_404(host):
    reply = host.api.post("/images/nothing/tag", repo="ok", tag="x")
    assert (reply.status, reply.message) == (404, "No such image: nothing:latest")


def test_removal_untags_and_deletes(host):
    image = small("small:1", layers=2)
    host.load(image.docker_archive())
    host.api.post("/images/small:1/tag", repo="small", tag="2")
    assert host.api.delete("/images/small:1").json == [{"Untagged": "small:1"}]
    steps = host.api.delete("/images/small:2").json
    assert steps[0] == {"Untagged": "small:2"} and {"Deleted": image.id} in steps
    assert host.api.get("/images/small:2/json").status == 404


def test_image_in_use_is_not_removed(host, client):
    container = client.create("busybox", "true", name="user")
    with pytest.raises(Failed, match="conflict: unable to"):
        client.remove_image(client.inspect_image("busybox")["Id"])
    client.tag("busybox", "other:name")
    client.remove_image("other:name")
    client.remove(container)


def test_image_of_a_running_container_is_not_removed_by_force(host):
    image = archive.Image("held:1", [archive.tar([archive.directory("d")])] +
                          host.busybox_layers(), {"Cmd": ["sleep", "1000"]})
    host.load(image.docker_archive())
    container = host.spawn("sleep", "1000", image="held:1")
    reply = host.api.delete(f"/images/{image.id}", force=1)
    assert reply.status == 409 and "running container" in reply.message
    host.remove(container)


def test_list_filters(host):
    host.load(small("small:1", config={"Labels": {"kind": "small"}}).docker_archive())
    host.load(small(None, b"dangling").docker_archive())

    def tags(**filters):
        return {tag for image in host.api.get("/images/json", filters=filters).json for tag in image["RepoTags"] or ["-"]}
    assert tags(label=["kind=small"]) == {"small:1"}
    assert tags(label=["kind=large"]) == set()
    assert tags(reference=["small"]) == {"small:1"} and tags(reference=["sm*:1"]) == {"small:1"}
    assert tags(dangling=["true"]) in ({"-"}, {"<none>:<none>"})
    later = small("later:1", b"later")
    later.config = later.config.replace(b"2025-01-01", b"2025-02-01")
    host.load(later.docker_archive())
    assert tags(since=["busybox:latest"]) == {"later:1"}
    assert tags(before=["later:1"]) >= {"small:1", "busybox:latest"}
    assert host.api.get("/images/json", filters={"colour": ["red"]}).status == 400


def test_import_makes_an_image_of_a_root_file_system(host, client):
    layer = host.busybox_layers()[0]
    path = write(host, "root.tar", layer)
    identifier = client.import_image(path, "imported:1")
    assert identifier.startswith("sha256:") and "imported:1" in client.tags()
    assert client.run("imported:1", "/bin/echo", "in it", rm=True).out == "in it\n"
    path.unlink()


def test_import_takes_changes_and_a_message(host):
    layer = host.busybox_layers()[0]
    reply = host.api.post("/images/create", body=layer, fromSrc="-", repo="imported", tag="2", message="by hand",
                          changes='CMD ["echo", "changed"]')
    assert reply.status == 200, reply
    shown = host.api.get("/images/imported:2/json").json
    assert shown["Config"]["Cmd"] == ["echo", "changed"] and shown["Comment"] == "by hand"
    assert host.run(image="imported:2") == (0, b"changed\n", b"")


def test_import_of_a_compressed_root(host):
    import gzip
    reply = host.api.post("/images/create", body=gzip.compress(host.busybox_layers()[0], 1), fromSrc="-", repo="packed", tag="1")
    assert reply.status == 200 and host.run("echo", "ok", image="packed:1")[1] == b"ok\n"


def test_images_table_is_dockers(host, cli):
    host.load(small("small:1").docker_archive())
    header, *rows = cli("images", "small").out.splitlines()
    assert header.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert rows[0].split()[:2] == ["small", "1"] and rows[0].endswith("B")
    assert cli("images", "-q", "small").out.strip() == small("small:1").id.split(":")[1][:12]


def test_unknown_image_is_404_everywhere(host):
    for method, path in (("GET", "/images/nothing/json"), ("GET", "/images/nothing/history"), ("DELETE", "/images/nothing")):
        reply = host.api.request(method, path)
        assert reply.status == 404 and reply.message.endswith("No such image: nothing:latest"), path


def test_layers_are_stacked_whiteouts_hide_and_opaque_directories_are_empty(host):
    base = host.busybox_layers()[0]
    first = archive.tar([archive.directory("d"), ("d/gone", b"1"), ("d/stays", b"1"), archive.directory("o"), ("o/old", b"1"),
                         archive.directory("whole"), ("whole/file", b"1"), ("becomes", b"file")])
    second = archive.tar([("d/.wh.gone", b""), ("d/new", b"2"), ("o/.wh..wh..opq", b""), ("o/new", b"2"), (".wh.whole", b""),
                          archive.directory("becomes"), ("becomes/dir", b"2")])
    host.load(archive.Image("stack:1", [base, first, second], {}).docker_archive())
    _, out, _ = host.run("sh", "-c", "ls d o becomes; ls -d whole 2>&1", image="stack:1")
    assert out.decode().split("\n") == ["becomes:", "dir", "", "d:", "new", "stays", "", "o:", "new",
                                        "ls: whole: No such file or directory", ""]


def test_many_layers(host):
    layers = host.busybox_layers() + [archive.tar([(f"layer{n}", b"%d" % n), ("top", b"%d" % n)]) for n in range(60)]
    host.load(archive.Image("deep:1", layers, {}).docker_archive())
    _, out, _ = host.run("sh", "-c", "ls -d /layer* | wc -l; cat /top", image="deep:1")
    assert out == b"60\n59"


def test_files_come_out_as_they_went_in(host):
    import tarfile
    long_name = "long/" + "n" * 200 + "/" + "m" * 120
    layer = archive.tar([
        archive.entry("setuid", data=b"s", mode=0o4755, uid=7, gid=8),
        archive.entry("sticky", tarfile.DIRTYPE, mode=0o1777),
        archive.entry("pipe", tarfile.FIFOTYPE, mode=0o600),
        archive.entry("null", tarfile.CHRTYPE, mode=0o666, device=(1, 3)),
        archive.symlink("link", "/absolute/target"),
        archive.hardlink("second", "setuid", mode=0o4755, uid=7, gid=8),
        archive.entry("attributed", data=b"a", pax={"SCHILY.xattr.user.colour": "blue"}),
        archive.directory("long"), archive.directory("long/" + "n" * 200),
        (long_name, b"deep"),
        ("umlaut-\u00fc", b"u"),
    ])
    host.load(archive.Image("odd:1", host.busybox_layers() + [layer], {}).docker_archive())
    script = ("stat -c '%n %a %u %g %F %h' setuid sticky pipe null link; readlink link; stat -c '%t:%T' null; "
              f"cat {long_name} umlaut-*; ls -l second | cut -c1-10; [ setuid -ef second ] && echo same; stat -c %Y setuid")
    code, out, err = host.run("sh", "-c", script, image="odd:1")
    assert (code, err) == (0, b"")
    assert out.decode().splitlines() == [
        "setuid 4755 7 8 regular file 2", "sticky 1777 0 0 directory 2", "pipe 600 0 0 fifo 1",
        "null 666 0 0 character special file 1", "link 777 0 0 symbolic link 1", "/absolute/target", "1:3",
        "deepu-rwsr-xr-x", "same", str(archive.EPOCH)]


def test_removed_images_free_their_space(fresh_host):
    host = fresh_host
    if host.engine.is_reference:
        pytest.skip("about Berth's own directories")
    host.load(small("small:1", b"x" * 3_000_000).docker_archive())
    host.api.delete("/images/small:1")
    until(lambda: not host.leftovers.find(), lambda: str(host.leftovers.find()))
