"""Service names inside the cluster: ``collector.tracing``, ``collector.tracing.svc``, ``….svc.cluster.local``.

Source: Kubernetes "DNS for Services and Pods".
"""

from dataclasses import dataclass

from generator.seldon.names import host as service_host

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


def service_of(address: str) -> Service | None:
    """Return the Service behind ``host`` or ``host:port``, or None where the host is outside the cluster."""
    labels = address.partition(":")[0].split(".")
    if len(labels) < _SHORT or (len(labels) > _SHORT and labels[_SHORT] != "svc"):
        return None
    return Service(name=labels[0], namespace=labels[1])
