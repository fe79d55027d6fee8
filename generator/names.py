"""Every path and name that gen itself chooses. Names that Seldon's operator chooses are in `seldon/names.py`."""

from collections.abc import Iterable
from typing import Any

BASE = "base"
OVERLAYS = "overlays"
CODEOWNERS = "CODEOWNERS"
OWNED = (BASE, OVERLAYS, CODEOWNERS)  # what gen writes; everything else in a repository belongs to people
PLATFORM_SPEC = "platform.yaml"
TENANTS = "tenants"
HUB = f"{OVERLAYS}/argocd"  # also a reserved name: no environment may be called argocd
KUSTOMIZATION = "kustomization.yaml"


def tenant_spec(tenant: str) -> str:
    """Return the path of a tenant's spec."""
    return f"{TENANTS}/{tenant}/tenant.yaml"


def model_spec(tenant: str, model: str) -> str:
    """Return the path of a model's spec."""
    return f"{TENANTS}/{tenant}/{model}.yaml"


def base_folder(tenant: str, model: str) -> str:
    """Return the folder of what every environment of a model shares."""
    return f"{BASE}/{tenant}/{model}"


def tenant_folders(tenant: str, environments: Iterable[str]) -> tuple[str, ...]:
    """Return the folders in which a tenant's files lie, and nobody else's."""
    return (f"{BASE}/{tenant}", *(f"{OVERLAYS}/{environment}/{tenant}" for environment in environments))


def platform_folder(environment: str) -> str:
    """Return the folder of an environment's gateway and mesh settings."""
    return f"{OVERLAYS}/{environment}/platform"


def namespace_folder(environment: str, tenant: str) -> str:
    """Return the folder of the walls round a tenant's namespace."""
    return f"{OVERLAYS}/{environment}/{tenant}/namespace"


def build_namespace_folder(environment: str, tenant: str) -> str:
    """Return the folder of the walls round the namespace in which a tenant's images are built."""
    return f"{OVERLAYS}/{environment}/{tenant}/build-namespace"


def build_folder(environment: str, tenant: str) -> str:
    """Return the folder of a tenant's image builds."""
    return f"{OVERLAYS}/{environment}/{tenant}/build"


def models_folder(environment: str, tenant: str) -> str:
    """Return the folder that lists a tenant's models in an environment."""
    return f"{OVERLAYS}/{environment}/{tenant}/models"


def model_folder(environment: str, tenant: str, model: str) -> str:
    """Return the folder of one model in one environment."""
    return f"{models_folder(environment, tenant)}/{model}"


def object_file(obj: dict[str, Any]) -> str:
    """Return the file name of an object: ``<kind>-<name>.yaml`` in lower case."""
    return f"{obj['kind'].lower()}-{obj['metadata']['name']}.yaml"


def patch_file(kind: str, name: str) -> str:
    """Return the file name of the patch of one object."""
    return f"patch-{kind.lower()}-{name}.yaml"


def platform_application(environment: str) -> str:
    """Return the name of the Argo CD Application of an environment's platform folder."""
    return f"platform-{environment}"


def namespace_application(tenant: str, environment: str) -> str:
    """Return the name of the Argo CD Application of a tenant's namespace."""
    return f"{tenant}-{environment}-namespace"


def models_application(tenant: str, environment: str, model: str = "") -> str:
    """Return the name of the Argo CD Application of a tenant's models, or of one of them."""
    return f"{tenant}-{environment}-{model}" if model else f"{tenant}-{environment}"


def build_application(tenant: str) -> str:
    """Return the name of the Argo CD Application of a tenant's image builds; also of its AppProject."""
    return f"{tenant}-build"


def build_namespace_application(tenant: str) -> str:
    """Return the name of the Argo CD Application of the namespace in which a tenant's images are built."""
    return f"{tenant}-build-namespace"


def relative(folder: str, target: str) -> str:
    """Return the path of ``target`` as written in a kustomization in ``folder``; both relative to the repository.

    >>> relative("overlays/dev/risk/models/fraud", "base/risk/fraud")
    '../../../../../base/risk/fraud'
    """
    here, there = folder.split("/"), target.split("/")
    common = _common(zip(here, there, strict=False))
    return "/".join([".."] * (len(here) - common) + there[common:])


def _common(pairs: Iterable[tuple[str, str]]) -> int:
    count = 0
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return count
