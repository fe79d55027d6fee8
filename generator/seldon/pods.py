"""Build the pod of one componentSpec, without executor, stock servers and certificates.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_controller.go (createDeploymentWithoutEngine)
and operator/controllers/security.go.
"""

from generator.seldon.containers import node_container
from generator.seldon.objects import (
    ENGINE_CONTAINER,
    PODINFO_VOLUME,
    TFSERVING_CONTAINER,
    Object,
    containers,
    env,
    named,
    node_named,
)
from generator.seldon.settings import OperatorSettings

GRACE_PERIOD_S = 20
CERT_VOLUME = "seldon-cert-volume"
# Named so because the proxy or the executor stands in front: neither gets ports, probes or a Service.
UNSERVED = (ENGINE_CONTAINER, TFSERVING_CONTAINER)


def podinfo_volume() -> Object:
    """Return the volume through which the executor reads its pod's annotations."""
    item = {"path": "annotations", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.annotations"}}
    return {"name": PODINFO_VOLUME, "downwardAPI": {"items": [item], "defaultMode": 420}}


def served_node(predictor: Object, container: Object) -> Object | None:
    """Return the graph node behind a container, None for a sidecar."""
    return None if container["name"] in UNSERVED else node_named(predictor["graph"], container["name"])


def component_pod(deployment: Object, predictor: Object, component: Object, settings: OperatorSettings) -> Object:
    """Return the pod spec of a componentSpec with its nodes' containers completed."""
    pod = pod_defaults(component["spec"], settings)
    return {
        **pod,
        "containers": [
            container
            if (node := served_node(predictor, container)) is None
            else node_container(deployment, predictor, container, node=node, settings=settings)
            for container in containers(component)
        ],
    }


def pod_defaults(spec: Object, settings: OperatorSettings) -> Object:
    """Return a pod spec with what the operator sets where nothing is set."""
    pod = {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": GRACE_PERIOD_S,
        **security_context(settings),
        **spec,
    }
    volumes = spec.get("volumes", [])
    if named(volumes, PODINFO_VOLUME) is None:
        pod["volumes"] = [*volumes, podinfo_volume()]
    return pod


def security_context(settings: OperatorSettings) -> Object:
    """Return the pod's securityContext under its key, empty if the operator has no default user."""
    if settings.default_user_id is None:
        return {}
    return {"securityContext": {"runAsUser": settings.default_user_id}}


def with_certificate(pod: Object, predictor: Object, settings: OperatorSettings) -> Object:
    """Return the pod with ``predictors[].ssl`` mounted into every container, the executor's included."""
    secret = (predictor.get("ssl") or {}).get("certSecretName")
    if not secret:
        return pod
    mount = {"name": CERT_VOLUME, "readOnly": True, "mountPath": settings.cert_mount_path}
    variable = env("SELDON_CERT_MOUNT_PATH", settings.cert_mount_path)
    mounted = [{**c, "volumeMounts": [*c.get("volumeMounts", []), mount]} for c in pod["containers"]]
    # The operator stops at the first container that has the variable already.
    has = [index for index, c in enumerate(mounted) if named(c.get("env"), variable["name"])]
    until = has[0] if has else len(mounted)
    told = [{**c, "env": [*c.get("env", []), variable]} for c in mounted[:until]]
    return {
        **pod,
        "volumes": [*pod.get("volumes", []), {"name": CERT_VOLUME, "secret": {"secretName": secret}}],
        "containers": [*told, *mounted[until:]],
    }
