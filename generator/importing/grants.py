"""Istio policies of a model's pods -> its grants; nobody is admitted who was not, and what cannot be said is named.

Only rules of ALLOW policies become grants, and only where a spec can say all of their conditions. A DENY or CUSTOM
policy takes away from what others allow, which no spec says: then nothing is granted at all.

Source: Istio AuthorizationPolicy and RequestAuthentication references.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.document import Path
from generator.importing.callers import Believed, Caller, callers
from generator.importing.ledger import Change, Remainder, value_at
from generator.importing.operations import Granted, atoms, granted
from generator.importing.reading import Original
from generator.model import Operation, Protocol
from generator.seldon.objects import Object

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the policies say of a model: grants, what `api` says of tokens and routes, and what is left."""

    access: tuple[Spec, ...] = ()
    api: Spec = field(default_factory=dict)
    remainder: tuple[tuple[Original, Remainder], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The model that policies are read for: its operations as gen renders them, its pods' labels, its account."""

    protocol: Protocol
    operations: tuple[Operation, ...]
    pods: tuple[Mapping[str, str], ...]
    namespace: str
    own_accounts: tuple[str, ...]  # namespace/name of the ServiceAccounts of its own pods
    believed: Believed


def access(policies: Sequence[Original], asked: Asked) -> Access:
    """Return what the policies that select the model's pods say; those of other pods are passed over."""
    mine = [one for one in policies if _selects(one, asked)]
    left: list[tuple[Original, Remainder]] = []
    allow = []
    for one in mine:
        if one.kind == "RequestAuthentication":
            continue
        if (one.data.get("spec") or {}).get("action", "ALLOW") == "ALLOW":
            allow.append(one)
        else:
            reason = "it takes away from what others allow, which a spec cannot say; so nothing is granted here"
            left.append((one, _left(one, ("spec", "action"), reason, "write access by hand: whom, and for what")))
    rules = [(one, path, rule) for one in allow for path, rule in _rules(one)]
    api, noted = _tokens([one for one in mine if one.kind == "RequestAuthentication"], rules, asked)
    left += noted
    if len(left) > len(noted):
        return Access(api=api, remainder=tuple(left))
    routes = atoms([rule for _, _, rule in rules]) if asked.protocol is Protocol.BENTO else {}
    said: list[Spec] = []
    for one, path, rule in rules:
        found, problems = _rule(one, path, rule, asked=asked, routes=routes)
        said += found
        left += problems
    api = {**api, **({"routes": routes} if routes and routes != {"predict": ["/predict"]} else {})}
    return Access(access=tuple(_gathered(said)), api=api, remainder=tuple(left))


def _selects(policy: Original, asked: Asked) -> bool:
    if (policy.namespace or asked.namespace) != asked.namespace:
        return False
    labels = ((policy.data.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return any(all(pod.get(key) == value for key, value in labels.items()) for pod in asked.pods)


def _rules(policy: Original) -> Iterator[tuple[Path, Object]]:
    for index, rule in enumerate((policy.data.get("spec") or {}).get("rules") or ()):
        yield ("spec", "rules", index), rule or {}


def _rule(
    policy: Original, path: Path, rule: Object, *, asked: Asked, routes: Mapping[str, list[str]]
) -> tuple[list[Spec], list[tuple[Original, Remainder]]]:
    """Return the grants of one rule, and what of it is left."""
    can = granted(rule.get("to") or [], asked.operations, routes)
    said: list[Spec] = []
    left: list[tuple[Original, Remainder]] = []
    for index, who in callers(rule, asked.believed, asked.own_accounts):
        place = (*path, "from", index) if rule.get("from") else path
        if isinstance(who, str):
            left.append((policy, _left(policy, place, who, "name who may call, in the spec's access")))
        elif who.is_own:
            left.append((policy, _idle(policy, place)))
        elif not can.operations:
            left.append((policy, _left(policy, (*path, "to") if rule.get("to") else path, can.reason, can.todo)))
        else:
            said.append(_grant(who, can))
            left += [(policy, _otherwise(policy, path, text)) for text in can.notes]
    return said, left


def _grant(who: Caller, can: Granted) -> Spec:
    named = {key: list(values) for key, values in who.named().items() if values}
    anyone = {"anyAuthenticated": True} if who.anyone else {}
    operations = list(can.operations)
    return {**named, **anyone, **({} if operations == ["predict"] else {"can": operations})}


def _gathered(said: Sequence[Spec]) -> list[Spec]:
    """Return each grant once, in order."""
    return [one for index, one in enumerate(said) if one not in said[:index]]


def _tokens(
    authentications: Sequence[Original], rules: Sequence[tuple[Original, Path, Object]], asked: Asked
) -> tuple[Spec, list[tuple[Original, Remainder]]]:
    """Return what `api` says of issuer and audience, and what of the RequestAuthentications is left."""
    left: list[tuple[Original, Remainder]] = []
    found: list[tuple[str, list[str]]] = []
    for one in authentications:
        for index, jwt in enumerate((one.data.get("spec") or {}).get("jwtRules") or ()):
            found.append((str(jwt.get("issuer")), list(jwt.get("audiences") or ())))
            reason = "where keys are and which headers hold tokens is the platform's, in platform.yaml under issuers"
            todo = f"the platform declares {jwt.get('issuer')} with its audiences"
            if str(jwt.get("issuer")) not in asked.believed.issuers:
                left.append((one, _otherwise(one, ("spec", "jwtRules", index), reason, todo)))
    wanted = [value for _, _, rule in rules for value in _audiences(rule)] or [a for _, many in found for a in many]
    audiences = list(dict.fromkeys(wanted))
    issuers = list(dict.fromkeys(url for url, _ in found))
    if len(audiences) > 1 or len(issuers) > 1:
        reason = "a model believes one issuer and has one audience"
        left.append((authentications[0], _left(authentications[0], ("spec",), reason, "choose them: api")))
    return asked.believed.api(
        issuers[0] if len(issuers) == 1 else "", audiences[0] if len(audiences) == 1 else ""
    ), left


def _audiences(rule: Object) -> list[str]:
    return [
        v for one in rule.get("when") or () if one.get("key") == "request.auth.audiences" for v in one.get("values", ())
    ]


def _left(policy: Original, path: Path, reason: str, todo: str) -> Remainder:
    return Remainder(path=path, value=value_at(policy.data, path), change=Change.LEFT_OUT, reason=reason, todo=todo)


def _otherwise(policy: Original, path: Path, reason: str, todo: str = "look whether that is meant") -> Remainder:
    return Remainder(path=path, value=value_at(policy.data, path), change=Change.OTHERWISE, reason=reason, todo=todo)


def _idle(policy: Original, path: Path) -> Remainder:
    reason = "gen lets the model's own pods and the platform's Prometheus in by itself"
    return Remainder(path=path, value=value_at(policy.data, path), change=Change.IDLE, reason=reason, todo="nothing")
