"""The matrix as one page of HTML that needs nothing else: no script from elsewhere, no font, no request."""

from collections.abc import Iterator, Sequence
from html import escape

from generator.audit.rows import Row
from generator.audit.table import brief

STYLE = """
:root { color-scheme: light dark; --line: #d4d8de; --soft: #f4f6f8; --text: #1c2330; --dim: #667085; --yes: #10753f;
  --yes-soft: #e3f5ea; --bad: #b42318; --bad-soft: #fdecea }
@media (prefers-color-scheme: dark) { :root { --line: #343b46; --soft: #1d222b; --text: #e6e9ee; --dim: #98a2b3;
  --yes: #6ce9a6; --yes-soft: #12361f; --bad: #fda29b; --bad-soft: #4a1712 } body { background: #12161c } }
* { box-sizing: border-box }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--text); margin: 0 auto; padding: 2rem 1.5rem;
  max-width: 76rem }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } p { color: var(--dim); margin: 0 0 1rem; max-width: 60rem }
input { font: inherit; color: inherit; background: transparent; width: 100%; max-width: 26rem; padding: .5rem .75rem;
  border: 1px solid var(--line); border-radius: .5rem; margin-bottom: 1rem }
.frame { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .45rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top }
thead th { background: var(--soft); font-weight: 600; white-space: nowrap }
tbody.model:last-child tr:last-child td { border-bottom: 0 }
th.model { background: var(--soft); font-size: 1.02rem }
td.who { font-family: ui-monospace, monospace; font-size: .88rem }
td.cell { white-space: nowrap; color: var(--dim) }
.yes { color: var(--yes); background: var(--yes-soft); border-radius: 1rem; padding: .1rem .6rem; font-size: .85rem }
.bad { color: var(--bad); background: var(--bad-soft); border-radius: 1rem; padding: .1rem .6rem; font-size: .85rem;
  font-weight: 600 }
td.why { color: var(--dim); font-size: .88rem } td.why code { color: var(--text); font-size: .85rem }
td.again { opacity: .35 }
.verdict { border-left: 4px solid var(--yes); padding: .5rem 1rem; background: var(--yes-soft); margin: 0 0 1.25rem }
.verdict.wrong { border-color: var(--bad); background: var(--bad-soft) }
.verdict ul { margin: .3rem 0 0; padding-left: 1.2rem }
"""
FILTER = """
const box = document.querySelector('input');
box.addEventListener('input', () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const body of document.querySelectorAll('tbody')) {
    let any = false;
    for (const row of body.querySelectorAll('tr[data-text]')) {
      row.hidden = !words.every(word => row.dataset.text.includes(word));
      any ||= !row.hidden;
    }
    body.hidden = !any;
  }
});
"""


def page(found: Sequence[Row], environments: Sequence[str], *, title: str, intro: str, problems: Sequence[str]) -> str:
    """Return the page; ``problems`` are what is not as the specs grant, in words."""
    blocks: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        blocks.setdefault((row.tenant, row.model), []).append(row)
    columns = len(environments) + 3
    head = "".join(f"<th>{escape(name)}</th>" for name in ("operation", "who", *environments, "granted by"))
    bodies = "".join(_body(f"{t}/{m}", rows, environments, columns) for (t, m), rows in blocks.items())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1><p>{escape(intro)}</p>\n{_verdict(problems)}\n"
        '<input type="search" placeholder="filter: a name, a model, an environment…" aria-label="filter">\n'
        f'<div class="frame"><table><thead><tr>{head}</tr></thead>\n{bodies}</table></div>\n'
        f"<script>{FILTER}</script></body></html>\n"
    )


def _verdict(problems: Sequence[str]) -> str:
    if not problems:
        return '<div class="verdict">Everybody who gets in is granted by a spec, and everybody granted gets in.</div>'
    items = "".join(f"<li>{escape(one)}</li>" for one in problems)
    return f'<div class="verdict wrong"><strong>Not as the specs grant:</strong><ul>{items}</ul></div>'


def _body(title: str, rows: Sequence[Row], environments: Sequence[str], columns: int) -> str:
    lines = "".join(_row(title, row, environments, before) for row, before in _pairs(rows))
    head = f'<tr><th class="model" colspan="{columns}">{escape(title)}</th></tr>'
    return f'<tbody class="model">{head}\n{lines}</tbody>\n'


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, str]]:
    before = ""
    for row in rows:
        yield row, before
        before = row.operation


def _row(title: str, row: Row, environments: Sequence[str], before: str) -> str:
    cells = "".join(f'<td class="cell">{_cell(row, name)}</td>' for name in environments)
    said = [brief(one).partition(" ") for one in row.grants]
    why = "<br>".join(f"<code>{escape(place)}</code> {escape(rest)}" for place, _, rest in said)
    open_in = " ".join(name for name in environments if row.cells.get(name))
    words = [title, row.operation, str(row.identity), open_in, *map(brief, row.grants)]
    text = escape(" ".join(words).lower(), quote=True)
    again = ' class="again"' if row.operation == before else ""
    if row.beyond:
        missing = f'<span class="bad">not granted in {escape(", ".join(row.beyond))}</span>'
        why = f"{missing}<br>{why}" if why else missing
    return (
        f'<tr data-text="{text}"><td{again}>{escape(row.operation)}</td>'
        f'<td class="who">{escape(str(row.identity))}</td>{cells}<td class="why">{why}</td></tr>\n'
    )


def _cell(row: Row, environment: str) -> str:
    word = row.word(environment)
    cell = row.cells.get(environment)
    if cell is None:
        return escape(word)
    rule = escape(str(cell.rule or cell.reason.value), quote=True)
    return f'<span class="{"bad" if environment in row.beyond else "yes"}" title="{rule}">{escape(word)}</span>'
