"""Normalise a request's path as Envoy does before any filter sees it.

Source: envoyproxy/envoy source/common/http/path_utility.cc and conn_manager_utility.cc (maybeNormalizePath);
Chromium url_canon_path.cc, which Envoy calls; istio/istio 1.30.3 pilot/pkg/networking/core/listener_builder.go
(which option sets what). Checked against Envoy 1.40 by the tests.
"""

import re
import string
from enum import StrEnum


class PathNormalization(StrEnum):
    """The values of meshConfig.pathNormalization.normalization; DEFAULT is BASE."""

    NONE = "NONE"
    BASE = "BASE"
    MERGE_SLASHES = "MERGE_SLASHES"
    DECODE_AND_MERGE_SLASHES = "DECODE_AND_MERGE_SLASHES"


PLAIN = frozenset(string.ascii_letters + string.digits + "-_~")  # decoded where they are escaped
KEPT = PLAIN | frozenset("!$&'()*+,:;=@/|^[]")  # written as they come
CLEAN = re.compile(f"[{re.escape(''.join(sorted(KEPT)))}.]*")
DOT = re.compile(r"\.|%2e", re.IGNORECASE)
ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")


def normalize(path: str, mode: PathNormalization) -> str | None:
    """Return the path (with its query) as the filters see it, or None when Envoy answers 400."""
    if "#" in path:
        return None
    body, mark, query = path.partition("?")
    if mode is PathNormalization.DECODE_AND_MERGE_SLASHES:
        body = re.sub(r"%2f", "/", body, flags=re.IGNORECASE)
        body = re.sub(r"%5c", r"\\", body, flags=re.IGNORECASE)
    if mode is not PathNormalization.NONE:
        canonical = _canonical(body)
        if canonical is None:
            return None
        body = canonical
    if mode in (PathNormalization.MERGE_SLASHES, PathNormalization.DECODE_AND_MERGE_SLASHES):
        # Envoy joins the segments between a first and a last slash: of slashes alone it makes two.
        body = "//" if set(body) == {"/"} and body != "/" else re.sub(r"//+", "/", body)
    return body + mark + query


def without_query(path: str) -> str:
    """Return the path up to its query: what `paths` in a rule are compared with."""
    return path.partition("?")[0]


def _canonical(path: str) -> str | None:
    if "/." not in path and CLEAN.fullmatch(path):
        return path
    made: list[str] = []
    at = 0
    while at < len(path):
        dot = DOT.match(path, at)
        if dot:
            at = _after_dot(path, dot, made)
        elif path[at] == "%":
            escape = ESCAPE.match(path, at)
            if escape and escape[1] == "00":
                return None
            made.append(_unescaped(escape) if escape else "%")
            at = escape.end() if escape else at + 1
        else:
            made.append(_written(path[at]))
            at += 1
    return "".join(made)


def _after_dot(path: str, dot: re.Match[str], made: list[str]) -> int:
    """Handle a dot that was found: `made` is shortened or lengthened, the next position returned."""
    if not made or made[-1] != "/":
        made.append(".")
        return dot.end()
    second = DOT.match(path, dot.end())
    end = second.end() if second else dot.end()
    if end < len(path) and path[end] not in "/\\":
        made.append(".")
        return dot.end()
    if second:
        made.pop()
        while made and made[-1] != "/":
            made.pop()
        if not made:
            made.append("/")
    return end + 1


def _unescaped(escape: re.Match[str]) -> str:
    char = chr(int(escape[1], 16))
    return char if char in PLAIN else escape[0]


def _written(char: str) -> str:
    if char == "\\":
        return "/"
    return char if char in KEPT else "".join(f"%{byte:02X}" for byte in char.encode())
