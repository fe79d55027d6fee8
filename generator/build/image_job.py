"""The Job that makes one Bento an image: look whether it is there, fetch the Bento, build and push."""

from generator.build.image_scripts import BUILD, EXISTS, FETCH
from generator.build.meta import COMPONENT, Scope, filled, labels
from generator.model import Run, Source
from generator.tenancy import Object, Place

USER = 1000  # of the rootless BuildKit image, which cannot be changed without rebuilding it
UNCONFINED = "unconfined"
COMPONENT_NAME = "image-build"
# Access to the store that archives come from (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_S3, …); may be absent.
STORE_SECRET = "bento-store"  # noqa: S105  # the name of a Secret

_WORKSPACE, _AUTH, _CONFIG, _OUT = "/workspace", "/auth", "/etc/buildkit", "/out"
_TMP = "/tmp"  # noqa: S108  # the mount path of an emptyDir of the pod's own
_AUTH_MOUNT: Object = {"name": "auth", "mountPath": _AUTH, "readOnly": True}
_DEADLINE_S = 3600  # what ends a sync that waits for a build which cannot end
_TOOL = {"oci": "oras", "s3": "s3", "git": "bento"}  # which of the platform's tool images fetches
_SMALL = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}}
_LARGE = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}


def spec(place: Place, run: Run, *, scope: Scope, account: str, config: str) -> Object:
    """Return a Job's spec. ``account``: ServiceAccount; ``config``: ConfigMap with BuildKit's settings.

    The pod is outside the mesh: a sidecar has no part in pulling and pushing, and the walls round the namespace say
    where it may go.
    """
    return {
        "backoffLimit": 2,
        "activeDeadlineSeconds": _DEADLINE_S,
        "template": {
            "metadata": {"labels": {**labels(scope), COMPONENT: COMPONENT_NAME, "sidecar.istio.io/inject": "false"}},
            "spec": _pod(place, run, account, config),
        },
    }


def _pod(place: Place, run: Run, account: str, config: str) -> Object:
    tools = dict(place.platform.build.images)
    source = _source(run)
    user = {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER}
    return {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
        "restartPolicy": "Never",
        "initContainers": [_exists(tools["oras"], run), _fetch(tools[_TOOL[source.kind]], run, source)],
        "containers": [_build(place, tools["buildkit"], run, source)],
        "volumes": _volumes(place, config),
    }


def _exists(image: str, run: Run) -> Object:
    return _step("exists", image, EXISTS, {"HOME": _TMP, **_shared(run), "AUTH": _AUTH}) | {
        "resources": _SMALL,
        "securityContext": _walls(),
        "volumeMounts": [_mount("workspace", _WORKSPACE), _mount("tmp", _TMP), _AUTH_MOUNT],
    }


def _fetch(image: str, run: Run, source: Source) -> Object:
    git, store = source.kind == "git", source.kind == "s3"
    variables = {
        "HOME": _TMP,
        **_shared(run),
        **({"AUTH": _AUTH} if source.kind == "oci" else {}),
        "SOURCE": source.location,
        "DIGEST": source.digest,
        **(_bento(run) if git else {}),
    }
    auth = [_AUTH_MOUNT] if source.kind == "oci" else []
    return filled(
        **_step("fetch", image, FETCH[source.kind], variables),
        envFrom=[{"secretRef": {"name": STORE_SECRET, "optional": True}}] if store else [],
        # `bentoml build` imports the service and resolves what it needs; the others only copy and unpack.
        resources=_LARGE if git else _SMALL,
        securityContext=_walls(),
        volumeMounts=[_mount("workspace", _WORKSPACE), _mount("tmp", _TMP), *auth],
    )


def _build(place: Place, image: str, run: Run, source: Source) -> Object:
    variables = {
        **_shared(run),
        "SOURCE": source.location,
        "DIGEST": source.digest,
        "VERSION": run.version,
        "CONFIG": _CONFIG,
        "OUT": _OUT,
        "TERMINATION_LOG": "/dev/termination-log",
        "DOCKER_CONFIG": _AUTH,
        "BUILDKITD_FLAGS": f"--oci-worker-no-process-sandbox --config {_CONFIG}/buildkitd.toml",
    }
    return _step("build", image, BUILD, variables) | {
        "resources": _LARGE,
        "securityContext": _confinement(place.platform.build.seccomp),
        "volumeMounts": [
            _mount("workspace", _WORKSPACE, read_only=True),
            _AUTH_MOUNT,
            _mount("config", _CONFIG, read_only=True),
            _mount("out", _OUT),
            _mount("state", "/home/user/.local/share/buildkit"),  # a VOLUME of the image, unusable on some nodes
        ],
    }


def _step(name: str, image: str, script: str, variables: dict[str, str]) -> Object:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", script],
        "env": [{"name": key, "value": value} for key, value in variables.items()],
    }


def _shared(run: Run) -> dict[str, str]:
    return {"IMAGE": run.tag_image, "WORKSPACE": _WORKSPACE}


def _bento(run: Run) -> dict[str, str]:
    home = {"BENTOML_HOME": f"{_WORKSPACE}/bentoml", "BENTOML_DO_NOT_TRACK": "True"}
    return {"BENTO": run.bento, "VERSION": run.version, **home}


def _walls() -> Object:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def _confinement(seccomp: str) -> Object:
    """Return what rootless BuildKit needs: newuidmap raises its rights, and mounts happen in a user namespace.

    With a profile that the nodes have, Pod Security "baseline" admits it; unconfined it needs "privileged".
    """
    if seccomp == UNCONFINED:
        free = {"type": "Unconfined"}
        return {"allowPrivilegeEscalation": True, "seccompProfile": free, "appArmorProfile": free}
    profile = {"type": "Localhost", "localhostProfile": seccomp}
    return {"allowPrivilegeEscalation": True, "seccompProfile": profile}


def _volumes(place: Place, config: str) -> list[Object]:
    key = {"key": ".dockerconfigjson", "path": "config.json"}  # the name that every client looks for
    return [
        {"name": "workspace", "emptyDir": {"sizeLimit": "20Gi"}},
        {"name": "auth", "secret": {"secretName": place.platform.build.push_secret, "items": [key]}},
        {"name": "config", "configMap": {"name": config}},
        {"name": "out", "emptyDir": {"sizeLimit": "16Mi"}},
        {"name": "state", "emptyDir": {"sizeLimit": "40Gi"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},
    ]


def _mount(name: str, path: str, *, read_only: bool = False) -> Object:
    return filled(name=name, mountPath=path, readOnly=read_only or None)


def _source(run: Run) -> Source:
    if run.source is None:
        raise ValueError(f"{run.image} is no Bento: there is nothing to build")
    return run.source
