"""What Seldon's executor is given: its resources, where it logs payloads to, where it sends spans.

Source: Seldon Core 1.17.1, executor/logger/{dispatcher,worker}.go, executor/api/util/kafka.go,
executor/api/tracing/trace.go; jaeger-client-go, config/config_env.go.
"""

from generator.build.container import secret_variable, variable
from generator.build.meta import filled
from generator.model import Model, Secret
from generator.tenancy import Kafka, Object, Tracing

# The operator's own defaults for the executor; an autoscaler needs requests on every container (values.yaml 1.17.1).
_RESOURCES = {"cpu": "500m", "memory": "512Mi"}
_PERCENT = 100
# Variable of the executor -> key of the Secret, named as Kubernetes names the parts of a TLS Secret.
_TLS = {
    "KAFKA_SSL_CA_CERT": "ca.crt",
    "KAFKA_SSL_CLIENT_CERT": "tls.crt",
    "KAFKA_SSL_CLIENT_KEY": "tls.key",
}


def build(model: Model) -> Object:
    """Return the field ``svcOrchSpec`` of every predictor, {} where no executor stands in front."""
    if not model.executor:
        return {}
    kafka, tracing = model.log.sink.kafka if model.log else None, model.place.platform.tracing
    env = [*(_kafka(kafka) if kafka else ()), *(_tracing(model, tracing) if tracing and tracing.jaeger else ())]
    return filled(resources={"requests": dict(_RESOURCES), "limits": dict(_RESOURCES)}, env=env)


def _kafka(kafka: Kafka) -> list[Object]:
    brokers = ",".join(f"{broker.host}:{broker.port}" for broker in kafka.brokers)
    made = [variable("LOGGER_KAFKA_BROKER", brokers), variable("LOGGER_KAFKA_TOPIC", kafka.topic)]
    if not kafka.secret:
        return made
    # Only together do the three count: with one of them missing the executor trusts nothing and says nothing.
    made.append(variable("KAFKA_SECURITY_PROTOCOL", "SSL"))
    return [*made, *(secret_variable(Secret(variable=v, secret=kafka.secret, key=key)) for v, key in _TLS.items())]


def _tracing(model: Model, tracing: Tracing) -> list[Object]:
    """Return the settings of the executor's Jaeger client; B3 headers are those that Istio's proxies send on.

    A request that the mesh has decided about keeps that decision; the share here is for all others.
    """
    return [
        variable("JAEGER_ENDPOINT", tracing.jaeger),
        variable("JAEGER_SERVICE_NAME", f"{model.name}.{model.place.tenant.name}"),
        variable("JAEGER_SAMPLER_TYPE", "probabilistic"),
        variable("JAEGER_SAMPLER_PARAM", f"{tracing.percent / _PERCENT:.6g}"),
        variable("JAEGER_TRACE_PROPAGATION_TYPE", "b3"),
    ]
