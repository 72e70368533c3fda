"""What happens to a container while it lives: exec, stop, removal, many of them, its log, and the engine's own restart."""

import concurrent.futures
import os
import signal
import socket
import subprocess
import time

import measure
import peers
import report

MANY = 100
CLIENTS = 4
LINES, LINE = 2_000_000, "x" * 99
WRITER = f"busybox yes {LINE} | busybox head -c {LINES * (len(LINE) + 1)}"
LISTED, RUNNING = 500, 50
SLEEPER = ("sleep", "1000")
# Process 1 that ends at SIGTERM, and says when it would.
ENDS_AT_TERM = ("sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 1000 & wait; done")


class Lifecycle:
    def __init__(self, engines, folder, turns):
        self.engines, self.folder, self.turns = engines, folder, turns
        self.times = {}

    def measure(self):
        self.short_commands()
        self.many()
        self.logs()
        for engine in self.engines:
            if isinstance(engine, peers.Berth):
                self.restart(engine)
        return self.times

    def keep(self, heading, times):
        report.print_times(heading, times, [name for name in times if name.startswith(("docker", "floor"))])
        self.times |= times

    def timed(self, engine, *words):
        return measure.time_command([*engine.prefix, *words], engine.environment)

    def short_commands(self):
        sleeping = {engine: engine.run_sleeping() for engine in self.engines}
        self.keep("exec of true in a running container", measure.interleave(
            {f"{engine.name} exec": lambda engine=engine: self.timed(engine, "exec", sleeping[engine], "true")
             for engine in self.engines}, self.turns))
        for engine in self.engines:
            engine.call(*engine.remove, sleeping[engine])
        ending = {engine: engine.call("create", "--network", "none", *engine.run_options, engine.image, *ENDS_AT_TERM)
                  for engine in self.engines}
        self.keep("stop of a container that ends at SIGTERM", measure.interleave(
            {f"{engine.name} stop": lambda engine=engine: self.stop(engine, ending[engine]) for engine in self.engines},
            self.turns))
        for engine in self.engines:
            engine.call(*engine.remove, ending[engine])

    def stop(self, engine, container):
        engine.call("start", container)
        with subprocess.Popen([*engine.prefix, "logs", "-f", container], env=engine.environment,
                              stdout=subprocess.PIPE) as log:
            log.stdout.readline()
            log.terminate()
        return self.timed(engine, "stop", container)

    def many(self):
        """A hundred containers: made, listed, removed; by one client and by several."""
        series = {}
        for _ in range(max(2, self.turns // 10)):
            for engine in self.engines:
                for client_count, label in ((1, "one client"), (CLIENTS, f"{CLIENTS} clients")):
                    measure.settle()
                    elapsed, names = self.run_many(engine, client_count)
                    self.add(series, f"{engine.name} run -d of {MANY}, {label}", elapsed)
                    for _ in range(5 if client_count == 1 else 0):
                        self.add(series, f"{engine.name} ps -a of {MANY}", self.timed(engine, "ps", "-a"))
                    self.add(series, f"{engine.name} rm -f of {MANY}", self.timed(engine, *engine.remove, *names))
        for what in (f"run -d of {MANY}, one client", f"run -d of {MANY}, {CLIENTS} clients", f"ps -a of {MANY}",
                     f"rm -f of {MANY}"):
            self.keep(what, {name: times for name, times in series.items() if name.endswith(what)})

    @staticmethod
    def add(series, name, value):
        series.setdefault(name, report.Series()).append(value)

    def run_many(self, engine, client_count):
        """Milliseconds and names. The clients are spawned directly: what Python's subprocess takes is nobody's."""
        names = [f"many{number}" for number in range(MANY)]

        def run(own_names):
            for name in own_names:
                self.timed(engine, "run", "-d", "--name", name, "--network", "none", *engine.run_options, engine.image,
                           *SLEEPER)
        started = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(client_count) as clients:
            list(clients.map(run, (names[client::client_count] for client in range(client_count))))
        return (time.perf_counter() - started) * 1000, names

    def logs(self):
        """A flood of short lines beside what a pipe to a file takes; what was written is read back."""
        series = {}
        for _ in range(max(3, self.turns // 10)):
            target = self.folder / "floor.log"
            measure.settle()
            self.add(series, "floor log", measure.time_command(["/bin/sh", "-c", f"{WRITER} | cat > {target}"],
                                                               dict(os.environ)))
            target.unlink()
            for engine in self.engines:
                for options, label in ((engine.whole_log, ""), *(((), ", default bounds"),) * (engine.name == "berth")):
                    self.log_of(engine, options, label, series)
        for what in ("log", "logs", "logs --tail 10"):
            self.keep(f"200 MB of 100-byte lines: {what}", {
                name: times for name, times in series.items() if name.removesuffix(", default bounds").endswith(f" {what}")})

    def log_of(self, engine, options, label, series):
        measure.settle()
        started = time.perf_counter()
        container = engine.call("run", "-d", "--network", "none", *options, *engine.run_options, engine.image, "sh", "-c", WRITER)
        engine.call("wait", container)
        self.add(series, f"{engine.name} log{label}", (time.perf_counter() - started) * 1000)
        measure.settle()
        if not label:
            for what in (("logs",), ("logs", "--tail", "10"), ("logs", "--tail", "10"), ("logs", "--tail", "10")):
                self.add(series, f"{engine.name} {' '.join(what)}", self.timed(engine, *what, container))
        engine.call(*engine.remove, container)

    def restart(self, engine):
        """From the start of the daemon to its first answer, with many containers of which some run."""
        for index in range(LISTED):
            if index < RUNNING:
                engine.run_sleeping()
            else:
                engine.call("create", "--network", "none", engine.image, "true")
        times = report.Series()
        for _ in range(max(5, self.turns // 3)):
            engine.daemon.send_signal(signal.SIGKILL)
            engine.daemon.wait()
            measure.settle()
            times.append(self.ready_after(engine))
        self.keep(f"ready after a restart with {LISTED} containers, {RUNNING} of them running",
                  {f"{engine.name} restart": times})

    @staticmethod
    def ready_after(engine):
        """Milliseconds until the list of containers is answered."""
        started = time.perf_counter()
        engine.spawn_daemon()
        while True:
            with socket.socket(socket.AF_UNIX) as client:
                try:
                    client.connect(str(engine.socket))
                    client.sendall(b"GET /containers/json HTTP/1.0\r\n\r\n")
                    reply = client.recv(1 << 16)
                except OSError:
                    reply = b""
            if b" 200 " in reply.split(b"\r\n")[0]:
                return (time.perf_counter() - started) * 1000
            time.sleep(0.0005)
