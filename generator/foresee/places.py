"""Where in a model's spec stands what a place in its SeldonDeployment was made of."""

from dataclasses import dataclass

from generator.diag import Mark
from generator.rules.cases import Case, Slot
from generator.tenancy import Object

Path = tuple[str | int, ...]
Table = tuple[tuple[Path, Path], ...]  # the beginning of a path in the object -> a path in the spec; the first counts

PREDICTORS = ("spec", "predictors")
_DEPTH = 3  # spec, predictors, index

PREDICTOR: Table = (
    (("traffic",), ("traffic",)),
    (("shadow",), ("shadow",)),
    (("replicas",), ("runtime", "replicas")),
    (("annotations", "seldon.io/no-engine"), ("api", "protocol")),
    (("annotations",), ("runtime", "timeout")),
    (("svcOrchSpec",), ("log", "sink")),
    (("explainer", "type"), ("explainer", "type")),
    (("explainer", "modelUri"), ("explainer", "run")),
    (("explainer", "containerSpec", "ports"), ("explainer", "run", "port")),
    (("explainer", "containerSpec", "env"), ("explainer", "runtime", "env")),
    (("explainer", "containerSpec", "resources"), ("explainer", "runtime")),
    (("explainer", "containerSpec"), ("explainer", "run")),
    (("explainer",), ("explainer",)),
)
NODE: Table = (
    (("type",), ("type",)),
    (("children",), ("children",)),
    (("modelUri",), ("run", "modelUri")),
    (("parameters",), ("parameters",)),
)
ROOT: Table = ((("logger", "mode"), ("log", "mode")), (("logger",), ("log", "sink")))
COMPONENT: Table = (
    (("hpaSpec",), ("runtime", "replicas")),
    (("kedaSpec",), ("runtime", "replicas")),
    (("replicas",), ("runtime", "replicas")),
    (("spec", "tolerations"), ("runtime", "placement", "tolerations")),
    (("spec", "nodeSelector"), ("runtime", "placement", "nodeSelector")),
    (("spec", "volumes"), ("runtime", "volumes")),
)
CONTAINER: Table = (
    (("image",), ("run",)),
    (("ports",), ("run", "port")),
    (("env",), ("runtime", "env")),
    (("resources",), ("runtime",)),
    (("volumeMounts",), ("runtime", "volumes")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path into the SeldonDeployment that a case was built to."""

    case: Case
    deployment: Object
    path: Path


def mark_of(place: Place) -> Mark:
    """Return the line of the spec that the place was made of: the nearest that the file has."""
    case, path = place.case, place.path
    if path[:2] == PREDICTORS and len(path) >= _DEPTH:
        predictor = place.deployment["spec"]["predictors"][path[2]]
        slot = next(one for one in case.predictors if one.name == predictor["name"])
        return _in_predictor(slot, predictor, path[_DEPTH:])
    if path[:2] == PREDICTORS and case.has("predictors"):
        return case.key_mark("predictors")
    if path[:2] == ("spec", "protocol"):
        return case.mark("api", "protocol")
    return case.model.document.value_mark(("metadata", "name"))


def _in_predictor(slot: Slot, predictor: Object, path: Path) -> Mark:
    if path[:1] == ("graph",):
        return _in_graph(slot, predictor["graph"], path[1:])
    if path[:1] == ("componentSpecs",) and len(path) > 1:
        return _in_component(slot, predictor["componentSpecs"][path[1]], path[2:])
    found = _look_up(PREDICTOR, path)
    return slot.mark(*found) if found else slot.name_mark()


def _in_graph(slot: Slot, node: Object, path: Path) -> Mark:
    while path[:1] == ("children",) and len(path) > 1:
        node, path = node["children"][path[1]], path[2:]
    front = slot.node_path(node["name"])
    if path[:1] == ("implementation",):
        server = (*front, "run", "server")
        return slot.mark(*(server if slot.says(*server) else (*front, "implementation")))
    if above := _look_up(ROOT, path):
        return slot.mark(*above)
    found = _look_up(NODE, path)
    return slot.mark(*front, *found) if found else _node_mark(slot, node["name"])


def _in_component(slot: Slot, component: Object, path: Path) -> Mark:
    name = component["metadata"]["name"]
    found = _look_up(COMPONENT, path)
    if path[:2] == ("spec", "containers") and len(path) > _DEPTH:
        container = component["spec"]["containers"][path[2]]
        found = _named_variable(container, path[_DEPTH:]) or _look_up(CONTAINER, path[_DEPTH:])
    if not found:
        return _node_mark(slot, name)
    front = slot.node_path(name)
    return slot.mark(*(front if slot.says(*front, *found) else ()), *found)


def _named_variable(container: Object, path: Path) -> Path:
    """Return the path of the variable that the item of `env` was made of, () for another path."""
    if path[:1] != ("env",) or len(path) == 1:
        return ()
    variable = container["env"][path[1]]
    return ("runtime", "secrets" if "valueFrom" in variable else "env", variable["name"])


def _look_up(table: Table, path: Path) -> Path:
    return next((found for front, found in table if path[: len(front)] == front), ())


def _node_mark(slot: Slot, name: str) -> Mark:
    front = slot.node_path(name)
    return slot.key_mark(*front) if front else slot.name_mark()
