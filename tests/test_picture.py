"""A model as a picture: exact as text and as Mermaid; as SVG well-formed, without overlaps, harmless."""

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import graph_cases as cases
import pytest
from build_fixtures import churn, fraud
from click.testing import CliRunner
from graphs import Spec, make

from generator.cli import main
from generator.graph import Box, Branch, Picture, picture, to_mermaid, to_svg, to_text

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
EVERY = pytest.mark.parametrize("spec", cases.GOOD.values(), ids=cases.GOOD.keys())
HOSTILE = """<script>alert("1")</script> & 'x' `y` #quot; --> ]]> %%{init: {}}%%"""

FRAUD = """\
payments/fraud in prod
  https://payments.ml.corp.example/seldon/payments/fraud
  protocol v2

called by
├─ group fraud-analysts  (can explain, predict)
├─ client checkout  (can predict)
└─ workload orders/checkout  (can predict; inside the mesh, past the traffic split)

served by
├─ 90 % → main  (4 to 20 replicas at 70 % cpu)
│  ├─ fraud  (model; Bento fraud:2.4.1)
│  └┄ explained by → explainer AnchorTabular  (image fraud-anchor @1a2b3c4)
└─ 10 % → canary  (2 replicas)
   └─ fraud  (model; Bento fraud:2.5.0)
"""
CHURN = """\
growth/churn in dev
  https://growth.dev.ml.corp.example/seldon/growth/churn
  protocol seldon, through Seldon

called by
├─ group retention  (can feedback, predict)
└─ client crm-backend  (can feedback, predict)

served by
├─ 100 % → main  (1 replica)
│  └─ clean  (transformer; image clean @1122334)
│     └─ outliers  (transformer; image od-vae @2233445)
│        └─ choose  (router; image mab @3344556)
│           ├─ gbm  (model; image gbm @4455667)
│           └─ net  (model; image net @5566778; 1 GPU)
└┄ requests logged → sink audit  (http://payload-log.audit.svc:8080)
   └┄ passed on → detector drift  (image drift-mmd @6677889)
"""
UPLIFT = """\
flowchart LR
  c0(["group retention<br/>can feedback, predict"])
  c0 --> m
  c1(["client crm-backend<br/>can feedback, predict"])
  c1 --> m
  m{{"growth/uplift<br/>https://growth.ml.corp.example/seldon/growth/uplift<br/>protocol seldon, through Seldon"}}
  m_0["main<br/>2 to 6 replicas by triggers"]
  m_0_0("split<br/>RANDOM_ABTEST, the executor itself")
  m_0_0_0("t-learner<br/>model<br/>image t-learner @aabbccd")
  m_0_0 -->|"50 %"| m_0_0_0
  m_0_0_1("x-learner<br/>model<br/>image x-learner @bbccdde")
  m_0_0 -->|"50 %"| m_0_0_1
  m_0 --> m_0_0
  m -->|"100 %"| m_0
  m_1[("sink lake<br/>Kafka topic model-payloads")]
  m -.->|"requests and responses logged"| m_1
"""


def run(*words: str) -> tuple[int, str, str]:
    made = CliRunner().invoke(main, ["-C", str(ROOT), "graph", *words])
    return made.exit_code, made.stdout, made.stderr


def hostile() -> Picture:
    box = Box(kind="node", title=HOSTILE, details=(HOSTILE,))
    root = Branch(box=replace(box, kind="model"), branches=(Branch(box=box, label=HOSTILE),))
    return Picture(title=HOSTILE, callers=(replace(box, kind="caller"),), root=root)


def boxes(svg: str) -> list[tuple[int, int, int, int]]:
    found = ET.fromstring(svg).iter(f"{SVG}rect")  # noqa: S314  # our own output
    sides = ("x", "y", "width", "height")
    return [tuple(int(one.get(side, "")) for side in sides) for one in found if one.get("class") == "b"]  # type: ignore[misc]  # four of them


# --- exact ---


@pytest.mark.parametrize(
    ("words", "text"), [(["payments/fraud"], FRAUD), (["growth/churn", "--environment", "dev"], CHURN)]
)
def test_a_model_is_a_tree_in_the_terminal(words: list[str], text: str) -> None:
    assert run(*words) == (0, text, "")


def test_a_model_is_a_flowchart_in_a_pull_request() -> None:
    assert run("growth/uplift", "--format", "mermaid") == (0, UPLIFT, "")


def test_a_model_that_nobody_may_call_says_so() -> None:
    assert "called by\n└─ nobody\n" in to_text(picture(make(cases.AROUND["nobody"]).model))


def test_a_shadow_hangs_on_a_dotted_line() -> None:
    text = to_text(picture(make(cases.PREDICTORS["shadow of some"]).model))
    assert "└┄ a copy of 5 % → mirror  (1 replica)" in text
    assert "└┄ a copy of all → mirror" in to_text(picture(make(cases.PREDICTORS["shadow of all"]).model))


def test_a_detector_that_nobody_is_known_to_feed_says_so() -> None:
    assert churn().log is not None
    assert "└┄ not known to be passed on → detector drift" in to_text(picture(churn()))


def test_a_random_split_says_the_share_of_each_child() -> None:
    text = to_text(picture(make(cases.NODES["random split"]).model))
    assert "├─ 90 % → m  (model; image a @0000000)\n" in text
    assert "└─ 10 % → n  (model; image a @0000000)\n" in text


# --- SVG ---


@EVERY
def test_no_box_lies_on_another_and_all_are_inside_the_picture(spec: Spec) -> None:
    svg = to_svg(picture(make(spec).model))
    found = boxes(svg)
    assert len(found) >= 3
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(found, 2):
        assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1
    root = ET.fromstring(svg)  # noqa: S314  # our own output
    for x, y, width, height in found:
        assert x >= 16 and x + width <= int(root.get("width", "")) - 16  # noqa: PT018  # one thought
        assert y >= 50 and y + height <= int(root.get("height", "")) - 16  # noqa: PT018


@EVERY
def test_every_box_is_led_to_from_the_left_by_one_line(spec: Spec) -> None:
    svg = to_svg(picture(make(spec).model))
    curves = re.findall(r'<path class="e(?: aside)?" d="M(\d+) (\d+)C[\d ]+H(\d+)"', svg)
    right = {x + width for x, _, width, _ in boxes(svg)}
    left = {x for x, _, _, _ in boxes(svg)}
    assert len(curves) == len(boxes(svg)) - 1
    assert {int(start) for start, _, _ in curves} <= right
    assert {int(end) + 7 for _, _, end in curves} <= left


def test_a_box_that_is_higher_than_all_behind_it_pushes_them_down() -> None:
    high = Branch(
        box=Box(kind="node", title="a", details=("1", "2", "3", "4")),
        branches=(Branch(box=Box(kind="node", title="b")),),
    )
    svg = to_svg(Picture(title="t", callers=(), root=Branch(box=Box(kind="model", title="m"), branches=(high, high))))
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(boxes(svg), 2):
        assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1
    assert min(y for _, y, _, _ in boxes(svg)) >= 50


def test_a_model_of_many_callers_and_a_small_graph_is_in_the_middle_of_them() -> None:
    model = fraud()
    users = tuple(f"user{index}@corp.example" for index in range(9))
    many = replace(model, grants=(replace(model.grants[0], users=users),))
    found = boxes(to_svg(picture(many)))
    callers = [one for one in found if one[0] == 16]
    middle = (callers[0][1] + callers[-1][1] + callers[-1][3]) // 2
    (own,) = [one for one in found if one[0] == min(x for x, *_ in found if x > 16)]
    assert abs(own[1] + own[3] // 2 - middle) <= 1


def test_svg_holds_shapes_and_text_and_nothing_that_acts_or_loads() -> None:
    root = ET.fromstring(to_svg(hostile()))  # noqa: S314  # our own output
    assert {one.tag.removeprefix(SVG) for one in root.iter()} == {"svg", "title", "style", "rect", "text", "path", "g"}
    names = {name for one in root.iter() for name in one.attrib}
    assert [name for name in names if name.startswith("on") or "href" in name or name == "style"] == []
    assert "url(" not in to_svg(hostile())
    assert next(one.text for one in root.iter(f"{SVG}title")) == HOSTILE


def test_a_text_that_is_too_long_for_a_box_is_cut_and_whole_in_its_title() -> None:
    box = Box(kind="model", title="a" * 80)
    svg = to_svg(Picture(title="t", callers=(), root=Branch(box=box)))
    assert f">{'a' * 63}…</text>" in svg
    assert f"<title>{'a' * 80}</title>" in svg


def test_colours_follow_the_ground_that_the_reader_has_chosen() -> None:
    style = to_svg(hostile()).partition("<style>")[2].partition("</style>")[0]
    light, _, dark = style.partition("@media (prefers-color-scheme:dark)")
    kinds = ("caller", "model", "predictor", "node", "explainer", "sink", "detector")
    assert [kind for kind in kinds if f".{kind}{{fill:" not in light or f".{kind}{{fill:" not in dark] == []


# --- Mermaid ---


def test_no_label_ends_its_quotes_or_begins_html_in_mermaid() -> None:
    for line in to_mermaid(hostile()).splitlines()[1:]:
        labels = re.findall(r'"([^"]*)"', line)
        assert len(labels) == line.count('"') / 2 <= 1
        for label in labels:
            assert not re.search(r"[<>`]|#(?!35;|quot;|lt;|gt;|amp;|96;)", label.replace("<br/>", ""))


@EVERY
def test_mermaid_says_what_the_tree_says(spec: Spec) -> None:
    model = make(spec).model
    text, chart = to_text(picture(model)), to_mermaid(picture(model))
    for predictor in model.predictors:
        assert f'"{predictor.name}<br/>' in chart
        assert f"→ {predictor.name}  (" in text
        for node in predictor.nodes():
            assert f'("{node.name}<br/>' in chart
            assert f"─ {node.name}  (" in text or f"→ {node.name}  (" in text


# --- the command ---


def test_a_model_that_is_not_there_is_a_mistake_of_the_callers() -> None:
    code, out, err = run("payments/frauds")
    assert (code, out) == (2, "")
    assert 'there is no model "payments/frauds"' in err


def test_an_environment_that_is_not_there_offers_those_that_are() -> None:
    code, _, err = run("payments/fraud", "--environment", "production")
    assert code == 2
    assert 'payments has no environment "production"\n  one of: dev, staging, prod' in err


def test_the_picture_of_a_spec_with_a_problem_is_the_problem(tmp_path: Path) -> None:
    for name in ("platform.yaml", "keys/corp.json", "tenants/payments/tenant.yaml", "tenants/payments/fraud.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / name).read_text(encoding="utf-8").replace("canary: null", "canary: {traffic: 50}")
        (tmp_path / name).write_text(text, encoding="utf-8")
    made = CliRunner().invoke(main, ["-C", str(tmp_path), "graph", "payments/fraud"])
    assert (made.exit_code, made.stdout) == (1, "")
    assert "[traffic-sum]" in made.stderr
