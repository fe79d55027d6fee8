"""What a node needs when one of Seldon's stock servers serves it: a model fetched before the server starts.

The operator would add its own init container, which Pod Security "restricted" refuses. It adds none where one of the
expected name is there, and only mounts the expected volume.

Source: Seldon Core 1.17.1, operator/controllers/{model_initializer_injector,seldondeployment_prepackaged_servers}.go.
"""

from generator.build import container
from generator.build.meta import filled
from generator.model import Model, Node, Protocol, Run, Runtime
from generator.seldon.names import initializer_container, initializer_volume
from generator.seldon.objects import MODEL_MOUNT_PATH, TFSERVING_CONTAINER
from generator.tenancy import Object

TENSORFLOW = "TENSORFLOW_SERVER"
TRITON = "TRITON_SERVER"

LOADER_TOOL = "storage"  # the loader's key among the platform's tool images
LOADER_VARIABLES = "RCLONE_"  # credentials of the store: for the loader, and for nobody else in the pod

_LOADER_RUNTIME = {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
_PROXY_RESOURCES = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}
_CLAIM = "pvc://"
_CLAIM_VOLUME = "kfserving-pvc-source"  # the operator's name and path for it
_CLAIM_PATH = "/mnt/pvc"


def worker(model: Model, node: Node) -> str:
    """Return the container that does a node's work: TensorFlow Serving stands behind a proxy in protocol seldon."""
    return TFSERVING_CONTAINER if _proxied(model, node) else node.name


def containers(model: Model, node: Node, run: Run, own: Object) -> list[Object]:
    """Return the node's container with its model mounted and, where the node's is a proxy, TensorFlow Serving.

    ``own``: the node's container as `container.serving` made it. A stock server has no image here: the operator
    fills it in from its ConfigMap.
    """
    if not _proxied(model, node):
        return [_mounted(own, node.name, run)]
    serving = filled(
        name=TFSERVING_CONTAINER,
        imagePullPolicy="IfNotPresent",
        resources=own["resources"],
        lifecycle=own["lifecycle"],
        securityContext=container.walls(),
        volumeMounts=[container.tmp_mount()],
    )
    return [{**own, "resources": _PROXY_RESOURCES}, _mounted(serving, TFSERVING_CONTAINER, run)]


def loaders(model: Model, node: Node, run: Run) -> list[Object]:
    """Return the init container that fetches the model, none where there is nothing to fetch."""
    if not run.model_uri:
        return []
    name = worker(model, node)
    return [
        filled(
            name=initializer_container(name),
            image=dict(model.place.platform.build.images)[LOADER_TOOL],
            imagePullPolicy="IfNotPresent",
            args=[_source(run.model_uri), MODEL_MOUNT_PATH],
            env=[container.variable("HOME", container.TMP), *_credentials(node.runtime)],
            resources=_LOADER_RUNTIME,
            securityContext=container.walls(),
            volumeMounts=[
                container.tmp_mount(),
                {"name": initializer_volume(name), "mountPath": MODEL_MOUNT_PATH},
                *_claim_mounts(run),
            ],
        )
    ]


def volumes(model: Model, node: Node, run: Run) -> list[Object]:
    """Return the volume that the model is fetched into and, for ``pvc://claim/path``, the claim it comes from."""
    if not run.model_uri:
        return []
    target = {"name": initializer_volume(worker(model, node)), "emptyDir": {}}
    if not run.model_uri.startswith(_CLAIM):
        return [target]
    claim = {"claimName": _claim(run.model_uri)[0], "readOnly": True}
    return [target, {"name": _CLAIM_VOLUME, "persistentVolumeClaim": claim}]


def environment(run: Run, runtime: Runtime) -> list[Object]:
    """Return the server's variables, without the credentials of the store."""
    found = container.environment(run, runtime)
    return [one for one in found if not one["name"].startswith(LOADER_VARIABLES)]


def _proxied(model: Model, node: Node) -> bool:
    return node.run is not None and node.run.server == TENSORFLOW and model.protocol is not Protocol.TENSORFLOW


def _mounted(own: Object, name: str, run: Run) -> Object:
    if not run.model_uri:
        return own
    model = {"name": initializer_volume(name), "mountPath": MODEL_MOUNT_PATH, "readOnly": True}
    return {**own, "volumeMounts": [*own["volumeMounts"], model, *_claim_mounts(run)]}


def _credentials(runtime: Runtime) -> list[Object]:
    plain = [container.variable(name, value) for name, value in runtime.env if name.startswith(LOADER_VARIABLES)]
    secret = [container.secret_variable(one) for one in runtime.secrets if one.variable.startswith(LOADER_VARIABLES)]
    return plain + secret


def _claim_mounts(run: Run) -> list[Object]:
    # A model on a claim is linked, not copied, so the server needs the claim too.
    mount = {"name": _CLAIM_VOLUME, "mountPath": _CLAIM_PATH, "readOnly": True}
    return [mount] if run.model_uri.startswith(_CLAIM) else []


def _source(uri: str) -> str:
    return f"{_CLAIM_PATH}/{_claim(uri)[1]}" if uri.startswith(_CLAIM) else uri


def _claim(uri: str) -> tuple[str, str]:
    name, _, path = uri.removeprefix(_CLAIM).partition("/")
    return name, path
