"""What a container and its pod do, told so that two can be compared: the half of `effects` that Kubernetes reads."""

import json
import re
from typing import Any

from generator.importing.container import whole_image
from generator.importing.references import expanded
from generator.rules.containers import SELDON
from generator.seldon.names import initializer_container
from generator.seldon.objects import ENGINE_CONTAINER, PODINFO_VOLUME, Object, named

Effects = dict[str, Any]

_TOLD = (
    "name", "image", "env", "ports", "livenessProbe", "readinessProbe", "startupProbe", "resources", "volumeMounts",
    "securityContext",
)  # fmt: skip
_POD_TOLD = ("containers", "initContainers", "volumes", "securityContext")
# What Kubernetes takes where nothing is said, and the operator writes into most containers.
_USUAL = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
# What the operator writes into every pod (seldon/pods.py).
_CONSTANT = {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler"}
_MODEL_ENV = re.compile(r"MLSERVER_(MODEL_IMPLEMENTATION|MODEL_VERSION|MODEL_URI|MODEL_EXTRA|PARALLEL_WORKERS)")


def container_effects(container: Object, pod: Object, *, number: int) -> Effects:
    """Return what a container does. ``number``: its HTTP port, which probes may name by number or by word."""
    return {
        "image": whole_image(container.get("image", "")) or container.get("image"),
        "env": variables(container.get("env") or []),
        "probes": {
            key: _probe(container.get(f"{key}Probe") or {}, number) for key in ("liveness", "readiness", "startup")
        },
        "resources": container.get("resources") or {},
        "mounts": _mounts(container, pod),
        "security": {**(pod.get("securityContext") or {}), **(container.get("securityContext") or {})},
        "container": {key: value for key, value in container.items() if key not in _TOLD and _USUAL.get(key) != value},
    }


def variables(env: list[Object]) -> Effects:
    """Return the variables as the process sees them, without those that the operator derives from the rest."""
    seen = expanded(env)
    return {key: value for key, value in seen.items() if not SELDON.fullmatch(key) or _MODEL_ENV.fullmatch(key)}


def _probe(probe: Object, number: int) -> Effects:
    """Return what a probe asks, and apart from it when; the HTTP port stands as its word."""
    kinds = ("exec", "grpc", "httpGet", "tcpSocket")
    asked = {kind: dict(probe[kind]) for kind in kinds if kind in probe}
    for what in asked.values():
        if what.get("port") in (number, "http"):
            what["port"] = "http"
        if what.get("scheme") == "HTTP":
            del what["scheme"]
    times = {key: value for key, value in probe.items() if key not in kinds}
    return {"asks": json.dumps(asked, sort_keys=True) if asked else None, "times": times}


def _mounts(container: Object, pod: Object) -> Effects:
    """Return by path what is mounted there."""
    found: Effects = {}
    for mount in container.get("volumeMounts") or ():
        if mount["name"] == PODINFO_VOLUME:
            continue
        volume = named(pod.get("volumes"), mount["name"]) or {}
        source = {key: value for key, value in volume.items() if key != "name"}
        options = {key: value for key, value in mount.items() if key not in ("name", "mountPath", "readOnly")}
        read_only = bool(mount.get("readOnly") or (source.get("persistentVolumeClaim") or {}).get("readOnly"))
        if "persistentVolumeClaim" in source:
            source = {"persistentVolumeClaim": {"claimName": source["persistentVolumeClaim"]["claimName"]}}
        found[mount["mountPath"]] = {"source": source, "readOnly": read_only, **options}
    return found


def pod_effects(pod: Object, names: tuple[str, ...]) -> Effects:
    """Return what a node's pod does beside its containers: the loader of its model, other containers, the rest.

    ``names``: of the containers that do the node's work.
    """
    loaders = tuple(map(initializer_container, names))
    inits = pod.get("initContainers") or []
    loader = next((one for one in inits if one["name"] in loaders), None)
    rest = {key: value for key, value in pod.items() if key not in _POD_TOLD and _CONSTANT.get(key) != value}
    if "tolerations" in rest:
        rest["tolerations"] = [{"operator": "Equal", **one} for one in rest["tolerations"]]  # Kubernetes' default
    return {
        "loader": _loader(loader) if loader else None,
        "inits": {one["name"]: one for one in inits if not one["name"].endswith("-model-initializer")},
        "sidecars": sorted(
            one["name"] for one in pod["containers"] if not _bound(one) and one["name"] not in (*_OPERATORS, *names)
        ),
        **rest,
    }


_OPERATORS = (ENGINE_CONTAINER, "tfserving")


def _bound(container: Object) -> bool:
    """Say whether a container serves a node: the operator tells every such container so."""
    return any(one["name"] in ("PREDICTIVE_UNIT_ID", "MLSERVER_MODEL_NAME") for one in container.get("env") or ()) or (
        container.get("args") or [""]
    )[0].startswith(("--port=", "/opt/tritonserver"))


def _loader(container: Object) -> Effects:
    keys = ("name", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "env")
    told = {key: value for key, value in container.items() if key not in keys}
    return {**told, "env": variables(container.get("env") or [])}
