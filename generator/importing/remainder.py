"""What is left of an original when the spec has said all it can: nothing is dropped without a word."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from generator.document import Path, dotted
from generator.importing.effects import idle_view
from generator.importing.ledger import Change, Ledger, Remainder, leaves, value_at, without
from generator.importing.reasons import REASONS, Reason
from generator.seldon.objects import Object, OperatorError
from generator.seldon.settings import OperatorSettings

HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
SHARDING = "seldon.io/controller-id"
# What the API server and kubectl write; it is no part of what people ask for.
WRITTEN = (
    ("status",),
    *(
        ("metadata", key)
        for key in (
            "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields",
            "ownerReferences", "resourceVersion", "selfLink", "uid",
        )
    ),
    ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
)  # fmt: skip


def rest(original: Object, made: Object, ledger: Ledger, settings: OperatorSettings) -> tuple[Remainder, ...]:
    """Return what the spec does not say as it stands, in the order of the original.

    ``made``: what the spec renders; whatever stands there just the same needs no word in the spec.
    """
    found: dict[Path, Reason] = {}
    for path, value in leaves(original):
        written = any(path[: len(one)] == one for one in WRITTEN)
        if written or ledger.covers(path) or is_made(original, made, path, value):
            continue
        reason, length = _reason(path)
        found.setdefault(_whole_probe(path, length), reason)
    found = {path: why for path, why in found.items() if not any(path[:n] in found for n in range(len(path)))}
    idle = _idle(original, list(found), settings)
    entries = [*ledger.noted, *(_entry(original, path, why, idle=path in idle) for path, why in found.items())]
    unique = {(one.path, one.reason): one for one in entries}
    order = {path: index for index, path in enumerate(_paths(original))}
    return tuple(sorted(unique.values(), key=lambda one: order.get(one.path, len(order))))


def _whole_probe(path: Path, length: int) -> Path:
    """Return the part to name; a probe that asks what no spec asks is named whole, for its times mean nothing alone."""
    for depth, step in enumerate(path[:-1], start=1):
        if str(step).endswith("Probe") and path[depth] in HANDLERS:
            return path[:depth]
    return path[:length]


def _idle(original: Object, paths: Sequence[Path], settings: OperatorSettings) -> list[Path]:
    """Return the parts without which the operator makes the same, all of them taken out together."""
    base = _view(original, settings)
    found: list[Path] = []
    for path in paths:
        if SHARDING not in path and _view(without(original, [*found, path]), settings) == base:
            found.append(path)
    return found


def _entry(original: Object, path: Path, why: Reason, *, idle: bool) -> Remainder:
    return Remainder(
        path=path,
        value=value_at(original, path),
        change=Change.IDLE if idle else Change.LEFT_OUT,
        reason="the operator makes the same with it and without it" if idle else why.why,
        todo="nothing" if idle else why.todo,
    )


def _view(deployment: Object, settings: OperatorSettings) -> Any:
    try:
        return idle_view(deployment, settings)
    except (OperatorError, KeyError):  # without a part that it needs the operator makes nothing
        return None


def _reason(path: Path) -> tuple[Reason, int]:
    """Return the reason for a path, and how many of its steps the pattern covers."""
    for reason in REASONS:
        for length in range(1, len(path) + 1):
            if _form(reason.pattern).fullmatch(dotted(path[:length]).replace('"', "")):
                return reason, length
    raise AssertionError("the last pattern fits everything")


def _form(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\[\*\]|\*)", pattern)
    words = {"[*]": r"\[[0-9]+\]", "*": r".*"}
    return re.compile("".join(words.get(part) or re.escape(part) for part in parts))


def _paths(thing: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    pairs = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for key, value in pairs:
        yield from _paths(value, (*path, key))


def is_made(original: Object, made: Object, path: Path, value: Any) -> bool:
    """Say whether the rendered object says the same at the same place, found by names where the order differs.

    What stood in one pod may be in several: then all of them must say it.
    """
    before: list[Any] = [original]
    after: list[Any] = [made]
    for step in path:
        if isinstance(step, str):
            before, after = [before[0].get(step)], [one.get(step) for one in after if isinstance(one, dict)]
        elif isinstance(before[0][step], dict):
            after = [match for one in after for match in _matches(before[0][step], one)]
            before = [before[0][step]]
        else:
            return bool(after) and all(one == before[0] for one in after)
        if not after:
            return False
    return all(one == value for one in after)


def _matches(item: Object, candidates: Any) -> Sequence[Object]:
    """Return the items of a list that stand for one of the original: by name, by shared containers, else equal."""
    if not isinstance(candidates, list):
        return [{}]
    if "name" in item:
        return [one for one in candidates if one.get("name") == item["name"]] or [{}]
    inside = {one["name"] for one in (item.get("spec") or {}).get("containers") or ()}
    if inside:
        parts = [one for one in candidates if inside & {c["name"] for c in one["spec"]["containers"]}]
        return parts or [{}]
    return [one for one in candidates if one == item] or [{}]
