"""Lay one part of a model spec over another: how an environment or a predictor changes what the model says."""

from typing import Any

Spec = dict[str, Any]

_NAMED = frozenset(("predictors", "nodes", "detectors", "environments"))  # maps whose keys are people's own names
_WHOLE = "run"  # says one of several things; half of one and half of another would say nothing


def merge(base: Spec, patch: Spec | None) -> Spec:
    """Return ``base`` changed by ``patch``; neither is touched, and what does not change is shared.

    Mappings merge key by key, lists and single values replace, None takes the key out. ``run`` is replaced whole:
    a bento over an image leaves nothing of the image. A predictor or node that somebody named "run" still merges.
    A predictor is itself a patch, laid over the model later: a None inside one stays, and takes its key out then.
    """
    if not patch:
        return base
    merged = _merge(base, patch, whole=_WHOLE)
    slots = patch.get("predictors")
    if isinstance(slots, dict):
        merged["predictors"] = _slots(base.get("predictors") or {}, slots)
    return merged


def _slots(base: Spec, patch: Spec) -> Spec:
    merged = dict(base)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(base.get(name) or {}, value, whole=_WHOLE, keep=True)
    return merged


def _merge(base: Spec, patch: Spec, whole: str, *, keep: bool = False) -> Spec:
    merged = dict(base)
    for key, value in patch.items():
        if value is None and not keep:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = base.get(key)
            under = below if isinstance(below, dict) and key != whole else {}
            merged[key] = _merge(under, value, whole="" if key in _NAMED else _WHOLE, keep=keep)
        else:
            merged[key] = value
    return merged
