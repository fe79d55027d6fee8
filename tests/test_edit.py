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
