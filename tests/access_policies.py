"""Make random but repeatable policies of every kind, for comparing the evaluator with Envoy."""

from random import Random
from typing import Any

Json = dict[str, Any]
ISSUERS = ("https://idp.example.com/realms/ml", "https://other.example.com/")
PRINCIPALS = (
    "cluster.local/ns/api/sa/gateway",
    "cluster.local/ns/team-b/sa/web",
    "cluster.local/ns/team-a/sa/model",
    "cluster.local/ns/team-a.x/sa/model",
    "old.domain/ns/api/sa/gateway",
    "strange.domain/ns/api/sa/gateway",
)
VALUES: dict[str, tuple[str, ...]] = {
    "principals": (
        *PRINCIPALS,
        "*",
        "cluster.local/ns/team-b/*",
        "*/sa/web",
        "*/ns/api/sa/gateway",
        "spiffe://a/ns/b/sa/c",
    ),
    "requestPrincipals": (
        "*",
        "*/*",
        *(f"{issuer}/*" for issuer in ISSUERS),
        f"{ISSUERS[0]}/someone",
        "*/someone",
        "https://idp*",
        "*one",
        f"{ISSUERS[0]}/some*",
        "nobody",
    ),
    "serviceAccounts": ("gateway", "api/gateway", "team-b/web", "team-a.x/model"),
    "namespaces": ("api", "team-*", "*", "*-b", "team-a.x", "t*m-b"),
    "ipBlocks": ("127.0.0.1", "127.0.0.0/8", "10.0.0.0/8"),
    "remoteIpBlocks": ("127.0.0.1", "10.0.0.0/8"),
    "hosts": ("fraud.example.com", "fraud.example.com:443", "*.example.com", "fraud.*", "*", "FRAUD.example.com"),
    "methods": ("GET", "POST", "OPTIONS", "P*", "*T", "*", "get"),
    "paths": (
        "/",
        "/p",
        "/api/v1.0/predictions",
        "/api/*",
        "*/predictions",
        "*",
        "/a/{*}/c",
        "/a/{**}",
        "/{*}",
        "/{**}/c",
    ),
    "ports": ("8000", "9000"),
}
SOURCE = ("principals", "requestPrincipals", "namespaces", "ipBlocks", "remoteIpBlocks")
OPERATION = ("hosts", "methods", "paths", "ports")
CLAIM_VALUES = ("alice@corp.example", "*@corp.example", "alice*", "*", "ml-users", "true")
WHEN: dict[str, tuple[str, ...]] = {
    "request.auth.claims[email]": CLAIM_VALUES,
    "request.auth.claims[groups]": CLAIM_VALUES,
    "request.auth.claims[realm_access][roles]": CLAIM_VALUES,
    "request.auth.claims[https://corp.example/roles]": CLAIM_VALUES,
    "request.auth.claims[scope]": ("read", "read write", "re*"),
    "request.auth.claims[custom]": ("read", "re*"),
    "request.auth.audiences": ("fraud", "ml", "*"),
    "request.auth.presenter": ("batch", "b*"),
    "request.auth.principal": VALUES["requestPrincipals"],
    "request.headers[x-role]": ("admin", "ad*", "*", "*in"),
    "request.headers[x-claim]": ("someone", "*"),
    "request.headers[authorization]": ("*",),
    "source.namespace": VALUES["namespaces"],
    "source.principal": VALUES["principals"],
    "source.serviceAccount": VALUES["serviceAccounts"],
    "source.ip": VALUES["ipBlocks"],
    "destination.port": VALUES["ports"],
}


def policies(rng: Random, jwks: tuple[str, str]) -> list[Json]:
    """Return the security objects of one workload in the namespace team-a with the label app=fraud.

    `jwks` are the key sets of the two issuers.
    """
    objects = [_authorization(rng, index) for index in range(rng.choice((0, 1, 1, 2, 2, 3, 4)))]
    objects += [_authentication(rng, index, jwks) for index in range(rng.choice((0, 1, 1, 1, 2)))]
    mode = rng.choice((None, "STRICT", "PERMISSIVE", "DISABLE", "UNSET"))
    if mode:
        objects.append(_object(rng, "PeerAuthentication", "default", {"mtls": {"mode": mode}}))
    return objects


def _object(rng: Random, kind: str, name: str, spec: Json) -> Json:
    if kind != "PeerAuthentication" and rng.random() < 0.8:
        spec["selector"] = {"matchLabels": {"app": rng.choice(("fraud", "fraud", "fraud", "fraud", "churn"))}}
    space = rng.choice(("team-a", "team-a", "team-a", "istio-system"))
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": space},
        "spec": spec,
    }


def _authorization(rng: Random, index: int) -> Json:
    spec: Json = {"action": rng.choice(("ALLOW", "ALLOW", "ALLOW", "DENY", "AUDIT"))}
    if rng.random() < 0.95:
        spec["rules"] = [_rule(rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    made = _object(rng, "AuthorizationPolicy", f"p{index}", spec)
    if spec["action"] != "AUDIT" and rng.random() < 0.1:
        made["metadata"]["annotations"] = {"istio.io/dry-run": rng.choice(("true", "false"))}
    return made


def _rule(rng: Random) -> Json:
    rule: Json = {}
    if rng.random() < 0.6:
        rule["from"] = [{"source": _fields(rng, _sources(rng))} for _ in range(rng.choice((1, 1, 2)))]
    if rng.random() < 0.6:
        rule["to"] = [{"operation": _fields(rng, OPERATION)} for _ in range(rng.choice((1, 1, 2)))]
    if rng.random() < 0.5:
        keys = rng.sample(sorted(WHEN), rng.choice((1, 1, 2)))
        rule["when"] = [{"key": key} | _values(rng, "values", "notValues", WHEN[key]) for key in keys]
    return rule


def _sources(rng: Random) -> tuple[str, ...]:
    # A service account may not stand beside a principal or a namespace.
    return ("serviceAccounts", "requestPrincipals", "ipBlocks") if rng.random() < 0.2 else SOURCE


def _fields(rng: Random, names: tuple[str, ...]) -> Json:
    made: Json = {}
    for name in rng.sample(names, rng.choice((1, 1, 1, 2))):
        made |= _values(rng, name, "not" + name[0].upper() + name[1:], VALUES[name])
    return made


def _values(rng: Random, positive: str, negative: str, pool: tuple[str, ...]) -> Json:
    names = rng.choice(((positive,), (positive,), (positive,), (negative,), (positive, negative)))
    return {name: rng.sample(pool, min(len(pool), rng.choice((1, 1, 2, 3)))) for name in names}


def _authentication(rng: Random, index: int, jwks: tuple[str, str]) -> Json:
    rules = [_jwt_rule(rng, jwks) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
    return _object(rng, "RequestAuthentication", f"r{index}", {"jwtRules": rules})


def _jwt_rule(rng: Random, jwks: tuple[str, str]) -> Json:
    which = rng.randrange(2)
    rule: Json = {"issuer": ISSUERS[which], "jwks": jwks[rng.choice((which, which, which, 1 - which))]}
    if rng.random() < 0.5:
        rule["audiences"] = rng.sample(("fraud", "ml", "https://fraud/"), rng.choice((1, 2)))
    places: Json = {
        "fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}, {"name": "X-Token"}][: rng.choice((1, 2))],
        "fromParams": ["access_token"],
        "fromCookies": ["session"],
    }
    for name in rng.sample(sorted(places), rng.choice((0, 0, 1, 1, 2))):
        rule[name] = places[name]
    if rng.random() < 0.4:
        rule["forwardOriginalToken"] = True
    if rng.random() < 0.2:
        rule["outputClaimToHeaders"] = [{"header": "x-claim", "claim": rng.choice(("sub", "email", "custom"))}]
    if rng.random() < 0.1:
        rule["outputPayloadToHeader"] = "x-role"
    if rng.random() < 0.2:
        rule["spaceDelimitedClaims"] = ["custom"]
    return rule
