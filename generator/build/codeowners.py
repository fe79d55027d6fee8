"""CODEOWNERS: who must agree to a change. The last matching line decides, so the widest comes first."""

from collections.abc import Sequence

from generator import names
from generator.tenancy import Platform, Tenant


def codeowners(platform: Platform, tenants: Sequence[Tenant]) -> str:
    """Return the text of CODEOWNERS without its header: the platform owns all, a tenant's reviewers what is theirs."""
    lines = [f"* {platform.reviewers}"]
    for tenant in tenants:
        reviewers = dict(tenant.reviewers)
        if team := reviewers.get("default"):
            lines += [
                f"/{folder}/ {team}" for folder in (f"{names.TENANTS}/{tenant.name}", f"{names.BASE}/{tenant.name}")
            ]
        for environment in tenant.environments:
            if team := reviewers.get(environment, reviewers.get("default")):
                lines.append(f"/{names.OVERLAYS}/{environment}/{tenant.name}/ {team}")
    return "\n".join(lines) + "\n"
