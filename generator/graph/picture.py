"""A resolved model -> what its picture shows: boxes, and which stands behind which. Nothing here knows a format."""

from collections.abc import Iterator
from dataclasses import dataclass

from generator.model import Detector, Grants, Model, Node, Predictor, Run

_WHOLE = 100  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One thing in the picture; ``kind``: caller, model, predictor, node, explainer, sink or detector."""

    kind: str
    title: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A box and what stands behind it; ``label`` says how one gets there, ``aside`` that no answer depends on it."""

    box: Box
    label: str = ""
    aside: bool = False
    branches: tuple["Branch", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A model in one environment: who calls it, and the tree behind it."""

    title: str
    callers: tuple[Box, ...]
    root: Branch


def picture(model: Model) -> Picture:
    """Return the picture of a model in its environment; the order is that of the resolved model."""
    tenant, environment = model.place.tenant.name, model.place.environment.name
    address = f"https://{model.place.host}/seldon/{model.place.namespace}/{model.name}"
    spoken = f"protocol {model.protocol.value}{', through Seldon' if model.executor else ''}"
    return Picture(
        title=f"{tenant}/{model.name} in {environment}",
        callers=tuple(box for grants in model.grants for box in _callers(grants)),
        root=Branch(
            box=Box(kind="model", title=f"{tenant}/{model.name}", details=(address, spoken)),
            branches=(*(_predictor(model, one) for one in model.predictors), *_log(model)),
        ),
    )


def _callers(grants: Grants) -> Iterator[Box]:
    can = (f"can {', '.join(grants.operations)}",)
    named = (("user", grants.users), ("group", grants.groups), ("client", grants.clients))
    for noun, names in named:
        yield from (Box(kind="caller", title=f"{noun} {name}", details=can) for name in names)
    for one in grants.workloads:
        inside = (*can, "inside the mesh, past the traffic split")
        yield Box(kind="caller", title=f"workload {one.namespace}/{one.name}", details=inside)
    if grants.anyone:
        yield Box(kind="caller", title="anyone with a token for the audience", details=can)


def _predictor(model: Model, predictor: Predictor) -> Branch:
    explained = model.explainer if model.explainer and model.explainer.predictor == predictor.name else None
    label = f"{predictor.traffic} %"
    if predictor.shadow:
        label = "a copy of all" if predictor.traffic == _WHOLE else f"a copy of {label}"
    aside = [_explainer(explained.type, explained.run)] if explained else []
    return Branch(
        box=Box(kind="predictor", title=predictor.name, details=(_replicas(predictor),)),
        label=label,
        aside=predictor.shadow,
        branches=(_node(model, predictor.graph), *aside),
    )


def _replicas(predictor: Predictor) -> str:
    scale = predictor.scale
    if not scale.auto:
        return f"{scale.low} replica{'' if scale.low == 1 else 's'}"
    how = "by triggers" if scale.triggers else f"at {scale.cpu_percent} % cpu"
    return f"{scale.low} to {scale.high} replicas {how}"


def _node(model: Model, node: Node) -> Branch:
    gpu = (f"{node.runtime.gpu} GPU",) if node.runtime.gpu else ()
    what = _run(node.run) if node.run else f"{node.implementation}, the executor itself"
    kind = node.type.value.lower().replace("_", " ")
    shares = _shares(node)
    return Branch(
        box=Box(kind="node", title=node.name, details=(kind, what, *gpu) if node.run else (what,)),
        branches=tuple(
            _labelled(_node(model, child), label) for child, label in zip(node.children, shares, strict=True)
        ),
    )


def _labelled(branch: Branch, label: str) -> Branch:
    return Branch(box=branch.box, label=label, branches=branch.branches)


def _shares(node: Node) -> list[str]:
    """Return what stands on the way to each child: its share of the requests where the executor draws lots."""
    if not node.implementation:
        return [""] * len(node.children)
    ratio = next((float(value) for name, value, _ in node.parameters if name == "ratioA"), 0.5)
    return [f"{share * _WHOLE:g} %" for share in (ratio, round(1 - ratio, 9))][: len(node.children)]


def _run(run: Run) -> str:
    match run.kind:
        case "bento":
            return f"Bento {run.bento}:{run.version}"
        case "server":
            return run.server
        case _:
            name, _, digest = run.image.rpartition("/")[2].partition("@sha256:")
            return f"image {name}{f' @{digest[:7]}' if digest and ':' not in name else ''}"


def _explainer(method: str, run: Run) -> Branch:
    box = Box(kind="explainer", title=f"explainer {method}", details=(_run(run),))
    return Branch(box=box, label="explained by", aside=True)


def _log(model: Model) -> list[Branch]:
    if model.log is None:
        return []
    sink = model.log.sink
    where = f"Kafka topic {sink.kafka.topic}" if sink.kafka else sink.url
    noun = {"request": "requests", "response": "responses"}.get(model.log.mode, "requests and responses")
    fed = "reads the topic" if sink.kafka else "passed on" if sink.forwards else "not known to be passed on"
    detectors = tuple(_detector(one, fed) for one in model.detectors)
    box = Box(kind="sink", title=f"sink {sink.name}", details=(where,))
    return [Branch(box=box, label=f"{noun} logged", aside=True, branches=detectors)]


def _detector(detector: Detector, fed: str) -> Branch:
    box = Box(kind="detector", title=f"detector {detector.name}", details=(_run(detector.run),))
    return Branch(box=box, label=fed, aside=True)
