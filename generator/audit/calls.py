"""Calls: method, path and port of everything that can be asked of a model's pods, and the operation that each is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from generator.access import policy as p
from generator.access.mesh import Mesh, Workload, guard
from generator.access.request import Protocol
from generator.build.meta import COMPONENT
from generator.build.neighbours import neighbour_operations
from generator.build.pods import metrics
from generator.model import Model, Operation

METRICS, BETWEEN, ELSE = "metrics", "between its pods", "anything else"
UNKNOWN_PATH = "/nothing-that-anybody-asked-for"
DETECTOR = "detector-"  # what the label of a detector's pods begins with


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Call:
    """A request as the pod sees it; ``prefix`` is what the gateway's route takes off, "" for the model's usual one.

    ``detector`` is the label of the detector that is asked, "" for the model itself.
    """

    method: str
    path: str
    port: int
    protocol: Protocol = Protocol.HTTP
    prefix: str = ""
    detector: str = ""


def calls_of(model: Model) -> dict[Call, str]:
    """Return what the specs know of: operations first, then the side doors, each call once."""
    usual = f"/seldon/{model.place.namespace}/{model.name}"
    found: dict[Call, str] = {}
    for operation in model.operations:
        prefix = "" if operation.prefix == usual else operation.prefix
        for call in _calls(operation, prefix):
            found.setdefault(call, operation.name)
    for port, path in metrics(model):
        found.setdefault(Call(method="GET", path=path, port=port), METRICS)
    for call, _ in neighbours(model):
        found.setdefault(call, BETWEEN)
    for detector in model.detectors:
        label = DETECTOR + detector.name
        for path in ("/", UNKNOWN_PATH):  # its policy knows the sink, not the path that it posts to
            call = Call(method="POST", path=path, port=detector.run.port, detector=label)
            found.setdefault(call, detector_door(label))
    return found


def detector_door(label: str) -> str:
    """Return the operation of posting to a detector, as in "detector drift"."""
    return label.replace("-", " ", 1)


def detector_label(pod: Workload) -> str:
    """Return the label that says which detector a pod is, "" for any other pod."""
    label = pod.labels.get(COMPONENT, "")
    return label if label.startswith(DETECTOR) else ""


def neighbours(model: Model) -> Iterator[tuple[Call, Operation]]:
    """Yield what the model's own pods ask of each other."""
    for operation in neighbour_operations(model):
        for call in _calls(operation, ""):
            yield call, operation


def harvested(mesh: Mesh, pods: Iterable[Workload], known: Mapping[Call, str]) -> dict[Call, str]:
    """Return the calls that only a policy speaks of, and on each port those that nothing speaks of."""
    found: dict[Call, str] = {}
    said = {(call.method, call.path, call.port) for call in known}
    for pod in pods:
        detector = detector_label(pod)
        spoken = [
            call
            for policy in guard(mesh, pod).policies
            for rule in policy.rules
            for call in _spoken_of(rule, pod, detector)
        ]
        for call in (*spoken, *_unspoken(pod, detector)):
            if (call.method, call.path, call.port) not in said:
                found.setdefault(call, ELSE if call.path == UNKNOWN_PATH else f"{call.method} {call.path}")
    return found


def _unspoken(pod: Workload, detector: str) -> Iterator[Call]:
    for port in pod.ports:
        number = port.container
        if port.protocol == "grpc":
            yield Call(method="POST", path=UNKNOWN_PATH, port=number, protocol=Protocol.GRPC, detector=detector)
            continue
        for method in ("GET", "POST"):
            yield Call(method=method, path=UNKNOWN_PATH, port=number, detector=detector)


def _calls(operation: Operation, prefix: str) -> Iterator[Call]:
    for path in operation.paths:
        for method in operation.methods:
            yield Call(method=method, path=path, port=operation.port, prefix=prefix)
    for path in operation.grpc_paths:
        port = operation.grpc_port or operation.port
        yield Call(method="POST", path=path, port=port, protocol=Protocol.GRPC, prefix=prefix)


def _spoken_of(rule: p.Rule, pod: Workload, detector: str) -> Iterator[Call]:
    own = tuple(dict.fromkeys(port.container for port in pod.ports))
    for conditions in rule.operations:
        said = {condition.key: condition.values for condition in conditions}
        ports = [int(port) for port in said.get(p.PORT, ()) if port.isdecimal()] or own
        for path in said.get(p.PATH, ()) or (UNKNOWN_PATH,):
            for method in said.get(p.METHOD, ()) or ("GET", "POST"):
                for port in ports:
                    yield Call(method=_plain(method), path=_path(path), port=port, detector=detector)


def _plain(method: str) -> str:
    return "GET" if "*" in method else method.upper()


def _path(path: str) -> str:
    """Return a path that a pattern matches."""
    made = path.replace("{**}", "some/thing").replace("{*}", "something").replace("*", "something")
    return made if made.startswith("/") else f"/{made}"
