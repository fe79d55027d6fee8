"""Turn a rule about one case, predictor or graph into a rule about all of them that says each thing once.

What is wrong in every environment is said once and names none; what is wrong in some is said once and names them, in
the place where the text says HERE.
"""

from collections.abc import Callable, Iterable, Iterator

from generator.rules.cases import Case, ModelSpec, Slot
from generator.rules.rule import Problem, Problems
from generator.rules.specs import Specs
from generator.rules.words import listed

HERE = "\0"  # where a text may say in which environments; no spec can hold this character
Find = Callable[[Specs], Problems]


def each_case(find: Callable[[Case], Iterable[Problem]]) -> Find:
    """Return the rule that finds something in any case of any model."""

    def everywhere(specs: Specs) -> Problems:
        for model in specs.models:
            for case in model.cases:
                for _ in find(case):  # hardly ever: only then is it worth while to ask all cases
                    yield from _said_once(model, find)
                    break
                else:
                    continue
                break

    return everywhere


def each_predictor(find: Callable[[Slot], Iterable[Problem]]) -> Find:
    """Return the rule that finds something in any predictor of any case."""

    def in_case(case: Case) -> Iterator[Problem]:
        for slot in case.predictors:
            yield from find(slot)

    return each_case(in_case)


def each_graph(find: Callable[[Slot], Iterable[Problem]]) -> Find:
    """Return the rule that finds something in any predictor that names its nodes."""

    def in_case(case: Case) -> Iterator[Problem]:
        for slot in case.predictors:
            if slot.is_graph:
                yield from find(slot)

    return each_case(in_case)


def _said_once(model: ModelSpec, find: Callable[[Case], Iterable[Problem]]) -> Iterator[Problem]:
    found: dict[Problem, list[str]] = {}
    for case in model.cases:
        for problem in dict.fromkeys(find(case)):
            found.setdefault(problem, []).extend(case.environments)
    for (mark, what, todo), environments in found.items():
        yield mark, what.replace(HERE, _where(model, environments)), todo


def _where(model: ModelSpec, environments: list[str]) -> str:
    if len(environments) == len(model.tenant.environments):
        return ""
    return f" in {listed(environments)}" if environments else ", whatever environments make of it"
