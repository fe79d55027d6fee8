"""What a spec says of sinks, triggers and gRPC, resolved."""

import pytest
from graphs import PLATFORM, Spec, bento, documents, image, make, specs

from generator import pipeline
from generator.build.detector import name_of
from generator.model import Operation, Trigger
from generator.rules import serving
from generator.tenancy import Broker, Kafka, Platform, Sink


def platform(**changes: Spec) -> Platform:
    return pipeline.platform_of(specs(documents({"run": bento()}, platform=changes)))


def sink(**said: object) -> Sink:
    (found,) = platform(sinks={"s": said}).sinks
    return found


def operation(spec: Spec, name: str) -> Operation:
    return next(one for one in make(spec).model.operations if one.name == name)


def v2(run: Spec, **more: object) -> Spec:
    return {"api": {"protocol": "v2"}, "run": run, **more}


LOG = {"log": {"mode": "all", "sink": "audit"}}


def test_a_topic_has_its_brokers_sorted_and_no_endpoint() -> None:
    brokers = ["b2.kafka.example:9093", "b1.kafka.example:9093"]
    assert sink(kafka={"brokers": brokers, "topic": "t", "tls": {"secret": "client"}}) == Sink(
        name="s",
        url="",
        host="",
        namespace="",
        port=0,
        kafka=Kafka(
            brokers=(Broker(host="b1.kafka.example", port=9093), Broker(host="b2.kafka.example", port=9093)),
            topic="t",
            secret="client",  # noqa: S106  # the name of a Secret
        ),
    )


def test_a_topic_without_tls_has_no_secret() -> None:
    found = sink(kafka={"brokers": ["kafka.kafka.svc:9092"], "topic": "t"}).kafka
    assert found is not None
    assert found.secret == ""


def test_an_endpoint_passes_nothing_on_unless_it_says_so() -> None:
    url = "http://log.audit.svc:8080"
    assert sink(url=url).forwards is False
    assert sink(url=url, forwards=True).forwards is True
    assert sink(url=url).kafka is None


def test_keda_and_jaeger_are_there_if_the_platform_says_so() -> None:
    assert platform().keda is True
    assert platform(seldon={}).keda is False
    found = platform().tracing
    assert found is not None
    assert found.jaeger == "http://jaeger.tracing.svc:14268/api/traces"
    other = platform(observability={"tracing": {"provider": "otel"}}).tracing
    assert other is not None
    assert other.jaeger == ""


def test_triggers_are_kedas_words_sorted_in_the_order_of_the_spec() -> None:
    cron = {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "4"}
    ask = {"serverAddress": "http://p.m.svc:9090", "query": "sum(up)", "threshold": "5"}
    triggers = [{"type": "prometheus", "metadata": ask}, {"type": "cron", "metadata": cron}]
    (one,) = make(
        {"run": bento(), "runtime": {"replicas": {"min": 1, "max": 4, "triggers": triggers}}}
    ).model.predictors
    assert one.scale.triggers == (
        Trigger(type="prometheus", metadata=tuple(sorted(ask.items()))),
        Trigger(type="cron", metadata=tuple(sorted(cron.items()))),
    )


def test_an_environment_can_take_triggers_out_and_the_processor_decides_again() -> None:
    cron = {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "4"}
    scaled = {"replicas": {"min": 1, "max": 4, "triggers": [{"type": "cron", "metadata": cron}]}}
    patch = {"dev": {"runtime": {"replicas": {"triggers": None}}}}
    (part,) = make({"run": bento(), "runtime": scaled, "environments": patch}).deployment["spec"]["predictors"]
    assert "hpaSpec" in part["componentSpecs"][0]
    assert "kedaSpec" not in part["componentSpecs"][0]


@pytest.mark.parametrize(
    ("spec", "port"),
    [
        (v2(image(grpcPort=8081)), 8081),
        (v2(image()), 0),
        (v2(bento()), 0),
        (v2({"server": "SKLEARN_SERVER", "modelUri": "s3://m/m"}), 9500),
        (v2({"server": "TRITON_SERVER", "modelUri": "s3://m/m"}), 9500),
        ({"api": {"protocol": "seldon"}, "run": {"server": "SKLEARN_SERVER", "modelUri": "s3://m/m"}}, 0),
        ({"api": {"protocol": "tensorflow"}, "run": {"server": "TENSORFLOW_SERVER", "modelUri": "s3://m/m"}}, 9500),
    ],
)
def test_grpc_is_spoken_where_the_operator_or_the_spec_says_so(spec: Spec, port: int) -> None:
    run = make(spec).model.predictors[0].graph.run
    assert run is not None
    assert run.grpc_port == port


def test_a_server_of_v2_answers_predictions_and_descriptions_by_grpc_on_its_own_port() -> None:
    service = "/inference.GRPCInferenceService/"
    spec = v2(image(port=8080, grpcPort=8081))
    predict, metadata = operation(spec, "predict"), operation(spec, "metadata")
    assert (predict.grpc_paths, predict.port, predict.grpc_port) == ((f"{service}ModelInfer",), 8080, 8081)
    assert metadata.grpc_paths == (f"{service}ModelMetadata", f"{service}ModelReady")
    assert (metadata.methods, metadata.grpc_port) == (("GET",), 8081)


def test_a_server_of_tensorflow_does_so_too() -> None:
    service = "/tensorflow.serving.PredictionService/"
    run = {"server": "TENSORFLOW_SERVER", "modelUri": "s3://m/m"}
    spec = {"api": {"protocol": "tensorflow"}, "run": run}
    assert operation(spec, "predict").grpc_paths == (f"{service}Predict",)
    assert operation(spec, "metadata").grpc_paths == (f"{service}GetModelMetadata",)


def test_an_executor_in_front_has_its_own_grpc_port_and_describes_nothing_by_it() -> None:
    spec = v2(image(port=8080, grpcPort=8081), **LOG)
    assert (operation(spec, "predict").port, operation(spec, "predict").grpc_port) == (8000, 5001)
    assert operation(spec, "metadata").grpc_paths == ()


def test_predictors_that_differ_in_their_grpc_port_alone_have_an_operation_each() -> None:
    slots = {"main": {"traffic": 50}, "canary": {"traffic": 50, "run": image(port=8080)}}
    made = make(v2(image(port=8080, grpcPort=8081), predictors=slots)).model
    found = [(one.port, one.grpc_port) for one in made.operations if one.name == "predict"]
    assert sorted(found) == [(8080, 0), (8080, 8081)]


def test_the_rule_about_detectors_names_the_service_that_is_built() -> None:
    spec = {
        "api": {"protocol": "seldon"},
        "run": bento(),
        "log": {"mode": "all", "sink": "silent"},
        "detectors": {"drift": {"run": image()}},
    }
    made = make(spec)
    (problem,) = serving.unfed(specs(documents(spec)).models[0].cases[0])
    (detector,) = made.model.detectors
    assert f"http://{name_of(made.model, detector)}.shop.svc:{detector.run.port}," in problem[2]


def test_the_rule_about_detectors_names_no_namespace_where_there_are_several() -> None:
    spec = {**v2(bento()), "log": {"mode": "all", "sink": "silent"}, "detectors": {"drift": {"run": image()}}}
    environments = {
        name: {**body, "namespace": f"{{tenant}}-{name}"} for name, body in PLATFORM["environments"].items()
    }
    (case,) = specs(documents(spec, platform={"environments": environments})).models[0].cases
    (problem,) = serving.unfed(case)
    assert "http://detector-m-drift.<namespace>.svc:9000," in problem[2]


def test_a_broker_of_two_labels_is_outside_the_cluster() -> None:
    kafka = {"brokers": ["kafka.example:9092"], "topic": "t", "tls": {"secret": "client"}}
    spec = {"api": {"protocol": "seldon"}, "run": bento(), "log": {"mode": "all", "sink": "s"}}
    made = make(spec, platform={"sinks": {"s": {"kafka": kafka}}})
    assert made.policy("ServiceEntry", "egress-kafka-example")["hosts"] == ["kafka.example"]
