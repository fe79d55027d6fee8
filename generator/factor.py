"""Split what a model is in each environment into one base and small patches, so that Kustomize has nothing to decide.

Only JSON 6902 patches are made: on custom resources a strategic-merge patch replaces whole lists without a word
(a canary, an image and every variable vanish), and a patch whose target does not exist is ignored in silence
(kubernetes-sigs/kustomize issues 2825, 4379, 5878). So every patch begins with a ``test``, tests the name of each
list element that it goes into, and `verify` proves that its target exists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.tenancy import Object

Operation = dict[str, Any]  # one JSON 6902 operation: op, path, value
Id = tuple[str, str, str]  # apiVersion, kind, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """What one environment changes in one object of the base."""

    api_version: str
    kind: str
    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one overlay adds to the base: whole objects, and patches."""

    whole: tuple[Object, ...]
    patches: tuple[Patch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Factored:
    """The base, without namespaces, and a layer per environment."""

    base: tuple[Object, ...]
    layers: Mapping[str, Layer]


def factor(neutral: Sequence[Object], variants: Mapping[str, Sequence[Object]]) -> Factored:
    """Put into the base what exists in every environment, as ``neutral`` has it; the rest goes into the layers.

    Args:
        neutral: The objects of the model with no environment's changes.
        variants: The objects per environment, each in that environment's one namespace.
    """
    shared = set(map(identity, neutral)).intersection(*(map(identity, objects) for objects in variants.values()))
    base = {identity(obj): _homeless(obj) for obj in neutral if identity(obj) in shared}
    layers = {environment: _layer(base, objects) for environment, objects in variants.items()}
    return Factored(base=tuple(base.values()), layers=layers)


def identity(obj: Object) -> Id:
    """Return what makes an object itself within a namespace."""
    return obj["apiVersion"], obj["kind"], obj["metadata"]["name"]


def diff(old: Any, new: Any, path: str = "") -> list[Operation]:
    """Return the JSON 6902 operations that turn ``old`` into ``new``, in the order in which they must be applied."""
    if old == new and type(old) is type(new):
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        return _diff_mapping(old, new, path)
    if isinstance(old, list) and isinstance(new, list) and (plan := _matched(old, new, path)) is not None:
        return _diff_list(new, plan, path)
    return [{"op": "replace", "path": path, "value": new}]


def _layer(base: Mapping[Id, Object], objects: Sequence[Object]) -> Layer:
    patches = []
    for obj in objects:
        if (common := base.get(identity(obj))) is not None and (operations := diff(common, _homeless(obj))):
            api_version, kind, name = identity(obj)
            lead = [] if operations[0]["op"] == "test" else [_test("/metadata/name", name)]
            patches.append(
                Patch(api_version=api_version, kind=kind, name=name, operations=(*lead, *operations)),
            )
    return Layer(whole=tuple(obj for obj in objects if identity(obj) not in base), patches=tuple(patches))


def _homeless(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "namespace"}
    return {key: metadata if key == "metadata" else value for key, value in obj.items()}


def _diff_mapping(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> list[Operation]:
    operations: list[Operation] = []
    for key in old:
        below = f"{path}/{_escape(key)}"
        operations += diff(old[key], new[key], below) if key in new else [{"op": "remove", "path": below}]
    operations += [
        {"op": "add", "path": f"{path}/{_escape(key)}", "value": value} for key, value in new.items() if key not in old
    ]
    return operations


@dataclass(frozen=True, slots=True, kw_only=True)
class _ListPlan:
    removed: tuple[tuple[int, Operation], ...]  # (index in old, the test of its name), from the end
    added: tuple[int, ...]  # indices in new
    kept: tuple[tuple[int, Any], ...]  # (index in new, element of old)


def _matched(old: list[Any], new: list[Any], path: str) -> _ListPlan | None:
    """Match named elements; None where a list has no names or its elements changed places."""
    before, after = _names(old), _names(new)
    if before is None or after is None:
        return None
    kept = [name for name in after if name in before]
    if kept != [name for name in before if name in after]:
        return None
    return _ListPlan(
        removed=tuple(
            (i, _name_test(old[i], f"{path}/{i}")) for i in reversed(range(len(old))) if before[i] not in after
        ),
        added=tuple(i for i, name in enumerate(after) if name not in before),
        kept=tuple((after.index(name), old[before.index(name)]) for name in kept),
    )


def _diff_list(new: list[Any], plan: _ListPlan, path: str) -> list[Operation]:
    operations: list[Operation] = []
    for index, test in plan.removed:
        operations += [test, {"op": "remove", "path": f"{path}/{index}"}]
    operations += [{"op": "add", "path": f"{path}/{index}", "value": new[index]} for index in plan.added]
    for index, element in plan.kept:
        if below := diff(element, new[index], f"{path}/{index}"):
            operations += [_name_test(element, f"{path}/{index}"), *below]
    return operations


def _names(elements: list[Any]) -> list[str] | None:
    """Return the elements' names, None unless each has one and no two are equal."""
    names = [name for element in elements if (name := _name(element)) is not None]
    return names if len(names) == len(elements) == len(set(names)) else None


def _name(element: Any) -> str | None:
    """Return ``name``, or ``metadata.name`` where an element (a componentSpec) keeps it there."""
    if not isinstance(element, dict):
        return None
    metadata = element.get("metadata")
    name = element.get("name", metadata.get("name") if isinstance(metadata, dict) else None)
    return name if isinstance(name, str) else None


def _name_test(element: Mapping[str, Any], path: str) -> Operation:
    return _test(f"{path}/{'name' if 'name' in element else 'metadata/name'}", _name(element))


def _test(path: str, value: Any) -> Operation:
    return {"op": "test", "path": path, "value": value}


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
