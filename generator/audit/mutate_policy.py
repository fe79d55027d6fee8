"""What can be wrong with the rules of an AuthorizationPolicy: a part dropped, widened, negated, or joined by OR."""

from collections.abc import Iterator
from typing import Any

from generator.audit.mutate_spec import Change, Spec, drop, put, rename
from generator.audit.prove_tokens import NOBODY

Changes = Iterator[tuple[str, Change]]


def policy_changes(spec: Spec) -> Changes:
    """Yield every change of a policy, with what is wrong after it in words."""
    rules = spec.get("rules") or []
    yield "an empty rule is added", put("rules", value=[*rules, {}])
    for action in ("DENY", "AUDIT") if rules else ():
        yield f"the action is {action}", put("action", value=action)
    for index, rule in enumerate(rules):
        yield f"rule {index} is left out", drop("rules", index)
        for what, change in (*_sources(index, rule), *_operations(index, rule), *_conditions(index, rule)):
            yield f"rule {index}: {what}", change
        for what, parts in _broken(rule):
            yield f"rule {index}: {what}", put("rules", value=[*rules[:index], *parts, *rules[index + 1 :]])


def _sources(index: int, rule: Spec) -> Changes:
    for at, entry in enumerate(rule.get("from") or ()):
        for field, values in entry["source"].items():
            here = ("rules", index, "from", at, "source", field)
            yield f"no {field}", drop(*here)
            yield f"any {field}", put(*here, value=["*"])
            yield f"not the {field}", rename(*here, to=_negative(field))
            if len(values) > 1:
                yield f"one of {field} is forgotten", put(*here, value=values[:-1])
        if principals := entry["source"].get("principals"):
            here = ("rules", index, "from", at, "source", "principals")
            space = principals[0].rpartition("/")[0]
            yield "any principal of the namespace", put(*here, value=[*principals, space + "/*"])
            yield (
                "principals of any trust domain",
                put(*here, value=["*/" + one.partition("/")[2] for one in principals]),
            )


def _operations(index: int, rule: Spec) -> Changes:
    entries = rule.get("to") or []
    for at, entry in enumerate(entries):
        if len(entries) > 1:
            yield f"operation {at} is left out", drop("rules", index, "to", at)
        for field, values in entry["operation"].items():
            here = ("rules", index, "to", at, "operation", field)
            yield f"operation {at}: no {field}", drop(*here)
            yield f"operation {at}: not the {field}", rename(*here, to=_negative(field))
            if len(values) > 1:
                yield f"operation {at}: one of {field} is forgotten", put(*here, value=values[:-1])
            for wide in _wider(field, values):
                yield f"operation {at}: {field} {wide[-1]}", put(*here, value=wide)


def _wider(field: str, values: list[str]) -> list[list[str]]:
    match field:
        case "paths":
            path = values[0]
            return [["/*"], [path + "*"], ["*" + path], [path.rpartition("/")[0] + "/{**}"]]
        case "methods":
            return [[*values, "PUT"], ["*"]]
        case "hosts":
            return [["*"]]
        case "ports":
            return [[*values, "15999"]]
        case _:
            return []


def _conditions(index: int, rule: Spec) -> Changes:
    for at, condition in enumerate(rule.get("when") or ()):
        here, values = ("rules", index, "when", at), condition["values"]
        key = "the audience" if condition["key"].endswith("audiences") else condition["key"]
        yield f"no condition on {key}", drop(*here)
        yield f"not the values of {key}", rename(*here, "values", to="notValues")
        yield f"a value of {key} is forgotten", put(*here, "values", value=values[:-1]) if values[1:] else drop(*here)
        for what, wide in _looser(values):
            yield f"{what} {key}", put(*here, "values", value=wide)


def _looser(values: list[str]) -> Iterator[tuple[str, list[str]]]:
    name, at, domain = values[0].partition("@")
    yield "any value of", ["*"]
    yield "a value too many of", [*values, f"{NOBODY}@{domain}" if at else NOBODY]
    yield "values that begin as those of", [value + "*" for value in values]
    yield "values that end as those of", ["*" + value for value in values]
    if at:
        yield "the whole domain of", [f"*@{domain}"]
        yield "values in another case of", [name.upper() + at + domain]


def _broken(rule: Spec) -> Iterator[tuple[str, list[Any]]]:
    """Yield the rule in pieces: OR where there was AND."""
    for part, inner in (("from", "source"), ("to", "operation")):
        entries = [{inner: {field: values}} for entry in rule.get(part) or () for field, values in entry[inner].items()]
        if len(entries) > len(rule.get(part) or ()):
            yield f"OR between the parts of a {inner}", [rule | {part: entries}]
        if part in rule:
            yield f"no {part}", [{name: value for name, value in rule.items() if name != part}]
    if len(rule.get("when") or ()) > 1:
        yield "a rule for each condition", [rule | {"when": [condition]} for condition in rule["when"]]
    if "when" in rule:
        yield "no condition at all", [{name: value for name, value in rule.items() if name != "when"}]
    if "to" in rule:
        caller = {name: value for name, value in rule.items() if name != "to"}
        yield "caller and operation in rules of their own", [caller, {"to": rule["to"]}]


def _negative(field: str) -> str:
    return f"not{field[0].upper()}{field[1:]}"
