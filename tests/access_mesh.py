"""Short ways to write meshes for the tests of access: YAML in, one guarded workload out."""

from typing import Any

import yaml

from generator.access import Guard, Mesh, Settings, Workload, guard, read
from generator.access.mesh import Port

ISSUER = "https://idp.example.com/realms/ml"
JWKS_URI = "https://idp.example.com/keys"  # a token signed by this key set has key=JWKS_URI
FRAUD = Workload(
    namespace="team-a",
    name="fraud",
    labels={"app": "fraud"},
    service_account="fraud",
    ports=(Port(number=8000), Port(number=5001, protocol="grpc"), Port(number=9092, protocol="tcp")),
    services=("fraud.team-a.svc.cluster.local",),
)
AUTHENTICATION = f"""
kind: RequestAuthentication
metadata: {{name: fraud, namespace: team-a}}
spec:
  selector: {{matchLabels: {{app: fraud}}}}
  jwtRules:
    - issuer: {ISSUER}
      audiences: [fraud]
      jwksUri: {JWKS_URI}
      fromHeaders: [{{name: Authorization, prefix: "Bearer "}}]
"""


def objects(text: str) -> list[dict[str, Any]]:
    """Return the objects of a YAML text; an API version is added where none is written."""
    found = []
    for each in yaml.safe_load_all(text):
        if each:
            is_traffic = each["kind"] in ("Gateway", "VirtualService", "DestinationRule")
            group = "networking" if is_traffic else "security"
            found.append({"apiVersion": f"{group}.istio.io/v1"} | each)
    return found


def mesh(text: str, *workloads: Workload, settings: Settings | None = None) -> Mesh:
    return read(objects(text), settings, workloads or (FRAUD,))


def guarded(text: str, workload: Workload = FRAUD, *, settings: Settings | None = None) -> Guard:
    return guard(mesh(text, workload, settings=settings), workload)


def policy(rules: Any, *, action: str = "ALLOW", name: str = "p", namespace: str = "team-a", **more: Any) -> str:
    """Return an AuthorizationPolicy as YAML; `rules` None leaves them out."""
    spec: dict[str, Any] = {"action": action} | more
    if rules is not None:
        spec["rules"] = rules
    metadata = {"name": name, "namespace": namespace}
    return yaml.safe_dump({"kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec}) + "---\n"
