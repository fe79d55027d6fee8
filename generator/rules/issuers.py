"""Rules about issuers and their keys: whose tokens are believed, and that nobody else can make such tokens.

Sources: RFC 7517 (JSON Web Key), RFC 7518 section 6 (RSA, EC and symmetric keys), RFC 8037 (OKP); the algorithms are
those that Envoy's jwt_authn filter verifies, less the symmetric ones.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

from generator.diag import Mark, quoted
from generator.rules.rule import Problems, Rule
from generator.rules.specs import Specs
from generator.rules.words import listed

RSA_BITS_MIN = 2048  # RFC 7518 section 3.3
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")  # members that make a key a secret
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
REQUIRED = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}

Key = dict[str, Any]


def default(specs: Specs) -> Problems:
    """Find that not exactly one issuer is the default."""
    if specs.platform is None:
        return
    chosen = [name for name, issuer in specs.platform.spec["issuers"].items() if issuer.get("default")]
    if not chosen:
        todo = "add default: true to the one whose tokens models take unless they say otherwise"
        yield specs.platform.key_mark("issuers"), "no issuer is the default", todo
    for name in chosen[1:]:
        first = specs.platform.mark("issuers", chosen[0], "default")
        what = f"{quoted(name)} is a second default issuer: first at {first}"
        yield specs.platform.mark("issuers", name, "default"), what, "keep one of them"


def twice(specs: Specs) -> Problems:
    """Find two issuers with one URL."""
    first: dict[str, str] = {}
    for name, issuer in specs.platform.spec["issuers"].items() if specs.platform else ():
        if specs.platform and (other := first.setdefault(issuer["issuer"], name)) != name:
            place = specs.platform.mark("issuers", other, "issuer")
            what = f"{quoted(name)} is the same issuer as {quoted(other)}: first at {place}"
            todo = "keep one of them, with the audiences of both"
            yield specs.platform.mark("issuers", name, "issuer"), what, todo


def unreadable(specs: Specs) -> Problems:
    """Find key files that are missing or hold no keys."""
    for mark, path, text in _files(specs):
        if text is None:
            todo = "put the issuer's public keys there; it serves them as jwks_uri of its OpenID configuration"
            yield mark, f"there is no file {path}", todo
        elif isinstance(keys := _keys(text), str):
            yield mark, f"{path} {keys}", 'write a JSON Web Key Set: {"keys": [{"kty": "RSA", …}]}'


def secret(specs: Specs) -> Problems:
    """Find keys that could make tokens, not only verify them."""
    for mark, path, key in _each_key(specs):
        if found := [name for name in PRIVATE if name in key]:
            kind = "symmetric" if key.get("kty") == "oct" else "private"
            what = f"{path} holds a {kind} key, {_called(key)}, with its {listed(found)}: it must count as stolen"
            yield mark, what, "let the issuer replace the key, and put only its public half here"
        elif key.get("kty") == "oct":
            yield mark, f"{path} holds a symmetric key, {_called(key)}", "use a key pair, and put its public half here"


def weak(specs: Specs) -> Problems:
    """Find keys that do not protect enough, or that Envoy cannot use."""
    for mark, path, key in _each_key(specs):
        if key.get("kty") == "oct":
            continue
        if key.get("kty") not in REQUIRED:
            what = f"{path} holds a key of the unknown kind {quoted(key.get('kty'))}, {_called(key)}"
            yield mark, what, f"use one of: {', '.join(REQUIRED)}"
        elif missing := [name for name in REQUIRED[key["kty"]] if not isinstance(key.get(name), str)]:
            yield mark, f"in {path} the key {_called(key)} lacks {listed(missing)}", "copy the whole key"
        elif key["kty"] == "RSA" and (bits := _bits(key["n"])) < RSA_BITS_MIN:
            what = f"in {path} the RSA key {_called(key)} has {bits} bits"
            yield mark, what, f"use one of at least {RSA_BITS_MIN} bits"
        if "alg" in key and key["alg"] not in ALGORITHMS:
            what = f"in {path} the key {_called(key)} is for {quoted(key['alg'])}"
            yield mark, what, f"use one of: {', '.join(ALGORITHMS)}"


def same_id(specs: Specs) -> Problems:
    """Find two keys with one id in a file."""
    seen: dict[tuple[str, str], int] = {}
    for mark, path, key in _each_key(specs):
        if isinstance(kid := key.get("kid"), str):
            seen[path, kid] = seen.get((path, kid), 0) + 1
            if seen[path, kid] > 1:
                yield (
                    mark,
                    f"{path} holds two keys with the id {quoted(kid)}",
                    "keep the one that the issuer signs with",
                )


def _files(specs: Specs) -> Iterator[tuple[Mark, str, str | None]]:
    for name, issuer in specs.platform.spec["issuers"].items() if specs.platform else ():
        if specs.platform and (path := issuer.get("jwksFile")):
            yield specs.platform.mark("issuers", name, "jwksFile"), path, specs.keys.get(path)


def _each_key(specs: Specs) -> Iterator[tuple[Mark, str, Key]]:
    said: set[str] = set()
    for mark, path, text in _files(specs):
        keys = _keys(text) if text is not None else ""
        if path not in said and not isinstance(keys, str):
            yield from ((mark, path, key) for key in keys)
        said.add(path)


def _keys(text: str) -> list[Key] | str:
    """Return the keys of a JSON Web Key Set, or what is wrong with the text."""
    try:
        data = json.loads(text)
    except ValueError:
        return "is not JSON"
    keys = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        return "is not a JSON Web Key Set"
    return keys or "holds no keys"


def _bits(number: str) -> int:
    try:
        return int.from_bytes(base64.urlsafe_b64decode(number + "=" * (-len(number) % 4)), "big").bit_length()
    except (binascii.Error, ValueError):
        return 0


def _called(key: Key) -> str:
    return quoted(key["kid"]) if isinstance(key.get("kid"), str) else "which has no id"


RULES = (
    Rule(
        id="default-issuer",
        title="exactly one issuer is the default",
        why="Most models name none; whose tokens they take must not depend on the order of a file.",
        todo="Say `default: true` at one issuer.",
        example="default: false",
        find=default,
    ),
    Rule(
        id="duplicate-issuer",
        title="no two issuers have one URL",
        why="Istio knows an issuer by its URL; which of two sets of keys and audiences would count is chance.",
        todo="Make one of the two.",
        example="issuer: https://idp.local/auth/realms/ML",
        find=twice,
    ),
    Rule(
        id="key-file",
        title="the file of an issuer's keys exists and is a JSON Web Key Set",
        why="Istio would refuse every token.",
        todo="Save what the issuer serves at the `jwks_uri` of its OpenID configuration.",
        example="jwksFile: keys/partner.json",
        find=unreadable,
    ),
    Rule(
        id="secret-key",
        title="a key file holds public keys only",
        why="Whoever can read the repository, or the cluster's policies, could make tokens in anybody's name. The key "
        "is in git's history from now on.",
        todo="Replace the key at the issuer; put only the public half here.",
        example='{"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}',
        find=secret,
    ),
    Rule(
        id="weak-key",
        title="keys are RSA of at least 2048 bits, EC or Ed25519, and complete",
        why="A short RSA key can be computed from its public half. A key that Envoy does not understand verifies "
        "nothing: every token is refused.",
        todo="Let the issuer sign with a stronger key.",
        example='"kty": "RSA", "kid": "short"',
        find=weak,
    ),
    Rule(
        id="duplicate-key-id",
        title="no two keys of a file have one id",
        why="A token names its key by that id; half of the tokens would be refused.",
        todo="Keep the key that the issuer signs with.",
        example='"kid": "one"',
        find=same_id,
    ),
)
