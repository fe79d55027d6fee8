"""The catalogue of traps: what no webhook checks, and what comes of it.

Source of every consequence: Seldon Core 1.17.1 (operator, executor and Helm chart) on Kubernetes 1.34, read in the
source and seen on a real API server.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from generator.seldon.verdict import Outcome, Path


@dataclass(frozen=True, slots=True)
class Trap:
    """A rule: its id, how it ends, and what happens in one sentence."""

    rule: str
    outcome: Outcome
    consequence: str


@dataclass(frozen=True, slots=True)
class Found:
    """A trap that a SeldonDeployment is in: the rule, the place, what is wrong there."""

    rule: str
    path: Path
    message: str


Finds = Iterator[Found]

_BY_OUTCOME: dict[Outcome, tuple[tuple[str, str], ...]] = {
    Outcome.REFUSED: (
        ("duplicate-port", "the API server refuses two container ports with one number and protocol"),
        ("graph-too-deep", "the CRD knows ten levels of children, and lenient validation drops the rest in silence"),
    ),
    Outcome.FAILED: (
        ("bad-name", "Kubernetes refuses the objects that carry the name"),
        ("container-name-length", "Kubernetes refuses the label key seldon-app-svc-<container>, never hashed"),
        ("service-name-length", "Kubernetes refuses the Service: the annotation's name is never hashed"),
        ("label-length", "Kubernetes refuses the label version, by default the predictor's name"),
        ("duplicate-container", "Kubernetes refuses a pod with two containers of one name"),
        ("unknown-implementation", "the operator takes it for a stock server that it has no entry for"),
        ("engine-without-place", "the operator finds no pod to put the executor in"),
        ("server-protocol", "the server has no image for the protocol, and Kubernetes refuses the container"),
        ("no-image", "Kubernetes refuses a container without image"),
        ("model-uri-without-container", "the operator finds no pod to load the model into"),
        ("initializer-volume", "the operator mounts a volume that nobody declares, and Kubernetes refuses the pod"),
        ("explainer-type", "no explainer of that type exists"),
        ("selector-label", "Kubernetes refuses a Deployment whose pods do not match its selector"),
        ("annotation-number", "the operator cannot read the number"),
        ("operator-error", "the operator gives up before it makes anything"),
    ),
    Outcome.STUCK: (
        ("name-collision", "two parts write to one object and undo each other's work without end"),
        ("replicas-unset", "after an update the operator can rewrite its Deployment over and over, without end"),
        ("engine-predictor-length", "the executor cannot start: Linux allows 128 KiB for one variable"),
    ),
    Outcome.WRONG: (
        ("reserved-name", "the container is taken for the operator's or the mesh's own and not served"),
        ("duplicate-node", "only the first of the nodes is bound to its container, the other has no address"),
        ("unknown-type", "the state is Available, and the executor never calls the node"),
        ("untyped-node", "the executor never calls the node: only without implementation it is a MODEL"),
        ("unknown-method", "the executor ignores the word"),
        ("unknown-parameter-type", "the server cannot read its parameters"),
        ("unknown-endpoint-type", "the word counts as REST"),
        ("unknown-logger-mode", "nothing is logged"),
        ("not-implemented", "the executor has no such implementation and passes the message on"),
        ("abtest-typed", "the executor looks for a container behind the node and crashes"),
        ("abtest-ratio", "half the requests go to each child: ratioA counts only as the only parameter"),
        ("abtest-branches", "the executor chooses between two children, whatever there is"),
        ("children-ignored", "every child is called, and the first one's answer alone is returned"),
        ("no-branches", "there is nothing to route to or to combine"),
        ("v2-grpc-node", "the executor panics: over gRPC the v2 protocol knows models only"),
        ("endpoint-overwritten", "the operator replaces the value with its own"),
        ("service-account-ignored", "the pod runs as another account: this one is read for stock servers only"),
        ("explainer-without-type", "the operator makes no explainer and says nothing"),
        ("explainer-port", "the explainer listens on one port, and its Service points to another"),
        ("explainer-overwritten", "the operator replaces it with its own: args, or for v2 the environment"),
        ("traffic-range", "the weight reaches the VirtualService as it is, and the state is Available"),
        ("traffic-whole", "the weights in the VirtualService do not add up to 100"),
        ("shadow-zero", "the shadow gets a copy of every request"),
        ("env-wiped", "every environment variable written for the container is lost"),
        ("env-overridden", "the operator adds its own value after it, and the last one counts"),
        ("several-budgets", "each pdbSpec selects all pods of the SeldonDeployment: every eviction fails"),
        ("hpa-without-requests", "the autoscaler cannot compute a share and never scales"),
        ("keda-off", "the operator makes no ScaledObject, and there is one replica"),
        ("version-label", "the DestinationRule's subset finds no such pod, and requests end in 503"),
        ("separate-engine", "policies miss the executor: its pod has another identity label and account"),
        ("annotation-place", "nobody reads the annotation there"),
        ("annotation-equals", "the executor drops all annotations of its pod, timeouts among them"),
        ("annotation-twice", "in the executor's pod the predictor's value wins, elsewhere the component's"),
        ("retries-without-timeout", "each try is cut off after one second"),
        ("host-list", "the list becomes one host with a comma in it, which Istio does not accept"),
        ("controller-id", "the webhook skips the object, and an operator of another id ignores it"),
        ("tls-mode", "the word is read as DISABLE: callers speak plain text to the predictors"),
        ("executor-port", "Services and VirtualServices keep the old port: every request fails"),
    ),
    Outcome.NOTED: (
        ("hashed-name", "the object is named seldon-<md5>, which no policy or person recognises"),
        ("unbound-container", "no Service, ports, probes or environment, but a part in the Deployment's name"),
        ("replicas-and-autoscaler", "the autoscaler decides, the number is ignored"),
        ("resources-unset", "under a ResourceQuota the pod is refused, and the state stays Creating"),
        ("dead-grpc-port", "Services and the gRPC route point to a port on which nothing listens"),
        ("no-engine-word", "the executor stays: only the word true takes it away"),
    ),
}

TRAPS: tuple[Trap, ...] = tuple(
    Trap(rule, outcome, consequence) for outcome, rows in _BY_OUTCOME.items() for rule, consequence in rows
)
