"""Guardrails: rules that an environment sets, and that a waiver in platform.yaml can lift for somebody, somewhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from generator.diag import Mark
from generator.patch import Spec
from generator.rules.cases import ModelSpec, TenantSpec
from generator.rules.rule import Problems
from generator.rules.specs import Specs

Find = Callable[[Specs], Problems]


@dataclass(frozen=True, slots=True)
class Breach:
    """A guardrail that a tenant or a model breaks in an environment."""

    mark: Mark
    what: str
    todo: str
    holder: TenantSpec | ModelSpec
    environment: str

    def is_waived_by(self, rule: str, waiver: Spec) -> bool:
        """Say whether a waiver of platform.yaml excuses this breach of ``rule``."""
        return waiver["rule"] == rule and self.environment in waiver["in"] and waiver["on"] in self._names()

    def _names(self) -> tuple[str, ...]:
        if isinstance(self.holder, TenantSpec):
            return (self.holder.name,)
        return (self.holder.tenant.name, f"{self.holder.tenant.name}/{self.holder.name}")


Breaches = Callable[[Specs], Iterator[Breach]]


def guarded(rule: str, find: Breaches) -> Find:
    """Return the rule that finds what no waiver excuses."""

    def unwaived(specs: Specs) -> Problems:
        waivers = waivers_for(specs, rule)
        for breach in find(specs):
            if not any(breach.is_waived_by(rule, waiver) for _, waiver in waivers):
                yield breach.mark, breach.what, breach.todo

    return unwaived


def waivers_for(specs: Specs, rule: str) -> list[tuple[int, Spec]]:
    """Return the waivers of a rule with their place in the list, past their day or not: time is no input here."""
    waivers = specs.platform.spec.get("waivers", ()) if specs.platform else ()
    return [(index, waiver) for index, waiver in enumerate(waivers) if waiver["rule"] == rule]
