"""A picture for pull requests and pages: a Mermaid flowchart."""

from collections.abc import Iterator

from generator.graph.picture import Box, Branch, Picture

# Shapes of Mermaid's flowchart syntax; every label is quoted, so that no word of the syntax can stand in it.
_SHAPES = {
    "caller": ("([", "])"),
    "model": ("{{", "}}"),
    "predictor": ("[", "]"),
    "node": ("(", ")"),
    "explainer": ("[/", "/]"),
    "sink": ("[(", ")]"),
    "detector": ("[/", "/]"),
}
# `#` begins an entity, `"` ends a label, `<` would begin HTML, and a backquote Markdown.
_ENTITIES = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}


def to_mermaid(picture: Picture) -> str:
    """Return the picture as the text of a Mermaid flowchart."""
    lines = ["flowchart LR"]
    for index, box in enumerate(picture.callers):
        lines += [f"  c{index}{_shape(box)}", f"  c{index} --> m"]
    lines += [f"  {line}" for line in _lines(picture.root, "m")]
    return "\n".join(lines) + "\n"


def _lines(branch: Branch, name: str) -> Iterator[str]:
    yield f"{name}{_shape(branch.box)}"
    for index, child in enumerate(branch.branches):
        below = f"{name}_{index}"
        yield from _lines(child, below)
        arrow = "-.->" if child.aside else "-->"
        label = f'|"{_escaped(child.label)}"|' if child.label else ""
        yield f"{name} {arrow}{label} {below}"


def _shape(box: Box) -> str:
    opening, closing = _SHAPES[box.kind]
    return f'{opening}"{"<br/>".join(map(_escaped, (box.title, *box.details)))}"{closing}'


def _escaped(text: str) -> str:
    return "".join(_ENTITIES.get(letter, letter) for letter in text)
