"""Checking a document against a schema: the exact words for every keyword, at the exact place."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.check import KEY_FORMATTERS, VALUE_FORMATTERS, check, check_against
from generator.document import Document
from generator.failure import Failure
from generator.load import load
from generator.schemas import KINDS, schema, validator

NAME = {
    "type": "string",
    "pattern": "^[a-z]+$",
    "maxLength": 8,
    "x-must": "be lower-case letters",
    "examples": ["fraud"],
}
RUN = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "bento": {"type": "string"},
        "source": {"type": "object", "examples": [{"oci": "registry.local/x"}]},
        "image": {"type": "string", "examples": ["registry.local/a@sha256:00"]},
        "server": {"type": "string"},
        "port": {},
        "user": {},
    },
    "oneOf": [{"required": ["bento"]}, {"required": ["image"]}, {"required": ["server"]}],
    "if": {"required": ["bento"]},
    "then": {"required": ["source"], "properties": {"user": False}, "x-must": "say only bento and source"},
    "dependentRequired": {"port": ["server"]},
}
SPEC: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"$ref": "#/$defs/name"},
        "team": {"$ref": "#/$defs/name", "x-must": "be a team", "x-todo": "use a team of tenant.yaml"},
        "version": {"type": "string"},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 100},
        "ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "even": {"type": "integer", "multipleOf": 2},
        "cni": {"type": "boolean"},
        "mode": {"type": "string", "enum": ["MODEL", "ROUTER", "COMBINER"]},
        "only": {"enum": ["drop"]},
        "letter": {"type": "string", "enum": list("abcdefghij")},
        "fixed": {"const": "v1"},
        "users": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
        "numbers": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
        "code": {"type": "string", "minLength": 2, "maxLength": 3},
        "map": {
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {"type": ["integer", "null"]},
            "minProperties": 1,
            "maxProperties": 3,
        },
        "places": {"type": "object", "propertyNames": {"enum": ["dev", "prod"]}},
        "run": {"$ref": "#/$defs/run"},
        "who": {
            "type": "object",
            "anyOf": [{"required": ["users"]}, {"required": ["groups"]}],
            "not": {"required": ["can", "never"]},
        },
        "calm": {"type": "object", "not": {"required": ["loud"]}},
        "either": {"anyOf": [{"type": "string"}, {"type": "array"}]},
        "choice": {"anyOf": [{"minimum": 3}, {"multipleOf": 2}], "x-must": "be even or more than two"},
        "never": {"not": {"const": 5}, "x-must": "not be five", "x-todo": "write 6"},
        "has": {"type": "array", "contains": {"const": 1}, "x-must": "hold a 1", "examples": [[1, 2]]},
        "open": {
            "type": "object",
            "allOf": [{"properties": {"first": {"type": "string"}}}],
            "properties": {"second": {}},
            "unevaluatedProperties": False,
        },
        "runtime": {"type": "object", "additionalProperties": False, "properties": {"cpu": {"type": "string"}}},
    },
}
ROOT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["spec"],
    "properties": {"spec": {"$ref": "#/$defs/spec"}, "note": {"type": "string", "default": "none"}},
    "$defs": {"name": NAME, "run": RUN, "spec": SPEC},
}

# What a spec says in line 2, and what it gets for it.
WORDS = {
    "type: text for a whole number": (
        "replicas: two",
        '2:13: spec.replicas is the text "two", not a whole number [bad-type]\n  write a whole number',
    ),
    "type: quoted number": (
        'replicas: "3"',
        '2:13: spec.replicas is the text "3", not a whole number [bad-type]\n  write 3',
    ),
    "type: underscores": (
        "replicas: 1_000",
        '2:13: spec.replicas is the text "1_000", not a whole number [bad-type]\n  write 1000',
    ),
    "type: fraction for a whole number": (
        "replicas: 2.5",
        "2:13: spec.replicas is the number 2.5, not a whole number [bad-type]\n  write a whole number",
    ),
    "type: whole fraction for a whole number": (
        "replicas: 2.0",
        "2:13: spec.replicas is 2.0, not a whole number [bad-type]\n  write 2",
    ),
    "type: yes for true": ("cni: yes", '2:8: spec.cni is the text "yes", not true or false [bad-type]\n  write true'),
    "type: off for false": ("cni: Off", '2:8: spec.cni is the text "Off", not true or false [bad-type]\n  write false'),
    "type: word for true": (
        "cni: maybe",
        '2:8: spec.cni is the text "maybe", not true or false [bad-type]\n  write true or false',
    ),
    "type: number for text": (
        "version: 1.30",
        '2:12: spec.version is the number 1.3, not text [ambiguous-scalar]\n  quote it: "1.30"',
    ),
    "type: truth for text": (
        "version: true",
        '2:12: spec.version is true, not text [ambiguous-scalar]\n  quote it: "true"',
    ),
    "type: octal for text": (
        "version: 0777",
        '2:12: spec.version is the number 777, not text [ambiguous-scalar]\n  quote it: "0777"',
    ),
    "type: nothing for text": (
        "version:",
        "2:11: spec.version is empty, not text [bad-type]\n  write text, or take the key out",
    ),
    "type: nothing in a list": (
        "users: [a, null]",
        "2:14: spec.users[1] is empty, not text [bad-type]\n  write text, or take the item out",
    ),
    "type: list for text": ("name: [a]", "2:9: spec.name is a list, not text [bad-type]\n  write it like fraud"),
    "type: text for a list": (
        "users: a@b.example",
        '2:10: spec.users is the text "a@b.example", not a list [bad-type]\n  write [a@b.example]',
    ),
    "type: number for a list of texts": (
        "users: 0123",
        '2:10: spec.users is the number 123, not a list [bad-type]\n  write ["0123"]',
    ),
    "type: number for a list of numbers": (
        "numbers: 3",
        "2:12: spec.numbers is the number 3, not a list [bad-type]\n  write [3]",
    ),
    "type: list for a mapping": ("map: [a]", "2:8: spec.map is a list, not a mapping [bad-type]\n  write a mapping"),
    "type: mapping for a list": (
        "has: {a: 1}",
        "2:8: spec.has is a mapping, not a list [bad-type]\n  write it like [1, 2]",
    ),
    "type: list for an enum": (
        "mode: []",
        "2:9: spec.mode is a list, not text [bad-type]\n  use one of: COMBINER, MODEL, ROUTER",
    ),
    "type: one of two": (
        "map: {a: x}",
        '2:12: spec.map.a is the text "x", not a whole number [bad-type]\n  write a whole number',
    ),
    "type: empty text": (
        'replicas: ""',
        "2:13: spec.replicas is the empty text, not a whole number [bad-type]\n  write a whole number",
    ),
    "ambiguous: a date": (
        "version: 2027-01-31",
        (
            "2:12: spec.version is 2027-01-31, which some readers of YAML do not take for text [ambiguous-scalar]\n"
            '  quote it: "2027-01-31"'
        ),
    ),
    "ambiguous: a number": (
        "replicas: 010",
        "2:13: spec.replicas is 010, which readers of YAML take for different things [ambiguous-scalar]\n  write 10",
    ),
    "ambiguous: an exponent": (
        "ratio: 1e-3",
        "2:10: spec.ratio is 1e-3, which readers of YAML take for different things [ambiguous-scalar]\n  write 0.001",
    ),
    "const": ("fixed: v2", '2:10: spec.fixed is "v2" [bad-value]\n  write v1'),
    "enum: near": ("mode: MODLE", '2:9: spec.mode is "MODLE" [bad-value]\n  did you mean "MODEL"?'),
    "enum: case": ("mode: router", '2:9: spec.mode is "router" [bad-value]\n  did you mean "ROUTER"?'),
    "enum: far": ("mode: xyz", '2:9: spec.mode is "xyz" [bad-value]\n  use one of: COMBINER, MODEL, ROUTER'),
    "enum: number": ("mode: 3", "2:9: spec.mode is 3 [bad-value]\n  use one of: COMBINER, MODEL, ROUTER"),
    "enum: only one": ("only: keep", '2:9: spec.only is "keep" [bad-value]\n  write drop'),
    "enum: many": (
        "letter: zz",
        '2:11: spec.letter is "zz" [bad-value]\n  use one of: a, b, c, d, e, f, g, h, … and 2 more',
    ),
    "pattern": (
        "name: Fraud_1",
        '2:9: spec.name is "Fraud_1", but must be lower-case letters [bad-value]\n  write it like fraud',
    ),
    "pattern: the property's own words": (
        "team: Fraud_1",
        '2:9: spec.team is "Fraud_1", but must be a team [bad-value]\n  use a team of tenant.yaml',
    ),
    "pattern: empty text": (
        "name: ''",
        "2:9: spec.name is empty, but must be lower-case letters [bad-value]\n  write it like fraud",
    ),
    "maxLength": ("code: abcd", "2:9: spec.code has 4 characters, more than 3 [bad-length]\n  use at most 3"),
    "minLength": ("code: a", "2:9: spec.code has 1 character, fewer than 2 [bad-length]\n  use at least 2"),
    "minLength: nothing": ("code: ''", "2:9: spec.code is the empty text [bad-length]\n  write at least 2"),
    "minimum": ("replicas: 0", "2:13: spec.replicas is 0, less than 1 [out-of-range]\n  write at least 1"),
    "maximum": ("replicas: 101", "2:13: spec.replicas is 101, more than 100 [out-of-range]\n  write at most 100"),
    "exclusiveMinimum": ("ratio: 0", "2:10: spec.ratio is 0, not more than 0 [out-of-range]\n  write more than 0"),
    "exclusiveMaximum": ("ratio: 1", "2:10: spec.ratio is 1, not less than 1 [out-of-range]\n  write less than 1"),
    "multipleOf": ("even: 3", "2:9: spec.even is 3, no multiple of 2 [out-of-range]\n  write a multiple of 2"),
    "minItems": ("users: []", "2:3: spec.users has no items [bad-count]\n  give at least 1"),
    "maxItems": ("users: [a, b, c, d]", "2:3: spec.users has 4 items, more than 3 [bad-count]\n  give at most 3"),
    "uniqueItems": (
        "users: [a, b, a]",
        '2:17: spec.users has "a" twice: first at f:2:11 [duplicate-item]\n  take one of them out',
    ),
    "minProperties": ("map: {}", "2:3: spec.map has no keys [bad-count]\n  give at least 1"),
    "maxProperties": (
        "map: {a: 1, b: 1, c: 1, d: 1}",
        "2:3: spec.map has 4 keys, more than 3 [bad-count]\n  give at most 3",
    ),
    "contains": ("has: [2]", "2:3: spec.has must hold a 1 [bad-value]\n  write it like [1, 2]"),
    "propertyNames: pattern": (
        "map: {Foo: 1}",
        '2:9: the key "Foo" of spec.map must be lower-case letters [bad-key]\n  rename it',
    ),
    "propertyNames: maxLength": (
        "map: {toolongname: 1}",
        '2:9: the key "toolongname" of spec.map has 11 characters [bad-key]\n  use at most 8',
    ),
    "propertyNames: enum": (
        "places: {deev: 1}",
        '2:12: spec.places has no key "deev" [unknown-key]\n  did you mean "dev"?',
    ),
    "additionalProperties: near": (
        "replcas: 3",
        '2:3: unknown key "replcas" in spec [unknown-key]\n  did you mean "replicas"?',
    ),
    "additionalProperties: far": (
        "runtime: {xyz: 1}",
        '2:13: unknown key "xyz" in spec.runtime [unknown-key]\n  write cpu',
    ),
    "additionalProperties: belongs elsewhere": (
        "cpu: 1",
        '2:3: unknown key "cpu" in spec [unknown-key]\n  move it to spec.runtime',
    ),
    "additionalProperties: its value is not judged": (
        "runtime: {cpux: yes}",
        '2:13: unknown key "cpux" in spec.runtime [unknown-key]\n  did you mean "cpu"?',
    ),
    "unevaluatedProperties": (
        "open: {fist: 1, second: 2}",
        '2:10: unknown key "fist" in spec.open [unknown-key]\n  did you mean "first"?',
    ),
    "unevaluatedProperties: a known key that fails": (
        "open: {first: 1}",
        '2:17: spec.open.first is the number 1, not text [ambiguous-scalar]\n  quote it: "1"',
    ),
    "required: in a branch": (
        "run: {bento: x}",
        "2:3: spec.run.source is missing [missing-key]\n  add this line: source: {oci: registry.local/x}",
    ),
    "required: misspelt": (
        "run: {bento: x, sorce: {}}",
        '2:19: unknown key "sorce" in spec.run [unknown-key]\n  did you mean "source"?',
    ),
    "dependentRequired": (
        'run: {image: "a", port: 1}',
        '2:21: spec.run.server is missing: port needs it [missing-key]\n  add the key "server"',
    ),
    "false": (
        "run: {bento: a, source: {}, user: 1}",
        ("2:31: spec.run.user cannot stand here: spec.run must say only bento and source [not-allowed]\n  take it out"),
    ),
    "oneOf: none": ("run: {}", "2:3: spec.run has none of: bento, image, server [missing-key]\n  add one of them"),
    "oneOf: misspelt": (
        "run: {imge: a}",
        '2:9: unknown key "imge" in spec.run [unknown-key]\n  did you mean "image"?',
    ),
    "oneOf: two": (
        "run: {image: a, server: b}",
        "2:19: spec.run.image and spec.run.server cannot stand together [not-allowed]\n  keep one of them",
    ),
    "oneOf: no mapping": ("run: 3", "2:8: spec.run is the number 3, not a mapping [bad-type]\n  write a mapping"),
    "anyOf: none": ("who: {}", "2:3: spec.who has none of: users, groups [missing-key]\n  add one of them"),
    "anyOf: types": (
        "either: {}",
        "2:11: spec.either is a mapping, not text or a list [bad-type]\n  write text or a list",
    ),
    "anyOf: the schema's words": (
        "choice: 1",
        "2:11: spec.choice is 1, but must be even or more than two [bad-value]\n  change it",
    ),
    "not: two keys": (
        "who: {users: [], can: 1, never: 2}",
        "2:28: spec.who.can and spec.who.never cannot stand together [not-allowed]\n  keep one of them",
    ),
    "not: one key": ("calm: {loud: 1}", "2:10: spec.calm.loud cannot stand here [not-allowed]\n  take it out"),
    "not: the schema's words": ("never: 5", "2:10: spec.never is 5, but must not be five [bad-value]\n  write 6"),
}


def document(text: str) -> Document:
    loaded = load(text.encode(), "f")
    assert isinstance(loaded, Document), loaded
    return loaded


def said(text: str, root: dict[str, Any] = ROOT) -> str:
    return "\n".join(str(problem).removeprefix("f:") for problem in check_against(root, document(text)))


def headed(text: str) -> str:
    return "\n".join(str(problem).removeprefix("f:") for problem in check(document(text)))


@pytest.mark.parametrize(("line", "want"), WORDS.values(), ids=WORDS)
def test_each_keyword_says_what_is_wrong_where_and_one_action(line: str, want: str) -> None:
    assert said(f"spec:\n  {line}\n") == want


def test_every_formatter_has_a_case() -> None:
    cases = {name.partition(":")[0] for name in WORDS} | {"format"}
    assert set(VALUE_FORMATTERS) | set(KEY_FORMATTERS) <= cases


def test_a_missing_key_of_the_root_is_said_at_the_first_key() -> None:
    assert said("# a comment\nnote: a\n") == '2:1: spec is missing [missing-key]\n  add the key "spec"'


def test_an_unknown_key_of_the_root_near_a_missing_one_gives_one_message() -> None:
    assert said("spce: {}\n") == '1:1: unknown key "spce" [unknown-key]\n  did you mean "spec"?'


def test_of_several_failures_of_one_value_only_the_foremost_is_said() -> None:
    assert said("spec: {name: TOOLONGNAME}\n").count("\n") == 1


def test_all_problems_are_said_in_the_order_of_the_file() -> None:
    text = "spec:\n  zzz: 1\n  replicas: 0\n  version: 1\n  mode: MODLE\nnote: no\n"
    places = [line.split(" ")[0] for line in said(text).splitlines()[::2]]
    assert places == ["2:3:", "3:13:", "4:12:", "5:9:", "6:7:"]


def test_a_format_is_worded_like_a_pattern() -> None:
    failing = {"properties": {"a": {"format": "date", "x-must": "be a date", "default": "2027-01-31"}}}
    problem = VALUE_FORMATTERS["format"](
        Failure(
            document=document("a: b\n"),
            root=failing,
            path=("a",),
            keyword="format",
            facts={},
            holders=(failing["properties"]["a"],),
        )
    )
    assert str(problem[0]) == 'f:1:4: a is "b", but must be a date [bad-value]\n  write it like "2027-01-31"'


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("kind: Model\n", "1:1: apiVersion is missing [missing-key]\n  add this line: apiVersion: modelapi/v1"),
        (
            "apiVersion: modelapi/v1\n",
            "1:1: kind is missing [missing-key]\n  add a line kind: Platform, Tenant or Model",
        ),
        (
            "apiVersion: modelapi/v1\nkind: Modle\n",
            '2:7: kind is "Modle" [unknown-kind]\n  did you mean "Model"?',
        ),
        (
            "apiVersion: modelapi/v1\nkind: model\n",
            '2:7: kind is "model" [unknown-kind]\n  did you mean "Model"?',
        ),
        (
            "apiVersion: modelapi/v1\nkind: ConfigMap\n",
            '2:7: kind is "ConfigMap" [unknown-kind]\n  use one of: Model, Platform, Tenant',
        ),
        (
            "apiVersion: modelapi/v1\nkind: []\n",
            "2:7: kind is not text [unknown-kind]\n  use one of: Model, Platform, Tenant",
        ),
        (
            "apiVersion: v1\nkind: Model\n",
            '1:13: apiVersion is "v1" [unknown-version]\n  write apiVersion: modelapi/v1',
        ),
        (
            "apiVersion: 1\nkind: Model\n",
            "1:13: apiVersion is not text [unknown-version]\n  write apiVersion: modelapi/v1",
        ),
        (
            "apiversion: modelapi/v1\nKind: Model\n",
            (
                '1:1: unknown key "apiversion" [unknown-key]\n  did you mean "apiVersion"?\n'
                '2:1: unknown key "Kind" [unknown-key]\n  did you mean "kind"?'
            ),
        ),
    ],
)
def test_apiversion_and_kind_come_before_everything_else(text: str, want: str) -> None:
    assert headed(text) == want


@pytest.mark.parametrize("kind", KINDS)
def test_a_spec_of_each_kind_without_anything_says_what_to_add(kind: str) -> None:
    lines = headed(f"apiVersion: modelapi/v1\nkind: {kind}\n").splitlines()
    assert lines[0] == "1:1: metadata is missing [missing-key]"
    assert lines[2] == "1:1: spec is missing [missing-key]"


# --- the published schemas ---

ANNOTATIONS = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated"}
LEADING = {"$ref", "$defs", "properties", "patternProperties", "items", "prefixItems", "allOf", "if", "then", "else"}
IN_NAMES = {"properties", "patternProperties", "$defs", "dependentSchemas"}
IN_ONE = {
    "additionalProperties",
    "unevaluatedProperties",
    "items",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
}
IN_LIST = {"allOf", "anyOf", "oneOf", "prefixItems"}


def subschemas(node: Any, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(node, dict):
        return
    yield place, node
    for word, part in node.items():
        if word in IN_NAMES:
            for name, child in part.items():
                yield from subschemas(child, f"{place}/{word}/{name}")
        elif word in IN_ONE:
            yield from subschemas(part, f"{place}/{word}")
        elif word in IN_LIST:
            for index, child in enumerate(part):
                yield from subschemas(child, f"{place}/{word}/{index}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_keyword_of_the_schemas_has_its_words(kind: str) -> None:
    known = ANNOTATIONS | LEADING | {"propertyNames", *VALUE_FORMATTERS, *KEY_FORMATTERS}
    used = {(word, place) for place, node in subschemas(schema(kind)) for word in node if not word.startswith("x-")}
    assert sorted((word, place) for word, place in used if word not in known) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_words_of_its_own_says_what_it_must_be(kind: str) -> None:
    mute = []
    for place, node in subschemas(schema(kind)):
        branches = [branch for word in ("anyOf", "oneOf") for branch in node.get(word, ())]
        plain = all({"required", "type"} & branch.keys() for branch in branches)
        needs = bool({"pattern", "format", "contains"} & node.keys()) or not plain
        if needs and "x-must" not in node and "/if" not in place:
            mute.append(place)
    assert mute == []


def specs() -> list[tuple[str, dict[str, Any]]]:
    """Return the data of the example specs of the schemas' root and of the repository's own."""
    root = Path(__file__).parents[1]
    files = [root / "platform.yaml", *sorted((root / "tenants").rglob("*.yaml"))]
    return [
        (file.name, loaded.data)
        for file in files
        if file.is_file() and isinstance(loaded := load(file.read_bytes(), file.name), Document)
    ]


MINIMAL = {
    "apiVersion": "modelapi/v1",
    "kind": "Model",
    "metadata": {"name": "iris"},
    "spec": {
        "run": {"bento": "iris_classifier:1.2.0", "source": {"oci": f"registry.local/a/iris@sha256:{'4f' * 32}"}},
        "access": [{"users": ["alice@corp.example"]}],
    },
}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def test_a_minimal_model_is_valid() -> None:
    assert headed(json.dumps(MINIMAL)) == ""


STRANGE = st.sampled_from(
    [
        "null",
        "true",
        "0",
        "-1",
        "7",
        "2.5",
        "2.0",
        '""',
        '"x"',
        '"Foo Bar!"',
        '"1_000"',
        "[]",
        "[1]",
        '["a", "a"]',
        "{}",
    ]
)


def changed(data: st.DataObject, spec: dict[str, Any]) -> None:
    """Drop, replace or rename one part of the spec, in place."""
    *way, last = data.draw(st.sampled_from([path for path in places(spec) if path]))
    holder: Any = spec
    for key in way:
        holder = holder[key]
    match data.draw(st.sampled_from(["drop", "replace", "rename"])):
        case "drop":
            del holder[last]
        case "rename" if isinstance(last, str):
            holder[f"{last}x"] = holder.pop(last)
        case _:
            holder[last] = json.loads(data.draw(STRANGE))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_of_a_spec_is_valid_or_has_a_message_inside_the_file(data: st.DataObject) -> None:
    spec = json.loads(json.dumps(data.draw(st.sampled_from([MINIMAL, *(found for _, found in specs())]))))
    for _ in range(data.draw(st.integers(1, 3))):
        changed(data, spec)
    text = json.dumps(spec, indent=1)
    problems = check(document(text))
    lines = text.split("\n")
    for problem in problems:
        assert problem.mark.column <= len(lines[problem.mark.line - 1])
        assert not re.search(r"\b(None|dict|NoneType|additionalProperties|anyOf)\b", problem.what + problem.todo)
    kind = spec.get("kind")
    if kind in KINDS and not validator(kind).is_valid(spec):
        assert problems
