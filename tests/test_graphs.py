"""Every graph that a user can want, from the spec to what the operator makes of it and the doors that it needs."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import graph_cases as cases
import pytest
from graphs import (
    NAME,
    PLATFORM,
    TENANT,
    Made,
    Spec,
    admitted_ports,
    allowed,
    documents,
    judge,
    listening,
    make,
    specs,
    told,
)

from generator import pipeline
from generator.foresee import judge as objections
from generator.rules.protocols import SERVERS
from generator.seldon.settings import OperatorSettings
from generator.seldon.webhook import denial
from generator.verify.objects import checker

CRDS = Path(__file__).parents[2] / "shared/referee/crds"
EVERY = pytest.mark.parametrize("spec", cases.GOOD.values(), ids=cases.GOOD.keys())
EXPLAINED = pytest.mark.parametrize("spec", cases.EXPLAINED.values(), ids=cases.EXPLAINED.keys())
OWN = f"cluster.local/ns/{TENANT}/sa/{NAME}"
LABELS = {"seldon-deployment-id": NAME}
SETTINGS = OperatorSettings(istio_tls_mode="ISTIO_MUTUAL", keda_enabled=True)


# --- what passes is taken, by everybody ---


@EVERY
def test_a_good_graph_breaks_no_rule_and_the_operator_would_say_nothing(spec: Spec) -> None:
    assert [str(problem) for problem in judge(spec)] == []


@EVERY
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_webhook_admits_it_and_no_trap_is_in_it(spec: Spec, environment: str) -> None:
    made = make(spec, environment)
    assert denial(made.deployment, SETTINGS) == ""
    assert objections(made.deployment, SETTINGS) == []


@EVERY
@pytest.mark.skipif(not CRDS.is_dir(), reason="the referee folder with the CRDs is not beside the project")
def test_the_crd_knows_every_field_of_it(spec: Spec) -> None:
    assert list(checker(CRDS, "1.34").check("", [make(spec).deployment])) == []


# --- doors: what a policy names is there, and what must be reached is let in ---


@EVERY
def test_every_port_of_a_policy_is_one_that_a_pod_of_the_model_listens_on(spec: Spec) -> None:
    made = make(spec)
    there = set().union(*listening(made).values())
    named = {port for _, _, _, port in allowed(made.policy("AuthorizationPolicy"))}
    assert named <= there
    walled = made.policy("NetworkPolicy", f"model-{NAME}").get("ingress", ())
    opened = {port["port"] for rule in walled for port in rule["ports"]}
    assert opened - {15020} <= there  # 15020: the proxy's own metrics


@EVERY
def test_whoever_may_predict_reaches_what_the_route_of_each_predictor_leads_to(spec: Spec) -> None:
    made = make(spec)
    if not made.model.grants:
        assert "rules" not in made.policy("AuthorizationPolicy") or list(granted(made)) == []
        return
    services, doors = made.of("Service"), set(granted(made))
    for predictor in made.model.predictors:
        ports = {one["name"]: one["targetPort"] for one in services[f"{NAME}-{predictor.name}"]["spec"]["ports"]}
        assert ports["http"] in doors
        speaks = made.model.executor or (predictor.graph.run is not None and predictor.graph.run.grpc_port > 0)
        assert (ports["grpc"] in doors) == speaks


@EVERY
def test_the_executor_reaches_every_node_that_stands_in_another_pod(spec: Spec) -> None:
    made = make(spec)
    doors = {port for principals, _, _, port in allowed(made.policy("AuthorizationPolicy")) if principals == [OWN]}
    walled = admitted_ports(made.policy("NetworkPolicy", f"model-{NAME}"), LABELS)
    for deployment in made.of("Deployment").values():
        if "seldon-container-engine" in names(deployment):
            for node in nodes(told(deployment)["graph"]):
                endpoint = node.get("endpoint", {})
                if endpoint.get("service_host", "localhost") != "localhost":
                    needed = {endpoint["httpPort"], endpoint["grpcPort"]}
                    assert needed <= doors
                    assert needed <= walled


@EXPLAINED
def test_an_explainer_may_ask_its_predictor_where_the_operator_tells_it_to(spec: Spec) -> None:
    made = make(spec)
    service, port, path = asked(made)
    (http,) = [one for one in made.of("Service")[service]["spec"]["ports"] if one["name"] == "http"]
    assert http["port"] == port
    policy = made.policy("AuthorizationPolicy")
    assert ([OWN], "POST", path, http["targetPort"]) in list(allowed(policy))
    assert http["targetPort"] in admitted_ports(made.policy("NetworkPolicy", f"model-{NAME}"), LABELS)


@EXPLAINED
def test_whoever_may_explain_reaches_the_explainer_under_the_name_that_it_answers_to(spec: Spec) -> None:
    made = make(spec)
    (explainer,) = [one for name, one in made.of("Deployment").items() if name.endswith("-explainer")]
    (container,) = explainer["spec"]["template"]["spec"]["containers"]
    (operation,) = [one for one in made.model.operations if one.name == "explain"]
    env = {one["name"]: one.get("value") for one in container.get("env", ())}
    if spec["api"]["protocol"] == "v2":
        assert operation.paths == (f"/v2/models/{env['MLSERVER_MODEL_NAME']}/infer",)
        assert env["MLSERVER_HTTP_PORT"] == str(operation.port)
    else:
        assert f"--http_port={operation.port}" in container["args"]
    (route,) = [one for name, one in made.of("VirtualService").items() if name.endswith("-http")]
    (prefix,) = [match["uri"]["prefix"] for http in route["spec"]["http"] for match in http["match"]]
    assert prefix == f"{operation.prefix}/"
    assert route["spec"]["http"][0]["route"][0]["destination"]["port"] == {"number": operation.port}


def test_the_grpc_door_of_the_gateway_leads_to_ports_that_listen() -> None:
    made = make(cases.AROUND["grpc of an image"])
    http = made.of("VirtualService")[NAME]["spec"]["http"]
    (grpc,) = [one for one in http if "headers" in one["match"][0]]
    assert grpc["route"][0]["destination"]["port"] == {"number": 8081}
    wanted = {("/inference.GRPCInferenceService/ModelInfer", 8081)}
    assert wanted <= {(path, port) for _, _, path, port in allowed(made.policy("AuthorizationPolicy"))}


# --- traffic ---


def test_a_shift_from_blue_to_green_changes_the_two_numbers_and_nothing_else_in_any_file() -> None:
    before = {"access": cases.ACCESS, **cases.PREDICTORS["blue and green"]}
    after = {**before, "predictors": {"blue": {"traffic": 0}, "green": {"traffic": 100}}}
    assert shift(before, after) == [
        "base/shop/m/seldondeployment-m.yaml",
        "traffic: 100 -> traffic: 0",
        "traffic: 0 -> traffic: 100",
    ]


def test_a_shift_in_one_environment_changes_two_numbers_of_its_patch() -> None:
    def patched(blue: int) -> Spec:
        slots = {"blue": {"traffic": blue}, "green": {"traffic": 100 - blue}}
        return {**cases.PREDICTORS["blue and green"], "environments": {"prod": {"predictors": slots}}}

    assert shift(patched(90), patched(50)) == [
        "overlays/prod/shop/models/m/patch-seldondeployment-m.yaml",
        "value: 90 -> value: 50",
        "value: 10 -> value: 50",
    ]


def test_a_canary_that_leaves_takes_its_own_part_of_the_tree_with_it_and_no_more() -> None:
    both = make(cases.PREDICTORS["canary"]).deployment["spec"]["predictors"]
    alone = make({**cases.PREDICTORS["canary"], "predictors": {"main": {"traffic": 100}}}).deployment["spec"][
        "predictors"
    ]
    assert [{**one, "traffic": 90} for one in alone] == both[:1]


def test_a_shadow_gets_its_share_and_the_weights_of_the_others_are_whole() -> None:
    made = make(cases.PREDICTORS["shadow of some"])
    for http in made.of("VirtualService")[NAME]["spec"]["http"]:
        assert [(one["destination"]["subset"], one["weight"]) for one in http["route"]] == [
            ("main", 60),
            ("canary", 40),
        ]
        assert http["mirror"]["subset"] == "mirror"
        assert http["mirrorPercentage"] == {"value": 5}


# --- stock servers ---


def test_the_28_pairs_of_server_and_protocol_end_as_the_rule_says() -> None:
    settings = OperatorSettings()
    for server, _ in settings.servers:
        for protocol in ("seldon", "tensorflow", "v2", "kfserving"):
            node = {"name": "m", "implementation": server, "modelUri": "s3://models/m"}
            predictor = {"name": "main", "replicas": 1, "graph": node}
            found = {"metadata": {"name": "m"}, "spec": {"protocol": protocol, "predictors": [predictor]}}
            works = objections(found, settings) == []
            known = {*SERVERS.get(server, ()), *(("kfserving",) if "v2" in SERVERS.get(server, ()) else ())}
            assert works == (protocol in known) or server == "TEMPO_SERVER"  # the schema knows no TEMPO_SERVER


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("protocol", ["bento", "seldon", "v2", "tensorflow"])
def test_a_server_is_refused_under_a_protocol_that_it_does_not_speak(server: str, protocol: str) -> None:
    spec = {"api": {"protocol": protocol}, "run": {"server": server, "modelUri": "s3://models/m"}}
    rules = [problem.rule for problem in judge(spec)]
    assert rules == ([] if protocol in SERVERS[server] else ["server-protocol"])


# --- where things are written ---


def test_payloads_go_to_kafka_by_variables_and_to_an_endpoint_by_the_graph() -> None:
    kafka, http = make(cases.AROUND["logged to kafka"]), make(cases.AROUND["logged by http"])
    (one,) = kafka.deployment["spec"]["predictors"]
    assert one["graph"]["logger"] == {"mode": "all"}
    assert one["svcOrchSpec"]["env"][:2] == [
        {"name": "LOGGER_KAFKA_BROKER", "value": "kafka.kafka.svc:9092"},
        {"name": "LOGGER_KAFKA_TOPIC", "value": "payloads"},
    ]
    (one,) = http.deployment["spec"]["predictors"]
    assert one["graph"]["logger"] == {"mode": "request", "url": "http://payload-log.audit.svc:8080"}
    assert "LOGGER_KAFKA_BROKER" not in json.dumps(http.deployment)


def test_kafka_inside_and_outside_is_reached_and_nothing_beside_it() -> None:
    kafka = {"brokers": ["b1.kafka.example:9093", "k.events.svc:9092"], "topic": "t", "tls": {"secret": "client"}}
    made = make(cases.AROUND["logged to kafka"], platform={"sinks": {"lake": {"kafka": kafka}}})
    spans = {"to": [inside("tracing")]}
    outside = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}
    assert made.policy("NetworkPolicy", f"model-{NAME}")["egress"] == [
        {"to": [inside("events")]},
        {"to": [outside], "ports": [{"protocol": "TCP", "port": 9093}]},
        spans,
    ]
    hosts = made.policy("Sidecar", "default")["egress"][0]["hosts"]
    assert hosts == ["./*", "istio-system/*", "events/*", "tracing/jaeger.tracing.svc.cluster.local"]
    entry = made.policy("ServiceEntry", "egress-b1-kafka-example")
    assert (entry["hosts"], entry["ports"]) == (
        ["b1.kafka.example"],
        [{"number": 9093, "name": "tls-9093", "protocol": "TLS"}],
    )
    (one,) = made.deployment["spec"]["predictors"]
    env = {item["name"]: item.get("value") or item["valueFrom"]["secretKeyRef"] for item in one["svcOrchSpec"]["env"]}
    assert env["LOGGER_KAFKA_BROKER"] == "b1.kafka.example:9093,k.events.svc:9092"
    assert env["KAFKA_SECURITY_PROTOCOL"] == "SSL"
    assert env["KAFKA_SSL_CA_CERT"] == {"name": "client", "key": "ca.crt"}
    assert env["KAFKA_SSL_CLIENT_CERT"] == {"name": "client", "key": "tls.crt"}
    assert env["KAFKA_SSL_CLIENT_KEY"] == {"name": "client", "key": "tls.key"}


def test_an_executor_sends_its_spans_to_jaeger_and_a_pod_without_one_is_told_nothing() -> None:
    (one,) = make(cases.NODES["one model"]).deployment["spec"]["predictors"]
    assert one["svcOrchSpec"]["env"] == [
        {"name": "JAEGER_ENDPOINT", "value": "http://jaeger.tracing.svc:14268/api/traces"},
        {"name": "JAEGER_SERVICE_NAME", "value": "m.shop"},
        {"name": "JAEGER_SAMPLER_TYPE", "value": "probabilistic"},
        {"name": "JAEGER_SAMPLER_PARAM", "value": "0.01"},
        {"name": "JAEGER_TRACE_PROPAGATION_TYPE", "value": "b3"},
    ]
    bare = make(cases.AROUND["nobody"])
    assert "JAEGER" not in json.dumps(bare.deployment)
    assert "tracing" not in json.dumps(bare.walls)


def test_no_executor_is_told_of_jaeger_where_the_platform_has_none() -> None:
    made = make(cases.NODES["one model"], platform={"observability": {"tracing": {"provider": "otel"}}})
    assert "JAEGER" not in json.dumps(made.deployment)


def test_triggers_become_one_scaled_object_for_each_pod_and_no_other_autoscaler() -> None:
    made = make(cases.AROUND["by triggers"])
    (part,) = made.deployment["spec"]["predictors"][0]["componentSpecs"]
    assert part["kedaSpec"] == {
        "minReplicaCount": 1,
        "maxReplicaCount": 5,
        "triggers": [{"type": "cron", "metadata": cases.CRON}],
    }
    assert "hpaSpec" not in part
    assert "replicas" not in made.deployment["spec"]["predictors"][0]
    assert list(made.of("ScaledObject")) == [f"{NAME}-main-0-{NAME}"]
    assert made.of("HorizontalPodAutoscaler") == {}


def test_a_detector_is_called_by_the_sink_alone_and_one_fed_by_kafka_by_nobody() -> None:
    http = make(cases.AROUND["detectors"])
    policy = http.policy("AuthorizationPolicy", f"detector-{NAME}-drift")
    assert policy["rules"][0]["from"] == [{"source": {"namespaces": ["audit"]}}]
    kafka = {**cases.AROUND["detectors"], "log": {"mode": "request", "sink": "lake"}}
    made = make(kafka)
    assert [one for one in made.policies if one["metadata"]["name"].startswith("detector-")] == []
    wall = made.policy("NetworkPolicy", f"detector-{NAME}-drift")
    assert wall["egress"] == [{"to": [inside("kafka")]}]
    assert [judged.rule for judged in judge(kafka)] == []


def granted(made: Made) -> list[int]:
    gateway = "cluster.local/ns/api/sa/gateway"
    workload = "cluster.local/ns/orders/sa/checkout"
    rules = allowed(made.policy("AuthorizationPolicy"))
    return [port for principals, _, _, port in rules if principals in ([gateway], [workload])]


def names(deployment: Spec) -> list[str]:
    return [one["name"] for one in deployment["spec"]["template"]["spec"]["containers"]]


def nodes(graph: Spec) -> list[Spec]:
    return [graph, *(found for child in graph.get("children", ()) for found in nodes(child))]


def asked(made: Made) -> tuple[str, int, str]:
    """Return the Service, port and path that the operator tells an explainer to ask."""
    (explainer,) = [one for name, one in made.of("Deployment").items() if name.endswith("-explainer")]
    (container,) = explainer["spec"]["template"]["spec"]["containers"]
    if made.model.protocol == "v2":
        env = {one["name"]: one.get("value") for one in container["env"]}
        url = urlsplit(json.loads(env["MLSERVER_MODEL_EXTRA"])["infer_uri"])
        return str(url.hostname).split(".")[0], int(url.port or 0), url.path
    said = dict(argument.removeprefix("--").split("=") for argument in container["args"] if "=" in argument)
    host, _, port = said["predictor_host"].partition(":")
    paths = {"seldon.http": "/api/v1.0/predictions", "tensorflow.http": f"/v1/models/{said['model_name']}:predict"}
    return host.split(".")[0], int(port), paths[said["protocol"]]


def inside(namespace: str) -> Spec:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


def shift(before: Spec, after: Spec) -> list[str]:
    """Return the paths of files that differ, each followed by the lines that do; no line may come or go."""
    first, second = (rendered(one) for one in (before, after))
    assert first.keys() == second.keys()
    said = []
    for path in sorted(first):
        if first[path] != second[path]:
            lines = zip(first[path].splitlines(), second[path].splitlines(), strict=True)
            said += [path, *(f"{old.strip()} -> {new.strip()}" for old, new in lines if old != new)]
    return said


def rendered(spec: Spec) -> dict[str, str]:
    return {path: text for part in pipeline.parts(specs(documents(spec))) for path, text in part.files.items()}


def test_the_cases_use_every_word_of_the_graph_that_the_schema_has() -> None:
    text = json.dumps(cases.GOOD)
    words = [*cases.EXPLAINERS, *SERVERS, "TRANSFORMER", "OUTPUT_TRANSFORMER", "ROUTER", "COMBINER", "RANDOM_ABTEST"]
    assert [word for word in words if f'"{word}"' not in text] == []
    assert PLATFORM["seldon"] == {"keda": True}
