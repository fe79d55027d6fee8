"""What pods get, and how many there are: Runtime and Scale."""

from typing import Any

from generator.model import Runtime, Scale, Secret, Toleration, Trigger, Volume
from generator.patch import merge
from generator.resolve.defaults import MODEL
from generator.resolve.said import Said, Spec, pairs, seconds

_VOLUMES = ("claim", "configMap", "secret", "empty")


def runtime(*layers: dict[str, Any] | None) -> Runtime:
    """Return what a pod gets: each layer a patch on the ones before it, the defaults below them all."""
    data: dict[str, Any] = {}
    for layer in layers:
        data = merge(data, layer)
    said = Said(data, MODEL, "runtime.")
    placement = said.below("placement")
    return Runtime(
        cpu=said["cpu"],
        memory=said["memory"],
        gpu=said["gpu"],
        timeout_s=seconds(said["timeout"]),
        workers=said["workers"],
        startup_s=seconds(said["startup"]),
        env=pairs(data.get("env")),
        secrets=_secrets(data.get("secrets") or {}),
        volumes=tuple(_volume(name, one.data) for name, one in said.each("volumes").items()),
        node_selector=pairs(placement.data.get("nodeSelector")),
        tolerations=tuple(_toleration(one) for one in placement.items("tolerations")),
    )


def scale(runtime: Spec | None, fewest: int) -> Scale:
    """Return the number of replicas; ``fewest`` is what the environment requires.

    A ``max`` that no layer gives is ``min``; one that is below ``min`` stays so, for the rules to refuse.
    """
    said = Said(runtime or {}, MODEL, "runtime.").below("replicas")
    low = said.data.get("min") or max(1, fewest)
    return Scale(
        low=low,
        high=said.data.get("max") or low,
        cpu_percent=said["cpuPercent"],
        triggers=tuple(
            Trigger(type=one["type"], metadata=pairs(one["metadata"])) for one in said.data.get("triggers") or ()
        ),
    )


def _secrets(secrets: Spec) -> tuple[Secret, ...]:
    return tuple(
        Secret(variable=variable, secret=secrets[variable]["secret"], key=secrets[variable]["key"])
        for variable in sorted(secrets)
    )


def _volume(name: str, said: Spec) -> Volume:
    kind = next(kind for kind in _VOLUMES if kind in said)
    read_only = said.get("readOnly")
    return Volume(
        name=name,
        path=said["path"],
        kind=kind,
        source=said[kind],
        read_only=kind != "empty" if read_only is None else read_only,
    )


def _toleration(said: Said) -> Toleration:
    return Toleration(key=said["key"], value=said.text("value"), effect=said.text("effect"))
