"""A name server with a small zone, to be run in a test host until its input ends:  name_server.py ADDRESS

  up.test        192.0.2.7, for five minutes
  brief.test     192.0.2.8, for no time at all: not to be kept
  count.test     192.0.x.y: how many queries have come, by UDP and TCP, this one included
  big.test       100 addresses, over UDP none but the word that there are more
  silent.test    no answer
  all others     no such name, for a minute
"""

import os
import socketserver
import struct
import sys
import threading

asked = 0


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def read_question(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0], query[12:at + 5]


def record(kind, ttl, content):
    return struct.pack(">HHHIH", 0xC00C, kind, 1, ttl, len(content)) + content


def answer(query, by_tcp):
    global asked
    asked += 1
    name, kind, question = read_question(query)
    zone = {
        "up.test": [record(1, 300, bytes([192, 0, 2, 7]))],
        "brief.test": [record(1, 0, bytes([192, 0, 2, 8]))],
        "count.test": [record(1, 0, bytes([192, 0, asked >> 8, asked & 255]))],
        "big.test": [record(1, 300, bytes([192, 0, 3, number])) for number in range(100)] if by_tcp else [],
    }
    if name == "silent.test":
        return None
    records = zone.get(name, []) if kind == 1 else []
    flags = 0x8180 | (0 if name in zone else 3) | (0x0200 if name == "big.test" and not by_tcp else 0)
    soa = b""
    if name not in zone:
        soa = record(6, 60, encode("ns.test") + encode("root.test") + struct.pack(">5I", 1, 2, 3, 4, 60))
    return query[:2] + struct.pack(">5H", flags, 1, len(records), bool(soa), 0) + question + b"".join(records) + soa


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        query, sock = self.request
        if reply := answer(query, False):
            sock.sendto(reply, self.client_address)


class Stream(socketserver.StreamRequestHandler):
    def handle(self):
        size = struct.unpack(">H", self.rfile.read(2))[0]
        if reply := answer(self.rfile.read(size), True):
            self.wfile.write(struct.pack(">H", len(reply)) + reply)


def main(address):
    socketserver.TCPServer.allow_reuse_address = True
    by_udp = socketserver.UDPServer((address, 53), Datagram)
    by_tcp = socketserver.TCPServer((address, 53), Stream)
    for server in (by_udp, by_tcp):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
