"""Log drivers' options: what is refused and how, tags, the daemon's own choice, reading back."""

import json

import pytest

from harness.clients import Failed
from harness.receivers import unused_port


def create(host, driver, **options):
    return host.api.post("/containers/create", body={
        "Image": "busybox", "Cmd": ["true"],
        "HostConfig": {"LogConfig": {"Type": driver, "Config": options}}})


@pytest.mark.parametrize("driver, options, message", [
    ("json-file", {"odd": "1"}, "unknown log opt 'odd' for json-file log driver"),
    ("local", {"odd": "1"}, "unknown log opt 'odd' for log driver local"),
    ("syslog", {"odd": "1"}, "unknown log opt 'odd' for syslog log driver"),
    ("journald", {"odd": "1"}, "unknown log opt 'odd' for journald log driver"),
    ("fluentd", {"odd": "1"}, "unknown log opt 'odd' for fluentd log driver"),
    ("syslog", {"fluentd-async": "1"}, "unknown log opt 'fluentd-async' for syslog log driver"),
    ("odd", {"mode": "odd"}, "logger: logging mode not supported: odd"),
    ("fluentd", {"odd": "1", "mode": "odd"}, "logger: logging mode not supported: odd"),
    ("syslog", {"max-buffer-size": "1m"},
     "logger: max-buffer-size option is only supported with 'mode=non-blocking'"),
    ("json-file", {"mode": "non-blocking", "max-buffer-size": "x"},
     "error parsing option max-buffer-size: invalid size: 'x'"),
    ("syslog", {"syslog-facility": "24"}, "invalid syslog facility"),
    ("syslog", {"syslog-format": "rfc1"}, "Invalid syslog format"),
    ("syslog", {"syslog-address": "unix:///no/such/socket"}, "stat /no/such/socket: no such file or directory"),
    ("syslog", {"cache-disabled": "maybe"}, "invalid value for option cache-disabled: maybe"),
    ("fluentd", {"fluentd-buffer-limit": "x"}, "invalid size: 'x'"),
    ("fluentd", {"fluentd-async": "maybe"}, 'strconv.ParseBool: parsing "maybe": invalid syntax'),
    ("fluentd", {"fluentd-retry-wait": "1"}, 'time: missing unit in duration "1"'),
    ("fluentd", {"fluentd-max-retries": "-1"}, 'strconv.ParseUint: parsing "-1": invalid syntax'),
])
def test_unknown_drivers_and_wrong_options_are_refused_in_dockers_words(host, driver, options, message):
    reply = create(host, driver, **options)
    assert reply.status in (400, 500) and reply.message == message


@pytest.mark.differs_from_reference("these texts are of Docker 28")
@pytest.mark.parametrize("driver, options, message", [
    ("odd", {}, "logger: no log driver named 'odd' is registered"),
    ("syslog", {"syslog-address": "corrupted:42"}, "unsupported scheme: 'corrupted'"),
    ("syslog", {"syslog-address": "127.0.0.1:514"},
     'parse "127.0.0.1:514": first path segment in URL cannot contain colon'),
    ("syslog", {"syslog-address": "tcp://here:there"}, 'parse "tcp://here:there": invalid port ":there" after host'),
    ("fluentd", {"fluentd-address": "here:there"},
     'invalid fluentd-address (here:there): parse "tcp://here:there": invalid port ":there" after host'),
    ("fluentd", {"fluentd-address": "udp://here"}, "invalid fluentd-address (udp://here): unsupported scheme: 'udp'"),
    ("fluentd", {"fluentd-address": "tcp://here/there"},
     "invalid fluentd-address (tcp://here/there): should not contain a path element"),
    ("fluentd", {"fluentd-address": "unix://"}, "invalid fluentd-address (unix://): path is empty"),
    ("fluentd", {"fluentd-write-timeout": "-1s"},
     'invalid value for fluentd-write-timeout: value ("-1s") must not be negative'),
])
def test_unknown_drivers_and_wrong_addresses_are_refused_in_dockers_words(host, driver, options, message):
    reply = create(host, driver, **options)
    assert reply.status == 400 and reply.message == message


@pytest.mark.berth_only
@pytest.mark.parametrize("driver, options, reason", [
    ("gelf", {}, 'log driver "gelf" is not there yet: none, fluentd, journald, json-file, local, syslog are'),
    ("syslog", {"syslog-address": "tcp+tls://localhost"},
     "syslog over TLS is not there yet: udp, tcp, unix and unixgram are"),
    ("syslog", {"syslog-tls-ca-cert": "/ca.pem"},
     'log opt "syslog-tls-ca-cert" is not there yet: syslog is spoken without TLS'),
    ("fluentd", {"fluentd-address": "tls://localhost"},
     "invalid fluentd-address (tls://localhost): fluentd over TLS is not there yet: tcp and unix are"),
    ("fluentd", {"fluentd-async-reconnect-interval": "1s"},
     'log opt "fluentd-async-reconnect-interval" is not there yet: '
     "fluentd's name is looked up once, at the container's start"),
])
def test_what_is_not_there_yet_is_501_and_says_what_is(host, driver, options, reason):
    reply = create(host, driver, **options)
    assert reply.status == 501 and reply.message == reason


@pytest.mark.parametrize("driver, scheme", [("fluentd", ""), ("syslog", "tcp://")])
def test_a_container_whose_receiver_is_not_there_does_not_start(host, driver, scheme):
    port = unused_port(host)
    options = {f"{driver}-address": f"{scheme}127.0.0.1:{port}"}
    container = host.create("true", host_config={"LogConfig": {"Type": driver, "Config": options}})
    reply = host.api.post(f"/containers/{container}/start")
    assert reply.status == 500
    assert f"failed to initialize logging driver: dial tcp 127.0.0.1:{port}: connect: connection refused" in reply.message
    assert host.state(container)["Status"] == "created" and host.state(container)["ExitCode"] == 128


@pytest.mark.parametrize("client", ["docker", "berth"], indirect=True)
def test_a_refused_option_ends_the_command_with_125(client):
    result = client("run", "--log-driver=local", "--log-opt=odd=1", "busybox", check=False)
    assert result.code == 125 and "unknown log opt 'odd' for log driver local" in result.err


def details_of(host, tag, driver="json-file", **more):
    options = {"tag": tag, "labels": "tier", "env": "COLOR"}
    container = host.spawn("echo", "text", name="tagged", Labels={"tier": "web"}, Env=["COLOR=blue"],
                           host_config={"LogConfig": {"Type": driver, "Config": options}}, **more)
    host.wait(container)
    return container, host.api.get(f"/containers/{container}/logs", stdout=1, details=1).body[8:].decode()


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_the_tag_stands_beside_labels_and_variables(host, driver):
    if driver == "local" and host.engine.is_reference:
        pytest.skip("Docker 20.10 keeps no attributes in its local driver")
    container, line = details_of(host, "{{.Name}}/{{.ID}}/{{.ImageName}}/{{.DaemonName}}", driver)
    assert line == f"COLOR=blue,tag=tagged%2F{container[:12]}%2Fbusybox%2Fdocker,tier=web text\n" \
        or line == f"COLOR=blue,tag=tagged/{container[:12]}/busybox/docker,tier=web text\n"
    if driver == "json-file":
        with open(host.inspect(container)["LogPath"]) as file:
            assert json.loads(file.readline())["attrs"]["tag"] == f"tagged/{container[:12]}/busybox/docker"


@pytest.mark.parametrize("tag, expected", [
    ("{{.FullID}}", lambda container, image: container),
    ("{{.ImageID}} {{.ImageFullID}}", lambda container, image: f"{image[:12]} {image}"),
    ("{{.Command}}", lambda container, image: "echo text"),
    ("{{upper .Name}}", lambda container, image: "TAGGED"),
    ("{{index (split .Name \"g\") 0}}", lambda container, image: "ta"),
    ("{{(.ExtraAttributes nil).COLOR}}", lambda container, image: "blue"),
    ("plain", lambda container, image: "plain"),
])
def test_a_tag_is_a_template_of_what_the_container_is(host, tag, expected):
    container, _ = details_of(host, tag)
    shown = host.inspect(container)
    with open(shown["LogPath"]) as file:
        assert json.loads(file.readline())["attrs"]["tag"] == expected(container, shown["Image"])


@pytest.mark.differs_from_reference("it refuses such a tag when the container starts")
@pytest.mark.parametrize("tag, message", [
    ("{{.Nothing}}", "template: log-tag:1:2: executing \"log-tag\" at <.Nothing>: can't evaluate field Nothing in type"
     " *logger.Info"),
    ("{{.Name", "template: log-tag:1: unclosed action"),
])
def test_a_tag_that_makes_no_sense_is_refused(host, tag, message):
    reply = create(host, "json-file", tag=tag)
    assert reply.status == 400 and reply.message == message


@pytest.mark.parametrize("client", ["docker", "berth"], indirect=True)
def test_nothing_is_read_back_from_the_driver_none(client):
    container = client("run", "-d", "--log-driver=none", "busybox", "echo", "lost").out.strip()
    with pytest.raises(Failed, match="configured logging driver does not support reading"):
        client("logs", container)


def test_only_json_file_tells_where_its_file_is(host):
    def path(**log):
        return host.inspect(host.create("true", host_config={"LogConfig": log}))["LogPath"]
    # It is shown once the container has run, by Docker.
    assert path(Type="local") == path(Type="none") == path(Type="journald") == ""


def restart_with(host, **settings):
    host.terminate()
    (host.folder / "daemon.json").write_text(json.dumps(settings))
    return host.start()


def test_containers_that_choose_no_driver_get_the_daemons(fresh_host):
    host = restart_with(fresh_host, **{"log-driver": "local", "log-opts": {"max-size": "1m", "max-file": "2"}})
    assert host.api.get("/info").json["LoggingDriver"] == "local"

    def chosen(**log):
        return host.inspect(host.create("true", host_config={"LogConfig": log} if log else {}))["HostConfig"]["LogConfig"]
    assert chosen() == {"Type": "local", "Config": {"max-size": "1m", "max-file": "2"}}
    assert chosen(Type="local", Config={"max-size": "9m"})["Config"] == {"max-size": "9m", "max-file": "2"}
    assert chosen(Type="json-file") == {"Type": "json-file", "Config": {}}
    assert host.run("echo", "kept")[1] == b"kept\n"


def test_a_container_keeps_the_driver_it_was_made_with(fresh_host):
    host = fresh_host
    container = host.create("echo", "line")
    restart_with(host, **{"log-driver": "none"})
    host.api.post(f"/containers/{container}/start")
    host.wait(container)
    assert host.output(container)[0] == b"line\n"


@pytest.mark.parametrize("settings, message", [
    ({"log-driver": "local", "log-opts": {"odd": "1"}},
     "failed to set log opts: unknown log opt 'odd' for log driver local"),
    ({"log-driver": "syslog", "log-opts": {"syslog-facility": "odd"}},
     "failed to set log opts: invalid syslog facility"),
])
def test_a_daemon_with_wrong_log_options_does_not_start(fresh_host, settings, message):
    host = fresh_host
    host.terminate()
    (host.folder / "daemon.json").write_text(json.dumps(settings))
    with pytest.raises(AssertionError, match="ended at start"):
        host.start()
    assert message.lower() in host.log_tail().lower()
    host.daemon.wait(timeout=30)
    host.daemon = None
    (host.folder / "daemon.json").write_text("{}")


def test_info_lists_the_drivers(client):
    drivers = client.engine_info()["Plugins"]["Log"]
    assert {"fluentd", "journald", "json-file", "local", "syslog"} <= set(drivers)
    assert drivers == sorted(drivers)
