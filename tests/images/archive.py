"""Layers and images as bytes: what `docker save` writes, and OCI layouts, made without any engine.

The image builder uses it for the real images, the tests for small ones of their own: odd, broken and hostile ones included.
"""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile

EPOCH = 1735689600  # 2025-01-01T00:00:00Z: images are the same bytes every time
CREATED = "2025-01-01T00:00:00Z"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def canonical(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def entry(name, kind=tarfile.REGTYPE, data=b"", mode=0o644, link="", uid=0, gid=0, device=(0, 0), pax=None):
    """One tar entry as (TarInfo, bytes), with nothing checked: hostile names are wanted too."""
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.linkname = kind, mode, link
    member.uid, member.gid, member.mtime, member.size = uid, gid, EPOCH, len(data)
    member.devmajor, member.devminor = device
    member.pax_headers = dict(pax or {})
    return member, data


def directory(name, mode=0o755, **more):
    return entry(name, tarfile.DIRTYPE, mode=mode, **more)


def symlink(name, target, **more):
    return entry(name, tarfile.SYMTYPE, link=target, mode=0o777, **more)


def hardlink(name, target, **more):
    return entry(name, tarfile.LNKTYPE, link=target, **more)


def tar(entries):
    """A tar of `entry(...)` values; a plain (name, bytes) pair is a file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in entries:
            if isinstance(member, str):
                member, data = entry(member, data=data)
            archive.addfile(member, io.BytesIO(data) if member.isreg() else None)
    return out.getvalue()


class Image:
    """An image: layers (uncompressed tars as bytes) and its configuration."""

    def __init__(self, tag, layers, config, history=None):
        self.tag, self.layers = tag, list(layers)
        steps = history or [f"layer {number}" for number in range(len(self.layers))]
        self.config = canonical({
            "architecture": "amd64",
            "os": "linux",
            "created": CREATED,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(layer) for layer in self.layers]},
            "history": [{"created": CREATED, "created_by": step} for step in steps],
        })

    @property
    def id(self):
        return "sha256:" + sha256(self.config)

    def docker_archive_entries(self):
        """The (name, bytes) of a docker-archive, in the order docker writes them; the manifest comes last."""
        files, names = [], []
        for layer in self.layers:
            name = sha256(layer) + "/layer.tar"
            if name not in names:
                files.append((name, layer))
            names.append(name)
        config_name = sha256(self.config) + ".json"
        files.append((config_name, self.config))
        manifest = [{"Config": config_name, "RepoTags": [self.tag] if self.tag else None, "Layers": names}]
        files.append(("manifest.json", canonical(manifest)))
        return files

    def docker_archive(self):
        return tar(self.docker_archive_entries())

    def oci_entries(self):
        """An OCI layout with gzip-compressed layers, and the names that containerd's tools write."""
        files = [("oci-layout", canonical({"imageLayoutVersion": "1.0.0"}))]

        def blob(data, media_type, **more):
            files.append(("blobs/sha256/" + sha256(data), data))
            return {"mediaType": media_type, "digest": "sha256:" + sha256(data), "size": len(data), **more}

        layers = [blob(gzip.compress(layer, 1, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
                  for layer in self.layers]
        manifest = canonical({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": blob(self.config, "application/vnd.oci.image.config.v1+json"),
            "layers": layers,
        })
        annotations = {}
        if self.tag:
            annotations = {"io.containerd.image.name": "docker.io/library/" + self.tag,
                           "org.opencontainers.image.ref.name": self.tag.split(":")[1]}
        descriptor = blob(manifest, "application/vnd.oci.image.manifest.v1+json", annotations=annotations)
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [descriptor]}
        files.append(("index.json", canonical(index)))
        return files

    def oci_archive(self):
        return tar(self.oci_entries())


def zstd(data):
    return subprocess.run(["zstd", "-q", "-3", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
