"""Whether two clusters decide every request alike: then a mutant is none, since the check is made elsewhere too."""

from collections.abc import Iterator
from dataclasses import dataclass

import z3

from generator.access.mesh import Guard, Workload, guard, principal_of
from generator.access.rbac import http_filters
from generator.access.route import open_servers, virtual_hosts
from generator.access.tree import Cluster
from generator.audit import encode as e
from generator.audit import encode_hops as hops
from generator.audit.encode_text import Formula, Text, UncoveredError, finite
from generator.audit.prove_bench import HTTPS, behind
from generator.audit.statement import Witness, Word
from generator.audit.witness import witness_of

OUTER = Text("outer")  # the path at the gateway; what it has to do with the pod's is left open, which proves no less
LIMIT_MS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Equality:
    """Whether it is proved that nothing is decided otherwise; a request that is, or why nothing could be said."""

    word: Word
    why: str = ""
    witness: Witness | None = None


def equality(one: Cluster, other: Cluster) -> Equality:
    """Compare what two clusters with the same workloads decide.

    Raises:
        UnsupportedError: Something in a cluster may change who gets in, and is not judged.
    """
    try:
        for pod, difference in _differences(one, other):
            found = _asked(one, pod, difference)
            if found.word is not Word.PROVED:
                return found
    except (UncoveredError, ValueError) as problem:
        return Equality(word=Word.OPEN, why=f"{problem} is outside of what formulas cover")
    return Equality(word=Word.PROVED)


def _differences(one: Cluster, other: Cluster) -> Iterator[tuple[Workload, Formula]]:
    """Yield for every workload when the two decide otherwise, from inside the mesh and through the gateway."""
    gateways = guard(one.mesh, one.gateway), guard(other.mesh, other.gateway)
    through = e.PRINCIPAL.is_(f"spiffe://{principal_of(one.gateway, one.settings)}")
    seen: list[object] = []
    for pod in one.workloads:
        if pod == one.gateway:
            continue
        guards = guard(one.mesh, pod), guard(other.mesh, pod)
        if any(_moved(*map(_places, pair)) for pair in (guards, gateways)):
            raise UncoveredError("where a token stands in a request")
        locks = tuple((each.policies, each.authentications, each.mtls, each.port_mtls, pod.ports) for each in guards)
        if locks in seen or (guards[0] == guards[1] and gateways[0] == gateways[1]):
            continue
        seen.append(locks)
        if guards[0] != guards[1]:
            inside = [hops.lock_of(each).opens for each in guards]
            yield pod, z3.And(z3.Not(through), z3.Xor(*inside))
        if named := _hosts(one, pod):
            whole = [_whole_way(gateway, each) for gateway, each in zip(gateways, guards, strict=True)]
            hosts = z3.Or([hops.at_host(host) for host in named])
            yield pod, z3.And(through, e.TRANSPORT == hops.MTLS, hosts, z3.Xor(*whole))


def _places(stands: Guard) -> list[tuple[object, object, object]]:
    rules = stands.token_rules
    return list(dict.fromkeys((rule.from_headers, rule.from_params, rule.from_cookies) for rule in rules))


def _moved(before: list[tuple[object, object, object]], after: list[tuple[object, object, object]]) -> bool:
    """Say whether tokens are looked for elsewhere: formulas know of one token, wherever it stands."""
    return bool(before and after) and before != after


def _hosts(cluster: Cluster, pod: Workload) -> tuple[str, ...]:
    """Return the hosts at the gateway from which some route leads to a pod."""
    servers = open_servers(cluster.mesh, cluster.gateway, HTTPS)
    return tuple(
        host
        for host, routes in virtual_hosts(cluster.mesh, cluster.gateway, servers).items()
        if any(pod in behind(cluster.mesh, end) for route, _ in routes for end in (*route.destinations, *route.mirrors))
    )


def _whole_way(gateway: Guard, stands: Guard) -> Formula:
    payload = hops.verified(gateway.token_rules)
    filters = http_filters(gateway.policies, trust_domains=gateway.settings.trust_domains)
    first = z3.And(hops.token_passes(gateway, payload), e.allowed(filters, payload, OUTER))
    # The pod sees the token only where the gateway hands it on.
    handed = hops.verified(rule for rule in gateway.token_rules if rule.forward)
    second = z3.substitute(hops.lock_of(stands).opens, (e.HAS_TOKEN, z3.And(e.HAS_TOKEN, handed)))
    return z3.And(first, second)


def _asked(cluster: Cluster, pod: Workload, difference: Formula) -> Equality:
    base = z3.And(difference, hops.possible(cluster.settings.trust_domains), hops.sane(difference))
    asked = finite(base)
    solver = z3.Solver()
    solver.set("timeout", LIMIT_MS)
    solver.add(asked.formula)
    result = solver.check()
    if result == z3.unsat:
        return Equality(word=Word.PROVED)
    if result != z3.sat:
        return Equality(word=Word.OPEN, why=f"the solver gives up: {solver.reason_unknown()}")
    return Equality(word=Word.REFUTED, witness=witness_of(solver.model(), asked.cases, str(pod)))
