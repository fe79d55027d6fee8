"""Build the VirtualServices and DestinationRules.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_controller.go (createIstioResources) and
seldondeployment_explainers.go (createExplainerIstioResources).
"""

import re

from generator.seldon import names
from generator.seldon.objects import Object, OperatorError, annotation, namespace_of
from generator.seldon.settings import OperatorSettings

GRPC_PATHS = ".*tensorflow.*|.*seldon.protos.*|.*inference.*"
RETRY_ON = "gateway-error,connect-failure,refused-stream"
GATEWAY = "seldon.io/istio-gateway"
HOST = "seldon.io/istio-host"
RETRIES = "seldon.io/istio-retries"
RETRIES_TIMEOUT = "seldon.io/istio-retries-timeout"
# istio.io/api ClientTLSSettings.TLSmode; any other word, STRICT too, is taken for DISABLE and written as nothing.
TLS_MODES = ("SIMPLE", "MUTUAL", "ISTIO_MUTUAL")
Ports = tuple[int, int]


def route_prefix(deployment: Object) -> str:
    """Return the path prefix under which the gateway finds the predictors."""
    return f"/seldon/{namespace_of(deployment)}/{deployment['metadata']['name']}/"


def explainer_prefix(deployment: Object, predictor: str) -> str:
    """Return the path prefix under which the gateway finds a predictor's explainer."""
    return f"/seldon/{namespace_of(deployment)}/{deployment['metadata']['name']}-explainer/{predictor}/"


def virtual_service(deployment: Object, ports: tuple[Ports, ...], settings: OperatorSettings) -> Object:
    """Return the VirtualService of all predictors.

    ``ports``: http and grpc of each predictor's Service, in the order of the predictors; 0 for none.

    Raises:
        OperatorError: A retry annotation is no whole number.
    """
    sdep, namespace = deployment["metadata"]["name"], namespace_of(deployment)
    rest: Object = {"match": [{"uri": {"prefix": route_prefix(deployment)}}], "rewrite": {"uri": "/"}}
    headers = {"seldon": {"exact": sdep}, "namespace": {"exact": namespace}}
    grpc: Object = {"match": [{"uri": {"regex": GRPC_PATHS}, "headers": headers}]}
    routes = [
        route | _retries(deployment) | _targets(deployment, ports, which) for which, route in enumerate((rest, grpc))
    ]
    return _virtual_service(deployment, names.virtual_service(sdep), routes, settings)


def destination_rule(deployment: Object, predictor: Object, settings: OperatorSettings) -> Object:
    """Return a predictor's DestinationRule; a TLS mode of the operator replaces the idle timeout."""
    service = names.service_of(deployment["metadata"]["name"], predictor)
    policy: Object = {"connectionPool": {"http": {"idleTimeout": "60s"}}}
    if settings.istio_tls_mode:
        mode = settings.istio_tls_mode
        policy = {"tls": {"mode": mode} if mode in TLS_MODES else {}}
    spec = {"host": names.host(service, namespace_of(deployment)), "trafficPolicy": policy}
    return _destination_rule(deployment, predictor, service, spec)


def explainer_routes(deployment: Object, predictor: Object, port: int, settings: OperatorSettings) -> list[Object]:
    """Return an explainer's VirtualService and DestinationRule; the rule never carries a TLS mode."""
    sdep = deployment["metadata"]["name"]
    service = names.explainer_name(sdep, predictor["name"])
    destination = {"host": service, "subset": predictor["name"], "port": {"number": port}}
    route = {
        "match": [{"uri": {"prefix": explainer_prefix(deployment, predictor["name"])}}],
        "rewrite": {"uri": "/"},
        "route": [{"destination": destination, "weight": 100}],
    }
    name = names.explainer_virtual_service(sdep, predictor["name"])
    return [
        _virtual_service(deployment, name, [route], settings),
        _destination_rule(deployment, predictor, service, {"host": service}),
    ]


def _virtual_service(deployment: Object, name: str, routes: list[Object], settings: OperatorSettings) -> Object:
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace_of(deployment)},
        "spec": {
            "hosts": [annotation(deployment, HOST, "*")],
            "gateways": [annotation(deployment, GATEWAY, settings.istio_gateway)],
            "http": routes,
        },
    }


def _destination_rule(deployment: Object, predictor: Object, name: str, spec: Object) -> Object:
    subset = {"name": predictor["name"], "labels": {"version": predictor["labels"]["version"]}}
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "DestinationRule",
        "metadata": {"name": name, "namespace": namespace_of(deployment)},
        "spec": {**spec, "subsets": [subset]},
    }


def _targets(deployment: Object, ports: tuple[Ports, ...], which: int) -> Object:
    targets: Object = {"route": []}
    for predictor, numbers in zip(deployment["spec"]["predictors"], ports, strict=True):
        service = names.service_of(deployment["metadata"]["name"], predictor)
        destination = {
            "host": names.host(service, namespace_of(deployment)),
            "subset": predictor["name"],
            "port": {"number": numbers[which]} if numbers[which] else {},
        }
        traffic = predictor.get("traffic", 0)
        if not predictor.get("shadow"):
            targets["route"].append({"destination": destination, **({"weight": traffic} if traffic else {})})
            continue
        targets["mirror"] = destination
        if traffic > 0:
            targets["mirrorPercentage"] = {"value": traffic}
    return targets


def _retries(deployment: Object) -> Object:
    given = annotation(deployment, RETRIES, "")
    attempts = _whole_number(given) if given else 0
    timeout_s = _whole_number(annotation(deployment, RETRIES_TIMEOUT, "1")) if given else 1
    if attempts <= 0:
        return {}
    return {"retries": {"attempts": attempts, "perTryTimeout": f"{timeout_s}s", "retryOn": RETRY_ON}}


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise OperatorError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
