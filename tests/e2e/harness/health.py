"""Health checks as tests write and watch them."""

import datetime
import time

from .waiting import until

MS = 10 ** 6
HOUR = 3600 * 1000


def check(*test, interval=20, **more):
    """A Healthcheck; times are in milliseconds."""
    times = {key: value * MS for key, value in more.items() if key not in ("Retries", "OnFailure")}
    return {"Test": list(test), "Interval": interval * MS, **more, **times}


def shell(command, **more):
    return check("CMD-SHELL", command, **more)


def sleeper(host, healthcheck, **more):
    """A running container that sleeps."""
    return host.spawn("sleep", "1000", Healthcheck=healthcheck, **more)


def health(host, container):
    return host.state(container)["Health"]


def wait_for(host, container, status):
    until(lambda: health(host, container)["Status"] == status, lambda: f"{status}; it is {health(host, container)}")
    return health(host, container)


def wait_for_results(host, container, count=1):
    until(lambda: len(health(host, container)["Log"]) >= count, f"{count} results")
    return health(host, container)["Log"]


def execute(host, container, *command):
    host.docker("exec", container, *command)


def past(host, since, **filters):
    return host.api.get("/events", since=f"{since:.9f}", until=f"{time.time():.9f}", filters=filters).lines


def changes(host, since, container):
    """The health_status events of a container."""
    return [event["Action"] for event in past(host, since, container=[container], event=["health_status"])]


def moment(text):
    return datetime.datetime.fromisoformat(text[:19])
