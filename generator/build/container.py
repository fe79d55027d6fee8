"""The container that serves: its environment, ports, probes, resources, shutdown and walls."""

import json
from math import ceil

from generator.build.meta import filled
from generator.model import Run, Runtime, Secret
from generator.tenancy import Object

TMP = "/tmp"  # noqa: S108  # the mount path of an emptyDir of the pod's own
TMP_SIZE = "1Gi"
PRE_STOP_S = 10  # until every proxy has heard that the pod leaves; what the operator itself would set
MARGIN_S = 5  # from the last answer to the end of the process

# Bento: `bentoml serve` closes idle connections after 5 s; the executor's Go client keeps them for 90 s and the
# operator's DestinationRule for 60 s, so a reused connection would be reset. There is no variable for it. The image's
# entrypoint.sh turns `serve <options>` into `bentoml serve <options> $BENTO_PATH`.
# Source: BentoML 1.4.39, container/frontend/dockerfile/entrypoint.sh and bentoml_cli/serve.py.
KEEP_ALIVE_ARGS = ("serve", "--timeout-keep-alive", "120")

_PROBE_PERIOD_S = 5
_COMPACT = json.JSONEncoder(separators=(",", ":")).encode  # json.dumps would make one a call


def serving(name: str, run: Run, runtime: Runtime, ports: list[Object], env: list[Object]) -> Object:
    """Return a container of a pod made by `pod`: /tmp is its own, the rest of its root is read-only."""
    return filled(
        name=name,
        image=run.image,
        imagePullPolicy="IfNotPresent",
        args=list(KEEP_ALIVE_ARGS) if run.kind == "bento" else [],
        ports=ports,
        env=env,
        resources=resources(runtime),
        **probes(run, runtime.startup_s),
        lifecycle=pre_stop(PRE_STOP_S),
        securityContext=walls(),
        volumeMounts=[tmp_mount(), *(_mount(volume.name, volume.path, volume.read_only) for volume in runtime.volumes)],
    )


def port(name: str, number: int) -> Object:
    """Return a declared port; the CRD would default the protocol, and a default inside a list never is in sync."""
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def environment(run: Run, runtime: Runtime) -> list[Object]:
    """Return the variables: what the server needs, then the user's, then those from Secrets; the later one wins.

    ``PREDICTIVE_UNIT_*_SERVICE_PORT`` and ``MLSERVER_{HTTP,GRPC}_PORT`` are never set: with one of them present the
    operator drops the whole list (Seldon Core 1.17.1, operator/utils/utils.go, SetEnvVar).
    """
    found = {name: variable(name, value) for name, value in (*_needed(run, runtime), *runtime.env)}
    return list({**found, **{secret.variable: secret_variable(secret) for secret in runtime.secrets}}.values())


def variable(name: str, value: str) -> Object:
    """Return one environment variable."""
    return {"name": name, "value": value}


def secret_variable(secret: Secret) -> Object:
    """Return one environment variable taken from a Secret."""
    return {"name": secret.variable, "valueFrom": {"secretKeyRef": {"name": secret.secret, "key": secret.key}}}


def resources(runtime: Runtime) -> Object:
    """Return requests and limits, equal.

    A quota on either refuses a container that lacks it, and with no CPU limit a server that counts cores sees the
    node's: BentoML's ``cpu_count`` reads the cgroup's quota first (BentoML 1.4.39, _internal/resource.py).
    """
    both = {"cpu": runtime.cpu, "memory": runtime.memory}
    gpu = {"nvidia.com/gpu": str(runtime.gpu)} if runtime.gpu else {}
    return {"requests": dict(both), "limits": {**both, **gpu}}


def probes(run: Run, startup_s: int) -> Object:
    """Return the three probes; without them the operator sets TCP ones, which pass before a model is loaded.

    ``startup_s``: how long the pod may take until it answers, in seconds.
    """
    ready, live = _handler(run.ready), _handler(run.live)
    return {
        "startupProbe": _probe(ready, period_s=_PROBE_PERIOD_S, failures=max(1, ceil(startup_s / _PROBE_PERIOD_S))),
        "readinessProbe": _probe(ready, period_s=_PROBE_PERIOD_S, failures=3),
        # A busy server is not a dead one: a minute of silence until it is killed.
        "livenessProbe": _probe(live, period_s=2 * _PROBE_PERIOD_S, failures=6),
    }


def pre_stop(seconds: int) -> Object:
    """Return a lifecycle that waits before the process is told to end; the CRD knows no ``preStop.sleep``."""
    return {"preStop": {"exec": {"command": ["/bin/sh", "-c", f"/bin/sleep {seconds}"]}}}


def grace_s(timeout_s: int) -> int:
    """Return how many seconds a pod gets to end: until it is forgotten, then the longest request, then a margin."""
    return PRE_STOP_S + timeout_s + MARGIN_S


def walls(*, read_only_root: bool = True) -> Object:
    """Return the container's part of Pod Security "restricted"."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": read_only_root,
    }


def pod_walls(user: int) -> Object:
    """Return the pod's part of Pod Security "restricted", as a numbered user.

    An image that names its user by word does not start under runAsNonRoot without runAsUser, and without any
    securityContext the operator sets its own default user.
    """
    seccomp = {"type": "RuntimeDefault"}
    return {"runAsNonRoot": True, "runAsUser": user, "runAsGroup": user, "fsGroup": user, "seccompProfile": seccomp}


def tmp_mount() -> Object:
    """Return the mount of the pod's own /tmp."""
    return {"name": "tmp", "mountPath": TMP}


def volumes(runtime: Runtime) -> list[Object]:
    """Return /tmp and the user's volumes."""
    tmp = {"name": "tmp", "emptyDir": {"sizeLimit": TMP_SIZE}}
    return [tmp, *({"name": volume.name, **_volume(volume.kind, volume.source)} for volume in runtime.volumes)]


def placement(runtime: Runtime) -> Object:
    """Return nodeSelector and tolerations, if any."""
    tolerations = [
        filled(
            key=toleration.key,
            operator="Equal" if toleration.value else "Exists",
            value=toleration.value,
            effect=toleration.effect,
        )
        for toleration in runtime.tolerations
    ]
    return filled(nodeSelector=dict(runtime.node_selector), tolerations=tolerations)


def _needed(run: Run, runtime: Runtime) -> tuple[tuple[str, str], ...]:
    home = ("HOME", TMP)
    if run.kind == "server":
        # MLServer 1.3.5 makes both folders in its working directory (settings.py), which is read-only here.
        return (
            home,
            ("XDG_CACHE_HOME", TMP),
            ("MLSERVER_ENVIRONMENTS_DIR", f"{TMP}/environments"),
            ("MLSERVER_METRICS_DIR", f"{TMP}/metrics"),
        )
    bento = (
        ("BENTOML_PORT", str(run.port)),  # a Service called "bentoml" would otherwise set it to a URL
        ("BENTOML_HOME", f"{TMP}/bentoml"),
        home,
        ("BENTOML_DO_NOT_TRACK", "True"),
    )
    return (*bento, ("BENTOML_CONFIG_OVERRIDES", _overrides(run, runtime))) if run.bento else bento


def _overrides(run: Run, runtime: Runtime) -> str:
    service = {"workers": runtime.workers, "traffic": {"timeout": runtime.timeout_s}}
    return _COMPACT({"services": {run.bento: service}})


def _handler(path: str) -> Object:
    return {"httpGet": {"path": path, "port": "http"}} if path else {"tcpSocket": {"port": "http"}}


def _probe(handler: Object, *, period_s: int, failures: int) -> Object:
    return {**handler, "periodSeconds": period_s, "timeoutSeconds": 5, "failureThreshold": failures}


def _mount(name: str, path: str, read_only: bool) -> Object:  # noqa: FBT001  # it comes from a Volume
    return filled(name=name, mountPath=path, readOnly=read_only or None)


def _volume(kind: str, source: str) -> Object:
    match kind:
        case "claim":
            return {"persistentVolumeClaim": {"claimName": source}}
        case "configMap":
            return {"configMap": {"name": source}}
        case "secret":
            return {"secret": {"secretName": source}}
        case _:
            return {"emptyDir": {"sizeLimit": source}}
