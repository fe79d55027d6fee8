"""Add the init container that loads a node's model into /mnt/models.

What the operator adds from the Secrets of the pod's ServiceAccount depends on the cluster and is left out; it
adds nothing for a ServiceAccount without ``secrets``.

Source: Seldon Core 1.17.1, operator/controllers/model_initializer_injector.go.
"""

from generator.seldon import names
from generator.seldon.objects import MODEL_MOUNT_PATH, Object, named
from generator.seldon.settings import OperatorSettings, Resources

PVC_PREFIX = "pvc://"
PVC_VOLUME = "kfserving-pvc-source"
PVC_MOUNT_PATH = "/mnt/pvc"


def with_initializer(pod: Object, container: str, source: Object, settings: OperatorSettings) -> Object:
    """Return the pod with the model of ``source`` (a graph node or an explainer) loaded for the container.

    A pod that brings an init container of that name keeps it: only the mount is added.
    """
    uri = source.get("modelUri") or ""
    if not uri:
        return pod
    volume, name = names.initializer_volume(container), names.initializer_container(container)
    model: Object = {"name": volume, "mountPath": MODEL_MOUNT_PATH}
    if named(pod.get("initContainers"), name):
        return _mounted(pod, container, {**model, "readOnly": True})
    volumes: list[Object] = [{"name": volume, "emptyDir": {}}]
    mounts = [model]
    if uri.startswith(PVC_PREFIX):
        claim, _, path = uri.removeprefix(PVC_PREFIX).partition("/")
        uri = f"{PVC_MOUNT_PATH}/{path}"
        claimed: Object = {"name": PVC_VOLUME, "mountPath": PVC_MOUNT_PATH, "readOnly": True}
        volumes.insert(0, {"name": PVC_VOLUME, "persistentVolumeClaim": {"claimName": claim}})
        mounts.insert(0, claimed)
        pod = _mounted(pod, container, claimed)
    pod = _mounted(pod, container, {**model, "readOnly": True})
    loader = _loader(name, uri, mounts, settings=settings, source=source)
    return {
        **pod,
        "volumes": [*pod.get("volumes", []), *volumes],
        "initContainers": [*pod.get("initContainers", []), loader],
    }


def env_from(source: Object, settings: OperatorSettings) -> Object:
    """Return the ``envFrom`` of a node's credentials under its key, empty if there is no Secret."""
    secret = source.get("envSecretRefName") or settings.node_env_secret
    return {"envFrom": [{"secretRef": {"name": secret}}]} if secret else {}


def requirements(resources: Resources) -> Object:
    """Return a container's ``resources``."""
    return {
        "limits": {"cpu": resources.cpu_limit, "memory": resources.memory_limit},
        "requests": {"cpu": resources.cpu_request, "memory": resources.memory_request},
    }


def _loader(name: str, uri: str, mounts: list[Object], *, settings: OperatorSettings, source: Object) -> Object:
    return {
        "name": name,
        "image": source.get("storageInitializerImage") or settings.storage_initializer_image,
        "imagePullPolicy": "IfNotPresent",
        "args": [uri, MODEL_MOUNT_PATH],
        "volumeMounts": mounts,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": requirements(settings.storage_initializer_resources),
        **env_from(source, settings),
    }


def _mounted(pod: Object, container: str, mount: Object) -> Object:
    def mounted(candidate: Object) -> Object:
        known = candidate.get("volumeMounts", [])
        if candidate["name"] != container or named(known, mount["name"]):
            return candidate
        return {**candidate, "volumeMounts": [*known, mount]}

    return {**pod, "containers": [mounted(candidate) for candidate in pod["containers"]]}
