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
ALGORITHMS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "HS": "oct", "Ed": "OKP"}  # first letters -> type of key
UNSIGNED_MAX = 2**64
BASE64 = re.compile(r"[A-Za-z0-9_-]*")


def read_token(text: str) -> Token | str:
    """Return the token that a text reads as, signed by nobody, or Envoy's word for what is wrong with it."""
    parts = [part for part in text.split(".") if part]
    if len(parts) != PARTS:
        return BAD_FORMAT
    header = _read(parts[0], "Jwt header is an invalid Base64url encoded", "Jwt header is an invalid JSON")
    if isinstance(header, str):
        return header
    if not isinstance(header.get("alg"), str):
        return "Jwt header [alg] field is required and must be a string"
    claims = _read(parts[1], "Jwt payload is an invalid Base64", "Jwt payload is an invalid JSON")
    if isinstance(claims, str):
        return claims
    token = Token(claims=claims, kid=str(header.get("kid", "")), alg=header["alg"], text=text)
    if malformed(token) == OK and not _is_base64(parts[2]):
        return "Jwt signature is an invalid Base64url encoded"
    return token


def malformed(token: Token) -> str:
    """Return Envoy's word for an unknown algorithm or a claim of the wrong type, or ""."""
    if token.alg[:2] not in ALGORITHMS:
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
    return OK if 0 <= value < UNSIGNED_MAX else "a positive 64 bit integer"


def _texts(value: Any) -> str:
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return OK if is_list or isinstance(value, str) else "a string or string list"


def _read(part: str, bad_base64: str, bad_json: str) -> dict[str, Any] | str:
    if not _is_base64(part):
        return bad_base64
    bare = _bare(part)
    try:
        value = json.loads(base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)))
    except ValueError:
        return bad_json
    return value if isinstance(value, dict) else bad_json


def _is_base64(part: str) -> bool:
    return BASE64.fullmatch(_bare(part)) is not None and len(_bare(part)) % 4 != 1


def _bare(part: str) -> str:
    """Return base64 text without what Envoy reads over: white space and padding."""
    return "".join(part.split()).rstrip("=")
