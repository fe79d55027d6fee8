"""A picture for the terminal: a tree of lines."""

from collections.abc import Iterator

from generator.graph.picture import Box, Branch, Picture

_FORK, _LAST, _BAR, _GAP = "├─ ", "└─ ", "│  ", "   "


def to_text(picture: Picture) -> str:
    """Return the picture as a Unicode tree; what no answer depends on hangs on a dotted branch."""
    lines = [picture.title, *(f"  {detail}" for detail in picture.root.box.details)]
    callers = [_line(box) for box in picture.callers] or ["nobody"]
    lines += ["", "called by", *_listed(callers), "", "served by"]
    lines += _branches(picture.root.branches, "")
    return "\n".join(lines) + "\n"


def _listed(lines: list[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f"{_LAST if index == len(lines) - 1 else _FORK}{line}"


def _branches(branches: tuple[Branch, ...], front: str) -> Iterator[str]:
    for index, branch in enumerate(branches):
        last = index == len(branches) - 1
        joint = _LAST if last else _FORK
        yield f"{front}{joint.replace('─', '┄') if branch.aside else joint}{_labelled(branch)}"
        yield from _branches(branch.branches, front + (_GAP if last else _BAR))


def _labelled(branch: Branch) -> str:
    return f"{branch.label} → {_line(branch.box)}" if branch.label else _line(branch.box)


def _line(box: Box) -> str:
    return f"{box.title}  ({'; '.join(box.details)})" if box.details else box.title
