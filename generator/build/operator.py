"""How the Seldon operator of a platform is installed, as far as `platform` tells it."""

from generator.seldon.settings import OperatorSettings
from generator.tenancy import Platform


def settings_of(platform: Platform) -> OperatorSettings:
    """Return the operator's settings: the Helm chart's but for what the rendered ConfigMap of settings asks for."""
    gateway = platform.mesh.gateway
    return OperatorSettings(
        istio_gateway=f"{gateway.namespace}/{gateway.name}",
        istio_tls_mode="ISTIO_MUTUAL",
        keda_enabled=platform.keda,
    )
