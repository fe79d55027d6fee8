"""The explainer of one predictor.

The operator makes the pod itself from one container, so whatever a pod would say (volumes, placement, grace) cannot
be said, and the walls stand in the container.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_explainers.go (createExplainer).
"""

import re

from generator.build import container
from generator.build.meta import filled
from generator.model import Explainer, Model, Protocol
from generator.tenancy import Object

# The operator gives the pod 20 s to end: 5 s until it is forgotten leave 15 s for a request.
_PRE_STOP_S = 5
_SERVED_NAME = re.compile(r"/v2/models/([^/]+)/\w+")


def build(model: Model, explainer: Explainer) -> Object:
    """Return the field ``explainer`` of the predictor.

    ``replicas`` is always written: without it the operator rewrites the Deployment without end. The port is said
    twice: the Service and the route read ``endpoint``, the server is told the container's.
    """
    return filled(
        type=explainer.type,
        replicas=1,
        serviceAccountName=model.account.name,
        modelUri=explainer.run.model_uri,
        endpoint={"service_port": explainer.run.port},
        containerSpec=_container(model, explainer),
    )


def _container(model: Model, explainer: Explainer) -> Object:
    run, runtime = explainer.run, explainer.runtime
    # In protocol v2 the operator replaces the variables, in the others the arguments; what would be lost is left out.
    env = [] if model.protocol is Protocol.V2 else container.environment(run, runtime)
    return filled(
        name=_name(model),
        image=run.image,
        imagePullPolicy="IfNotPresent",
        ports=[container.port("http", run.port)],
        env=env,
        resources=container.resources(runtime),
        **container.probes(run, runtime.startup_s),
        lifecycle=container.pre_stop(_PRE_STOP_S),
        securityContext=_walls(run.user),
    )


def _name(model: Model) -> str:
    """Return the container's name, which in protocol v2 is also the name that clients call the model by."""
    paths = (path for one in model.operations if one.name == "explain" for path in one.paths)
    found = (_SERVED_NAME.fullmatch(path) for path in paths)
    return next((one[1] for one in found if one), "explainer")


def _walls(user: int) -> Object:
    # No volume can be given, so a read-only root would leave nowhere to write; "restricted" does not ask for one.
    own = container.walls(read_only_root=False)
    return {**own, **{key: value for key, value in container.pod_walls(user).items() if key != "fsGroup"}}
