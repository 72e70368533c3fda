"""Events: live, from the past, filtered."""

import json
import threading
import time

from harness.waiting import until


def actions(events, kind="container"):
    return [event["Action"] for event in events if event["Type"] == kind]


def past(host, since, **filters):
    """What happened from `since` to now; the end lies in the past when the daemon reads it, so the stream ends."""
    return host.api.get("/events", since=f"{since:.9f}", until=f"{time.time():.9f}",
                        filters={key: [value] for key, value in filters.items()}).lines


def test_life_of_a_container_is_told_in_order(host):
    since = time.time()
    container = host.spawn("sh", "-c", "exit 3", name="told", Labels={"colour": "red"})
    host.wait(container)
    host.remove(container)
    until(lambda: "destroy" in actions(past(host, since)), "the last event")
    events = [event for event in past(host, since, type="container") if event["Action"] != "attach"]
    assert actions(events) == ["create", "start", "die", "destroy"]
    for event in events:
        assert event["Actor"]["ID"] == container and event["scope"] == "local"
        attributes = event["Actor"]["Attributes"]
        assert (attributes["name"], attributes["image"], attributes["colour"]) == ("told", "busybox", "red")
        assert event["timeNano"] // 10 ** 9 == event["time"] and since - 1 <= event["time"] <= time.time() + 1
    assert events[2]["Actor"]["Attributes"]["exitCode"] == "3"


def test_older_names_of_the_fields_are_there(host):
    since = time.time()
    container = host.create("true")
    event, = past(host, since, event="create")
    assert (event["status"], event["id"], event["from"]) == ("create", container, "busybox")


def test_every_operation_has_its_event(host):
    since = time.time()
    container = host.spawn("sleep", "1000", name="first")
    host.api.post(f"/containers/{container}/rename", name="second")
    host.api.post(f"/containers/{container}/restart", t=0)
    host.api.post(f"/containers/{container}/kill")
    host.wait(container)
    until(lambda: actions(past(host, since)).count("die") == 2, "the second end")
    told = actions(past(host, since))
    assert {"create", "start", "rename", "restart", "kill", "die", "stop"} <= set(told), told


def test_images_have_events(host):
    since = time.time()
    host.api.post("/images/busybox/tag", repo="told", tag="1")
    host.api.delete("/images/told:1")
    told = [(event["Action"], event["Actor"]["Attributes"]["name"]) for event in past(host, since, type="image")]
    assert ("tag", "told:1") in told and any(action == "untag" for action, _ in told)


def test_filters_choose(host):
    since = time.time()
    for name in ("one", "two"):
        host.wait(host.spawn("true", name=name, Labels={"name-is": name}))
    until(lambda: actions(past(host, since)).count("die") == 2, "both ends")
    assert actions(past(host, since, container="one", event="die")) == ["die"]
    assert actions(past(host, since, label="name-is=two", event="start")) == ["start"]
    assert actions(past(host, since, image="busybox", event="create")) == ["create", "create"]
    assert past(host, since, type="network", event="create") == []


def test_live_stream_tells_what_happens_while_it_is_open(host):
    connection, response = host.api.stream("/events", filters={"type": ["container"], "event": ["start"]})
    container = host.spawn("sleep", "1000")
    event = json.loads(response.readline())
    assert (event["Action"], event["Actor"]["ID"]) == ("start", container)
    connection.close()


def test_stream_that_ends_in_the_future_ends_then(host):
    seen = []
    end = time.time() + 1.5
    thread = threading.Thread(target=lambda: seen.extend(host.api.get("/events", until=f"{end:.3f}").lines))
    thread.start()
    host.create("true")
    thread.join(60)
    assert not thread.is_alive() and time.time() >= end - 0.1 and "create" in actions(seen)


def test_clients_show_events(host, client):
    since = int(time.time())
    container = client.create("busybox", "true", name="shown")
    end = str(int(time.time()) + 1)
    events = client.events(str(since), end, container="shown", event="create")
    assert [event["Actor"]["ID"] for event in events] == [container]


def test_events_on_the_command_line_read_as_dockers(host, cli):
    since = int(time.time())
    container = cli("create", "--name", "shown", "busybox", "true").out.strip()
    text = cli("events", "--since", str(since), "--until", str(int(time.time()) + 1), "--filter", "event=create").out
    assert f"container create {container} (image=busybox, name=shown)" in text
