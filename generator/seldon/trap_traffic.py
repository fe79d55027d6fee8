"""Traps in the traffic split: weights the webhook lets through.

Source: Seldon Core 1.17.1, seldondeployment_webhook.go (checkTraffic) and seldondeployment_controller.go
(createIstioResources).
"""

from generator.seldon.objects import Object
from generator.seldon.settings import OperatorSettings
from generator.seldon.trap_rules import Finds, Found
from generator.seldon.verdict import predictors

WHOLE = 100  # percent


def ranges(deployment: Object, _: OperatorSettings) -> Finds:
    """Find weights below 0 or above 100; of a shadow's the webhook speaks itself."""
    for path, predictor in predictors(deployment):
        traffic = predictor.get("traffic") or 0
        if not 0 <= traffic <= WHOLE and not predictor.get("shadow"):
            yield Found("traffic-range", (*path, "traffic"), f"traffic is {traffic}, a weight is from 0 to 100")


def whole(deployment: Object, _: OperatorSettings) -> Finds:
    """Find one main predictor beside a shadow with less than all traffic: the webhook counts the shadow."""
    main = [(path, predictor) for path, predictor in predictors(deployment) if not predictor.get("shadow")]
    if len(main) != 1 or len(list(predictors(deployment))) == 1:
        return
    path, predictor = main[0]
    traffic = predictor.get("traffic") or 0
    if 0 < traffic < WHOLE:
        text = f'traffic of the only predictor that answers, "{predictor["name"]}", is {traffic}'
        yield Found("traffic-whole", (*path, "traffic"), text)


def shadows(deployment: Object, _: OperatorSettings) -> Finds:
    """Find a shadow whose traffic is written as 0."""
    for path, predictor in predictors(deployment):
        if predictor.get("shadow") and predictor.get("traffic") == 0:
            yield Found("shadow-zero", (*path, "traffic"), "traffic of a shadow is 0, which counts as not set")


RULES = (ranges, whole, shadows)
