"""Packets as they pass links, and counters in the kernel's packet filter: for tests of what must not be sent, or must be dropped."""

import contextlib
import ipaddress
import json
import struct
import subprocess
import sys
from dataclasses import dataclass

# Writes a line for each packet of any link of its network namespace until its input ends: link, direction, the packet in hex.
LISTEN = """
import select, socket, sys
SO_RCVBUFFORCE, PACKET_OUTGOING = 33, 4
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as own:
    own.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    print("ready", flush=True)
    def read_all():
        while True:
            try:
                data, (link, _, kind, *_) = own.recvfrom(2048, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            print(link or "gone", "out" if kind == PACKET_OUTGOING else "in", data[:200].hex())
    ended = False
    while not ended:
        readable, _, _ = select.select([own, sys.stdin], [], [])
        ended = sys.stdin in readable
        read_all()  # what was sent before the end of the input is in the queue by now
"""
PROTOCOLS = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}


@dataclass(frozen=True)
class Packet:
    link: str  # "gone" if it was removed right after the packet
    direction: str  # "in" or "out"
    protocol: str  # "arp", "tcp", "icmpv6", or the number of what is not known
    source: str = ""
    destination: str = ""
    source_port: int = 0
    port: int = 0
    kind: int = 0  # the type of an ICMP message

    def __str__(self):
        return (f"{self.link} {self.direction}: {self.protocol} {self.source} {self.source_port} > {self.destination} "
                f"{self.port} type {self.kind}")


def read_packet(line):
    link, direction, text = line.split()
    frame = bytes.fromhex(text)
    kind, body = struct.unpack(">H", frame[12:14])[0], frame[14:]
    if kind == 0x0806:
        return Packet(link, direction, "arp", str(ipaddress.ip_address(body[14:18])), str(ipaddress.ip_address(body[24:28])))
    if kind == 0x0800:
        number, rest, addresses = body[9], body[(body[0] & 15) * 4:], (body[12:16], body[16:20])
    elif kind == 0x86DD:
        number, rest, addresses = body[6], body[40:], (body[8:24], body[24:40])
        if number == 0:  # hop-by-hop options, as those of multicast listeners
            number, rest = rest[0], rest[8 + rest[1] * 8:]
    else:
        return Packet(link, direction, f"ethertype {kind:#06x}")
    name = PROTOCOLS.get(number, str(number))
    source, destination = (str(ipaddress.ip_address(address)) for address in addresses)
    ports = struct.unpack(">HH", rest[:4]) if name in ("tcp", "udp", "sctp") and len(rest) >= 4 else (0, 0)
    return Packet(link, direction, name, source, destination, *ports, rest[0] if name.startswith("icmp") else 0)


class Capture:
    """with Capture([*host.enter]) as seen: ...;  then `seen.packets`. `enter`: what enters a network namespace."""

    def __init__(self, enter):
        self._process = subprocess.Popen([*enter, sys.executable, "-c", LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        assert self._process.stdout.readline() == "ready\n", "nothing listens to the links"
        self.packets = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        out, _ = self._process.communicate(timeout=60)
        self.packets = [read_packet(line) for line in out.splitlines()]

    def on(self, link, direction=None):
        return [packet for packet in self.packets if packet.link == link and direction in (None, packet.direction)]


def of_container(host, container):
    """What enters the network of a container."""
    return [*host.enter, "nsenter", f"--net=/proc/{host.inspect(container)['State']['Pid']}/ns/net"]


@contextlib.contextmanager
def counting(host, *ways):
    """Counts packets that go from one link to another, before the engine's rules decide about them and after.

    Gives a function that returns {(from, to, family): (asked, passed)}."""
    rules = {"before": [], "after": []}
    counters = []
    for number, (source, target) in enumerate(ways):
        for family in ("ipv4", "ipv6"):
            for chain in rules:
                counters.append(f"counter {chain}{number}{family} {{ }}")
                rules[chain].append(f'iifname "{source}" oifname "{target}" meta nfproto {family} '
                                    f"counter name {chain}{number}{family}")
    chains = "\n".join(f"chain {name} {{ type filter hook forward priority {priority};\n" + "\n".join(rules[name]) + "\n}"
                       for name, priority in (("before", -150), ("after", 150)))
    host.shell("nft", "-f", "-", input="table inet watch {\n" + "\n".join(counters) + "\n" + chains + "\n}\n")

    def read():
        listed = json.loads(host.shell("nft", "-j", "list", "counters", "table", "inet", "watch").stdout)["nftables"]
        found = {item["counter"]["name"]: item["counter"]["packets"] for item in listed if "counter" in item}
        return {(*way, family): tuple(found[f"{chain}{number}{family}"] for chain in ("before", "after"))
                for number, way in enumerate(ways) for family in ("ipv4", "ipv6")}
    try:
        yield read
    finally:
        host.shell("nft", "delete", "table", "inet", "watch")
