"""Statements about every request, not about samples: proved by z3 over the compiled rules, or refuted by a request.

What no formula covers is said, never passed over: such a statement is not proved.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import z3

from generator.access.mesh import Guard, Mesh, Workload, guard, principal_of
from generator.access.policy import AuthorizationPolicy
from generator.access.rbac import http_filters
from generator.access.reading import Ref
from generator.access.route import open_servers, virtual_hosts
from generator.access.tree import Cluster
from generator.audit import encode as e
from generator.audit import encode_grants as specs
from generator.audit import encode_hops as hops
from generator.audit.encode_text import Formula, UncoveredError, finite
from generator.audit.prove_specs import Declared
from generator.audit.statement import Statement, Word
from generator.audit.witness import witness_of
from generator.build.meta import COMPONENT, NAME, PART_OF, pods_of
from generator.model import Model
from generator.tenancy import Object

HTTPS = 443
LIMIT_MS = 20_000  # for one question to the solver


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """What is asked of the solver: whether any request makes `wrong` true; `to` is where it would be sent."""

    subject: str
    what: str
    to: str
    wrong: Callable[[], Formula]
    outer: Formula | None = None  # the path at the gateway


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """One cluster with what the specs declare, for questions."""

    cluster: Cluster
    declared: Declared
    owners: Mapping[Ref, str] = field(default_factory=dict)

    @property
    def mesh(self) -> Mesh:
        """Return the parsed mesh."""
        return self.cluster.mesh

    @property
    def models(self) -> tuple[Model, ...]:
        """Return the models that are deployed here."""
        return self.declared.models.get(self.cluster.environment, ())


TOKEN = "without a valid token of its issuer for its audience, no request from outside the mesh gets in"  # noqa: S105
GRANTS = "nobody outside its grants gets in, by any request"
OPENS = "everything that its grants say gets in"
TENANTS = "no other tenant's policy has a say at its host, its routes or its pods"


def invariants(cluster: Cluster, declared: Declared, models: Iterable[str] = ()) -> Iterator[Statement]:
    """Yield every statement about a cluster's models (`tenant/model`, all by default) and their tenants.

    Raises:
        UnsupportedError: Something in the cluster may change who gets in, and is not judged.
    """
    world = World(cluster=cluster, declared=declared, owners=owners(cluster, declared))
    chosen = tuple(models)
    tenants: dict[str, Model] = {}
    for model in world.models:
        name = f"{model.place.tenant.name}/{model.name}"
        if chosen and name not in chosen:
            continue
        tenants.setdefault(model.place.tenant.name, model)
        for question in questions(world, model):
            yield answered(world, question)
    for model in tenants.values():
        yield _about_tenant(world, model)


def questions(world: World, model: Model) -> Iterator[Question]:
    """Yield what is asked about one model: once for all of its pods that stand behind the same policies."""
    for pods in alike(world.mesh, pods_at(world, model)):
        yield from _pod_questions(world, model, pods)
    for pod in _detectors(world, model):
        yield _detector_question(world, model, pod)


def alike(mesh: Mesh, pods: Iterable[Workload]) -> list[list[Workload]]:
    """Return pods in groups that the same policies, token rules and modes guard."""
    groups: list[tuple[Any, list[Workload]]] = []
    for pod in pods:
        stands = guard(mesh, pod)
        lock = (stands.policies, stands.authentications, stands.mtls, stands.port_mtls, pod.sidecar)
        found = next((group for known, group in groups if known == lock), None)
        if found is None:
            groups.append((lock, [pod]))
        else:
            found.append(pod)
    return [group for _, group in groups]


def pods_at(world: World, model: Model) -> tuple[Workload, ...]:
    """Return the workloads of a model's own pods."""
    labels = pods_of(model).items()
    namespace = model.place.namespace
    return tuple(w for w in world.cluster.workloads if w.namespace == namespace and labels <= w.labels.items())


def _pod_questions(world: World, model: Model, pods: list[Workload]) -> Iterator[Question]:
    subject = f"{model.place.tenant.name}/{model.name}"
    stands = merged(guard(world.mesh, pods[0]), pods)
    to = str(pods[0])

    def asked(what: str, wrong: Callable[[hops.Lock], Formula]) -> Question:
        return Question(subject=subject, what=what, to=to, wrong=lambda: wrong(hops.lock_of(stands)))

    gateway = f"spiffe://{principal_of(world.cluster.gateway, world.cluster.settings)}"
    from_outside = z3.Or(e.TRANSPORT != hops.MTLS, e.PRINCIPAL.is_(gateway))
    holds = specs.has_declared_token(model, world.declared)
    yield asked(TOKEN, lambda lock: z3.And(lock.opens, from_outside, z3.Not(holds)))
    yield asked(GRANTS, lambda lock: z3.And(lock.opens, z3.Not(specs.granted(model))))
    served = z3.Or([port.container == e.PORT for pod in pods for port in pod.ports] or [hops.NEVER])
    usual = z3.Or(z3.Not(e.HAS_TOKEN), holds)
    yield asked(OPENS, lambda lock: z3.And(specs.granted(model), served, usual, z3.Not(lock.opens)))


def merged(stands: Guard, pods: Iterable[Workload]) -> Guard:
    """Return the guard with the ports of all pods that it stands before."""
    ports = {port.container: port for pod in pods for port in pod.ports}
    return replace(stands, workload=replace(stands.workload, ports=tuple(ports[number] for number in sorted(ports))))


def _detectors(world: World, model: Model) -> tuple[Workload, ...]:
    return tuple(
        each
        for each in world.cluster.workloads
        if each.namespace == model.place.namespace
        and each.labels.get(NAME) == model.name
        and each.labels.get(COMPONENT, "").startswith("detector-")
    )


def _detector_question(world: World, model: Model, pod: Workload) -> Question:
    port = pod.ports[0].container if pod.ports else 0
    stands = guard(world.mesh, pod)
    return Question(
        subject=f"{model.place.tenant.name}/{model.name}",
        what=f"{GRANTS} ({pod})",
        to=str(pod),
        wrong=lambda: z3.And(hops.lock_of(stands).opens, z3.Not(specs.granted_detector(model, port))),
    )


def _about_tenant(world: World, model: Model) -> Statement:
    """Say whether what other tenants have changes anything for a tenant."""
    tenant, host, mesh = model.place.tenant.name, model.place.host, world.mesh
    gateway = guard(mesh, world.cluster.gateway)
    foreign = [each for each in gateway.policies if world.owners.get(each.ref, tenant) not in (tenant, "")]
    question = Question(
        subject=tenant,
        what=TENANTS,
        to=str(world.cluster.gateway),
        wrong=lambda: z3.And(hops.at_host(host), _matches(gateway, foreign)),
    )
    if stray := _strays(world, model):
        said = Statement(environment=world.cluster.environment, subject=tenant, what=TENANTS, word=Word.REFUTED)
        return replace(said, why=f"{', '.join(stray)} has")
    return answered(world, question)


def _strays(world: World, model: Model) -> tuple[str, ...]:
    """Return the objects of other tenants that are asked at a tenant's pods, or that route its host."""
    tenant, namespace = model.place.tenant.name, model.place.namespace
    stands = [guard(world.mesh, pod) for pod in world.cluster.workloads if pod.namespace == namespace]
    refs = [policy.ref for each in stands for policy in each.policies]
    refs += [policy.ref for each in stands for policy in each.authentications]
    asked = [str(ref) for ref in refs if world.owners.get(ref, tenant) not in (tenant, "")]
    return tuple(dict.fromkeys([*asked, *_stray_routes(world, model)]))


def _stray_routes(world: World, model: Model) -> Iterator[str]:
    host, own = model.place.host, f".{model.place.namespace}.svc.cluster.local"
    servers = open_servers(world.mesh, world.cluster.gateway, HTTPS)
    for name, routes in virtual_hosts(world.mesh, world.cluster.gateway, servers).items():
        if name in (host, "*") or (name.startswith("*") and host.endswith(name[1:])):
            ends = [end.host for route, _ in routes for end in (*route.destinations, *route.mirrors)]
            yield from (f"a route of {name} to {end}" for end in ends if not end.endswith(own))


def _matches(gateway: Guard, policies: Iterable[AuthorizationPolicy]) -> Formula:
    filters = http_filters(policies, trust_domains=gateway.settings.trust_domains)
    rules = [
        e.rule(each, hops.verified(gateway.token_rules))
        for one in filters
        for each in one["typedConfig"].get("rules", {}).get("policies", {}).values()
    ]
    return z3.Or(rules or [hops.NEVER])


def owners(cluster: Cluster, declared: Declared) -> dict[Ref, str]:
    """Return the tenant of every object: of the overlay that it comes from, or that the platform writes it for.

    "" is the platform itself.
    """
    tenants = {model.place.tenant.name for here in declared.models.values() for model in here}
    found = {}
    for obj in cluster.objects:
        label = str((obj["metadata"].get("labels") or {}).get(PART_OF, ""))
        found[_ref(obj)] = label if label in tenants else ""
    for folder, objects in cluster.printed.items():
        tenant = folder.split("/")[2:3]  # overlays/<environment>/<tenant>
        found |= {_ref(obj): tenant[0] for obj in objects if tenant and tenant[0] in tenants}
    return found


def _ref(obj: Object) -> Ref:
    metadata = obj["metadata"]
    return Ref(str(obj["kind"]), str(metadata.get("namespace") or "default"), str(metadata["name"]))


def answered(world: World, question: Question) -> Statement:
    """Ask the solver one question."""
    start = Statement(
        environment=world.cluster.environment, subject=question.subject, what=question.what, word=Word.PROVED
    )
    try:
        wrong = question.wrong()
    except (UncoveredError, ValueError) as problem:
        return replace(start, word=Word.OPEN, why=f"{problem} is outside of what formulas cover")
    base = z3.And(wrong, hops.possible(world.cluster.settings.trust_domains), hops.sane(wrong))
    try:
        asked = finite(base)
    except UncoveredError as problem:
        return replace(start, word=Word.OPEN, why=f"{problem} is outside of what formulas cover")
    solver = z3.Solver()
    solver.set("timeout", LIMIT_MS)
    solver.add(asked.formula)
    result = solver.check()
    if result == z3.unsat:
        return start
    if result != z3.sat:
        return replace(start, word=Word.OPEN, why=f"the solver gives up: {solver.reason_unknown()}")
    return replace(start, word=Word.REFUTED, witness=witness_of(solver.model(), asked.cases, question.to))
