"""Every name that the Seldon operator derives from a SeldonDeployment's own names.

Names are plain concatenations, so different inputs can give one name: `claims.claimed_names` lists what one
SeldonDeployment takes, for a check over all of a namespace.

Source: Seldon Core 1.17.1, operator/apis/machinelearning.seldon.io/v1/seldondeployment_types.go and
operator/controllers/{seldondeployment_explainers,model_initializer_injector}.go.
"""

import hashlib

from generator.seldon.objects import SERVICE_NAME, Object, annotation_of, containers

NAME_MAX = 63  # DNS label, RFC 1123 section 2.1
SERVICE_LABEL = "seldon-app-svc"
LABEL_KEY_MAX = 63  # Kubernetes "Labels and Selectors": the name part of a label key
CONTAINER_MAX = LABEL_KEY_MAX - len(SERVICE_LABEL) - 1  # the label key above is not hashed


def hashed(name: str) -> str:
    """Return the name if it has at most 63 characters, else ``seldon-`` and the MD5 of all of it (39 characters)."""
    return name if len(name) <= NAME_MAX else f"seldon-{_md5(name)}"


def virtual_service(deployment: str) -> str:
    """Return the name of the VirtualService, also the value of the label ``seldon-deployment-id``."""
    return hashed(deployment)


def component_suffix(component: Object) -> str:
    """Return what names a componentSpec's pod: ``metadata.name``, else its container names joined by ``-``."""
    pinned: str = (component.get("metadata") or {}).get("name") or ""
    return pinned or "-".join(c["name"] for c in containers(component))


def deployment_name(deployment: str, predictor: str, index: int, suffix: str, *, as_prefix: bool = False) -> str:
    """Return the name of a component's Deployment, HorizontalPodAutoscaler, PodDisruptionBudget and ScaledObject.

    ``index``: of the componentSpec, from 0. ``suffix``: see `component_suffix`. ``as_prefix``: the operator's
    DEPLOYMENT_NAME_AS_PREFIX, which keeps the SeldonDeployment's name in front of the hash where it fits.
    """
    name = f"{deployment}-{predictor}-{index}-{suffix}"
    prefixed = f"{deployment}-{_md5(name)}"
    if len(name) > NAME_MAX and as_prefix and len(prefixed) <= NAME_MAX:
        return prefixed
    return hashed(name)


def predictor_service(deployment: str, predictor: str) -> str:
    """Return the name of a predictor's Service and DestinationRule when no annotation names them."""
    return hashed(f"{deployment}-{predictor}")


def service_of(deployment: str, predictor: Object) -> str:
    """Return the name of a predictor's Service: the annotation ``seldon.io/svc-name`` as it stands, else derived."""
    return annotation_of(predictor, SERVICE_NAME, predictor_service(deployment, predictor["name"]))


def container_service(deployment: str, predictor: str, container: str) -> str:
    """Return the name of the Service in front of one node's container."""
    return hashed(f"{deployment}-{predictor}-{container}")


def container_label(container: str) -> str:
    """Return the label key that selects a node's pods; never hashed, so a container has at most 48 characters."""
    return f"{SERVICE_LABEL}-{container}"


def orchestrator_deployment(deployment: str, predictor: str) -> str:
    """Return the name of the executor's own Deployment (annotation ``seldon.io/engine-separate-pod``)."""
    return hashed(f"{deployment}-{predictor}-svc-orch")


def explainer_name(deployment: str, predictor: str) -> str:
    """Return the name of an explainer's Deployment, Service and DestinationRule."""
    return hashed(f"{deployment}-{predictor}-explainer")


def explainer_virtual_service(deployment: str, predictor: str) -> str:
    """Return the name of an explainer's VirtualService; cut, not hashed."""
    return cut(f"{explainer_name(deployment, predictor)}-http")


def initializer_container(container: str) -> str:
    """Return the name of the init container that loads a node's model."""
    return cut(f"{container}-model-initializer")


def initializer_volume(container: str) -> str:
    """Return the name of the volume in which a node finds its model."""
    return cut(f"{container}-provision-location")


def host(service: str, namespace: str) -> str:
    """Return a Service's full name inside the cluster."""
    return f"{service}.{namespace}.svc.cluster.local"


def cut(name: str) -> str:
    """Return at most the first 63 characters, less one trailing ``-``."""
    return name if len(name) <= NAME_MAX else name[:NAME_MAX].removesuffix("-")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
