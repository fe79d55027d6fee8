"""What the specs grant, as formulas: the same meaning as `prove_grants`, for every request instead of one."""

from collections.abc import Iterable

import z3

from generator.audit.encode import (
    HAS_TOKEN,
    IS_TCP,
    KEY,
    METHOD,
    PATH,
    PORT,
    PRINCIPAL,
    TRANSPORT,
    claim,
)
from generator.audit.encode_hops import MTLS, NEVER, audience
from generator.audit.encode_text import Formula
from generator.audit.prove_specs import Declared, key_names
from generator.build.neighbours import neighbour_operations
from generator.build.pods import metrics
from generator.build.tokens import claim_path
from generator.model import Grants, Model, Operation
from generator.tenancy import Issuer


def has_declared_token(model: Model, declared: Declared) -> Formula:
    """Return that a request has a token of some declared issuer, by a declared key, for the model's audience.

    The audience is meant as Envoy compares it at the first hop; the model's own rule is stricter.
    """
    issuers = [each for each in declared.platform.issuers if each.url == model.issuer.url]
    return z3.And(
        HAS_TOKEN, z3.Or([_is_of(each) for each in issuers] or [NEVER]), audience(claim("aud"), model.audience)
    )


def granted(model: Model) -> Formula:
    """Return everything that the specs grant at the model's pods."""
    platform = model.place.platform
    domain = platform.mesh.trust_domain
    rules = [z3.And(_is(model.place.gateway_principal), _has_token(model), _outside(model))]
    for grants in model.grants:
        operations = [each for each in model.operations if each.name in grants.operations]
        rules += [z3.And(_is(account.principal(domain)), _some(operations)) for account in grants.workloads]
    rules.append(z3.And(_is(model.account.principal(domain)), _some(neighbour_operations(model))))
    if platform.prometheus:
        rules.append(z3.And(_is(platform.prometheus.principal(domain)), _scrape(model)))
    return z3.And(TRANSPORT == MTLS, z3.Not(IS_TCP), z3.Or(rules))


def granted_detector(model: Model, port: int) -> Formula:
    """Return everything that the specs grant at a detector's pods."""
    if model.log is None:
        return NEVER
    from_sink = PRINCIPAL.holds(f"/ns/{model.log.sink.namespace}/")
    return z3.And(TRANSPORT == MTLS, from_sink, METHOD.is_("POST"), port == PORT, z3.Not(IS_TCP))


def _is(principal: str) -> Formula:
    return PRINCIPAL.is_(f"spiffe://{principal}")


def _is_of(issuer: Issuer) -> Formula:
    signed = KEY.one_of(key_names(issuer))
    return z3.And(signed, claim("iss").text(lambda given: given.is_(issuer.url)))


def _has_token(model: Model) -> Formula:
    """Return that a request has a token that the model takes: issuer, key, audience to the letter, and a subject."""
    own = claim("aud").holds(lambda given: given.is_(model.audience))
    somebody = claim("sub").text(lambda given: given.like(".+"))
    return z3.And(HAS_TOKEN, _is_of(model.issuer), own, somebody)


def _outside(model: Model) -> Formula:
    rules = []
    for grants in model.grants:
        operations = [each for each in model.operations if each.name in grants.operations]
        rules.append(z3.And(_some(operations), _is_named(model, grants)))
    return z3.Or(rules or [NEVER])


def _is_named(model: Model, grants: Grants) -> Formula:
    if grants.anyone:
        return z3.BoolVal(val=True)
    named = (
        (model.issuer.user_claim, grants.users),
        (model.issuer.groups_claim, grants.groups),
        (model.issuer.client_claim, grants.clients),
    )
    rules = [
        claim(*claim_path(path)).holds(lambda given, names=names: given.one_of(names)) for path, names in named if names
    ]
    return z3.Or(rules or [NEVER])


def _some(operations: Iterable[Operation]) -> Formula:
    rules = []
    for each in operations:
        if each.paths:
            rules.append(z3.And(METHOD.one_of(each.methods), PATH.one_of(each.paths), each.port == PORT))
        if each.grpc_paths:
            post = METHOD.is_("POST")
            rules.append(z3.And(post, PATH.one_of(each.grpc_paths), each.grpc_port == PORT))
    return z3.Or(rules or [NEVER])


def _scrape(model: Model) -> Formula:
    places = [z3.And(PATH.one_of([path]), port == PORT) for port, path in metrics(model)]
    return z3.And(METHOD.is_("GET"), z3.Or(places or [NEVER]))
