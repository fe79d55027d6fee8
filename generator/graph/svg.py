"""A picture for pages: an SVG that is legible on light and dark grounds and holds nothing but shapes and text.

The layout is a layered tree from left to right: callers, the model, and behind it a column for each level. A box
stands in the middle of those behind it. All numbers are whole, so that a small change of a model is a small diff.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from generator.graph.picture import Box, Branch, Picture

MARGIN, TITLE_HEIGHT = 16, 34
PAD, LINE, HEAD = 12, 16, 22  # within a box: to its sides, between details, from its top to the title's base
ROW_GAP, COLUMN_GAP = 14, 48  # the least between boxes; a column's labels widen it
TITLE_LETTER, DETAIL_LETTER = 7.5, 6.25  # how wide a letter of either size is on the average, in wide fonts
LONGEST = 64  # letters of a line; what is longer is cut, and whole in the box's <title>

_STYLE = """\
svg{font-family:ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
.head{font-size:15px;font-weight:600;fill:#1f2328}.t{font-size:13px;font-weight:600;fill:#1f2328}
.d{font-size:11px;fill:#59636e}.l{font-size:11px;fill:#59636e}
.b{fill:#f6f8fa;stroke:#d1d9e0}.e{fill:none;stroke:#818b98;stroke-width:1.5}.aside{stroke-dasharray:4 4}
.a{fill:#818b98}.caller{fill:#8250df}.model{fill:#0969da}.predictor{fill:#1a7f37}.node{fill:#57606a}
.explainer{fill:#bf8700}.sink{fill:#bc4c00}.detector{fill:#cf222e}
@media (prefers-color-scheme:dark){.head,.t{fill:#f0f6fc}.d,.l{fill:#9198a1}
.ground{fill:#0d1117}.b{fill:#151b23;stroke:#3d444d}.caller{fill:#ab7df8}.model{fill:#4493f8}
.predictor{fill:#3fb950}.node{fill:#9198a1}.explainer{fill:#d29922}.sink{fill:#db6d28}.detector{fill:#f85149}}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A box with its place; ``parent``: the index of the box that it hangs on, -1 for none."""

    box: Box
    x: int
    y: int
    width: int
    height: int
    parent: int = -1
    label: str = ""
    aside: bool = False

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


def to_svg(picture: Picture) -> str:
    """Return the picture as the text of an SVG file; every text in it is escaped."""
    callers, tree = _placed(picture)
    everything = (*callers, *tree)
    width = max(one.x + one.width for one in everything) + MARGIN
    width = max(width, 2 * MARGIN + _wide(TITLE_LETTER * 1.2, picture.title))
    height = max(one.y + one.height for one in everything) + MARGIN
    name = _escaped(picture.title)
    size = f'width="{width}" height="{height}"'
    view = f'viewBox="0 0 {width} {height}" role="img" aria-label="{name}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view}>',
            f"<title>{name}</title>",
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="ground" {size} fill="#fff"/>',
            f'<text class="head" x="{MARGIN}" y="{MARGIN + 12}">{name}</text>',
            *(_edge(one, tree[0], "", aside=False) for one in callers),
            *(_edge(tree[one.parent], one, one.label, aside=one.aside) for one in tree if one.parent >= 0),
            *(line for one in everything for line in _box(one)),
            "</svg>\n",
        ]
    )


def _placed(picture: Picture) -> tuple[list[_Placed], list[_Placed]]:
    """Return the callers and the tree, each box at its place, the root of the tree first."""
    levels = list(_levels([picture.root]))
    widths = [max(_width(branch.box) for branch in level) for level in levels]
    gaps = [COLUMN_GAP + max(_wide(DETAIL_LETTER, branch.label) for branch in level) for level in levels]
    first = max(map(_width, picture.callers), default=0)
    left = MARGIN + first + COLUMN_GAP if picture.callers else MARGIN
    columns = [left + sum(widths[:index]) + sum(gaps[1 : index + 1]) for index in range(len(levels))]
    tree: list[_Placed] = []
    depth = _place(picture.root, 0, top=MARGIN + TITLE_HEIGHT, columns=columns, into=tree)
    needed = sum(_height(box) + ROW_GAP for box in picture.callers) - ROW_GAP
    lower = max(0, (needed - (depth - MARGIN - TITLE_HEIGHT)) // 2)
    tree = [_moved(one, lower) for one in tree]
    top = max(MARGIN + TITLE_HEIGHT, tree[0].middle - needed // 2)
    callers = []
    for box in picture.callers:
        callers.append(_Placed(box=box, x=MARGIN, y=top, width=first, height=_height(box)))
        top += _height(box) + ROW_GAP
    return callers, tree


def _levels(level: Sequence[Branch]) -> Iterator[Sequence[Branch]]:
    while level:
        yield level
        level = [child for branch in level for child in branch.branches]


def _place(branch: Branch, depth: int, *, top: int, columns: Sequence[int], into: list[_Placed]) -> int:
    """Place a branch and all behind it below ``top``; return where they end."""
    height, index = _height(branch.box), len(into)
    at = _Placed(box=branch.box, x=columns[depth], y=top, width=_width(branch.box), height=height)
    into.append(at)
    ends = top
    middles: list[int] = []
    for child in branch.branches:
        number = len(into)
        ends = _place(child, depth + 1, top=ends + (ROW_GAP if middles else 0), columns=columns, into=into)
        into[number] = replace(into[number], parent=index, label=child.label, aside=child.aside)
        middles.append(into[number].middle)
    if not middles:
        return top + height
    between = (middles[0] + middles[-1]) // 2 - height // 2
    lower = max(0, top - between)  # a box that is higher than all behind it pushes them down
    for number in range(index + 1, len(into)):
        into[number] = _moved(into[number], lower)
    into[index] = _moved(at, between + lower - top)
    return max(ends + lower, between + lower + height)


def _moved(placed: _Placed, lower: int) -> _Placed:
    return replace(placed, y=placed.y + lower)


def _width(box: Box) -> int:
    details = [_wide(DETAIL_LETTER, _cut(detail)) for detail in box.details]
    return 2 * PAD + max([_wide(TITLE_LETTER, _cut(box.title)), *details])


def _wide(letter: float, text: str) -> int:
    return ceil(letter * len(text))


def _height(box: Box) -> int:
    return HEAD + LINE * len(box.details) + PAD - 2


def _edge(source: _Placed, target: _Placed, label: str, *, aside: bool) -> str:
    x1, y1, x2, y2 = source.x + source.width, source.middle, target.x, target.middle
    flat = x2 - 14 - _wide(DETAIL_LETTER, label)  # from here on the line is level, and the label stands on it
    bend = (flat - x1) // 2
    curve = f"M{x1} {y1}C{x1 + bend} {y1} {flat - bend} {y2} {flat} {y2}H{x2 - 7}"
    path = f'<path class="e{" aside" if aside else ""}" d="{curve}"/>'
    head = f'<path class="a" d="M{x2} {y2}l-8 -4v8z"/>'
    if not label:
        return path + head
    return f'{path}{head}<text class="l" x="{x2 - 12}" y="{y2 - 5}" text-anchor="end">{_escaped(label)}</text>'


def _box(placed: _Placed) -> Iterator[str]:
    box, x, y = placed.box, placed.x, placed.y
    whole = "; ".join((box.title, *box.details))
    size = f'width="{placed.width}" height="{placed.height}"'
    yield f'<g><title>{_escaped(whole)}</title><rect class="b" x="{x}" y="{y}" {size} rx="6"/>'
    yield f'<rect class="{box.kind}" x="{x}" y="{y + 6}" width="3" height="{placed.height - 12}"/>'
    yield f'<text class="t" x="{x + PAD}" y="{y + HEAD - 3}">{_escaped(_cut(box.title))}</text>'
    for index, detail in enumerate(box.details, start=1):
        yield f'<text class="d" x="{x + PAD}" y="{y + HEAD + LINE * index - 3}">{_escaped(_cut(detail))}</text>'
    yield "</g>"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _escaped(text: str) -> str:
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(sign, entity)
    return text
