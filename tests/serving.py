"""What the tests of serving ask a SeldonDeployment and what the operator makes of it."""

from collections.abc import Iterator
from typing import Any

import pytest
import serving_cases as cases

from generator.build import seldon
from generator.model import Model
from generator.seldon.operator import expand
from generator.tenancy import Object

MODELS = cases.models()
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
NO_ENGINE = [name for name, model in MODELS.items() if not model.executor]


def built(model: Model) -> Object:
    (made,) = seldon.build(model)
    return made


def predictors(model: Model) -> dict[str, Object]:
    return {one["name"]: one for one in built(model)["spec"]["predictors"]}


def pods(model: Model) -> list[Object]:
    return [part["spec"] for one in predictors(model).values() for part in one["componentSpecs"]]


def own(model: Model) -> Object:
    found: Object = pods(model)[0]["containers"][0]
    return found


def expanded(model: Model, kind: str = "Deployment") -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in expand(built(model)) if one["kind"] == kind}


def every_container(deployment: Object) -> list[Object]:
    spec = deployment["spec"]["template"]["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value
