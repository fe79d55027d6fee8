"""Resolved data to Kubernetes objects: pure functions, one module per concern, put together here.

Builders know nothing of files or Kustomize. What is said of a wall, a workload or a policy in ARCHITECTURE.md is
made by the function of that name.
"""

from collections.abc import Sequence

from generator.build import access, argocd, detector, image, mesh, namespace, network, platform, seldon, workload
from generator.build.codeowners import codeowners
from generator.model import Model, Run
from generator.tenancy import Environment, Object, Place, Platform

__all__ = ["build_walls", "codeowners", "hub", "images", "policies", "serving", "settings", "walls"]


def settings(whole: Platform, environment: Environment, places: Sequence[Place]) -> list[Object]:
    """Return an environment's gateway, mesh defaults and operator settings; ``places`` are its tenants."""
    return platform.build(whole, environment, places)


def walls(place: Place, models: Sequence[Model]) -> list[Object]:
    """Return what surrounds a tenant's namespace; ``models`` are the ones deployed in it."""
    return [*namespace.build(place), *network.build(place, models), *mesh.build(place, models)]


def build_walls(place: Place) -> list[Object]:
    """Return what surrounds the namespace in which a tenant's images are built."""
    return namespace.build_namespace(place)


def serving(model: Model) -> list[Object]:
    """Return what serves a model: its SeldonDeployment, ServiceAccount, disruption budgets, detectors."""
    return [*seldon.build(model), *workload.build(model), *detector.build(model)]


def policies(model: Model) -> list[Object]:
    """Return who may call a model: its RequestAuthentication and AuthorizationPolicy."""
    return access.build(model)


def images(place: Place, runs: Sequence[tuple[str, Run]]) -> list[Object]:
    """Return the image builds of a tenant; ``runs`` are (model, Bento to build)."""
    return image.build(place, runs)


def hub(whole: Platform, served: Sequence[tuple[Place, tuple[str, ...]]]) -> list[Object]:
    """Return what Argo CD is told; ``served`` are every tenant's environments with the models deployed there."""
    return argocd.build(whole, served)
