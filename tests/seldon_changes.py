"""A sound SeldonDeployment, and small changes that can be put together to lead it astray."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from generator.seldon.verdict import Path

Object = dict[str, Any]
Change = Callable[[Object], object]
Row = tuple[str, Change, Path, Change]  # rule, what leads into the trap, the place, what stands beside it and is none
RESOURCES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
P0: Path = ("spec", "predictors", 0)
C0: Path = (*P0, "componentSpecs", 0)
K0: Path = (*C0, "spec", "containers", 0)
G0: Path = (*P0, "graph")


def sound() -> Object:
    return {
        "metadata": {"name": "fraud", "namespace": "models"},
        "spec": {"predictors": [made_predictor("main")]},
    }


def made_predictor(name: str, **fields: Any) -> Object:
    component = {"spec": {"containers": [made_container("model")]}}
    graph = {"name": "model", "type": "MODEL"}
    return {"name": name, "replicas": 1, "graph": graph, "componentSpecs": [component], **fields}


def made_container(name: str, **fields: Any) -> Object:
    return {"name": name, "image": "registry.local/model:1", "resources": deepcopy(RESOURCES), **fields}


def first(deployment: Object) -> Object:
    result: Object = deployment["spec"]["predictors"][0]
    return result


def graph(**fields: Any) -> Change:
    return lambda d: first(d)["graph"].update(fields)


def predictor(**fields: Any) -> Change:
    return lambda d: first(d).update(fields)


def component(**fields: Any) -> Change:
    return lambda d: first(d)["componentSpecs"][0].update(fields)


def model(**fields: Any) -> Change:
    return lambda d: first(d)["componentSpecs"][0]["spec"]["containers"][0].update(fields)


def pod(**fields: Any) -> Change:
    return lambda d: first(d)["componentSpecs"][0]["spec"].update(fields)


def spec(**fields: Any) -> Change:
    return lambda d: d["spec"].update(fields)


def metadata(**fields: Any) -> Change:
    return lambda d: d["metadata"].update(fields)


def beside(name: str, **fields: Any) -> Change:
    return lambda d: d["spec"]["predictors"].append(made_predictor(name, **fields))


def containers(*more: str) -> Change:
    return lambda d: first(d)["componentSpecs"][0]["spec"]["containers"].extend(made_container(name) for name in more)


def every(*changes: Change) -> Change:
    return lambda d: [change(d) for change in changes]


def named(name: str) -> Change:
    return every(model(name=name), graph(name=name))


def annotated(**annotations: str) -> Object:
    return {"annotations": {f"seldon.io/{key.replace('_', '-')}": value for key, value in annotations.items()}}


def _deep(levels: int) -> Object:
    node: Object = {"name": f"n{levels}", "type": "MODEL"}
    for level in range(levels - 1, 0, -1):
        node = {"name": f"n{level}", "type": "MODEL", "children": [node]}
    return node


def chain(levels: int) -> Change:
    grown = every(graph(children=[_deep(levels)]), containers(*(f"n{level}" for level in range(1, levels + 1))))
    return every(grown, component(metadata={"name": "pod"}))


CHILDREN = [{"name": "a", "type": "MODEL"}, {"name": "b", "type": "MODEL"}]
FAN = every(graph(children=CHILDREN), containers("a", "b"))
ABTEST: Object = {"type": None, "implementation": "RANDOM_ABTEST", "name": "split", "children": CHILDREN}
SPLIT = every(named("a"), containers("b"), graph(**ABTEST))
RATIO = {"name": "ratioA", "value": "0.5", "type": "FLOAT"}
HPA = {"maxReplicas": 3, "metricsv2": [{"type": "Resource", "resource": {"name": "cpu", "target": {}}}]}
SHARE = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
SCALED = {"maxReplicas": 3, "metricsv2": [{"type": "Resource", "resource": SHARE}]}
HALVES = every(predictor(traffic=50), beside("m-x", traffic=50))
SERVER: Object = {"implementation": "SKLEARN_SERVER", "modelUri": "s3://m"}
LOADER = [made_container("model-model-initializer")]
EXPLAINER = {"type": "AnchorTabular", "containerSpec": {"ports": [{"name": "http", "containerPort": 3000}]}}
HTTP, METRICS = ({"name": name, "containerPort": 3000} for name in ("http", "metrics"))
OTHER = {"name": "metrics", "containerPort": 6000}


def changed(change: Change) -> Object:
    deployment = sound()
    change(deployment)
    return _without_none(deployment)  # type: ignore[no-any-return]


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
