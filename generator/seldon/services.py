"""Build the Services: one for each predictor, one for each node's container, one for an explainer.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_controller.go (createPredictorService,
createContainerService).
"""

from generator.seldon import names
from generator.seldon.deployments import type_labels
from generator.seldon.objects import Object, annotation, has_engine, namespace_of

HEADLESS = "seldon.io/headless-svc"


def predictor_service(deployment: Object, predictor: Object, ports: tuple[int, int], node: Object | None) -> Object:
    """Return the Service of a predictor.

    ``ports``: http and grpc, of the executor or of the only container. ``node``: the node, without executor only.
    """
    name = names.service_of(deployment["metadata"]["name"], predictor)
    labels = {"app.kubernetes.io/managed-by": "seldon-core", "seldon-app": name}
    if not has_engine(predictor):
        labels |= type_labels(node, predictor)
    return _entry(deployment, predictor, name, labels=labels, ports=ports)


def explainer_service(deployment: Object, predictor: Object, port: int) -> Object:
    """Return the Service of an explainer; its label ``seldon-app`` is the predictor's, its selector its own."""
    sdep = deployment["metadata"]["name"]
    labels = {"seldon-app": names.service_of(sdep, predictor), **type_labels(None, predictor)}
    return _entry(deployment, predictor, names.explainer_name(sdep, predictor["name"]), labels=labels, ports=(port, 0))


def container_service(deployment: Object, predictor: Object, container: str, node: Object) -> Object:
    """Return the Service in front of one node's container."""
    sdep = deployment["metadata"]["name"]
    name = names.container_service(sdep, predictor["name"], container)
    chosen = {names.container_label(container): name}
    labels = {**chosen, "seldon-app": names.service_of(sdep, predictor), **type_labels(node, predictor)}
    endpoint = node["endpoint"]
    ports = [_port("http", endpoint["httpPort"]), _port("grpc", endpoint["grpcPort"])]
    return _service(deployment, predictor, name, labels=labels, spec={"ports": ports, "selector": chosen})


def _entry(deployment: Object, predictor: Object, name: str, *, labels: Object, ports: tuple[int, int]) -> Object:
    open_ports = [_port(key, number) for key, number in zip(("http", "grpc"), ports, strict=True) if number]
    headless = annotation(deployment, HEADLESS, "false") != "false"
    spec = {"ports": open_ports, "selector": {"seldon-app": name}, **({"clusterIP": "None"} if headless else {})}
    return _service(deployment, predictor, name, labels=labels, spec=spec)


def _service(deployment: Object, predictor: Object, name: str, *, labels: Object, spec: Object) -> Object:
    annotations = predictor.get("annotations", {})
    identity = {"seldon-deployment-id": names.virtual_service(deployment["metadata"]["name"])}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": namespace_of(deployment),
            "labels": labels | identity,
            **({"annotations": dict(annotations)} if annotations else {}),
        },
        "spec": {**spec, "type": "ClusterIP", "sessionAffinity": "None"},
    }


def _port(name: str, number: int) -> Object:
    return {"name": name, "protocol": "TCP", "port": number, "targetPort": number}
