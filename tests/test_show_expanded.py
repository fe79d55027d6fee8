"""gen show --expanded: what is rendered, then what the Seldon operator will make of it, told apart."""

import json
from pathlib import Path

from click.testing import CliRunner

from generator.cli import main

ROOT = Path(__file__).parents[1]


def run(*words: str) -> tuple[int, str, str]:
    made = CliRunner().invoke(main, ["-C", str(ROOT), "show", *words])
    return made.exit_code, made.stdout, made.stderr


def test_what_the_operator_makes_is_marked_as_such() -> None:
    code, out, _ = run("prod", "payments/fraud", "--expanded", "--kind", "Service", "--kind", "ServiceAccount")
    assert code == 0
    first, *others = out.split("---\n")
    assert "kind: ServiceAccount\n" in first
    assert "#" not in first
    mark = "# made in the cluster by the Seldon operator, of SeldonDeployment fraud\napiVersion: v1\nkind: Service\n"
    assert [other.startswith(mark) for other in others] == [True] * 5


def test_without_the_option_nothing_is_made() -> None:
    _, out, _ = run("prod", "payments/fraud")
    assert "made in the cluster" not in out
    assert "kind: VirtualService" not in out


def test_in_json_each_object_names_its_owner() -> None:
    _, out, _ = run("prod", "growth/uplift", "--expanded", "--format", "json")
    made = [one for one in json.loads(out) if "ownerReferences" in one["metadata"]]
    assert sorted({one["kind"] for one in made}) == [
        "Deployment",
        "DestinationRule",
        "ScaledObject",
        "Service",
        "VirtualService",
    ]
    assert {one["metadata"]["ownerReferences"][0]["name"] for one in made} == {"uplift"}


def test_the_operators_objects_follow_the_platforms_settings() -> None:
    _, out, _ = run("prod", "growth/uplift", "--expanded", "--format", "json", "--kind", "DestinationRule")
    assert [one["spec"]["trafficPolicy"] for one in json.loads(out)] == [{"tls": {"mode": "ISTIO_MUTUAL"}}]


def test_what_has_no_model_in_it_has_nothing_to_expand() -> None:
    code, out, _ = run("prod", "platform", "--expanded")
    assert code == 0
    assert "made in the cluster" not in out
