"""gen explain: every field and every id that a message can carry has words; what is misspelt gets the closest."""

import ast
import json
import re
from pathlib import Path

import pytest
from command import gen

from generator import explain
from generator.explain import Field, find
from generator.explanations import EXPLANATIONS, Explanation

PACKAGE = Path(__file__).parents[1] / "generator"
SPEAKING = ("load.py", "syntax.py", "check.py", "key_messages.py", "value_messages.py", "sources.py", "tree.py")


def one(word: str) -> Field:
    (found,) = find(word)
    assert isinstance(found, Field)
    return found


def test_a_field_says_its_type_default_form_and_examples(tmp_path: Path) -> None:
    assert gen(tmp_path, "explain", "spec.runtime.timeout").out == (
        "model.runtime.timeout\n"
        "  in tenants/<tenant>/<model>.yaml: spec.runtime.timeout\n"
        "\n"
        "  How long a request may take.\n"
        "\n"
        "  type      text\n"
        '  default   "60s"\n'
        "  must      be whole seconds or minutes, like 3s or 2m\n"
        '  example   "3s"\n'
        '  example   "2m"\n'
    )


def test_a_list_of_mappings_names_the_keys_of_an_item() -> None:
    keys = dict(one("model.access").keys)
    assert {"users", "groups", "clients", "workloads", "callers", "can", "in", "until", "reason"} <= keys.keys()
    assert keys["users"] == "People, by e-mail address"


def test_allowed_values_are_listed() -> None:
    assert one("model.api.protocol").allowed == ("bento", "seldon", "v2", "tensorflow")


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("model.access.users", "model.access.users"),
        ("spec.access[0].users[0]", "model.access.users"),
        ("platform.environments.prod.host", "platform.environments.<name>.host"),
        ("platform.environments.host", "platform.environments.<name>.host"),
        ("model.nodes.gbm.run.image", "model.nodes.<name>.run.image"),
        ("model.environments.prod.runtime.cpu", "model.environments.<name>.runtime.cpu"),
        ("model.environments.prod.run.bento", "model.environments.<name>.run.bento"),
        ("model.metadata.name", "model.metadata.name"),
        ("tenant", "tenant"),
        ("quota", "tenant.quota"),
        ("modelUri", "model.run.modelUri"),
    ],
)
def test_a_path_is_found_as_a_message_prints_it_and_by_its_end(word: str, path: str) -> None:
    assert find(word)[0].path == path  # type: ignore[union-attr]


def test_a_word_that_many_fields_bear_lists_them(tmp_path: Path) -> None:
    ran = gen(tmp_path, "explain", "cpu")
    assert ran.out.startswith(f"{len(find('cpu'))} fields are called so; ask for one of:\n  model.")


def test_every_field_is_found_by_its_path_and_has_a_description_and_a_type() -> None:
    for path in explain.fields():
        field = find(path)[0]
        assert isinstance(field, Field)
        assert (field.path, bool(field.description), bool(field.type)) == (path, True, True)


def test_every_id_has_words() -> None:
    for word in explain.ids():
        (found,) = find(word)
        assert isinstance(found, Explanation)
        assert (found.id, bool(found.title), bool(found.why), bool(found.todo)) == (word, True, True, True)


def test_an_id_of_the_operators_says_what_would_become_of_it(tmp_path: Path) -> None:
    assert gen(tmp_path, "explain", "seldon-engine-predictor-length").out == (
        "seldon-engine-predictor-length\n"
        "  Every SeldonDeployment gets ready.\n"
        "\n"
        "  The executor cannot start: Linux allows 128 KiB for one variable.\n"
        "  Use fewer nodes, or less env and fewer volumes in each: Seldon hands the executor the whole graph\n"
        "  in one variable.\n"
    )


def test_ids_stand_once() -> None:
    assert len(set(explain.ids())) == len(explain.ids())


def _spoken() -> set[str]:
    """Return every text of the form of an id in the modules that make diagnostics without being rules."""
    files = [*(PACKAGE / name for name in SPEAKING), *sorted((PACKAGE / "verify").glob("*.py"))]
    trees = [ast.parse(path.read_text()) for path in files]
    texts = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", text)}


def test_every_id_that_is_spoken_outside_the_rules_is_explained_and_no_other() -> None:
    texts = _spoken()
    assert sorted((texts & _beside_marks()) - set(explain.ids())) == []
    assert sorted({known.id for known in EXPLANATIONS} - texts) == []


def _beside_marks() -> set[str]:
    """Return the texts that stand where a diagnostic's rule does: second argument, or first of a failure's method."""
    found = set()
    for path in [*(PACKAGE / name for name in SPEAKING), *sorted((PACKAGE / "verify").glob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            index = {"Diagnostic": 1, "at_value": 0, "at_key": 0, "note": 1}.get(name)
            if index is not None and len(node.args) > index and isinstance(node.args[index], ast.Constant):
                found.add(str(node.args[index].value))  # type: ignore[attr-defined]
    return found


def test_an_unknown_word_gets_the_closest(tmp_path: Path) -> None:
    ran = gen(tmp_path, "explain", "model.acess")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith('gen explain: there is no field and no id "model.acess"\n  did you mean model.access')


def test_a_word_like_no_other_is_answered_with_where_to_look(tmp_path: Path) -> None:
    assert gen(tmp_path, "explain", "zzzz").err.endswith("\n  gen explain lists what there is\n")


def test_a_rule_says_what_holds_why_and_what_to_do(tmp_path: Path) -> None:
    assert gen(tmp_path, "explain", "expired-grant").out.startswith(
        "expired-grant\n  Grants past their day are taken out.\n"
    )
    assert "A notice: it is said, and stops nothing." in gen(tmp_path, "explain", "expired-grant").out


def test_json_has_the_same(tmp_path: Path) -> None:
    (field,) = json.loads(gen(tmp_path, "explain", "model.runtime.gpu", "--format", "json").out)
    assert (field["default"], field["form"], field["needed"]) == (0, "be from 0 to 64", False)
    assert json.loads(gen(tmp_path, "explain", "--format", "json").out) == list(explain.words())


def test_without_a_word_all_ids_are_listed(tmp_path: Path) -> None:
    listed = gen(tmp_path, "explain").out.split()
    assert set(explain.ids()) <= set(listed)
