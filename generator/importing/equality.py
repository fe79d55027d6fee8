"""Hold what a rendered import does against what its original does: every difference is a known addition, or is named.

The additions are a closed list. Each says where it may stand, what it may change, and why gen makes it; whatever is
not exactly that is a difference, and the import is not proved.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from generator.build import container
from generator.importing.effects import COUNTED
from generator.importing.runtime import GENERATED, OWN
from generator.resolve import defaults
from generator.seldon.pods import GRACE_PERIOD_S

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where the two do not do the same; None stands for nothing."""

    path: Path
    before: Any
    after: Any

    @property
    def place(self) -> str:
        """Return the path as people read it."""
        return " > ".join(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """One thing that gen does beyond the original: where (parts of a path, with ``*``), what it may be, and why."""

    id: str
    where: tuple[str, ...]
    why: str
    may: Callable[[Any, Any], bool]


def _new(*values: Any) -> Callable[[Any, Any], bool]:
    """Return whether something was not there, and is one of the values."""
    return lambda before, after: before in (None, "", {}, []) and after in values


def _added(before: Any, after: Any) -> bool:
    return before is None and after is not None


def _any(_before: Any, _after: Any) -> bool:
    return True


OPEN = json.dumps({"tcpSocket": {"port": "http"}}, sort_keys=True)
HEALTH = tuple(
    json.dumps({"httpGet": {"path": path, "port": "http"}}, sort_keys=True)
    for path in (*defaults.BENTO_PROBES, *defaults.V2_PROBES)
)
_NODE = "predictors > * > nodes > *"
_MADE = (_NODE, "predictors > * > explainer", f"{_NODE} > tfserving")


def _each(*tails: str) -> tuple[str, ...]:
    return tuple(f"{front} > {tail}" for front in _MADE for tail in tails)


ADDITIONS: tuple[Addition, ...] = (
    Addition(
        id="route",
        where=(
            "route > hosts",
            "route > gateways",
            f"{_NODE} > annotations > seldon.io/istio-gateway",
            f"{_NODE} > annotations > seldon.io/istio-host",
        ),
        why="one gateway and the tenant's own host, where the operator would listen for every host",
        may=lambda before, after: before in (None, ["*"], ["istio-system/seldon-gateway"]) and bool(after),
    ),
    Addition(
        id="account",
        where=(f"{_NODE} > pod > serviceAccountName", "predictors > * > explainer > pod > serviceAccountName"),
        why="a ServiceAccount of the model's own: policies know its pods by it",
        may=_added,
    ),
    Addition(
        id="no-api-token",
        where=(f"{_NODE} > pod > automountServiceAccountToken",),
        why="no pod of a model talks to the cluster's API",
        may=_new(False),
    ),
    Addition(
        id="no-service-links",
        where=(f"{_NODE} > pod > enableServiceLinks",),
        why="variables of other Services do not get into the container",
        may=_new(False),
    ),
    Addition(
        id="user",
        where=_each("security > runAsUser", "security > runAsGroup", "security > fsGroup"),
        why="a numbered user, its group, and the group of its volumes",
        may=lambda before, after: before is None and type(after) is int and after > 0,
    ),
    Addition(
        id="non-root",
        where=_each("security > runAsNonRoot"),
        why="Pod Security restricted: the kubelet starts nothing as root",
        may=_new(True),
    ),
    Addition(
        id="no-privileges",
        where=_each("security > allowPrivilegeEscalation"),
        why="Pod Security restricted: no process gets more rights than its parent",
        may=_new(False),
    ),
    Addition(
        id="no-capabilities",
        where=_each("security > capabilities", "security > capabilities > drop"),
        why="Pod Security restricted: none of root's rights apart",
        may=_new({"drop": ["ALL"]}, ["ALL"]),
    ),
    Addition(
        id="seccomp",
        where=_each("security > seccompProfile", "security > seccompProfile > type"),
        why="Pod Security restricted: the runtime's own filter of system calls",
        may=_new({"type": "RuntimeDefault"}, "RuntimeDefault"),
    ),
    Addition(
        id="read-only-root",
        where=_each("security > readOnlyRootFilesystem"),
        why="the image cannot be changed while it runs; an explainer's can, for it has no volume to write to",
        may=_new(True, False),
    ),
    Addition(
        id="tmp",
        where=_each(
            "mounts > /tmp", "mounts > /tmp > source > emptyDir", "mounts > /tmp > source > emptyDir > sizeLimit"
        ),
        why="the root is read-only, so each pod has a /tmp of its own",
        may=_added,
    ),
    Addition(
        id="homes",
        where=_each(*(f"env > {name}" for name in (*GENERATED, *OWN))),
        why="what a process writes goes to /tmp",
        may=lambda before, after: before in (None, "/opt/mlserver") and after is not None,  # the operator's own
    ),
    Addition(
        id="resources",
        where=_each("resources > *", "resources > * > *"),
        why="requests and limits, equal: a quota refuses pods without them",
        may=_added,
    ),
    Addition(
        id="probe-times",
        where=_each("probes > * > times", "probes > * > times > *", "probes > startup > asks"),
        why="a startup probe, and times that fit it",
        may=_any,
    ),
    Addition(
        id="probe-paths",
        where=(f"{_NODE} > probes > * > asks",),
        why="gen asks a Bento or a server how it is, where the operator would only look whether the port is open",
        may=lambda before, after: before == OPEN and after in HEALTH,
    ),
    Addition(
        id="grace",
        where=(f"{_NODE} > pod > terminationGracePeriodSeconds",),
        why="a pod gets as long to end as its longest request takes",
        may=lambda before, after: before in (None, GRACE_PERIOD_S) and after is not None,
    ),
    Addition(
        id="explainer-stop",
        where=("predictors > * > explainer > container > lifecycle > preStop > exec > command",),
        why="a shorter wait before the end leaves more of the 20 s for a request",
        may=lambda before, after: before == ["/bin/sh", "-c", "/bin/sleep 10"] and bool(after),
    ),
    Addition(
        id="server-stop",
        where=(f"{_NODE} > tfserving > container > lifecycle",),
        why="TensorFlow Serving too waits until every proxy has heard that its pod leaves",
        may=_added,
    ),
    Addition(
        id="timeout",
        where=(f"{_NODE} > annotations > seldon.io/*-timeout",),
        why="the executor waits for a node as long as a request may take, where it would wait without end",
        may=_added,
    ),
    Addition(
        id="metrics",
        where=(f"{_NODE} > annotations > prometheus.io/*",),
        why="the mesh's agent is told the port of the metrics, or that there are none",
        may=lambda before, after: before in (None, "true", "/prometheus") and after != before,
    ),
    Addition(
        id="native-sidecar",
        where=(f"{_NODE} > annotations > sidecar.istio.io/nativeSidecar",),
        why="the model is fetched through the mesh, so the proxy starts first",
        may=_new("true"),
    ),
    Addition(
        id="ports",
        where=(
            *(f"{_NODE} > ports > {name}" for name in ("http", "grpc", "metrics")),
            "predictors > * > explainer > port",
        ),
        why="ports are written out, where the operator would count them up and renumber them",
        may=lambda before, after: before == COUNTED or (before is None and after is not None),
    ),
    Addition(
        id="progress",
        where=("predictors > * > progressDeadlineSeconds",),
        why="a rollout may take as long as the model takes to start",
        may=_added,
    ),
    Addition(
        id="loader",
        where=tuple(
            f"{_NODE} > pod > loader > {key}"
            for key in (
                "image",
                "resources > *",
                "resources > * > *",
                "volumeMounts",
                "env > HOME",
            )
        ),
        why="the model's loader has an image of the platform, its own resources and its own /tmp",
        may=_any,
    ),
    Addition(
        id="loader-walls",
        where=tuple(
            f"{_NODE} > pod > loader > securityContext{key}"
            for key in ("", " > capabilities > drop", *(f" > {key}" for key in container.walls()))
        ),
        why="Pod Security restricted holds for the model's loader too",
        may=lambda _, after: after in (container.walls(), ["ALL"], *container.walls().values()),
    ),
    Addition(
        id="straight",
        where=(
            "predictors > * > engine",
            f"{_NODE} > annotations > seldon.io/no-engine",
            f"{_NODE} > annotations > seldon.io/*-timeout",
        ),
        why="a single node that speaks v2 or tensorflow itself is called without Seldon's executor",
        may=lambda before, after: after in (None, "true") and before != after,
    ),
)


def compare(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Yield where two trees of plain data differ, as deep as both have something; an empty one is like none."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from compare(before.get(key), after.get(key), (*path, str(key)))
    elif before != after and not (before in (None, {}, []) and after in (None, {}, [])):
        yield Difference(path=path, before=before, after=after)


def judged(before: Any, after: Any) -> tuple[tuple[str, ...], tuple[Difference, ...]]:
    """Return the ids of the additions that were met, and the differences that are none."""
    met: dict[str, None] = {}
    left = []
    for one in compare(before, after):
        addition = next((known for known in ADDITIONS if _fits(known, one)), None)
        if addition is None:
            left.append(one)
        else:
            met[addition.id] = None
    return tuple(known.id for known in ADDITIONS if known.id in met), tuple(left)


def _fits(addition: Addition, one: Difference) -> bool:
    return any(_lies(one.path, where.split(" > ")) for where in addition.where) and addition.may(one.before, one.after)


def _lies(path: Path, where: list[str]) -> bool:
    return len(path) == len(where) and all(map(fnmatchcase, path, where))
