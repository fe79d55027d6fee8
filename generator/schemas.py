"""The published JSON Schemas of the three kinds of spec, read once, and a validator for each."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

API_VERSION = "modelapi/v1"
KINDS = ("Platform", "Tenant", "Model")


def folder() -> Path:
    """Return the folder of the schema files: inside the installed package, else at the top of the repository."""
    package = Path(__file__).parent
    packed = package / "schema"
    return packed if packed.is_dir() else package.parent / "schema"


@cache
def schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one of KINDS. Nobody changes it."""
    data: dict[str, Any] = json.loads((folder() / f"{kind.lower()}.schema.json").read_bytes())
    return data


@cache
def validator(kind: str) -> "Draft202012Validator":
    """Return the compiled validator of one of KINDS."""
    return compiled(schema(kind))


def compiled(data: dict[str, Any]) -> "Draft202012Validator":
    """Return a validator of any draft 2020-12 schema."""
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - 30 ms that a command without specs does not pay

    return Draft202012Validator(data)


def resolve(root: dict[str, Any], node: Any) -> Any:
    """Return the subschema that ``node`` stands for: itself, or what its local ``$ref`` names."""
    while isinstance(node, dict) and "$ref" in node:
        node = at_pointer(root, node["$ref"])
    return node


def at_pointer(root: dict[str, Any], ref: str) -> Any:
    """Return what a local reference names (``#/$defs/name``; RFC 6901)."""
    node: Any = root
    for part in ref.removeprefix("#").split("/")[1:]:
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node
