"""Rules about waivers: each lifts a guardrail that there is, for somebody who needs it."""

from generator.diag import quoted
from generator.names import TENANTS
from generator.rules import access, audiences, egress, images, security
from generator.rules.guard import Breaches
from generator.rules.rule import Problems, Rule
from generator.rules.specs import Specs, kind_at
from generator.wording import choice

GUARDRAILS: dict[str, Breaches] = {
    "any-authenticated": access.forbidden_anyone,
    "egress-any-address-forbidden": egress.any_address_forbidden,
    "image-tag": images.by_tag,
    "pod-security-restricted": security.too_lax,
    "too-few-replicas": security.too_few,
    "unapproved-audience": audiences.unapproved,
}


def of_nothing(specs: Specs) -> Problems:
    """Find waivers of what is no guardrail."""
    for index, waiver in enumerate(specs.platform.spec.get("waivers", ()) if specs.platform else ()):
        if specs.platform and waiver["rule"] not in GUARDRAILS:
            what = f"no waiver can lift {quoted(waiver['rule'])}"
            yield specs.platform.mark("waivers", index, "rule"), what, choice(waiver["rule"], GUARDRAILS)


def unused(specs: Specs) -> Problems:
    """Find waivers that excuse nothing, of tenants of whom every spec was understood."""
    waivers = specs.platform.spec.get("waivers", ()) if specs.platform else ()
    for index, waiver in enumerate(waivers):
        tenant = waiver["on"].partition("/")[0]
        if specs.platform is None or waiver["rule"] not in GUARDRAILS or not _is_whole(specs, tenant):
            continue
        breaches = list(GUARDRAILS[waiver["rule"]](specs))
        for position, name in enumerate(waiver["in"]):
            if name not in specs.platform.environments:
                continue
            narrowed = {**waiver, "in": [name]}
            if not any(breach.is_waived_by(waiver["rule"], narrowed) for breach in breaches):
                what = f"nothing of {waiver['on']} in {name} needs this waiver of {waiver['rule']}"
                mark = specs.platform.mark("waivers", index, "in", position)
                yield mark, what, f"take {name} out of it, or the whole waiver"


def _is_whole(specs: Specs, tenant: str) -> bool:
    """Say whether the tenant's own file and those of all its models were understood."""
    read = {model.document.file for model in specs.models}
    wanted = [path for path in specs.paths if path.startswith(f"{TENANTS}/{tenant}/") and path.endswith(".yaml")]
    return tenant in specs.tenant and all(path in read for path in wanted if kind_at(path) == "Model")


RULES = (
    Rule(
        id="unknown-guardrail",
        title="a waiver lifts one of the guardrails",
        why="Other rules say what cannot work or what nobody may: no waiver makes it work.",
        todo="Name the rule that the waiver is for.",
        example="rule: pod-security",
        find=of_nothing,
    ),
    Rule(
        id="unused-waiver",
        title="a waiver excuses something in each of its environments",
        why="One that is not needed any more would excuse the next breach without anybody having agreed to it.",
        todo="Take it out.",
        example="in: [dev, prod]",
        find=unused,
        across=True,
    ),
)
