"""What a schema cannot say: every rule, and one call that finds all that breaks them."""

from collections.abc import Iterable
from datetime import date

from generator.diag import Diagnostic, ordered
from generator.rules import files, graph, references, traffic
from generator.rules.rule import Rule
from generator.rules.specs import Entry, Specs, key_files, of

__all__ = ["RULES", "Entry", "Rule", "Specs", "explain", "find", "key_files", "of"]

RULES: tuple[Rule, ...] = (
    *files.RULES,
    *references.RULES,
    *graph.RULES,
    *traffic.RULES,
)


def find(specs: Specs, today: date, rules: Iterable[Rule] = RULES) -> tuple[Diagnostic, ...]:
    """Return everything that breaks the rules, sorted; ``today`` decides only what notices say about dates."""
    return ordered(problem for rule in rules for problem in rule.diagnostics(specs, today))


def explain(rule: str) -> Rule | None:
    """Return the rule of that id with the words that explain it, None where there is none."""
    return next((known for known in RULES if known.id == rule), None)
