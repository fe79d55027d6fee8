"""For each rule of the operator's webhook and each trap: a spec that would fall into it, or why none can."""

from dataclasses import dataclass, field

import graph_cases as cases
from graphs import Spec, bento, documents, image, judge

from generator.check import check
from generator.diag import Diagnostic
from generator.document import Document
from generator.load import load

WEBHOOK = (
    "unknown-protocol",
    "unknown-transport",
    "unknown-servertype",
    "kafka-env",
    "shadow-alone",
    "duplicate-service-name",
    "no-predictors",
    "no-engine-graph",
    "duplicate-predictor",
    "logger-mode",
    "no-container",
    "no-methods",
    "no-model-uri",
    "server-tensorflow",
    "unknown-server",
    "endpoint-types",
    "endpoint-transport",
    "several-shadows",
    "shadow-traffic",
    "traffic-sum",
    "traffic-single",
)
LONG = "a" * 49
STOCK = {"server": "SKLEARN_SERVER", "modelUri": "s3://models/m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A spec that asks for it, and the rule about specs that refuses it first; ``text``: a whole file instead."""

    by: str
    spec: Spec = field(default_factory=dict)
    text: str = ""
    platform: Spec | None = None

    def said(self) -> Diagnostic:
        """Return the first thing that gen says of it."""
        if self.text:
            return _said_of_text(self.text)
        return judge(self.spec, platform=self.platform)[0]


@dataclass(frozen=True, slots=True)
class Never:
    """Nothing that a spec can say leads there; ``why``: what the builders write instead."""

    why: str


def _seldon(nodes: Spec, **more: object) -> Spec:
    return {"api": {"protocol": "seldon"}, "nodes": nodes, **more}


def _bento(**more: object) -> Spec:
    return {"run": bento(), **more}


def _logged(**log: str) -> Spec:
    return _seldon({"m": {"run": image()}}, log=log)


PAIR: Spec = {"m": {"run": image()}, "n": {"run": image()}}
SPLIT: Spec = {"implementation": "RANDOM_ABTEST", "children": ["m", "n"]}
TWICE = "apiVersion: modelapi/v1\nkind: Model\nmetadata: {name: m}\nspec:\n  %s:\n    a: {}\n    a: {}\n"
TRANSPORT = "spec.transport and endpoint.type are never written: the executor speaks REST and gRPC whatever they say"
ANNOTATION = (
    "gen writes no-engine, istio-gateway, istio-host, rest-timeout, grpc-timeout and prometheus.io/* only, each in "
)
PROOFS: dict[str, Stopped | Never] = {
    # The webhook's.
    "unknown-protocol": Stopped(by="bad-value", spec=_bento(api={"protocol": "kfserving"})),
    "unknown-transport": Never(TRANSPORT),
    "unknown-servertype": Never("spec.serverType is never written"),
    "kafka-env": Never(
        "spec.serverType is never written: payloads go to Kafka by the log, requests do not come from it"
    ),
    "shadow-alone": Stopped(by="shadow", spec=_bento(predictors={"main": {"shadow": True}})),
    "duplicate-service-name": Never("seldon.io/svc-name is never written"),
    "no-predictors": Stopped(
        by="no-predictor", spec=_bento(predictors={"main": {}}, environments={"dev": {"predictors": {"main": None}}})
    ),
    "no-engine-graph": Stopped(
        by="protocol-bento", spec={"nodes": {"a": {"children": ["b"], "run": image()}, "b": {"run": image()}}}
    ),
    "duplicate-predictor": Stopped(by="duplicate-key", text=TWICE % "predictors"),
    "logger-mode": Stopped(by="missing-key", spec=_logged(sink="audit")),
    "no-container": Stopped(by="missing-key", spec=_seldon({"m": {}})),
    "no-methods": Stopped(by="bad-value", spec=_seldon({"m": {"type": "UNKNOWN_TYPE", "run": image()}})),
    "no-model-uri": Stopped(by="missing-key", spec={"api": {"protocol": "v2"}, "run": {"server": "SKLEARN_SERVER"}}),
    "server-tensorflow": Stopped(by="server-protocol", spec={"api": {"protocol": "tensorflow"}, "run": STOCK}),
    "unknown-server": Stopped(by="bad-value", spec={"api": {"protocol": "v2"}, "run": {**STOCK, "server": "SKLEARN"}}),
    "endpoint-types": Never(TRANSPORT),
    "endpoint-transport": Never(TRANSPORT),
    "several-shadows": Stopped(
        by="shadow", spec=_bento(predictors={"main": {}, "a": {"shadow": True}, "b": {"shadow": True}})
    ),
    "shadow-traffic": Stopped(
        by="out-of-range", spec=_bento(predictors={"main": {}, "a": {"shadow": True, "traffic": 101}})
    ),
    "traffic-sum": Stopped(
        by="traffic-sum", spec=_bento(predictors={"main": {"traffic": 90}, "canary": {"traffic": 9}})
    ),
    "traffic-single": Stopped(by="traffic-sum", spec=_bento(predictors={"main": {"traffic": 60}})),
    # Refused by the API server.
    "duplicate-port": Stopped(by="node-port", spec={"run": image(port=6000)}),
    "graph-too-deep": Stopped(
        by="graph-too-deep",
        spec=_seldon({f"n{i}": {**({"children": [f"n{i + 1}"]} if i < 11 else {}), "run": image()} for i in range(12)}),
    ),
    # Failed.
    "bad-name": Stopped(by="bad-key", spec=_bento(predictors={"1st": {}})),
    "container-name-length": Stopped(by="name-too-long", spec=_seldon({LONG: {"run": image()}})),
    "service-name-length": Never("seldon.io/svc-name is never written"),
    "label-length": Stopped(by="name-too-long", spec=_bento(predictors={"a" * 64: {}})),
    "duplicate-container": Stopped(
        by="reserved-container", spec=_seldon({"seldon-container-engine": {"run": image()}})
    ),
    "unknown-implementation": Stopped(by="bad-value", spec=_seldon({"m": {"implementation": "SKLEARN_SERVER"}})),
    "engine-without-place": Stopped(by="child-count", spec=_seldon({"m": {"implementation": "RANDOM_ABTEST"}})),
    "server-protocol": Stopped(
        by="server-protocol", spec={"api": {"protocol": "seldon"}, "run": {**STOCK, "server": "TRITON_SERVER"}}
    ),
    "no-image": Stopped(by="missing-key", spec=_seldon({"m": {"run": {}}})),
    "model-uri-without-container": Never("every node with a modelUri has its own container and componentSpec"),
    "initializer-volume": Never("a loader and its volume are written by one function, from one modelUri"),
    "explainer-type": Stopped(
        by="bad-value",
        spec={"api": {"protocol": "v2"}, "run": bento(), "explainer": {"type": "Anchors", "run": image()}},
    ),
    "selector-label": Never("no labels are written on predictors or componentSpecs"),
    "annotation-number": Never(f"{ANNOTATION}one place; the logger's and the retries' are not among them"),
    "operator-error": Never(
        "what makes the operator give up has a rule of its own here; this one catches what is left"
    ),
    # Stuck.
    "name-collision": Stopped(
        by="name-collision",
        spec=_seldon(
            {"m-x": {"run": image()}},
            predictors={
                "main": {"traffic": 50},
                "main-m": {"traffic": 50, "nodes": {"m-x": None, "x": {"run": image()}}},
            },
        ),
    ),
    "replicas-unset": Never("a predictor has replicas, or each of its componentSpecs has an hpaSpec or kedaSpec"),
    "engine-predictor-length": Stopped(
        by="seldon-engine-predictor-length",
        spec=_seldon({"m": {"run": image()}}, runtime={"env": {f"V{i}": "x" * 200 for i in range(600)}}),
    ),
    # Wrong.
    "reserved-name": Stopped(by="reserved-container", spec=_seldon({"tfserving": {"run": image()}})),
    "duplicate-node": Stopped(by="duplicate-key", text=TWICE % "nodes"),
    "unknown-type": Stopped(by="bad-value", spec=_seldon({"m": {"type": "MODLE", "run": image()}})),
    "untyped-node": Never("implementation UNKNOWN_IMPLEMENTATION is never written, and every node has a type"),
    "unknown-method": Never("methods are never written: the type implies them"),
    "unknown-parameter-type": Stopped(by="bad-type", spec=_seldon({"m": {"parameters": {"a": ["b"]}, "run": image()}})),
    "unknown-endpoint-type": Never(TRANSPORT),
    "unknown-logger-mode": Stopped(by="bad-value", spec=_logged(mode="requests", sink="audit")),
    "not-implemented": Stopped(by="bad-value", spec=_seldon({"c": {"implementation": "AVERAGE_COMBINER"}})),
    "abtest-typed": Stopped(
        by="ab-test-node",
        spec=_seldon({"s": {**SPLIT}, **PAIR}, environments={"dev": {"nodes": {"s": {"type": "ROUTER"}}}}),
    ),
    "abtest-ratio": Stopped(
        by="ab-test-ratio", spec=_seldon({"s": {**SPLIT, "parameters": {"ratioA": 0.2, "seed": 1}}, **PAIR})
    ),
    "abtest-branches": Stopped(
        by="child-count", spec=_seldon({"s": {**SPLIT, "children": ["m"]}, "m": {"run": image()}})
    ),
    "children-ignored": Stopped(
        by="child-count", spec=_seldon({"a": {"children": ["m", "n"], "run": image()}, **PAIR})
    ),
    "no-branches": Stopped(by="child-count", spec=_seldon({"m": {"type": "ROUTER", "run": image()}})),
    "v2-grpc-node": Stopped(
        by="v2-graph",
        spec={
            "api": {"protocol": "v2"},
            "nodes": {"t": {"type": "TRANSFORMER", "children": ["m"], "run": image()}, "m": {"run": image()}},
        },
    ),
    "endpoint-overwritten": Never(
        "no node has an endpoint: the port `http` of its container says the same and is kept"
    ),
    "service-account-ignored": Never("the account is written in the pod, where it counts"),
    "explainer-without-type": Stopped(
        by="missing-key", spec={"api": {"protocol": "v2"}, "run": bento(), "explainer": {"run": image()}}
    ),
    "explainer-port": Never("endpoint.service_port and the container's port are written from one number"),
    "explainer-overwritten": Never("an explainer has no args, and no env in protocol v2"),
    "traffic-range": Stopped(by="out-of-range", spec=_bento(predictors={"main": {"traffic": 150}})),
    "traffic-whole": Stopped(
        by="traffic-sum", spec=_bento(predictors={"main": {"traffic": 40}, "mirror": {"shadow": True}})
    ),
    "shadow-zero": Stopped(
        by="shadow-share", spec=_bento(predictors={"main": {}, "mirror": {"shadow": True, "traffic": 0}})
    ),
    "env-wiped": Stopped(by="reserved-variable", spec=_bento(runtime={"env": {"MLSERVER_HTTP_PORT": "8080"}})),
    "env-overridden": Stopped(by="reserved-variable", spec=_bento(runtime={"env": {"SELDON_DEPLOYMENT_ID": "n"}})),
    "several-budgets": Never("pdbSpec is never written: a budget of gen's own selects one predictor"),
    "hpa-without-requests": Never("every container and the executor have requests, the schema's defaults at least"),
    "keda-off": Stopped(
        by="triggers-without-effect",
        spec=_bento(runtime={"replicas": {"min": 1, "max": 4, "triggers": [{"type": "cron", "metadata": cases.CRON}]}}),
        platform={"seldon": {"keda": False}},
    ),
    "version-label": Never("no labels are written on predictors or componentSpecs"),
    "separate-engine": Never(f"{ANNOTATION}one place; engine-separate-pod is not among them"),
    "annotation-place": Never(f"{ANNOTATION}the place where it is read"),
    "annotation-equals": Never("the values are a gateway, a host, numbers and paths of gen's own"),
    "annotation-twice": Never(f"{ANNOTATION}one place"),
    "retries-without-timeout": Never("istio-retries is never written"),
    "host-list": Never("istio-host is the tenant's one host, a name without commas"),
    "controller-id": Never("the label is never written, on namespaces neither"),
    "tls-mode": Never("the operator's settings that gen renders say ISTIO_MUTUAL"),
    "executor-port": Never("the operator's settings that gen renders say 8000"),
    # Works, at a cost.
    "hashed-name": Stopped(by="name-too-long", spec=_bento(predictors={"a" * 62: {}})),
    "unbound-container": Never("each container is a node's but tfserving, which stands behind one on purpose"),
    "replicas-and-autoscaler": Never("replicas are left out where an autoscaler is written"),
    "resources-unset": Never("requests and limits are always written"),
    "dead-grpc-port": Never("on purpose: the operator opens 9500 in Services, no policy lets anybody reach it"),
    "no-engine-word": Never('no-engine is written as "true" or not at all'),
}


def _said_of_text(text: str) -> Diagnostic:
    found = load(text.encode(), documents({})[2].file)
    return (check(found) if isinstance(found, Document) else found)[0]
