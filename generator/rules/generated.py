"""Rules about the names that Seldon's operator makes of a model's: short enough to stay, and all different."""

from collections.abc import Iterator

from generator.diag import Mark, quoted
from generator.rules.cases import Case, Slot
from generator.rules.each import HERE, each_predictor
from generator.rules.rule import Problems, Rule
from generator.rules.specs import Specs
from generator.seldon.names import CONTAINER_MAX, NAME_MAX


def names(slot: Slot) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and part (predictor, node or explainer) of every object that the operator makes of a predictor.

    Not hashed: a name that is too long is refused, since the operator's substitute tells nobody what it is.
    Source: Seldon Core 1.17.1, operator, v1/seldondeployment_types.go and seldondeployment_explainers.go.
    """
    front = f"{slot.model.name}-{slot.name}"
    yield "Service", front, "predictor"
    for index, (node, _, _) in enumerate(slot.runs()):
        yield "Service", f"{front}-{node}", node
        yield "Deployment", f"{front}-{index}-{node}", node
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
    kind, name, _ = max(names(slot), key=lambda made: len(made[1]))
    if len(name) > NAME_MAX:
        what = f"the {kind} would be called {quoted(name)}, {len(name)} characters{HERE}"
        yield (
            slot.name_mark(),
            what,
            f"choose names of model, predictor and node that are {len(name) - NAME_MAX} shorter",
        )
    for node, path, _ in slot.runs():
        if len(node) > CONTAINER_MAX:
            mark = slot.key_mark(*path[:-1]) if slot.is_graph else slot.model.document.value_mark(("metadata", "name"))
            what = f"the name {quoted(node)} has {len(node)} characters: its label has room for {CONTAINER_MAX}"
            yield mark, what, "choose a shorter one"


def collisions(specs: Specs) -> Problems:
    """Find objects that two parts of a namespace's models would share."""
    taken: dict[tuple[str, str, str, str], tuple[str, Mark]] = {}
    for model in specs.models:
        for case in model.cases:
            for kind, name, holder, mark in _claims(case):
                for environment in case.environments:
                    key = (model.tenant.name, environment, kind, name)
                    first, place = taken.setdefault(key, (holder, mark))
                    if first != holder:
                        what = f"{holder} would have the {kind} {quoted(name)}, and so would {first}: first at {place}"
                        does = "take each other's requests" if kind == "route" else "delete each other's pods for ever"
                        yield mark, what, f"choose another name: the two would {does}"


def _claims(case: Case) -> Iterator[tuple[str, str, str, Mark]]:
    start = case.model.document.value_mark(("metadata", "name"))
    yield "route", case.model.name, f"the model {case.model.name}", start
    if case.spec.get("explainer"):
        yield "route", f"{case.model.name}-explainer", f"the explainer of {case.model.name}", start
    for slot in case.predictors:
        for kind, name, part in names(slot):
            own = "" if part == "predictor" else f", {part if part == 'explainer' else f'node {part}'}"
            yield kind, name, f"{case.model.name}, predictor {slot.name}{own}", slot.name_mark()


RULES = (
    Rule(
        id="name-too-long",
        title="names that are made of a model's, a predictor's and a node's have at most 63 characters",
        why="Seldon would put a hash in the place of a longer one, and nobody would know whose it is; a container's "
        "name also has to fit into the key of a label, which leaves 48.",
        todo="Choose shorter names.",
        example="canary-for-everybody-who-pays-by-card-and-lives-far-away: {traffic: 10}",
        find=each_predictor(too_long),
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
