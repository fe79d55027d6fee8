"""Lay one part of a model spec over another: how an environment or a predictor changes what the model says."""

from typing import Any

Spec = dict[str, Any]

_NAMED = frozenset(("predictors", "nodes", "detectors", "environments"))  # maps whose keys are people's own names
_WHOLE = "run"  # says one of several things; half of one and half of another would say nothing


def merge(base: Spec, patch: Spec | None) -> Spec:
    """Return ``base`` changed by ``patch``; neither is touched, and what does not change is shared.

    Mappings merge key by key, lists and single values replace, None takes the key out. ``run`` is replaced whole:
    a bento over an image leaves nothing of the image. A predictor or node that somebody named "run" still merges.
    """
    return _merge(base, patch, whole=_WHOLE) if patch else base


def _merge(base: Spec, patch: Spec, whole: str) -> Spec:
    merged = dict(base)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = base.get(key)
            under = below if isinstance(below, dict) and key != whole else {}
            merged[key] = _merge(under, value, whole="" if key in _NAMED else _WHOLE)
        else:
            merged[key] = value
    return merged
