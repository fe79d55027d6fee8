"""Rules about how a model is served: what feeds its detectors, what scales it, where it speaks gRPC, how it splits."""

from collections.abc import Iterator

from generator.diag import Severity, quoted
from generator.rules.cases import Case, Slot
from generator.rules.containers import EXECUTOR_PORTS, ISTIO_PORTS
from generator.rules.each import HERE, each_case, each_graph, each_predictor
from generator.rules.rule import Problems, Rule
from generator.rules.specs import Specs

RATIO = "ratioA"  # Seldon Core 1.17.1, executor/predictor/components.go
# What the operator gives to every node that does not say otherwise (operator/constants/constants.go).
OPERATORS_PORTS = {6000: "metrics", 9500: "gRPC"}
DETECTOR_PORT = 9000  # what an image of a detector listens on if it does not say


def unfed(case: Case) -> Problems:
    """Find detectors that nobody is known to pass payloads on to: Seldon posts them to the sink alone."""
    name = case.spec.get("log", {}).get("sink")
    sink = case.model.platform.spec.get("sinks", {}).get(name, {})
    if "url" not in sink or sink.get("forwards"):
        return  # Kafka keeps payloads for whoever reads them
    for detector, body in case.spec.get("detectors", {}).items():
        port = body.get("run", {}).get("port", DETECTOR_PORT)
        address = f"http://detector-{case.model.name}-{detector}.{_namespace(case)}.svc:{port}"
        what = f"nothing says that the sink {quoted(name)} passes payloads on to the detector {quoted(detector)}{HERE}"
        yield (
            case.key_mark("detectors", detector),
            what,
            f"let it post them to {address}, then write forwards: true at the sink in platform.yaml",
        )


def _namespace(case: Case) -> str:
    """Return the tenant's namespace, ``<namespace>`` where environments call it differently."""
    environments = case.model.platform.environments
    templates = [environments[name].get("namespace", "{tenant}") for name in case.environments]
    named = {template.replace("{tenant}", case.model.tenant.name) for template in templates}
    return named.pop() if len(named) == 1 else "<namespace>"


def open_brokers(specs: Specs) -> Problems:
    """Find Kafka brokers outside the cluster, where the mesh encrypts nothing, without TLS of their own."""
    for name, body in specs.platform.spec.get("sinks", {}).items() if specs.platform else ():
        kafka = body.get("kafka", {})
        for index, broker in enumerate(kafka.get("brokers", ()) if "tls" not in kafka else ()):
            host = broker.rpartition(":")[0].removesuffix(".cluster.local")
            if not host.endswith(".svc") and specs.platform:
                what = f"payloads for {host} would leave the cluster unencrypted"
                todo = f"add tls: {{secret: <its name>}} to the kafka of the sink {quoted(name)}"
                yield specs.platform.mark("sinks", name, "kafka", "brokers", index), what, todo


def triggers(slot: Slot) -> Problems:
    """Find triggers that nobody acts on: without KEDA, or with nothing to choose between."""
    replicas = slot.spec.get("runtime", {}).get("replicas", {})
    if not replicas.get("triggers"):
        return
    mark = slot.key_mark("runtime", "replicas", "triggers")
    if not slot.model.platform.spec.get("seldon", {}).get("keda"):
        what = f"triggers are KEDA's, and platform.yaml does not say that it is there{HERE}"
        todo = (
            "take triggers out for an autoscaler by cpuPercent, or ask the platform's owners for seldon: {keda: true}"
        )
        yield mark, what, todo
    if "max" not in replicas or replicas["max"] <= replicas.get("min", 1):
        what = f"triggers have no number of replicas to choose from{HERE}"
        yield mark, what, "write a max that is greater than min"


def grpc_ports(slot: Slot) -> Problems:
    """Find gRPC ports that are of no use, or something else's."""
    for _, path, run in slot.runs:
        if "grpcPort" not in run:
            continue
        for what, todo in _grpc_port(slot.case, run["grpcPort"], run.get("port")):
            yield slot.mark(*path, "grpcPort"), f"{what}{HERE}", todo


def _grpc_port(case: Case, port: int, http: int | None) -> Iterator[tuple[str, str]]:
    if case.protocol == "bento":
        yield "protocol bento has no gRPC", "write api: {protocol: v2}, or take grpcPort out"
    usual = 3000 if case.protocol == "bento" else 9000
    taken = {http or usual: "HTTP", 6000: "metrics"} | dict.fromkeys(ISTIO_PORTS, "Istio's sidecar")
    if case.executor_for:
        taken |= {one: owner for one, owner in EXECUTOR_PORTS.items() if owner != "gRPC"}
    if port in taken:
        yield f"the port {port} is taken by {taken[port]}", "let the image speak gRPC on another port"


def operators_ports(slot: Slot) -> Problems:
    """Find images that listen where Seldon's operator puts ports of its own, executor or none."""
    for _, path, run in slot.runs:
        port = run.get("port", 0)
        if port in OPERATORS_PORTS and not slot.case.executor_for:
            what = f"the port {port} is the one that Seldon's operator gives to {OPERATORS_PORTS[port]}{HERE}"
            yield slot.mark(*path, "port"), what, "let the image listen on another port"


def shadows_of_nothing(case: Case) -> Problems:
    """Find shadows that are to get no copies at all: Seldon takes 0 for not said."""
    for name, body in case.spec.get("predictors", {}).items():
        if body.get("shadow") and body.get("traffic") == 0:
            what = f"the shadow {quoted(name)} is to get 0 percent, and would get a copy of every request{HERE}"
            yield case.mark("predictors", name, "traffic"), what, "write at least 1, or take the predictor out"


def ratios(slot: Slot) -> Problems:
    """Find parameters of a RANDOM_ABTEST that Seldon's executor does not read, or cannot."""
    for name, node in slot.nodes.items():
        if node.get("implementation") != "RANDOM_ABTEST":
            continue
        for parameter, value in node.get("parameters", {}).items():
            mark = slot.mark("nodes", name, "parameters", parameter)
            if parameter != RATIO:
                what = f"RANDOM_ABTEST reads no parameter {quoted(parameter)}, and with it forgets {RATIO}"
                yield mark, what, f"keep {RATIO} alone: the share of requests that the first child gets"
            elif isinstance(value, bool | str) or not 0 <= value <= 1:
                yield mark, f"{RATIO} is a share of the requests", "write a number from 0 to 1, such as 0.5"


RULES: tuple[Rule, ...] = (
    Rule(
        id="detector-unfed",
        title="the sink of a model with detectors passes payloads on to them",
        why="Seldon's executor posts each payload to one address, the sink. A detector hears what the sink sends on to "
        "its Service as CloudEvents, and judges nothing if it sends none.",
        todo="Let the sink post to the detectors' addresses, and say `forwards: true` at the sink in platform.yaml.",
        example='audit: {url: "http://payload-log.audit.svc:8080", onLoss: drop}',
        find=each_case(unfed),
        severity=Severity.NOTICE,
    ),
    Rule(
        id="kafka-without-tls",
        title="Kafka outside the cluster is spoken to by TLS",
        why="Payloads are often personal data. Within the mesh its proxies encrypt them; beyond it nobody does. And "
        "by plain TCP Istio could not tell several brokers on one port apart.",
        todo="Put a client's certificate in a Secret of every serving namespace, and name it under `tls`.",
        example='lake: {kafka: {brokers: ["b1.kafka.example:9092"], topic: payloads}}',
        find=open_brokers,
    ),
    Rule(
        id="triggers-without-effect",
        title="triggers have KEDA to act on them, and a min below max to choose from",
        why="Without KEDA Seldon's operator makes no autoscaler at all and leaves one replica, whatever the spec says.",
        todo="Take `triggers` out, or have KEDA installed and `seldon: {keda: true}` written in platform.yaml; give "
        "`max` more than `min`.",
        example="replicas: {min: 2, max: 4, triggers: [{type: cron, metadata: "
        '{timezone: UTC, start: "0 8 * * *", end: "0 18 * * *", desiredReplicas: "4"}}]}',
        find=each_predictor(triggers),
    ),
    Rule(
        id="grpc-port",
        title="a gRPC port is the image's own, under a protocol that has gRPC",
        why="Two servers cannot listen on one port, and BentoML serves no gRPC.",
        todo="Let the image speak gRPC on a port of its own, or take `grpcPort` out.",
        example="grpcPort: 9000",
        find=each_predictor(grpc_ports),
    ),
    Rule(
        id="node-port",
        title="no image listens on 6000 or 9500",
        why="Seldon's operator adds a port `metrics` 6000 to every container and `grpc` 9500 to every Service; "
        "Kubernetes refuses two ports of one number. Behind an executor `reserved-port` says the same.",
        todo="Let the image listen elsewhere.",
        example="port: 6000",
        find=each_predictor(operators_ports),
    ),
    Rule(
        id="shadow-share",
        title="a shadow gets a copy of at least one request in a hundred",
        why="Seldon takes a traffic of 0 for one that is not said, and mirrors everything.",
        todo="Write at least 1, or take the predictor out.",
        example="mirror: {shadow: true, traffic: 0}",
        find=each_case(shadows_of_nothing),
    ),
    Rule(
        id="ab-test-ratio",
        title="a RANDOM_ABTEST has no parameter but ratioA, a number from 0 to 1",
        why="Seldon's executor reads ratioA only where it stands alone; else half the requests go to each child.",
        todo="Write `parameters: {ratioA: 0.5}`, or leave parameters out for halves.",
        example="parameters: {ratioA: 0.2, seed: 7}",
        find=each_graph(ratios),
    ),
)
