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
KEPT = PLAIN | frozenset("!$&'()*+,:;=@/[]")  # written as they come
CLEAN = re.compile(f"[{re.escape(''.join(sorted(KEPT)))}.]*")
DOT = re.compile(r"\.|%2e", re.IGNORECASE)
# A dot segment with a parameter: taken for a dot segment since Envoy 1.36.10, 1.37.6, 1.38.4, 1.39.1, which are
# in Istio since 1.29.7 and 1.30.4; before, it was left as it is.
PARAMETER = re.compile(r"(?<=/)(\.\.?);[^/]*")
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
    path = PARAMETER.sub(r"\1", path)
    made: list[str] = []
    at, loose = 0, -3  # where the last "%" stands in `made` that begins no escape
    while at < len(path):
        dot = DOT.match(path, at)
        if dot:
            at = _after_dot(path, dot, made)
        elif path[at] == "%":
            escape = ESCAPE.match(path, at)
            if escape and escape[1] == "00":
                return None
            at = escape.end() if escape else at + 1
            loose = _after_percent(escape, path[at : at + 1], loose, made)
        else:
            made.extend(_written(path[at]))
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


def _after_percent(escape: re.Match[str] | None, following: str, loose: int, made: list[str]) -> int:
    """Write an escape, or a "%" that begins none, and return where the last of those stands.

    Where a decoded character would make an escape of a loose "%", that becomes "%25".
    """
    if escape is None:
        made.append("%")
        return len(made) - 1
    char = chr(int(escape[1], 16))
    if char not in PLAIN:
        made.extend(escape[0])
        return loose
    made.append(char)
    if len(made) - 3 <= loose < len(made) and ESCAPE.match("".join((*made[loose:], following))):
        made[loose + 1 : loose + 1] = "25"
    return loose


def _written(char: str) -> str:
    if char == "\\":
        return "/"
    return char if char in KEPT else "".join(f"%{byte:02X}" for byte in char.encode())
