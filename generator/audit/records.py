"""The matrix for programs: a flat record per cell, as CSV or JSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from generator.audit.doors import Door
from generator.audit.grants import Grant, Granted
from generator.audit.identities import Identity
from generator.audit.matrix import Cell
from generator.audit.rows import Row
from generator.audit.verdicts import grants_for

FIELDS = (
    "environment", "tenant", "model", "operation", "identity", "kind", "name", "allowed", "ways", "policy", "rule",
    "granted", "file", "line", "members", "reason", "until",
)  # fmt: skip


FORMULA = ("=", "+", "-", "@")  # what a spreadsheet would run; OWASP "CSV Injection"


def records(found: Iterable[Row], granted: Granted) -> Iterator[dict[str, Any]]:
    """Yield a record per row and environment; those of refused identities have no way and no rule."""
    for row in found:
        for environment, cell in row.cells.items():
            door = Door(environment=environment, tenant=row.tenant, model=row.model, operation=row.operation)
            yield record(row.identity, door, cell, grants_for(granted, row.identity, door))


def record(identity: Identity, door: Door, cell: Cell | None, grants: Sequence[Grant]) -> dict[str, Any]:
    """Return one cell as a flat record."""
    grant = next(iter(grants), None)
    return {
        "environment": door.environment,
        "tenant": door.tenant,
        "model": door.model,
        "operation": door.operation,
        "identity": str(identity),
        "kind": identity.kind.value,
        "name": identity.name,
        "allowed": cell is not None,
        "ways": [way.name.lower() for way in cell.ways] if cell else [],
        "policy": f"{cell.rule.policy.namespace}/{cell.rule.policy.name}" if cell and cell.rule else "",
        "rule": cell.rule.index if cell and cell.rule else None,
        "granted": bool(grant),
        "file": grant.mark.file if grant else "",
        "line": grant.mark.line if grant else None,
        "members": f"{grant.members.file}:{grant.members.line}" if grant and grant.members else "",
        "reason": grant.reason if grant else "",
        "until": grant.until if grant else "",
    }


def as_csv(made: Iterable[Mapping[str, Any]]) -> str:
    """Return the records as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    for each in made:
        each = {name: f"'{value}" if str(value)[:1] in FORMULA else value for name, value in each.items()}  # noqa: PLW2901
        writer.writerow({**each, "ways": " ".join(each["ways"]), "allowed": "yes" if each["allowed"] else "no",
                         "granted": "yes" if each["granted"] else "no"})  # fmt: skip
    return text.getvalue()


def as_json(made: Iterable[Mapping[str, Any]], **more: Any) -> str:
    """Return the records, and what else is to be said, as JSON."""
    return json.dumps({"cells": list(made), **more}, indent=2, ensure_ascii=False) + "\n"
