"""A SeldonDeployment -> the spec of a model; what is said and what is not goes into the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.importing import amounts, scale
from generator.importing.beside import explainer, log
from generator.importing.ledger import Change, Ledger
from generator.importing.nodes import Slot, flat
from generator.model import Protocol
from generator.resolve.defaults import MODEL, PREDICTOR
from generator.seldon.defaults import defaulted
from generator.seldon.objects import (
    NO_ENGINE,
    V2_PROTOCOLS,
    Object,
    annotation_of,
    has_engine,
    is_prepackaged,
    nodes,
)
from generator.seldon.settings import OperatorSettings
from generator.seldon.verdict import predictors

Spec = dict[str, Any]

API_VERSION, KIND = "modelapi/v1", "Model"
REST_TIMEOUT, GRPC_TIMEOUT = "seldon.io/rest-timeout", "seldon.io/grpc-timeout"
_MILLISECONDS = 1000
_GRACE_S = 15  # build/container.py, grace_s: what a pod gets beyond the longest request
_WHOLE = 100  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the platform already has: URL of a sink -> its name, the gateway, the hosts (with ``{tenant}``)."""

    sinks: Mapping[str, str] = field(default_factory=dict)
    gateway: str = ""  # namespace/name
    hosts: tuple[str, ...] = ()
    loader: str = ""  # the image that fetches models


def to_spec(original: Object, ledger: Ledger, settings: OperatorSettings, known: Known) -> Spec:
    """Return the spec file's data.

    The original has passed its CRD, the webhook and the traps that end Failed.

    Raises:
        UnsayableError: There is no spec that could mean this.
    """
    ledger.say(("apiVersion",), ("kind",), ("metadata", "name"))
    protocol = _protocol(original, ledger)
    counted = _counted(original, settings)
    logged = {} if protocol is Protocol.BENTO else log(original, ledger, known.sinks)
    behind = _has_executor(original, protocol, logged=bool(logged))
    slots = [
        Slot(predictor=predictor, place=at, protocol=protocol, counted=counted, executor=behind, loader=known.loader)
        for at, predictor in predictors(original)
    ]
    found = [(slot.predictor, _predictor(original, slot, ledger)) for slot in slots]
    name = original["metadata"]["name"]
    explained = {} if protocol is Protocol.BENTO else explainer(original, protocol, ledger, settings)
    _executors(original, protocol, ledger, behind=behind)
    model, patches = _patches(name, found)
    shares = _shares(original, patches, ledger)
    body = {
        "api": {} if protocol is Protocol.BENTO else {"protocol": protocol.value},
        **model,
        "predictors": shares,
        "explainer": explained,
        "log": logged,
    }
    spec = {key: value for key, value in body.items() if value}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def _protocol(original: Object, ledger: Ledger) -> Protocol:
    """Return what callers speak: no executor anywhere and no server of Seldon's means the container's own routes."""
    given = original["spec"].get("protocol") or "seldon"
    ledger.say(("spec", "protocol"))
    if given != "seldon":
        return Protocol.V2 if given in V2_PROTOCOLS else Protocol(given)
    found = original["spec"]["predictors"]
    bare = not any(has_engine(one) or any(map(is_prepackaged, nodes(one["graph"]))) for one in found)
    return Protocol.BENTO if bare else Protocol.SELDON


def _counted(original: Object, settings: OperatorSettings) -> dict[str, int]:
    """Return the HTTP port that the operator gives each node where its container declares none."""
    whole = defaulted(original, settings)
    found = [node for _, one in predictors(whole) for node in nodes(one["graph"])]
    return {node["name"]: node["endpoint"]["httpPort"] for node in found if "httpPort" in node.get("endpoint", {})}


def _predictor(original: Object, slot: Slot, ledger: Ledger) -> Spec:
    """Return what a predictor serves with: nodes by name, timeout and replicas."""
    ledger.say((*slot.place, "name"))
    timeout_s = _timeout_s(original, slot, ledger)
    usual = amounts.time(timeout_s) != MODEL["runtime.timeout"].value
    runtime = {
        **({"timeout": amounts.time(timeout_s)} if timeout_s and usual else {}),
        **scale.replicas(original, slot.predictor, slot.place, ledger),
    }
    return {"nodes": flat(slot, ledger), **({"runtime": runtime} if runtime else {})}


def _timeout_s(original: Object, slot: Slot, ledger: Ledger) -> int:
    """Return how many seconds a request may take, 0 where the original says nothing that a spec can say."""
    owners = ((slot.predictor, slot.place), (original["spec"], (*slot.place[:1],)))
    for owner, place in owners:
        text = annotation_of(owner, REST_TIMEOUT)
        if not text.isdigit() or int(text) % _MILLISECONDS or not amounts.time(int(text) // _MILLISECONDS):
            continue
        ledger.say((*place, "annotations", REST_TIMEOUT))
        if annotation_of(owner, GRPC_TIMEOUT) == text:
            ledger.say((*place, "annotations", GRPC_TIMEOUT))
        return int(text) // _MILLISECONDS
    return 0 if slot.executor else _grace_s(slot)


def _grace_s(slot: Slot) -> int:
    """Return what the pod's time to end leaves for a request: without executor that is all that a timeout means."""
    parts = slot.predictor.get("componentSpecs") or [{}]
    grace: int = (parts[0].get("spec") or {}).get("terminationGracePeriodSeconds") or 0
    return max(0, grace - _GRACE_S)


def _has_executor(original: Object, protocol: Protocol, *, logged: bool) -> bool:
    """Say whether gen puts an executor in front: where it translates, walks a graph, or logs (resolve/models.py)."""
    graphs = any(one["graph"].get("children") for one in original["spec"]["predictors"])
    return protocol is Protocol.SELDON or (protocol is not Protocol.BENTO and (logged or graphs))


def _executors(original: Object, protocol: Protocol, ledger: Ledger, *, behind: bool) -> None:
    """Say which predictors keep what they have, and note where gen leaves out an executor that was there."""
    for place, predictor in predictors(original):
        if has_engine(predictor) and not behind:
            reason = f"a single node that speaks {protocol.value} itself is called straight, without Seldon's executor"
            todo = "nothing; the executor's own metrics and /docs are no longer there"
            ledger.note((*place, "graph", "name"), Change.OTHERWISE, reason, todo)
        elif has_engine(predictor) == behind:
            ledger.say((*place, "annotations", NO_ENGINE))


def _patches(name: str, found: list[tuple[Object, Spec]]) -> tuple[Spec, dict[str, Spec]]:
    """Return what the first predictor serves with as the model's, and every predictor as a patch on it."""
    whole = [_shaped(name, spec, single=_all_single(found), named=_all_named(name, found)) for _, spec in found]
    base = whole[0]
    return base, {predictor["name"]: difference(base, spec) for (predictor, _), spec in zip(found, whole, strict=True)}


def _all_single(found: list[tuple[Object, Spec]]) -> bool:
    return all(len(spec["nodes"]) == 1 for _, spec in found)


def _all_named(name: str, found: list[tuple[Object, Spec]]) -> bool:
    """Say whether every predictor is one plain container called like the model: then a spec needs no nodes."""
    plain = {"run", "runtime"}
    return all(list(spec["nodes"]) == [name] and set(spec["nodes"][name]) <= plain for _, spec in found)


def _shaped(name: str, spec: Spec, *, single: bool, named: bool) -> Spec:
    if not single:
        return spec
    ((node_name, node),) = spec["nodes"].items()
    runtime = {**node.get("runtime", {}), **spec.get("runtime", {})}
    rest = {key: value for key, value in node.items() if key != "runtime"}
    serves: Spec = {"run": node["run"]} if named and node_name == name else {"nodes": {node_name: rest}}
    return {**serves, **({"runtime": runtime} if runtime else {})}


def difference(base: Spec, target: Spec, *, names: bool = False) -> Spec:
    """Return the smallest patch that makes ``target`` of ``base``, as generator/patch.py lays it on.

    ``names``: the keys are people's own, so that a node called "run" is no `run`.
    """
    patch: Spec = {}
    for key, value in target.items():
        below = base.get(key)
        if key not in base or (isinstance(value, dict) is not isinstance(below, dict)):
            patch[key] = value
        elif value != below:
            inside = isinstance(below, dict) and (names or key != "run")
            patch[key] = difference(below or {}, value, names=key == "nodes") if inside else value
    return {**patch, **{key: None for key in base if key not in target}}


def _shares(original: Object, slots: dict[str, Spec], ledger: Ledger) -> Spec:
    """Return the predictors with their traffic; empty where there is one that needs no word."""
    found = list(predictors(original))
    open_ones = [one for _, one in found if not one.get("shadow")]
    for place, predictor in found:
        traffic, shadow = predictor.get("traffic") or 0, bool(predictor.get("shadow"))
        ledger.say((*place, "shadow"))
        slot = slots[predictor["name"]]
        alone = shadow or len(open_ones) == 1
        if 0 <= traffic <= _WHOLE and not (alone and not shadow and traffic not in (0, _WHOLE)):
            ledger.say((*place, "traffic"))
            written = {} if alone and traffic in (0, _WHOLE) else {"traffic": traffic}
            slots[predictor["name"]] = {**written, **({"shadow": True} if shadow else {}), **slot}
    if list(slots) == [PREDICTOR] and not slots[PREDICTOR]:
        return {}
    return dict(slots)
