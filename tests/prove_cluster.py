"""The hand-built models as one cluster, for proofs that need no Kustomize; and holes that a hand may make in it."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from functools import partial

from build_rendered import everything
from build_rendered import models as built

from generator.access.mesh import Port, Settings, Workload
from generator.access.paths import PathNormalization
from generator.access.pods import workloads_of
from generator.access.tree import Cluster
from generator.audit.prove_specs import Declared
from generator.build import detector, seldon
from generator.model import Model, Operation
from generator.seldon.operator import expand
from generator.tenancy import Object

GATEWAY = Workload(
    namespace="api",
    name="seldon-gateway",
    labels={"istio": "ingressgateway"},
    service_account="seldon-gateway",
    ports=(Port(number=443),),
)


def models() -> list[Model]:
    """Return the hand-built models, each with the prefix that the gateway's route to it has."""
    return [replace(each, operations=tuple(map(partial(_routed, each), each.operations))) for each in built()]


def _routed(model: Model, operation: Operation) -> Operation:
    borrowed = "/seldon/example-model/iris"
    own = f"/seldon/{model.place.namespace}/{model.name}"
    return replace(operation, prefix=operation.prefix.replace(borrowed, own))


def declared() -> Declared:
    return Declared(platform=models()[0].place.platform, models={"prod": tuple(models())})


def cluster() -> Cluster:
    made = [obj for model in models() for obj in (*expand(seldon.build(model)[0]), *detector.build(model))]
    return of([*everything(), *made])


def of(objects: Iterable[Object]) -> Cluster:
    given = tuple(objects)
    return Cluster(
        environment="prod",
        objects=given,
        settings=Settings(path_normalization=PathNormalization.DECODE_AND_MERGE_SLASHES),
        workloads=(GATEWAY, *workloads_of(given)),
        gateway=GATEWAY,
    )


Edit = Callable[[dict[str, Object]], object]


def edited(start: Cluster, edit: Edit) -> Cluster:
    """Return the cluster after `edit` has changed its objects in place, by "Kind namespace/name"; None goes away."""
    objects = {name_of(obj): obj for obj in deepcopy(list(start.objects))}
    edit(objects)
    return replace(of(obj for obj in objects.values() if obj), settings=start.settings)


def name_of(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{obj['kind']} {metadata.get('namespace', '')}/{metadata['name']}"
