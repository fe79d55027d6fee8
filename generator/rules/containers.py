"""Rules about containers: names, ports, users, variables and volumes that Seldon, BentoML, Istio or gen need."""

import re
from collections.abc import Iterator

from generator.diag import Mark, quoted
from generator.patch import Spec, merge
from generator.rules.cases import Case, Slot
from generator.rules.each import HERE, each_case, each_predictor
from generator.rules.rule import Problem, Problems, Rule

# Seldon Core 1.17.1: operator/controllers/seldondeployment_engine.go and constants.go; Istio "Application
# Requirements".
CONTAINERS = ("istio-init", "istio-proxy", "istio-validation", "seldon-container-engine", "tfserving")
EXECUTOR_PORTS = {8000: "Seldon's executor", 5001: "Seldon's executor", 6000: "metrics", 9500: "gRPC"}
ISTIO_PORTS = (15000, 15001, 15004, 15006, 15008, 15020, 15021, 15053, 15090)
ISTIO_USER = 1337  # traffic of this user goes round the sidecar

# The operator drops ALL variables of a container that sets one of the first (SetEnvVar, operator/utils/utils.go), and
# puts its own value behind the others.
SELDON = re.compile(
    r"PREDICTIVE_UNIT_.*|PREDICTOR_(ID|LABELS)|SELDON_(DEPLOYMENT_ID|EXECUTOR_ENABLED)|MLSERVER_.*|TEMPO_RUNTIME_OPTIONS"
)
# BentoML 1.4: what `bentoml serve` and the image's entrypoint read, set by gen to fit the pod.
BENTO = frozenset(("BENTOML_CONFIG", "BENTOML_CONFIG_OVERRIDES", "BENTOML_HOME", "BENTOML_PORT", "BENTO_PATH", "PORT"))

_SECRET_NAME = re.compile(r"(?i)(.*_)?(password|passwd|passphrase|token|secret|api_?key|private_?key|access_?key)")
_SECRET_VALUE = re.compile(
    r"(?i)(password|passwd|pwd|secret|token|api_?key)=\S+"  # a setting inside a setting
    r"|://[^/\s:@]+:[^/\s:@]+@"  # user and password in a URL
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS access key id
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # JSON Web Token
    r"|\b(ghp|gho|ghs|github_pat|glpat|xox[abp])[-_][A-Za-z0-9_-]{16,}"
)
_VOLUMES = ("kfserving-pvc-source", "seldon-podinfo", "tmp")
_PATHS = ("/etc/podinfo", "/mnt/models", "/mnt/pvc", "/tmp")  # noqa: S108  # mount paths of the pod's own volumes
_LOADED = ("-provision-location", "-model-initializer")


def names(slot: Slot) -> Problems:
    """Find nodes whose containers would be called like others in their pods."""
    for name, path, _ in slot.runs:
        if name in CONTAINERS:
            mark = slot.key_mark(*path[:-1]) if path[:-1] else slot.model.document.value_mark(("metadata", "name"))
            yield mark, f"a container called {quoted(name)} is in every such pod already", "choose another name"


def ports(case: Case) -> Problems:
    """Find ports that something else in the pod listens on."""
    for slot in case.predictors:
        for _, path, run in slot.runs:
            if taken := _taken(run, executor=bool(case.executor_for)):
                yield _port(slot.mark(*path, "port"), run, taken)
    for path, run in _beside(case):
        if taken := _taken(run, executor=False):
            yield _port(case.mark(*path, "port"), run, taken)


def _taken(run: Spec, *, executor: bool) -> str:
    port = run.get("port", 0)
    if port in ISTIO_PORTS:
        return "Istio's sidecar"
    return EXECUTOR_PORTS.get(port, "") if executor else ""


def _port(mark: Mark, run: Spec, taken: str) -> Problem:
    return mark, f"the port {run['port']} is taken by {taken}{HERE}", "let the image listen on another port"


def users(case: Case) -> Problems:
    """Find processes that would run as the sidecar's user."""
    for slot in case.predictors:
        for _, path, run in slot.runs:
            if run.get("user") == ISTIO_USER:
                yield _user(slot.mark(*path, "user"))
    for path, run in _beside(case):
        if run.get("user") == ISTIO_USER:
            yield _user(case.mark(*path, "user"))


def _user(mark: Mark) -> Problem:
    what = f"the user {ISTIO_USER} is Istio's: what it sends goes round the sidecar and its policies"
    return mark, what, "let the image run as another user"


def _beside(case: Case) -> Iterator[tuple[tuple[str, ...], Spec]]:
    """Yield path and run of the explainer and the detectors."""
    if run := case.spec.get("explainer", {}).get("run"):
        yield ("explainer", "run"), run
    for name, body in case.spec.get("detectors", {}).items():
        if run := body.get("run"):
            yield ("detectors", name, "run"), run


def _runtimes(case: Case) -> "Iterator[tuple[Slot | Case, tuple[str, ...], Spec, Spec]]":
    """Yield whose it is, its path, the runtime and the run of every container."""
    for slot in case.predictors:
        if "runtime" in slot.spec:
            yield slot, ("runtime",), slot.spec["runtime"], slot.spec.get("run", {})
        for name, node in slot.nodes.items() if slot.is_graph else ():
            if "runtime" in node:
                yield slot, ("nodes", name, "runtime"), node["runtime"], node.get("run", {})
    for path, run in _beside(case):
        body = case.spec["explainer"] if path[0] == "explainer" else case.spec["detectors"][path[1]]
        if "runtime" in body:
            yield case, (*path[:-1], "runtime"), body["runtime"], run


def variables(case: Case) -> Problems:
    """Find environment variables that Seldon or BentoML own."""
    for holder, path, runtime, run in _runtimes(case):
        for field in ("env", "secrets"):
            for name in runtime.get(field, {}):
                owner = _owner(name, run)
                if owner:
                    what = f"the variable {name} belongs to {owner}"
                    yield holder.key_mark(*path, field, name), what, "take it out: the right value is set for you"


def _owner(name: str, run: Spec) -> str:
    if SELDON.fullmatch(name):
        return "Seldon"
    return "BentoML" if name in BENTO and "bento" in run else ""


def secrets(case: Case) -> Problems:
    """Find values that look like credentials."""
    for holder, path, runtime, _ in _runtimes(case):
        for name, value in runtime.get("env", {}).items():
            if (_SECRET_NAME.fullmatch(name) and value) or _SECRET_VALUE.search(value):
                what = f"the value of {name} looks like a credential"
                todo = f"put it in a Secret of the namespace: secrets: {{{name}: {{secret: <its name>, key: <key>}}}}"
                yield holder.mark(*path, "env", name), what, todo


def twice(case: Case) -> Problems:
    """Find variables that have a value and a secret."""
    for holder, path, runtime, _ in _runtimes(case):
        for name in runtime.get("secrets", {}):
            if name in runtime.get("env", {}):
                what = f"the variable {name} has a value and a secret{HERE}"
                yield holder.key_mark(*path, "env", name), what, "keep one of them"


def volumes(slot: Slot) -> Problems:
    """Find volumes in the place of others."""
    for node, path, _ in slot.runs:
        if "runtime" not in slot.spec and "runtime" not in slot.nodes[node]:
            continue
        runtime = merge(slot.spec.get("runtime", {}), slot.nodes[node].get("runtime") if slot.is_graph else None)
        taken: dict[str, str] = {}
        for name, volume in runtime.get("volumes", {}).items():
            where = volume.get("path", "")
            first = taken.setdefault(where, name)
            for what, todo in _volume(name, where, first):
                at = (*path[:-1], "runtime", "volumes", name)
                mark = slot.key_mark(*at) if slot.says(*at) else slot.key_mark("runtime", "volumes", name)
                yield mark, what, todo


def _volume(name: str, where: str, first: str) -> Iterator[tuple[str, str]]:
    if name in _VOLUMES or name.endswith(_LOADED):
        yield f"the pod has a volume {quoted(name)} already", "choose another name"
    if any(where == own or where.startswith(f"{own}/") for own in _PATHS):
        yield f"the path {quoted(where)} is the pod's own", "choose another path"
    if first != name:
        what = f"the volumes {quoted(first)} and {quoted(name)} have one path, {where}{HERE}"
        yield what, "give one of them another path"


RULES = (
    Rule(
        id="reserved-container",
        title="no node is called like a container that the pod has anyway",
        why="A pod cannot have two containers of one name.",
        todo="Choose another name for the node; a model without nodes has one called like itself.",
        example="tfserving:",
        find=each_predictor(names),
    ),
    Rule(
        id="reserved-port",
        title="no image listens on a port of Seldon's executor or Istio's sidecar",
        why="The second to start would fail, and the policies of one port would open the other.",
        todo="Let the image listen elsewhere.",
        example="port: 15090",
        find=each_case(ports),
    ),
    Rule(
        id="reserved-user",
        title="no image runs as user 1337",
        why="Istio lets that user's traffic go round the sidecar: no mTLS and no policy would hold it.",
        todo="Let the image run as another user.",
        example="user: 1337",
        find=each_case(users),
    ),
    Rule(
        id="reserved-variable",
        title="no variable belongs to Seldon or BentoML",
        why="The operator sets these itself; for some it then drops every other variable of the container.",
        todo="Take it out.",
        example='env: {MLSERVER_HTTP_PORT: "8080", PORT: "5000", LOG_LEVEL: info}',
        find=each_case(variables),
    ),
    Rule(
        id="secret-in-env",
        title="no value of a variable is a credential",
        why="What stands in a spec stands in git, in the cluster's objects and in Argo CD's screens.",
        todo="Keep it in a Secret and name that under `secrets`; replace the credential, since it is in git now.",
        example="STORE_PASSWORD: hunter2",
        find=each_case(secrets),
    ),
    Rule(
        id="variable-twice",
        title="a variable has a value or a secret, not both",
        why="Which of the two counts should not be a matter of order.",
        todo="Keep one of them.",
        example="env: {STORE_USER: fraud}",
        find=each_case(twice),
    ),
    Rule(
        id="reserved-volume",
        title="a volume has a name and a path of its own",
        why="The pod has a /tmp, a folder for the model and volumes of Seldon already; two volumes cannot be in one "
        "place.",
        todo="Choose another name or path.",
        example="cache: {path: /tmp/cache, empty: 1Gi}",
        find=each_predictor(volumes),
    ),
)
