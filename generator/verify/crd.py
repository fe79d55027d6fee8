"""CustomResourceDefinitions as strict JSON Schemas: what a field may hold, and that there is no field but these.

A structural schema of Kubernetes is nearly JSON Schema. Three things differ: an unknown field is pruned in silence
(here it is an error), `x-kubernetes-int-or-string`, and `x-kubernetes-preserve-unknown-fields`. CEL rules need an API
server: `gen verify --cluster`. Source: Kubernetes documentation, "Extend the Kubernetes API with
CustomResourceDefinitions".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from generator.diag import ToolError

Schema = dict[str, Any]
KEPT = (
    "enum", "maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems", "pattern", "required",
    "maxProperties", "minProperties", "multipleOf", "exclusiveMaximum", "exclusiveMinimum", "uniqueItems",
)  # fmt: skip
COMBINED = ("allOf", "anyOf", "oneOf")


def schemas(folder: Path) -> dict[tuple[str, str], Schema]:
    """Return a strict JSON Schema per (apiVersion, kind) of every served version of every CRD in the folder.

    Raises:
        ToolError: The folder is not there, or a file in it is no YAML.
    """
    if not folder.is_dir():
        raise ToolError(f"there is no folder {folder}\n  give --crds a folder of CustomResourceDefinitions")
    found: dict[tuple[str, str], Schema] = {}
    for path in sorted(folder.glob("*.y*ml")):
        for document in _documents(path):
            if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition":
                found |= dict(_versions(document["spec"]))
    return found


def strict(schema: Schema) -> Schema:
    """Return a structural schema as JSON Schema in which a field that it does not name is an error."""
    made = {name: schema[name] for name in KEPT if name in schema}
    made |= {name: [_part(part) for part in schema[name]] for name in COMBINED if name in schema}
    if "not" in schema:
        made["not"] = _part(schema["not"])
    if schema.get("x-kubernetes-int-or-string"):
        return {**made, "type": ["integer", "string"]}
    if "type" in schema:
        made["type"] = schema["type"]
    if "items" in schema:
        made["items"] = strict(schema["items"])
    if "properties" in schema:
        made["properties"] = {name: strict(inner) for name, inner in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        made["additionalProperties"] = strict(schema["additionalProperties"])
    elif "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


def _part(schema: Schema) -> Schema:
    """Return a part of a combination: it only narrows, so it says nothing of other fields."""
    made = {name: schema[name] for name in KEPT if name in schema}
    made |= {name: [_part(part) for part in schema[name]] for name in COMBINED if name in schema}
    if "not" in schema:
        made["not"] = _part(schema["not"])
    if "properties" in schema:
        made["properties"] = {name: _part(inner) for name, inner in schema["properties"].items()}
    return made


def _versions(spec: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Schema]]:
    for version in spec["versions"]:
        if version.get("served"):
            schema = dict(version["schema"]["openAPIV3Schema"])
            head = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": _OPEN}
            schema["properties"] = schema.get("properties", {}) | head
            yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), strict(schema)


_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _documents(path: Path) -> Iterator[Any]:
    try:
        yield from yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError) as problem:
        raise ToolError(f"{path} cannot be read: {problem}\n  take it out of the folder given to --crds") from None
