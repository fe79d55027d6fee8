"""Detectors: Deployments that judge what the request log holds, off the request path.

The executor posts each payload to one address, the sink (Seldon Core 1.17.1, executor/logger/worker.go), so a detector
hears only what the sink passes on to its Service: CloudEvents, told apart by the attributes ``inferenceservicename``
and ``namespace``.
"""

from generator.build import container
from generator.build.meta import Kind, filled, labelled, labels, model_scope, obj, pods_of_detector
from generator.model import Detector, Model
from generator.tenancy import Object

DEPLOYMENT = Kind(api="apps/v1", name="Deployment")
SERVICE = Kind(api="v1", name="Service")

_PROGRESS_S = 600  # Kubernetes' default, on top of what the detector itself takes


def build(model: Model) -> list[Object]:
    """Return a Deployment and a Service per detector.

    None of them has the label ``seldon-deployment-id``: the operator deletes Services that have it, and the pods are
    no pods of the model.
    """
    return [made for detector in model.detectors for made in (_deployment(model, detector), _service(model, detector))]


def name_of(model: Model, detector: Detector) -> str:
    """Return the name of a detector's Deployment and Service; no name of the operator's begins like it."""
    return f"detector-{model.name}-{detector.name}"


def _deployment(model: Model, detector: Detector) -> Object:
    scope, chosen = model_scope(model), pods_of_detector(model, detector.name)
    spec = {
        "replicas": 1,
        "progressDeadlineSeconds": _PROGRESS_S + detector.runtime.startup_s,
        "selector": {"matchLabels": chosen},
        "template": {
            "metadata": {"labels": dict(sorted({**labels(scope), **chosen}.items()))},
            "spec": _pod(model, detector),
        },
    }
    return labelled(obj(scope, DEPLOYMENT, name_of(model, detector), {"spec": spec}), chosen)


def _pod(model: Model, detector: Detector) -> Object:
    run, runtime = detector.run, detector.runtime
    ports = [container.port("http", run.port)]
    return filled(
        serviceAccountName=model.account.name,
        automountServiceAccountToken=False,
        enableServiceLinks=False,
        securityContext=container.pod_walls(run.user),
        **container.placement(runtime),
        terminationGracePeriodSeconds=container.grace_s(runtime.timeout_s),
        containers=[container.serving(detector.name, run, runtime, ports, container.environment(run, runtime))],
        volumes=container.volumes(runtime),
    )


def _service(model: Model, detector: Detector) -> Object:
    chosen = pods_of_detector(model, detector.name)
    port = {"name": "http", "port": detector.run.port, "targetPort": "http", "protocol": "TCP"}
    spec = {"selector": chosen, "ports": [port]}
    return labelled(obj(model_scope(model), SERVICE, name_of(model, detector), {"spec": spec}), chosen)
