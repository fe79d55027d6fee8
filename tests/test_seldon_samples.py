"""The webhook's port held against the real webhook's verdicts on Seldon's own samples."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.seldon.traps import traps
from generator.seldon.verdict import Outcome, nearest
from generator.seldon.webhook import denial, verdicts

Object = dict[str, Any]
REFEREE = Path(__file__).parents[2] / "shared/referee"
SAMPLES = REFEREE / "seldon-samples"
CRD = REFEREE / "crds/seldon-core-1.17.1-seldondeployment.yaml"


def _rows() -> list[Object]:
    if not SAMPLES.is_dir():
        return []
    with (SAMPLES / "VERDICTS.tsv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))


def _file(row: Object) -> str:
    return str(row.get("file", "absent"))


@pytest.fixture(scope="module")
def schema() -> Object:
    crd = yaml.load(CRD.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]  # type: ignore[no-any-return]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the referee folder is absent")
@pytest.mark.parametrize("row", _rows() or [{}], ids=_file)
def test_a_sample_is_judged_as_by_the_real_api_server(row: Object, schema: Object) -> None:
    sample = yaml.safe_load((SAMPLES / row["file"]).read_text(encoding="utf-8"))
    by_schema = _schema_faults(schema, sample, ())
    if by_schema:
        # The schema comes first: the webhook is not asked, unless validation is lenient and only a key is unknown.
        assert row["verdict"] == "denied"
        assert all(fault in row["message"] for fault in by_schema)
        assert not row["without strict"] or verdicts(sample) == ()
        return
    told = denial(sample)
    assert row["verdict"] == ("denied" if told else "accepted")
    assert row["message"] == (f"422 Invalid: {told}" if told else "")
    assert all(nearest(sample, verdict.path) == verdict.path for verdict in verdicts(sample))


KUBERNETES = ("apiVersion", "kind", "metadata")  # the server has its own schema for these
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def _schema_faults(schema: Object, value: Any, path: tuple[str | int, ...]) -> list[str]:
    """Return what a strict API server would name: paths of unknown keys and of values of another type."""
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
    known = schema.get("type")
    if known and not isinstance(value, TYPES[known]):
        return [place]
    if isinstance(value, list):
        return [fault for i, item in enumerate(value) for fault in _schema_faults(schema["items"], item, (*path, i))]
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return []
    faults = []
    for key, item in value.items():
        inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if item is None or (path == () and key in KUBERNETES):
            continue  # the server drops a null that the schema does not allow
        if inner is None and (schema.get("properties") is not None or path):
            faults.append(f"{place}.{key}")
        elif inner is not None:
            faults += _schema_faults(inner, item, (*path, key))
    return faults


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the referee folder is absent")
@pytest.mark.parametrize("row", [row for row in _rows() if row["operator state"]] or [{}], ids=_file)
def test_a_sample_that_the_operator_makes_available_is_in_no_trap_that_fails(row: Object) -> None:
    sample = yaml.safe_load((SAMPLES / row["file"]).read_text(encoding="utf-8"))
    fatal = [v.rule for v in traps(sample) if v.outcome in (Outcome.REFUSED, Outcome.FAILED)]
    assert bool(fatal) == row["operator state"].startswith("Failed")
