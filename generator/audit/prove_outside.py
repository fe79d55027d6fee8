"""The requests that come from outside the mesh: everybody at everything, and every token that is not right."""

from collections.abc import Iterator
from dataclasses import replace

from generator.access.request import Token, with_token
from generator.audit.prove_detours import detours
from generator.audit.prove_grants import STRANGER, Kind, Person, operations_of, person_may, persons
from generator.audit.prove_peers import pods
from generator.audit.prove_spoken import spoken_persons
from generator.audit.prove_tokens import odd_tokens
from generator.audit.suite import Case, Target, based, calls, everybody, expected, named, outside, with_odd
from generator.model import Operation


def gateway_cases(target: Target) -> Iterator[Case]:
    """Yield the requests that come from outside the mesh."""
    yield from cells(target)
    for person, operation in openers(target):
        yield from _tokens(target, person, operation)
        yield from detours(target, person, operation)


def openers(target: Target) -> Iterator[tuple[Person, Operation]]:
    """Yield one pair of everybody's kind and an operation that is granted; a stranger and nothing where nobody is."""
    seen: dict[Kind, tuple[Person, Operation]] = {}
    for person in persons(target.model):
        for operation in operations_of(target.model, person):
            if next(calls(operation), None):
                seen.setdefault(person.kind, (person, operation))
    if not seen and target.model.operations:
        yield STRANGER, target.model.operations[0]
    yield from seen.values()


def cells(target: Target) -> Iterator[Case]:
    """Yield the matrix: everybody, and nobody, at everything that can be asked of the model."""
    everyone = [
        (person, target.mint.good(person)) for person in everybody(target, spoken_persons(target, pods(target)))
    ]
    for operation in target.model.operations:
        for method, path in calls(operation):
            request = outside(target, operation, path, method=method)
            base = based(target, operation, request)
            for person, token in everyone:
                granted = person_may(target.model, person, operation.name)
                yield replace(
                    base, what="right token", who=str(person), request=with_token(request, token), granted=granted
                )
            yield replace(base, what="no token", who="nobody", request=request, granted=False)
        yield from _besides(target, operation, everyone[0])


def _besides(target: Target, operation: Operation, first: tuple[Person, Token]) -> Iterator[Case]:
    """Yield a right request with something beside it that must not matter: a port, garbage where no token belongs."""
    person, token = first
    for method, path in list(calls(operation))[:1]:
        request = with_token(outside(target, operation, path, method=method), token)
        base = based(target, operation, request)
        besides = {
            "the host with its port": replace(request, authority=f"{request.authority}:443"),
            "garbage for a token in the URL": replace(request, path=f"{request.path}?access_token=garbage"),
            "garbage for a token in a cookie": replace(
                request, headers=(*request.headers, ("cookie", "access_token=garbage"))
            ),
        }
        granted = person_may(target.model, person, operation.name)
        for what, asked in besides.items():
            yield replace(base, what=what, who=str(person), request=asked, granted=granted)


def _tokens(target: Target, person: Person, operation: Operation) -> Iterator[Case]:
    method, path = next(calls(operation))
    request = outside(target, operation, path, method=method)
    base = based(target, operation, request)
    known = person_may(target.model, person, operation.name)
    good = target.mint.good(person)
    for odd in odd_tokens(target.mint, person, named(target.model)):
        granted = expected(odd, target.model, operation.name) if known else False
        yield replace(base, what=odd.what, who=str(person), request=with_odd(request, odd), granted=granted)
    in_url = replace(request, path=f"{request.path}?access_token={good.text}", tokens=(good,))
    yield replace(base, what="the token in the URL only", who=str(person), request=in_url, granted=False)
    twice = with_token(request, good)
    for what, first, second in (("after", "garbage", good.text), ("before", good.text, "garbage")):
        pair = tuple(("authorization", f"Bearer {text}") for text in (first, second))
        doubled = replace(twice, headers=(*request.headers, *pair))
        yield replace(base, what=f"the token {what} garbage", who=str(person), request=doubled, granted=False)
