"""Who a rule of an AuthorizationPolicy admits -> callers of a grant, or why a spec cannot say it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.seldon.objects import Object

Spec = dict[str, Any]

_AUDIENCES = "request.auth.audiences"
_CLAIM = "request.auth.claims"
_GATEWAY = ("gateway", "ingressgateway", "gateway-service-account", "ingressgateway-service-account")
_PART = "/ns/"
Claims = Mapping[str, tuple[str, ...]]
# schema/model.schema.json: mail, group, client
_FORMS = {
    "users": re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"),
    "groups": re.compile(r"[^*\s\"\\]([^*\"\\\t\r\n]*[^*\s\"\\])?"),
    "clients": re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """What is believed of tokens and neighbours: URL of an issuer -> its name and audiences, claim -> kind of caller.

    ``gateways``: principals of gateways; where none is known, an account that is called like one is taken for one.
    """

    issuers: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    default: str = ""  # name of the issuer that is believed where none is named
    claims: Mapping[str, str] = field(default_factory=lambda: {"email": "users", "groups": "groups", "azp": "clients"})
    gateways: tuple[str, ...] = ()
    scrapers: tuple[str, ...] = ()

    def api(self, issuer: str, audience: str) -> Spec:
        """Return what a spec says of a token's issuer and audience, less what holds without a word."""
        name, audiences = self.issuers.get(issuer, ("", ()))
        said: Spec = {"issuer": name} if name and name != self.default else {}
        return {**said, **({"audience": audience} if audience and audience not in audiences[:1] else {})}

    def is_gateway(self, principal: str) -> bool:
        """Say whether a principal is a gateway's."""
        if self.gateways:
            return principal in self.gateways
        return principal.rpartition("/")[2].endswith(_GATEWAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is admitted; ``is_own`` for what gen admits by itself."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    anyone: bool = False
    is_own: bool = False

    def named(self) -> dict[str, tuple[str, ...]]:
        """Return the lists under the words of a grant."""
        return {"users": self.users, "groups": self.groups, "clients": self.clients, "workloads": self.workloads}


def callers(rule: Object, believed: Believed, own: Sequence[str]) -> Iterator[tuple[int, Caller | str]]:
    """Yield for each source of a rule its index and who it admits, or a reason.

    ``own``: accounts of the model's own pods, as namespace/name.
    """
    conditions = _conditions(rule.get("when") or [], believed)
    sources = rule.get("from") or [{"source": {}}]
    for index, entry in enumerate(sources):
        if isinstance(conditions, str):
            yield index, conditions
        else:
            yield index, _source((entry or {}).get("source") or {}, conditions, believed, own)


def _conditions(when: Sequence[Object], believed: Believed) -> Claims | str:
    """Return the values by kind of caller, or why a condition cannot be said."""
    found: dict[str, tuple[str, ...]] = {}
    for one in when:
        key, values = str(one.get("key")), tuple(map(str, one.get("values") or ()))
        if one.get("notValues") or not values:
            return f"the condition on {key} excludes somebody, and a spec only grants"
        if key == _AUDIENCES:
            continue
        if any("*" in value for value in values):
            return f"the condition on {key} has a pattern, and a spec names callers in full"
        kind = believed.claims.get(_claim(key))
        if kind is None:
            return f"a spec does not grant by {key}"
        if found:
            return "two claims at once, and a spec grants by one"
        if strange := [value for value in values if not _FORMS[kind].fullmatch(value)]:
            return f"a spec cannot write {strange[0]} under {kind}"
        found[kind] = values
    return found


def _claim(key: str) -> str:
    """Return a claim as platform.yaml writes it: ``request.auth.claims[realm][roles]`` is ``realm.roles``."""
    if not key.startswith(f"{_CLAIM}["):
        return ""
    return ".".join(key.removeprefix(f"{_CLAIM}[").removesuffix("]").split("]["))


def _source(source: Object, claims: Claims, believed: Believed, own: Sequence[str]) -> Caller | str:
    if strange := sorted(set(source) - {"principals", "requestPrincipals"}):
        return f"a spec does not grant by {strange[0]}"
    principals, tokens = (tuple(source.get(key) or ()) for key in ("principals", "requestPrincipals"))
    gateway = [one for one in principals if believed.is_gateway(one)]
    if claims or tokens:
        return _token_holders(tokens, claims, only_gateway=len(gateway) == len(principals))
    if gateway or not principals:
        return "everybody, without a token: gen refuses that"
    return _workloads(principals, believed, own)


def _token_holders(tokens: Sequence[str], claims: Claims, *, only_gateway: bool) -> Caller | str:
    if any(not subject.endswith("/*") and subject != "*" for subject in tokens):
        return "a token's subject, which a spec does not name: it names e-mails, groups and clients"
    if not only_gateway:
        return "a workload and a token at once; a spec grants to either"
    if not claims:
        return Caller(anyone=True)
    return Caller(users=claims.get("users", ()), groups=claims.get("groups", ()), clients=claims.get("clients", ()))


def _workloads(principals: Sequence[str], believed: Believed, own: Sequence[str]) -> Caller | str:
    accounts = [_account(one) for one in principals]
    if not all(accounts):
        return "a pattern of principals; a spec names each workload as namespace/account"
    found = tuple(dict.fromkeys(accounts))
    if all(one in own or one in believed.scrapers for one in found):
        return Caller(is_own=True)
    return Caller(workloads=found)


def _account(principal: str) -> str:
    """Return namespace/account of ``<trust domain>/ns/<namespace>/sa/<account>``, "" for anything else."""
    _, _, rest = principal.partition(_PART)
    namespace, middle, account = rest.partition("/sa/")
    whole = namespace and middle and account and "*" not in principal and "/" not in account
    return f"{namespace}/{account}" if whole else ""
