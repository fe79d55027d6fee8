"""The gateway's side of access: what it serves, which tokens it takes, and that each host wants a valid one.

The gateway decides coarsely: a known host and a valid token. Who may call a model is decided at the model's pods,
since gRPC requests are routed by headers that the caller chooses.
"""

from collections.abc import Sequence

from generator.build.meta import (
    AUTHORIZATION_POLICY,
    GATEWAY,
    PEER_AUTHENTICATION,
    REQUEST_AUTHENTICATION,
    Scope,
    Wave,
    obj,
    platform_scope,
)
from generator.build.tokens import audience_condition, jwt_rule, request_principal
from generator.tenancy import Object, Place, Platform

HTTPS = 443


def build(platform: Platform, places: Sequence[Place]) -> list[Object]:
    """Return the objects of the gateway's namespace; ``places`` are the tenants of one environment.

    Without a tenant there is no Gateway, since Istio refuses one without hosts; what protects its pods is there.
    """
    gateway = platform.mesh.gateway
    scope = platform_scope(platform, gateway.namespace)
    pods = {"selector": {"matchLabels": dict(gateway.selector)}}
    # In the root namespace a policy without selector holds for the whole mesh.
    reach = pods if gateway.namespace == platform.mesh.root_namespace else {}
    tokens = [jwt_rule(issuer, issuer.audiences, forward=True) for issuer in platform.issuers]
    return [
        *_gateway(platform, places),
        obj(scope, PEER_AUTHENTICATION, "default", {"spec": {**reach, "mtls": {"mode": "STRICT"}}}, Wave.WALLS),
        obj(scope, AUTHORIZATION_POLICY, "default-deny", {"spec": reach}, Wave.WALLS),
        *(_admission(platform, place) for place in places),
        obj(scope, REQUEST_AUTHENTICATION, gateway.name, {"spec": {**pods, "jwtRules": tokens}}, Wave.BEFORE),
    ]


def _gateway(platform: Platform, places: Sequence[Place]) -> list[Object]:
    """Return one HTTPS server for all hosts. No port 80: a request over plain HTTP has shown its token already."""
    gateway = platform.mesh.gateway
    if not places:
        return []
    server = {
        "port": {"number": HTTPS, "name": "https", "protocol": "HTTPS"},
        # With its namespace, a host takes the VirtualServices of its own tenant only.
        "hosts": sorted(f"{place.namespace}/{place.host}" for place in places),
        "tls": {"mode": "SIMPLE", "credentialName": gateway.certificate, "minProtocolVersion": "TLSV1_2"},
    }
    spec = {"selector": dict(gateway.selector), "servers": [server]}
    return [obj(platform_scope(platform, gateway.namespace), GATEWAY, gateway.name, {"spec": spec})]


def _admission(platform: Platform, place: Place) -> Object:
    """Return the policy that lets a valid token of any issuer through to the tenant's host."""
    gateway = platform.mesh.gateway
    rules = [
        {
            "from": [{"source": {"requestPrincipals": [request_principal(issuer)]}}],
            # Istio compares the host with its port, if the caller names one.
            "to": [{"operation": {"hosts": [place.host, f"{place.host}:*"]}}],
            "when": [audience_condition(issuer.audiences)],
        }
        for issuer in platform.issuers
    ]
    spec = {"selector": {"matchLabels": dict(gateway.selector)}, "action": "ALLOW", "rules": rules}
    scope = Scope(namespace=gateway.namespace, part_of=place.tenant.name)
    return obj(scope, AUTHORIZATION_POLICY, f"tenant-{place.tenant.name}", {"spec": spec}, Wave.BEFORE)
