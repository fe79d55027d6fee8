"""Mutants: a model's policies with one thing wrong each, at the workload, at the gateway, and at both at once.

Each is a mistake that a builder, a merge or a hand may make: a check dropped, a value widened, AND for OR, a selector
that is off, a policy that is gone.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

from generator.audit.mutate_policy import policy_changes
from generator.audit.mutate_spec import Change, Spec, drop, put
from generator.audit.prove_tokens import NOBODY
from generator.tenancy import Object

GATEWAY, WORKLOAD, BOTH, AROUND = "the gateway", "the workload", "both", "the namespace"
POLICY, TOKENS, PEERS = "AuthorizationPolicy", "RequestAuthentication", "PeerAuthentication"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: `what` in words, `where` it is made, and by name the objects instead, None for one that is gone."""

    what: str
    where: str
    made: Mapping[str, Object | None]

    def __str__(self) -> str:
        return f"{self.where}: {self.what} ({', '.join(self.made)})"


def name_of(obj: Object) -> str:
    """Return an object's name with its kind and namespace."""
    metadata = obj["metadata"]
    return f"{obj['kind']} {metadata.get('namespace', '')}/{metadata['name']}"


def mutants(objects: Iterable[Object], at: Mapping[str, str], other_keys: str) -> Iterator[Mutant]:
    """Yield every mutant of the objects named in `at`, which says where each is asked.

    `other_keys` is a key set that nobody declared.
    """
    named = {name_of(obj): obj for obj in objects}
    single = [mutant for name, where in at.items() for mutant in _of(named[name], where, other_keys)]
    yield from single
    yield from _pairs(single)


def _of(obj: Object, where: str, other_keys: str) -> Iterator[Mutant]:
    name = name_of(obj)
    yield Mutant(what="it is gone", where=where, made={name: None})
    spec = obj.get("spec") or {}
    changes = {POLICY: policy_changes, TOKENS: lambda one: _tokens(one, other_keys), PEERS: _peers}
    for what, change in (*_selector(spec), *changes[obj["kind"]](spec)):
        made = deepcopy(obj)
        made.setdefault("spec", {})
        change(made["spec"])
        yield Mutant(what=what, where=where, made={name: made})
    if obj["kind"] == POLICY and spec.get("rules"):
        tried = deepcopy(obj)
        tried["metadata"].setdefault("annotations", {})["istio.io/dry-run"] = "true"
        yield Mutant(what="it is on trial only", where=where, made={name: tried})


def _pairs(single: Iterable[Mutant]) -> Iterator[Mutant]:
    """Yield what is wrong at the gateway and at the workload at once, and twice at the workload."""
    found = list(single)
    for outer in found:
        for inner in found:
            alike = _check(outer.what) == _check(inner.what) != ""
            if outer.where == GATEWAY and inner.where == WORKLOAD and alike:
                what = outer.what if outer.what == inner.what else f"{outer.what}; {inner.what}"
                yield Mutant(what=what, where=BOTH, made={**outer.made, **inner.made})
    yield from _twice([each for each in found if each.where == WORKLOAD])


def _twice(found: list[Mutant]) -> Iterator[Mutant]:
    for index, one in enumerate(found):
        for other in found[index + 1 :]:
            kinds = {name.split(" ")[0] for name in (*one.made, *other.made)}
            if len(kinds) > 1 and _check(one.what) == _check(other.what) != "":
                yield Mutant(what=f"{one.what}; {other.what}", where=WORKLOAD, made={**one.made, **other.made})


def _check(what: str) -> str:
    """Return which check a mutant weakens, "" for one that only a single object makes."""
    words = (
        "audience",
        "requestPrincipals",
        "other keys",
        "token is taken",
        "selector is gone",
        "it is gone",
        "empty rule",
    )
    return next((word for word in words if word in what), "")


def _selector(spec: Spec) -> Iterator[tuple[str, Change]]:
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    for label in labels:
        yield f"the selector's {label} is mistyped", put("selector", "matchLabels", label, value="mistyped")
        yield f"the selector lacks {label}", drop("selector", "matchLabels", label)
    if labels:
        yield "the selector is gone", drop("selector")


def _tokens(spec: Spec, other_keys: str) -> Iterator[tuple[str, Change]]:
    for at, rule in enumerate(spec.get("jwtRules") or ()):
        here, named = ("jwtRules", at), f"token rule {at}: " if len(spec["jwtRules"]) > 1 else ""
        keys = {name: value for name, value in rule.items() if name != "jwksUri"} | {"jwks": other_keys}
        yield f"{named}it is left out", drop(*here)
        yield f"{named}no audience", drop(*here, "audiences")
        yield f"{named}an audience too many", put(*here, "audiences", value=[*rule.get("audiences", ()), NOBODY])
        yield f"{named}another issuer", put(*here, "issuer", value=rule["issuer"] + "/x")
        yield f"{named}other keys", put(*here, value=keys)
        yield f"{named}the token is taken from the URL too", put(*here, "fromParams", value=["access_token"])
        yield f"{named}the token is taken from a cookie too", put(*here, "fromCookies", value=["access_token"])
        yield f"{named}the token is taken from where Istio likes", drop(*here, "fromHeaders")
        turned = not rule.get("forwardOriginalToken")
        yield f"{named}forwarding is turned round", put(*here, "forwardOriginalToken", value=turned)


def _peers(_: Spec) -> Iterator[tuple[str, Change]]:
    for mode in ("PERMISSIVE", "DISABLE"):
        yield f"mutual TLS is {mode}", put("mtls", value={"mode": mode})
