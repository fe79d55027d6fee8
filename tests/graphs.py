"""Take the spec of one model through everything that gen does with it, and ask the operator what it makes of it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from generator import build, foresee, pipeline, resolve, rules
from generator.build.operator import settings_of
from generator.check import check
from generator.diag import Diagnostic, Severity
from generator.document import Document
from generator.load import load
from generator.model import Model
from generator.rules.specs import Entry, Specs
from generator.seldon.operator import expand
from generator.tenancy import Object

Spec = dict[str, Any]
TODAY = date(2026, 11, 23)
TENANT, NAME = "shop", "m"
FILE = f"tenants/{TENANT}/{NAME}.yaml"
KEYS = (Path(__file__).parent / "invalid/_valid/keys/corp.json").read_text(encoding="utf-8")
DIGEST = "0" * 64
PLATFORM: Spec = {
    "repository": {"url": "https://git.local/ml.git", "reviewers": "@corp/ml"},
    "versions": {"kubernetes": "1.34", "istio": "1.31.1", "seldon": "1.17.1", "argocd": "3.5.1"},
    "issuers": {
        "corp": {"default": True, "issuer": "https://idp.local/ml", "jwksFile": "keys/corp.json", "audiences": ["ml"]}
    },
    "mesh": {
        "cni": True,
        "gateway": {
            "name": "api/gateway",
            "serviceAccount": "api/gateway",
            "selector": {"istio": "ingressgateway"},
            "certificate": "tls",
        },
    },
    "observability": {
        "prometheus": "monitoring/prometheus",
        "tracing": {"provider": "otel", "jaeger": "http://jaeger.tracing.svc:14268/api/traces"},
    },
    "sinks": {
        "audit": {"url": "http://payload-log.audit.svc:8080", "forwards": True},
        "silent": {"url": "http://payload-log.audit.svc:8080"},
        "lake": {"kafka": {"brokers": ["kafka.kafka.svc:9092"], "topic": "payloads"}},
    },
    "build": {},
    "registries": ["registry.local"],
    "seldon": {"keda": True},
    "environments": {
        "dev": {"cluster": "https://dev:6443", "host": "{tenant}.dev.corp.example"},
        "prod": {"after": "dev", "cluster": "https://prod:6443", "host": "{tenant}.corp.example"},
    },
}
TENANT_SPEC: Spec = {"contact": "shop@corp.example", "environments": ["dev", "prod"], "podSecurity": "baseline"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A model in one environment: resolved, its SeldonDeployment, what becomes of it, its walls and policies."""

    model: Model
    deployment: Object
    objects: tuple[Object, ...]
    policies: tuple[Object, ...]
    walls: tuple[Object, ...]

    def of(self, kind: str) -> dict[str, Object]:
        """Return the operator's objects of a kind by name."""
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == kind}

    def policy(self, kind: str, name: str = NAME) -> Object:
        """Return the spec of one of gen's own policies."""
        both = (*self.policies, *self.walls)
        found = next(one for one in both if one["kind"] == kind and one["metadata"]["name"] == name)
        spec: Object = found["spec"]
        return spec


def image(name: str = "a", **more: Any) -> Spec:
    """Return a run by an image that is named by its digest."""
    return {"image": f"registry.local/shop/{name}@sha256:{DIGEST}", **more}


def bento() -> Spec:
    """Return a run by a Bento."""
    return {"bento": "m:1", "source": {"oci": f"registry.local/shop/bentos/m@sha256:{DIGEST}"}}


def documents(spec: Spec, *, text: str = "", platform: Spec | None = None) -> list[Document]:
    """Return platform, tenant and model as files; ``text``: the model's whole file instead of ``spec``."""
    files = {
        "platform.yaml": _file("Platform", "ml", {**PLATFORM, **(platform or {})}),
        f"tenants/{TENANT}/tenant.yaml": _file("Tenant", TENANT, TENANT_SPEC),
        FILE: text or _file("Model", NAME, spec),
    }
    return [_document(content, path) for path, content in files.items()]


def specs(found: list[Document]) -> Specs:
    """Return the specs as the rules see them."""
    entries = [
        Entry(path=f"tenants/{TENANT}", kind="folder"),
        *(Entry(path=document.file) for document in found),
    ]
    return rules.of(found, entries, {"keys/corp.json": KEYS})


def judge(spec: Spec, *, text: str = "", platform: Spec | None = None) -> tuple[Diagnostic, ...]:
    """Return everything that gen says of a model: schema, then rules, then what the operator would say."""
    found = documents(spec, text=text, platform=platform)
    wrong = [problem for document in found for problem in check(document)]
    if wrong:
        return tuple(wrong)
    seen = specs(found)
    said = rules.find(seen, TODAY)
    if any(problem.severity is Severity.ERROR for problem in said):
        return said
    return (*said, *foresee.find(seen, pipeline.platform_of(seen)))


def make(spec: Spec, environment: str = "dev", *, platform: Spec | None = None) -> Made:
    """Return what a model that has passed becomes."""
    seen = specs(documents(spec, platform=platform))
    whole = pipeline.platform_of(seen)
    tenant = resolve.tenant(seen.tenants[0].document.data, whole)
    place = resolve.place(whole, tenant, environment)
    model = resolve.model(seen.models[0].document.data, place)
    deployment = next(one for one in build.serving(model) if one["kind"] == "SeldonDeployment")
    return Made(
        model=model,
        deployment=deployment,
        objects=expand(deployment, settings_of(whole)),
        policies=tuple(build.policies(model)),
        walls=tuple(build.walls(place, [model])),
    )


def listening(made: Made) -> dict[str, set[int]]:
    """Return the ports that the containers of each Deployment listen on, by its name."""
    return {
        name: {port for container in one["spec"]["template"]["spec"]["containers"] for port in _ports(container)}
        for name, one in made.of("Deployment").items()
    }


def _ports(container: Object) -> Iterator[int]:
    """Yield what a container declares; of MLServer the operator declares no metrics port, but tells it one."""
    yield from (port["containerPort"] for port in container.get("ports", ()))
    if container["image"].startswith("seldonio/mlserver:"):
        yield from (int(one["value"]) for one in container["env"] if one["name"] == "MLSERVER_METRICS_PORT")


def allowed(policy: Object) -> Iterator[tuple[list[str], str, str, int]]:
    """Yield principals, method, path and port of all that an AuthorizationPolicy lets in."""
    for rule in policy.get("rules", ()):
        principals = [name for one in rule["from"] for name in one["source"].get("principals", ())]
        for to in rule["to"]:
            operation = to["operation"]
            for port in operation["ports"]:
                for method in operation["methods"]:
                    yield from ((principals, method, path, int(port)) for path in operation["paths"])


def admitted_ports(wall: Object, labels: dict[str, str]) -> set[int]:
    """Return the ports that a NetworkPolicy opens to the model's own pods."""
    return {
        port["port"]
        for rule in wall.get("ingress", ())
        for peer in rule["from"]
        if peer.get("podSelector", {}).get("matchLabels") == labels and "namespaceSelector" not in peer
        for port in rule["ports"]
    }


def told(deployment: Object) -> Object:
    """Return the predictor as the executor in a Deployment is told of it."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    env = next(one["env"] for one in containers if one["name"] == "seldon-container-engine")
    found: Object = json.loads(base64.b64decode(next(one["value"] for one in env if one["name"] == "ENGINE_PREDICTOR")))
    return found


def _file(kind: str, name: str, spec: Spec) -> str:
    return json.dumps({"apiVersion": "modelapi/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}, indent=1)


def _document(text: str, path: str) -> Document:
    found = load(text.encode(), path)
    assert isinstance(found, Document), found
    return found
