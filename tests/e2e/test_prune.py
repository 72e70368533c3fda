"""container prune."""

import time


def prune(host, **filters):
    return host.api.post("/containers/prune", filters=filters)


def test_prune_removes_what_does_not_run_and_tells_how_much(host):
    running = host.spawn("sleep", "1000")
    made = host.create("true")
    ended = host.spawn("dd", "if=/dev/zero", "of=/file", "bs=1k", "count=100")
    host.wait(ended)
    since = time.time()
    report = prune(host).json
    assert set(report["ContainersDeleted"]) == {made, ended} and report["SpaceReclaimed"] >= 102400
    assert [item["Id"] for item in host.containers()] == [running]
    event, = host.api.get("/events", since=f"{since:.9f}", until=f"{time.time():.9f}", filters={"event": ["prune"]}).lines
    assert event["Actor"]["Attributes"]["reclaimed"] == str(report["SpaceReclaimed"])


def test_prune_filters(host):
    host.create("true", name="red", Labels={"colour": "red"})
    host.create("true", name="plain")
    assert prune(host, until=["1h"]).json["ContainersDeleted"] is None
    assert prune(host, until=["1000000000"]).json["ContainersDeleted"] is None
    assert len(prune(host, **{"label!": ["colour"]}).json["ContainersDeleted"]) == 1
    assert [item["Names"] for item in host.containers()] == [["/red"]]
    assert len(prune(host, label=["colour=red"]).json["ContainersDeleted"]) == 1
    assert prune(host, colour=["red"]).status == 400 and prune(host, until=["1h", "2h"]).status in (400, 500)


def test_dockers_command_line_prunes(host):
    container = host.create("true")
    assert container in host.docker("container", "prune", "-f").out
