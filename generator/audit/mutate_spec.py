"""Changes of an object's spec at a path of keys and indices; each is a function that changes a spec in place."""

from collections.abc import Callable
from typing import Any

Spec = dict[str, Any]
Change = Callable[[Spec], None]
Key = str | int


def put(*path: Key, value: Any) -> Change:
    """Return the change that sets a value."""

    def change(spec: Spec) -> None:
        _holder(spec, path)[path[-1]] = value

    return change


def drop(*path: Key) -> Change:
    """Return the change that takes a value out."""

    def change(spec: Spec) -> None:
        _holder(spec, path).pop(path[-1], None) if isinstance(path[-1], str) else _holder(spec, path).pop(path[-1])
        _tidy(spec, path[:-1])

    return change


def rename(*path: Key, to: str) -> Change:
    """Return the change that gives a value another key."""

    def change(spec: Spec) -> None:
        holder = _holder(spec, path)
        holder[to] = holder.pop(path[-1])

    return change


def _holder(spec: Spec, path: tuple[Key, ...]) -> Any:
    found: Any = spec
    for key in path[:-1]:
        found = found[key]
    return found


def _tidy(spec: Spec, path: tuple[Key, ...]) -> None:
    """Take out what a change left empty: Istio refuses an empty source, and means everybody where there is none."""
    while path and path[-1] not in ("spec", "rules", "jwtRules", "matchLabels"):
        holder = _holder(spec, path)
        if holder[path[-1]] or (isinstance(path[-1], int) and path[-2:-1] in (("rules",), ("jwtRules",))):
            return
        holder.pop(path[-1])
        path = path[:-1]
