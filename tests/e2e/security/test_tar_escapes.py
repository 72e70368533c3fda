"""Archives whose entries try to leave the root of the layer, or the archive itself: the host must not change.

CVE-2021-32760, CVE-2025-47290 and the hardening of 2026, CVE-2018-15664 and others: every known trick of names and links.
"""

import json
import os
import tarfile

import pytest

import archive

UP = "../" * 16


def attempt(host, *layers):
    """Loads an image of these layers; True if it was taken, and then it is removed again."""
    image = archive.Image("attack:1", [archive.tar(layer) for layer in layers], {"Cmd": ["/x"]})
    reply = host.api.post("/images/load", body=image.docker_archive(), quiet=1)
    taken = host.api.get("/images/attack:1/json").status == 200
    assert taken == (reply.status == 200 and b"errorDetail" not in reply.body), reply
    if taken:
        host.api.delete("/images/attack:1", force=1)
    return taken


@pytest.mark.parametrize("name", ["../berth-escape", UP + "berth-escape", UP + "tmp/berth-escape", "a/../../berth-escape",
                                  "a/../" + UP + "tmp/berth-escape", "./../berth-escape", "..", "a/../.."])
def test_name_that_climbs_out_is_refused(host, victim, name):
    """CVE-2021-32760's kind: `..` in the name of an entry."""
    for entry in (archive.entry(name, data=b"x"), archive.directory(name, mode=0o777), archive.symlink(name, "/etc/passwd")):
        taken = attempt(host, [entry])
        assert not taken or host.engine.is_reference, f"{name} was taken"  # Docker keeps it inside by its chroot


def test_absolute_name_stays_inside(host, victim):
    """An absolute name is one inside the root, or refused."""
    attempt(host, [archive.entry("/tmp/berth-escape", data=b"x"), archive.entry("//etc/berth-escape", data=b"x")])
    attempt(host, [archive.entry(str(victim / "new"), data=b"x"), archive.entry(str(victim / "secret"), data=b"x")])
    attempt(host, [archive.directory(str(victim / "sub"), mode=0o777)])


def links_to(victim):
    return {"absolute": str(victim), "climbing": UP + str(victim)[1:], "proc": f"/proc/1/root{victim}", "cwd": f"/proc/self/cwd/{UP}{victim}"}


@pytest.mark.parametrize("form", ["absolute", "climbing", "proc", "cwd"])
@pytest.mark.parametrize("layers", [1, 2])
def test_entry_through_a_symlink_does_not_leave(host, victim, form, layers):
    """CVE-2025-47290: a link made by an earlier entry, or an earlier layer, is followed by a later one."""
    link = archive.symlink("link", links_to(victim)[form])
    for entry in (archive.entry("link/secret", data=b"x"), archive.entry("link/new", data=b"x"), archive.directory("link/made"),
                  archive.directory("link/sub", mode=0o777), archive.entry("link/.wh.secret"), archive.entry("link/.wh..wh..opq"),
                  archive.hardlink("link/hard", "link/secret"), archive.symlink("link/soft", "x"),
                  archive.entry("link/pipe", tarfile.FIFOTYPE), archive.entry("link/sub/../secret", data=b"x")):
        attempt(host, [link, entry]) if layers == 1 else attempt(host, [link], [entry])


def test_entry_through_a_chain_of_symlinks_does_not_leave(host, victim):
    """Links to links, and links whose parts are made one after the other."""
    parts = str(victim).strip("/").split("/")
    chain = [archive.symlink("l0", "/")]
    chain += [archive.symlink(f"l{number + 1}", f"l{number}/{part}") for number, part in enumerate(parts)]
    attempt(host, [*chain, archive.entry(f"l{len(parts)}/secret", data=b"x")])
    attempt(host, [archive.symlink("a", "b"), archive.symlink("b", "a"), archive.entry("a/x", data=b"x")])
    attempt(host, [archive.symlink("d", "."), archive.symlink("d/e", ".."), archive.entry("d/e/" + UP + "tmp/berth-escape", data=b"x")])


@pytest.mark.parametrize("target", ["absolute", "climbing", "through"])
def test_hard_link_to_a_file_of_the_host_is_not_made(host, victim, target):
    """A hard link to outside would show, and later change, a file of the host."""
    goal = {"absolute": str(victim / "secret"), "climbing": UP + str(victim / "secret")[1:], "through": "link/secret"}[target]
    entries = [archive.symlink("link", str(victim)), archive.hardlink("stolen", goal), archive.entry("stolen", data=b"x")]
    attempt(host, entries[:2])
    attempt(host, entries)
    assert not attempt(host, [archive.symlink("link", "/etc/shadow"), archive.hardlink("stolen", UP + "etc/shadow")])


def test_mode_and_owner_are_not_changed_through_a_link(host, victim):
    """CVE-2021-32760: the mode of an entry was set on what a link of the same name pointed to."""
    for link in (str(victim / "secret"), str(victim / "sub")):
        entries = [archive.symlink("x", link), archive.entry("x", data=b"", mode=0o4777, uid=1, gid=1)]
        attempt(host, entries)
        attempt(host, [archive.symlink("x", link), archive.directory("x", mode=0o777, uid=1)])
        attempt(host, [archive.symlink("x", link)], [archive.directory("x", mode=0o777, uid=1)])
        attempt(host, [archive.symlink("x", link), archive.hardlink("y", "x", mode=0o777, uid=1)])
        attempt(host, [archive.symlink("x", link), archive.entry("x", tarfile.FIFOTYPE, mode=0o777)])
        attempt(host, [archive.symlink("x", link, pax={"SCHILY.xattr.user.attack": "1"})])


def test_whiteouts_remove_nothing_outside(host, victim):
    """CVE-2023-25153's neighbours: whiteouts of `..`, of the root, through links."""
    for name in (".wh...", ".wh..", ".wh.", "a/.wh...", ".wh..wh..opq", "../.wh.victim", UP + str(victim)[1:] + "/.wh.secret",
                 ".wh.../secret", ".wh." + UP + "tmp"):
        attempt(host, [archive.directory("a"), archive.entry(name)])
        attempt(host, [archive.directory("a")], [archive.entry(name)])
    attempt(host, [archive.symlink("l", str(victim))], [archive.entry("l/.wh..wh..opq"), archive.entry("l/.wh.secret")])
    assert host.run("echo", "unhurt")[1] == b"unhurt\n"


def test_layers_of_other_images_are_not_reached(host, victim):
    """One image's layer must not write into another's, which lies beside it on disk."""
    attempt(host, [archive.entry("../../../x/fs/berth-escape", data=b"x")])
    attempt(host, [archive.symlink("up", "../.."), archive.entry("up/berth-escape", data=b"x")])
    assert host.run("ls", "/berth-escape")[0] != 0


@pytest.mark.parametrize("name", ["a\0b", "a" * 256, "/".join(["d" * 200] * 30), "", ".", "/", "./.", "a/", "\n\x1b[2J", "\udcff\udcfe"],
                         ids=["nul", "long", "deep", "empty", "dot", "slash", "dots", "trailing", "control", "bytes"])
def test_odd_names_are_taken_or_refused_but_do_no_harm(host, victim, name):
    """Names at the edge of what file systems and parsers take."""
    try:
        layer = archive.tar([archive.directory(name) if name.endswith("/") else archive.entry(name, data=b"x")])
    except (UnicodeError, ValueError):
        pytest.skip("Python writes no such name")
    image = archive.Image("attack:1", [layer], {"Cmd": ["/x"]})
    host.api.post("/images/load", body=image.docker_archive())
    assert host.run("echo", "unhurt")[1] == b"unhurt\n"


def test_devices_of_an_image_cannot_be_used(host, victim):
    """A device node in a layer is no access to the device: the device list of the container decides."""
    layer = archive.tar([archive.entry("disk", tarfile.BLKTYPE, mode=0o666, device=(254, 0)),
                         archive.entry("mem", tarfile.CHRTYPE, mode=0o666, device=(1, 1)),
                         archive.entry("kmsg", tarfile.CHRTYPE, mode=0o666, device=(1, 11))])
    host.load(archive.Image("attack:1", host.busybox_layers() + [layer], {}).docker_archive())
    for name in ("disk", "mem", "kmsg"):
        code, out, err = host.run("dd", f"if=/{name}", "bs=1", "count=1", image="attack:1")
        assert (code, out) == (1, b"") and b"Operation not permitted" in err, name


def outer(entries):
    """An archive whose own entries, not a layer's, are the attack."""
    return archive.tar(entries)


def test_files_of_the_host_are_not_read_as_parts_of_an_archive(host, victim):
    """Links in the archive itself: layer.tar or the config is a link to a file of the host."""
    image = archive.Image("attack:1", [archive.tar([("x", b"x")])], {"Cmd": ["/x"]})
    config, (layer,) = (lambda m: (m["Config"], m["Layers"]))(json.loads(dict(image.docker_archive_entries())["manifest.json"])[0])
    (host.folder / "victim-layer.tar").write_bytes(image.layers[0])
    (host.folder / "victim-config.json").write_bytes(image.config)
    files = dict(image.docker_archive_entries())
    for name, goal in ((layer, host.folder / "victim-layer.tar"), (config, host.folder / "victim-config.json")):
        for link in (archive.symlink, archive.hardlink):
            for target in (str(goal), UP + str(goal)[1:]):
                entries = [(n, d) for n, d in files.items() if n != name] + [link(name, target)]
                host.api.post("/images/load", body=outer(entries))
                assert host.api.get("/images/attack:1/json").status == 404, (name, target)
    for name, goal in (("Config", host.folder / "victim-config.json"), ("Layers", host.folder / "victim-layer.tar")):
        for target in (str(goal), UP + str(goal)[1:]):
            manifest = {"Config": config, "RepoTags": ["attack:1"], "Layers": [layer],
                        name: target if name == "Config" else [target]}
            left = {**files, "manifest.json": archive.canonical([manifest])}
            del left[config if name == "Config" else layer]
            host.api.post("/images/load", body=outer(left.items()))
            assert host.api.get("/images/attack:1/json").status == 404, (name, target)
    os.unlink(host.folder / "victim-layer.tar")
    os.unlink(host.folder / "victim-config.json")


def test_entries_of_the_archive_itself_are_not_written_outside(host, victim):
    """The archive is unpacked to find its parts: its names may climb too."""
    image = archive.Image("attack:1", [archive.tar([("x", b"x")])], {"Cmd": ["/x"]})
    for extra in ([archive.entry(UP + "tmp/berth-escape", data=b"x")], [archive.entry("/tmp/berth-escape", data=b"x")],
                  [archive.symlink("l", str(victim)), archive.entry("l/new", data=b"x")],
                  [archive.symlink("l", str(victim)), archive.directory("l/sub", mode=0o777)],
                  [archive.entry("pipe", tarfile.FIFOTYPE)], [archive.entry("dev", tarfile.BLKTYPE, device=(254, 0))]):
        host.api.post("/images/load", body=outer([*extra, *image.docker_archive_entries()]))
        host.api.delete("/images/attack:1", force=1)


def test_import_does_not_leave_the_root_either(host, victim):
    """The same tricks by `import`, which takes a root file system."""
    for entries in ([archive.entry(UP + "tmp/berth-escape", data=b"x")],
                    [archive.symlink("l", str(victim)), archive.entry("l/secret", data=b"x")],
                    [archive.symlink("l", str(victim)), archive.hardlink("h", "l/secret"), archive.entry("h", data=b"x")]):
        host.api.post("/images/create", body=archive.tar(entries), fromSrc="-", repo="attack", tag="1")
        host.api.delete("/images/attack:1", force=1)
