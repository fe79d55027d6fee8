"""List every name that a SeldonDeployment takes in its namespace, and find two that take the same.

The operator writes to whatever bears a name that it derives, without asking who owns it: two SeldonDeployments
that derive one name overwrite or delete each other's objects without end.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_controller.go.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from generator.seldon import istio, names
from generator.seldon.objects import (
    SERVICE_NAME,
    Object,
    annotation_of,
    components,
    containers,
    has_engine,
    has_explainer,
    has_separate_engine,
    is_prepackaged,
    namespace_of,
    node_named,
)
from generator.seldon.pods import UNSERVED
from generator.seldon.settings import OperatorSettings
from generator.seldon.verdict import Path, graph_nodes, nearest, predictors

PREFIX = "path prefix"  # the kind of a claim on the gateway's paths


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Claim:
    """A name taken: the kind of object (or `PREFIX`), its name, and the place in the spec that names it."""

    kind: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Two claims that cannot both stand; ``first`` and ``second``: index of the SeldonDeployment and its claim."""

    first: tuple[int, Claim]
    second: tuple[int, Claim]


def claimed_names(deployment: Object, settings: OperatorSettings | None = None) -> tuple[Claim, ...]:
    """Return every name the operator gives to an object made from this SeldonDeployment, sorted by kind and name."""
    claims = _claims(deployment, settings or OperatorSettings())
    placed = (replace(claim, path=nearest(deployment, claim.path)) for claim in claims)
    return tuple(sorted(placed, key=lambda claim: (claim.kind, claim.name)))


def clashes(deployments: Iterable[Object], settings: OperatorSettings | None = None) -> tuple[Clash, ...]:
    """Return the clashes within and between SeldonDeployments of the same or different namespaces.

    One and the same name for a Service twice, or a path prefix that begins with another's, is a clash.
    """
    found = []
    taken: dict[tuple[str, str, str], tuple[int, Claim]] = {}
    prefixes: list[tuple[int, Claim]] = []
    for index, deployment in enumerate(deployments):
        namespace = namespace_of(deployment)
        for claim in claimed_names(deployment, settings):
            if claim.kind == PREFIX:
                found += [Clash(first=known, second=(index, claim)) for known in prefixes if _overlap(known[1], claim)]
                prefixes.append((index, claim))
                continue
            first = taken.setdefault((namespace, claim.kind, claim.name), (index, claim))
            if first != (index, claim):
                found.append(Clash(first=first, second=(index, claim)))
    return tuple(found)


def _overlap(one: Claim, other: Claim) -> bool:
    return one.name.startswith(other.name) or other.name.startswith(one.name)


def _claims(deployment: Object, settings: OperatorSettings) -> Iterator[Claim]:
    sdep = deployment["metadata"]["name"]
    own: Path = ("metadata", "name")
    if settings.istio_enabled:
        yield Claim(kind="VirtualService", name=names.virtual_service(sdep), path=own)
        yield Claim(kind=PREFIX, name=istio.route_prefix(deployment), path=own)
    for path, predictor in predictors(deployment):
        yield from _predictor(deployment, predictor, path, settings)
        for index, (component, place) in enumerate(_components(predictor, path)):
            yield from _component(sdep, predictor, component, place=(index, place), settings=settings)
        if has_explainer(predictor):
            yield from _explainer(deployment, predictor, (*path, "explainer"), settings)


def _predictor(deployment: Object, predictor: Object, path: Path, settings: OperatorSettings) -> Iterator[Claim]:
    sdep, name = deployment["metadata"]["name"], predictor["name"]
    custom = annotation_of(predictor, SERVICE_NAME)
    place = (*path, "annotations", SERVICE_NAME) if custom else (*path, "name")
    service = names.service_of(sdep, predictor)
    if has_engine(predictor) or any(True for part in _components(predictor, path) for _ in _served(predictor, *part)):
        yield Claim(kind="Service", name=service, path=place)
    if settings.istio_enabled:
        yield Claim(kind="DestinationRule", name=service, path=place)
    if has_engine(predictor) and has_separate_engine(deployment):
        yield Claim(kind="Deployment", name=names.orchestrator_deployment(sdep, name), path=(*path, "name"))


def _components(predictor: Object, path: Path) -> list[tuple[Object, Path]]:
    """Return the componentSpecs with what the operator adds: a container for each stock server without one."""
    given = list(components(predictor)) or [{"spec": {"containers": []}}]
    known = [container["name"] for component in given for container in containers(component)]
    added = []
    for _, node in graph_nodes(predictor, path):
        if is_prepackaged(node) and node["name"] not in known:
            known.append(node["name"])
            added.append({"name": node["name"]})
    first = {**given[0], "spec": {**given[0].get("spec", {}), "containers": [*containers(given[0]), *added]}}
    return [(part, (*path, "componentSpecs", index)) for index, part in enumerate([first, *given[1:]])]


def _served(predictor: Object, component: Object, path: Path) -> Iterator[tuple[str, Path]]:
    for index, container in enumerate(containers(component)):
        name = container["name"]
        if name not in UNSERVED and node_named(predictor["graph"], name) is not None:
            yield name, (*path, "spec", "containers", index, "name")


def _component(
    sdep: str, predictor: Object, component: Object, *, place: tuple[int, Path], settings: OperatorSettings
) -> Iterator[Claim]:
    index, path = place
    if not containers(component):
        return
    name = names.deployment_name(
        sdep,
        predictor["name"],
        index,
        names.component_suffix(component),
        as_prefix=settings.deployment_name_as_prefix,
    )
    yield Claim(kind="Deployment", name=name, path=path)
    if component.get("kedaSpec"):
        kinds = ["ScaledObject"] if settings.keda_enabled else []
    else:
        kinds = ["HorizontalPodAutoscaler"] if component.get("hpaSpec") else []
    for kind in [*kinds, *(["PodDisruptionBudget"] if component.get("pdbSpec") else [])]:
        yield Claim(kind=kind, name=name, path=path)
    for container, where in _served(predictor, component, path):
        yield Claim(kind="Service", name=names.container_service(sdep, predictor["name"], container), path=where)


def _explainer(deployment: Object, predictor: Object, path: Path, settings: OperatorSettings) -> Iterator[Claim]:
    sdep, name = deployment["metadata"]["name"], predictor["name"]
    explainer = names.explainer_name(sdep, name)
    yield Claim(kind="Deployment", name=explainer, path=path)
    yield Claim(kind="Service", name=explainer, path=path)
    if settings.istio_enabled:
        yield Claim(kind="DestinationRule", name=explainer, path=path)
        yield Claim(kind="VirtualService", name=names.explainer_virtual_service(sdep, name), path=path)
        yield Claim(kind=PREFIX, name=istio.explainer_prefix(deployment, name), path=path)
