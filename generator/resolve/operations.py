"""What callers can be granted: the operations of a model, by protocol, as the pods see them.

Sources: Seldon Core 1.17.1, executor/api/rest/server.go (Initialise) and executor/api/grpc/*/server.go for what the
executor serves; components/alibi-explain-server/alibiexplainer/server.py and operator/controllers/mlserver.go
(getAlibiExplainEnvVars) for explainers; Open Inference Protocol and the REST API of TensorFlow Serving for servers
that speak for themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from generator.model import Explainer, Operation, Predictor, Protocol
from generator.resolve.runs import Setting

EXECUTOR_PORT = 8000  # Seldon Core 1.17.1, operator: ENGINE_SERVER_PORT
EXECUTOR_GRPC_PORT = 5001  # Seldon Core 1.17.1, operator: ENGINE_SERVER_GRPC_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    """A port of the pods, with the names that the roots of the graphs behind it have."""

    port: int
    grpc_port: int  # 0 where nobody is known to listen
    roots: tuple[str, ...]
    executor: bool


def operations(
    setting: Setting, found: Sequence[Predictor], *, executor: bool, routes: Mapping[str, Sequence[str]]
) -> tuple[Operation, ...]:
    """Return the operations of a model's predictors.

    Where predictors listen on different ports, an operation is there once for each.
    ``routes``: the paths of each operation under protocol bento.
    """
    prefix = f"/seldon/{setting.place.namespace}/{setting.name}"
    doors = _doors(found, executor=executor)
    return tuple(one for door in doors for one in _served(setting.protocol, door, prefix, routes))


def explain(setting: Setting, explainer: Explainer, found: Iterable[Predictor]) -> Operation:
    """Return the operation that an explainer adds."""
    root = next((one.graph.name for one in found if one.name == explainer.predictor), setting.name)
    paths: tuple[str, ...]
    match setting.protocol:
        case Protocol.V2:  # MLServer; the model is called what the container is called
            paths = (f"/v2/models/{setting.name}-{explainer.predictor}-explainer/infer",)
        case Protocol.TENSORFLOW:
            paths = (f"/v1/models/{root}:explain",)
        case _:
            paths = ("/api/v0.1/explain", "/api/v1.0/explain")
    return Operation(
        name="explain",
        methods=("POST",),
        paths=paths,
        grpc_paths=(),
        port=explainer.run.port,
        grpc_port=0,
        prefix=f"/seldon/{setting.place.namespace}/{setting.name}-explainer/{explainer.predictor}",
    )


def _doors(found: Sequence[Predictor], *, executor: bool) -> list[_Door]:
    if executor:
        roots = tuple(sorted({one.graph.name for one in found}))
        return [_Door(port=EXECUTOR_PORT, grpc_port=EXECUTOR_GRPC_PORT, roots=roots, executor=True)]
    behind: dict[tuple[int, int], set[str]] = {}
    for one in found:
        if one.graph.run:
            behind.setdefault((one.graph.run.port, one.graph.run.grpc_port), set()).add(one.graph.name)
    return [
        _Door(port=port, grpc_port=grpc, roots=tuple(sorted(roots)), executor=False)
        for (port, grpc), roots in sorted(behind.items())
    ]


def _served(protocol: Protocol, door: _Door, prefix: str, routes: Mapping[str, Sequence[str]]) -> Iterable[Operation]:
    match protocol:
        case Protocol.BENTO:
            for name, paths in routes.items():
                yield _operation(name, "POST", paths, door, prefix)
        case Protocol.SELDON:
            yield _rpc("predict", _seldon("predictions"), "/seldon.protos.Seldon/Predict", door, prefix)
            yield _rpc("feedback", _seldon("feedback"), "/seldon.protos.Seldon/SendFeedback", door, prefix)
            yield _operation("metadata", "GET", ("/api/v1.0/metadata",), door, prefix)
        case Protocol.V2:
            yield _rpc("predict", _v2(door), "/inference.GRPCInferenceService/ModelInfer", door, prefix)
            described = _operation("metadata", "GET", _named(door, "/v2/models/", "", "/ready"), door, prefix)
            yield _with_rpc(described, door, "/inference.GRPCInferenceService/", ("ModelMetadata", "ModelReady"))
        case Protocol.TENSORFLOW:
            yield _rpc("predict", _v1(door), "/tensorflow.serving.PredictionService/Predict", door, prefix)
            described = _operation("metadata", "GET", _named(door, "/v1/models/", "", "/metadata"), door, prefix)
            yield _with_rpc(described, door, "/tensorflow.serving.PredictionService/", ("GetModelMetadata",))
            if door.executor:
                yield _operation("feedback", "POST", ("/api/v1.0/feedback",), door, prefix)


def _seldon(verb: str) -> tuple[str, ...]:
    return tuple(f"/api/{version}/{verb}" for version in ("v0.1", "v1.0"))


def _v2(door: _Door) -> tuple[str, ...]:
    """Return the paths of v2; the executor takes one without a name too, so that each node is called by its own."""
    return (*_named(door, "/v2/models/", "/infer"), *(("/v2/models/infer",) if door.executor else ()))


def _v1(door: _Door) -> tuple[str, ...]:
    """Return the paths of TensorFlow Serving; the executor takes two without a name too."""
    nameless = ("/v1/models/:predict", "/v1/models:predict") if door.executor else ()
    return (*_named(door, "/v1/models/", ":predict"), *nameless)


def _named(door: _Door, front: str, *backs: str) -> tuple[str, ...]:
    return tuple(f"{front}{root}{back}" for root in door.roots for back in backs)


def _rpc(name: str, paths: Iterable[str], grpc_path: str, door: _Door, prefix: str) -> Operation:
    """Return an operation that is served by gRPC too, where the door has a port for it."""
    return Operation(
        name=name,
        methods=("POST",),
        paths=tuple(sorted(paths)),
        grpc_paths=(grpc_path,) if door.grpc_port else (),
        port=door.port,
        grpc_port=door.grpc_port,
        prefix=prefix,
    )


def _with_rpc(operation: Operation, door: _Door, service: str, methods: Sequence[str]) -> Operation:
    """Return the operation with what a server answers by gRPC that the executor in front of it does not."""
    if door.executor or not door.grpc_port:
        return operation
    return replace(operation, grpc_paths=tuple(service + one for one in methods), grpc_port=door.grpc_port)


def _operation(name: str, method: str, paths: Iterable[str], door: _Door, prefix: str) -> Operation:
    return Operation(
        name=name,
        methods=(method,),
        paths=tuple(sorted(paths)),
        grpc_paths=(),
        port=door.port,
        grpc_port=0,
        prefix=prefix,
    )
