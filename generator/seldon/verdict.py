"""A judgement on a SeldonDeployment: which rule, where in the object, what is wrong, what comes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from generator.seldon.objects import Object, components, containers

Path = tuple[str | int, ...]  # keys and indices from the root of the object; () is the object itself


class Outcome(StrEnum):
    """How it ends."""

    REFUSED = "refused"  # the API server does not take the object
    FAILED = "failed"  # taken, then status.state Failed
    STUCK = "stuck"  # taken, then Creating without end, or a rollout that never ends
    WRONG = "wrong"  # Available, and does something else than written
    NOTED = "noted"  # works, with a cost that few expect


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One thing that is wrong with a SeldonDeployment.

    ``rule``: stable kebab-case id. ``path``: an existing place in the object, the nearest there is.
    ``message``: for the webhook's rules its exact text. ``consequence``: what happens, one sentence.
    ``refusal``: the webhook's whole line with field and value; "" for what no webhook says.
    """

    rule: str
    path: Path
    message: str
    consequence: str
    outcome: Outcome
    refusal: str = ""


def predictors(deployment: Object) -> Iterator[tuple[Path, Object]]:
    """Yield each predictor with its path."""
    for index, predictor in enumerate(deployment["spec"].get("predictors") or ()):
        yield ("spec", "predictors", index), predictor


def graph_nodes(predictor: Object, path: Path) -> Iterator[tuple[Path, Object]]:
    """Yield each node of a predictor's graph with its path; ``path``: the predictor's."""
    yield from _nodes(predictor["graph"], (*path, "graph"))


def component_parts(predictor: Object, path: Path) -> Iterator[tuple[Path, Object]]:
    """Yield each componentSpec with its path; ``path``: the predictor's."""
    for index, component in enumerate(components(predictor)):
        yield (*path, "componentSpecs", index), component


def component_containers(predictor: Object, path: Path) -> Iterator[tuple[Path, Object]]:
    """Yield each container of all componentSpecs with its path; ``path``: the predictor's."""
    for base, component in component_parts(predictor, path):
        for index, container in enumerate(containers(component)):
            yield (*base, "spec", "containers", index), container


def nearest(deployment: Object, path: Path) -> Path:
    """Return the longest beginning of the path that exists in the object."""
    place: Any = deployment
    for depth, step in enumerate(path):
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            return path[:depth]
    return path


def _nodes(node: Object, path: Path) -> Iterator[tuple[Path, Object]]:
    yield path, node
    for index, child in enumerate(node.get("children") or ()):
        yield from _nodes(child, (*path, "children", index))
