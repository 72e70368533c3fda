"""What the attacks of this folder aim at."""

import pathlib
import shutil

import pytest


def snapshot(folder):
    """Everything about a directory that an attack could change."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_mtime_ns, content)
    return found


@pytest.fixture
def victim(host):
    """A directory of the host, beside the engine's data, that must stay as it is."""
    folder = host.folder / "victim"
    (folder / "sub").mkdir(parents=True)
    (folder / "secret").write_text("secret")
    (folder / "secret").chmod(0o600)
    (folder / "sub").chmod(0o700)
    before = snapshot(folder)
    outside = {path: pathlib.Path(path).exists() for path in ("/berth-escape", "/tmp/berth-escape", "/etc/berth-escape")}
    yield folder
    assert snapshot(folder) == before
    assert {path: pathlib.Path(path).exists() for path in outside} == outside
    shutil.rmtree(folder)
