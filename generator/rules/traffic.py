"""Rules about predictors: how traffic is shared among them and how many replicas each has."""

from generator.diag import quoted
from generator.patch import Spec
from generator.rules.cases import Case, Slot
from generator.rules.each import HERE, each_case, each_predictor
from generator.rules.rule import Problems, Rule
from generator.rules.words import listed

ALL = 100  # percent


def sums(case: Case) -> Problems:
    """Find predictors whose shares do not make 100 percent."""
    sharing = [slot for slot in case.predictors if not _shadow(slot)]
    shares = [_share(slot, len(sharing)) for slot in sharing]
    if sharing and sum(shares) != ALL:
        last = next((s for s in reversed(sharing) if "traffic" in _own(s)), sharing[-1])
        mark = case.mark("predictors", last.name, "traffic")
        if "traffic" not in _own(last):
            mark = last.name_mark()
        parts = listed(f"{slot.name} {share}" for slot, share in zip(sharing, shares, strict=True))
        what = f"traffic is {sum(shares)} percent{HERE}: {parts}"
        yield mark, what, "make it 100 over all predictors but the shadow"


def _own(slot: Slot) -> Spec:
    own: Spec = (slot.case.spec.get("predictors") or {}).get(slot.name) or {}
    return own


def _shadow(slot: Slot) -> bool:
    return bool(_own(slot).get("shadow"))


def _share(slot: Slot, count: int) -> int:
    said = _own(slot).get("traffic")
    return (ALL if count == 1 else 0) if said is None else int(said)


def shadows(case: Case) -> Problems:
    """Find a second shadow, and a shadow of nothing."""
    found = [slot for slot in case.predictors if _shadow(slot)]
    for slot in found[1:]:
        first = case.key_mark("predictors", found[0].name)
        what = f"{quoted(slot.name)} is a second shadow{HERE}: first at {first}"
        yield case.key_mark("predictors", slot.name), what, "keep one shadow: Istio mirrors to one"
    if found and len(found) == len(case.predictors):
        what = f"the shadow {quoted(found[0].name)} stands alone{HERE}"
        todo = "add the predictor whose requests it is to see"
        yield case.key_mark("predictors", found[0].name), what, todo


def none_left(case: Case) -> Problems:
    """Find models that have no predictor in some environment."""
    if not case.predictors:
        what = f"the model has no predictor{HERE}"
        yield case.key_mark("predictors"), what, "keep one of them"


def ranges(slot: Slot) -> Problems:
    """Find replicas whose least number is above the greatest."""
    replicas = slot.spec.get("runtime", {}).get("replicas", {})
    low, high = replicas.get("min", 1), replicas.get("max")
    if high is not None and low > high:
        mark = max(slot.mark("runtime", "replicas", bound) for bound in ("min", "max") if bound in replicas)
        yield mark, f"there are to be at least {low} replicas and at most {high}{HERE}", "make min no greater than max"


RULES = (
    Rule(
        id="traffic-sum",
        title="the traffic of the predictors adds up to 100 in every environment",
        why="Seldon writes these numbers into the route as they stand; what does not add up to 100 is refused or, "
        "worse, shared out some other way.",
        todo="Give every predictor but the shadow its share of 100; a predictor that stands alone needs none.",
        example="prod: {predictors: {main: {traffic: 80}}}",
        find=each_case(sums),
    ),
    Rule(
        id="shadow",
        title="a model has at most one shadow, and never only a shadow",
        why="Istio mirrors requests to one destination, and a mirror needs something to reflect.",
        todo="Keep one shadow beside at least one other predictor.",
        example="main: {shadow: true}",
        find=each_case(shadows),
    ),
    Rule(
        id="no-predictor",
        title="a model has a predictor in every environment",
        why="Without one there is nothing to deploy.",
        todo="Take out one predictor less.",
        example="dev: {predictors: {main: null}}",
        find=each_case(none_left),
    ),
    Rule(
        id="replica-range",
        title="the least number of replicas is no greater than the most",
        why="The autoscaler refuses such a range.",
        todo="Set min no greater than max.",
        example="replicas: {min: 4, max: 2}",
        find=each_predictor(ranges),
    ),
)
