"""Dead patches: Kustomize says nothing of a patch that matches no object, so gen looks itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from generator.diag import Diagnostic, Mark
from generator.kustomize import parse
from generator.names import KUSTOMIZATION

LEAD = "test"


def check(files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield each patch of the tree that has no target in its base, or does not begin with a test."""
    for path, text in files.items():
        folder, _, name = path.rpartition("/")
        if name == KUSTOMIZATION:
            (kustomization,) = parse(text)
            for patch in kustomization.get("patches", ()):
                yield from _check(files, folder, patch, kustomization["resources"])


def _check(
    files: Mapping[str, str], folder: str, patch: Mapping[str, Any], resources: list[str]
) -> Iterator[Diagnostic]:
    place = f"{folder}/{patch['path']}"
    if place not in files:
        yield Diagnostic(
            Mark(f"{folder}/{KUSTOMIZATION}"), "dead-patch", f"there is no {patch['path']}", "run gen render"
        )
        return
    targets = [obj for obj in _objects(files, folder, resources) if _is_target(obj, patch["target"])]
    if len(targets) != 1:
        what = f"{patch['target']['kind']} {patch['target']['name']} is {len(targets)} times in what this patches"
        yield Diagnostic(Mark(place), "dead-patch", what, "run gen render: Kustomize ignores such a patch in silence")
    operations = _operations(files[place])
    if not operations or operations[0]["op"] != LEAD:
        what = "the first operation of this patch is no test"
        yield Diagnostic(Mark(place), "dead-patch", what, "run gen render: without a test it may hit the wrong place")


def _objects(files: Mapping[str, str], folder: str, resources: list[str]) -> Iterator[dict[str, Any]]:
    for resource in resources:
        path = _joined(folder, resource)
        if path in files:
            yield from parse(files[path])
        elif (inner := f"{path}/{KUSTOMIZATION}") in files:
            (kustomization,) = parse(files[inner])
            yield from _objects(files, path, kustomization["resources"])


def _joined(folder: str, relative: str) -> str:
    parts = folder.split("/")
    for step in relative.split("/"):
        if step == "..":
            parts.pop()
        else:
            parts.append(step)
    return "/".join(parts)


def _is_target(obj: Mapping[str, Any], target: Mapping[str, str]) -> bool:
    group, _, version = obj["apiVersion"].rpartition("/")
    found = (group, version, obj["kind"], obj["metadata"]["name"])
    return found == (target.get("group", ""), target["version"], target["kind"], target["name"])


def _operations(text: str) -> list[dict[str, Any]]:
    import yaml  # noqa: PLC0415  # a patch is a list, which `parse` has no use for

    return yaml.load(text, Loader=yaml.CSafeLoader) or []
