"""The pages of docs about rules, made of the rules' own words and of the cases in which they fire."""

import re

from invalid_cases import Case, cases

from generator import rules
from generator.diag import Severity
from generator.rules import Rule

_MADE = "<!-- Made from generator/rules and tests/invalid by tests/test_invalid.py. Run `make bless` to renew. -->"
_SHOWN = 3  # cases of one rule; more teach nothing


def pages() -> dict[str, str]:
    """Return the pages by their path below docs/: errors.md, and one for each group of rules."""
    found = cases()
    groups = {f"errors/{slug(title)}.md": _group(title, group, found) for title, group in rules.GROUPS}
    return {"errors.md": _index(found), **groups}


def slug(title: str) -> str:
    """Return the name of a group's page."""
    return re.sub(r"[^a-z]+", "-", title.lower())


def _index(found: tuple[Case, ...]) -> str:
    lines = [
        _MADE,
        "# What gen can say about your specs",
        "",
        "Every message has two lines: where and what, with the id of the rule in brackets, and what to do. An id leads",
        "to a page that says why, with examples. `gen explain <id>` says the same at the prompt. A *notice* is only",
        "said; everything else is a problem, and nothing is written while there is one.",
        "",
    ]
    for title, group in rules.GROUPS:
        lines += [f"## {title}", "", "| rule | what must hold | what you read otherwise |", "|---|---|---|"]
        for rule in group:
            noun = " *(notice)*" if rule.severity is Severity.NOTICE else ""
            link = f"[{rule.id}](errors/{slug(title)}.md#{rule.id})"
            lines.append(f"| {link}{noun} | {_cell(rule.title)} | {_cell(_first_message(rule, found))} |")
        lines.append("")
    return "\n".join(lines)


def _first_message(rule: Rule, found: tuple[Case, ...]) -> str:
    case = next(case for case in found if case.rule == rule.id)
    line = next(line for line in case.said().splitlines() if line.endswith(f" [{rule.id}]"))
    return line.split(": ", 1)[1].removeprefix("notice: ").removesuffix(f" [{rule.id}]")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _group(title: str, group: tuple[Rule, ...], found: tuple[Case, ...]) -> str:
    lines = [_MADE, f"# {title}", ""]
    for rule in group:
        lines += [f"## {rule.id}", "", f"*{rule.title[0].upper()}{rule.title[1:]}.*", "", rule.why, "", rule.todo, ""]
        if rule.severity is Severity.NOTICE:
            lines += ["A notice: it is said, and stops nothing.", ""]
        for case in [case for case in found if case.rule == rule.id][:_SHOWN]:
            lines += ["```diff", case.text().rstrip("\n"), "```", "```text", case.said().rstrip("\n"), "```", ""]
    return "\n".join(lines)
