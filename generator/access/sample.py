"""Make requests that come close to what a workload's policies say, for proofs against a real proxy.

Everything is drawn from the policies' own values, near misses of them, and the known ways round a rule.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from generator.access import policy as p
from generator.access.matchers import claim_path, name_in_brackets
from generator.access.mesh import Guard
from generator.access.request import Peer, Protocol, Request, Token, Transport, with_token
from generator.access.signing import Signer

TOKENS = 12  # per workload: signing costs more than judging
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")
TWISTS = (
    "{0}",
    "{0}",
    "{0}",
    "{0}/",
    "/{0}",
    "{0}?q=1",
    "{0}?access_token=x.y.z",
    "/.{0}",
    "/x/..{0}",
    "{0};a=b",
    "{0}%2F",
)
LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """The values that requests are drawn from, by attribute."""

    paths: tuple[str, ...]
    methods: tuple[str, ...]
    hosts: tuple[str, ...]
    principals: tuple[str, ...]
    ports: tuple[int, ...]
    headers: tuple[tuple[str, str], ...]
    claims: tuple[tuple[tuple[str, ...], str], ...]
    issuers: tuple[str, ...]
    audiences: tuple[str, ...]


def pools_of(guard: Guard, *, principals: Sequence[str] = (), ports: Sequence[int] = ()) -> Pools:
    """Gather the values that a workload's policies mention, and some that they do not."""
    seen: dict[str, list[str]] = {}
    for key, value in _mentioned(guard):
        seen.setdefault(key, []).extend(_near(value))
    subjects = [value.rpartition("/") for value in seen.get(p.REQUEST_PRINCIPAL, ())]
    return Pools(
        paths=_unique("/", "/other", *(value for value in seen.get(p.PATH, ()) if value.startswith("/"))),
        methods=METHODS,
        hosts=_unique("other.example.com", *(value for value in seen.get(p.HOST, ()) if value)),
        principals=_unique(*principals),
        ports=tuple(
            dict.fromkeys([*ports, *(int(v) for v in seen.get(p.PORT, ()) if v.isdecimal() and 0 < int(v) < 65536)])
        ),
        headers=tuple(
            (name_in_brackets(key, p.HEADER), each) for key in seen if key.startswith(p.HEADER) for each in seen[key]
        ),
        claims=(
            *((claim_path(key), each) for key in seen if key.startswith(p.CLAIM) for each in seen[key]),
            *((("azp",), each) for each in seen.get(p.PRESENTER, ())),
            *((("sub",), subject) for _, _, subject in subjects),
        ),
        issuers=_unique(
            "https://nobody.example.com", *(rule.issuer for rule in guard.token_rules), *(iss for iss, _, _ in subjects)
        ),
        audiences=_unique(
            "elsewhere", *(each for rule in guard.token_rules for each in rule.audiences), *seen.get(p.AUDIENCES, ())
        ),
    )


def sample_requests(
    pools: Pools, signers: Sequence[Signer], rng: Random, *, count: int, time: int
) -> Iterator[Request]:
    """Yield requests; the same pools, signers and seed give the same requests but for the tokens' text."""
    tokens = [_token(pools, signers, rng, time) for _ in range(TOKENS)] if signers else []
    for _ in range(count):
        request = Request(
            method=rng.choice(pools.methods),
            path=_path(pools, rng),
            authority=rng.choice(pools.hosts),
            headers=_headers(pools, rng),
            peer=_peer(pools, rng),
            port=rng.choice(pools.ports or (80,)),
            protocol=Protocol.GRPC if rng.random() < 0.1 else Protocol.HTTP,
            time=time,
        )
        yield _with_tokens(request, tokens, rng)


def _mentioned(guard: Guard) -> Iterator[tuple[str, str]]:
    for policy in guard.policies:
        for rule in policy.rules:
            for conditions in (*rule.callers, *rule.operations):
                for condition in conditions:
                    for value in itertools.chain(condition.values, condition.not_values):
                        yield condition.key, value


def _near(value: str) -> tuple[str, ...]:
    """Return texts that a pattern matches, and texts that it barely does not."""
    plain = value.replace("{**}", "a/b").replace("{*}", "a")
    bare = plain.strip("*")
    return tuple(
        text for text in (plain.replace("*", "w"), bare, bare + "w", "w" + bare, bare[:-1], bare.swapcase()) if text
    )


def _unique(*values: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _path(pools: Pools, rng: Random) -> str:
    path = rng.choice(TWISTS).format(rng.choice(pools.paths))
    return path.replace("/", "//", 1) if rng.random() < 0.05 else path


def _headers(pools: Pools, rng: Random) -> tuple[tuple[str, str], ...]:
    headers = [rng.choice(pools.headers) for _ in range(rng.randrange(3))] if pools.headers else []
    if rng.random() < 0.1:
        headers += [("origin", "https://web.example.com"), ("access-control-request-method", "POST")]
    return tuple(headers)


def _peer(pools: Pools, rng: Random) -> Peer:
    if not pools.principals:
        return Peer(address=LOCAL)
    draw = rng.random()
    if draw < 0.1:
        return Peer(address=LOCAL)
    if draw < 0.15:
        return Peer(transport=Transport.TLS, address=LOCAL)
    transport = Transport.FOREIGN if draw < 0.2 else Transport.MTLS
    return Peer(transport=transport, principal=rng.choice(pools.principals), address=LOCAL)


def _token(pools: Pools, signers: Sequence[Signer], rng: Random, time: int) -> Token:
    claims: dict[str, Any] = {"sub": "someone", "iss": rng.choice(pools.issuers), "aud": rng.choice(pools.audiences)}
    claims |= {"exp": time + rng.choice((3600, 3600, 3600, -30, -90)), "iat": time - 100}
    for path, value in rng.sample(pools.claims, min(len(pools.claims), rng.randrange(4))):
        _put(
            claims, path, rng.choice((value, value, [value], [value, "else"], f"{value} else", [], True, {"x": value}))
        )
    for name in ("sub", "aud", "exp", "iss"):
        if rng.random() < 0.06:
            del claims[name]
    if rng.random() < 0.1:
        claims["aud"] = [claims.get("aud", "x"), "elsewhere"]
    if rng.random() < 0.05:
        claims["nbf"] = time + rng.choice((30, 90))
    signer = rng.choice(signers)
    return signer.sign(claims, kid=rng.choice((None, None, None, "", "unknown")))


def _put(claims: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        inner = claims.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        claims = inner
    claims[path[-1]] = value


def _with_tokens(request: Request, tokens: Sequence[Token], rng: Random) -> Request:
    draw = rng.random()
    if not tokens or draw < 0.15:
        return request
    token = rng.choice(tokens)
    if draw < 0.75:
        return with_token(request, token)
    if draw < 0.80:
        mark = "&" if "?" in request.path else "?"
        return replace(request, path=f"{request.path}{mark}access_token={token.text}", tokens=(token,))
    if draw < 0.85:
        return with_token(request, token, header="x-token", prefix="")
    if draw < 0.90:
        return with_token(with_token(request, token), rng.choice(tokens))
    text = rng.choice(
        ("Bearer garbage", "Basic dTpw", f"bearer {token.text}", f"Bearer {token.text[:-3]}", "Bearer a.b.c")
    )
    return replace(request, headers=(*request.headers, ("authorization", text)), tokens=(token,))


def principals_of(requests: Iterable[Request]) -> tuple[str, ...]:
    """Return the principals of all clients with a certificate, sorted."""
    return tuple(sorted({request.peer.principal for request in requests if request.peer.principal}))
