"""The graph of a predictor and its containers -> `nodes` of a spec, flat and by name."""

import re
from dataclasses import dataclass
from math import isfinite
from typing import Any

from generator.document import Path
from generator.importing import amounts
from generator.importing.container import image_run, say_open, served, startup_s
from generator.importing.ledger import Change, Ledger, UnsayableError
from generator.importing.runtime import LOADER, Part, runtime
from generator.model import NodeType, Protocol
from generator.resolve.defaults import MODEL
from generator.resolve.graphs import typed
from generator.resolve.said import seconds
from generator.seldon.names import initializer_container
from generator.seldon.objects import (
    MODEL_MOUNT_PATH,
    Object,
    container_of,
    containers,
    is_prepackaged,
    node_named,
    nodes,
)
from generator.seldon.verdict import component_containers, component_parts, graph_nodes

Spec = dict[str, Any]

ABTEST = "RANDOM_ABTEST"
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# What Seldon's Python servers take for a truth value: distutils.util.strtobool.
_BOOLS = {
    **dict.fromkeys(("1", "t", "true", "y", "yes", "on"), True),
    **dict.fromkeys(("0", "f", "false", "n", "no", "off"), False),
}
_INT_MAX = 2**63  # a larger one is no integer to the readers of YAML


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A predictor of the original and where it stands; ``counted``: container -> the HTTP port that it would get."""

    predictor: Object
    place: Path
    protocol: Protocol
    counted: dict[str, int]
    executor: bool  # gen puts one in front
    loader: str = ""  # the platform's image that fetches models


def flat(slot: Slot, ledger: Ledger) -> Spec:
    """Return the nodes of a predictor by name, each with its run and runtime.

    Raises:
        UnsayableError: A spec has no word for a node, and a graph without it would be another.
    """
    found: Spec = {}
    for place, node in graph_nodes(slot.predictor, slot.place):
        name = node["name"]
        if name in found:
            raise UnsayableError((*place, "name"), f'two nodes are called "{name}"', "give each its own name")
        if not _NAME.fullmatch(name):
            todo = "take lower-case letters, digits and -, beginning with a letter"
            raise UnsayableError((*place, "name"), "a spec has no node of such a name", todo)
        found[name] = _node(slot, node, place, ledger)
    _sidecars(slot, ledger)
    _shared(slot, ledger)
    return found


def _node(slot: Slot, node: Object, place: Path, ledger: Ledger) -> Spec:
    ledger.say((*place, "name"))
    children = [child["name"] for child in node.get("children") or ()]
    said = {
        **_kind(node, place, ledger),
        "children": children,
        "parameters": _parameters(node, place, ledger),
        **_container(slot, node, place, ledger),
    }
    return {key: value for key, value in said.items() if value}


def _kind(node: Object, place: Path, ledger: Ledger) -> Spec:
    implementation = node.get("implementation") or ""
    if implementation == ABTEST:
        ledger.say((*place, "implementation"))
        return {"implementation": ABTEST}
    if is_prepackaged(node):
        return {}
    if implementation and implementation != "UNKNOWN_IMPLEMENTATION":
        reason = f"Seldon's executor has no {implementation}: it passes the message on"
        raise UnsayableError((*place, "implementation"), reason, "write a container that does it, and import again")
    kind = node.get("type") or "MODEL"
    if kind not in tuple(NodeType):
        raise UnsayableError((*place, "type"), f"the executor never calls a node of type {kind}", "say what it does")
    ledger.say((*place, "type"))
    return {} if kind == MODEL["nodes.*.type"].value else {"type": kind}


def _container(slot: Slot, node: Object, place: Path, ledger: Ledger) -> Spec:
    if (node.get("implementation") or "") == ABTEST:
        return {}
    server, part = is_prepackaged(node), _part(slot, node)
    run = served(node, place, ledger) if server else {}
    if server and part is not None:
        _loader(slot, part, run, ledger)
    if part is None:
        return {"run": run}
    if server:
        say_open(part, slot.counted.get(node["name"], 0), ledger)
    else:
        run = image_run(part, slot.protocol, ledger, counted=slot.counted.get(node["name"], 0))
    ledger.say((*part.place, "name"))
    start = startup_s(part, ledger)
    usual = seconds(MODEL["runtime.startup"].value)
    said = {**runtime(part, ledger), **({"startup": amounts.time(start)} if start and start != usual else {})}
    return {"run": run, "runtime": said}


def _loader(slot: Slot, part: Part, run: Spec, ledger: Ledger) -> None:
    """Note an own loader of a stock server's model that does what gen's does."""
    wanted = [run.get("modelUri"), MODEL_MOUNT_PATH]
    for index, one in enumerate(part.pod.get("initContainers") or ()):
        named_so = one["name"] == initializer_container(part.container["name"])
        strange = [entry["name"] for entry in one.get("env") or () if not entry["name"].startswith((LOADER, "HOME"))]
        if named_so and one.get("args") == wanted and not strange and "envFrom" not in one and "command" not in one:
            at = (*part.pod_place, "initContainers", index)
            ledger.say(*((*at, key) for key in one if key != "env"))
            if one.get("image") != slot.loader:
                reason = "the platform names the loader's image, gen its resources and walls"
                ledger.note((*at, "image"), Change.OTHERWISE, reason, "say it in platform.yaml, build.images.storage")


def _part(slot: Slot, node: Object) -> Part | None:
    found = container_of(slot.predictor, node["name"])
    if found is None:
        return None
    index, container = found
    pod = slot.predictor["componentSpecs"][index]["spec"]
    pod_place = (*slot.place, "componentSpecs", index, "spec")
    place = (*pod_place, "containers", pod["containers"].index(container))
    stock = [one["name"] for one in nodes(slot.predictor["graph"]) if is_prepackaged(one)]
    return Part(
        container=container,
        place=place,
        pod=pod,
        pod_place=pod_place,
        server=is_prepackaged(node),
        # The operator puts a stock server without a container into the first pod.
        beside_server=any(_index_of(slot, name) == index for name in stock),
    )


def _index_of(slot: Slot, name: str) -> int:
    found = container_of(slot.predictor, name)
    return 0 if found is None else found[0]


def _parameters(node: Object, place: Path, ledger: Ledger) -> Spec:
    found: Spec = {}
    for index, given in enumerate(node.get("parameters") or ()):
        name, at = given["name"], (*place, "parameters", index)
        value = typed_parameter(given["value"], given["type"])
        if not _PARAMETER.fullmatch(name) or name in found or value is None:
            continue
        found[name] = value
        ledger.say(at)
        if (written := typed(value)) != (given["value"], given["type"]):
            reason = f"gen writes it as {written[1]} {written[0]}, which means the same"
            todo = "look whether the container reads the text itself and needs it letter by letter"
            ledger.note((*at, "value"), Change.OTHERWISE, reason, todo)
    return found


def typed_parameter(value: str, kind: str) -> Any:
    """Return a parameter's value, None where it is not of its type."""
    try:
        match kind:
            case "INT":
                return number if abs(number := int(value)) < _INT_MAX else None
            case "FLOAT" | "DOUBLE":
                return real if isfinite(real := float(value)) else None
            case "BOOL":
                return _BOOLS.get(value.lower())
            case "STRING":
                return value
            case _:
                return None
    except ValueError:
        return None


def _sidecars(slot: Slot, ledger: Ledger) -> None:
    for place, container in component_containers(slot.predictor, slot.place):
        if node_named(slot.predictor["graph"], container["name"]) is None and container["name"] != "tfserving":
            reason = "a spec has no containers beside its nodes"
            todo = "make it part of the node's image, or a model of its own"
            ledger.note(place, Change.LEFT_OUT, reason, todo)


def _shared(slot: Slot, ledger: Ledger) -> None:
    """Note pods that hold several nodes."""
    names = [node["name"] for node in nodes(slot.predictor["graph"])]
    for place, component in component_parts(slot.predictor, slot.place):
        together = [container["name"] for container in containers(component) if container["name"] in names]
        if len(together) > 1:
            reason = f"gen gives every node a pod of its own; {', '.join(together)} were in one"
            todo = "nothing, unless they share files or memory; each pod now has its own resources and replicas"
            ledger.note((*place, "spec", "containers"), Change.OTHERWISE, reason, todo)
