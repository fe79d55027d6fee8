"""How many pods: replicas and autoscalers of a predictor -> `runtime.replicas`."""

import re
from typing import Any

from generator.document import Path
from generator.importing.ledger import Change, Ledger
from generator.resolve.defaults import MODEL
from generator.seldon.objects import Object, components

Spec = dict[str, Any]

_SCALERS = ("prometheus", "cron")
_SETTING = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_MOST = 1000  # the schema's
_WHOLE = 100  # percent


def replicas(original: Object, predictor: Object, place: Path, ledger: Ledger) -> Spec:
    """Return the replicas of a predictor under their key, empty where there is one pod.

    The most specific number counts: the componentSpec's, the predictor's, the deployment's (Seldon Core 1.17.1,
    operator/controllers/seldondeployment_controller.go).
    """
    moved = _autoscaled(predictor, place, ledger) or _triggered(predictor, place, ledger)
    if moved:
        return {"replicas": moved}
    wide = [(predictor, place), (original["spec"], ("spec",))]
    parts = [(part, (*place, "componentSpecs", index)) for index, part in enumerate(components(predictor))]
    own = [_first([part, *wide]) for part in parts]
    same = bool(own) and all(number == own[0][0] for number, _ in own)
    found = own if same else [_first(wide)]
    number = found[0][0]
    if not 1 <= number <= _MOST:
        return {}
    ledger.say(*(at for _, at in found if at))
    return {"replicas": {"min": number}} if number > 1 else {}


def _first(owners: list[tuple[Object, Path]]) -> tuple[int, Path]:
    """Return the first number of replicas that an owner says and its path, else 1 and no path."""
    given = ((owner["replicas"], (*at, "replicas")) for owner, at in owners if owner.get("replicas") is not None)
    return next(given, (1, ()))


def _autoscaled(predictor: Object, place: Path, ledger: Ledger) -> Spec:
    """Return what the hpaSpecs say if they all say the same, and say it of processor time."""
    parts = [(part, (*place, "componentSpecs", index)) for index, part in enumerate(components(predictor))]
    read = [_hpa(part.get("hpaSpec") or {}) for part, _ in parts]
    if not read or not read[0] or any(one != read[0] for one in read) or any("kedaSpec" in part for part, _ in parts):
        return {}
    low, high, percent = read[0]
    for part, at in parts:
        ledger.say((*at, "hpaSpec"))
        reason = "gen's autoscaler looks at the node's own container, not at the mean of all in its pod"
        if not _is_ours(part["hpaSpec"]):
            ledger.note((*at, "hpaSpec", "maxReplicas"), Change.OTHERWISE, reason, "look whether the target still fits")
    usual = MODEL["runtime.replicas.cpuPercent"].value
    return {"min": low, "max": high, **({} if percent == usual else {"cpuPercent": percent})}


def _triggered(predictor: Object, place: Path, ledger: Ledger) -> Spec:
    """Return what the kedaSpecs say if they all say the same, and no more than a spec can."""
    given = [part.get("kedaSpec") or {} for part in components(predictor)]
    if not given or not given[0] or any(one != given[0] for one in given):
        return {}
    low, high = given[0].get("minReplicaCount") or 0, given[0].get("maxReplicaCount") or 0
    triggers = given[0].get("triggers") or []
    plain = set(given[0]) <= {"minReplicaCount", "maxReplicaCount", "triggers"} and all(map(_is_plain, triggers))
    if not plain or not triggers or not 1 <= low < high <= _MOST:
        return {}
    ledger.say(*((*place, "componentSpecs", index, "kedaSpec") for index in range(len(given))))
    return {
        "min": low,
        "max": high,
        "triggers": [{"type": t["type"], "metadata": dict(t["metadata"])} for t in triggers],
    }


def _is_plain(trigger: Object) -> bool:
    settings = trigger.get("metadata") or {}
    fits = all(isinstance(v, str) and v and _SETTING.fullmatch(k) for k, v in settings.items())
    return set(trigger) == {"type", "metadata"} and trigger["type"] in _SCALERS and fits


def _hpa(given: Object) -> tuple[int, int, int] | None:
    """Return fewest, most and percent of an hpaSpec that a spec can say."""
    low, high = given.get("minReplicas") or 1, given.get("maxReplicas") or 0
    metrics = list(given.get("metrics") or given.get("metricsv2") or ())
    if len(metrics) != 1 or not 1 <= low < high <= _MOST:
        return None
    source = metrics[0].get("resource") or metrics[0].get("containerResource") or {}
    old: int = source.get("targetAverageUtilization") or 0  # autoscaling/v2beta1
    percent = old or (source.get("target") or {}).get("averageUtilization") or 0
    return (low, high, percent) if source.get("name") == "cpu" and 1 <= percent <= _WHOLE else None


def _is_ours(given: Object) -> bool:
    return any(metric.get("type") == "ContainerResource" for metric in given.get("metricsv2") or ())
