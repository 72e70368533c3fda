"""How a thing is measured: a command's time, turns that take their order by chance, memory and processor time."""

import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

import report


def time_command(argv, environment):
    """Milliseconds from spawn to exit; a failure ends the run: a start that fails is a fast one."""
    with tempfile.TemporaryFile() as errors:
        files = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in range(2)]
        files.append((os.POSIX_SPAWN_DUP2, errors.fileno(), 2))
        started = time.perf_counter()
        pid = os.posix_spawn(argv[0], [str(word) for word in argv], environment, file_actions=files,
                             setsigdef=[signal.SIGPIPE])  # which Python ignores
        _, status = os.waitpid(pid, 0)
        elapsed = (time.perf_counter() - started) * 1000
        if status != 0:
            errors.seek(0)
            raise SystemExit(f"bench: {' '.join(map(str, argv))}: {os.waitstatus_to_exitcode(status)}: {errors.read().decode()}")
    return elapsed


def tool_output(argv):
    """The JSON objects that one of our programs prints, one a line."""
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def settle():
    """Waits, two seconds at most, until nothing but this program has run for ten looks in a row.

    What an engine still does after its answer (docker's takes down a container for another 50 ms) would otherwise be
    charged to whichever comes next.
    """
    quiet, end = 0, time.monotonic() + 2
    while quiet < 10 and time.monotonic() < end:
        time.sleep(0.002)
        runnable = next(line for line in open("/proc/stat") if line.startswith("procs_running"))
        quiet = quiet + 1 if runnable.split()[1] == "1" else 0


def interleave(measures, number):
    """Calls each measure `number` times in an order that changes, after one round that does not count."""
    times = {}
    for turn in range(number + 1):
        order = list(measures)
        random.shuffle(order)
        for name in order:
            settle()
            result = measures[name]()
            for key, value in (result if isinstance(result, dict) else {"": result}).items():
                if turn > 0:
                    times.setdefault(f"{name}{key}", report.Series()).append(value)
    names = list(measures)
    return dict(sorted(times.items(), key=lambda item: max(i for i, name in enumerate(names) if item[0].startswith(name))))


def pss_kb(processes):
    total = 0
    for pid in processes:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def cpu_ns(processes):
    """Time on a processor of all threads: schedstat counts nanoseconds where stat counts hundredths of seconds."""
    return sum(int(path.read_text().split()[0]) for pid in processes
               for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))
