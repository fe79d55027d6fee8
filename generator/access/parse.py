"""Read the text of a JSON Web Token and check the types of its claims, as Envoy does before it verifies anything.

Source: envoyproxy/envoy source/common/jwt/jwt.cc and status.cc.
"""

import base64
import json
import re
from typing import Any

from generator.access.request import Token

OK = ""
BAD_FORMAT = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
PARTS = 3
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "HS": "oct"}
ALGORITHMS = {f"{kind}{bits}": key for kind, key in KEY_TYPES.items() for bits in (256, 384, 512)} | {"EdDSA": "OKP"}
UNSIGNED_MAX = 2**64
BASE64 = re.compile(r"[A-Za-z0-9_-]*")


def read_token(text: str) -> Token | str:
    """Return the token that a text reads as, signed by nobody, or Envoy's word for what is wrong with it."""
    parts = [part for part in text.split(".") if part]
    if len(parts) != PARTS:
        return BAD_FORMAT
    header = _read_header(parts[0])
    claims = header if isinstance(header, str) else _read(parts[1], "payload")
    if isinstance(header, str) or isinstance(claims, str):
        return str(claims)
    token = Token(claims=claims, kid=header.get("kid", ""), alg=header["alg"], text=text)
    if malformed(token) == OK and not _is_base64(parts[2]):
        return "Jwt signature is an invalid Base64url encoded"
    return token


def identity(text: str) -> tuple[str, ...] | tuple[str, str, bytes]:
    """Return what two texts of one token have in common: what is signed, and the signature's bytes."""
    parts = [part for part in text.split(".") if part]
    if len(parts) != PARTS or not _is_base64(parts[2]):
        return (text,)
    return parts[0], parts[1], _decoded(parts[2])


def malformed(token: Token) -> str:
    """Return Envoy's word for an unknown algorithm or a claim of the wrong type, or ""."""
    if token.alg not in ALGORITHMS:
        return "Jwt header [alg] is not supported"
    checks = (
        *((claim, _text) for claim in ("iss", "sub")),
        *((claim, _time) for claim in ("iat", "nbf", "exp")),
        ("jti", _text),
        ("aud", _texts),
    )
    problems = ((claim, check(token.claims[claim])) for claim, check in checks if claim in token.claims)
    return next((f"Jwt payload [{claim}] field is not {what}" for claim, what in problems if what), OK)


def _text(value: Any) -> str:
    return OK if isinstance(value, str) else "a string"


def _time(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "an integer"
    return OK if 0 <= float(value) < UNSIGNED_MAX else "a positive 64 bit integer"


def _texts(value: Any) -> str:
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return OK if is_list or isinstance(value, str) else "a string or string list"


def _read_header(part: str) -> dict[str, Any] | str:
    header = _read(part, "header")
    if isinstance(header, str):
        return header
    if not isinstance(header.get("alg"), str):
        return "Jwt header [alg] field is required and must be a string"
    if not isinstance(header.get("kid", ""), str):
        return "Jwt header [kid] field is not a string"
    return header


def _read(part: str, what: str) -> dict[str, Any] | str:
    if not _is_base64(part):
        return f"Jwt {what} is an invalid Base64url encoded"
    try:
        value = json.loads(_decoded(part), strict=False, object_pairs_hook=_without_doubles, parse_constant=_refused)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else f"Jwt {what} is an invalid JSON"


def _decoded(part: str) -> bytes:
    bare = _bare(part)
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def _refused(word: str) -> Any:
    raise ValueError(word)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _is_base64(part: str) -> bool:
    return BASE64.fullmatch(_bare(part)) is not None and len(_bare(part)) % 4 != 1


def _bare(part: str) -> str:
    """Return base64 text without what Envoy reads over: white space and padding."""
    return "".join(part.split()).rstrip("=")
