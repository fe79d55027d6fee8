"""Hold an object against its CustomResourceDefinition; a field that the definition does not know is an error.

An API server with lenient validation prunes an unknown field: a mistyped `selectors:` would widen a policy in silence.
CEL rules (`x-kubernetes-validations`) are not evaluated here.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

CRDS = Path(__file__).parents[2] / "shared" / "referee" / "crds"

Schema = dict[str, Any]


def problems(obj: dict[str, Any]) -> list[str]:
    """Return what is wrong with a custom resource, sorted; skip the test where the referee folder is absent."""
    schema = _schemas().get((obj["apiVersion"], obj["kind"]))
    if schema is None:
        return [f"no CustomResourceDefinition of {obj['apiVersion']} {obj['kind']}"]
    body = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    found = [f"{_path(error.absolute_path)}: {error.message}" for error in _validator(schema).iter_errors(body)]
    return sorted([*found, *_unknown(schema, body, "")])


@cache
def _schemas() -> dict[tuple[str, str], Schema]:
    if not CRDS.is_dir():
        pytest.skip("the referee folder with the CRDs is not beside the project")
    found = {}
    for file in sorted(CRDS.glob("*.yaml")):
        for crd in yaml.load_all(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            for version in (crd or {}).get("spec", {}).get("versions", ()):
                api = f"{crd['spec']['group']}/{version['name']}"
                found[api, crd["spec"]["names"]["kind"]] = version["schema"]["openAPIV3Schema"]
    return found


def _validator(schema: Schema) -> Draft202012Validator:
    return Draft202012Validator({key: value for key, value in schema.items() if key != "required"})


def _unknown(schema: Schema, value: Any, path: str) -> Iterator[str]:
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unknown_key(schema, key, item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(schema.get("items", {}), item, f"{path}[{index}]")


def _unknown_key(schema: Schema, key: str, item: Any, path: str) -> Iterator[str]:
    others = schema.get("additionalProperties")
    inner = schema.get("properties", {}).get(key, others if isinstance(others, dict) else None)
    if inner is not None:
        yield from _unknown(inner, item, path)
    elif not others:
        yield f"{path}: unknown field"


def _path(parts: Any) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
