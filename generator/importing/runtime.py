"""A container and its pod -> the runtime of a node: environment, Secrets, volumes, resources, placement."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from generator.document import Path
from generator.importing import amounts
from generator.importing.ledger import Change, Ledger
from generator.importing.references import REFERENCE, seen_before
from generator.resolve.defaults import MODEL
from generator.rules.containers import SELDON
from generator.seldon.names import initializer_container
from generator.seldon.objects import Object, named
from generator.seldon.quantity import canonical

Spec = dict[str, Any]

GENERATED = {
    "HOME": "/tmp",  # noqa: S108  # what build/container.py writes: it need not be said
    "XDG_CACHE_HOME": "/tmp",  # noqa: S108
    "BENTOML_HOME": "/tmp/bentoml",  # noqa: S108
    "BENTOML_DO_NOT_TRACK": "True",
    "MLSERVER_ENVIRONMENTS_DIR": "/tmp/environments",  # noqa: S108
    "MLSERVER_METRICS_DIR": "/tmp/metrics",  # noqa: S108
}
# Where one of these stands, operator/utils/utils.go (SetEnvVar) returns an empty list.
WIPING = re.compile(
    r"PREDICTIVE_UNIT_(HTTP|GRPC)_SERVICE_PORT|MLSERVER_(HTTP|GRPC)_PORT|MLSERVER_MODEL_URI"
    r"|PREDICTIVE_UNIT_PARAMETERS"
)
OWN = ("BENTOML_PORT",)
LOADER = "RCLONE_"  # credentials of a model's store, for the loader alone: build/server.py
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_OBJECT = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SECRET_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?")
_VOLUMES = ("kfserving-pvc-source", "seldon-podinfo", "tmp")  # the pod's own: seldon/, build/server.py
_PATHS = ("/etc/podinfo", "/mnt/models", "/mnt/pvc", "/tmp")  # noqa: S108
_LOADED = ("-provision-location", "-model-initializer")
_TAINT = {  # schema/model.schema.json, toleration
    "key": re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*"),
    "value": re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)?"),
    "effect": re.compile(r"(NoSchedule|PreferNoSchedule|NoExecute)?"),
}
_GPU = "nvidia.com/gpu"
_EMPTY = str(MODEL["runtime.memory"].value)  # for a volume in memory or on disk that has no limit, as much again


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A container in the original, with the pod that it is in, and the paths of both."""

    container: Object
    place: Path
    pod: Object
    pod_place: Path
    server: bool = False  # one of Seldon's stock servers
    beside_server: bool = False  # one of them is in the pod, so that what the pod says of users is not this one's alone


def runtime(part: Part, ledger: Ledger) -> Spec:
    """Return what a spec says of the container and its pod; what it cannot say stays open in the ledger."""
    env, secrets = _variables(part, ledger)
    said = {
        **_resources(part, ledger),
        "env": env,
        "secrets": secrets,
        "volumes": _volumes(part, ledger),
        "placement": _placement(part, ledger),
    }
    return {key: value for key, value in said.items() if value}


def _variables(part: Part, ledger: Ledger) -> tuple[Spec, Spec]:
    env: Spec = {}
    secrets: Spec = {}
    for entry, place, loader in _entries(part):
        name = str(entry.get("name") or "")
        if name in OWN or (GENERATED.get(name) == entry.get("value") and "valueFrom" not in entry):
            continue  # gen writes it anyway, or it is compared as it stands
        if SELDON.fullmatch(name) and not loader:
            ledger.note(place, Change.LEFT_OUT, _owned(name), "nothing: the right value is set for you")
        if not _VARIABLE.fullmatch(name) or SELDON.fullmatch(name) or (part.server and loader != _loads(name)):
            continue
        reference = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
        if "valueFrom" not in entry:
            value = _standing(entry, part, ledger, place)
            if value is not None:
                env[name] = value
                ledger.say(place)
        elif _is_reference(reference) and set(entry["valueFrom"]) == {"secretKeyRef"}:
            secrets[name] = {"secret": reference["name"], "key": reference["key"]}
            ledger.say(place)
    return env, secrets


def _standing(entry: Object, part: Part, ledger: Ledger, place: Path) -> str | None:
    """Return a value that means the same whatever stands before it, None where there is none.

    A spec sorts its variables, so ``$(NAME)`` is written out where it stands for one before it, and doubled where it
    stands for itself (Kubernetes, "Define Dependent Environment Variables").
    """
    given = str(entry.get("value") or "")
    before, others = seen_before(entry, part.container.get("env") or [])
    unsure = False

    def instead(found: re.Match[str]) -> str:
        nonlocal unsure
        name = found[1]
        if name in before:
            known = before[name]
            unsure = unsure or not isinstance(known, str)
            return str(known).replace("$(", "$$(")
        return f"${found[0]}" if name in others or name in GENERATED or name in OWN else found[0]

    written = REFERENCE.sub(lambda found: instead(found) if found[1] else found[0], given)
    if unsure:
        return None
    if written != given:
        reason = "a spec sorts its variables, so what one takes from another is written out"
        ledger.note((*place, "value"), Change.OTHERWISE, reason, "look whether it still has to follow the other")
    return written


def _owned(name: str) -> str:
    if WIPING.fullmatch(name):
        return f"{name} is Seldon's; where it stands the operator drops all variables of the container, which count now"
    return f"{name} is Seldon's: the operator's own value comes after it, or before it"


def _loads(name: str) -> bool:
    return name.startswith(LOADER)


def _entries(part: Part) -> Iterator[tuple[Object, Path, bool]]:
    """Yield each variable with its path: the container's, then those of its own loader."""
    for index, entry in enumerate(part.container.get("env") or ()):
        yield entry, (*part.place, "env", index), False
    if part.server:
        wanted = initializer_container(part.container["name"])
        for number, loader in enumerate(part.pod.get("initContainers") or ()):
            for index, entry in enumerate((loader.get("env") or ()) if loader.get("name") == wanted else ()):
                yield entry, (*part.pod_place, "initContainers", number, "env", index), True


def _is_reference(reference: Object) -> bool:
    name, key = str(reference.get("name") or ""), str(reference.get("key") or "")
    return bool(set(reference) <= {"name", "key"} and _OBJECT.fullmatch(name) and _SECRET_KEY.fullmatch(key))


def _resources(part: Part, ledger: Ledger) -> Spec:
    given = part.container.get("resources") or {}
    place = (*part.place, "resources")
    said = {
        **_amount(given, "cpu", place, ledger),
        **_amount(given, "memory", place, ledger),
    }
    gpu = str((given.get("limits") or {}).get(_GPU) or "")
    if gpu.isdigit() and 0 < int(gpu) <= 64:  # noqa: PLR2004  # the schema's most
        said["gpu"] = int(gpu)
        ledger.say((*place, "limits", _GPU))
    return said


def _amount(given: Object, name: str, place: Path, ledger: Ledger) -> Spec:
    """Return the one amount that gen makes request and limit of: the limit, else a request above the default."""
    write = amounts.cpu if name == "cpu" else amounts.memory
    limit, asked = (write((given.get(kind) or {}).get(name, "")) for kind in ("limits", "requests"))
    default = str(MODEL[f"runtime.{name}"].value)
    found = limit or (asked if asked and not amounts.is_more(default, asked) else "")
    if not found:
        return {}
    for kind, amount in (("limits", limit), ("requests", asked)):
        if amount == found and canonical(given[kind][name]) == canonical(found):
            ledger.say((*place, kind, name))
    return {} if found == default else {name: found}


def _volumes(part: Part, ledger: Ledger) -> Spec:
    found: Spec = {}
    mounts = list(part.container.get("volumeMounts") or ())
    for index, mount in enumerate(mounts):
        name, path = str(mount.get("name") or ""), str(mount.get("mountPath") or "")
        plain = set(mount) <= {"name", "mountPath", "readOnly"} and sum(one.get("name") == name for one in mounts) == 1
        fits = plain and _NAME.fullmatch(name) and _PATH.fullmatch(path)
        volume = named(part.pod.get("volumes"), name)
        if not fits or volume is None or name in _VOLUMES or path in _PATHS or name.endswith(_LOADED):
            continue
        at = (*part.pod_place, "volumes", part.pod["volumes"].index(volume))
        kind = _volume(volume, at, ledger)
        if kind:
            usual = "empty" not in kind
            read_only = bool(mount.get("readOnly"))
            found[name] = {"path": path, **kind, **({} if read_only == usual else {"readOnly": read_only})}
            ledger.say((*part.place, "volumeMounts", index), (*at, "name"))
    return found


def _volume(volume: Object, at: Path, ledger: Ledger) -> Spec:
    """Return what a volume is, empty if a spec has no word for it."""
    sources = (
        ("persistentVolumeClaim", "claimName", "claim"),
        ("configMap", "name", "configMap"),
        ("secret", "secretName", "secret"),
    )
    for kind, key, word in sources:
        source = volume.get(kind)
        if source and set(source) == {key} and _OBJECT.fullmatch(str(source[key])):
            ledger.say((*at, kind, key))
            return {word: source[key]}
    empty = volume.get("emptyDir")
    if empty is None or "emptyDir" not in volume or set(empty) - {"sizeLimit"}:
        return {}
    limit = amounts.memory(empty.get("sizeLimit") or "") or _EMPTY
    ledger.say((*at, "emptyDir"))
    if not empty.get("sizeLimit"):
        reason = f"a spec gives every empty volume a limit: {limit} is written"
        ledger.note((*at, "name"), Change.OTHERWISE, reason, "set the most that it may hold")
    return {"empty": limit}


def _placement(part: Part, ledger: Ledger) -> Spec:
    said: Spec = {}
    selector = part.pod.get("nodeSelector") or {}
    if selector and all(_LABEL.fullmatch(value) for value in selector.values()):
        said["nodeSelector"] = dict(selector)
        ledger.say((*part.pod_place, "nodeSelector"))
    tolerations = []
    for index, given in enumerate(part.pod.get("tolerations") or ()):
        toleration = _toleration(given)
        if toleration:
            tolerations.append(toleration)
            ledger.say((*part.pod_place, "tolerations", index))
    return {**said, **({"tolerations": tolerations} if tolerations else {})}


def _toleration(given: Object) -> Spec:
    operator, value = given.get("operator") or "Equal", given.get("value") or ""
    plain = set(given) <= {"key", "operator", "value", "effect"} and given.get("key")
    words = {key: str(given.get(key) or "") for key in ("key", "value", "effect")}
    if not all(form.fullmatch(words[key]) for key, form in _TAINT.items()):
        return {}
    if not plain or (operator == "Exists") != (not value) or operator not in ("Equal", "Exists"):
        return {}
    return {key: given[key] for key in ("key", "value", "effect") if given.get(key)}
