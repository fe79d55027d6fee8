"""One HTTP/2 request, as few clients would send it: only here does a method come through in any case.

Source: RFC 9113 (frames), RFC 7541 (header compression; literals only, Huffman codes of digits for the answer).
"""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterable

from generator.access.evaluate import CLOSED
from generator.access.request import Protocol, Request

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS, ACK, PADDED, PRIORITY = 1, 4, 1, 8, 0x20
ANSWER_S = 20.0
INDEXED = {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}  # RFC 7541 appendix A
STATUS = 8  # the static table's first entry that is called :status
SHORT, LONG = 5, 6  # bits of the Huffman codes of 0-2 and of 3-9
STRING_MAX = 127


def ask(place: tuple[str, int], hello: bytes, context: ssl.SSLContext | None, request: Request) -> str:
    """Send one request on a connection of its own and return the status, or "closed".

    `hello` goes first, before TLS; a gRPC request is answered by its HTTP status too.
    """
    try:
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(socket.create_connection(place, ANSWER_S))
            sock.sendall(hello)
            if context is not None:
                sock = stack.enter_context(context.wrap_socket(sock, server_hostname=request.sni or None))
            sock.sendall(
                PREFACE + _frame(SETTINGS, 0, 0, b"") + _frame(HEADERS, END_STREAM | END_HEADERS, 1, _head(request))
            )
            return _status(sock)
    except (OSError, EOFError):
        return CLOSED


def _head(request: Request) -> bytes:
    pseudo = ((":method", request.method), (":scheme", "https"), (":path", request.path))
    headers = [(name.lower(), value) for name, value in request.headers]
    if request.protocol == Protocol.GRPC:
        headers += [("content-type", "application/grpc"), ("te", "trailers")]
    return b"".join(_literals((*pseudo, (":authority", request.authority), *headers)))


def _literals(headers: Iterable[tuple[str, str]]) -> Iterable[bytes]:
    for name, value in headers:
        yield b"\x00" + _string(name) + _string(value)


def _string(text: str) -> bytes:
    data = text.encode("latin-1")
    if len(data) < STRING_MAX:
        return bytes([len(data)]) + data
    length, rest = bytes([STRING_MAX]), len(data) - STRING_MAX
    while rest >= 0x80:  # noqa: PLR2004  seven bits at a time
        length += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    return length + bytes([rest]) + data


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _status(sock: socket.socket) -> str:
    while True:
        head = _exactly(sock, 9)
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        payload = _exactly(sock, length)
        if kind == HEADERS:
            skipped = (1 if flags & PADDED else 0) + (5 if flags & PRIORITY else 0)
            return _decoded(payload[skipped:])
        if kind == SETTINGS and not flags & ACK:
            sock.sendall(_frame(SETTINGS, ACK, 0, b""))
        if kind in (RST, GOAWAY):
            return CLOSED


def _decoded(block: bytes) -> str:
    at = 0
    while block[at] & 0xE0 == 0x20:  # noqa: PLR2004  a change of the table's size
        at += 1 if block[at] & 0x1F < 0x1F else 1 + _continued(block[at + 1 :])  # noqa: PLR2004  five bits
    first = block[at]
    if first & 0x80:
        return INDEXED.get(first & 0x7F, "")
    length, data = block[at + 1], block[at + 2 :]
    return _digits(data[: length & 0x7F]) if length & 0x80 else data[: length & 0x7F].decode("ascii", "replace")


def _continued(rest: bytes) -> int:
    return next(index + 1 for index, byte in enumerate(rest) if not byte & 0x80)


def _digits(data: bytes) -> str:
    """Return three digits that are written in Huffman's codes: 0-2 have five bits, 3-9 six."""
    bits = "".join(f"{byte:08b}" for byte in data)
    text = ""
    while len(text) < len("200"):
        short, long = int(bits[:SHORT], 2), int(bits[:LONG], 2)
        if short <= 2:  # noqa: PLR2004  the codes of 0, 1 and 2 are these numbers
            text, bits = text + str(short), bits[SHORT:]
        else:
            text, bits = text + str(long - 0b011001 + 3), bits[LONG:]
    return text


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
