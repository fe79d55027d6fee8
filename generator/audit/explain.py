"""Why a request is let through or refused, proxy by proxy, and what every rule would have wanted instead."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from generator.access import policy as p
from generator.access.decide import Hop, Trail
from generator.access.evaluate import Reason, judge
from generator.access.mesh import Guard, guard
from generator.audit.asking import Asked
from generator.audit.identities import Kind

NEAREST = 3  # rules that are told where none matches
WORDS = {
    p.PRINCIPAL: "the caller's ServiceAccount",
    p.NAMESPACE: "the caller's namespace",
    p.REQUEST_PRINCIPAL: "the token's issuer",
    p.AUDIENCES: "the token's audience",
    p.HOST: "the host",
    p.METHOD: "the method",
    p.PATH: "the path",
    p.PORT: "the port",
}


ADVICE = {
    Reason.TOKEN_REFUSED: "no spec does: send a token of an issuer, and for an audience, that the model takes",
    Reason.NEEDS_MTLS: "no spec does: ask through the gateway, or from a pod of the mesh",
    Reason.NOT_MESH_TLS: "no spec does: ask through the gateway, or from a pod of the mesh",
    Reason.FOREIGN_DOMAIN: "no spec does: ask through the gateway, or from a pod of the mesh",
    Reason.NO_ROUTE: "no model answers there: mend the host or the path",
    Reason.NO_SERVER: "no model answers there: mend the host or the path",
    Reason.NO_RULE: "no grant covers it: name the path in api.routes, or ask for an operation that the model has",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one rule asks for and the request does not have, in words."""

    rule: str
    unmet: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One proxy: where, what came of it and why; the nearest rules where none let it through."""

    where: str
    allowed: bool
    code: str
    why: str
    wishes: tuple[Wish, ...] = ()


def steps(asked: Asked, trail: Trail) -> tuple[Step, ...]:
    """Return the proxies of one way that the request may take."""
    return tuple(_step(asked, hop) for hop in trail.hops)


def _step(asked: Asked, hop: Hop) -> Step:
    verdict = hop.verdict
    why = str(verdict.rule) if verdict.rule and verdict.reason is Reason.ALLOW_RULE else verdict.reason.value
    if verdict.reason is Reason.DENY_RULE and verdict.rule:
        why = f"{verdict.reason.value}: {verdict.rule}"
    if verdict.detail:
        why = f"{why}: {verdict.detail}"
    here = guard(asked.cluster.mesh, hop.workload)
    wishes = tuple(_wishes(here, hop)) if verdict.reason is Reason.NO_RULE else ()
    return Step(where=str(hop.workload), allowed=verdict.allowed, code=verdict.code, why=why, wishes=wishes)


def _wishes(here: Guard, hop: Hop) -> Iterator[Wish]:
    """Yield what the rules with the fewest unmet conditions ask for."""
    found = [
        (unmet, f"{policy.ref} rule {index}")
        for policy in here.of(p.Action.ALLOW)
        for index, rule in enumerate(policy.rules)
        for unmet in [_unmet(here, hop, policy, rule)]
    ]
    found.sort(key=lambda each: len(each[0]))
    least = len(found[0][0]) if found else 0
    for unmet, name in [each for each in found if len(each[0]) == least][:NEAREST]:
        yield Wish(rule=name, unmet=unmet)


def _unmet(here: Guard, hop: Hop, policy: p.AuthorizationPolicy, rule: p.Rule) -> tuple[str, ...]:
    return tuple(
        text
        for side in (rule.callers, rule.operations)
        for text in min(([_word(c) for c in one if not _meets(here, hop, policy, c)] for one in side), key=len)
    )


def _meets(here: Guard, hop: Hop, policy: p.AuthorizationPolicy, condition: p.Condition) -> bool:
    alone = replace(policy, rules=(p.Rule(callers=((condition,),), operations=((),)),))
    return judge(replace(here, policies=(alone,)), hop.request).allowed


def _word(condition: p.Condition) -> str:
    key = condition.key
    what = WORDS.get(key) or (f"the claim {key[key.find('[') :].strip('[]')}" if key.startswith(p.CLAIM) else key)
    values = " or ".join(condition.values)
    return f"{what} is not {values}" if condition.values else f"{what} is {' or '.join(condition.not_values)}"


def advice(asked: Asked) -> str:
    """Return what to do about an answer that no grant would change, "" where there is nothing to say."""
    if asked.allowed:
        return "no spec names this caller: look for the rule above in the tree, and run gen render"
    last = asked.decision.trails[0].hops[-1].verdict
    if last.reason is Reason.NO_RULE and asked.identity.kind is Kind.NOBODY:
        return "no spec lets in a request without a token: send one"
    return ADVICE.get(last.reason, "")
