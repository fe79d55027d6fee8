"""A request out of a solver's model: what a formula's counterexample looks like on the wire."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import z3

from generator.audit import encode as e
from generator.audit.encode_text import Text, case_of
from generator.audit.statement import Witness

# What can be sent as it stands: no segment of dots, no empty one, no escapes; and methods and names that exist.
CLEAN = {
    "path": "/([a-zA-Z0-9_:-][a-zA-Z0-9._:-]*/)*([a-zA-Z0-9_:-][a-zA-Z0-9._:-]*)?",
    "method": "GET|POST|PUT|DELETE|PATCH|OPTIONS",
    "principal": "spiffe://[a-z0-9.-]+/ns/[a-z0-9-]+/sa/[a-z0-9-]+",
    "authority": "[a-z0-9.-]+",
    "": "[a-z0-9@._-]*",
}


@dataclass(frozen=True, slots=True)
class _Reader:
    """A solver's model, and what stands for the cases of each text."""

    model: Any
    cases: Mapping[str, tuple[str, ...]]

    def text(self, constant: Text, default: str = "") -> str:
        standing = self.cases.get(constant.name)
        return standing[self.number(case_of(constant.name))] if standing else default

    def number(self, constant: Any) -> int:
        return int(self.model.eval(constant, model_completion=True).as_long())

    def flag(self, constant: Any) -> bool:
        return bool(z3.is_true(self.model.eval(constant, model_completion=True)))

    def value(self, found: e.Values) -> Any:
        shape = self.number(found.shape)
        if shape == e.TEXT:
            return self.text(found.members[0])
        if shape == e.LIST:
            return [self.text(member) for member in found.members[: self.number(found.count)]]
        return None


def witness_of(model: Any, cases: Mapping[str, tuple[str, ...]], to: str) -> Witness:
    """Return the request that a model describes."""
    reader = _Reader(model, cases)
    claims: dict[str, Any] = {}
    headers: list[tuple[str, str]] = []
    names = {str(each) for each in model.decls() if "\x1fshape" in str(each)}
    for kind, *path in sorted(name.split("\x1f")[:-1] for name in names):
        if kind == "claim":
            _put(claims, path, reader.value(e.claim(*path)))
        else:
            headers += [(path[0], text) for text in reader.value(e.header(path[0])) or ()]
    found = {name: reader.text(constant) for name, constant in TEXTS.items()}
    return Witness(
        to=to,
        method=found["method"] or "GET",
        path=found["path"] or "/",
        authority=found["authority"],
        port=reader.number(e.PORT),
        transport=reader.number(e.TRANSPORT),
        principal=found["principal"].removeprefix("spiffe://"),
        has_token=reader.flag(e.HAS_TOKEN),
        key=reader.text(e.KEY),
        claims=claims,
        headers=tuple(headers),
        is_tcp=reader.flag(e.IS_TCP),
        clean=all(not text or re.fullmatch(CLEAN[name], text) for name, text in found.items()),
    )


TEXTS = {"method": e.METHOD, "path": e.PATH, "principal": e.PRINCIPAL, "authority": e.AUTHORITY}


def _put(claims: dict[str, Any], names: list[str], value: Any) -> None:
    if value is None:
        return
    *parents, last = names
    for name in parents:
        inner = claims.get(name)
        claims[name] = inner if isinstance(inner, dict) else {}
        claims = claims[name]
    claims[last] = value
