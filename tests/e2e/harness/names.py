"""Questions to a container's resolver, as dig asks them, and name servers for it to ask."""

import contextlib
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

NAME_SERVER = pathlib.Path(__file__).resolve().parent / "name_server.py"


@dataclass
class Reply:
    status: str = ""  # NOERROR, NXDOMAIN...; empty: no reply
    flags: list = field(default_factory=list)
    records: list = field(default_factory=list)  # (name, seconds to live, type, content)
    text: str = ""

    @property
    def contents(self):
        return [content for _, _, _, content in self.records]


def inside(host, container, *command, **more):
    """Runs a program of the test host in the network namespace of a container, or of a process."""
    pid = container if isinstance(container, int) else host.inspect(container)["State"]["Pid"]
    return host.shell("nsenter", f"--net=/proc/{pid}/ns/net", *command, check=False, **more)


def dig(host, container, *question, server="127.0.0.11"):
    """As `dig NAME TYPE +options`. Truncated answers are shown as they are, unless it is told `+noignore`."""
    text = inside(host, container, "dig", f"@{server}", "+tries=1", "+time=10", "+ignore", "+nocookie", *question).stdout
    status = re.search(r"status: (\w+)", text)
    flags = re.search(r";; flags: ([a-z ]*);", text)
    answers = re.search(r";; ANSWER SECTION:\n(.*?)\n\n", text, re.S)
    records = []
    for line in answers[1].splitlines() if answers else []:
        name, seconds, _, kind, content = line.split(None, 4)
        records.append((name, int(seconds), kind, content))
    return Reply(status[1] if status else "", flags[1].split() if flags else [], records, text)


@contextlib.contextmanager
def name_server(host, address):
    """The server of name_server.py on an address of the test host."""
    with subprocess.Popen([*host.enter, sys.executable, NAME_SERVER, address], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n", "the name server did not come up"
        yield
        process.stdin.close()


def queries_at(host, address):
    """How many queries the server has had, this one not included."""
    content = host.shell("dig", f"@{address}", "+short", "+nocookie", "count.test").stdout.split()[0]
    high, low = content.split(".")[2:]
    return int(high) * 256 + int(low) - 1
