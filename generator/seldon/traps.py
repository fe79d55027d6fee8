"""Find what the webhook lets through and what still ends Failed, stuck or wrong.

The rules are in `trap_names`, `trap_graph`, `trap_traffic`, `trap_pods` and `trap_annotations`; their ids and
consequences in `trap_rules`.
"""

from collections.abc import Iterable

from generator.seldon import trap_annotations, trap_graph, trap_names, trap_pods, trap_traffic
from generator.seldon.istio import TLS_MODES
from generator.seldon.objects import ENGINE_CONTAINER, Object, OperatorError, named
from generator.seldon.operator import expand
from generator.seldon.settings import OperatorSettings
from generator.seldon.trap_rules import TRAPS, Finds, Found
from generator.seldon.verdict import Outcome, Verdict, nearest

RULES = (
    *trap_names.RULES,
    *trap_graph.RULES,
    *trap_traffic.RULES,
    *trap_pods.RULES,
    *trap_annotations.RULES,
)
VARIABLE_MAX = 128 * 1024  # bytes of NAME=value with its closing zero: MAX_ARG_STRLEN, Linux execve(2)
HOMELESS = "engine not separate"


def traps(deployment: Object, settings: OperatorSettings | None = None) -> tuple[Verdict, ...]:
    """Return the traps that a SeldonDeployment is in, in the order of the rules.

    The SeldonDeployment must have passed its CRD schema. Rules look at one object: for names shared with others see
    `claims.clashes`.
    """
    settings = settings or OperatorSettings()
    found = [item for rule in RULES for item in rule(deployment, settings)]
    failing = {trap.rule for trap in TRAPS if trap.outcome is Outcome.FAILED}
    explained = any(item.rule in failing for item in found)
    return _judged(deployment, [*found, *_expanded(deployment, settings, explained=explained)])


def settings_traps(settings: OperatorSettings) -> tuple[Verdict, ...]:
    """Return the traps in the operator's own settings; every path is ()."""
    found = []
    mode = settings.istio_tls_mode
    if mode and mode not in (*TLS_MODES, "DISABLE"):
        found.append(Found("tls-mode", (), f'ISTIO_TLS_MODE is "{mode}", none of {", ".join((*TLS_MODES, "DISABLE"))}'))
    if settings.executor_http_port != settings.engine_http_port:
        text = f"the executor listens on {settings.executor_http_port}, Services point to {settings.engine_http_port}"
        found.append(Found("executor-port", (), text))
    return _judged({}, found)


def _expanded(deployment: Object, settings: OperatorSettings, *, explained: bool) -> Finds:
    """Find what only the operator's own work shows; ``explained``: another rule says already why it fails."""
    try:
        objects = expand(deployment, settings)
    except OperatorError as error:
        text = str(error)
        if text.startswith(HOMELESS):
            yield Found("engine-without-place", ("spec", "predictors"), text)
        elif not explained:
            yield Found("operator-error", ("spec",), text)
        return
    for item in objects:
        size = _engine_predictor_bytes(item)
        if size > VARIABLE_MAX:
            text = f"ENGINE_PREDICTOR of {item['metadata']['name']} has {size} bytes"
            yield Found("engine-predictor-length", ("spec", "predictors"), text)


def _engine_predictor_bytes(item: Object) -> int:
    if item["kind"] != "Deployment":
        return 0
    engine = named(item["spec"]["template"]["spec"]["containers"], ENGINE_CONTAINER) or {}
    variable = named(engine.get("env"), "ENGINE_PREDICTOR") or {}
    return len(f"ENGINE_PREDICTOR={variable.get('value', '')}") + 1


def _judged(deployment: Object, found: Iterable[Found]) -> tuple[Verdict, ...]:
    catalogue = {trap.rule: trap for trap in TRAPS}
    return tuple(
        Verdict(
            rule=item.rule,
            path=nearest(deployment, item.path),
            message=item.message,
            consequence=catalogue[item.rule].consequence,
            outcome=catalogue[item.rule].outcome,
        )
        for item in found
    )
