"""The published schemas: complete for editors, in step with resolve, and as strict as they say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from generator.check import check
from generator.document import Document
from generator.load import load
from generator.resolve.defaults import MODEL, PLATFORM, TENANT
from generator.schemas import KINDS, compiled, resolve, schema

ROOT = Path(__file__).parent.parent
TABLES = {"Platform": PLATFORM, "Tenant": TENANT, "Model": MODEL}
EXAMPLES = ["platform.yaml", *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tenants/*/*.yaml"))]
NOTES = ("description", "examples", "default", "x-must", "x-todo", "title")
CONDITIONS = ("required", "oneOf", "anyOf", "allOf", "if", "then", "else", "dependentRequired", "minProperties")
PATCHES = {
    name: name.removeprefix("patch")[0].lower() + name.removeprefix("patch")[1:]
    for name in schema("Model")["$defs"]
    if name.startswith("patch")
}

Found = Iterator[tuple[str, dict[str, Any]]]


def properties(root: dict[str, Any], node: dict[str, Any], path: str) -> Found:
    """Yield path and schema of every property below a schema; ``*`` is any name, ``[]`` any item."""
    node = resolve(root, node)
    for name, one in node.get("properties", {}).items():
        below = f"{path}.{name}".removeprefix(".")
        yield below, one
        yield from properties(root, one, below)
    if isinstance(node.get("additionalProperties"), dict):
        yield from properties(root, node["additionalProperties"], f"{path}.*")
    if "items" in node:
        yield from properties(root, node["items"], f"{path}[]")
    if "$ref" in node.get("then", {}):
        yield from properties(root, node["then"], path)


def every_property(kind: str) -> list[tuple[str, dict[str, Any]]]:
    return list(properties(schema(kind), schema(kind), ""))


def subschemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("examples", "default"):
                yield from subschemas(value)
    elif isinstance(node, list):
        for item in node:
            yield from subschemas(item)


def shape(root: dict[str, Any], node: Any) -> Any:
    """Return what a schema says of values, without nulls, notes and conditions: for patches to be compared."""
    node = resolve(root, node)
    if node.get("if") == {"type": "object"}:
        return shape(root, node["then"])
    found: dict[str, Any] = {}
    for key, value in node.items():
        if key == "type":
            found[key] = [name for name in ([value] if isinstance(value, str) else value) if name != "null"]
        elif key in ("enum", "const"):
            found["enum"] = [one for one in (value if key == "enum" else [value]) if one is not None]
        elif key == "properties":
            found[key] = {name: shape(root, one) for name, one in value.items()}
        elif key in ("additionalProperties", "items") and isinstance(value, dict):
            found[key] = shape(root, value)
        elif key not in (*NOTES, *CONDITIONS):
            found[key] = value
    return found


def definition(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}", "$defs": schema(kind)["$defs"]}


def accepts(kind: str, name: str, value: Any) -> bool:
    return bool(compiled(definition(kind, name)).is_valid(value))


def model(text: str) -> Document:
    document = load(f"apiVersion: modelapi/v1\nkind: Model\nmetadata: {{name: m}}\nspec: {text}\n".encode(), "m.yaml")
    assert isinstance(document, Document)
    return document


BENTO = '{bento: "m:1", source: {oci: "registry.local/m@sha256:' + "0" * 64 + '"}}'


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_draft_2020_12_schema(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(kind))
    assert schema(kind)["$id"] == f"https://modelapi.dev/schema/v1/{kind.lower()}.schema.json"


@pytest.mark.parametrize("kind", KINDS)
def test_every_property_has_a_description_and_examples(kind: str) -> None:
    bare = [path for path, one in every_property(kind) if not (one.get("description") and one.get("examples"))]
    assert bare == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_description_is_a_sentence_in_one_line(kind: str) -> None:
    texts = [one["description"] for one in subschemas(schema(kind)) if isinstance(one.get("description"), str)]
    assert [text for text in texts if not text.endswith(".") or "\n" in text or not text[0].isalpha()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_and_default_is_one_that_the_schema_accepts(kind: str) -> None:
    definitions = schema(kind)["$defs"]
    wrong = [
        (path, value)
        for path, one in every_property(kind)
        for value in (*one["examples"], *([one["default"]] if "default" in one else ()))
        if not compiled({**one, "$defs": definitions}).is_valid(value)
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_mapping_takes_a_key_that_it_does_not_name(kind: str) -> None:
    open_ones = [
        one
        for one in subschemas(schema(kind))  # conditions have no type
        if "properties" in one and "additionalProperties" not in one and "type" in one
    ]
    assert open_ones == []


@pytest.mark.parametrize("kind", KINDS)
def test_choices_of_keys_are_lists_of_keys_and_nothing_leans_on_format(kind: str) -> None:
    for one in subschemas(schema(kind)):
        assert "format" not in one
        for word in ("oneOf", "anyOf"):
            assert all(set(branch) == {"required"} for branch in one.get(word, ()))


@pytest.mark.parametrize("kind", KINDS)
def test_every_pattern_is_of_the_whole_text_and_has_words_for_a_failure(kind: str) -> None:
    for one in subschemas(schema(kind)):
        if isinstance(one.get("pattern"), str):
            assert one["pattern"].startswith("^")
            assert one["pattern"].endswith("$")
            assert one["x-must"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_of_a_schema_are_those_that_resolve_applies(kind: str) -> None:
    stated = {path.removeprefix("spec."): one["default"] for path, one in every_property(kind) if "default" in one}
    assert stated == {path: json.loads(json.dumps(default.value)) for path, default in TABLES[kind].items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_says_where_it_comes_from(kind: str) -> None:
    assert all(default.source for default in TABLES[kind].values())


@pytest.mark.parametrize(("patch", "patched"), PATCHES.items())
def test_a_patch_has_the_shape_of_what_it_patches(patch: str, patched: str) -> None:
    root = schema("Model")
    assert shape(root, root["$defs"][patch]) == shape(root, root["$defs"][patched])


def test_the_patch_of_an_environment_has_every_key_of_the_model_but_access_and_what_is_expected_of_it() -> None:
    root = schema("Model")
    spec = root["properties"]["spec"]["properties"]
    keys = root["$defs"]["environment"]["properties"]
    assert set(keys) == set(spec) - {"access", "environments", "expect"} | {"pins"}
    for name in set(keys) - {"pins", "predictors"}:
        assert shape(root, keys[name]) == shape(root, spec[name])


@pytest.mark.parametrize("name", [*PATCHES, "environment"])
def test_a_patch_may_take_out_everything_and_needs_nothing(name: str) -> None:
    keys = [key for key in schema("Model")["$defs"][name]["properties"] if key != "pins"]
    assert accepts("Model", name, dict.fromkeys(keys))
    assert accepts("Model", name, {})


def test_nothing_outside_a_patch_may_be_empty() -> None:
    spec = schema("Model")["properties"]["spec"]["properties"]
    whole = {"$defs": schema("Model")["$defs"]}
    assert [name for name, one in spec.items() if compiled({**one, **whole}).is_valid(None)] == []


@pytest.mark.parametrize("file", EXAMPLES)
def test_the_example_specs_fit_for_both_validators(file: str) -> None:
    document = load((ROOT / file).read_bytes(), file)
    assert isinstance(document, Document)
    assert check(document) == ()
    assert jsonschema.Draft202012Validator(schema(str(document.kind))).is_valid(document.data)


HEX = "0" * 64
DIGEST = f"@sha256:{HEX}"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("name", ["a", "fraud", "a-1"], ["", "1a", "a-", "A", "a.b", "a_b", "a\n"]),
        (
            "image",
            ["registry.local/a:1", "r.local:5000/a/b__c:v1", f"r/a{DIGEST}", f"r/a:1{DIGEST}"],
            ["a:1", "r/a", "r/A:1", "r/a:", f"r/a@sha256:{HEX[1:]}", f"r/a@sha1:{HEX}", "r//a:1", "r/a:1 ", "-r/a:1"],
        ),
        ("mail", ["a@b.c", "a.b+c@d-e.f"], ["a", "@b", "a@", "*@b.c", "a@*", "a b@c", "a@b@c", 'a"@b']),
        ("group", ["ml", "/teams/ml", "Fraud Analysts", "Müller"], ["", "*", "ml*", " m", "m ", 'a"b', "a\\b", "a\nb"]),
        ("client", ["checkout", "https://a/b", "0b-1"], ["", "*", "a*", "a b", "-a"]),
        ("account", ["orders/checkout", "a/b.c"], ["orders", "/a", "a/", "a/b/c", "A/b", "a/*", "*/a"]),
        (
            "path",
            ["/", "/predict", "/v1/a.b:predict", "/~x/y_z"],
            [
                *("", "a", "/a/", "//a", "/a//b", "/*", "/a*", "/{a}", "/a/..", "/../a", "/./a", "/a..b"),
                *("/a%2f", "/a;b", "/a?b", "/a b", "/a#b"),
            ],
        ),
        ("cpu", ["1", "500m", "16"], ["0", "0m", "0.5", "1.5", "1k", "m", "", "-1"]),
        ("memory", ["512Mi", "2Gi", "1Ti"], ["0Gi", "512m", "512", "2G", "1.5Gi", "2gi", ""]),
        ("time", ["3s", "2m"], ["0s", "3", "1h", "1.5s", "3 s", "500ms"]),
        ("date", ["2027-01-31"], ["2027-1-31", "2027-13-01", "2027-01-32", "31.01.2027", "tomorrow"]),
    ],
)
def test_a_text_is_accepted_or_refused(name: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not accepts("Model", name, text)] == []
    assert [text for text in bad if accepts("Model", name, text)] == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "cidr",
            ["10.0.0.0/8", "0.0.0.0/0", "fd00::/8"],
            ["10.0.0.0", "10.0.0/8", "10.0.0.0/33", "any", "10.0.0.0/08"],
        ),
        ("host", ["a.b", "features.corp.example"], ["a", "A.b", "*.b", "a.b:443", "https://a.b", "a..b", "a.b/"]),
        ("team", ["@corp/ml", "@ann", "ann@corp.example"], ["corp/ml", "@corp/ml @x", "@", "a b@c"]),
        ("registry", ["registry.local", "r.local:5000/a/b"], ["https://r", "r/", "r/A", "r/*", ""]),
    ],
)
def test_a_text_of_a_tenant_is_accepted_or_refused(name: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not accepts("Tenant", name, text)] == []
    assert [text for text in bad if accepts("Tenant", name, text)] == []


SAID = [
    ("{run: {bento: 'm:1'}}", ["spec.run.source is missing: bento needs it"]),
    ("{run: {}}", ["spec.run has none of: bento, image, server"]),
    (
        "{run: {image: 'r/m:1', server: TRITON_SERVER}}",
        ["spec.run.modelUri is missing", "spec.run.image and spec.run.server cannot stand together"],
    ),
    ("{run: {server: HUGGINGFACE_SERVER}}", []),
    (
        "{run: {server: HUGGINGFACE_SERVER, port: 8080}}",
        ["spec.run.port cannot stand here: spec.run must say only server and modelUri where it says server"],
    ),
    (
        f"{{run: {BENTO}, nodes: {{a: {{run: {BENTO}}}}}}}",
        ["spec.run cannot stand here: spec must say what serves once: either run, or nodes"],
    ),
    ("{}", ["spec.run is missing"]),
    (f"{{predictors: {{blue: {{run: {BENTO}}}, green: {{run: {BENTO}}}}}}}", []),
    (
        "{nodes: {n: {implementation: RANDOM_ABTEST, type: ROUTER}}}",
        ["spec.nodes.n.type cannot stand here: spec.nodes.n must say no type and no run beside implementation"],
    ),
    ("{nodes: {a: {}}}", ["spec.nodes.a.run is missing"]),
    (
        f"{{run: {BENTO}, api: {{protocol: v2, routes: {{predict: [/x]}}}}}}",
        ["spec.api.routes cannot stand here: spec.api must say no routes: only the protocol bento has its own"],
    ),
    (
        f"{{run: {BENTO}, access: [{{can: [predict]}}]}}",
        ["spec.access[0] has none of: users, groups, clients, workloads, callers, anyAuthenticated"],
    ),
    (
        f"{{run: {BENTO}, access: [{{users: [a@b.c], anyAuthenticated: false}}]}}",
        ["spec.access[0].anyAuthenticated is false"],
    ),
    (
        f"{{run: {BENTO}, environments: {{dev: {{access: [{{users: [a@b.c]}}]}}}}}}",
        ['unknown key "access" in spec.environments.dev'],
    ),
    (
        f"{{run: {BENTO}, runtime: {{volumes: {{a: {{path: /a}}, b: {{path: /b, claim: c, empty: 1Gi}}}}}}}}",
        [
            "spec.runtime.volumes.a has none of: claim, configMap, secret, empty",
            "spec.runtime.volumes.b.claim and spec.runtime.volumes.b.empty cannot stand together",
        ],
    ),
    (
        f"{{run: {BENTO}, environments: {{prod: {{pins: {{main: 'r/m:1'}}}}}}}}",
        ['spec.environments.prod.pins.main is "r/m:1", but must be an image by digest'],
    ),
    (f"{{run: {BENTO}, runtime: {{cpu: }}}}", ["spec.runtime.cpu is empty, not text"]),
]


@pytest.mark.parametrize(("spec", "said"), SAID)
def test_a_model_says_one_thing_once(spec: str, said: list[str]) -> None:
    assert [problem.what for problem in check(model(spec))] == said
