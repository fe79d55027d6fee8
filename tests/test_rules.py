"""Rules as a whole: they judge whatever the schemas let through, and what they pass can be resolved."""

from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from invalid_cases import TODAY, VALID

from generator import resolve, rules, sources
from generator.check import check
from generator.diag import Diagnostic, errors
from generator.document import Document
from generator.load import load
from generator.patch import merge
from generator.rules import Entry

FILES = {path.relative_to(VALID).as_posix(): path for path in sorted(VALID.rglob("*.yaml"))}
DATA = {name: load(path.read_bytes(), name).data for name, path in FILES.items()}
KEYS = {"keys/corp.json": (VALID / "keys" / "corp.json").read_text(encoding="utf-8")}
FOLDERS = ("tenants", *sorted({str(Path(name).parent) for name in FILES if name.count("/") > 1}))
ENTRIES = (*(Entry(path=name) for name in FILES), *(Entry(path=name, kind="folder") for name in FOLDERS))
PATCHED = ("api", "detectors", "explainer", "log", "nodes", "predictors", "run", "runtime")
STRANGE = (None, True, 0, 100, "dev", "main", "v2", "bento", [], {}, ["prod"], {"min": 3, "max": 1}, "ROUTER")


def paths(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(path for key, value in below for path in paths(value, (*at, key)))]


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def changed(data: Any, random: Random) -> Any:
    """Return a spec with one or two things taken out, replaced, or patched away in an environment."""
    data = deepcopy(data)
    for _ in range(random.randint(1, 2)):
        path = random.choice([path for path in paths(data) if len(path) > 1])
        holder = at(data, path[:-1])
        match random.randrange(4):
            case 0:
                del holder[path[-1]]
            case 1:
                holder[path[-1]] = deepcopy(random.choice(STRANGE))
            case 2:
                source = DATA[random.choice(list(DATA))]
                holder[path[-1]] = deepcopy(at(source, random.choice(paths(source))))
            case _:
                _patch(data, random)
    return data


def _patch(data: Any, random: Random) -> None:
    spec = data.get("spec")
    if data.get("kind") != "Model" or not isinstance(spec, dict):
        return
    part = random.choice(PATCHED)
    patch = deepcopy(spec.get(part))
    if isinstance(patch, dict) and patch and random.random() < 0.7:
        path = random.choice(paths(patch)[1:])
        at(patch, path[:-1])[path[-1]] = None
    else:
        patch = None
    spec["environments"] = {random.choice(("dev", "prod")): {part: patch}}


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_what_the_schemas_let_through_is_judged_and_what_is_passed_can_be_resolved(random: Random) -> None:
    name = random.choice(list(DATA))
    texts = {**DATA, name: changed(DATA[name], random)}
    read = [load(yaml.safe_dump(data, sort_keys=False).encode(), file) for file, data in texts.items()]
    documents = [document for document in read if isinstance(document, Document) and not errors(check(document))]
    specs = rules.of(documents, ENTRIES, KEYS)
    found = rules.find(specs, TODAY)
    assert all(isinstance(problem, Diagnostic) and problem.mark.file in FILES for problem in found)
    if len(documents) == len(DATA) and not errors(found):
        _resolve(specs)


def _resolve(specs: rules.Specs) -> None:
    assert specs.platform is not None
    keys = {path: sources.canonical_keys(text) for path, text in KEYS.items()}
    platform = resolve.platform(specs.platform.document.data, keys)
    for tenant in specs.tenants:
        known = resolve.tenant(tenant.document.data, platform)
        for model in (model for model in specs.models if model.tenant is tenant):
            resolve.base_model(model.document.data, platform, known)
            for environment in known.environments:
                resolve.model(model.document.data, resolve.place(platform, known, environment))


def test_the_order_of_files_changes_nothing() -> None:
    documents = [load(path.read_bytes(), name) for name, path in FILES.items()]
    assert rules.find(rules.of(documents, ENTRIES, KEYS), TODAY) == ()
    assert rules.find(rules.of(documents[::-1], ENTRIES[::-1], KEYS), TODAY) == ()


def test_models_of_a_tenant_that_could_not_be_read_are_left_out_in_silence() -> None:
    documents = [
        load(path.read_bytes(), name) for name, path in FILES.items() if name != "tenants/payments/tenant.yaml"
    ]
    assert rules.find(rules.of(documents, ENTRIES, KEYS), TODAY) == ()


def test_rules_that_see_one_model_say_the_same_of_it_whatever_others_there_are() -> None:
    alone = ("platform.yaml", "tenants/payments/tenant.yaml", "tenants/payments/score.yaml")
    text = FILES[alone[2]].read_text(encoding="utf-8").replace("alice@corp.example", "Alice@corp.example")
    documents = {name: load(path.read_bytes(), name) for name, path in FILES.items()}
    documents[alone[2]] = load(text.encode(), alone[2])
    own = [rule for rule in rules.RULES if not rule.across]
    among = rules.find(rules.of(documents.values(), ENTRIES, KEYS), TODAY)
    by_itself = rules.find(rules.of([documents[name] for name in alone], ENTRIES, KEYS), TODAY, own)
    assert [problem.rule for problem in among] == ["upper-case-address"]
    assert by_itself == among


def test_a_patch_merges_mappings_replaces_lists_and_run_and_takes_out_what_is_null() -> None:
    base = {
        "run": {"bento": "a:1", "source": {"git": "g"}},
        "runtime": {"cpu": "1", "env": {"A": "1"}},
        "log": {"mode": "all"},
    }
    patch = {"run": {"image": "b@1"}, "runtime": {"env": {"A": None, "B": "2"}}, "log": None}
    assert merge(base, patch) == {"run": {"image": "b@1"}, "runtime": {"cpu": "1", "env": {"B": "2"}}}
    assert base["log"] == {"mode": "all"}


def test_a_patch_that_says_nothing_is_the_spec_itself() -> None:
    base = {"runtime": {"cpu": "1"}}
    assert merge(base, None) is base
    assert merge(base, {}) is base


def test_a_node_that_is_called_run_merges_like_any_other() -> None:
    base = {"nodes": {"run": {"type": "ROUTER", "run": {"image": "a"}}}}
    assert merge(base, {"nodes": {"run": {"run": {"image": "b"}}}}) == {
        "nodes": {"run": {"type": "ROUTER", "run": {"image": "b"}}}
    }


def test_what_an_environment_nulls_in_a_predictor_is_taken_out_of_the_model_too() -> None:
    here = merge(
        {"runtime": {"env": {"A": "1"}}, "predictors": {"main": {}}}, {"predictors": {"main": {"runtime": None}}}
    )
    assert merge(here, here["predictors"]["main"]) == {"predictors": {"main": {"runtime": None}}}


def said(*changes: tuple[str, str, str], without: str = "") -> list[str]:
    """Return the rules that fire once the texts are replaced: (file, old, new); ``without``: a file left unread."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in FILES.items() if name != without}
    for name, old, new in changes:
        assert old in texts[name]
        texts[name] = texts[name].replace(old, new)
    documents = [load(text.encode(), name) for name, text in texts.items()]
    return [problem.rule for problem in rules.find(rules.of(documents, ENTRIES, KEYS), TODAY)]


@pytest.mark.parametrize(
    ("version", "rule"),
    [
        ("1.26.9", "istio-unsafe"),
        ("1.27.8", "istio-unsafe"),
        ("1.27.9", "istio-outdated"),
        ("1.28.6", "istio-unsafe"),
        ("1.28.7", "istio-outdated"),
        ("1.29.2", "istio-unsafe"),
        ("1.29.3", "istio-outdated"),
        ("1.30.3", "istio-outdated"),
        ("1.30.4", ""),
        ("1.31.0", "istio-outdated"),
        ("1.31", "istio-outdated"),
        ("1.31.1", ""),
        ("1.32.0", ""),
    ],
)
def test_the_floors_of_istio_are_exact(version: str, rule: str) -> None:
    assert sorted(set(said(("platform.yaml", "istio: 1.31.1", f'istio: "{version}"')))) == ([rule] if rule else [])


def test_a_name_of_63_characters_is_kept_and_one_of_64_is_not() -> None:
    fraud = "tenants/payments/fraud.yaml"
    longest = 63 - len("fraud--0-fraud")
    assert said((fraud, "    canary:", f"    {'c' * longest}:")) == []
    assert said((fraud, "    canary:", f"    {'c' * (longest + 1)}:")) == ["name-too-long"]


def test_a_container_of_48_characters_is_kept_and_one_of_49_is_not() -> None:
    churn = "tenants/growth/churn.yaml"

    def named(length: int) -> list[str]:
        name = "n" * length
        return said((churn, "[gbm, net]", f"[gbm, {name}]"), (churn, "    net:", f"    {name}:"))

    assert named(48) == []
    assert named(49) == ["name-too-long"]


@pytest.mark.parametrize(("day", "fired"), [("2026-11-22", ["expired-waiver"]), ("2026-11-23", [])])
def test_the_day_of_a_waiver_still_counts(day: str, fired: list[str]) -> None:
    assert said(("platform.yaml", "2027-03-31", day)) == fired


def test_a_waiver_is_not_called_unused_while_a_model_of_its_tenant_cannot_be_read() -> None:
    narrowed = ("platform.yaml", "      on: growth", "      on: growth/churn")
    waiver = ("platform.yaml", "rule: pod-security-restricted", "rule: too-few-replicas")
    lax = ("tenants/growth/tenant.yaml", "podSecurity: baseline", "podSecurity: restricted")
    churn = "tenants/growth/churn.yaml"
    assert said(narrowed, waiver, lax, without=churn) == []
    assert "unused-waiver" in said(narrowed, waiver, lax)
    assert "unused-waiver" in said(narrowed, waiver, lax, without="tenants/payments/score.yaml")


def test_a_waiver_for_a_model_lifts_the_rule_for_that_model_alone() -> None:
    fraud = ("tenants/payments/fraud.yaml", "{min: 2, max: 4}", "{min: 1, max: 4}")
    score = ("tenants/payments/score.yaml", "{min: 2, max: 2}", "{min: 1, max: 2}")
    waiver = "{rule: too-few-replicas, on: payments/fraud, in: [prod], until: 2027-01-01, reason: x, by: a@b.c}"
    assert said(fraud, score) == ["too-few-replicas", "too-few-replicas"]
    assert said(fraud, score, ("platform.yaml", "  waivers:", f"  waivers:\n    - {waiver}")) == ["too-few-replicas"]


def test_the_oldest_argocd_is_taken() -> None:
    assert said(("platform.yaml", "argocd: 3.5.1", 'argocd: "3.0"')) == []
