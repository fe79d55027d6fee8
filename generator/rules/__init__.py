"""What a schema cannot say: every rule, and one call that finds all that breaks them."""

from collections.abc import Iterable
from datetime import date

from generator.diag import Diagnostic, ordered
from generator.rules import (
    access,
    audiences,
    containers,
    dates,
    egress,
    expectations,
    files,
    generated,
    graph,
    images,
    issuers,
    places,
    protocols,
    references,
    security,
    serving,
    traffic,
    versions,
    waivers,
)
from generator.rules.rule import Rule
from generator.rules.specs import Entry, Specs, key_files, of

__all__ = ["GROUPS", "RULES", "Entry", "Rule", "Specs", "explain", "find", "key_files", "of"]

GROUPS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("Files", files.RULES),
    ("References", references.RULES),
    ("Issuers and keys", issuers.RULES),
    ("Versions", versions.RULES),
    ("Namespaces, hosts, delivery", places.RULES),
    ("Names", generated.RULES),
    ("Graphs", graph.RULES),
    ("Protocols", protocols.RULES),
    ("Traffic and replicas", traffic.RULES),
    ("Serving", serving.RULES),
    ("Images and pins", images.RULES),
    ("Containers", containers.RULES),
    ("Access", access.RULES),
    ("Expectations", expectations.RULES),
    ("Audiences", audiences.RULES),
    ("Egress", egress.RULES),
    ("Pod Security and replicas required", security.RULES),
    ("Waivers", waivers.RULES),
    ("Days", dates.RULES),
)
RULES: tuple[Rule, ...] = tuple(rule for _, group in GROUPS for rule in group)


def find(specs: Specs, today: date, rules: Iterable[Rule] = RULES) -> tuple[Diagnostic, ...]:
    """Return everything that breaks the rules, sorted; ``today`` decides only what notices say about dates."""
    return ordered(problem for rule in rules for problem in rule.diagnostics(specs, today))


def explain(rule: str) -> Rule | None:
    """Return the rule of that id with the words that explain it, None where there is none."""
    return next((known for known in RULES if known.id == rule), None)
