"""Rules that any tree of gen keeps, one function each: they yield what breaks them, in words.

They look at nothing but the files, and at what Kustomize prints of them. What they guard against was seen to go wrong
with Argo CD 3.5.1 and Kustomize 5.8.1, which say nothing of most of it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml
from golden_cases import Tree

from generator import kustomize
from generator.names import BASE, CODEOWNERS, HUB, KUSTOMIZATION, OVERLAYS
from generator.tree import is_generated
from generator.verify.law import key, named

Object = dict[str, Any]
Found = Iterator[str]
FOREIGN = {"Chart.yaml", "Kustomization", "kustomization.yml", "bento.yaml", ".argocd-allow-concurrency"}
FIELDS = {"apiVersion", "kind", "namespace", "resources", "patches"}
OBJECTS_MAX, MODELS_MAX, NAME_MAX, BYTES_MAX = 500, 50, 63, 256 * 1024


def every_file_begins_with_the_header_of_its_spec(tree: Tree) -> Found:
    for path, text in tree.files.items():
        if not is_generated(text):
            yield f"{path} has no header"


def no_file_is_one_that_argocd_or_kustomize_takes_for_orders(tree: Tree) -> Found:
    for path in tree.files:
        if path.rpartition("/")[2] in FOREIGN or any(part.startswith(".") for part in path.split("/")):
            yield path


def paths_are_lower_case_and_stay_where_gen_writes(tree: Tree) -> Found:
    for path in tree.files:
        parts = path.split("/")
        sound = all(re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", part) and ".." not in part for part in parts)
        if path != CODEOWNERS and not (sound and parts[0] in {BASE, OVERLAYS} and path.endswith(".yaml")):
            yield path


def text_is_unix_text_that_every_reader_of_yaml_reads_alike(tree: Tree) -> Found:
    for path, text in tree.files.items():
        if "\r" in text or "\t" in text or not text.endswith("\n") or text.endswith("\n\n"):
            yield f"{path} has line ends of its own"
        if path.endswith(".yaml"):
            yield from (f"{path}: {what}" for what in _exotic(text))
            if not _same(list(yaml.load_all(text, yaml.CSafeLoader)), list(kustomize.parse(text))):
                yield f"{path} is read in two ways"


def kustomizations_leave_kustomize_nothing_to_decide(tree: Tree) -> Found:
    for path, data in _kustomizations(tree):
        if extra := sorted(data.keys() - FIELDS):
            yield f"{path} has {', '.join(extra)}"
        if (data["apiVersion"], data["kind"]) != ("kustomize.config.k8s.io/v1beta1", "Kustomization"):
            yield f"{path} says {data['apiVersion']} {data['kind']}"


def every_file_belongs_to_the_one_kustomization_beside_it(tree: Tree) -> Found:
    named_by = Counter(f"{_folder(path)}/{name}" for path, data in _kustomizations(tree) for name in _own(data))
    for path in tree.files:
        if path != CODEOWNERS and not path.endswith(f"/{KUSTOMIZATION}") and named_by[path] != 1:
            yield f"{path} is named {named_by[path]} times"
    yield from (f"{path} is not there" for path in named_by if path not in tree.files)


def folders_draw_on_folders_of_their_own_tenant_only(tree: Tree) -> Found:
    for path, data in _kustomizations(tree):
        for resource in data["resources"]:
            if "://" in resource or resource.startswith("/") or resource in {".", ".."}:
                yield f"{path} draws on {resource}"
            elif not resource.endswith(".yaml"):
                target = _joined(_folder(path), resource)
                if f"{target}/{KUSTOMIZATION}" not in tree.files:
                    yield f"{path} draws on {target}, which is not there"
                elif _tenant(target) != _tenant(path):
                    yield f"{path} draws on {target}, which is another's"


def no_application_is_too_big_for_the_repository_server(tree: Tree) -> Found:
    for folder, objects in tree.synced.items():
        if len(objects) > OBJECTS_MAX:
            yield f"{folder} has {len(objects)} objects"
        if sum(obj["kind"] == "SeldonDeployment" for obj in objects) > MODELS_MAX:
            yield f"{folder} has more than {MODELS_MAX} models"
        yield from (named(key(obj)) for obj in objects if len(yaml.safe_dump(obj)) > BYTES_MAX)


def every_object_is_named_and_in_the_namespace_of_its_application(tree: Tree) -> Found:
    homes = {app["spec"]["source"]["path"]: app["spec"]["destination"]["namespace"] for app in applications_of(tree)}
    for folder, objects in tree.synced.items():
        for obj in objects:
            if "generateName" in obj["metadata"] or not obj["metadata"].get("name"):
                yield f"{folder}: {obj['kind']} has no name of its own"
            elif obj["kind"] == "Namespace":
                if obj["metadata"]["name"] != homes[folder]:
                    yield f"{folder}: {named(key(obj))} is not its own"
            elif obj["metadata"].get("namespace") != homes[folder] and not folder.endswith("/platform"):
                yield f"{folder}: {named(key(obj))}"


def every_object_and_every_overlay_has_one_owner(tree: Tree) -> Found:
    owners: dict[Any, list[str]] = {}
    for app in applications_of(tree):
        source, server = app["spec"]["source"]["path"], app["spec"]["destination"]["server"]
        for obj in tree.printed.get(source, []):
            owners.setdefault((server, key(obj)[0].rpartition("/")[0], *key(obj)[1:]), []).append(source)
    yield from (f"{which[2]} {which[4]} is in {', '.join(where)}" for which, where in owners.items() if len(where) > 1)
    named_by = Counter(app["spec"]["source"]["path"] for app in applications_of(tree))
    yield from (f"{count} Applications sync {path}" for path, count in named_by.items() if count > 1)


def there_is_no_null_anywhere(tree: Tree) -> Found:
    for obj in objects_of(tree):
        yield from (f"{named(key(obj))}: {path}" for path, value in leaves(obj) if value is None)


def no_object_holds_a_secret(tree: Tree) -> Found:
    for obj in objects_of(tree):
        if obj["kind"] == "Secret":
            yield named(key(obj))
        for path, value in leaves(obj):
            if re.search(r"-----BEGIN|AKIA[0-9A-Z]{16}|eyJ[A-Za-z0-9_-]{10,}\.|://[^/@:\s]+:[^/@\s]+@", str(value)):
                yield f"{named(key(obj))}: {path}"


def annotations_that_argocd_or_istio_obey_are_gens_own(tree: Tree) -> Found:
    for obj in objects_of(tree):
        for name in obj["metadata"].get("annotations", {}):
            if name not in {
                "argocd.argoproj.io/manifest-generate-paths",
                "argocd.argoproj.io/sync-options",
                "argocd.argoproj.io/sync-wave",
            }:
                yield f"{named(key(obj))}: {name}"
            if name == "argocd.argoproj.io/sync-options" and obj["kind"] != "Namespace":
                yield f"{named(key(obj))}: {name}"


def the_owners_of_every_tenant_are_asked(tree: Tree) -> Found:
    lines = [line.split() for line in tree.files[CODEOWNERS].splitlines() if not line.startswith("#")]
    if lines[0][0] != "*" or not lines[0][1:]:
        yield "nobody owns what is left"
    tenants = {app["spec"]["project"] for app in applications_of(tree)}
    for pattern, *owners in lines[1:]:
        tenant = next((part for part in reversed(pattern.strip("/").split("/")) if part), "")
        if not owners or tenant not in tenants or not pattern.startswith("/") or not pattern.endswith("/"):
            yield f"{pattern} {' '.join(owners)}"


def _exotic(text: str) -> Found:
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            yield "it has an anchor, an alias or a tag"
    for node in _nodes(yaml.compose(text, yaml.CSafeLoader)):
        keys = [name.value for name, _ in node.value]
        if len(keys) != len(set(keys)):
            yield "it has a key twice"


def _nodes(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _nodes(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _nodes(value)


def _same(left: Any, right: Any) -> bool:
    return repr(left) == repr(right)


def _kustomizations(tree: Tree) -> Iterator[tuple[str, Object]]:
    for path, text in tree.files.items():
        if path.endswith(f"/{KUSTOMIZATION}"):
            yield path, kustomize.parse(text)[0]


def _own(data: Object) -> Iterator[str]:
    yield from (name for name in data["resources"] if name.endswith(".yaml"))
    yield from (patch["path"] for patch in data.get("patches", ()))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _joined(folder: str, relative: str) -> str:
    parts = folder.split("/")
    for step in relative.split("/"):
        parts = parts[:-1] if step == ".." else [*parts, step]
    return "/".join(parts)


def _tenant(path: str) -> str:
    parts = path.split("/")
    return parts[1] if parts[0] == BASE else parts[2]


def objects_of(tree: Tree, *kinds: str) -> list[Object]:
    """Return what Applications sync, of some kinds or of all."""
    return [obj for objects in tree.synced.values() for obj in objects if not kinds or obj["kind"] in kinds]


def applications_of(tree: Tree) -> list[Object]:
    """Return the Applications of the hub."""
    return [obj for obj in tree.printed[HUB] if obj["kind"] == "Application"]


def closure(tree: Tree, folder: str) -> Iterator[str]:
    """Yield a folder and every folder that its kustomization draws on."""
    yield folder
    for resource in kustomize.parse(tree.files[f"{folder}/{KUSTOMIZATION}"])[0]["resources"]:
        if not resource.endswith(".yaml"):
            yield from closure(tree, _joined(folder, resource))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of everything in an object that holds nothing itself."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path, value
