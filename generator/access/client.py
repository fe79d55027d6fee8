"""Put requests to a running Envoy and read its verdicts: HTTP/1.1 over plain or mutual TLS, and bytes over TCP."""

import contextlib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from generator.access.evaluate import CLOSED
from generator.access.harness import Envoy
from generator.access.request import Protocol, Request, Transport

GRPC_STATUS = {
    "0": "OK",
    "7": "PERMISSION_DENIED",
    "12": "UNIMPLEMENTED",
    "13": "INTERNAL",
    "14": "UNAVAILABLE",
    "16": "UNAUTHENTICATED",
}
ANSWER_S = 20.0
LOCAL = "127.0.0.1"
PASSED = "direct_response"  # Envoy's word for an answer of the listener itself
PING = b"a greeting longer than a TLS record's header\n"
CHUNK = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to one listener; the principal of a client with a certificate names one of the identities."""

    listener: str
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: `code` as in `Verdict.code`, `details` Envoy's own word for it ("" when there is none).

    `path` is the path as it would have reached the workload, "" for what was refused.
    """

    code: str
    details: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Files of a client's certificate and its key."""

    certificate: Path
    key: Path


def ask(envoy: Envoy, asks: Sequence[Ask], identities: Mapping[str, Identity]) -> tuple[Answer, ...]:
    """Return the answers in the order of the requests; requests of one client to one port share a connection.

    `identities` has an entry for every principal of a client with a certificate.
    """
    contexts = {name: _context(each) for name, each in identities.items()}
    groups: dict[tuple[str, int, str, Transport, str, str], list[int]] = {}
    for index, each in enumerate(asks):
        peer = each.request.peer
        key = (each.listener, each.request.port, peer.principal, peer.transport, peer.address, _sni(each.request))
        groups.setdefault(key, []).append(index)
    answers: dict[int, Answer] = {}
    for indices in groups.values():
        first = asks[indices[0]]
        context = _client_context(first.request, contexts)
        connection = _Connection(port=envoy.ports[first.listener], first=first.request, context=context)
        with contextlib.closing(connection):
            for index in indices:
                answers[index] = connection.ask(asks[index].request)
    return tuple(answers[index] for index in range(len(asks)))


@dataclass(slots=True, kw_only=True)
class _Connection:
    """A connection to one listener, opened when it is needed and again when Envoy has closed it."""

    port: int
    first: Request
    context: ssl.SSLContext | None
    sock: socket.socket | None = None
    buffer: bytearray = field(default_factory=bytearray)

    def ask(self, request: Request) -> Answer:
        try:
            sock = self._open()
            if request.protocol == Protocol.TCP:
                sock.sendall(PING)
                self._take(len(PING))
                return Answer(code="200")
            sock.sendall(_head(request))
            return self._answer(request)
        except (OSError, EOFError):
            self.close()
            return Answer(code=CLOSED)

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()
        self.sock = None
        self.buffer.clear()

    def _open(self) -> socket.socket:
        if self.sock is None:
            source = self.first.peer.address or LOCAL
            sock = socket.create_connection((LOCAL, self.port), ANSWER_S, (source, 0))
            self.sock = sock
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(f"PROXY TCP4 {source} {LOCAL} {sock.getsockname()[1]} {self.first.port}\r\n".encode())
            if self.context is not None:
                self.sock = self.context.wrap_socket(sock, server_hostname=_sni(self.first) or None)
        return self.sock

    def _answer(self, request: Request) -> Answer:
        head = self._head().decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if request.method != "HEAD":
            self._take(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        code, details = head[0].split(" ")[1], headers.get("x-details", "")
        if request.protocol == Protocol.GRPC:
            # The listener's own answer is no gRPC.
            said = GRPC_STATUS.get(headers.get("grpc-status", ""), "UNKNOWN")
            code = "OK" if details == PASSED and "location" not in headers else said
        return Answer(code=code, details=details, path=headers.get("x-path", ""))

    def _head(self) -> bytes:
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._receive()
        return self._take(end + 4)[:-4]

    def _take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._receive()
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def _receive(self) -> None:
        more = self.sock.recv(CHUNK) if self.sock is not None else b""
        if not more:
            raise EOFError
        self.buffer += more


def _sni(request: Request) -> str:
    """Return the name that a client of a gateway asks for in its handshake."""
    return request.sni or (request.authority.partition(":")[0] if request.peer.transport == Transport.TLS else "")


def _head(request: Request) -> bytes:
    lines = [f"{request.method} {request.path} HTTP/1.1", f"host: {request.authority}"]
    headers = [(name, value) for name, value in request.headers if name.lower() != "content-length"]
    if request.protocol == Protocol.GRPC and all(name.lower() != "content-type" for name, _ in headers):
        headers.append(("content-type", "application/grpc"))
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join([*lines, "content-length: 0", "", ""])).encode("latin-1")


def _client_context(request: Request, contexts: Mapping[str, ssl.SSLContext]) -> ssl.SSLContext | None:
    match request.peer.transport:
        case Transport.PLAINTEXT:
            return None
        case Transport.TLS:
            return _bare_context()
        case _:
            return contexts[request.peer.principal]


def _context(identity: Identity) -> ssl.SSLContext:
    context = _bare_context()
    context.load_cert_chain(identity.certificate, identity.key)
    return context


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The proof is about what the server asks of the client; the server is our own, on loopback.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
