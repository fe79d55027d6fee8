"""Throw-away keys in place of the real ones: the same issuers, key ids and relations, and private halves that we have.

A key that stands in several rules gets one stand-in, two keys get two: what may sign for whom stays as it is.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.access.keys import Key, keys_of
from generator.access.signing import Signer, key_set, make_signer
from generator.audit.prove_specs import Declared
from generator.tenancy import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Signers by the name of the key that each stands for; `strange` is a key that nobody trusts.

    `undeclared` are (issuer, key's name) pairs that the trees trust and platform.yaml does not.
    """

    signers: Mapping[str, Signer]
    strange: Signer
    undeclared: tuple[tuple[str, str], ...]


def keyring(objects: Iterable[Object], declared: Declared) -> Keyring:
    """Make a signer for every key that the objects or the platform name.

    Raises:
        ToolError: The extra `prove` is not installed.
    """
    trusted = tuple((str(rule.get("issuer", "")), key) for rule in _rules(objects) for key in _keys(rule))
    named = {key.name: key for _, key in trusted}
    signers = {name: make_signer(named[name].kid) for name in sorted(named)}
    undeclared = dict.fromkeys((issuer, key.name) for issuer, key in trusted if key.name not in declared.keys(issuer))
    return Keyring(signers=signers, strange=make_signer("strange"), undeclared=tuple(undeclared))


def with_signers(objects: Iterable[Object], ring: Keyring) -> tuple[Object, ...]:
    """Return the objects with the signers' public keys in every token rule."""
    return tuple(_swapped(obj, ring) if obj["kind"] == "RequestAuthentication" else obj for obj in objects)


def _swapped(obj: Object, ring: Keyring) -> Object:
    spec = obj.get("spec") or {}
    rules = []
    for rule in spec.get("jwtRules") or ():
        kept = {name: value for name, value in rule.items() if name not in ("jwks", "jwksUri")}
        rules.append(kept | {"jwks": key_set(*(ring.signers[key.name] for key in _keys(rule)))})
    return obj | {"spec": spec | ({"jwtRules": rules} if rules else {})}


def _rules(objects: Iterable[Object]) -> Iterator[dict[str, Any]]:
    for obj in objects:
        if obj["kind"] == "RequestAuthentication":
            yield from (obj.get("spec") or {}).get("jwtRules") or ()


def _keys(rule: Mapping[str, Any]) -> tuple[Key, ...]:
    text = rule.get("jwks")
    if not text:
        return (Key(name=str(rule.get("jwksUri") or f"{rule.get('issuer')}/.well-known/openid-configuration")),)
    try:
        return keys_of(text)
    except ValueError:
        return ()  # `read` says so


def public_text(signer: Signer) -> bytes:
    """Return a signer's public key as text: what a forger would use as a shared secret."""
    return json.dumps(signer.jwk, sort_keys=True).encode()
