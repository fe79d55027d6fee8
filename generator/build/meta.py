"""What every rendered object shares: kinds, labels, annotations, sync waves and the order of keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from generator.model import Model
from generator.seldon.names import virtual_service
from generator.tenancy import Environment, Object, Place, Platform

MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"
NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
GENERATOR = "modelapi-gen"
WAVE = "argocd.argoproj.io/sync-wave"

# The label that the Seldon operator gives to every pod of a SeldonDeployment, the explainer's included; its value is
# the name that the VirtualService has (Seldon Core 1.17.1, operator seldondeployment_types.go). It never goes on a
# Service of ours: the operator deletes those.
DEPLOYMENT_LABEL = "seldon-deployment-id"


class Wave(StrEnum):
    """The order in which Argo CD applies objects: a wave waits until the one before it is healthy."""

    NAMESPACE = "-3"
    WALLS = "-2"  # default deny, mTLS, network and quota: closed before anything can be open
    BEFORE = "-1"  # what must precede the workload: policies, accounts, settings
    WORKLOAD = ""  # wave 0, which needs no annotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A Kubernetes kind with its API version."""

    api: str
    name: str


NAMESPACE = Kind(api="v1", name="Namespace")
CONFIG_MAP = Kind(api="v1", name="ConfigMap")
SERVICE_ACCOUNT = Kind(api="v1", name="ServiceAccount")
RESOURCE_QUOTA = Kind(api="v1", name="ResourceQuota")
LIMIT_RANGE = Kind(api="v1", name="LimitRange")
ROLE_BINDING = Kind(api="rbac.authorization.k8s.io/v1", name="RoleBinding")
NETWORK_POLICY = Kind(api="networking.k8s.io/v1", name="NetworkPolicy")
GATEWAY = Kind(api="networking.istio.io/v1", name="Gateway")
SIDECAR = Kind(api="networking.istio.io/v1", name="Sidecar")
SERVICE_ENTRY = Kind(api="networking.istio.io/v1", name="ServiceEntry")
AUTHORIZATION_POLICY = Kind(api="security.istio.io/v1", name="AuthorizationPolicy")
PEER_AUTHENTICATION = Kind(api="security.istio.io/v1", name="PeerAuthentication")
REQUEST_AUTHENTICATION = Kind(api="security.istio.io/v1", name="RequestAuthentication")
TELEMETRY = Kind(api="telemetry.istio.io/v1", name="Telemetry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where objects live ("" for what has no namespace) and whose they are: a tenant's or the platform's, a model's."""

    namespace: str
    part_of: str
    model: str = ""


def platform_scope(platform: Platform, namespace: str) -> Scope:
    """Return the scope of the platform's own objects in one of its namespaces."""
    return Scope(namespace=namespace, part_of=platform.name)


def tenant_scope(place: Place) -> Scope:
    """Return the scope of a tenant's walls."""
    return Scope(namespace=place.namespace, part_of=place.tenant.name)


def build_scope(place: Place) -> Scope:
    """Return the scope of a tenant's builds."""
    return Scope(namespace=place.build_namespace, part_of=place.tenant.name)


def model_scope(model: Model) -> Scope:
    """Return the scope of one model's objects."""
    return Scope(namespace=model.place.namespace, part_of=model.place.tenant.name, model=model.name)


def obj(scope: Scope, kind: Kind, name: str, body: Mapping[str, Any], wave: Wave = Wave.WORKLOAD) -> Object:
    """Return an object in canonical key order: apiVersion, kind, metadata, then ``body`` (spec, data) as it stands."""
    annotations = {WAVE: wave.value} if wave.value else {}
    metadata = filled(name=name, namespace=scope.namespace, labels=labels(scope), annotations=annotations)
    return {"apiVersion": kind.api, "kind": kind.name, "metadata": metadata, **body}


def labels(scope: Scope) -> dict[str, str]:
    """Return the labels of every object of the scope, sorted by key."""
    return {MANAGED_BY: GENERATOR, **({NAME: scope.model} if scope.model else {}), PART_OF: scope.part_of}


def labelled(thing: Object, added: Mapping[str, str]) -> Object:
    """Return the object with more labels, sorted by key."""
    return _with(thing, "labels", added)


def annotated(thing: Object, added: Mapping[str, str]) -> Object:
    """Return the object with more annotations, sorted by key."""
    return _with(thing, "annotations", added)


def filled(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something: neither None nor "" nor an empty list, tuple or mapping."""
    return {key: value for key, value in fields.items() if value or value == 0}  # 0 and False say something


def pods_of(model: Model) -> dict[str, str]:
    """Return the labels that every pod of the model carries, its explainer's too, and no other pod in the namespace."""
    return pods_labelled(model.name)


def pods_labelled(model: str) -> dict[str, str]:
    """Return the labels of `pods_of` for a model that is known by its name only."""
    return {DEPLOYMENT_LABEL: virtual_service(model)}


def pods_of_detector(model: Model, detector: str) -> dict[str, str]:
    """Return the labels that a detector's pods carry; the operator knows nothing of them."""
    return {COMPONENT: f"detector-{detector}", NAME: model.name}


def namespace_in(environment: Environment, tenant: str) -> str:
    """Return the namespace that a tenant's models have in an environment."""
    return environment.namespace.format(tenant=tenant)


def _with(thing: Object, field: str, added: Mapping[str, str]) -> Object:
    metadata = thing["metadata"]
    both = {**metadata.get(field, {}), **added}
    return {**thing, "metadata": {**metadata, field: dict(sorted(both.items()))}}
