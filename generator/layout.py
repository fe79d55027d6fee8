"""Lay objects out in files: one object per file, one kustomization.yaml per folder, and what Kustomize must print.

Kustomize gets nothing to decide: `resources`, `patches` by file and, for a model, `namespace`; never images,
replicas, prefixes, labels or generators (see `factor` for why).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator import names
from generator.emit import emit
from generator.factor import Layer, Patch
from generator.tenancy import Object
from generator.tree import header

Files = Mapping[str, str]  # path relative to the repository -> text


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A folder that Kustomize builds, the spec it comes from, and the objects that must come out."""

    folder: str
    source: str
    objects: tuple[Object, ...]


def whole(folder: str, source: str, objects: Iterable[Object]) -> Files:
    """Return the files of a folder that holds each of its objects whole: an overlay without a base, or a base."""
    return _folder(folder, source, _object_files(objects))


def listing(folder: str, source: str, children: Iterable[str]) -> Files:
    """Return the kustomization of a folder that only lists the folders below it."""
    return _folder(folder, source, {}, resources=sorted(children))


def patched(folder: str, source: str, *, base_folder: str, namespace: str, layer: Layer) -> Files:
    """Return the files of an overlay over a base: whole objects, patches, and the namespace of them all."""
    files = _object_files(layer.whole)
    patches = {names.patch_file(p.kind, p.name): p for p in layer.patches}
    files |= {name: list(patch.operations) for name, patch in patches.items()}
    return _folder(
        folder,
        source,
        files,
        resources=[names.relative(folder, base_folder), *sorted(files.keys() - patches.keys())],
        namespace=namespace,
        patches=[{"path": name, "target": _target(patch)} for name, patch in sorted(patches.items())],
    )


def codeowners(text: str) -> Files:
    """Return CODEOWNERS with its header."""
    return {names.CODEOWNERS: f"{header(names.PLATFORM_SPEC)}\n{text}"}


def _object_files(objects: Iterable[Object]) -> dict[str, Any]:
    files: dict[str, Any] = {}
    for obj in objects:
        if files.setdefault(names.object_file(obj), obj) is not obj:
            raise ValueError(f"two objects want the file {names.object_file(obj)}")
    return files


def _folder(  # noqa: PLR0913  # the fields that a kustomization may have here
    folder: str,
    source: str,
    files: Mapping[str, Any],
    *,
    resources: Sequence[str] | None = None,
    namespace: str = "",
    patches: Sequence[Object] = (),
) -> Files:
    kustomization: Object = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    if namespace:
        kustomization["namespace"] = namespace
    kustomization["resources"] = sorted(files) if resources is None else list(resources)
    if patches:
        kustomization["patches"] = list(patches)
    content = {names.KUSTOMIZATION: kustomization, **files}
    return {f"{folder}/{name}": emit(data, header=header(source)) for name, data in content.items()}


def _target(patch: Patch) -> dict[str, str]:
    group, _, version = patch.api_version.rpartition("/")
    return {**({"group": group} if group else {}), "version": version, "kind": patch.kind, "name": patch.name}
