"""Service names inside the cluster: ``collector.tracing``, ``collector.tracing.svc``, ``….svc.cluster.local``.

Source: Kubernetes "DNS for Services and Pods".
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from generator.model import Model
from generator.seldon.names import host as service_host
from generator.tenancy import Broker

_SHORT = 2  # labels of ``collector.tracing``


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service of the cluster."""

    name: str
    namespace: str

    @property
    def host(self) -> str:
        """Return its full name, as Istio knows it."""
        return service_host(self.name, self.namespace)


def jaeger_of(model: Model) -> Service | None:
    """Return the Service that the model's executors send their spans to, None where they send none."""
    tracing = model.place.platform.tracing
    return service_of(urlsplit(tracing.jaeger).hostname or "") if tracing and model.executor else None


def brokers(model: Model) -> tuple[Broker, ...]:
    """Return the Kafka brokers that a model's payloads go to, () where they go elsewhere or nowhere."""
    return model.log.sink.kafka.brokers if model.log and model.log.sink.kafka else ()


def broker_namespace(broker: Broker) -> str:
    """Return the namespace of a broker ``<service>.<namespace>.svc``, or of a pod behind it; "" outside the cluster."""
    labels = broker.host.removesuffix(".cluster.local").split(".")
    return labels[-2] if labels[-1] == "svc" else ""


def service_of(address: str) -> Service | None:
    """Return the Service behind ``host`` or ``host:port``, or None where the host is outside the cluster."""
    labels = address.partition(":")[0].split(".")
    if len(labels) < _SHORT or (len(labels) > _SHORT and labels[_SHORT] != "svc"):
        return None
    return Service(name=labels[0], namespace=labels[1])
