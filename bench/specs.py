"""Write a repository of N realistic models, 20 to a tenant, each a little different from the others."""

import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
PER_TENANT = 20

TENANT = """\
apiVersion: modelapi/v1
kind: Tenant
metadata: {{name: {name}}}
spec:
  contact: {name}@corp.example
  environments: [dev, staging, prod]
  reviewers: {{default: "@corp/{name}"}}
  rbac: {{view: [{name}]}}
  quota: {{cpu: "400", memory: 1600Gi}}
  callers:
    desk: {{groups: [{name}-desk], clients: [{name}-batch]}}
"""
MODEL = """\
# yaml-language-server: $schema=../../schema/model.schema.json
apiVersion: modelapi/v1
kind: Model
metadata: {{name: {name}}}
spec:
  run:
    bento: {bento}:{version}
    source: {{oci: "registry.local/{tenant}/bentos/{name}@sha256:{digest}"}}
  runtime: {{cpu: "{cpu}", memory: {memory}Gi, timeout: {timeout}s, replicas: {{min: 2, max: {high}, cpuPercent: 70}}}}
  predictors:
    main: {{traffic: 90}}
    canary:
      traffic: 10
      run:
        bento: {bento}:{version}-rc1
        source: {{oci: "registry.local/{tenant}/bentos/{name}@sha256:{next}"}}
  access:
    - {{callers: [desk], reason: "ACC-{number}"}}
    - {{users: [a{number}@corp.example, b{number}@corp.example], in: [dev], until: "2031-01-31", reason: load test}}
    - {{workloads: [orders/checkout], in: [prod], reason: "ACC-{number}"}}
  environments:
    dev:
      predictors: {{main: {{traffic: 100}}, canary: null}}
      runtime: {{replicas: {{min: 1, max: 1}}}}
    prod:
      runtime: {{replicas: {{min: 3, max: {top}}}}}
      pins:
        main: "registry.local/{tenant}/{name}:{version}-{tag}@sha256:{digest}"
        canary: "registry.local/{tenant}/{name}:{version}-rc1-{tag}@sha256:{next}"
"""


def write(folder: Path, models: int) -> None:
    """Write platform.yaml, keys/ and tenants/ for that many models into a new folder."""
    (folder / "keys").mkdir(parents=True)
    platform, _, _ = (ROOT / "platform.yaml").read_text().partition("  waivers:")  # they name the example tenants
    (folder / "platform.yaml").write_text(platform)
    (folder / "keys/corp.json").write_text((ROOT / "keys/corp.json").read_text())
    for number in range(models):
        tenant = f"team-{number // PER_TENANT:04}"
        place = folder / "tenants" / tenant
        if number % PER_TENANT == 0:
            place.mkdir(parents=True)
            (place / "tenant.yaml").write_text(TENANT.format(name=tenant))
        name = f"model-{number:05}"
        (place / f"{name}.yaml").write_text(MODEL.format(**_facts(number, tenant, name)))


def _facts(number: int, tenant: str, name: str) -> dict[str, object]:
    digest, after = (sha256(f"{name}{step}".encode()).hexdigest() for step in ("a", "b"))
    return {
        "number": number,
        "tenant": tenant,
        "name": name,
        "bento": name.replace("-", "_"),
        "version": f"1.{number % 7}.{number % 3}",
        "digest": digest,
        "next": after,
        "tag": digest[:12],
        "cpu": 1 + number % 3,
        "memory": 1 + number % 4,
        "timeout": 2 + number % 9,
        "high": 3 + number % 5,
        "top": 10 + number % 9,
    }


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
