"""An environment's platform objects: the gateway's, the mesh's defaults, and settings that the rules presuppose."""

from collections.abc import Sequence

from generator.build import gateway
from generator.build.hosts import service_of
from generator.build.meta import CONFIG_MAP, TELEMETRY, Wave, obj, platform_scope
from generator.build.tokens import claim_path
from generator.emit import emit
from generator.tenancy import Environment, Issuer, Object, Place, Platform, Tracing

MESH_SETTINGS = "modelapi-mesh"
SELDON_SETTINGS = "modelapi-seldon"
# Envoy's access log format; "Access logging", "RBAC filter" and "JWT authentication" of the Envoy documentation.
# Never the query string, where tokens may stand, never a header that holds one. A gRPC refusal has the HTTP status
# 200, so GRPC_STATUS and the details are what an auditor reads.
LOG_LABELS = {
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "authority": "%REQ(:AUTHORITY)%",
    "path": "%REQ_WITHOUT_QUERY(:PATH)%",
    "original_path": "%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH)%",  # what the gateway was asked before it rewrote
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "response_flags": "%RESPONSE_FLAGS%",
    "grpc_status": "%GRPC_STATUS%",
    "decision": "%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_engine_result)%",
    "policy": "%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)%",
    "peer": "%DOWNSTREAM_PEER_URI_SAN%",
    "remote_address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "issuer": "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:iss)%",
    "subject": "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:sub)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
}
_FORMAT_SIGNS = "%:()"  # of Envoy's format language: a claim named with one of them cannot be asked for


def build(platform: Platform, environment: Environment, places: Sequence[Place]) -> list[Object]:
    """Return an environment's platform objects; of ``places``, only its own tenants count."""
    here = [place for place in places if place.environment.name == environment.name]
    return [*gateway.build(platform, here), _telemetry(platform), _mesh_settings(platform), _seldon_settings(platform)]


def _telemetry(platform: Platform) -> Object:
    """Return the mesh's one Telemetry: every request is logged, refused ones too, and some are traced."""
    spec: Object = {"accessLogging": [{"providers": [{"name": platform.access_log}]}]}
    if platform.tracing:
        name, percent = platform.tracing.provider, platform.tracing.percent
        spec["tracing"] = [{"providers": [{"name": name}], "randomSamplingPercentage": percent}]
    return obj(platform_scope(platform, platform.mesh.root_namespace), TELEMETRY, "mesh-default", {"spec": spec})


def _mesh_settings(platform: Platform) -> Object:
    """Return mesh settings as istiod reads them beside its own.

    istiod must run with ``SHARED_MESH_CONFIG=modelapi-mesh`` (``pilot.env`` of its chart). It then reads the key
    ``mesh`` of this ConfigMap, follows changes, and lays its own ConfigMap ``istio`` over it field by field;
    providers are merged by name (Istio 1.30, pilot/pkg/bootstrap/mesh.go and pkg/config/mesh/mesh.go).
    """
    providers = [_access_log(platform)]
    if platform.tracing and platform.tracing.service:
        providers.append(_tracing(platform.tracing))
    settings = {
        "pathNormalization": {"normalization": "DECODE_AND_MERGE_SLASHES"},
        "extensionProviders": providers,
    }
    scope = platform_scope(platform, platform.mesh.root_namespace)
    return obj(scope, CONFIG_MAP, MESH_SETTINGS, {"data": {"mesh": emit(settings)}}, Wave.WALLS)


def _access_log(platform: Platform) -> Object:
    claims = dict.fromkeys(
        claim
        for issuer in platform.issuers
        for claim in _identity_claims(issuer)
        if not set(claim) & set(_FORMAT_SIGNS)
    )
    asked = {
        f"claim_{claim}": f"%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:{':'.join(claim_path(claim))})%"
        for claim in sorted(claims)
    }
    log = {"path": "/dev/stdout", "logFormat": {"labels": {**LOG_LABELS, **asked}}}
    return {"name": platform.access_log, "envoyFileAccessLog": log}


def _identity_claims(issuer: Issuer) -> tuple[str, str]:
    return issuer.user_claim, issuer.client_claim


def _tracing(tracing: Tracing) -> Object:
    """Return the provider of traces; istiod finds a Service by its full name only (Istio MeshConfig reference)."""
    address, _, port = tracing.service.rpartition(":")
    inside = service_of(address)
    service = inside.host if inside else address
    return {"name": tracing.provider, "opentelemetry": {"service": service, "port": int(port)}}


def _seldon_settings(platform: Platform) -> Object:
    """Return values for the Helm chart of the Seldon operator: those that the rendered policies presuppose.

    Of ``tlsMode`` only DISABLE, SIMPLE, MUTUAL and ISTIO_MUTUAL are known to the operator; anything else, STRICT
    too, becomes plaintext without a word. Empty leaves the choice to Istio, which sends plaintext to a pod without
    sidecar; ISTIO_MUTUAL does not. The ports are those of `pods`, and policies name them.
    """
    gateway = platform.mesh.gateway
    values = {
        "ambassador": {"enabled": False},
        "istio": {"enabled": True, "gateway": f"{gateway.namespace}/{gateway.name}", "tlsMode": "ISTIO_MUTUAL"},
        **({"keda": {"enabled": True}} if platform.keda else {}),
        "controllerId": "",
        "defaultUserID": "8888",
        "executor": {"port": 8000, "metricsPortName": "metrics", "prometheus": {"path": "/prometheus"}, "user": 8888},
        "predictiveUnit": {"httpPort": 9000, "grpcPort": 9500, "metricsPortName": "metrics"},
    }
    scope = platform_scope(platform, platform.seldon)
    return obj(scope, CONFIG_MAP, SELDON_SETTINGS, {"data": {"values.yaml": emit(values)}}, Wave.WALLS)
