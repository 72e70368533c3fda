"""What an engine leaves behind: processes, mounts, control groups, directories, rows, network namespaces, links, addresses,
routes, elements of the firewall."""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import tempfile

from .waiting import until, Timeout

IDLE_SHIMS = 8  # shims that wait for a container, children of the daemon
READY_SANDBOXES = 12  # network namespaces that wait for a container, descriptors of the daemon
CGROUPS = pathlib.Path("/sys/fs/cgroup")


def directories(folder):
    with contextlib.suppress(OSError):
        return {str(entry) for entry in folder.iterdir()}
    return set()


def mounts(host):
    lines = host.read_proc(1, "mountinfo").splitlines()
    return {line.split()[4] for line in lines}


def cgroups(parent):
    """The control groups below `parent`, in every hierarchy."""
    return {str(group) for pattern in (f"*/{parent}/*", f"{parent}/*") for group in CGROUPS.glob(pattern) if group.is_dir()}


def links(host):
    """The links of containers and networks; the default bridge and what waits on it for a container are the engine's."""
    listed = json.loads(host.shell("ip", "-j", "-d", "link", "show").stdout or "[]")
    virtual = {"veth", "bridge", "macvlan", "ipvlan", "vlan"}
    return {f"{link['ifname']} ({link.get('ifalias', '')})" for link in listed
            if link.get("linkinfo", {}).get("info_kind") in virtual and not is_ready(link)}


def is_ready(link):
    """Whether it waits for a container, or is the bridge for it: the engine's, not a container's."""
    return link.get("ifname") == "docker0" or link.get("ifalias", "").startswith("berth veth ready ")


def addresses(host):
    """The addresses of the host's links; a link has one of its own choice as soon as it is up."""
    listed = json.loads(host.shell("ip", "-j", "-d", "address", "show").stdout or "[]")
    return {f"{link['ifname']} {address['local']}/{address['prefixlen']}" for link in listed if not is_ready(link)
            for address in link.get("addr_info", []) if address.get("scope") != "link"}


def routes(host):
    """The routes of the host that are not its links' own."""
    found = set()
    for family in ("-4", "-6"):
        listed = json.loads(host.shell("ip", "-j", family, "route", "show", "table", "all").stdout or "[]")
        found |= {f"{route.get('type', '')} {route['dst']} dev {route.get('dev')}" for route in listed
                  if route.get("dev") != "docker0" and route.get("protocol") != "kernel"}
    return found


def network_namespaces(host):
    """{namespace: who has it}, without the host's own: processes are in them, and descriptors keep them."""
    own = os.readlink(f"/proc/{host.holder}/ns/net")
    found = {}
    for process in host.proc.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                for link in [process / "ns/net", *(process / "fd").iterdir()]:
                    with contextlib.suppress(OSError):
                        target = os.readlink(link)
                        if target.startswith("net:[") and target != own:
                            found.setdefault(target, set()).add(f"{process.name} {line}")
    return found


def elements(host):
    """What the maps and sets of our table have in them."""
    listed = host.shell("nft", "-j", "list", "table", "inet", "berth", check=False)
    if listed.returncode != 0:
        return set()
    found = set()
    for item in json.loads(listed.stdout)["nftables"]:
        for kind in ("map", "set"):
            if kind in item and item[kind]["name"] not in ("forwarding", "refused"):  # those tell of the host
                found |= {f"{item[kind]['name']}: {json.dumps(element)}" for element in item[kind].get("elem", [])}
    return found


def rows(database):
    """How many rows each table has; what happened is a record to keep, so tables of events are left out."""
    if not database.exists():
        return {}
    with contextlib.ExitStack() as stack:
        if str(database).startswith("/proc/"):  # SQLite resolves links, and this one leads to another mount namespace
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            for file in database.parent.glob("meta.db*"):
                shutil.copy(file, folder)
            database = pathlib.Path(folder) / "meta.db"
        connection = stack.enter_context(contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)))
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        return {table: connection.execute(f'select count(*) from "{table}"').fetchone()[0]
                for table in tables if "event" not in table and not table.startswith("sqlite_")}


class Leftovers:
    """Compares a host with what it was when this object was made."""

    def __init__(self, host):
        self.host = host
        self.mounts = mounts(host)
        self.cgroups = cgroups(host.engine.cgroup)
        self.blobs, self.snapshots = self._blobs(), self._snapshots()
        self.rows = rows(host.data_root / "meta.db")
        self.links, self.elements = links(host), elements(host)
        self.addresses, self.routes = addresses(host), routes(host)
        self.namespaces = set(network_namespaces(host))
        self.ids = set()

    def _blobs(self):
        return directories(self.host.data_root / "content/blobs/sha256")

    def _snapshots(self):
        return directories(self.host.data_root / "snapshots/overlay")

    def note_containers(self):
        """Remembers which containers there are: another engine's control groups on the same machine are not ours."""
        self.ids |= {pathlib.Path(path).name for path in directories(self.host.data_root / "containers")}

    def find(self):
        """One line for each thing that should not be there."""
        host, found = self.host, []
        found += [f"process {pid}: {line}" for pid, line in self._processes()]
        found += [f"mount {path}" for path in sorted(mounts(host) - self.mounts)]
        found += [f"cgroup {path}" for path in sorted(cgroups(host.engine.cgroup) - self.cgroups)
                  if pathlib.Path(path).name in self.ids]
        data = host.data_root
        for folder in (data / "containers", data / "content/ingest", data / "snapshots/ingest", data / "snapshots/discard",
                       host.exec_root / "c"):
            found += [f"directory {path}" for path in sorted(directories(folder))]
        found += [f"blob {path}" for path in sorted(self._blobs() - self.blobs)]
        found += [f"snapshot {path}" for path in sorted(self._snapshots() - self.snapshots)]
        found += [f"link {link}" for link in sorted(links(host) - self.links)]
        found += [f"address {address}" for address in sorted(addresses(host) - self.addresses)]
        found += [f"route {route}" for route in sorted(routes(host) - self.routes)]
        found += self._namespaces()
        found += [f"element {element}" for element in sorted(elements(host) - self.elements)]
        now = rows(host.data_root / "meta.db")
        found += [f"{count - self.rows.get(table, 0)} row(s) in {table}" for table, count in now.items()
                  if count > self.rows.get(table, 0)]
        return found

    def _namespaces(self):
        strange, ready = [], []
        for name, owners in network_namespaces(self.host).items():
            if name not in self.namespaces:
                only_ready = all(f"-H unix://{self.host.socket}" in owner for owner in owners)
                (ready if only_ready else strange).append(f"network namespace {name} of {', '.join(sorted(owners))}")
        return strange + ready[READY_SANDBOXES:]

    def _processes(self):
        daemon = {1}
        idle = []
        strange = []
        for pid, line in self.host.processes().items():
            if pid in daemon or f"-H unix://{self.host.socket}" in line:
                continue
            (idle if line.split(" ")[0].endswith("berth-shim") else strange).append((pid, line))
        return strange + idle[IDLE_SHIMS:]

    def check(self):
        """Fails if something is left; what the engine does after its answers is given time."""
        if self.host.engine.is_reference:
            return
        found = []

        def nothing():
            found[:] = self.find()
            return not found
        with contextlib.suppress(Timeout):
            until(nothing, deadline=15, every=0.02)
        assert not found, "left behind:\n  " + "\n  ".join(found)
