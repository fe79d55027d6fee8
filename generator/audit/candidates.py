"""Whom to ask about at each door: those whom specs name, those whom the policies speak of, and those nobody means.

Whoever is not among them differs from a stranger, or from any workload, in nothing that a policy at the door looks at,
and gets the same answer.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from generator.access import policy as p
from generator.access.matchers import claim_path as claim_in
from generator.access.matchers import name_in_brackets
from generator.access.mesh import Guard, guard
from generator.access.trustdomain import ALIAS
from generator.audit.doors import Frontage
from generator.audit.identities import STANDARD, TOKENED, Identity, Kind, Variant, algorithm, workload
from generator.build.tokens import claim_path
from generator.tenancy import Issuer

ANOTHER = "another-audience"  # stands for every audience where a workload looks at none


def candidates(frontage: Frontage, issuer: Issuer | None, named: Iterable[Identity] = ()) -> tuple[Identity, ...]:
    """Return whom to ask about at a model's doors, each once, sorted.

    Args:
        frontage: The model's doors.
        issuer: Whose claims tell users, groups and clients apart; without it every claim stands for itself.
        named: Those whom the specs name.
    """
    gateway, *own = (
        workload(f"{each.namespace}/{each.service_account}") for each in (frontage.cluster.gateway, *frontage.pods)
    )
    found = dict.fromkeys((*STANDARD, *named, gateway, *own))
    for pod in frontage.pods:
        found |= dict.fromkeys(_spoken_of(guard(frontage.cluster.mesh, pod), issuer, gateway))
    return tuple(sorted(found))


def variants(frontage: Frontage, issuer: Issuer | None, audience: str, keys: Iterable[str]) -> tuple[Variant, ...]:
    """Return the tokens that a model's pods take beside the usual ones: of other issuers, audiences or keys.

    ``keys`` are the names of the issuer's own keys.
    """
    usual = tuple(keys)
    found: dict[Variant, None] = {}
    for pod in frontage.pods:
        for rule in guard(frontage.cluster.mesh, pod).token_rules:
            url = "" if issuer and rule.issuer in ("", issuer.url) else rule.issuer
            for named in rule.audiences or (audience, ANOTHER):
                for key in rule.keys:
                    odd = Variant(issuer=url, audience="" if named == audience else named)
                    if url or key.name not in usual:
                        odd = replace(odd, key=key.name, kid=key.kid, alg=algorithm(key))
                    found[odd] = None
    return tuple(odd for odd in found if odd != Variant())


def varied(identities: Iterable[Identity], odd: Iterable[Variant]) -> Iterator[Identity]:
    """Yield every identity with a token once more for each odd kind of token."""
    given = tuple(identities)
    for variant in odd:
        for one in given:
            if one.kind in TOKENED and not one.variant:
                yield Identity(kind=one.kind, name=one.name, variant=variant, also=one.also)


@dataclass(frozen=True, slots=True)
class _Policy:
    """What the values of a policy's conditions are relative to; ``gateway`` is the gateway's identity."""

    namespace: str
    trust_domains: tuple[str, ...]
    issuer: Issuer | None
    gateway: Identity


def _spoken_of(guard_: Guard, issuer: Issuer | None, gateway: Identity) -> Iterator[Identity]:
    for policy in guard_.policies:
        where = _Policy(policy.ref.namespace, guard_.settings.trust_domains, issuer, gateway)
        for rule in policy.rules:
            for conditions in rule.callers:
                yield from _callers(conditions, where)


def _callers(conditions: tuple[p.Condition, ...], policy: _Policy) -> Iterator[Identity]:
    """Yield everybody whom one list of conditions speaks of, and whoever meets several of them at once."""
    telling = []
    for condition in conditions:
        values = (*condition.values, *condition.not_values)
        made = [identity for value in values for identity in _identity(condition.key, value, policy)]
        yield from made
        # Whoever comes through the gateway comes as the gateway: that is no identity of the caller's own.
        if condition.values and (others := [one for one in made if one != policy.gateway]):
            telling.append(others)
    if len(telling) > 1:
        for first in telling[0]:
            yield Identity(kind=first.kind, name=first.name, also=tuple(made[0] for made in telling[1:]))


def _identity(key: str, value: str, policy: _Policy) -> Iterator[Identity]:
    if key in KINDS:
        kind, named = KINDS[key]
        yield Identity(kind=kind, name=named(value, policy))
    elif key == p.REQUEST_PRINCIPAL and not value.endswith("*"):
        yield Identity(kind=Kind.CLAIM, name=f"sub={value.rpartition('/')[2]}")
    elif key.startswith(p.HEADER):
        yield Identity(kind=Kind.HEADER, name=f"{name_in_brackets(key, p.HEADER)}: {value}")
    elif key.startswith(p.CLAIM):
        yield _claim(tuple(claim_in(key)), value, policy.issuer)


def _claim(path: tuple[str, ...], value: str, issuer: Issuer | None) -> Identity:
    kinds: dict[tuple[str, ...], Kind] = {}
    if issuer:
        kinds[claim_path(issuer.client_claim)] = Kind.CLIENT
        kinds[claim_path(issuer.groups_claim)] = Kind.GROUP
        kinds[claim_path(issuer.user_claim)] = Kind.USER
    if path in kinds:
        return Identity(kind=kinds[path], name=value)
    return Identity(kind=Kind.CLAIM, name=f"{'.'.join(path)}={value}")


def _principal(principal: str, policy: _Policy) -> str:
    """Return a principal of the mesh as ``namespace/name``; one of another domain, or a pattern, as it stands."""
    match principal.split("/"):
        case [domain, "ns", namespace, "sa", account] if domain in ("*", ALIAS, *policy.trust_domains):
            return f"{namespace}/{account}"
        case _:
            return principal


def _account(value: str, policy: _Policy) -> str:
    return value if "/" in value else f"{policy.namespace}/{value}"


KINDS: dict[str, tuple[Kind, Callable[[str, _Policy], str]]] = {
    p.PRINCIPAL: (Kind.WORKLOAD, _principal),
    p.NAMESPACE: (Kind.WORKLOAD, lambda value, _: f"{value}/*"),
    p.SERVICE_ACCOUNT: (Kind.WORKLOAD, _account),
    p.TRUST_DOMAIN: (Kind.WORKLOAD, lambda value, _: f"{value}/ns/*/sa/*"),
    p.PRESENTER: (Kind.CLIENT, lambda value, _: value),
    p.SOURCE_IP: (Kind.ADDRESS, lambda value, _: value),
    p.REMOTE_IP: (Kind.ADDRESS, lambda value, _: value),
}
