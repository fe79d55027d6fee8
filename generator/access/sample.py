"""Make requests that come close to what a workload's policies say, for proofs against a real proxy.

Most requests aim at one rule and hit all that it asks for but a little; the rest is drawn from the values
of all rules, near misses of them, and the known ways round a rule.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from generator.access import policy as p
from generator.access.authentication import JwtRule
from generator.access.matchers import PORT_MAX, claim_path, name_in_brackets
from generator.access.mesh import Guard
from generator.access.request import Peer, Protocol, Request, Token, Transport, with_token
from generator.access.signing import Signer

Values = Mapping[str, tuple[str, ...]]
TOKENS = 16  # for one workload: signing costs more than judging
LOCAL = "127.0.0.1"
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")
# Ways to write a path, the plain one weighing most.
PATHS = (
    *("{0}",) * 12,
    *("{0}/", "/{0}", "{0}?q=1", "{0}?access_token=x.y.z", "/.{0}", "/x/..{0}", "/x/%2e%2E{0}", "{0};a=b", "{0}%2F"),
    *(
        "{0}/..",
        "{0}/.",
        "{0}%20x",
        "{0}|^[x]",
        '{0}<>"`',
        "{0}%zz",
        "{0}#x",
        "{0}%00",
        "/x\\..{0}",
        "{0}%c3%a9",
        "/%61{0}",
    ),
)
PREFLIGHT = (("origin", "https://web.example.com"), ("access-control-request-method", "POST"))
JUNK = (
    "Bearer garbage",
    "Basic dTpw",
    "bearer {0}",
    "Bearer {0}x",
    "Bearer",
    "Bearer a.b.c",
    "x Bearer {0}",
    "Bearer  {0}",
)
COOKIES = ("session=", "a=b; session=", "session2=")
FORMS = ("header", "none", "param", "cookie", "x-token", "twice", "junk")
FORM_WEIGHTS = (70, 10, 4, 4, 4, 4, 8)
EXPIRY_S = (3600, 3600, 3600, 3600, 3600, -10, -90)  # Envoy takes a token for 60 seconds more
TRANSPORTS = (Transport.MTLS, Transport.PLAINTEXT, Transport.TLS, Transport.FOREIGN)
TRANSPORT_WEIGHTS = {
    "STRICT": (86, 6, 4, 4),
    "PERMISSIVE": (56, 40, 2, 2),
    "DISABLE": (3, 95, 1, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """What requests to one workload are drawn from."""

    rules: tuple[Values, ...]
    near: Values
    token_rules: tuple[JwtRule, ...]
    principals: tuple[str, ...]
    ports: tuple[int, ...]
    mtls: str


def sampler(guard: Guard, *, principals: Sequence[str], ports: Sequence[int]) -> Sampler:
    """Gather what a workload's policies speak of; `principals` and `ports` are those that clients may use."""
    rules = tuple(_values(rule) for policy in guard.policies for rule in policy.rules)
    near: dict[str, tuple[str, ...]] = {}
    for values in rules:
        for key, texts in values.items():
            near[key] = (*near.get(key, ()), *(each for text in texts for each in _misses(text)))
    asked = (text for values in rules for text in values.get(p.PORT, ()))
    own = tuple(int(text) for text in asked if text.isdecimal() and 0 < int(text) <= PORT_MAX)
    return Sampler(
        rules=rules,
        near=near,
        token_rules=guard.token_rules,
        principals=tuple(principals),
        ports=(*ports, *own),
        mtls="DISABLE" if guard.is_gateway else guard.port_mtls.get(ports[0], guard.mtls).value,
    )


def sample(source: Sampler, signers: Sequence[Signer], rng: Random, *, count: int, time: int) -> Iterator[Request]:
    """Yield requests; the same source, number of signers and seed give the same but for the tokens' texts.

    `time` is the proxy's clock in seconds, which tokens expire by: put the requests within 40 seconds of it.
    """
    aims = [(rng.choice(source.rules) if source.rules else {}) for _ in range(TOKENS)]
    tokens = [(aim, _token(source, aim, signers, rng, time)) for aim in aims]
    for _ in range(count):
        aim, token = rng.choice(tokens)
        request = Request(
            method=_draw(source, aim, p.METHOD, METHODS, rng).upper(),
            path=_path(source, aim, rng),
            authority=_draw(source, aim, p.HOST, ("other.example.com",), rng),
            headers=_headers(source, aim, rng),
            peer=_peer(source, rng),
            port=rng.choice(source.ports),
            protocol=rng.choices((Protocol.HTTP, Protocol.GRPC), (9, 1))[0],
            time=time,
        )
        request = replace(request, method=request.method if request.method in METHODS else rng.choice(METHODS))
        yield _with_token(request, token, rng.choice(tokens)[1], rng)


def principals_of(requests: Iterable[Request]) -> tuple[str, ...]:
    """Return the principals of all clients with a certificate, sorted."""
    return tuple(sorted({request.peer.principal for request in requests if request.peer.principal}))


def _values(rule: p.Rule) -> dict[str, tuple[str, ...]]:
    """Return texts that a rule's conditions match, by key."""
    values: dict[str, tuple[str, ...]] = {}
    for conditions in (*rule.callers, *rule.operations):
        for condition in conditions:
            hits = tuple(_hit(value) for value in (*condition.values, *condition.not_values))
            values[condition.key] = (*values.get(condition.key, ()), *hits)
    return values


def _hit(value: str) -> str:
    return value.replace("{**}", "a/b").replace("{*}", "a").replace("*", "w")


def _misses(text: str) -> tuple[str, ...]:
    return tuple(each for each in (text, text + "w", "w" + text, text[:-1], text.swapcase()) if each)


def _draw(source: Sampler, aim: Values, key: str, default: tuple[str, ...], rng: Random) -> str:
    """Draw a value for an attribute: of the rule aimed at mostly, else near any rule's, else a default."""
    near = source.near.get(key) or default
    pool = rng.choices((aim.get(key) or near, near, default), (8, 1, 1))[0]
    return rng.choice(pool)


def _path(source: Sampler, aim: Values, rng: Random) -> str:
    path = _draw(source, aim, p.PATH, ("/", "/other"), rng)
    return rng.choice(PATHS).format(path if path.startswith("/") else "/" + path)


def _headers(source: Sampler, aim: Values, rng: Random) -> tuple[tuple[str, str], ...]:
    keys = sorted({key for key in (*aim, *source.near) if key.startswith(p.HEADER)})
    headers = [
        (name_in_brackets(key, p.HEADER), _draw(source, aim, key, ("x",), rng))
        for key in rng.sample(keys, min(len(keys), rng.randrange(3)))
    ]
    extra = rng.choices(((), PREFLIGHT, (("x-forwarded-for", "10.1.1.1, 10.2.2.2"),)), (8, 1, 1))[0]
    return (*headers, *extra)


def _peer(source: Sampler, rng: Random) -> Peer:
    transport = rng.choices(TRANSPORTS, TRANSPORT_WEIGHTS[source.mtls])[0]
    if transport in (Transport.PLAINTEXT, Transport.TLS) or not source.principals:
        return Peer(transport=Transport.PLAINTEXT if not source.principals else transport, address=LOCAL)
    return Peer(transport=transport, principal=rng.choice(source.principals), address=LOCAL)


def _token(source: Sampler, aim: Values, signers: Sequence[Signer], rng: Random, time: int) -> Token:
    rule = rng.choice(source.token_rules) if source.token_rules else JwtRule(issuer="https://nobody.example.com")
    issuer, _, subject = _draw(source, aim, p.REQUEST_PRINCIPAL, (f"{rule.issuer}/someone",), rng).rpartition("/")
    audiences = (*rule.audiences, *aim.get(p.AUDIENCES, ())) or ("anything",)
    claims: dict[str, Any] = {"exp": time + rng.choice(EXPIRY_S), "iat": time - 100, "sub": subject}
    claims["iss"] = rng.choices((rule.issuer, issuer or rule.issuer), (3, 1))[0]
    claims["aud"] = rng.choices((rng.choice(audiences), list(audiences), "elsewhere"), (5, 3, 1))[0]
    claims["azp"] = _draw(source, aim, p.PRESENTER, ("web",), rng)
    for key in sorted({key for key in (*aim, *source.near) if key.startswith(p.CLAIM)}):
        if rng.random() < (0.9 if key in aim else 0.1):
            _put(claims, claim_path(key), _shaped(_draw(source, aim, key, ("x",), rng), rng))
    for name in rng.choices(((), ("sub",), ("aud",), ("exp",), ("iss",), ("azp",)), (20, 1, 1, 1, 1, 1))[0]:
        del claims[name]
    claims |= rng.choices(({}, {"nbf": time + 50}, {"nbf": time + 3600}, {"exp": -1}, {"sub": 7}), (30, 1, 1, 1, 1))[0]
    return _signer(rule, signers, rng).sign(claims, kid=rng.choices((None, "", "unknown"), (8, 2, 1))[0])


def _signer(rule: JwtRule, signers: Sequence[Signer], rng: Random) -> Signer:
    names = [key.name for key in rule.keys]
    fitting = [signer for signer in signers if signer.name in names] or signers
    return rng.choice(rng.choices((fitting, signers), (8, 1))[0])


def _shaped(value: str, rng: Random) -> Any:
    shapes: tuple[Any, ...] = (
        value,
        [value],
        [value, "else"],
        f"{value} else",
        ["else"],
        [],
        True,
        {"x": value},
        7,
        "",
        None,
    )
    return rng.choices(shapes, (10, 4, 4, 2, *(1,) * 7))[0]


def _put(claims: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        inner = claims.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        claims = inner
    claims[path[-1]] = value


def _with_token(request: Request, token: Token, other: Token, rng: Random) -> Request:
    match rng.choices(FORMS, FORM_WEIGHTS)[0]:
        case "header":
            made = with_token(request, token)
        case "x-token":
            made = with_token(request, token, header="x-token", prefix="")
        case "twice":
            made = with_token(with_token(request, token), other, header=rng.choice(("authorization", "x-token")))
        case "cookie":
            made = with_token(request, token, header="cookie", prefix=rng.choice(COOKIES))
        case "junk":
            text = rng.choice(JUNK).format(token.text)
            made = replace(request, headers=(*request.headers, ("authorization", text)), tokens=(token,))
        case "param":
            mark = "&" if "?" in request.path else "?"
            made = replace(request, path=f"{request.path}{mark}access_token={token.text}", tokens=(token,))
        case _:
            made = request
    return made
