"""Who may call a model: its RequestAuthentication and its AuthorizationPolicy, whole.

Both select every pod of the model, the explainer's too; ports keep their rules apart. Every rule allows, and says
positively what it allows: a field that denies (`not…`) inside an ALLOW rule holds where the attribute is missing.
The rules come in this order: through the gateway, from inside the mesh, between the model's own pods, metrics.

Source: Istio AuthorizationPolicy reference; Istio "Security Best Practices".
"""

from collections.abc import Iterable, Sequence

from generator.build.meta import (
    AUTHORIZATION_POLICY,
    REQUEST_AUTHENTICATION,
    Wave,
    model_scope,
    obj,
    pods_of,
    pods_of_detector,
)
from generator.build.neighbours import neighbour_operations
from generator.build.pods import metrics
from generator.build.tokens import audience_condition, claim_condition, jwt_rule, request_principal
from generator.model import Grants, Model, Operation
from generator.tenancy import Object

Rule = Object


def build(model: Model) -> list[Object]:
    """Return the RequestAuthentication and the AuthorizationPolicy, then an AuthorizationPolicy per detector.

    Without a rule, the model's policy denies everybody.
    """
    scope = model_scope(model)
    selector = {"matchLabels": pods_of(model)}
    # The gateway forwards the token so that it is checked here; the model's code never sees it.
    jwt = jwt_rule(model.issuer, [model.audience], forward=False)
    rules = [*_gateway(model), *_mesh(model), *_graph(model), *_metrics(model)]
    policy = {"selector": selector, "action": "ALLOW", **({"rules": rules} if rules else {})}
    return [
        obj(
            scope, REQUEST_AUTHENTICATION, model.name, {"spec": {"selector": selector, "jwtRules": [jwt]}}, Wave.BEFORE
        ),
        obj(scope, AUTHORIZATION_POLICY, model.name, {"spec": policy}, Wave.BEFORE),
        *_detectors(model),
    ]


def _gateway(model: Model) -> list[Rule]:
    """Return a rule per kind of identity: gateway, issuer, audience, identity, method, path and port, all at once."""
    source = {
        "principals": [model.place.gateway_principal],
        "requestPrincipals": [request_principal(model.issuer)],
    }
    audience = audience_condition([model.audience])
    return [
        {"from": [{"source": source}], "to": to, "when": [audience, *identity]}
        for grants in model.grants
        if (to := _to(_granted(model, grants)))
        for identity in _identities(model, grants)
    ]


def _identities(model: Model, grants: Grants) -> list[list[Object]]:
    """Return the conditions of each kind of identity; none at all where anyone with a token may call."""
    named = (
        (model.issuer.user_claim, grants.users),
        (model.issuer.groups_claim, grants.groups),
        (model.issuer.client_claim, grants.clients),
    )
    found = [[claim_condition(claim, values)] for claim, values in named if values]
    return [*found, []] if grants.anyone else found


def _mesh(model: Model) -> list[Rule]:
    trust_domain = model.place.platform.mesh.trust_domain
    return [
        _from([account.principal(trust_domain) for account in grants.workloads], to)
        for grants in model.grants
        if grants.workloads and (to := _to(_granted(model, grants)))
    ]


def _graph(model: Model) -> list[Rule]:
    """Return the rule for the model's own pods, where its nodes are in several or an explainer asks a predictor.

    They call without the user's token, as the model's own ServiceAccount.
    """
    to = _to(neighbour_operations(model))
    return [_from([model.account.principal(model.place.platform.mesh.trust_domain)], to)] if to else []


def _metrics(model: Model) -> list[Rule]:
    account, found = model.place.platform.prometheus, metrics(model)
    if account is None or not found:
        return []
    ports_by_path: dict[str, list[int]] = {}
    for port, path in found:
        ports_by_path.setdefault(path, []).append(port)
    to = [_operation(("GET",), (path,), ports) for path, ports in sorted(ports_by_path.items())]
    return [_from([account.principal(model.place.platform.mesh.trust_domain)], to)]


def _detectors(model: Model) -> list[Object]:
    """Return a policy per detector: the log's sink may post to it, whatever account it runs as in its namespace."""
    if model.log is None or model.log.sink.kafka:
        return []  # from Kafka a detector fetches what it judges, and nobody calls it
    source = {"namespaces": [model.log.sink.namespace]}
    return [
        obj(
            model_scope(model),
            AUTHORIZATION_POLICY,
            f"detector-{model.name}-{detector.name}",
            {
                "spec": {
                    "selector": {"matchLabels": pods_of_detector(model, detector.name)},
                    "action": "ALLOW",
                    "rules": [
                        {
                            "from": [{"source": source}],
                            "to": [{"operation": {"methods": ["POST"], "ports": [str(detector.run.port)]}}],
                        }
                    ],
                }
            },
            Wave.BEFORE,
        )
        for detector in model.detectors
    ]


def _granted(model: Model, grants: Grants) -> list[Operation]:
    return [operation for operation in model.operations if operation.name in grants.operations]


def _from(principals: Sequence[str], to: list[Object]) -> Rule:
    return {"from": [{"source": {"principals": list(principals)}}], "to": to}


def _to(operations: Iterable[Operation]) -> list[Object]:
    """Return what is allowed; operations of the same methods and port are one entry, a gRPC port is its own."""
    merged: dict[tuple[tuple[str, ...], int], list[str]] = {}
    for operation in operations:
        if operation.paths:
            merged.setdefault((operation.methods, operation.port), []).extend(operation.paths)
        if operation.grpc_paths:
            merged.setdefault((("POST",), operation.grpc_port), []).extend(operation.grpc_paths)
    return [_operation(methods, paths, [port]) for (methods, port), paths in merged.items()]


def _operation(methods: Sequence[str], paths: Iterable[str], ports: Iterable[int]) -> Object:
    return {
        "operation": {
            "methods": list(methods),
            "paths": sorted(dict.fromkeys(paths)),
            "ports": [str(port) for port in ports],
        }
    }
