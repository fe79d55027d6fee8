"""What the specs grant, and the line of each grant: to compare with what the trees let in, never to decide it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from generator import resolve
from generator.audit.calls import BETWEEN, DETECTOR, METRICS, calls_of, detector_door, neighbours
from generator.audit.doors import Door
from generator.audit.identities import ANYONE, Identity, client, group, user, workload
from generator.diag import Mark
from generator.model import Model
from generator.patch import Spec
from generator.pipeline import platform_of
from generator.rules.cases import ModelSpec
from generator.rules.specs import Specs

NAMED = (("users", user), ("groups", group), ("clients", client), ("workloads", workload))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Why somebody may: where the specs say it, and what they say of it.

    ``members`` is where a named set of callers lists the caller, None for a grant that names it itself; ``index`` is
    the place in ``spec.access``, -1 for what the platform itself needs (scraping, a model's own pods, its log).
    """

    mark: Mark
    reason: str = ""
    until: str = ""
    members: Mark | None = None
    index: int = -1

    def __str__(self) -> str:
        place = f"{self.mark.file}:{self.mark.line}"
        return f"{place} by {self.members.file}:{self.members.line}" if self.members else place


Granted = Mapping[tuple[Identity, Door], tuple[Grant, ...]]


def resolved(specs: Specs, environments: Iterable[str] | None = None) -> dict[str, tuple[Model, ...]]:
    """Return the deployed models of each environment, or of some. The specs have passed every rule."""
    platform = platform_of(specs)
    asked = None if environments is None else tuple(environments)
    wanted = [e.name for e in platform.environments if asked is None or e.name in asked]
    found: dict[str, list[Model]] = {name: [] for name in wanted}
    tenants = {one.name: resolve.tenant(one.document.data, platform) for one in specs.tenants}
    for one in specs.models:
        tenant = tenants[one.tenant.name]
        for name in tenant.environments:
            if name in found:
                model = resolve.model(one.document.data, resolve.place(platform, tenant, name))
                found[name] += [model] if model.deployed else []
    return {name: tuple(models) for name, models in found.items()}


def granted(specs: Specs, environments: Iterable[str] | None = None) -> dict[tuple[Identity, Door], tuple[Grant, ...]]:
    """Return who is granted what, with where; the specs have passed every rule.

    What the platform grants by itself counts too: Prometheus may read metrics, a model's own pods may ask each other,
    a sink may post to detectors.
    """
    return granted_of(specs, resolved(specs, environments))


def granted_of(specs: Specs, models: Mapping[str, Iterable[Model]]) -> dict[tuple[Identity, Door], tuple[Grant, ...]]:
    """Return who is granted what on models that are resolved already, by environment."""
    found: dict[tuple[Identity, Door], list[Grant]] = {}
    by_name = {(one.tenant.name, one.name): one for one in specs.models}
    for here in models.values():
        for model in here:
            spec = by_name[model.place.tenant.name, model.name]
            for identity, door, grant in (*_said(spec, model), *_needed(specs, spec, model)):
                found.setdefault((identity, door), []).append(grant)
    return {pair: tuple(grants) for pair, grants in found.items()}


def door_of(model: Model, operation: str) -> Door:
    """Return a door of a model."""
    place = model.place
    return Door(environment=place.environment.name, tenant=place.tenant.name, model=model.name, operation=operation)


def _said(spec: ModelSpec, model: Model) -> Iterator[tuple[Identity, Door, Grant]]:
    known = {operation.name for operation in model.operations}
    environment = model.place.environment.name
    for index, grant in enumerate(spec.spec.get("access", ())):
        if environment not in grant.get("in", (environment,)):
            continue
        doors = [door_of(model, name) for name in dict.fromkeys(grant.get("can", ("predict",))) if name in known]
        for identity, found in _named(spec, grant, index):
            yield from ((identity, door, found) for door in doors)


def _named(spec: ModelSpec, grant: Spec, index: int) -> Iterator[tuple[Identity, Grant]]:
    said = {"reason": grant.get("reason", ""), "until": grant.get("until", ""), "index": index}
    for field, identity in NAMED:
        for position, name in enumerate(grant.get(field, ())):
            yield identity(name), Grant(mark=spec.mark("access", index, field, position), **said)
    for position, name in enumerate(grant.get("callers", ())):
        mark = spec.mark("access", index, "callers", position)
        members = spec.tenant.spec.get("callers", {}).get(name, {})
        for field, identity in NAMED:
            for place, member in enumerate(members.get(field, ())):
                where = spec.tenant.mark("callers", name, field, place)
                yield identity(member), Grant(mark=mark, members=where, **said)
    if grant.get("anyAuthenticated"):
        yield ANYONE, Grant(mark=spec.mark("access", index, "anyAuthenticated"), **said)


def _needed(specs: Specs, spec: ModelSpec, model: Model) -> Iterator[tuple[Identity, Door, Grant]]:
    calls = calls_of(model)
    scraper = model.place.platform.prometheus
    if scraper and METRICS in calls.values() and specs.platform:
        mark = specs.platform.mark("observability", "prometheus")
        yield (
            workload(f"{scraper.namespace}/{scraper.name}"),
            door_of(model, METRICS),
            Grant(mark=mark, reason="metrics"),
        )
    own = workload(f"{model.place.namespace}/{model.name}")
    for operation in dict.fromkeys(calls[call] for call, _ in neighbours(model)):
        section = "nodes" if operation == BETWEEN and "nodes" in spec.spec else "explainer"
        mark = spec.key_mark(section) if section in spec.spec else spec.document.value_mark(("metadata", "name"))
        yield own, door_of(model, operation), Grant(mark=mark, reason="its own pods")
    for detector in model.detectors if model.log else ():
        sink = workload(f"{model.log.sink.namespace}/*") if model.log else own
        door = door_of(model, detector_door(DETECTOR + detector.name))
        yield sink, door, Grant(mark=spec.key_mark("log"), reason="the log's sink")
