"""Log drivers that keep files."""

import pytest


def test_the_local_driver_is_read_back_like_any_other(host):
    container = host.spawn("sh", "-c", "echo out; echo err >&2", host_config={"LogConfig": {"Type": "local"}})
    host.wait(container)
    assert host.output(container) == (b"out\n", b"err\n")
    assert host.inspect(container)["HostConfig"]["LogConfig"] == {"Type": "local", "Config": {}}
    assert host.inspect(container)["LogPath"] == ""


@pytest.mark.parametrize("driver, size, files, most", [("json-file", "10k", "2", 1000), ("local", "20k", "3", 3000)])
def test_bounded_logs_keep_the_newest_lines_over_their_rotated_files(host, driver, size, files, most):
    config = {"Type": driver, "Config": {"max-size": size, "max-file": files}}
    container = host.spawn("seq", "1", "5000", host_config={"LogConfig": config})
    host.wait(container)
    lines = host.output(container)[0].split()
    assert lines[-1] == b"5000" and 1 < len(lines) < most
    assert lines == [b"%d" % number for number in range(5001 - len(lines), 5001)]


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_non_blocking_logs_in_a_file_keep_every_line(host, driver):
    config = {"Type": driver, "Config": {"mode": "non-blocking", "max-buffer-size": "4m"}}
    container = host.spawn("sh", "-c", "seq 1 100", host_config={"LogConfig": config})
    host.wait(container)
    assert len(host.output(container)[0].split()) == 100
