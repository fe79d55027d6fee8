"""Rules about the names that Seldon's operator makes of a model's: short enough to stay, and all different."""

from collections.abc import Iterator
from dataclasses import dataclass

from generator.diag import Mark, quoted
from generator.patch import Spec
from generator.rules.cases import Case, ModelSpec, Slot
from generator.rules.each import HERE, each_case, each_predictor
from generator.rules.rule import Problem, Problems, Rule
from generator.rules.specs import Specs
from generator.seldon.names import CONTAINER_MAX, NAME_MAX

_EXPLAINER_TAIL = len("explainer-http")
_DETECTOR = "detector-"  # begins the name of everything that gen makes of a detector
_JOINTS = len("---00")  # what stands between the parts at most: three hyphens and the number of a component


def names(slot: Slot) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and part (predictor, node <name>, explainer) of all that the operator makes of a predictor.

    Not hashed: a name that is too long is refused, since the operator's substitute tells nobody what it is.
    Source: Seldon Core 1.17.1, operator, v1/seldondeployment_types.go and seldondeployment_explainers.go.
    """
    front = f"{slot.model.name}-{slot.name}"
    yield "Service", front, "predictor"
    for index, (node, _, _) in enumerate(slot.runs):
        yield "Service", f"{front}-{node}", f"node {node}"
        yield "Deployment", f"{front}-{index}-{node}", f"node {node}"
    if explains(slot):
        yield "Service", f"{front}-explainer", "explainer"
        yield "Deployment", f"{front}-explainer", "explainer"
        yield "VirtualService", f"{front}-explainer-http", "explainer"


def explains(slot: Slot) -> bool:
    """Say whether the model's explainer is this predictor's."""
    explainer = slot.case.spec.get("explainer", {})
    return bool(explainer) and explainer.get("predictor", "main") == slot.name


def too_long(slot: Slot) -> Problems:
    """Find names that Kubernetes, or a label, does not take."""
    longest = max(map(len, slot.nodes))
    most = len(slot.model.name) + len(slot.name) + max(longest, _EXPLAINER_TAIL) + _JOINTS
    if most <= NAME_MAX and longest <= CONTAINER_MAX:
        return
    kind, name, _ = max(names(slot), key=lambda made: len(made[1]))
    if len(name) > NAME_MAX:
        what = f"the {kind} would be called {quoted(name)}, {len(name)} characters{HERE}"
        todo = f"choose names of model, predictor and node that are {len(name) - NAME_MAX} shorter"
        yield slot.name_mark(), what, todo
    for node, path, _ in slot.runs:
        if len(node) > CONTAINER_MAX:
            mark = slot.key_mark(*path[:-1]) if slot.is_graph else slot.model.document.value_mark(("metadata", "name"))
            what = f"the name {quoted(node)} has {len(node)} characters: its label has room for {CONTAINER_MAX}"
            yield mark, what, "choose a shorter one"


def detector_too_long(case: Case) -> Problems:
    """Find detectors whose Service, or the label of whose pods, would be too long."""
    for name in case.spec.get("detectors", {}):
        made = _of_detector(case, name)
        if len(made) > NAME_MAX:
            what = f"the Service would be called {quoted(made)}, {len(made)} characters{HERE}"
            todo = f"choose names of model and detector that are {len(made) - NAME_MAX} shorter"
            yield case.key_mark("detectors", name), what, todo


def any_too_long(specs: Specs) -> Problems:
    """Find names of predictors, nodes and detectors that are too long."""
    yield from each_predictor(too_long)(specs)
    yield from each_case(detector_too_long)(specs)


def _of_detector(case: Case, name: str) -> str:
    return f"{_DETECTOR}{case.model.name}-{name}"


def collisions(specs: Specs) -> Problems:
    """Find objects that two parts of a namespace's models would share."""
    taken: dict[tuple[str, str, str, str], Claim] = {}
    told: set[tuple[Mark, Mark]] = set()  # parts that share one name share several objects of it
    for model in _suspects(specs):
        tenant = model.tenant.name
        for case in model.cases:
            for claim in _claims(case) if case.environments else ():
                for environment in case.environments:
                    first = taken.setdefault((tenant, environment, claim.kind, claim.name), claim)
                    if first is not claim and first.holder != claim.holder and (claim.mark, first.mark) not in told:
                        told.add((claim.mark, first.mark))
                        yield _collision(claim, first)


def _suspects(specs: Specs) -> list[ModelSpec]:
    """Return the models whose names can meet others', in order: those where one name begins like another.

    A detector's names begin with a word of their own, so they also meet those of models that begin with it.
    """
    names_of: dict[str, set[str]] = {}
    watched: dict[str, set[tuple[str, str]]] = {}
    for model in specs.models:
        names_of.setdefault(model.tenant.name, set()).add(model.name)
        if any(layer.get("detectors") for layer in _layers(model)):
            watched.setdefault(model.tenant.name, set()).add((model.tenant.name, model.name))
    near: set[tuple[str, str]] = set()
    for model in specs.models:
        tenant = model.tenant.name
        if found := [front for front in _fronts(model.name) if front in names_of[tenant]]:
            near.update((tenant, name) for name in (model.name, *found))
        elif _may_meet_itself(model) and any(_meets_itself(case) for case in model.cases):
            near.add((tenant, model.name))
        if f"{model.name}-".startswith(_DETECTOR):
            near |= {(tenant, model.name), *watched.get(tenant, ())}
    return [model for model in specs.models if (model.tenant.name, model.name) in near]


def _fronts(name: str) -> Iterator[str]:
    return (name[:position] for position, letter in enumerate(name) if letter == "-")


def _may_meet_itself(model: ModelSpec) -> bool:
    """Say whether the names in the file allow it at all; to lay patches over each other only for this takes long."""
    for layer in _layers(model):
        predictors: Spec = layer.get("predictors") or {}
        if any("-" in name for name in predictors):
            return True
        if any("explainer" in ((part or {}).get("nodes") or {}) for part in (layer, *predictors.values())):
            return True
    return model.name == "explainer"


def _layers(model: ModelSpec) -> Iterator[Spec]:
    """Yield what the file says of the model, then each environment's patch."""
    yield model.spec
    yield from (patch for patch in (model.spec.get("environments") or {}).values() if patch)


def _meets_itself(case: Case) -> bool:
    named = {slot.name for slot in case.predictors}
    fronts = any(front in named for name in named for front in _fronts(name))
    return fronts or any("explainer" in slot.nodes for slot in case.predictors)


def _collision(claim: "Claim", first: "Claim") -> Problem:
    what = f"{claim.holder} would have the {claim.kind} {quoted(claim.name)}, and so would {first.holder}"
    does = {"route": "take each other's requests"}.get(claim.kind, "delete each other's pods for ever")
    does = "be one object" if claim.detector or first.detector else does
    return claim.mark, f"{what}: first at {first.mark}", f"choose another name: the two would {does}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A name that a part of a model takes in its namespace."""

    kind: str
    name: str
    case: Case
    slot: Slot | None = None
    part: str = ""
    detector: str = ""

    @property
    def holder(self) -> str:
        """Return whose the name is."""
        model = self.case.model.name
        if self.detector:
            return f"the detector {self.detector} of {model}"
        if self.slot is None:
            return f"the explainer of {model}" if self.part else f"the model {model}"
        own = "" if self.part == "predictor" else f", {self.part}"
        return f"{model}, predictor {self.slot.name}{own}"

    @property
    def mark(self) -> Mark:
        """Return where that part is named."""
        if self.detector:
            return self.case.key_mark("detectors", self.detector)
        return self.slot.name_mark() if self.slot else self.case.model.document.value_mark(("metadata", "name"))


def _claims(case: Case) -> Iterator[Claim]:
    yield Claim("route", case.model.name, case)
    yield Claim("AuthorizationPolicy", case.model.name, case)
    for name in case.spec.get("detectors", {}):
        for kind in ("Service", "AuthorizationPolicy"):
            yield Claim(kind, _of_detector(case, name), case, detector=name)
    if case.spec.get("explainer"):
        yield Claim("route", f"{case.model.name}-explainer", case, part="explainer")
    for slot in case.predictors:
        for kind, name, part in names(slot):
            yield Claim(kind, name, case, slot, part)


RULES = (
    Rule(
        id="name-too-long",
        title="names that are made of a model's, a predictor's, a node's and a detector's have at most 63 characters",
        why="Seldon would put a hash in the place of a longer one, and nobody would know whose it is; a container's "
        "name also has to fit into the key of a label, which leaves 48.",
        todo="Choose shorter names.",
        example="canary-for-everybody-who-pays-by-card-and-lives-far-away: {traffic: 10}",
        find=any_too_long,
    ),
    Rule(
        id="name-collision",
        title="the objects of a namespace's models have different names",
        why="Seldon joins names with -: model `a` with predictor `b-c` and model `a-b` with predictor `c` are one "
        "Deployment to it, which the two would delete from under each other. A model called like another's explainer "
        "would take its requests.",
        todo="Choose another name; predictors without - in their names never collide.",
        example="metadata: {name: fraud-explainer}",
        find=collisions,
        across=True,
    ),
)
