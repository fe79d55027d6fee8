"""Taking items out of a spec: only they go, every other byte stays."""

import pytest

from generator.edit import with_text, without_items

BLOCK = """\
# who may call it
spec:
  access:
    # the desk, for good
    - {groups: [desk], reason: "R-1"}   # said in June
    # a load test
    - users:
        - bob@corp.example
      until: "2026-01-31"
      reason: |
        a load test,
        over two lines
    - users: [eve@corp.example]

  # what follows stays
  runtime: {cpu: "1"}
"""
ACCESS = ("spec", "access")


def test_a_block_item_goes_with_its_lines_and_nothing_else() -> None:
    assert without_items(BLOCK, ACCESS, {1}) == BLOCK.replace(
        """\
    - users:
        - bob@corp.example
      until: "2026-01-31"
      reason: |
        a load test,
        over two lines
""",
        "",
    )


def test_the_last_item_leaves_the_comments_behind_it() -> None:
    assert without_items(BLOCK, ACCESS, {2}) == BLOCK.replace("    - users: [eve@corp.example]\n", "")


def test_several_items_go_at_once() -> None:
    assert without_items(BLOCK, ACCESS, {0, 1}).count("- ") == 1


def test_a_list_that_loses_all_its_items_goes_with_its_key() -> None:
    left = without_items(BLOCK, ACCESS, {0, 1, 2})
    assert left == '# who may call it\nspec:\n\n  # what follows stays\n  runtime: {cpu: "1"}\n'


def test_a_flow_list_keeps_the_spelling_of_what_stays() -> None:
    text = "spec:\n  access: [{users: [a@corp.example]}, {\"users\": [ 'b@corp.example' ]}]  # both\n"
    assert without_items(text, ACCESS, {0}) == "spec:\n  access: [{\"users\": [ 'b@corp.example' ]}]  # both\n"


def test_a_list_inside_a_flow_mapping_is_emptied_in_place() -> None:
    text = "spec: {access: [{users: [a@corp.example]}], data: internal}\n"
    assert without_items(text, ACCESS, {0}) == "spec: {access: [], data: internal}\n"


@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end\n"])
def test_the_last_line_of_the_file_may_be_the_item(end: str) -> None:
    text = "spec:\n  access:\n    - users: [a@corp.example]\n    - users: [b@corp.example]" + end
    assert without_items(text, ACCESS, {1}) == "spec:\n  access:\n    - users: [a@corp.example]\n" + end.removeprefix(
        "\n"
    )


PINNED = ("spec", "environments", "prod", "pins", "main")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "spec:\n  run: {}  # serves\n\n# the end\n",
            'spec:\n  run: {}  # serves\n  environments:\n    prod:\n      pins:\n        main: "x@y"\n\n# the end\n',
        ),
        (
            "spec:\n  environments:\n    prod:\n      pins:\n        main: 'old'  # by hand\n",
            'spec:\n  environments:\n    prod:\n      pins:\n        main: "x@y"  # by hand\n',
        ),
        (
            "spec:\n  environments:\n    dev: {}\n    prod: {runtime: {cpu: '2'}}  # big\n",
            "spec:\n  environments:\n    dev: {}\n    prod: {runtime: {cpu: '2'}, pins: {main: \"x@y\"}}  # big\n",
        ),
        (
            "spec:\n  environments:\n    prod:\n    dev: {}\n",
            'spec:\n  environments:\n    prod:\n      pins:\n        main: "x@y"\n    dev: {}\n',
        ),
        ("spec: {}", 'spec: {environments: {prod: {pins: {main: "x@y"}}}}'),
        (
            "spec:\n  environments:\n    prod:\n      pins:\n        canary: a\n  access: []",
            'spec:\n  environments:\n    prod:\n      pins:\n        canary: a\n        main: "x@y"\n  access: []',
        ),
    ],
    ids=["nothing yet", "an old pin", "a flow mapping", "an empty key", "all in flow", "beside another"],
)
def test_a_text_is_written_where_its_path_leads_and_nothing_else_changes(text: str, wanted: str) -> None:
    assert with_text(text, PINNED, "x@y") == wanted


LIST = """\
spec:
  access: [
    # the desk
    {users: [ü@corp.example]},   # said in June
    # a load test
    {users: [b@corp.example]}    # the last
  ]  # all
  data: internal
"""


@pytest.mark.parametrize(
    ("gone", "lines"), [({0}, [3]), ({1}, [5]), ({0, 1}, [1, 2, 3, 4, 5, 6])], ids=["first", "last", "all"]
)
def test_comments_in_a_list_over_several_lines_stay(gone: set[int], lines: list[int]) -> None:
    kept = [line for number, line in enumerate(LIST.splitlines(keepends=True)) if number not in lines]
    assert without_items(LIST, ACCESS, gone) == "".join(kept)


@pytest.mark.parametrize(
    ("gone", "left"),
    [({0}, "[{a: 2},{a: 3} ]"), ({1}, "[{a: 1} , {a: 3} ]"), ({2}, "[{a: 1} , {a: 2} ]"), ({0, 2}, "[{a: 2} ]"),
     ({1, 2}, "[{a: 1} ]")],
)  # fmt: skip
def test_a_list_in_one_line_keeps_its_commas_in_order(gone: set[int], left: str) -> None:
    text = "spec:\n  access: [{a: 1} , {a: 2},{a: 3} ]  # all\n  data: x\n"
    assert without_items(text, ACCESS, gone) == f"spec:\n  access: {left}  # all\n  data: x\n"


def test_line_ends_and_letters_of_all_kinds_are_counted_right() -> None:
    text = "spec:\r\n  access:\r\n    # ü 😀\r\n    - {users: [a@x.y]}  # é\r\n    - {users: [b@x.y]}\r\n"
    assert without_items(text, ACCESS, {0}) == text.replace("    - {users: [a@x.y]}  # é\r\n", "")
