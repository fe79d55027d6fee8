"""A model's spec -> Model, in one environment or with no environment's changes; and the images that it needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from generator.model import Detector, Explainer, Log, Model, Predictor, Protocol, Run
from generator.patch import Spec as Patchable
from generator.patch import merge
from generator.resolve import defaults
from generator.resolve.access import grants
from generator.resolve.graphs import missing_pins, predictors
from generator.resolve.operations import explain, operations
from generator.resolve.runs import Setting, image_run
from generator.resolve.runtimes import runtime
from generator.resolve.said import Said
from generator.resolve.tenants import nowhere
from generator.tenancy import Place, Platform, Tenant


def model(data: Mapping[str, Any], place: Place) -> Model:
    """Return the model as it is in one environment. ``data``: its spec file whole, after schema and rules."""
    said = Said(_here(data, place), defaults.MODEL)
    api = said.below("api")
    setting = _setting(data, said, place)
    found = predictors(dict(said.data), setting)
    executor = _executor(setting.protocol, found, logged=bool(said.data.get("log")))
    explainer = _explainer(said)
    issuer = place.platform.issuer(api.text("issuer")) if api.text("issuer") else place.platform.issuers[0]
    served = list(operations(setting, found, executor=executor, routes=api["routes"]))
    served += [explain(setting, explainer, found)] if explainer else []
    return Model(
        place=place,
        name=setting.name,
        owner=said.text("owner") or place.tenant.contact,
        data=said.text("data") or place.tenant.data,
        protocol=setting.protocol,
        executor=executor,
        issuer=issuer,
        audience=api.text("audience") or issuer.audiences[0],
        operations=tuple(sorted(served, key=lambda one: (one.name, one.port))),
        predictors=found,
        explainer=explainer,
        detectors=_detectors(said),
        log=_log(said, place),
        grants=grants(said.items("access"), place.environment.name, dict(place.tenant.callers)),
        missing_pins=missing_pins(found, setting),
    )


def base_model(data: Mapping[str, Any], platform: Platform, tenant: Tenant) -> Model:
    """Return the model with no environment's changes, in no namespace: what the environments have in common."""
    return model(data, nowhere(platform, tenant))


def image_builds(models: Iterable[Model]) -> tuple[Run, ...]:
    """Return every Bento that a model serves in some environment, by the image that it is built into, sorted.

    ``models``: the model in each environment of its tenant. ``image`` is what is pushed, also where an environment
    pins something else.
    """
    found: dict[str, Run] = {}
    for model in models:
        for predictor in model.predictors:
            built = [node.run for node in predictor.nodes() if node.run and node.run.kind == "bento"]
            found |= {run.tag_image: replace(run, image=run.tag_image) for run in built}
    return tuple(found[name] for name in sorted(found))


def _here(data: Mapping[str, Any], place: Place) -> Patchable:
    """Return the spec with the patch of the environment; its pins come with it."""
    spec: Patchable = data["spec"]
    return merge(spec, (spec.get("environments") or {}).get(place.environment.name))


def _setting(data: Mapping[str, Any], said: Said, place: Place) -> Setting:
    protocol = Protocol(said.below("api")["protocol"])
    return Setting(place=place, name=data["metadata"]["name"], protocol=protocol, pins=said.data.get("pins") or {})


def _executor(protocol: Protocol, found: Sequence[Predictor], *, logged: bool) -> bool:
    """Say whether Seldon's executor stands in front: where it translates, walks a graph, or logs.

    A single node that speaks v2 or tensorflow itself is called straight, which Pod Security restricted admits.
    """
    if protocol is Protocol.BENTO:
        return False
    return protocol is Protocol.SELDON or logged or any(one.graph.children for one in found)


def _explainer(said: Said) -> Explainer | None:
    if not said.data.get("explainer"):
        return None
    one = said.below("explainer")
    return Explainer(
        type=one["type"],
        predictor=one["predictor"],
        run=image_run(one["run"], default_port=defaults.EXPLAINER_PORT),
        runtime=runtime(one.data.get("runtime")),
    )


def _detectors(said: Said) -> tuple[Detector, ...]:
    return tuple(
        Detector(
            name=name,
            run=image_run(one["run"], default_port=defaults.NODE_PORT),
            runtime=runtime(one.data.get("runtime")),
        )
        for name, one in said.each("detectors").items()
    )


def _log(said: Said, place: Place) -> Log | None:
    if not said.data.get("log"):
        return None
    one = said.below("log")
    return Log(mode=one["mode"], sink=next(sink for sink in place.platform.sinks if sink.name == one["sink"]))
