"""Everything that the builders make of the hand-built tenants and models, for tests that hold rules over all of it."""

from collections.abc import Iterable
from dataclasses import replace

from build_fixtures import PARTNER, churn, fraud, grants, iris, platform

from generator.build.access import build as policies_of
from generator.build.mesh import build as mesh_walls
from generator.build.namespace import build as namespace_walls
from generator.build.namespace import build_namespace
from generator.build.network import build as network_walls
from generator.build.platform import build as platform_objects
from generator.model import Model
from generator.tenancy import Egress, Object, Place


def partner() -> Model:
    """Return iris for callers of another issuer, whose groups are nested and whose issuer ends in a slash."""
    given = replace(
        grants("predict"), users=("carol@partner.example",), groups=("analysts",), clients=("batch",), anyone=True
    )
    return replace(iris("prod"), name="partner", issuer=PARTNER, audience="partner-ml", grants=(given,))


def ungranted() -> Model:
    """Return iris with nobody who may call it, on a platform without Prometheus."""
    where = iris("prod").place
    dark = replace(where, platform=replace(where.platform, prometheus=None))
    return replace(iris("prod"), name="dark", place=dark, grants=())


def models() -> list[Model]:
    """Return every model of the environment prod."""
    return [iris("prod"), partner(), ungranted(), fraud(), churn()]


def places() -> list[Place]:
    """Return the tenants of the environment prod, one with every kind of egress."""
    outside = (
        Egress(host="db.corp.example", port=5432, cidrs=("10.1.0.0/16", "10.2.0.0/16")),
        Egress(host="features.corp.example", port=80, cidrs=()),
        Egress(host="features.corp.example", port=443, cidrs=()),
    )
    payments = fraud().place
    caller = replace(payments, tenant=replace(payments.tenant, egress=outside, calls=(("growth", "churn"),)))
    return [iris("prod").place, caller, churn().place]


def walls() -> list[Object]:
    """Return what surrounds every tenant's namespace, and one namespace of image builds."""
    made: list[Object] = []
    for place in places():
        here = [model for model in models() if model.place.namespace == place.namespace]
        made += [*namespace_walls(place), *network_walls(place, here), *mesh_walls(place, here)]
    return [*made, *build_namespace(iris("dev").place)]


def policies() -> list[Object]:
    """Return the policies of every model."""
    return [policy for model in models() for policy in policies_of(model)]


def settings() -> list[Object]:
    """Return the platform's objects of the environment prod."""
    where = next(one for one in platform().environments if one.name == "prod")
    return platform_objects(platform(), where, places())


def everything() -> list[Object]:
    """Return all of it."""
    return [*settings(), *walls(), *policies()]


def of(kind: str, objects: Iterable[Object] | None = None) -> list[Object]:
    """Return the objects of a kind, of everything unless told otherwise."""
    return [obj for obj in (everything() if objects is None else objects) if obj["kind"] == kind]


def named(kind: str, name: str, objects: Iterable[Object]) -> Object:
    """Return the one object of that kind and name."""
    (found,) = [obj for obj in of(kind, objects) if obj["metadata"]["name"] == name]
    return found
