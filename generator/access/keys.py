"""Read a JSON Web Key Set and name each key by its RFC 7638 thumbprint."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

# RFC 7638 §3.2 and RFC 8037 §2: what identifies a key of each type.
MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "oct": ("k", "kty")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key that may sign tokens: `name` is its thumbprint, or the jwksUri of a key set that is fetched."""

    name: str
    kid: str = ""
    alg: str = ""
    kty: str = ""


def keys_of(jwks: str) -> tuple[Key, ...]:
    """Return the keys of a key set's text.

    Raises:
        ValueError: It is not JSON, has no list of keys, or a key lacks a member of its type.
    """
    try:
        return tuple(
            Key(name=thumbprint(key), kid=key.get("kid", ""), alg=key.get("alg", ""), kty=key["kty"])
            for key in json.loads(jwks)["keys"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no key set: {error}") from error


def thumbprint(key: dict[str, Any]) -> str:
    """Return the SHA-256 thumbprint of one key, base64url without padding (RFC 7638)."""
    members = {name: key[name] for name in MEMBERS[key["kty"]]}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
