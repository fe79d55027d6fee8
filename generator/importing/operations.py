"""What a rule of an AuthorizationPolicy allows -> operations of a grant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.model import Operation
from generator.resolve.operations import EXECUTOR_GRPC_PORT, EXECUTOR_PORT
from generator.seldon.objects import Object

_ALONE = {"methods", "paths", "ports"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The operations that a rule allows; ``notes``: what they hold beyond the rule, ``reason``: why there is none."""

    operations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    todo: str = ""


def granted(to: Sequence[Object], operations: Sequence[Operation], routes: Mapping[str, list[str]]) -> Granted:
    """Return which operations a rule's ``to`` allows; without any it allows them all.

    ``routes``: the operations that an import itself makes of the paths, under protocol bento.
    """
    entries = [(one or {}).get("operation") or {} for one in to] or [{}]
    strange = sorted({key for entry in entries for key in entry if key not in _ALONE})
    if strange:
        todo = "grant the operation to these callers by hand, if the narrower rule is not needed"
        return Granted(reason=f"the rule is narrowed by {strange[0]}, which a spec cannot say", todo=todo)
    served = {**{one.name: (one.methods, one.paths) for one in operations}, **_posted(routes)}
    found, notes = [], []
    for name in sorted(served):
        methods, paths = served[name]
        ports = {one.port for one in operations if one.name == name} or {one.port for one in operations}
        allowed = [path for path in paths if any(_allows(entry, methods, path, ports) for entry in entries)]
        if allowed:
            found.append(name)
            missing = [path for path in paths if path not in allowed]
            if missing:
                notes.append(f"{name} is granted whole, {', '.join(missing)} too")
    if not found:
        reason = "none of its paths is one that gen serves" if operations else "there is nothing to call"
        return Granted(reason=reason, todo="grant an operation by hand: predict, feedback, metadata, explain")
    known = {path for _, paths in served.values() for path in paths}
    known |= {path for one in operations for path in one.grpc_paths}
    other = [path for entry in entries for path in entry.get("paths") or () if path not in known and "*" not in path]
    notes += [f"{path} is no path that gen serves, and stays closed" for path in dict.fromkeys(other)]
    if any("paths" not in entry for entry in entries):
        notes.append(f"the rule allows every path; {', '.join(found)} are granted, and nothing else")
    return Granted(operations=tuple(found), notes=tuple(notes))


def atoms(rules: Sequence[Object]) -> dict[str, list[str]]:
    """Return routes for the exact paths that rules allow by POST: paths of the same rules are one operation."""
    having: dict[str, list[int]] = {}
    for index, rule in enumerate(rules):
        for one in rule.get("to") or ():
            operation = (one or {}).get("operation") or {}
            if "POST" in (operation.get("methods") or ("POST",)):
                for path in operation.get("paths") or ():
                    if "*" not in path and path.startswith("/") and "{" not in path:
                        having.setdefault(path, []).append(index)
    groups: dict[tuple[int, ...], list[str]] = {}
    for path in sorted(having):
        groups.setdefault(tuple(dict.fromkeys(having[path])), []).append(path)
    return dict(zip(_named(list(groups.values())), groups.values(), strict=True))


def _named(groups: list[list[str]]) -> list[str]:
    """Return a name for each group: predict for the one with /predict or else the first, the rest after a path."""
    first = next((index for index, paths in enumerate(groups) if "/predict" in paths), 0)
    names: list[str] = []
    for index, paths in enumerate(groups):
        word = "".join(c if c.isalnum() else "-" for c in paths[0].lower()).strip("-0123456789") or "call"
        name = "predict" if index == first else word
        names.append(name if name not in names else f"{name}-{index}")
    return names


def _posted(routes: Mapping[str, list[str]]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {name: (("POST",), tuple(paths)) for name, paths in routes.items()}


def _allows(entry: Object, methods: Sequence[str], path: str, ports: set[int]) -> bool:
    wanted: list[Any] = entry.get("ports") or []
    here = {str(port) for port in (*ports, EXECUTOR_PORT, EXECUTOR_GRPC_PORT)}
    return (
        all(any(_fits(method, form) for form in entry.get("methods") or ("*",)) for method in methods)
        and any(_fits(path, form) for form in entry.get("paths") or ("*",))
        and (not wanted or any(str(port) in here for port in wanted))
    )


def _fits(text: str, form: str) -> bool:
    """Say whether a text fits an Istio pattern: exact, ``prefix*``, ``*suffix`` or ``*``."""
    if form == "*":
        return bool(text)
    if form.startswith("*"):
        return text.endswith(form[1:])
    return text.startswith(form[:-1]) if form.endswith("*") else text == form
