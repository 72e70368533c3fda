"""Fixtures. `host` is a test host with a running engine; after each test it must be as it was before."""

import pathlib
import signal
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "images")]

from harness import clients  # noqa: E402 (the path above is needed first)
from harness.engines import berth_bin, engine_under_test  # noqa: E402
from harness.host import Host  # noqa: E402
from harness.leftovers import Leftovers  # noqa: E402
from harness.terminal import Terminal  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--online", action="store_true", help="also run the tests that reach the internet")


def pytest_configure():
    # A run that is told to end takes its test hosts with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_runtest_setup(item):
    reference = engine_under_test().is_reference
    if item.get_closest_marker("online") and not item.config.getoption("--online"):
        pytest.skip("needs the internet: give --online")
    if reference and item.get_closest_marker("berth_only"):
        pytest.skip("the reference engine does not have this")
    if reference and (marker := item.get_closest_marker("differs_from_reference")):
        pytest.skip(f"Docker 20.10 differs: {marker.args[0]}")


LONGEST_TEST = 240  # seconds; a test that hangs is a failure, not the end of the run


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    def too_long(*_):
        raise TimeoutError(f"the test took more than {LONGEST_TEST} s")
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST_TEST)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def image_folder():
    """The directory of the test images' archives."""
    built = subprocess.run([HERE.parent / "images/build"], stdout=subprocess.PIPE, check=True, text=True,
                           stdin=subprocess.DEVNULL)
    return pathlib.Path(built.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def shared_host(image_folder):
    """One engine for all the tests that do it no harm; use `host`."""
    host = Host(engine_under_test(), image_folder)
    try:
        yield host.start().need("busybox")
    finally:
        host.close()


def clean(host):
    """Removes the containers, and the images that are not the session's, as a user would."""
    for container in host.containers():
        reply = host.api.delete(f"/containers/{container['Id']}", force=1, v=1)
        assert reply.status in (204, 404, 409), reply
    networks = host.api.get("/networks")
    # Configurations last: others are made from them.
    for network in sorted(networks.json if networks.status == 200 else [], key=lambda one: one["ConfigOnly"]):
        if network["Name"] not in ("bridge", "host", "none"):
            assert host.api.delete(f"/networks/{network['Id']}").status in (204, 404)
    for image in host.api.get("/images/json", all=1).json:
        wanted = {f"{name}:{'minbase' if name == 'debian' else 'latest'}" for name in host.loaded}
        tags = image["RepoTags"] or []
        for tag in tags:
            if tag not in wanted:
                host.api.delete(f"/images/{tag}", force=1)
        if not tags or tags == ["<none>:<none>"]:
            host.api.delete(f"/images/{image['Id']}", force=1)


def watched(host):
    """Gives a test the host, and fails it if it leaves something behind."""
    host.leftovers = Leftovers(host)
    yield host
    host.leftovers.note_containers()
    if host.daemon is None:
        host.start()
    clean(host)
    host.leftovers.check()


@pytest.fixture
def host(shared_host, request):
    # Images that a test needs are loaded before the state is noted: they stay for the session.
    if marker := request.node.get_closest_marker("images"):
        shared_host.need(*marker.args)
    yield from watched(shared_host)


@pytest.fixture
def fresh_host(image_folder):
    """An engine of the test's own, to be killed, filled and broken."""
    own = Host(engine_under_test(), image_folder)
    try:
        own.start().need("busybox")
        yield from watched(own)
    finally:
        own.close()


def make_client(host, name):
    assert name != "berth" or (berth_bin() / "berth").exists(), "berth is not built"
    return clients.make(host, name)


@pytest.fixture(params=clients.NAMES)
def client(host, request):
    """Each of the three clients in turn."""
    return make_client(host, request.param)


@pytest.fixture(params=["docker", "berth"])
def cli(host, request):
    """Each of the two command lines in turn."""
    return make_client(host, request.param)


@pytest.fixture
def terminal(host, cli):
    """Starts the command line on a terminal: terminal("run", "-it", "busybox")."""
    opened = []

    def start(*arguments, **more):
        opened.append(Terminal([cli.program, *arguments], host.environment, **more))
        return opened[-1]
    yield start
    for one in opened:
        one.__exit__()
