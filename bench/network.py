"""Networks: starts on a bridge, networks made and removed, published ports, names."""

import contextlib
import re
import subprocess
import time

import measure
import peers
import report

MANY = 100
RANGE = 10_000         # published at once by Berth; Docker runs a process for each port, so it gets fewer
DOCKER_RANGE = 100
ROUNDS, SECONDS = 12, 1
PORT = 8080
KEPT, NEW, BULK = "requests/s on kept connections", "requests/s, each on a new connection", "MB/s in answers of 1 MB"
QUERIES = 5


class Rate(report.Series):
    """What is better when there is more of it: in a second, or of the same without a detour."""

    unit = "rate"


class Network:
    def __init__(self, engines, folder, turns, floor):
        self.engines, self.folder, self.turns, self.floor = engines, folder, turns, floor
        self.times = {}

    def measure(self):
        self.starts()
        self.networks()
        self.many()
        self.range_of_ports()
        for engine in self.engines:
            if engine.name != "podman":  # its command line would have to be there for as long as its containers
                self.throughput(engine)
                self.names(engine)
        return self.times

    def keep(self, heading, times):
        report.print_times(heading, times, [name for name in times if name.startswith(("docker", "floor, bridge"))])
        self.times |= times

    def starts(self):
        measures = {f"floor, {network}": lambda network=network: self.floor(network) for network in ("none", "bridge")}
        for network in ("none", "bridge"):
            for engine in self.engines:
                measures[f"{engine.name} run, {network}"] = lambda engine=engine, network=network: measure.time_command(
                    engine.run_command(network), engine.environment)
        self.keep("run --rm busybox true", measure.interleave(measures, self.turns))

    def networks(self):
        def make_and_remove(engine):
            made = measure.time_command([*engine.prefix, "network", "create", "bench"], engine.environment)
            measure.settle()
            return {" network create": made,
                    " network rm": measure.time_command([*engine.prefix, "network", "rm", "bench"], engine.environment)}
        self.keep("a network made and removed", measure.interleave(
            {engine.name: lambda engine=engine: make_and_remove(engine) for engine in self.engines}, self.turns))

    def many(self):
        series = {}
        for _ in range(max(2, self.turns // 10)):
            for engine in self.engines:
                measure.settle()
                names = [f"many{number}" for number in range(MANY)]
                started = time.perf_counter()
                for name in names:
                    measure.time_command([*engine.prefix, "run", "-d", "--name", name, "--network", "bridge",
                                          *engine.run_options, engine.image, "sleep", "1000"], engine.environment)
                series.setdefault(f"{engine.name} run -d of {MANY} on a bridge", report.Series()).append(
                    (time.perf_counter() - started) * 1000)
                engine.call(*engine.remove, *names)
        self.keep(f"run -d of {MANY} on one bridge", series)

    def range_of_ports(self):
        """What a range of ports adds to a start, and to the engine's processes and memory."""
        series, rows = {}, []
        for engine in self.engines:
            if engine.name == "podman":
                continue
            count = RANGE if engine.name == "berth" else DOCKER_RANGE
            ports = f"20000-{20000 + count - 1}"
            processes = engine.processes()
            memory = {}
            for _ in range(3):
                for label, options in (("plain", ()), (f"{count} ports", ("-p", f"{ports}:{ports}"))):
                    measure.settle()
                    series.setdefault(f"{engine.name} run -d, {label}", report.Series()).append(measure.time_command(
                        [*engine.prefix, "run", "-d", "--name", "range", *options, *engine.run_options, engine.image,
                         "sleep", "1000"], engine.environment))
                    measure.settle()
                    now = engine.processes()
                    memory.setdefault(label, []).append((len(now) - len(processes), measure.pss_kb(now)))
                    engine.call(*engine.remove, "range")
            for (plain_processes, plain), (its_processes, its) in zip(*memory.values()):
                rows.append([engine.name, str(count), str(its_processes - plain_processes), float(its - plain)])
            added = series[f"{engine.name} run -d, {count} ports"].median - series[f"{engine.name} run -d, plain"].median
            self.times[f"{engine.name} range of {count} ports"] = report.Series([added])
        self.keep("a container with a range of published ports", series)
        report.print_table("what the ports add to the container: processes and memory (PSS)",
                           ["", "ports", "processes", "kB"], rows)

    def throughput(self, engine):
        """Through a published port, beside the same to a container's own address, in turns of a second."""
        with servers(engine) as (here, _, far, _), outside(engine.host) as (enter, host_address):
            enter_host = engine.host.enter
            targets = {"direct": (enter_host, f"{self.address_of(engine, here)}:{PORT}"),
                       "through 127.0.0.1": (enter_host, f"127.0.0.1:{PORT}"),
                       "outside, direct": (enter, f"{self.address_of(engine, far)}:{PORT}"),
                       "outside, through the host": (enter, f"{host_address}:{PORT + 1}")}
            series = {}
            for _ in range(ROUNDS):
                for what, words, path in ((KEPT, (), "/"), (NEW, ("-H", "Connection: close"), "/"), (BULK, (), "/big")):
                    for label, (prefix, address) in targets.items():
                        measure.settle()
                        series.setdefault(what, {}).setdefault(label, Rate()).append(
                            wrk([*prefix, "wrk", "-t1", "-c16", f"-d{SECONDS}", *words, f"http://{address}{path}"], path))
        for what, found in series.items():
            rows = []
            for label, rates in found.items():
                # Neighbours in time are compared: the machine's own speed changes in the course of minutes.
                share = Rate([rate / direct for rate, direct in zip(rates, found[base(label)])])
                rows.append([label, rates.median, max(rates), f"{share.median:.3f}"])
                if label != base(label):
                    self.times[f"{engine.name} {what}, {label}, share of direct"] = share
            report.print_table(f"{engine.name}: {what}", ["", "median", "best", "of direct"], rows)

    @staticmethod
    def address_of(engine, container):
        return engine.call("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)

    def names(self, engine):
        """Questions for a container's name, per second and per second of the daemon's processor time."""
        engine.call("network", "create", "names")
        client, server = (engine.call("run", "-d", "--name", name, "--network", "names", *engine.run_options, engine.image,
                                      "sleep", "1000") for name in ("client", "server"))
        questions = self.folder / "questions"
        questions.write_text("server A\n")
        try:
            process = engine.call("inspect", "-f", "{{.State.Pid}}", client)
            wall, per_core = Rate(), Rate()
            for _ in range(QUERIES):
                daemons = engine.processes()
                before = measure.cpu_ns(daemons)
                text = subprocess.run(["nsenter", f"--net=/proc/{process}/ns/net", "dnsperf", "-s", "127.0.0.11", "-d", questions,
                                       "-l", str(SECONDS), "-c", "4"], check=True, capture_output=True, text=True).stdout
                used = measure.cpu_ns(daemons) - before
                answered = int(re.search(r"Queries completed: +(\d+)", text)[1])
                wall.append(answered / float(re.search(r"Run time \(s\): +([\d.]+)", text)[1]))
                per_core.append(answered / (used / 1e9))
        finally:
            engine.call(*engine.remove, client, server)
            engine.call("network", "rm", "names")
        report.print_table(f"{engine.name}: names of containers", ["", "median", "best"], [
            ["answers/s", wall.median, max(wall)], ["answers per second of the daemon's processor time", per_core.median, max(per_core)]])
        self.times[f"{engine.name} names per core"] = per_core


@contextlib.contextmanager
def servers(engine):
    """Four containers that serve, one for each way to them: for the host, and at PORT of it; for a neighbour, and at PORT + 1.

    One alone would not do: the kernel tells the host's connections to it apart by their ports, and has to wait for ports that
    another way used a moment ago.
    """
    def start(*options):
        return engine.call("run", "-d", *options, *engine.run_options, engine.image, "http_server", str(PORT))

    # A neighbour gets to a container's own address only where the network is routed, and to published ports alone.
    network = ()
    if engine.name == "berth":
        engine.call("network", "create", "-o", "com.docker.network.bridge.gateway_mode_ipv4=routed", "routed")
        network = ("--network", "routed")
    containers = []
    try:
        for options in ((), ("-p", f"{PORT}:{PORT}"), (*network, "-p", f"{PORT}"), ("-p", f"{PORT + 1}:{PORT}")):
            containers.append(start(*options))
        yield containers
    finally:
        engine.call(*engine.remove, *containers)
        if network:
            engine.call("network", "rm", network[1])


def base(label):
    return "outside, direct" if label.startswith("outside") else "direct"


def wrk(argv, path):
    text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec: +([\d.]+)", text)[1])
    return rate * (1 << 20) / 1e6 if path == "/big" else rate


@contextlib.contextmanager
def outside(host):
    """Another network namespace, a neighbour of the host: yields how to enter it, and the host's address there."""
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep infinity"],
                              stdout=subprocess.PIPE, text=True)
    try:
        holder.stdout.readline()
        enter = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        host.call("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", f"/proc/{holder.pid}/ns/net")
        for words in (("addr", "add", "10.77.0.1/24", "dev", "uplink"), ("link", "set", "uplink", "up")):
            host.call("ip", *words)
        for words in (("addr", "add", "10.77.0.2/24", "dev", "eth0"), ("link", "set", "eth0", "up"),
                      ("route", "add", "default", "via", "10.77.0.1")):
            subprocess.run([*enter, "ip", *words], check=True)
        yield enter, "10.77.0.1"
    finally:
        holder.kill()
        holder.wait()
