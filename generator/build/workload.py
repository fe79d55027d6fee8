"""What a model's pods need beside the SeldonDeployment: their identity, and a floor under their number."""

from generator.build.meta import SERVICE_ACCOUNT, Kind, Wave, filled, model_scope, obj, pods_of
from generator.model import Model, Predictor
from generator.tenancy import Object

POD_DISRUPTION_BUDGET = Kind(api="policy/v1", name="PodDisruptionBudget")

# An explainer's pod has its predictor's labels too, and this one (Seldon Core 1.17.1, operator/controllers/labels.go).
_EXPLAINER_LABEL = "seldon.io/explainer"


def build(model: Model) -> list[Object]:
    """Return the ServiceAccount of every pod of the model, and a budget for each predictor of two pods or more.

    The budgets are not the operator's own (pdbSpec): those select every pod of the SeldonDeployment, so two of them
    overlap and then no pod can be evicted.
    """
    budgets = [_budget(model, predictor) for predictor in model.predictors if predictor.scale.low > 1]
    return [_account(model), *budgets]


def _account(model: Model) -> Object:
    secret = model.place.platform.pull_secret
    body = {
        "automountServiceAccountToken": False,
        **filled(imagePullSecrets=[{"name": secret}] if secret else []),
    }
    return obj(model_scope(model), SERVICE_ACCOUNT, model.account.name, body, Wave.BEFORE)


def _budget(model: Model, predictor: Predictor) -> Object:
    spec = {
        "maxUnavailable": 1,
        "selector": {
            "matchLabels": {**pods_of(model), "version": predictor.name},
            "matchExpressions": [{"key": _EXPLAINER_LABEL, "operator": "DoesNotExist"}],
        },
        "unhealthyPodEvictionPolicy": "AlwaysAllow",  # a pod that never became ready must not hold up a node's drain
    }
    return obj(model_scope(model), POD_DISRUPTION_BUDGET, f"{model.name}-{predictor.name}", {"spec": spec})
