"""The operator's port held against what the real operator made (the referee folder's `seldon-operator`)."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.seldon.operator import expand
from generator.seldon.quantity import canonical
from generator.seldon.settings import OperatorSettings

Object = dict[str, Any]
REFEREE = Path(__file__).parents[2] / "shared/referee/seldon-operator"
CASES = sorted(folder.name for folder in REFEREE.glob("*/")) if REFEREE.is_dir() else []
# The goldens come from a chart with ISTIO_ENABLED and KEDA_ENABLED, everything else at its default.
INSTALLED = OperatorSettings(istio_enabled=True, keda_enabled=True)


@pytest.mark.skipif(not CASES, reason="the referee folder is absent")
@pytest.mark.parametrize("case", CASES or ["absent"])
def test_the_objects_are_those_of_the_real_operator(case: str) -> None:
    given = yaml.safe_load((REFEREE / case / "input.yaml").read_text(encoding="utf-8"))
    want = list(yaml.safe_load_all((REFEREE / case / "output.yaml").read_text(encoding="utf-8")))
    made = [_stored(item) for item in expand(given, INSTALLED)]
    assert [_id(item) for item in made] == [_id(item) for item in want]
    for mine, golden in zip(made, want, strict=True):
        assert _readable(mine) == _readable(golden), _id(golden)


def _id(item: Object) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"


def _readable(item: Object) -> Object:
    """Decode ENGINE_PREDICTOR: its keys come in the order of Go's types there and in ours here."""
    if item["kind"] != "Deployment":
        return item
    for container in item["spec"]["template"]["spec"]["containers"]:
        for variable in container.get("env", []):
            if variable["name"] == "ENGINE_PREDICTOR":
                variable["value"] = json.loads(base64.b64decode(variable["value"]))
    return item


# --- what the API server fills in: k8s.io/kubernetes 1.34, pkg/apis/{core,apps}/v1/defaults.go ---


def _stored(item: Object) -> Object:
    result: Object = json.loads(json.dumps(item))
    if result["kind"] == "Deployment":
        spec = result["spec"]
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)
        spec["strategy"]["rollingUpdate"].setdefault("maxSurge", "25%")
        _stored_pod(spec["template"]["spec"])
    return result


def _stored_pod(pod: Object) -> None:
    if pod.get("serviceAccountName"):
        pod.setdefault("serviceAccount", pod["serviceAccountName"])
    for volume in pod.get("volumes", []):
        for kind in ("secret", "configMap", "downwardAPI", "projected"):
            if kind in volume:
                volume[kind].setdefault("defaultMode", 420)
    for container in pod.get("initContainers", []) + pod["containers"]:
        container["resources"] = {
            kind: {name: canonical(amount) for name, amount in amounts.items()}
            for kind, amounts in container.get("resources", {}).items()
        }
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("imagePullPolicy", _pull_policy(container["image"]))
        for name in ("livenessProbe", "readinessProbe", "startupProbe"):
            if name in container:
                _stored_probe(container[name])


def _stored_probe(probe: Object) -> None:
    defaults = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    for key, value in defaults.items():
        probe.setdefault(key, value)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("scheme", "HTTP")


def _pull_policy(image: str) -> str:
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if "@" not in image and tag in ("", "latest") else "IfNotPresent"
