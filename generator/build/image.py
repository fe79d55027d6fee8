"""The builds of a tenant's images: one Job per Bento, in the tenant's build namespace, by rootless BuildKit.

A Job is named after a hash of all of it, since its template cannot change under one name; it has no hook and no time
to live, either of which would run it again at every sync. Ended Jobs stay and are pruned when their name leaves.

Source: BuildKit docs/rootless.md and examples/kubernetes/job.rootless.yaml; Argo CD "Resource hooks".
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from generator.build import image_job
from generator.build.meta import CONFIG_MAP, SERVICE_ACCOUNT, Kind, Wave, build_scope, filled, obj
from generator.model import Run
from generator.tenancy import Object, Place

JOB = Kind(api="batch/v1", name="Job")
ACCOUNT = "image-builder"
BUILDKIT = "buildkit"  # the only engine that needs objects; with any other somebody else builds

_SHOWN = 42  # of the model's name, so that a Job's name with its pods' suffix stays a label value of 63
_HASH = 10

# The state lives as long as the pod: there is nothing to collect.
_BUILDKITD = """\
[worker.oci]
  gc = false
"""


def build(place: Place, runs: Sequence[tuple[str, Run]]) -> list[Object]:
    """Return the build account, BuildKit's settings and one Job per Bento, sorted by name; nothing if none is built.

    ``runs``: (model, what its node runs). A Bento that several models run is built once, for the first of them.
    """
    bentos = _distinct(runs)
    if not bentos or not place.build_namespace or place.platform.build.engine != BUILDKIT:
        return []
    config = _config(place)
    jobs = [_job(place, model, run, config["metadata"]["name"]) for model, run in bentos]
    return [_account(place), config, *sorted(jobs, key=lambda job: str(job["metadata"]["name"]))]


def _distinct(runs: Sequence[tuple[str, Run]]) -> list[tuple[str, Run]]:
    bentos = sorted(((model, run) for model, run in runs if run.source is not None), key=lambda one: one[0])
    return [(model, run) for model, run in {run.tag_image: (model, run) for model, run in reversed(bentos)}.values()]


def _account(place: Place) -> Object:
    secret = place.platform.build.push_secret
    body = {"automountServiceAccountToken": False, **filled(imagePullSecrets=[{"name": secret}] if secret else [])}
    return obj(build_scope(place), SERVICE_ACCOUNT, ACCOUNT, body, Wave.BEFORE)


def _config(place: Place) -> Object:
    """Return BuildKit's settings; the name says the content, so that a change of it is a change of every Job."""
    data = {"buildkitd.toml": _BUILDKITD, "policy.json": f"{json.dumps(_source_policy(place), indent=2)}\n"}
    return obj(build_scope(place), CONFIG_MAP, f"buildkit-{_digest(data)}", {"data": data}, Wave.BEFORE)


def _source_policy(place: Place) -> Object:
    """Return which images a Dockerfile may start from; of the rules that match, the last decides.

    Source: BuildKit sourcepolicy/engine.go and docs/build-repro.md.
    """
    registries = dict.fromkeys((*place.platform.registries, *place.tenant.registries))
    rules = [("DENY", "docker-image://*"), *(("ALLOW", f"docker-image://{name}/*") for name in registries)]
    return {"rules": [{"action": action, "selector": {"identifier": which}} for action, which in rules]}


def _job(place: Place, model: str, run: Run, config: str) -> Object:
    scope = replace(build_scope(place), model=model)
    body = {"spec": image_job.spec(place, run, scope=scope, account=ACCOUNT, config=config)}
    shown = f"build-{model[:_SHOWN].rstrip('-')}"
    return obj(scope, JOB, f"{shown}-{_digest(obj(scope, JOB, shown, body))}", body)


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]
