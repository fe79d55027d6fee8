"""Rules about audiences: an environment may approve of some only."""

from collections.abc import Iterator

from generator.diag import quoted
from generator.rules.cases import Case
from generator.rules.guard import Breach, guarded
from generator.rules.rule import Problems, Rule
from generator.rules.specs import Specs
from generator.wording import choice, listed


def unapproved(specs: Specs) -> Iterator[Breach]:
    """Find models whose tokens are for an audience that the environment has not approved."""
    for model in specs.models:
        for case in model.cases:
            audience = _audience(case)
            for name in case.environments:
                approved = model.platform.environments[name].get("audiences")
                if approved and audience not in approved:
                    what = f"tokens for the audience {quoted(audience)} open this model, and {name} has not approved it"
                    todo = f"name one that is: {listed(approved)}"
                    mark = case.mark("api", "audience") if case.api.get("audience") else model.mark()
                    yield Breach(mark, what, todo, model, name)


def _audience(case: Case) -> str:
    declared = case.model.platform.spec["issuers"].get(case.issuer, {}).get("audiences") or [""]
    return str(case.api.get("audience") or declared[0])


def undeclared(specs: Specs) -> Problems:
    """Find approved audiences that no issuer has."""
    if specs.platform is None:
        return
    known = {name for issuer in specs.platform.spec["issuers"].values() for name in issuer.get("audiences", ())}
    for environment, body in specs.platform.environments.items():
        for position, name in enumerate(body.get("audiences", ())):
            if name not in known:
                mark = specs.platform.mark("environments", environment, "audiences", position)
                yield mark, f"no issuer has the audience {quoted(name)}", choice(name, known)


RULES = (
    Rule(
        id="unapproved-audience",
        title="models take tokens for audiences that the environment has approved",
        why="A token for a broad audience is in many hands; where an environment lists audiences, only those may open "
        "a model.",
        todo="Name an approved audience, or have the platform approve this one.",
        example="audiences: [fraud]",
        find=guarded("unapproved-audience", unapproved),
    ),
    Rule(
        id="undeclared-audience",
        title="an environment approves of audiences that some issuer has",
        why="A misspelt one approves of nothing.",
        todo="Correct the name, or add the audience to its issuer.",
        example="audiences: [ml, frau, fraud]",
        find=undeclared,
    ),
)
