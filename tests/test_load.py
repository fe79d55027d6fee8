"""Loading: data, places, and each thing that keeps a file from being read."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yaml import SafeLoader

from generator.diag import Mark
from generator.document import Document, dotted
from generator.load import load
from generator.scalars import is_ambiguous, is_surely_text, scalar

SPEC = b"""\
# yaml-language-server: $schema=x
kind: Model
metadata: {name: fraud}
spec:
  replicas: 2
  access:
    - users: [alice@corp.example, "bob"]
    - {groups: [a], until: 2027-01-31}
  canary: null
  run:
    bento: fraud:2.4.1
  empty:
"""

BEGIN = "  begin with apiVersion, kind, metadata and spec"

ERRORS = {
    "two colons in a line": (
        "a: b: c",
        '1:5: unquoted text cannot hold ": " [yaml-syntax]\n  put the text in quotes',
    ),
    "a line without a colon above a key": (
        "a\nb: c",
        '2:2: "a" in the line above has no ": " [yaml-syntax]\n  write it as "key: value"',
    ),
    "a last line without a colon": (
        "a: 1\nb\n",
        '2:1: the line has no ": " [yaml-syntax]\n  write it as "key: value"',
    ),
    "a key set in too far below a value": (
        "a: 1\n b: 2",
        '2:3: "b" is set in too far for a key [yaml-syntax]\n  line it up with the keys above',
    ),
    "a key set in too far below a comment": (
        "a: b #c\n  d: e",
        '2:3: "d" is set in too far for a key [yaml-syntax]\n  line it up with the keys above',
    ),
    "a key between two indentations": (
        "a:\n  b: c\n c: d",
        "3:2: the line stands between the indentations of the lines above [yaml-syntax]\n  line it up with one of them",
    ),
    "a key further out than the first": (
        "  a: 1\nb: 2",
        "2:1: the line stands outside the mapping above [yaml-syntax]\n  line it up with the first key",
    ),
    "a key among the items of a list": (
        "a:\n  - b\n  c: d",
        '3:3: the line belongs to no item of the list above [yaml-syntax]\n  begin it with "- "',
    ),
    "a list item behind its key": (
        "a: - b",
        "1:4: a list item cannot follow its key in one line [yaml-syntax]\n  begin the list in the next line",
    ),
    "an open list": (
        "a:\n  b: [1, 2\n  c: d\n",
        '2:6: the list that begins here is not closed [yaml-syntax]\n  add the missing "," or "]"',
    ),
    "an open mapping": (
        "a: {b: 1",
        '1:4: the mapping that begins here is not closed [yaml-syntax]\n  add the missing "," or "}"',
    ),
    "a bracket too many": ("a: [1]]", '1:7: "]" closes nothing [yaml-syntax]\n  take it out'),
    "a bracket for a value": (
        "a: [}",
        '1:5: "}" stands where a value must be [yaml-syntax]\n  write the value, or quote it',
    ),
    "an open single quote": (
        "a: 'x\nb: c\n",
        "1:4: the quote that opens here is not closed [yaml-syntax]\n  close it with '",
    ),
    "an open double quote": ('a: "x', '1:4: the quote that opens here is not closed [yaml-syntax]\n  close it with "'),
    "text behind a quote": (
        "a: 'it's'",
        "1:8: the text goes on after its closing quote [yaml-syntax]\n  quote the whole text",
    ),
    "an unknown escape": (
        'a: "\\x"',
        '1:7: a "\\" in double quotes begins no known escape [yaml-syntax]\n  write "\\\\", or use single quotes',
    ),
    "a block of text in its own line": (
        "a: |x\n y",
        '1:4: a block of text begins in the line below its mark [yaml-syntax]\n  leave only "|" or ">" in this line',
    ),
    "a reserved sign": ("a: @x", '1:4: unquoted text cannot begin with "@" [yaml-syntax]\n  put the text in quotes'),
    "a question mark": ("a: ?\n", '1:4: unquoted text cannot begin with "?" [yaml-syntax]\n  put the text in quotes'),
    "no key before a colon": (
        ": x",
        '1:1: a key is missing before the colon [yaml-syntax]\n  write it as "key: value"',
    ),
    "a bare star": ("a: *", '1:4: unquoted text cannot begin with "*" [yaml-anchor]\n  put the text in quotes'),
    "an alias": ("a: *x", '1:4: "*x" is an alias [yaml-anchor]\n  write the value in full, or quote the text'),
    "an anchor": (
        "a: &x b",
        '1:4: "&x" is an anchor [yaml-anchor]\n  take it out and write the value wherever it is needed',
    ),
    "a merge key": ("<<: {a: b}", '1:1: "<<" is a merge key [yaml-anchor]\n  write the keys out'),
    "a tag": ("a: !!int 3", '1:4: tags are not used here [yaml-tag]\n  take the "!" out, or quote the text'),
    "an undefined tag": ("a: !x!y z", '1:4: tags are not used here [yaml-tag]\n  take the "!" out, or quote the text'),
    "a bare tag on a list": (
        "a: ! [b]",
        '1:4: tags are not used here [yaml-tag]\n  take the "!" out, or quote the text',
    ),
    "a directive": (
        "%YAML 1.1\n---\na: b",
        '1:1: a line that begins with "%" speaks to the YAML reader [yaml-directive]\n  take the line out',
    ),
    "a directive of the future": (
        "%YAML 3.0\n---\na: b",
        '1:1: a line that begins with "%" speaks to the YAML reader [yaml-directive]\n  take the line out',
    ),
    "a tab as indentation": ("a:\n\tb: c", "2:1: a tab stands outside quotes [yaml-tab]\n  use spaces"),
    "a tab below a value": ("a: b\n\tc: d", "2:1: a tab stands outside quotes [yaml-tab]\n  use spaces"),
    "a tab behind a colon": ("a:\tb", "1:3: a tab stands outside quotes [yaml-tab]\n  use spaces"),
    "a tab in a list": ("a: [\n\tb]", "2:1: a tab stands outside quotes [yaml-tab]\n  use spaces"),
    "a tab in unquoted text": ("a: b\tc", "1:5: a tab stands outside quotes [yaml-tab]\n  use spaces"),
    "a second document": (
        "a: b\n---\nc: d\n",
        "2:1: a second document begins here [several-documents]\n  keep one document in a file",
    ),
    "an empty file": ("", "1:1: the file says nothing [empty-file]\n" + BEGIN),
    "only a comment": (
        "# a\n",
        "1:1: the file says nothing [empty-file]\n" + BEGIN,
    ),
    "only a marker": (
        "---\n",
        "1:1: the file says nothing [empty-file]\n" + BEGIN,
    ),
    "a list": (
        "\n- a\n",
        "2:1: the file is a list, not a mapping [not-a-mapping]\n" + BEGIN,
    ),
    "a word": (
        "a\n",
        "1:1: the file is a single value, not a mapping [not-a-mapping]\n" + BEGIN,
    ),
    "a number for a key": ("1: a", '1:1: the key 1 is a number without quotes [key-not-text]\n  quote it: "1"'),
    "a truth value for a key": (
        "true: a",
        '1:1: the key true is yes or no without quotes [key-not-text]\n  quote it: "true"',
    ),
    "null for a key": ("null: a", '1:1: the key null is nothing without quotes [key-not-text]\n  quote it: "null"'),
    "an empty key": (
        "? a\n: b\n?\n",
        '3:2: a key is missing before the colon [key-not-text]\n  write it as "key: value"',
    ),
    "a mapping for a key": (
        "{a: b}: c",
        "1:1: a key is a list or a mapping [key-not-text]\n  write a name before the colon",
    ),
    "a control character": (
        "a: b\nc: \x00",
        "2:4: the character U+0000 cannot be seen [control-character]\n  take it out",
    ),
    "an escaped control character": (
        'a: "\\0"',
        "1:4: the character U+0000 cannot be seen [control-character]\n  take it out",
    ),
    "an escaped control character in a key": (
        '"\\0": a',
        "1:1: the character U+0000 cannot be seen [control-character]\n  take it out",
    ),
    "a turned reading direction": (
        "ä: \u202e",
        "1:4: the character U+202E cannot be seen [control-character]\n  take it out",
    ),
    "a lone carriage return": (
        "a: b\rc: d",
        "1:5: the character U+000D cannot be seen [control-character]\n  take it out",
    ),
    "a byte order mark": (
        "\ufeffa: b",
        (
            "1:1: the file begins with a byte order mark, which no editor shows [byte-order-mark]\n"
            '  save it as "UTF-8", not "UTF-8 with BOM"'
        ),
    ),
    "too many levels": (
        "a: " + "[" * 50,
        "1:43: the file nests deeper than 40 levels [too-deep]\n  say it with fewer levels",
    ),
    "too many bytes": (
        "a: " + "b" * 300_000,
        "1:1: the file has 293 KiB; a spec has at most 256 KiB [too-large]\n  split it: one model in one file",
    ),
}


def said(text: bytes | str, **options: Any) -> str:
    """Return what loading says, without the file's name."""
    loaded = load(text.encode() if isinstance(text, str) else text, "f", **options)
    assert not isinstance(loaded, Document)
    return "\n".join(str(problem).removeprefix("f:") for problem in loaded)


def document(text: bytes | str, **options: Any) -> Document:
    loaded = load(text.encode() if isinstance(text, str) else text, "f", **options)
    assert isinstance(loaded, Document), loaded
    return loaded


@pytest.mark.parametrize(("text", "want"), ERRORS.values(), ids=ERRORS)
def test_each_error_says_what_is_wrong_where_and_one_action(text: str, want: str) -> None:
    assert said(text) == want


@pytest.mark.parametrize("text", [text for text, _ in ERRORS.values()], ids=ERRORS)
def test_the_pure_parser_finds_the_same_rule(text: str) -> None:
    assert (
        said(text, parser=SafeLoader).partition("\n")[0].split("[")[-1] == said(text).partition("\n")[0].split("[")[-1]
    )


def test_a_file_that_is_not_utf8_is_refused_at_the_first_wrong_byte() -> None:
    assert said(b"a: b\n\xc3\xa4: \xff") == "2:4: the byte 0xff is not UTF-8 [not-utf8]\n  save the file as UTF-8"
    assert said("a: b".encode("utf-16")) == "1:1: the file is UTF-16 [not-utf8]\n  save it as UTF-8"


def test_a_duplicate_key_is_an_error_at_the_second_that_names_the_first() -> None:
    text = 'a: 1\nb: {c: 1, "c": 2}\na: 3\n'
    assert said(text) == (
        '2:11: the key "c" stands here twice: first at f:2:5 [duplicate-key]\n  keep one of them\n'
        '3:1: the key "a" stands here twice: first at f:1:1 [duplicate-key]\n  keep one of them'
    )


def test_keys_that_are_no_text_are_not_called_duplicates() -> None:
    wrong = "a key is a list or a mapping [key-not-text]\n  write a name before the colon"
    assert said("[a]: b\n[a]: c\n") == f"1:1: {wrong}\n2:1: {wrong}"


def test_all_problems_are_said_at_once_and_with_the_syntax_error_that_ends_the_reading() -> None:
    rules = [line.split("[")[-1] for line in said("a: &x 1\na: !y 2\nb: *z\nc: [").splitlines()[::2]]
    assert rules == ["yaml-anchor]", "duplicate-key]", "yaml-tag]", "yaml-anchor]", "yaml-syntax]"]


def test_tabs_in_strings_and_comments_are_no_problem() -> None:
    text = "a: b # x\ty\nc: \"\td\"\nd: |\n  x\ty\ne: '\t#\t'\n#\t\n"
    assert document(text).data == {"a": "b", "c": "\td", "d": "x\ty\n", "e": "\t#\t"}


def test_windows_line_ends_are_no_problem() -> None:
    loaded = document(b"a: b\r\nc: d\r\n")
    assert loaded.data == {"a": "b", "c": "d"}
    assert loaded.key_mark(("c",)) == Mark("f", 2, 1)


def test_on_and_yes_are_ordinary_keys() -> None:
    assert document("on: a\nyes: b\n'1': c").data == {"on": "a", "yes": "b", "1": "c"}


def test_every_key_and_value_has_its_place() -> None:
    loaded = document(SPEC)
    assert loaded.kind == "Model"
    assert loaded.name == "fraud"
    assert loaded.key_mark(()) == loaded.value_mark(()) == Mark("f", 2, 1)
    assert loaded.key_mark(("metadata", "name")) == Mark("f", 3, 12)
    assert loaded.value_mark(("metadata", "name")) == Mark("f", 3, 18)
    assert loaded.value_mark(("spec", "access", 0)) == loaded.key_mark(("spec", "access", 0)) == Mark("f", 7, 7)
    assert loaded.value_mark(("spec", "access", 0, "users", 1)) == Mark("f", 7, 35)
    assert loaded.value_mark(("spec", "access", 1, "until")) == Mark("f", 8, 28)
    assert loaded.value_mark(("spec", "empty")) == Mark("f", 12, 9)


def test_a_place_that_is_not_there_falls_back_to_the_nearest_parent() -> None:
    loaded = document(SPEC)
    assert loaded.value_mark(("spec", "run", "source", "oci")) == loaded.value_mark(("spec", "run")) == Mark("f", 11, 5)
    assert loaded.key_mark(("spec", "run", "source", "oci")) == Mark("f", 10, 3)
    assert loaded.key_mark(("nothing",)) == Mark("f", 2, 1)
    assert loaded.has(("spec", "run")) is True
    assert loaded.has(("spec", "run", "source")) is False


def test_the_raw_text_of_unquoted_scalars_is_kept_where_it_is_not_surely_text() -> None:
    loaded = document("a: 1.30\nb: '1.30'\nc: [yes, word]\nd:\n")
    assert loaded.data == {"a": 1.3, "b": "1.30", "c": ["yes", "word"], "d": None}
    assert loaded.raw(("a",)) == "1.30"
    assert loaded.raw(("b",)) is None
    assert loaded.raw(("d",)) == ""
    assert loaded.raw(("nothing",)) is None
    assert list(loaded.plain_paths()) == [(("a",), "1.30"), (("c", 0), "yes"), (("d",), "")]


def test_a_document_without_kind_and_name_says_so() -> None:
    loaded = document("kind: 1\nmetadata: []\n")
    assert loaded.kind is None
    assert loaded.name == ""


def test_paths_read_as_people_write_them() -> None:
    assert dotted(("spec", "access", 0, "users", 1)) == "spec.access[0].users[1]"
    assert dotted(("metadata", "annotations", "a.b/c")) == 'metadata.annotations."a.b/c"'
    assert dotted(()) == "the file"


def test_the_pure_parser_makes_the_same_document() -> None:
    fast, pure = document(SPEC), document(SPEC, parser=SafeLoader)
    assert (fast.data, list(fast.places), fast.plain) == (pure.data, list(pure.places), pure.plain)


@pytest.mark.parametrize(
    ("raw", "value", "ambiguous"),
    [
        ("word", "word", False),
        ("1.30.5", "1.30.5", False),
        ("10.0.0.1", "10.0.0.1", False),
        ("fraud:2.4.1", "fraud:2.4.1", False),
        ("8080:80", "8080:80", False),
        ("1Gi", "1Gi", False),
        ("true", True, False),
        ("FALSE", False, False),
        ("~", None, False),
        ("", None, False),
        ("90", 90, False),
        ("-1", -1, False),
        ("0x1F", 31, False),
        ("1.30", 1.3, False),
        ("1.5e+3", 1500.0, False),
        ("yes", "yes", True),
        ("Off", "Off", True),
        ("n", "n", True),
        ("0777", 777, True),
        ("08", 8, True),
        ("0o17", 15, True),
        ("0b11", "0b11", True),
        ("1_000", "1_000", True),
        ("1_0.5", "1_0.5", True),
        ("12:30:45", "12:30:45", True),
        ("10:00", "10:00", True),
        ("1e3", 1000.0, True),
        ("-.5", -0.5, True),
        (".inf", ".inf", True),
        (".NaN", ".NaN", True),
        ("1e999", "1e999", True),
        ("9223372036854775807", 2**63 - 1, False),
        ("9223372036854775808", "9223372036854775808", True),
        ("9" * 5000, "9" * 5000, True),
        ("1_" * 5000, "1_" * 5000, True),
        ("2027-01-31", "2027-01-31", True),
        ("2027-01-31T10:00:00Z", "2027-01-31T10:00:00Z", True),
        ("=", "=", True),
    ],
)
def test_unquoted_scalars_are_yaml_1_2_and_doubtful_ones_are_known(raw: str, value: object, *, ambiguous: bool) -> None:
    assert scalar(raw) == value
    assert type(scalar(raw)) is type(value)
    assert is_ambiguous(raw) is ambiguous
    assert is_surely_text(raw) is (value == raw and not ambiguous)


YAMLISH = st.text(alphabet="ab1:-?[]{},#&*!|>'\"%@` \n\t.\\~é\u2028\x00\r", max_size=60)
PIECES = st.lists(
    st.sampled_from(
        ["a: ", "b:\n", "  ", "- ", "[", "]", "{", "}", ", ", "x", "'", '"', "|\n", ">-\n", "# c\n", "\n", "\t", "&a ",
         "*a", "!!str ", "---\n", "...\n", "? ", ": ", "<<: ", "1.30", "yes", "0777", "é", "\r\n", "\\x", "%YAML 1.2\n"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


def inside(mark: Mark, text: bytes) -> bool:
    """Say whether a mark is a place in the text, or right behind the last character of a line."""
    lines = text.decode("utf-8", "replace").split("\n")
    return 1 <= mark.line <= len(lines) and 1 <= mark.column <= len(lines[mark.line - 1]) + 1


@settings(max_examples=400, deadline=None)
@example("a: 'x\\")
@example('a: "\\uD800"')
@example("a: [\n")
@example("a:\n\n")
@example("? a")
@example("? ?\n? ?")
@example("? a\n: b\n?")
@given(st.one_of(st.binary(max_size=60), YAMLISH, PIECES))
def test_any_bytes_give_a_document_or_problems_inside_the_file(text: bytes | str) -> None:
    raw = text.encode() if isinstance(text, str) else text
    for parser in (None, SafeLoader):
        loaded = load(raw, "f") if parser is None else load(raw, "f", parser=parser)
        if isinstance(loaded, Document):
            places = [path for path, _ in loaded.plain_paths()] + [()]
            marks = [mark(path) for path in places for mark in (loaded.key_mark, loaded.value_mark)]
            assert json.loads(json.dumps(loaded.data)) == loaded.data
        else:
            marks = [problem.mark for problem in loaded]
            assert marks
        assert all(inside(mark, raw) for mark in marks), (marks, raw)


SEEN = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Cn"]))
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, SEEN)
TREES = st.recursive(
    LEAVES,
    lambda part: st.one_of(st.lists(part, max_size=3), st.dictionaries(st.text("ab<é", min_size=1), part, max_size=3)),
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1), TREES, min_size=1))
def test_json_reads_back_as_it_is_with_a_place_for_everything(data: dict[str, Any]) -> None:
    text = json.dumps(data, indent=1, ensure_ascii=False)
    loaded = document(text)
    assert loaded.data == data
    lines = text.split("\n")

    def visit(value: Any, path: tuple[str | int, ...]) -> None:
        mark = loaded.value_mark(path)
        shown = json.dumps(value, ensure_ascii=False)
        assert lines[mark.line - 1][mark.column - 1] == shown[0]
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, part in parts:
            if isinstance(key, str):
                place = loaded.key_mark((*path, key))
                assert lines[place.line - 1][place.column - 1 :].startswith(json.dumps(key, ensure_ascii=False))
            visit(part, (*path, key))

    visit(data, ())


@pytest.mark.parametrize("file", sorted(p.as_posix() for p in (Path(__file__).parents[1] / "tenants").rglob("*.yaml")))
def test_the_specs_of_this_repository_load(file: str) -> None:
    assert document(Path(file).read_bytes()).kind in {"Model", "Tenant"}
