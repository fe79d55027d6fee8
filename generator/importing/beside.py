"""What stands beside the graph -> `log` and `explainer` of a spec."""

import re
from collections.abc import Mapping
from typing import Any

from generator.document import Path
from generator.importing.container import image_run
from generator.importing.ledger import Change, Ledger
from generator.importing.runtime import Part, runtime
from generator.model import Protocol
from generator.resolve import defaults
from generator.seldon.explainer import DEFAULT_PORT
from generator.seldon.objects import Object, has_explainer, named
from generator.seldon.settings import OperatorSettings
from generator.seldon.verdict import predictors

Spec = dict[str, Any]

TYPES = (
    "AnchorTabular", "AnchorImages", "AnchorText", "Counterfactuals", "Contrastive", "KernelShap",
    "IntegratedGradients", "ALE", "TreeShap",
)  # fmt: skip
SINK = re.compile(  # schema/platform.schema.json, sinks.*.url
    r"https?://(?P<service>[a-z]([-a-z0-9]*[a-z0-9])?)\.(?P<namespace>[a-z0-9]([-a-z0-9]*[a-z0-9])?)"
    r"\.svc(\.cluster\.local)?:[1-9][0-9]{0,4}(/[A-Za-z0-9_~.-]+)*"
)
_HOST = re.compile(r"(https?)://[a-z0-9.-]+(?=/|$)")
_PORTS = {"http": 80, "https": 443}
_MODES = ("request", "response", "all")
_BASE = "docker.io/"


def log(original: Object, ledger: Ledger, sinks: Mapping[str, str]) -> Spec:
    """Return the request log, if all predictors log the same at their root, to a Service of the cluster."""
    roots = [(place, one["graph"].get("logger") or {}) for place, one in predictors(original)]
    first = roots[0][1]
    url, mode = whole_url(first.get("url") or ""), first.get("mode") or ""
    found = SINK.fullmatch(url)
    if mode not in _MODES or found is None or any(logger != first for _, logger in roots):
        return {}
    ledger.say(*((*place, "graph", "logger") for place, _ in roots))
    if url not in sinks:
        reason = "a spec names a sink of platform.yaml, never a URL"
        todo = f'the platform adds to its sinks: {sink_name(url)}: {{url: "{url}"}}'
        ledger.note((*roots[0][0], "graph", "logger", "url"), Change.OTHERWISE, reason, todo)
    return {"mode": mode, "sink": sinks.get(url) or sink_name(url)}


def whole_url(url: str) -> str:
    """Return an address with its port written out, as platform.yaml wants it."""
    found = _HOST.match(url)
    return f"{found[0]}:{_PORTS[found[1]]}{url[found.end() :]}" if found else url


def sink_name(url: str) -> str:
    """Return the name that an import proposes for a sink: the Service's."""
    found = SINK.fullmatch(url)
    return found["service"] if found else "log"


def explainer(original: Object, protocol: Protocol, ledger: Ledger, settings: OperatorSettings) -> Spec:
    """Return the one explainer that a spec can have; any other stays open in the ledger."""
    found = [(place, one) for place, one in predictors(original) if has_explainer(one)]
    for place, predictor in found:
        given, at = predictor["explainer"], (*place, "explainer")
        if given["type"] in TYPES and not given.get("modelUri"):
            return _explainer(predictor["name"], _part(given, at), protocol, ledger, settings)
        if given.get("modelUri"):
            reason = "a spec's explainer is an image that holds what it needs; this one is loaded from a URL"
            ledger.note(at, Change.LEFT_OUT, reason, "build such an image, then write it as spec.explainer")
    return {}


def _part(given: Object, at: Path) -> Part:
    return Part(container=given.get("containerSpec") or {}, place=(*at, "containerSpec"), pod={}, pod_place=at)


def _explainer(name: str, part: Part, protocol: Protocol, ledger: Ledger, settings: OperatorSettings) -> Spec:
    at = part.pod_place
    ledger.say((*at, "type"))
    image = str(part.container.get("image") or "")
    if not image:
        image = f"{_BASE}{settings.explainer_image_v2 if protocol is Protocol.V2 else settings.explainer_image}"
        reason = f"a spec names the image; the operator's own is written, {image}"
        ledger.note((*at, "type"), Change.OTHERWISE, reason, "mirror it, and name it by its digest")
    given = {**_reachable(part, ledger, v2=protocol is Protocol.V2), "image": image}
    part = Part(container=given, place=part.place, pod={}, pod_place=at)
    run = image_run(part, Protocol.SELDON, ledger)
    port = _port(part, ledger)
    run = {key: value for key, value in run.items() if key not in ("port", "grpcPort")}
    said = runtime(part, ledger)
    return {
        "type": ledger.value(*at, "type"),
        **({} if name == defaults.PREDICTOR else {"predictor": name}),
        "run": {**run, **({"port": port} if port and port != defaults.EXPLAINER_PORT else {})},
        **({"runtime": said} if said else {}),
    }


def _reachable(part: Part, ledger: Ledger, *, v2: bool) -> Object:
    """Return the container without what an explainer's cannot have: volumes, and in v2 variables."""
    if not v2:
        ledger.say((*part.place, "name"))
    gone = ("volumeMounts", "env") if v2 else ("volumeMounts",)
    return {key: value for key, value in part.container.items() if key not in gone}


def _port(part: Part, ledger: Ledger) -> int:
    """Return the port if the original names it where it counts, 0 if the operator chooses it.

    The Service and the route read ``endpoint``, the server is told the container's (explainers.go).
    """
    declared = named(part.container.get("ports"), "http")
    place = (*part.pod_place, "endpoint", "service_port")
    wanted: int = ledger.value(*place) or 0
    if declared is None:
        ledger.say(place)
        return wanted
    if declared["containerPort"] != (wanted or DEFAULT_PORT):
        ledger.unsay((*part.place, "ports", part.container["ports"].index(declared)))
        return wanted
    ledger.say(place)
    return int(declared["containerPort"])
