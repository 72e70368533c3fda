"""The log driver journald: fields, pieces of long lines, a host without a journal."""

import pytest

from harness.receivers import Journal

SOCKET = "/run/systemd/journal/socket"


@pytest.fixture
def no_journal(host):
    """The machine's own journal, if it has one, is out of the host's sight."""
    host.shell("mount", "-t", "tmpfs", "tmpfs", "/run/systemd")
    yield host
    host.shell("umount", "--lazy", "/run/systemd")


@pytest.fixture
def journal(no_journal):
    host = no_journal
    host.shell("mkdir", "/run/systemd/journal")
    with Journal(host, f"/proc/{host.holder}/root{SOCKET}") as receiver:
        yield receiver


def spawn(host, *command, options=None, **more):
    return host.spawn(*command, host_config={"LogConfig": {"Type": "journald", "Config": options or {}}}, **more)


def test_a_message_tells_its_container(host, journal):
    container = spawn(host, "sh", "-c", "echo out; sleep 0.2; echo err >&2", name="web")
    host.wait(container)
    out, err = journal.wait_for(2)
    assert (out["MESSAGE"], out["PRIORITY"]) == (b"out", b"6")
    assert (err["MESSAGE"], err["PRIORITY"]) == (b"err", b"3")
    expected = {"CONTAINER_ID": container[:12], "CONTAINER_ID_FULL": container, "CONTAINER_NAME": "web",
                "CONTAINER_TAG": container[:12], "SYSLOG_IDENTIFIER": container[:12], "IMAGE_NAME": "busybox"}
    if host.engine.is_reference:  # came with 20.10's successors
        expected.pop("IMAGE_NAME")
    assert {name: out[name].decode() for name in expected} == expected
    assert not any(name.startswith("CONTAINER_PARTIAL") for name in out)


def test_the_tag_labels_and_variables_are_fields(host, journal):
    options = {"tag": "{{.ImageName}}/{{.Name}}", "labels": "com.example.tier", "env-regex": "^_?COLOR"}
    container = spawn(host, "echo", "x", options=options, name="web", Labels={"com.example.tier": "front", "other": "1"},
                      Env=["_COLOR=red", "SIZE=9"])
    host.wait(container)
    message = journal.wait_for(1)[0]
    assert message["CONTAINER_TAG"] == message["SYSLOG_IDENTIFIER"] == b"busybox/web"
    assert message["COM_EXAMPLE_TIER"] == b"front" and message["COLOR"] == b"red"
    assert "OTHER" not in message and "SIZE" not in message


def test_a_long_line_comes_in_pieces_that_belong_together(host, journal):
    container = spawn(host, "sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo")
    host.wait(container)
    pieces = journal.wait_for(3)
    assert [len(piece["MESSAGE"]) for piece in pieces] == [16384, 16384, 7232]
    assert [piece.get("CONTAINER_PARTIAL_MESSAGE") for piece in pieces] == [b"true", b"true", None]
    if not host.engine.is_reference:
        assert len({piece["CONTAINER_PARTIAL_ID"] for piece in pieces}) == 1
        assert [piece["CONTAINER_PARTIAL_ORDINAL"] for piece in pieces] == [b"1", b"2", b"3"]
        assert [piece["CONTAINER_PARTIAL_LAST"] for piece in pieces] == [b"false", b"false", b"true"]


def test_bytes_that_are_no_text_arrive_as_they_are(host, journal):
    container = spawn(host, "printf", r"\377\376=\001 bad\n")
    host.wait(container)
    assert journal.wait_for(1)[0]["MESSAGE"] == b"\xff\xfe=\x01 bad"


@pytest.mark.differs_from_reference("it reads back from the journal itself")
@pytest.mark.parametrize("client", ["docker", "berth"], indirect=True)
def test_logs_are_read_back_from_the_cache(host, journal, client):
    container = client("run", "-d", "--log-driver=journald", "busybox", "seq", "1", "50").out.strip()
    host.wait(container)
    assert client("logs", "--tail=2", container).out.split() == ["49", "50"]
    assert len(journal.wait_for(50)) == 50


def test_a_host_without_a_journal_says_so_at_the_start(no_journal):
    host = no_journal
    container = host.create("true", host_config={"LogConfig": {"Type": "journald"}})
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status == 500
    assert "failed to initialize logging driver: journald is not enabled on this host" in reply.message
    assert host.state(container)["Status"] == "created"
