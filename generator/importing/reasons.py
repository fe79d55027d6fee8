"""Why a spec does not say a part of a SeldonDeployment, and what to do about it: one list, the first that fits counts.

A pattern is a path as people write it, with ``[*]`` for any index and ``*`` for any text; the part that is named in a
report goes as far as the pattern.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A pattern, why what it fits cannot be said, and one thing to do."""

    pattern: str
    why: str
    todo: str


_P = "spec.predictors[*]"
_C = f"{_P}.componentSpecs[*]"
_POD = f"{_C}.spec"
_BOX = f"{_POD}.containers[*]"
_N = f"{_P}.graph"

_WALLS = "gen builds the walls of every pod itself, at Pod Security restricted"
_GROUP = "gen runs user, group and the group of volumes under one number, and stock servers as Seldon's own user"
_USER = "set run.user, or build an image of your own"
_ROOT = "make the image run as a numbered user without privileges"
_MESH = "the platform's mesh and gateway do this for all models"
_POLICY = "labels and annotations of rendered objects are gen's own, so that policies can rely on them"
_EXECUTOR = "a spec does not set up Seldon's executor"
_PROBE = "gen sets the times of probes from runtime.startup; a spec names the paths only"

REASONS: tuple[Reason, ...] = (
    Reason("metadata.labels.seldon.io/controller-id", "with it the operator's webhook skips the object", "leave it"),
    Reason("metadata.labels.*", _POLICY, "write spec.owner and spec.data instead, where they say that"),
    Reason("metadata.annotations.seldon.io/*", _MESH, "ask the platform for it"),
    Reason("metadata.annotations.*", _POLICY, "write metadata.annotations in the spec, if another tool reads them"),
    Reason("metadata.*", "the cluster writes it", "nothing"),
    Reason("status.*", "the cluster writes it", "nothing"),
    Reason("spec.name", "an old name that the operator no longer reads", "nothing"),
    Reason("spec.annotations.seldon.io/istio-host", "the host is the tenant's", "say it in tenant.yaml, under hosts"),
    Reason("spec.annotations.seldon.io/istio-gateway", _MESH, "say it in platform.yaml, under mesh.gateway"),
    Reason("spec.annotations.seldon.io/istio-retries*", _MESH, "let the caller try again, or ask the platform"),
    Reason(
        "spec.annotations.seldon.io/engine-separate-pod",
        "policies would miss an executor in a pod of its own: it has another identity",
        "nothing; the executor stands in the first node's pod",
    ),
    Reason("spec.annotations.seldon.io/*", _EXECUTOR, "see runtime.timeout and log for what a spec can say"),
    Reason("spec.annotations.*", _POLICY, "write metadata.annotations in the spec, if another tool reads them"),
    Reason(
        "spec.transport",
        "the executor serves REST and gRPC alike; probes and old images then look at the HTTP port",
        "make sure that the image listens for HTTP too",
    ),
    Reason("spec.serverType", "a spec has no streams from Kafka", "keep this one outside gen"),
    Reason("spec.replicas", "a predictor's own number of replicas counts", "set runtime.replicas"),
    Reason(
        f"{_P}.annotations.seldon.io/no-engine",
        "gen decides by the protocol, for all predictors alike",
        "write api.protocol bento, if every predictor serves its own routes",
    ),
    Reason(f"{_P}.annotations.seldon.io/svc-name", "Services are named as the operator names them", "tell the callers"),
    Reason(f"{_P}.annotations.*", _POLICY, "write metadata.annotations in the spec, if another tool reads them"),
    Reason(f"{_P}.labels.*", _POLICY, "use another predictor's name, if the label tells them apart"),
    Reason(f"{_P}.svcOrchSpec.env[*]", _EXECUTOR, "ask the platform, if all models need it"),
    Reason(f"{_P}.svcOrchSpec.*", _EXECUTOR, "nothing; it gets 500m and 512Mi"),
    Reason(f"{_P}.engineResources", "the operator no longer reads it", "nothing"),
    Reason(f"{_P}.ssl", "the mesh encrypts between all pods", "nothing"),
    Reason(f"{_P}.traffic", "the only predictor without shadow gets all requests", "nothing"),
    Reason(f"{_P}.replicas", "a spec has 1 to 1000 replicas", "take the model out of an environment instead"),
    Reason(f"{_P}.progressDeadlineSeconds", "gen sets it from runtime.startup", "set runtime.startup"),
    Reason(
        f"{_P}.explainer.containerSpec.args*",
        "a spec has no arguments of a container",
        "put them into the image's entrypoint",
    ),
    Reason(f"{_P}.explainer.containerSpec.resources.*", "a spec gives request and limit alike", "set runtime"),
    Reason(f"{_P}.explainer.containerSpec.*", "a spec has no word for it", "build it into the image"),
    Reason(
        f"{_P}.explainer.*", "a spec has one explainer, from an image that holds what it needs", "build such an image"
    ),
    Reason(f"{_C}.hpaSpec", "a spec's autoscaler looks at processor time alone", "set runtime.replicas"),
    Reason(f"{_C}.kedaSpec", "a spec's autoscaler looks at processor time alone", "set runtime.replicas"),
    Reason(f"{_C}.pdbSpec", "gen makes a budget for each predictor of two pods or more", "set runtime.replicas.min"),
    Reason(f"{_C}.replicas", "a spec scales the predictor, not its parts", "set runtime.replicas"),
    Reason(f"{_C}.metadata.name", "gen names the pods after their nodes", "nothing"),
    Reason(f"{_C}.metadata.*", _POLICY, "use another predictor's name, if it tells them apart"),
    Reason(
        f"{_POD}.terminationGracePeriodSeconds",
        "gen sets it from runtime.timeout: the longest request, and 15 s",
        "set runtime.timeout",
    ),
    Reason(
        f"{_POD}.serviceAccountName",
        "each model has a ServiceAccount of its own, called like it",
        "give that one what this one may do",
    ),
    Reason(
        f"{_POD}.imagePullSecrets[*]", "the platform gives every pod its Secret", "say it in platform.yaml, pullSecret"
    ),
    Reason(f"{_POD}.securityContext.*Group*", _GROUP, _USER),
    Reason(f"{_POD}.securityContext.*", _WALLS, _ROOT),
    Reason(f"{_POD}.host*", _WALLS, "do without the machine's own namespaces"),
    Reason(
        f"{_POD}.volumes[*]", "a spec has claims, ConfigMaps, Secrets and empty volumes, each mounted once", "use one"
    ),
    Reason(f"{_POD}.initContainers[*]", "a spec has no containers beside its nodes", "do it in the image's entrypoint"),
    Reason(f"{_POD}.tolerations[*]", "a spec tolerates taints by key, value and effect, for good", "say it so"),
    Reason(f"{_POD}.affinity", "a spec places pods by runtime.placement", "use nodeSelector and tolerations"),
    Reason(
        f"{_BOX}.env[*]",
        "a spec has plain variables and keys of Secrets; Seldon's own are set for you",
        "write the value, or put it into a Secret: runtime.secrets",
    ),
    Reason(f"{_BOX}.envFrom[*]", "a spec names each variable", "name each key under runtime.secrets or runtime.env"),
    Reason(f"{_BOX}.args", "a spec has no arguments of a container", "put them into the image's entrypoint"),
    Reason(f"{_BOX}.command", "a spec has no command of a container", "make it the image's entrypoint"),
    Reason(
        f"{_BOX}.image", "a stock server has the operator's image", "build a Bento or an image with the model in it"
    ),
    Reason(f"{_BOX}.imagePullPolicy", "gen deploys digests, which never change", "nothing, once the digest is named"),
    Reason(
        f"{_BOX}.resources.*.*",
        "gen makes request and limit equal, never less than its default",
        "measure what it takes, and set runtime.cpu and runtime.memory",
    ),
    Reason(f"{_BOX}.securityContext.runAsGroup", _GROUP, _USER),
    Reason(f"{_BOX}.securityContext.*", _WALLS, _ROOT),
    Reason(f"{_BOX}.ports[*]", "a spec names the HTTP port alone, from 1024 on", "set run.port"),
    Reason(f"{_BOX}.volumeMounts[*]", "a spec mounts a whole volume, once", "mount it so"),
    Reason(f"{_BOX}.*Probe.httpGet*", "a spec asks for an exact path on the HTTP port", "set run.probes"),
    Reason(f"{_BOX}.*Probe.tcpSocket*", "a spec asks for a path, or looks at the HTTP port", "set run.probes"),
    Reason(f"{_BOX}.*Probe.exec*", "a spec runs no commands in the container", "answer on a path: run.probes"),
    Reason(f"{_BOX}.*Probe.grpc*", "a spec asks over HTTP", "answer on a path: run.probes"),
    Reason(f"{_BOX}.*Probe.*", _PROBE, "set runtime.startup"),
    Reason(f"{_BOX}.lifecycle", "gen waits 10 s before it ends a container, and does no more", "do it in the image"),
    Reason(f"{_BOX}.*", "a spec has no word for it", "build it into the image"),
    Reason(f"{_POD}.*", "a spec has no word for it", "ask the platform, if models need it"),
    Reason(f"{_N}*endpoint.service_host", "the operator sets it", "nothing"),
    Reason(
        f"{_N}*endpoint.type", "gen's nodes are called over HTTP by REST callers, over gRPC by gRPC callers", "nothing"
    ),
    Reason(f"{_N}*endpoint.*", "a container's port is said at the container", "set run.port"),
    Reason(
        f"{_N}*envSecretRefName",
        "a spec names each variable of the loader",
        "name each key under runtime.secrets: RCLONE_…: {secret, key}",
    ),
    Reason(
        f"{_N}*serviceAccountName",
        "each model has a ServiceAccount of its own, called like it",
        "give that one what this one may do",
    ),
    Reason(
        f"{_N}*storageInitializerImage", "the loader is the platform's", "say it in platform.yaml, build.images.storage"
    ),
    Reason(
        f"{_N}*logger",
        "a log is the whole model's, at the root of its graph, to a Service of the cluster that the platform names",
        "write log: {mode, sink}, with the sink in platform.yaml",
    ),
    Reason(f"{_N}*modelUri", "an image holds its model", "build it into the image, or use a stock server"),
    Reason(f"{_N}*methods*", "a node's type says what it does", "choose the type that does it"),
    Reason(f"{_N}*parameters[*]", "the parameter is none of its type, or there twice", "write it under parameters"),
    Reason(f"{_N}*type", "what the node is says what it does", "nothing"),
    Reason(f"{_N}*implementation", "a node with it and without a type is never called", "nothing; it is a MODEL now"),
    Reason("*", "a spec has no word for it", "ask the platform, if models need it"),
)
