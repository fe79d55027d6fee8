"""What a spec that says nothing means: one table per kind, each default with its source.

Keys are paths below ``spec``, with ``*`` for a name that people choose. The schemas repeat these values for editors;
a test holds the two together. Defaults that depend on something else are the functions that use them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Default:
    """A value, and why it is this one."""

    value: Any
    source: str


_ISTIO = "Istio, MeshConfig reference"
_OWN = "this project: the safe choice"

PLATFORM: Mapping[str, Default] = {
    "repository.branch": Default("main", "git: init.defaultBranch of most servers"),
    "issuers.*.default": Default(value=False, source=_OWN),
    "issuers.*.claims.user": Default("email", "OpenID Connect Core 1.0, 5.1 Standard Claims"),
    "issuers.*.claims.groups": Default("groups", "what Keycloak, Entra ID, Okta and Dex call it by default"),
    "issuers.*.claims.client": Default("azp", "OpenID Connect Core 1.0, 2 ID Token"),
    "issuers.*.userDomains": Default((), "any domain"),
    "mesh.trustDomain": Default("cluster.local", f"{_ISTIO}: trustDomain"),
    "mesh.rootNamespace": Default("istio-system", f"{_ISTIO}: rootNamespace"),
    "mesh.cni": Default(value=False, source="Istio 1.30 installation profiles: istio-cni is an extra component"),
    "mesh.proxySeccomp": Default(value=False, source="Istio 1.30, istiod chart: global.proxy.seccompProfile is empty"),
    "observability.accessLog": Default("envoy", f"{_ISTIO}: extensionProviders has one of this name built in"),
    "observability.tracing.percent": Default(1, "Istio Telemetry reference: randomSamplingPercentage"),
    "sinks.*.forwards": Default(value=False, source="this project: nobody is known to be told anything"),
    "sinks.*.onLoss": Default("drop", "Seldon Core 1.17.1, executor/logger/collector.go: it can do nothing else"),
    "build.engine": Default("buildkit", _OWN),
    "build.namespace": Default("{tenant}-build", _OWN),
    "build.pushSecret": Default("registry-push", _OWN),
    "build.seccomp": Default("profiles/buildkit-rootless.json", _OWN),
    "argocd.namespace": Default("argocd", "Argo CD installation manifests"),
    "seldon.namespace": Default("seldon-system", "Seldon Core installation guide"),
    "seldon.keda": Default(value=False, source="Seldon Core 1.17.1, Helm chart: keda.enabled"),
    "environments.*.namespace": Default("{tenant}", _OWN),
    "environments.*.require.pins": Default(value=False, source=_OWN),
    "environments.*.require.replicas": Default(1, "Kubernetes Deployment: replicas"),
    "environments.*.forbid": Default((), _OWN),
    "expect": Default((), _OWN),
    "waivers": Default((), _OWN),
}

# build.images: what runs in a build Job, and what loads a stock server's model (storage), below the platform's first
# registry. Versions: the newest releases that the Job's scripts were read against (moby/buildkit 0.32.2,
# oras-project/oras 1.3.0, amazon/aws-cli 2).
TOOLS: Mapping[str, str] = {
    "bento": "bentoml/builder:1.4.39",
    "buildkit": "moby/buildkit:v0.32.2-rootless",
    "oras": "oras-project/oras:v1.3.0",
    "s3": "amazon/aws-cli:2.31.0",
    "storage": "seldonio/rclone-storage-initializer:1.17.1",  # Seldon Core 1.17.1, chart values: storageInitializer
}

TENANT: Mapping[str, Default] = {
    "data": Default("internal", _OWN),
    "podSecurity": Default("restricted", _OWN),
    "rbac.view": Default((), _OWN),
    "quota.cpu": Default("8", _OWN),
    "quota.memory": Default("32Gi", _OWN),
    "quota.gpu": Default(0, _OWN),
    "egress": Default((), _OWN),
    "egress[].port": Default(443, "RFC 9110, 4.2.2 https URI Scheme"),
    "egress[].cidrs": Default((), "any address outside the cluster"),
    "applications": Default("tenant", _OWN),
}

MODEL: Mapping[str, Default] = {
    "api.protocol": Default("bento", "this project: the one protocol without Seldon's executor"),
    "api.routes": Default({"predict": ("/predict",)}, _OWN),
    "nodes.*.type": Default("MODEL", "Seldon Core 1.17.1, operator, v1/defaults.go"),
    "nodes.*.children": Default((), _OWN),
    "nodes.*.parameters": Default({}, _OWN),
    "predictors.*.shadow": Default(value=False, source="Seldon Core 1.17.1, CRD: spec.predictors[].shadow"),
    "explainer.predictor": Default("main", _OWN),
    "detectors.*.from": Default("log", _OWN),
    "runtime.cpu": Default("500m", "Seldon Core 1.17.1, operator: what the executor gets itself"),
    "runtime.memory": Default("512Mi", "Seldon Core 1.17.1, operator: what the executor gets itself"),
    "runtime.gpu": Default(0, _OWN),
    "runtime.replicas.cpuPercent": Default(80, "Kubernetes HorizontalPodAutoscaler v2: default target"),
    "runtime.timeout": Default("60s", "BentoML 1.4: traffic.timeout"),
    "runtime.startup": Default("300s", "this project: a large model read from a slow registry"),
    "runtime.workers": Default(1, "BentoML 1.4: workers"),
    "access": Default((), "nobody is admitted unless named"),
    "access[].can": Default(("predict",), _OWN),
    "expect": Default((), _OWN),
}

PREDICTOR = "main"  # the one predictor of a model that names none

BENTO_PORT = 3000  # BentoML 1.4, `bentoml serve`
NODE_PORT = 9000  # Seldon Core 1.17.1, operator, constants.go: FirstHttpPortNumber
NODE_GRPC_PORT = 9500  # Seldon Core 1.17.1, operator, constants.go: FirstGrpcPortNumber; what its servers are told
EXPLAINER_PORT = 9100  # apart from the nodes' ports, so that a policy can tell them apart
BENTO_USER = 1034  # BentoML 1.4, _internal/container/generate.py
SELDON_USER = 8888  # Seldon Core 1.17.1, Helm chart: defaultUserID
BENTO_PROBES = ("/livez", "/readyz")  # BentoML 1.4, alive only and with the model loaded
V2_PROBES = ("/v2/health/live", "/v2/health/ready")  # Open Inference Protocol, and what the operator asks a server
TCP_PROBES = ("", "")
