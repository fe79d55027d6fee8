"""Put requests to a running Envoy and read its verdicts: HTTP/1.1 over plain or mutual TLS, and bytes over TCP."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.access.evaluate import CLOSED
from generator.access.harness import Envoy
from generator.access.request import Protocol, Request, Transport

GRPC_STATUS = {"0": "OK", "7": "PERMISSION_DENIED", "13": "INTERNAL", "16": "UNAUTHENTICATED", "12": "UNIMPLEMENTED"}
ANSWER_S = 20.0
PING = b"a greeting longer than a TLS record's header\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to one listener; a principal other than "" is one of the identities of `ask`."""

    listener: str
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: `code` as in `Verdict.code`, `details` Envoy's own word for it ("" when there is none)."""

    code: str
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Files of a client's certificate, and of the authority that signed the servers'."""

    certificate: Path
    key: Path


def ask(envoy: Envoy, asks: Sequence[Ask], identities: Mapping[str, Identity]) -> tuple[Answer, ...]:
    """Return the answers in the order of the requests; connections are kept and used again.

    `identities` has an entry for every principal of a client with a certificate.
    """
    return asyncio.run(_ask_all(envoy, asks, {name: _context(each) for name, each in identities.items()}))


async def _ask_all(envoy: Envoy, asks: Sequence[Ask], contexts: Mapping[str, ssl.SSLContext]) -> tuple[Answer, ...]:
    answers: dict[int, Answer] = {}
    groups: dict[tuple[str, int, str, Transport, str], list[int]] = {}
    for index, each in enumerate(asks):
        peer = each.request.peer
        key = (each.listener, each.request.port, peer.principal, peer.transport, peer.address)
        groups.setdefault(key, []).append(index)
    limit = asyncio.Semaphore(16)

    async def one_group(indices: list[int]) -> None:
        async with limit:
            first = asks[indices[0]]
            context = _client_context(first.request, contexts)
            connection = _Connection(envoy.ports[first.listener], first.request, context)
            for index in indices:
                answers[index] = await connection.ask(asks[index].request)
            connection.close()

    await asyncio.gather(*(one_group(indices) for indices in groups.values()))
    return tuple(answers[index] for index in range(len(asks)))


class _Connection:
    """A connection to one listener, opened when it is needed and again when Envoy has closed it."""

    def __init__(self, port: int, first: Request, context: ssl.SSLContext | None) -> None:
        self.port = port
        self.first = first
        self.context = context
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await self._open()
                if request.protocol == Protocol.TCP:
                    return await self._echo(reader, writer)
                writer.write(_head(request))
                return await self._read(reader, request)
        except (OSError, EOFError, ssl.SSLError):
            self.close()
            return Answer(code=CLOSED)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.reader is None or self.writer is None:
            source = self.first.peer.address or "127.0.0.1"
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
            own = writer.get_extra_info("sockname")[1]
            writer.write(f"PROXY TCP4 {source} 127.0.0.1 {own} {self.first.port}\r\n".encode())
            self.reader, self.writer = reader, writer  # so that a failed handshake closes them
            if self.context is not None:
                await writer.start_tls(self.context, server_hostname=self.first.sni or None)
        return self.reader, self.writer

    async def _read(self, reader: asyncio.StreamReader, request: Request) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if request.method != "HEAD":
            await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        status = head[0].split(" ")[1]
        code = status
        if request.protocol == Protocol.GRPC:
            passed = headers.get("x-details") == "direct_response"  # our stand-in speaks no gRPC
            code = "OK" if passed else GRPC_STATUS.get(headers.get("grpc-status", ""), "UNKNOWN")
        return Answer(code=code, details=headers.get("x-details", ""))

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
        writer.write(PING)
        await reader.readexactly(len(PING))
        return Answer(code="200")

    def close(self) -> None:
        if self.writer is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self.writer.close()
        self.reader = self.writer = None


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
    context = ssl.create_default_context()
    # The proof is about what the server asks of the client; the server is our own, on loopback.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # With TLS 1.3 a refused client certificate shows only after the handshake.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context
