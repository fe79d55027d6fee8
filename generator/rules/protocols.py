"""Rules about what a model speaks, and what its protocol can and cannot have."""

from collections.abc import Iterator

from generator.diag import quoted
from generator.rules.cases import Case, Slot
from generator.rules.each import HERE, each_case, each_predictor
from generator.rules.rule import Problem, Problems, Rule
from generator.rules.words import listed

# What the stock servers of Seldon Core 1.17.1 speak (Helm chart, ConfigMap seldon-config); every other pair is
# accepted by the operator and ends Failed, for want of an image.
SERVERS = {
    "HUGGINGFACE_SERVER": ("v2",),
    "MLFLOW_SERVER": ("seldon", "v2"),
    "SKLEARN_SERVER": ("seldon", "v2"),
    "TENSORFLOW_SERVER": ("seldon", "tensorflow"),
    "TRITON_SERVER": ("v2",),
    "XGBOOST_SERVER": ("seldon", "v2"),
}
# What only the executor does, or only a model with a known protocol can have, and the protocol to write.
BEYOND_BENTO = (("explainer", "v2"), ("log", "seldon"), ("detectors", "seldon"))


def beyond_bento(case: Case) -> Problems:
    """Find models of protocol bento that ask for what only other protocols have."""
    if case.protocol != "bento":
        return
    for field, protocol in BEYOND_BENTO:
        if case.spec.get(field):
            noun = {"explainer": "an explainer", "log": "a request log", "detectors": "detectors"}[field]
            what = f"protocol bento has no {noun.removeprefix('an ').removeprefix('a ')}{HERE}"
            yield case.key_mark(field), what, f"write api: {{protocol: {protocol}}}, or take {field} out"
    for slot in case.predictors:
        if len(slot.nodes) > 1:
            what = f"protocol bento has one node, and this is a graph of {len(slot.nodes)}{HERE}"
            yield slot.key_mark("nodes"), what, "write api: {protocol: seldon}"


def servers(slot: Slot) -> Problems:
    """Find stock servers that do not speak the model's protocol."""
    for _, path, run in slot.runs:
        name = run.get("server")
        if name in SERVERS and slot.case.protocol not in SERVERS[name]:
            what = f"{name} does not speak {slot.case.protocol}{HERE}"
            todo = f"write api: {{protocol: {listed(SERVERS[name], 'or')}}}"
            yield slot.mark(*path, "server"), what, todo


def detectors_without_log(case: Case) -> Problems:
    """Find detectors that nothing would feed."""
    if case.spec.get("detectors") and not case.spec.get("log") and case.protocol != "bento":
        what = f"the detectors read the request log, and there is none{HERE}"
        yield case.key_mark("detectors"), what, 'add one, such as "log: {mode: request, sink: audit}"'


def routes_twice(case: Case) -> Problems:
    """Find paths that belong to two operations."""
    first: dict[str, str] = {}
    for name, paths in case.api.get("routes", {}).items():
        for index, path in enumerate(paths):
            if (other := first.setdefault(path, name)) != name:
                what = f"the path {quoted(path)} is of {quoted(name)} and of {quoted(other)}{HERE}"
                todo = "keep it under one of them: who may do the one could do the other"
                yield case.mark("api", "routes", name, index), what, todo


def half_patched(case: Case) -> Problems:
    """Find what a patch has taken the half of."""
    found = [
        ("explainer", case.spec.get("explainer"), ("type", "run")),
        ("log", case.spec.get("log"), ("mode", "sink")),
    ]
    for field, body, needed in found:
        if body and (missing := [name for name in needed if name not in body]):
            what = f"after the patch the {field} has no {listed(missing, 'and no')}{HERE}"
            yield case.key_mark(field), what, f'say it, or take the whole {field} out: "{field}: null"'
    for name, body in case.spec.get("detectors", {}).items():
        if "run" not in body:
            what = f"after the patch the detector {quoted(name)} has no run{HERE}"
            yield case.key_mark("detectors", name), what, f'say it, or take the whole detector out: "{name}: null"'


def half_patched_runtime(slot: Slot) -> Problems:
    """Find volumes and secrets that a patch has taken the half of, or given two halves."""
    yield from _runtime(slot, ())
    for name in slot.nodes if slot.is_graph else ():
        yield from _runtime(slot, ("nodes", name))


def _runtime(slot: Slot, at: tuple[str, ...]) -> Iterator[Problem]:
    runtime = (slot.nodes[at[1]] if at else slot.spec).get("runtime", {})
    for name, volume in runtime.get("volumes", {}).items():
        kinds = [kind for kind in ("claim", "configMap", "secret", "empty") if kind in volume]
        if len(kinds) != 1 or "path" not in volume:
            says = listed(kinds) if kinds else "neither claim, configMap, secret nor empty"
            what = f"after the patch the volume {quoted(name)} is {says}{HERE}"
            if "path" not in volume:
                what = f"after the patch the volume {quoted(name)} has no path{HERE}"
            yield slot.key_mark(*at, "runtime", "volumes", name), what, "say one of them, and a path"
    for name, secret in runtime.get("secrets", {}).items():
        if missing := [part for part in ("secret", "key") if part not in secret]:
            what = f"after the patch the variable {quoted(name)} has no {listed(missing, 'and no')}{HERE}"
            yield slot.key_mark(*at, "runtime", "secrets", name), what, f'say it, or take all of it out: "{name}: null"'


RULES = (
    Rule(
        id="protocol-bento",
        title="protocol bento has one node, and neither explainer, log nor detectors",
        why="With bento callers reach the Bento itself, by any route and without Seldon's executor. Graphs, logs and "
        "explainers are the executor's, and it understands only its own protocols.",
        todo="Write `protocol: seldon` for graphs and logs, `v2` for explainers; the Bento must then speak it.",
        example="api: {protocol: bento}",
        find=each_case(beyond_bento),
    ),
    Rule(
        id="server-protocol",
        title="a stock server speaks the model's protocol",
        why="Seldon's operator knows no image for other pairs: the model would never start.",
        todo="Write one of the protocols that the server speaks.",
        example="run: {server: TRITON_SERVER, modelUri: s3://models/gbm}",
        find=each_predictor(servers),
    ),
    Rule(
        id="detectors-without-log",
        title="a model with detectors has a log",
        why="Detectors see requests only by the log.",
        todo="Add a log, or take the detectors out.",
        example="dev: {log: null}",
        find=each_case(detectors_without_log),
    ),
    Rule(
        id="route-twice",
        title="a path belongs to one operation",
        why="Access is granted by operation and enforced by path: whoever is granted the one could do the other.",
        todo="Keep the path under one of the operations.",
        example="routes: {predict: [/predict], admin: [/reload, /predict]}",
        find=each_case(routes_twice),
    ),
    Rule(
        id="half-patched",
        title="what a patch leaves is whole",
        why="A patch merges into what the model says; what it takes out or adds can leave a half that means nothing.",
        todo="Say the rest in the patch, or take all of it out with null.",
        example="dev: {log: {sink: null}}",
        find=each_case(
            lambda case: (*half_patched(case), *(p for s in case.predictors for p in half_patched_runtime(s)))
        ),
    ),
)
