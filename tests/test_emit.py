"""What emit writes is read back equal by PyYAML (YAML 1.1), ruamel.yaml (YAML 1.2) and Kustomize (go-yaml)."""

import json
import random
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from generator import kustomize
from generator.emit import canonical, emit

# Strings that one YAML reader or another takes for something else, or that a careless writer breaks.
HAZARDS: list[str] = json.loads((Path(__file__).parent / "hazards.json").read_text(encoding="utf-8"))

# Everything in YAML's printable set, with the troublesome part of it thrown in often.
TEXT = st.text(
    st.one_of(
        st.sampled_from(" \t\n\r:#-?,[]{}&*!|>'\"%@`~=<.\\/0123456789eExXoObBnNyY_+\xa0\u2028\u2029\ufeff"),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    ),
    max_size=12,
)
STRINGS = st.one_of(TEXT, st.sampled_from(HAZARDS))
KEYS = STRINGS.filter(lambda key: len(key) < 100 and key != "<<")
NUMBER = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
OBJECTS = st.dictionaries(
    KEYS,
    st.recursive(
        st.one_of(STRINGS, NUMBER),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
        max_leaves=12,
    ),
    max_size=5,
)


def read_1_1(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def read_1_2(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(StringIO(text))


def same(left: Any, right: Any) -> bool:
    """Compare type by type: 1, 1.0 and True are equal to Python, and differ to Kubernetes."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def built(folder: Path, objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the objects as Kustomize prints them, by name."""
    for name, obj in objects.items():
        (folder / name).write_text(emit(obj), encoding="utf-8")
    (folder / "kustomization.yaml").write_text(emit({"resources": sorted(objects)}), encoding="utf-8")
    return {obj["metadata"]["name"]: obj for obj in kustomize.build(folder, ".")}


def test_the_text_is_in_block_style_with_dashes_under_their_key() -> None:
    obj = {
        "apiVersion": "apps/v1",
        "spec": {
            "replicas": 2,
            "ratio": 0.5,
            "paused": False,
            "containers": [{"name": "a", "args": ["--x", "y"], "env": []}, {"name": "b", "ports": [{"port": 80}]}],
            "emptyDir": {},
            "matrix": [["a", "b"], [["c"]], [], {}],
            "script": "set -e\n\nrun\n",
            "last": ["one\ntwo"],
        },
    }
    assert emit(obj, header="# first\n# second") == (
        "# first\n"
        "# second\n"
        "apiVersion: apps/v1\n"
        "spec:\n"
        "  replicas: 2\n"
        "  ratio: 0.5\n"
        "  paused: false\n"
        "  containers:\n"
        "  - name: a\n"
        "    args:\n"
        '    - "--x"\n'
        '    - "y"\n'
        "    env: []\n"
        "  - name: b\n"
        "    ports:\n"
        "    - port: 80\n"
        "  emptyDir: {}\n"
        "  matrix:\n"
        "  - - a\n"
        "    - b\n"
        "  - - - c\n"
        "  - []\n"
        "  - {}\n"
        "  script: |\n"
        "    set -e\n"
        "\n"
        "    run\n"
        "  last:\n"
        "  - |-\n"
        "    one\n"
        "    two\n"
    )


def test_a_list_is_a_document_too() -> None:
    assert emit([{"op": "test", "path": "/kind", "value": "Job"}]) == "- op: test\n  path: /kind\n  value: Job\n"


@pytest.mark.parametrize(("empty", "text"), [({}, "{}\n"), ([], "[]\n")])
def test_an_empty_document_is_written_in_flow_style(empty: Any, text: str) -> None:
    assert emit(empty) == text


@pytest.mark.parametrize(
    "plain", ["a", "/predict", "apps/v1", "ghcr.io/acme/iris:v1", "a@sha256:0f", "gs://a/b", "host:80", "node", "nope"]
)
def test_names_paths_images_and_urls_stand_bare(plain: str) -> None:
    assert emit({plain.replace(":", ""): plain}) == f"{plain.replace(':', '')}: {plain}\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("no", '"no"'),
        ("05890", '"05890"'),
        ("a: b", '"a: b"'),
        ("", '""'),
        ('say "a\\b"', r'"say \"a\\b\""'),
        ("a\tb\r", r'"a\tb\r"'),
        ("é", '"é"'),
        ("pay\u202eroll\u200b", r'"pay\u202Eroll\u200B"'),
        ("\U000e0041", r'"\U000E0041"'),
        ("a \nb", r'"a \nb"'),
        ("a\n\n", r'"a\n\n"'),
    ],
)
def test_what_is_not_surely_plain_is_quoted_as_json(value: str, written: str) -> None:
    assert emit({"a": value}) == f"a: {written}\n"


@pytest.mark.parametrize(
    ("number", "written"), [(1, "1"), (-5, "-5"), (1.0, "1.0"), (1e16, "1.0e+16"), (1.5e-9, "1.5e-09"), (True, "true")]
)
def test_numbers_and_booleans_keep_their_type(number: float, written: str) -> None:
    assert emit({"a": number}) == f"a: {written}\n"


def test_a_member_of_an_enum_is_written_as_its_text() -> None:
    class Kind(StrEnum):
        OFF = "off"
        MODEL = "MODEL"

    assert emit({Kind.MODEL: [Kind.MODEL, Kind.OFF]}) == 'MODEL:\n- MODEL\n- "off"\n'


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ({"spec": {"a": [{"b": None}]}}, "spec.a[0].b: None has no safe form in YAML"),
        ({"a": float("nan")}, "a: nan has no safe form in YAML"),
        ({"a": [1, float("-inf")]}, "a[1]: -inf has no safe form in YAML"),
        ({"a": 2**63}, "a: 9223372036854775808 has no safe form in YAML"),
        ({"a": {1: "b"}}, "a.1: the key 1 is no string"),
        ({"a": {True: "b"}}, "a.True: the key True is no string"),
        ({"a": {"k" * 2000: "b"}}, f"a.{'k' * 2000}: the key {'k' * 60!r}… is too long"),
        ({"a": {"<<": "b"}}, "a.<<: the key '<<' has no safe form in YAML"),
        ({"a": "b\x00"}, "a: the character U+0000 has no safe form in YAML"),
        ({"a": "b\nc\x1b[0m"}, "a: the character U+001B has no safe form in YAML"),
        ({"a\x7f": "b"}, "a\x7f: the character U+007F has no safe form in YAML"),
        ({"a": "b\x85"}, "a: the character U+0085 has no safe form in YAML"),
        ({"a": ["\ud800"]}, "a[0]: the character U+D800 has no safe form in YAML"),
        ({"a": {"b"}}, "a: {'b'} has no safe form in YAML"),
        ({"a": b"b"}, "a: b'b' has no safe form in YAML"),
        ([[None]], "[0][0]: None has no safe form in YAML"),
        (None, "the document: None has no safe form in YAML"),
    ],
)
def test_what_has_no_safe_form_is_refused_with_its_path(obj: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        emit(obj)
    assert str(caught.value) == text


@pytest.mark.parametrize("header", ["no comment", "# a\nb: c", "# a\x00"])
def test_a_header_that_is_no_comment_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="a header is made of comment lines"):
        emit({"a": "b"}, header=header)


def test_canonical_puts_the_keys_in_the_order_people_read_them() -> None:
    obj = {
        "roleRef": {"z": 1, "a": 2},
        "data": {"b": "1", "a": "2"},
        "spec": {"b": 1, "a": 2},
        "metadata": {
            "finalizers": ["x"],
            "annotations": {"b": "1", "a": "2"},
            "labels": {"d": "1", "c": "2"},
            "namespace": "n",
            "name": "m",
        },
        "kind": "K",
        "apiVersion": "v1",
    }
    made = canonical(obj)
    assert list(made) == ["apiVersion", "kind", "metadata", "spec", "data", "roleRef"]
    assert list(made["metadata"]) == ["name", "namespace", "labels", "annotations", "finalizers"]
    assert list(made["metadata"]["labels"]) == ["c", "d"]
    assert list(made["metadata"]["annotations"]) == ["a", "b"]
    assert [list(made[key]) for key in ("spec", "data", "roleRef")] == [["b", "a"], ["b", "a"], ["z", "a"]]
    assert made == obj


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_hazard_is_read_back_as_the_same_string_by_both_yamls(hazard: str) -> None:
    key = hazard[:100].replace("<<", "<")
    obj = {"value": hazard, "list": [hazard, [hazard]], "key": {key: hazard, "z": {key: {key: 1}}}}
    text = emit(obj)
    assert same(read_1_1(text), obj)
    assert same(read_1_2(text), obj)


@settings(deadline=None)
@given(OBJECTS)
def test_any_object_is_read_back_equal_by_both_yamls(obj: dict[str, Any]) -> None:
    text = emit(obj)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert same(read_1_1(text), obj)
    assert same(read_1_2(text), obj)


@settings(deadline=None)
@given(OBJECTS)
def test_writing_what_was_read_gives_the_same_text(obj: dict[str, Any]) -> None:
    text = emit(obj)
    assert emit(read_1_1(text)) == text


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_text_is_written_exactly_or_refused(value: str) -> None:
    try:
        text = emit({"a": value})
    except ValueError:
        assert any(not (c in "\t\n\r" or " " <= c <= "~" or c >= "\xa0") or c in "\ufffe\uffff" for c in value)
    else:
        assert read_1_1(text) == read_1_2(text) == {"a": value}


def test_kustomize_reads_every_hazard_as_the_same_string(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - the same strings every time
    characters = " \t\n\r:#-?,[]{}&*!|>'\"%@`~=<.\\/0189eExoObny_+aé😀\xa0\u2028\ufeff"
    made = ["".join(chance.choices(characters, k=chance.randint(1, 12))) for _ in range(2000)]
    strings = [text for text in (*HAZARDS, *made) if text]
    values = {f"k{number}": text for number, text in enumerate(strings)}
    # Kustomize 5.8.1 cannot read back its own form of an annotation that opens with a tab and has a second line.
    notes = {key: text for key, text in values.items() if not (text.startswith("\t") and "\n" in text)}
    keys = {text[:100]: "v" for text in strings if text != "<<"}
    objects: dict[str, dict[str, Any]] = {
        "config.yaml": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"}, "data": values},
        "thing.yaml": {
            "apiVersion": "example.com/v1",
            "kind": "Thing",
            "metadata": {"name": "thing", "annotations": notes},
            "spec": {"list": strings, "nested": [[text] for text in strings], "map": keys, "numbers": [1, 0.5, True]},
        },
    }
    made_of_them = built(tmp_path, objects)
    assert made_of_them["config"] == objects["config.yaml"]
    assert made_of_them["thing"] == objects["thing.yaml"]
