"""The Engine API as bytes on a unix socket: no client library between the test and the daemon."""

import http.client
import json
import socket
import struct
from urllib.parse import quote, urlencode

TIMEOUT = 120


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=TIMEOUT):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        """The text of an error body; the body itself where it is not one, so that a failed assert shows it."""
        try:
            return self.json["message"]
        except (ValueError, KeyError, TypeError):
            return self.body.decode(errors="replace")

    @property
    def lines(self):
        """The documents of a stream of JSON lines."""
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def frames(data):
    """The (stream, payload) of a multiplexed stream; stream 1 is stdout, 2 is stderr."""
    found, position = [], 0
    while position < len(data):
        stream, size = struct.unpack(">BxxxL", data[position:position + 8])
        found.append((stream, data[position + 8:position + 8 + size]))
        position += 8 + size
    return found


def split(data):
    """stdout and stderr of a multiplexed stream."""
    parts = frames(data)
    return b"".join(d for s, d in parts if s == 1), b"".join(d for s, d in parts if s == 2)


class Stream:
    """A hijacked connection: what comes after the answer's head."""

    def __init__(self, sock, status, headers, rest):
        self.sock, self.status, self.headers, self.buffer = sock, status, headers, rest

    def send(self, data):
        self.sock.sendall(data)

    def close_stdin(self):
        self.sock.shutdown(socket.SHUT_WR)

    def read_until(self, wanted):
        while wanted not in self.buffer:
            data = self.sock.recv(65536)
            assert data, f"the stream ended before {wanted!r}: {self.buffer!r}"
            self.buffer += data
        return self.buffer

    def read_all(self):
        while data := self.sock.recv(65536):
            self.buffer += data
        return self.buffer

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Api:
    """One request per connection, as the simplest of clients does."""

    def __init__(self, socket_path):
        self.socket_path = socket_path

    @staticmethod
    def url(path, query):
        values = {key: json.dumps(value) if isinstance(value, (dict, list)) else value for key, value in query.items()}
        return quote(path, safe="/:@?&=%") + ("?" + urlencode(values) if values else "")

    def request(self, method, path, body=None, headers=None, timeout=TIMEOUT, **query):
        """`body`: bytes as they are, or a document to send as JSON. `query`: documents are sent as JSON too."""
        connection = UnixConnection(self.socket_path, timeout)
        try:
            response = self._send(connection, method, path, body, headers, query)
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def _send(self, connection, method, path, body, headers, query):
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, bytearray)) and not hasattr(body, "read"):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, self.url(path, query), body=body, headers=headers)
        return connection.getresponse()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def head(self, path, **more):
        return self.request("HEAD", path, **more)

    def post(self, path, **more):
        return self.request("POST", path, **more)

    def put(self, path, **more):
        return self.request("PUT", path, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def stream(self, path, **query):
        """A GET whose body is read as it comes: (connection, response)."""
        connection = UnixConnection(self.socket_path)
        return connection, self._send(connection, "GET", path, None, None, query)

    def raw(self, data=b""):
        """A connected socket, for requests that no library would send."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(TIMEOUT)
        sock.connect(self.socket_path)
        sock.sendall(data)
        return sock

    def hijack(self, path, upgrade=True, body=None, **query):
        """`body`: a document to send as JSON."""
        text = b"" if body is None else json.dumps(body).encode()
        upgrade_lines = "Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else ""
        sock = self.raw((f"POST {self.url(path, query)} HTTP/1.1\r\nHost: x\r\n{upgrade_lines}"
                         f"Content-Type: {'text/plain' if body is None else 'application/json'}\r\n"
                         f"Content-Length: {len(text)}\r\n\r\n").encode() + text)
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            assert more, f"no answer to the hijack: {data!r}"
            data += more
        head, rest = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        return Stream(sock, int(lines[0].split()[1]), headers, rest)

    def read_answer(self, sock):
        """The answer to a request sent by raw()."""
        response = http.client.HTTPResponse(sock)
        response.begin()
        return Reply(response.status, response.headers, response.read())
