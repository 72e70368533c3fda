"""What the test images contain. A change here, or in the files beside it, has them built again."""

import gzip
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import archive
import layers

SUITE = "bookworm"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
user:x:1000:1000:a user:/home/user:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
"""
GROUP = """\
root:x:0:
daemon:x:1:
audio:x:29:user
www-data:x:33:
users:x:100:user
user:x:1000:
nogroup:x:65534:
"""


def busybox_layer():
    """The machine's static busybox with a hard link for each applet, and the few files that an image must have."""
    binary = next(path for path in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(path))
    with open(binary, "rb") as file:
        program = file.read()
    listed = subprocess.run([binary, "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    entries = [archive.directory("bin"), archive.entry("bin/busybox", data=program, mode=0o755)]
    entries += [archive.hardlink("bin/" + name, "bin/busybox", mode=0o755) for name in listed if name != "busybox"]
    for name in ("dev", "etc", "home", "proc", "sys", "usr", "usr/bin", "usr/sbin", "var", "var/www"):
        entries.append(archive.directory(name))
    entries += [
        archive.directory("root", mode=0o700),
        archive.directory("tmp", mode=0o1777),
        archive.directory("var/tmp", mode=0o1777),
        archive.directory("home/user", uid=1000, gid=1000),
        archive.symlink("usr/bin/env", "../../bin/env"),
        ("etc/passwd", PASSWD.encode()),
        ("etc/group", GROUP.encode()),
        archive.entry("etc/shadow", data=b"root:*:::::::\n", mode=0o600),
    ]
    return archive.tar(entries)


def busybox(tag):
    return archive.Image(tag, [busybox_layer()], {"Env": [PATH], "Cmd": ["sh"]}, ["ADD busybox.tar / # buildkit"])


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def build_busybox(folder):
    plain = busybox("busybox:latest").docker_archive()
    write(f"{folder}/busybox.tar", plain)
    write(f"{folder}/busybox-gzip.tar", gzip.compress(plain, 1, mtime=0))
    write(f"{folder}/busybox-zstd.tar", archive.zstd(plain))
    write(f"{folder}/busybox-oci.tar", busybox("busybox:oci").oci_archive())


ROOTS = {
    "debian": ([], []),
    "nginx": (["nginx"], [
        'echo "<h1>served by a container</h1>" > "$1/var/www/html/index.html"',
        'ln -sf /dev/stdout "$1/var/log/nginx/access.log"',
        'ln -sf /dev/stderr "$1/var/log/nginx/error.log"',
    ]),
    "python": (["python3-minimal"], []),
}


def build_debian(folder, scratch):
    """The three images of real packages; the second and third stand on the first's layer."""
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(layers.bootstrap, SUITE, packages, hooks, f"{scratch}/{name}.tar")
                for name, (packages, hooks) in ROOTS.items()]
        for job in jobs:
            job.result()
    base = layers.Tree(f"{scratch}/debian.tar")
    bottom = base.whole()
    step = f"mmdebstrap --variant=minbase {SUITE}"
    debian = archive.Image("debian:minbase", [bottom], {"Env": [PATH], "Cmd": ["bash"]}, [step])
    write(f"{folder}/debian.tar", debian.docker_archive())

    added = layers.difference(base, layers.Tree(f"{scratch}/nginx.tar"))
    config = {"Env": [PATH], "Entrypoint": ["nginx"], "Cmd": ["-g", "daemon off;"], "StopSignal": "SIGQUIT",
              "ExposedPorts": {"80/tcp": {}}, "WorkingDir": "/var/www/html"}
    nginx = archive.Image("nginx:latest", [bottom, added], config, [step, "apt-get install nginx"])
    write(f"{folder}/nginx.tar", nginx.docker_archive())

    added = layers.difference(base, layers.Tree(f"{scratch}/python.tar"))
    config = {"Env": [PATH, "PYTHONUNBUFFERED=1"], "Cmd": ["python3"], "WorkingDir": "/srv",
              "Labels": {"org.example.language": "python"}}
    python = archive.Image("python:latest", [bottom, added], config, [step, "apt-get install python3-minimal"])
    write(f"{folder}/python.tar", python.docker_archive())
