"""Archives that are broken or lie. A load that fails is rolled back whole: no name, no layer, no file."""

import gzip
import json

import pytest

import archive


def load(host, data):
    reply = host.api.post("/images/load", body=data, headers={"Content-Type": "application/x-tar"}, quiet=1)
    return reply


def refused(host, data, tag="bad:1"):
    """Loads what must not load, and returns what was said."""
    before = host.images()
    reply = load(host, data)
    text = reply.message if reply.status != 200 else "".join(line.get("error", "") for line in reply.lines)
    assert text, f"it was loaded: {reply}"
    assert host.api.get(f"/images/{tag}/json").status == 404
    assert host.images() == before
    return text


def good(text=b"good"):
    return archive.Image("bad:1", [archive.tar([("file", text * 1000)])], {"Cmd": ["/file"]})


def repacked(image, **changes):
    """The docker-archive of an image with some of its files replaced (None: left out)."""
    files = dict(image.docker_archive_entries())
    for name, data in changes.items():
        files[name] = data
    return archive.tar((name, data) for name, data in files.items() if data is not None)


def names(image):
    manifest = json.loads(dict(image.docker_archive_entries())["manifest.json"])[0]
    return manifest["Config"], manifest["Layers"]


@pytest.mark.parametrize("part", [0.01, 0.3, 0.7, 0.95])
def test_truncated_archive_is_refused(host, part):
    data = repacked(good(bytes(range(256)) * 10))
    refused(host, data[:int(len(data) * part)])


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_truncated_compressed_archive_is_refused(host, part):
    data = gzip.compress((host.image_folder / "busybox.tar").read_bytes().replace(b"busybox:latest", b"bad:1" + b" " * 9, 1), 1)
    refused(host, data[:int(len(data) * part)])


def test_corrupt_compressed_archive_is_refused(host):
    data = bytearray(gzip.compress(good(bytes(range(256)) * 100).docker_archive(), 1))
    data[len(data) // 2] ^= 0xFF
    refused(host, bytes(data))


@pytest.mark.parametrize("data", [b"", b"x", b"not a tar at all" * 100, b"\0" * 10240, b"\x1f\x8b" + b"junk" * 10,
                                  b"\x28\xb5\x2f\xfd" + b"junk" * 10], ids=["empty", "byte", "text", "zeros", "gzip", "zstd"])
def test_what_is_no_archive_is_refused(host, data):
    if data == b"" and host.engine.is_reference:
        pytest.skip("Docker 20.10 loads nothing out of nothing, and says nothing")
    refused(host, data)


def test_layer_whose_digest_is_not_the_configs_is_refused(host):
    image = good()
    _, (layer,) = names(image)
    text = refused(host, repacked(image, **{layer: archive.tar([("file", b"something else")])}))
    assert "sha256:" in text or "digest" in text or "diffid" in text.lower() or "diff ID" in text


def test_layer_that_is_cut_short_inside_a_whole_archive_is_refused(host):
    image = good()
    _, (layer,) = names(image)
    refused(host, repacked(image, **{layer: image.layers[0][:1300]}))


def test_config_with_fewer_layers_than_the_manifest_is_refused(host):
    image = good()
    config, _ = names(image)
    document = json.loads(image.config)
    document["rootfs"]["diff_ids"] = []
    refused(host, repacked(image, **{config: archive.canonical(document)}))


@pytest.mark.parametrize("missing", ["config", "layer"])
def test_archive_that_lacks_a_file_is_refused(host, missing):
    image = good()
    config, (layer,) = names(image)
    refused(host, repacked(image, **{config if missing == "config" else layer: None}))


@pytest.mark.parametrize("manifest", [b"", b"{", b"{}", b"null", b'[{"Config": 7}]', b'[{"Config": "", "Layers": []}]', b"[7]",
                                      b'[{"Layers": ["x/layer.tar"]}]', b"[" * 10000])
def test_malformed_manifest_is_refused(host, manifest):
    if manifest == b"null" and host.engine.is_reference:
        pytest.skip("Docker loads nothing out of null, and says nothing")
    refused(host, repacked(good(), **{"manifest.json": manifest}))


@pytest.mark.parametrize("config", [b"", b"{", b"[]", b"null", b'{"rootfs": 7}'])
def test_malformed_config_is_refused(host, config):
    refused(host, repacked(good(), **{names(good())[0]: config}))


@pytest.mark.parametrize("tag", ["UPPER:1", "a b:1", "x:-1", "../up:1", "a" * 300 + ":1"],
                         ids=["capitals", "blank", "dash", "dots", "long"])
def test_malformed_name_in_the_manifest_is_refused(host, tag):
    image = good()
    image.tag = tag
    data = image.docker_archive()
    before = host.images()
    reply = load(host, data)
    assert reply.status != 200 or b"error" in reply.body
    if not host.engine.is_reference:  # which keeps it without a name
        assert host.images() == before


@pytest.mark.berth_only
@pytest.mark.parametrize("fault", ["layer", "config", "manifest", "size"])
def test_wrong_digest_inside_an_oci_layout_is_refused(host, fault):
    image = good()
    files = dict(image.oci_entries())
    manifest_digest = json.loads(files["index.json"])["manifests"][0]["digest"].split(":")[1]
    manifest = json.loads(files["blobs/sha256/" + manifest_digest])
    blob = {"manifest": manifest_digest, "config": manifest["config"]["digest"].split(":")[1],
            "layer": manifest["layers"][0]["digest"].split(":")[1]}.get(fault)
    if fault == "size":
        index = json.loads(files["index.json"])
        index["manifests"][0]["size"] += 1
        files["index.json"] = archive.canonical(index)
    elif fault == "layer":
        files["blobs/sha256/" + blob] = gzip.compress(archive.tar([("other", b"bytes")]))
    else:
        files["blobs/sha256/" + blob] += b" "
    refused(host, archive.tar(files.items()))


@pytest.mark.berth_only
@pytest.mark.parametrize("digest", ["sha256:../../../../etc/passwd", "sha256:" + "a" * 63, "sha256:" + "A" * 64, "md5:" + "a" * 32,
                                    "", "sha256:", "sha256:" + "g" * 64])
def test_malformed_digest_in_an_oci_index_is_refused(host, digest):
    files = dict(good().oci_entries())
    index = json.loads(files["index.json"])
    index["manifests"][0]["digest"] = digest
    files["index.json"] = archive.canonical(index)
    refused(host, archive.tar(files.items()))


def test_second_of_two_images_that_is_bad_leaves_the_archive_unloaded(host):
    first, second = good(b"first"), good(b"second")
    first.tag, second.tag = "bad:1", "bad:2"
    files = {name: data for image in (first, second) for name, data in image.docker_archive_entries()}
    manifests = [json.loads(image.docker_archive_entries()[-1][1])[0] for image in (first, second)]
    files["manifest.json"] = archive.canonical(manifests)
    del files[names(second)[0]]
    if host.engine.is_reference:
        pytest.skip("Docker keeps the first")
    refused(host, archive.tar(files.items()))


def test_import_of_nonsense_is_refused(host):
    reply = host.api.post("/images/create", body=b"nonsense" * 1000, fromSrc="-", repo="bad", tag="1")
    assert reply.status >= 400 or any("error" in line for line in reply.lines)
    assert host.api.get("/images/bad:1/json").status == 404


def test_commands_say_why_a_load_failed_and_exit_1(host, cli):
    path = host.folder / "broken.tar"
    path.write_bytes(b"broken" * 2000)
    result = cli("load", "-i", path, check=False)
    assert result.code == 1 and result.err.strip()
    path.unlink()
    result = cli("load", "-i", path, check=False)
    assert result.code == 1 and "no such file" in result.err.lower()
