"""Predictors and their inference graphs."""

from typing import Any

from generator.model import Node, NodeType, Predictor
from generator.patch import Spec as Patchable
from generator.patch import merge
from generator.resolve.defaults import MODEL, PREDICTOR
from generator.resolve.runs import Setting, needs_pin, run
from generator.resolve.runtimes import runtime, scale
from generator.resolve.said import Said

_WHOLE = 100  # percent


def predictors(here: Patchable, setting: Setting) -> tuple[Predictor, ...]:
    """Return the predictors of a model as one environment has it: those that share the traffic, then the shadow.

    ``here``: the model's spec with the environment's patch. A model that names no predictor has one, ``main``.
    """
    patches: Patchable = here.get("predictors") or {PREDICTOR: {}}
    named = Said({"predictors": patches}, MODEL).each("predictors")
    alone = sum(not one["shadow"] for one in named.values()) == 1
    found = [_predictor(name, one, here, setting, alone=alone) for name, one in named.items()]
    # `main` first: the operator's status.address names the first predictor's Service.
    return tuple(sorted(found, key=lambda one: (one.shadow, one.name != PREDICTOR, one.name)))


def missing_pins(found: tuple[Predictor, ...], setting: Setting) -> tuple[str, ...]:
    """Return the keys under ``pins`` that an environment which requires pins does not have."""
    if not setting.place.environment.pins:
        return ()
    return tuple(
        _pin(predictor.name, node.name, single=not predictor.graph.children)
        for predictor in found
        for node in predictor.nodes()
        if needs_pin(node.run)
    )


def _predictor(name: str, own: Said, here: Patchable, setting: Setting, *, alone: bool) -> Predictor:
    spec = merge(here, dict(own.data))
    traffic = own.data.get("traffic")
    if traffic is None:
        traffic = _WHOLE if alone or own["shadow"] else 0
    return Predictor(
        name=name,
        traffic=traffic,
        shadow=own["shadow"],
        scale=scale(spec.get("runtime"), setting.place.environment.replicas),
        graph=_graph(name, spec, setting),
    )


def _graph(predictor: str, spec: Patchable, setting: Setting) -> Node:
    """Return the root of a predictor's graph; without ``nodes`` it is one node, named like the model."""
    if spec.get("nodes"):
        return _tree(predictor, spec, setting)
    return Node(
        name=setting.name,
        type=NodeType.MODEL,
        implementation="",
        run=run(spec["run"], setting, setting.name, predictor),
        runtime=runtime(spec.get("runtime")),
        parameters=(),
        children=(),
    )


def _tree(predictor: str, spec: Patchable, setting: Setting) -> Node:
    nodes = Said(spec, MODEL).each("nodes")
    listed = {child for one in nodes.values() for child in one["children"]}
    single = len(nodes) == 1
    usual = runtime(spec.get("runtime"))

    def grow(name: str) -> Node:
        said = nodes[name]
        repository = setting.name if single else f"{setting.name}-{name}"
        own, own_runtime = said.data.get("run"), said.data.get("runtime")
        return Node(
            name=name,
            # The executor itself sends requests to one of two; builders leave the type out (Seldon Core 1.17.1,
            # executor/predictor/predictor_process.go would call a container for type ROUTER).
            type=NodeType.ROUTER if said.text("implementation") else NodeType(said["type"]),
            implementation=said.text("implementation"),
            run=run(own, setting, repository, _pin(predictor, name, single=single)) if own else None,
            runtime=runtime(spec.get("runtime"), own_runtime) if own_runtime else usual,
            parameters=_parameters(said["parameters"]),
            children=tuple(grow(child) for child in said["children"]),
        )

    return grow(next(name for name in nodes if name not in listed))


def _pin(predictor: str, node: str, *, single: bool) -> str:
    return predictor if single else f"{predictor}/{node}"


def _parameters(said: Patchable) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, *typed(said[name])) for name in sorted(said))


def typed(value: Any) -> tuple[str, str]:
    """Return a parameter's text and Seldon's word for its type (Seldon Core 1.17.1, CRD: graph.parameters)."""
    match value:
        case bool():
            return str(value).lower(), "BOOL"
        case int():
            return str(value), "INT"
        case float():
            return str(value), "FLOAT"
        case _:
            return value, "STRING"
