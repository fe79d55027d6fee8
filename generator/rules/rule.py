"""What a rule is: an id that stays, the words that explain it, and the function that finds where it is broken."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from generator.diag import Diagnostic, Mark, Severity
from generator.rules.specs import Specs

Problem = tuple[Mark, str, str]  # where, what is wrong, the one thing to do
Problems = Iterator[Problem]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that a schema cannot say.

    ``title`` says what must hold, ``why`` what would happen otherwise, ``todo`` what to do about it; ``example`` is
    a piece of a spec that breaks it. ``find`` sees specs that passed their schema. ``across`` marks a rule that must
    see every tenant and model at once; all others say the same of a model whatever other models there are. Not even
    such a rule compares what models of two tenants say: a tenant whose models alone have changed is judged alone.
    """

    id: str
    title: str
    why: str
    todo: str
    example: str
    find: Callable[[Specs], Iterable[Problem]] | None = None
    find_at: Callable[[Specs, date], Iterable[Problem]] | None = None  # instead of find, where the day matters
    across: bool = False
    severity: Severity = Severity.ERROR

    def diagnostics(self, specs: Specs, today: date) -> Iterator[Diagnostic]:
        """Yield what breaks the rule, in any order, perhaps twice."""
        found = self.find(specs) if self.find else ()
        timed = self.find_at(specs, today) if self.find_at else ()
        for problems in (found, timed):
            for mark, what, todo in problems:
                yield Diagnostic(mark, self.id, what, todo, self.severity)
