"""What gen does on purpose although a trap is named after it, and what people can do about the rest."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meant:
    """A trap that gen's own objects are in, on purpose: which one, a part of its message, and why."""

    rule: str
    about: str
    why: str


BY_DESIGN = (
    Meant(
        "dead-grpc-port",
        "",
        "the operator opens 9500 in the Service of any node without executor; gen's policies let no caller reach it",
    ),
    Meant(
        "reserved-name",
        '"tfserving"',
        "a TENSORFLOW_SERVER behind its proxy is looked for under this name; it needs its own walls and resources",
    ),
    Meant("unbound-container", '"tfserving"', "the same container: it is no node, the proxy before it is"),
    Meant(
        "hashed-name",
        "",
        "names that Seldon would hash are refused as name-too-long; what is left only looks like a hash",
    ),
)

# The few that a spec can cause; every other one is gen's own mistake.
_ACTIONS = {
    "engine-predictor-length": "use fewer nodes, or less env and fewer volumes in each: Seldon hands the executor the "
    "whole graph in one variable",
    "abtest-ratio": "keep ratioA as the only parameter of the RANDOM_ABTEST",
}
_BUG = "this is not your mistake: report it with the spec, gen should have refused or rendered it otherwise"


def todo_for(rule: str) -> str:
    """Return the one thing to do about a rule of the operator's."""
    return _ACTIONS.get(rule, _BUG)


def caused_by_specs() -> tuple[str, ...]:
    """Return the rules that a spec can still break after it has passed the rules about specs."""
    return tuple(sorted(_ACTIONS))
