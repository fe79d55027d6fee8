"""Imports -> texts of specs, with a word at the head of what they do not say."""

import re
from collections.abc import Sequence
from typing import Any

from generator.emit import emit
from generator.importing.ledger import Change, Remainder

Spec = dict[str, Any]

_NULL = "gen-import-takes-this-out"  # emit has no null, and a patch needs it
_NULL_LINE = re.compile(rf": {_NULL}$", re.MULTILINE)
_SCHEMA = "# yaml-language-server: $schema=../../schema/{kind}.schema.json"


def text(spec: Spec, head: Sequence[str] = ()) -> str:
    """Return a spec file's text; ``head``: comment lines without their sign."""
    lines = [_SCHEMA.format(kind=spec["kind"].lower()), *(f"# {line}" for line in head)]
    return _NULL_LINE.sub(": null", emit(_with_null(spec), header="\n".join(lines)))


def head(name: str, remainder: Sequence[Remainder]) -> list[str]:
    """Return what a spec says of its origin: how much of it is elsewhere."""
    lost, otherwise = (sum(one.change is change for one in remainder) for change in (Change.LEFT_OUT, Change.OTHERWISE))
    if not lost and not otherwise:
        return [f"Imported from SeldonDeployment {name}; all that has an effect is said here."]
    counted = f"{lost} left out, {otherwise} said otherwise"
    return [f"Imported from SeldonDeployment {name}: {counted}; `gen import` lists each with its reason."]


def tenant(name: str, contact: str, environments: Sequence[str], *, restricted: bool) -> str:
    """Return the text of the spec of a tenant that has none yet."""
    spec = {
        "apiVersion": "modelapi/v1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {
            "contact": contact,
            "environments": list(environments),
            **({} if restricted else {"podSecurity": "baseline"}),
        },
    }
    return text(spec, ["Made by `gen import`: say who answers for it."])


def model(spec: Spec, remainder: Sequence[Remainder]) -> str:
    """Return the text of a model's spec."""
    return text(spec, head(spec["metadata"]["name"], remainder))


def _with_null(value: Any) -> Any:
    match value:
        case None:
            return _NULL
        case dict():
            return {key: _with_null(inner) for key, inner in value.items()}
        case list():
            return [_with_null(inner) for inner in value]
        case _:
            return value
