"""Mount targets that somebody swaps for a link to the host while the engine mounts there."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import tempfile
import threading

import pytest

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_EXCHANGE = 2
STARTS = 40


class Swapper(threading.Thread):
    """Exchanges two names without pause, as a second container that shares the directory would."""

    def __init__(self, one, other):
        super().__init__(daemon=True)
        self.names = os.fsencode(one), os.fsencode(other)
        self.ended = threading.Event()
        self.swaps = 0

    def run(self):
        one, other = self.names
        while not self.ended.is_set():
            self.swaps += LIBC.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


@pytest.fixture
def shared(host):
    """A directory that containers share, and a victim of the host that must stay empty and without mounts."""
    folder, victim = (pathlib.Path(tempfile.mkdtemp(prefix="race-", dir=host.folder)) for _ in range(2))
    yield folder, victim
    assert list(victim.iterdir()) == []
    assert str(victim) not in pathlib.Path(f"/proc/{host.daemon_pid}/mountinfo").read_text()
    shutil.rmtree(folder)
    victim.rmdir()


def start_often(host, host_config, check=lambda container: None):
    """Starts containers; that one is refused because its mount's target is odd at that moment is right too."""
    for _ in range(STARTS):
        container = host.create("true", host_config=host_config)
        if host.api.post(f"/containers/{container}/start").status == 204:
            host.wait(container)
        check(container)
        host.remove(container)


@pytest.mark.parametrize("mount", ["tmpfs", "bind"])
def test_mount_target_swapped_for_a_link_stays_inside(host, shared, mount):
    """CVE-2021-30465, CVE-2024-45310: nothing is mounted, and no directory is made, where the link points on the host."""
    folder, victim = shared
    (folder / "target").mkdir()
    (folder / "link").symlink_to(victim)
    source = folder / "source"
    source.mkdir()
    host_config = {"Binds": [f"{folder}:/vol"]}
    if mount == "tmpfs":
        host_config["Tmpfs"] = {"/vol/target/deep/down": ""}
    else:
        host_config["Binds"].append(f"{source}:/vol/target/deep/down")
    with Swapper(folder / "target", folder / "link") as swapper:
        start_often(host, host_config)
    assert swapper.swaps > STARTS


def test_masked_path_is_not_a_file_of_a_swapped_device_directory(host, shared):
    """CVE-2025-31133: /dev/null, bound over masked paths, is replaced by a link; the kernel's settings stay unwritable."""
    folder, victim = shared
    (folder / "null").touch()
    (folder / "link").symlink_to("/proc/sys/kernel/core_pattern")
    before = host.read_proc("sys", "kernel/core_pattern")
    writer = "for f in /proc/kcore /proc/keys /proc/timer_list; do echo '|/attack' > $f; done 2>/dev/null; true"
    with Swapper(folder / "null", folder / "link"):
        for _ in range(STARTS // 2):
            container = host.create("sh", "-c", writer, host_config={"Binds": [f"{folder}/null:/dev/null"]})
            with contextlib.suppress(AssertionError):
                if host.api.post(f"/containers/{container}/start").status == 204:
                    host.wait(container)
            host.remove(container)
    assert host.read_proc("sys", "kernel/core_pattern") == before
