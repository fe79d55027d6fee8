"""Turn AuthorizationPolicy objects into frozen dataclasses.

A rule keeps the shape that istiod gives it: per `from` entry one tuple of conditions on the caller,
per `to` entry one tuple of conditions on the request, the `when` conditions added to both sides.
Source: istio/istio 1.30.3, pilot/pkg/security/authz/model/model.go (New) and
istio/api security/v1 authorization_policy.proto.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from generator.access.reading import Reader, Ref, Unsupported, reader_of, selector_of

DRY_RUN = "istio.io/dry-run"
GO_TRUE = ("1", "t", "T", "TRUE", "true", "True")  # strconv.ParseBool
GO_FALSE = ("0", "f", "F", "FALSE", "false", "False")

# Keys of conditions; a key with a name in brackets is held as its prefix here.
PRINCIPAL = "source.principal"
REQUEST_PRINCIPAL = "request.auth.principal"
SERVICE_ACCOUNT = "source.serviceAccount"
TRUST_DOMAIN = "source.trustDomain"
NAMESPACE = "source.namespace"
REMOTE_IP = "remote.ip"
SOURCE_IP = "source.ip"
HOST = ":authority"
METHOD = ":method"
PATH = "path-matcher"
PORT = "destination.port"
DESTINATION_IP = "destination.ip"
SNI = "connection.sni"
AUDIENCES = "request.auth.audiences"
PRESENTER = "request.auth.presenter"
HEADER = "request.headers"
CLAIM = "request.auth.claims"
ENVOY_FILTER = "experimental.envoy.filters."

# istiod puts each field in front of those before it, so the filter has them in this order.
SOURCE_FIELDS = (
    ("principals", "notPrincipals", PRINCIPAL),
    ("requestPrincipals", "notRequestPrincipals", REQUEST_PRINCIPAL),
    ("serviceAccounts", "notServiceAccounts", SERVICE_ACCOUNT),
    ("trustDomains", "notTrustDomains", TRUST_DOMAIN),
    ("namespaces", "notNamespaces", NAMESPACE),
    ("remoteIpBlocks", "notRemoteIpBlocks", REMOTE_IP),
    ("ipBlocks", "notIpBlocks", SOURCE_IP),
)
OPERATION_FIELDS = (
    ("hosts", "notHosts", HOST),
    ("methods", "notMethods", METHOD),
    ("paths", "notPaths", PATH),
    ("ports", "notPorts", PORT),
)
REQUEST_SIDE = (DESTINATION_IP, PORT, SNI)  # `when` keys that istiod puts with the operation
CALLER_SIDE = (
    SOURCE_IP,
    REMOTE_IP,
    NAMESPACE,
    TRUST_DOMAIN,
    SERVICE_ACCOUNT,
    PRINCIPAL,
    REQUEST_PRINCIPAL,
    AUDIENCES,
    PRESENTER,
)


class Action(StrEnum):
    """What a matching AuthorizationPolicy does."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    AUDIT = "AUDIT"
    CUSTOM = "CUSTOM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One attribute: some of `values` must match (when there are any) and none of `not_values`."""

    key: str
    values: tuple[str, ...] = ()
    not_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Matches when all conditions of some caller and all conditions of some operation match.

    Both lists have at least one entry; an empty entry matches everything.
    """

    callers: tuple[tuple[Condition, ...], ...]
    operations: tuple[tuple[Condition, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationPolicy:
    """`selector` () selects every workload of the namespace; `rules` () matches nothing."""

    ref: Ref
    selector: tuple[tuple[str, str], ...]
    action: Action
    rules: tuple[Rule, ...]
    dry_run: bool = False
    provider: str = ""


def authorization_policy(obj: dict[str, Any], found: list[Unsupported]) -> AuthorizationPolicy:
    """Parse an AuthorizationPolicy; what it says beyond gen's coverage is appended to `found`."""
    spec = reader_of(obj, found)
    action = spec.text("action") or "ALLOW"
    if action not in Action.__members__:
        spec.report("action", "is not an action of Istio", "use one of: ALLOW, AUDIT, CUSTOM, DENY")
        action = "ALLOW"
    provider = spec.child("provider")
    policy = AuthorizationPolicy(
        ref=spec.ref,
        selector=selector_of(spec),
        action=Action(action),
        rules=tuple(_rule(rule) for rule in spec.children("rules")),
        dry_run=_dry_run(obj, spec),
        provider=provider.text("name"),
    )
    provider.close()
    spec.close()
    return policy


def _dry_run(obj: dict[str, Any], spec: Reader) -> bool:
    text = str(((obj.get("metadata") or {}).get("annotations") or {}).get(DRY_RUN, "false"))
    if text not in GO_TRUE + GO_FALSE:
        spec.found.append(
            Unsupported(spec.ref, f"metadata.annotations[{DRY_RUN}]", "is not true or false", 'write "true" or "false"')
        )
    return text in GO_TRUE


def _rule(rule: Reader) -> Rule:
    callers: list[tuple[Condition, ...]] = []
    operations: list[tuple[Condition, ...]] = []
    when_caller, when_operation = _when(rule)
    for entry in rule.children("from"):
        source = entry.child("source")
        callers.append((*_conditions(source, SOURCE_FIELDS), *when_caller))
        entry.close()
    for entry in rule.children("to"):
        operation = entry.child("operation")
        operations.append((*_conditions(operation, OPERATION_FIELDS), *when_operation))
        entry.close()
    rule.close()
    return Rule(callers=tuple(callers) or (when_caller,), operations=tuple(operations) or (when_operation,))


def _conditions(fields: Reader, table: tuple[tuple[str, str, str], ...]) -> tuple[Condition, ...]:
    read = [
        Condition(key=key, values=fields.texts(positive), not_values=fields.texts(negative))
        for positive, negative, key in table
    ]
    fields.close()
    return tuple(condition for condition in read if condition.values or condition.not_values)


def _when(rule: Reader) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    caller: list[Condition] = []
    operation: list[Condition] = []
    for entry in rule.children("when"):
        condition = Condition(key=entry.text("key"), values=entry.texts("values"), not_values=entry.texts("notValues"))
        entry.close()
        key = condition.key
        if key in REQUEST_SIDE or key.startswith(ENVOY_FILTER):
            operation.append(condition)
        elif key in CALLER_SIDE or key.startswith((HEADER, CLAIM)):
            caller.append(condition)
        else:
            entry.report("key", f'is "{key}", which Istio does not know: it drops the rule', "mend the key's spelling")
    return (
        tuple(condition for condition in caller if condition.values or condition.not_values),
        tuple(condition for condition in operation if condition.values or condition.not_values),
    )
