"""--link on the default bridge: names of other containers, and what becomes of them."""

import pytest

from harness.networks import address, execute, make_network
from harness.waiting import until


def spawn(host, name, *links, **more):
    return host.spawn("sleep", "1000", name=name, host_config={"Links": list(links)} if links else None, **more)


def host_lines(host, container):
    """The lines of /etc/hosts that name other containers."""
    lines = execute(host, container, "cat", "/etc/hosts").splitlines()
    return [line for line in lines[6:] if host.inspect(container)["Id"][:12] not in line]


def environment(host, container):
    return dict(line.split("=", 1) for line in execute(host, container, "env").splitlines())


def names(host):
    """All names of each container, by its ID."""
    return {container["Id"]: sorted(container["Names"]) for container in host.containers()}


def links_of(host, container):
    return host.inspect(container)["HostConfig"]["Links"]


def test_a_further_process_has_the_variables_of_links(host):
    db = spawn(host, "db", Env=["KEY=value"], ExposedPorts={"8000/tcp": {}})
    web = spawn(host, "web", "db:store", Env=["STORE_NAME=own"])
    where = address(host, db)
    found = environment(host, web)
    assert found["STORE_PORT"] == f"tcp://{where}:8000" and found["STORE_PORT_8000_TCP_ADDR"] == where
    assert found["STORE_ENV_KEY"] == "value"
    assert found["STORE_NAME"] == "own"


def test_a_probe_has_the_variables_of_links(host):
    spawn(host, "db", Env=["KEY=value"])
    web = spawn(host, "web", "db:store",
                Healthcheck={"Test": ["CMD-SHELL", "test $STORE_ENV_KEY = value"], "Interval": 50_000_000})
    until(lambda: host.state(web)["Health"]["Status"] == "healthy", "the probe to succeed")


@pytest.mark.differs_from_reference("it refuses further processes while a linked container is stopped")
def test_a_container_that_is_stopped_has_no_variables(host):
    spawn(host, "db", Env=["KEY=value"])
    web = spawn(host, "web", "db:store")
    host.docker("stop -t 0 db")
    assert "STORE_ENV_KEY" not in environment(host, web)
    host.docker("start db")
    assert environment(host, web)["STORE_ENV_KEY"] == "value"


def test_links_are_names_of_the_container_that_they_lead_to(host):
    db = spawn(host, "db")
    web = spawn(host, "web", "db:store", "db:cache")
    assert names(host)[db] == ["/db", "/web/cache", "/web/store"]
    assert names(host)[web] == ["/web"]
    assert sorted(links_of(host, web)) == ["/db:/web/cache", "/db:/web/store"]
    assert links_of(host, db) is None
    assert host.inspect("web/store")["Id"] == db
    assert host.docker("inspect", "/web/store", "--format", "{{.Name}}").out.strip() == "/db"
    host.docker("stop -t 0 /web/store")
    assert not host.state(db)["Running"]


def test_ps_shows_the_names_of_links_in_full_only(host, cli):
    spawn(host, "db")
    spawn(host, "web", "db:store")
    assert cli("ps", "--format", "{{.Names}}").out.split() == ["web", "db"]
    assert cli("ps", "--no-trunc", "--format", "{{.Names}}").out.split() == ["web", "db,web/store"]
    assert cli("ps", "-q", "--filter", "name=store").out.strip() == ""


def test_a_link_by_the_start_of_an_id_leads_to_the_container(host):
    db = spawn(host, "db")
    web = spawn(host, "web", f"{db[:8]}:store")
    assert links_of(host, web) == ["/db:/web/store"]
    assert host_lines(host, web) == [f"{address(host, db)}\tstore {db[:12]} db"]


def test_of_two_links_with_one_name_the_first_counts(host):
    db = spawn(host, "db")
    spawn(host, "other")
    web = spawn(host, "web", "db:store", "other:store")
    assert links_of(host, web) == ["/db:/web/store"]
    assert host_lines(host, web) == [f"{address(host, db)}\tstore {db[:12]} db"]


def test_both_may_be_renamed(host):
    db = spawn(host, "db")
    web = spawn(host, "web", "db:store")
    host.docker("rename db base")
    host.docker("rename web front")
    assert names(host)[db] == ["/base", "/front/store"]
    assert links_of(host, web) == ["/base:/front/store"]
    assert environment(host, web)["STORE_NAME"] == "/front/store"
    host.docker("restart -t 0 front")
    assert host_lines(host, web) == [f"{address(host, db)}\tstore {db[:12]} base"]


def test_a_container_that_comes_back_elsewhere_is_found_there(host):
    db = spawn(host, "db", ExposedPorts={"8000/tcp": {}})
    web = spawn(host, "web", "db:store")
    before = address(host, db)
    host.docker("stop -t 0 db")
    spawn(host, "other")
    host.docker("start db")
    where = address(host, db)
    assert where != before
    assert host_lines(host, web) == [f"{where}\tstore {db[:12]} db"]
    assert environment(host, web)["STORE_PORT_8000_TCP_ADDR"] == where


def test_rm_link_takes_the_name_away_and_nothing_else(host, cli):
    db = spawn(host, "db")
    web = spawn(host, "web", "db:store", "db:cache")
    assert cli("rm", "--link", "/web/store").out == "/web/store\n"
    assert host.state(db)["Running"]
    assert names(host)[db] == ["/db", "/web/cache"]
    assert links_of(host, web) == ["/db:/web/cache"]
    assert host_lines(host, web) == [f"{address(host, db)}\tcache {db[:12]} db"]
    assert "STORE_NAME" not in environment(host, web) and "CACHE_NAME" in environment(host, web)
    cli("rm", "-f", "-v", "-l", "web/cache")
    assert links_of(host, web) is None and host_lines(host, web) == []
    host.docker("restart -t 0 web")
    assert links_of(host, web) is None and host_lines(host, web) == []


@pytest.mark.parametrize("name, status, message", [
    ("nobody", 404, "No such container: nobody"),
    ("web", 500, "Conflict, cannot remove the default link name of the container"),
    ("web/nothing", 404, "No such container: web/nothing"),
    ("nobody/store", 404, "No such container: nobody/store"),
    ("web/store/more", 404, "No such container: web/store/more"),
])
def test_what_rm_link_refuses(host, name, status, message):
    spawn(host, "db")
    web = spawn(host, "web", "db:store")
    reply = host.api.delete(f"/containers/{name}", link=1)
    assert (reply.status, reply.message) == (status, message)
    assert links_of(host, web) == ["/db:/web/store"]


def test_a_start_without_what_it_links_to_fails_and_says_so(host):
    spawn(host, "db")
    web = spawn(host, "web", "db:store")
    host.docker("stop -t 0 db")
    host.docker("stop -t 0 web")
    reply = host.api.post("/containers/web/start")
    assert (reply.status, reply.message) == (500, "Cannot link to a non running container: /db AS /web/store")
    assert links_of(host, web) == ["/db:/web/store"]


def test_a_container_on_another_network_alone_cannot_be_linked_to(host):
    make_network(host, "lan")
    host.spawn("sleep", "1000", name="db", host_config={"NetworkMode": "lan"})
    host.create("sleep", "1000", name="web", host_config={"Links": ["db:store"]})
    reply = host.api.post("/containers/web/start")
    assert (reply.status, reply.message) == (500, "Cannot link to /db, as it does not belong to the default network")


def test_links_of_networks_with_names_are_the_endpoints(host, cli):
    make_network(host, "lan")
    cli("run", "-d", "--name", "db", "--network", "lan", "busybox", "sleep", "1000")
    cli("run", "-d", "--name", "web", "--network", "lan", "--link", "db:store", "busybox", "sleep", "1000")
    shown = host.inspect("web")
    assert shown["HostConfig"]["Links"] is None
    assert shown["NetworkSettings"]["Networks"]["lan"]["Links"] == ["db:store"]
    assert names(host)[host.inspect("db")["Id"]] == ["/db"]


def test_a_link_to_a_removed_container_stays_a_name(host):
    spawn(host, "db")
    web = spawn(host, "web", "db:store")
    host.docker("rm -f db")
    assert links_of(host, web) == ["/db:/web/store"]
    reply = host.api.post("/containers/web/restart", t=0)
    assert reply.status == 500 and "Cannot link to a non running container: /db AS /web/store" in reply.message
    assert host.api.get("/containers/web/store/json").status == 404


@pytest.mark.differs_from_reference("it finds the new container only after a restart of the daemon")
def test_a_link_leads_to_a_new_container_of_the_old_ones_name(host):
    spawn(host, "db")
    web = spawn(host, "web", "db:store")
    host.docker("rm -f db")
    db = spawn(host, "db", Env=["KEY=new"])
    assert host_lines(host, web) == [f"{address(host, db)}\tstore {db[:12]} db"]
    assert environment(host, web)["STORE_ENV_KEY"] == "new"
    assert names(host)[db] == ["/db", "/web/store"]
    host.docker("restart -t 0 web")
    assert links_of(host, web) == ["/db:/web/store"]


@pytest.mark.differs_from_reference("it forgets links of a container that goes on running")
def test_links_outlive_the_daemon(fresh_host):
    host = fresh_host
    db = spawn(host, "db")
    web = spawn(host, "web", "db:store")
    host.docker("rename db base")
    host.crash()
    host.start()
    assert names(host)[db] == ["/base", "/web/store"] and links_of(host, web) == ["/base:/web/store"]
    assert "STORE_NAME" in environment(host, web)


def test_containers_that_start_with_the_daemon_wait_for_what_they_link_to(fresh_host):
    host = fresh_host
    policy = {"RestartPolicy": {"Name": "always"}}
    host.spawn("sleep", "1000", name="first", host_config=policy)
    host.spawn("sleep", "1000", name="second", host_config={**policy, "Links": ["first"]})
    host.spawn("sleep", "1000", name="third", host_config={**policy, "Links": ["second"]})
    for name in ("third", "second", "first"):
        host.docker("stop", "-t", "0", name)
    host.terminate()
    host.start()
    for name in ("first", "second", "third"):
        until(lambda: host.state(name)["Running"], lambda: f"{name} to run; it says {host.state(name)['Error']}")
