"""The requests that a proof fires at the pods beside a model's: what opens the model opens nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from generator.access.mesh import Workload, principal_of
from generator.access.request import Peer, Request, Token, Transport, with_token
from generator.audit.prove_grants import Person, is_granted_detector, is_granted_inside, persons
from generator.audit.prove_peers import detectors, has_business, pods, principals
from generator.audit.prove_pods import inside, known_calls
from generator.audit.suite import Case, Target
from generator.model import Model

Judge = Callable[[Request, Person | None], bool]  # what the specs say of a request at a pod
GARBAGE = Token(claims={}, text="garbage")


def beside_cases(target: Target) -> Iterator[Case]:
    """Yield what the model's callers may ask of it, asked of every other pod in its namespace."""
    gateway = principal_of(target.cluster.gateway, target.cluster.settings)
    callers = {who: each for who, each in principals(target).items() if has_business(target.model, who)}
    tokens = {person: target.mint.good(person) for person in persons(target.model)}
    for pod, judge in _beside(target):
        for call in known_calls(target.model):
            for principal, who in callers.items():
                request = inside(target, pod, call, Peer(transport=Transport.MTLS, principal=principal))
                yield _case(pod, who, request, granted=judge(request, None))
                for person, token in tokens.items() if principal == gateway else ():
                    asked = with_token(request, token)
                    yield _case(pod, f"{who} with {person}'s token", asked, granted=judge(request, person))


def _beside(target: Target) -> Iterator[tuple[Workload, Judge]]:
    """Yield the other pods of the namespace: those of other models, and every detector."""
    here = [model for model in target.models if model.place.namespace == target.model.place.namespace]
    for model in here:
        other = replace(target, model=model)
        for pod in pods(other) if model.name != target.model.name else ():
            yield pod, _judge(target, model)
        for pod in detectors(other):
            yield pod, _judge_detector(model)


def _judge(target: Target, model: Model) -> Judge:
    """Return the judge of another model's pods: a token of the target's door is for them only if it is theirs too."""
    is_same_door = (model.issuer.url, model.audience) == target.door

    def judge(request: Request, person: Person | None) -> bool:
        return is_granted_inside(model, request, person) and (person is None or is_same_door)

    return judge


def _judge_detector(model: Model) -> Judge:
    return lambda request, _: is_granted_detector(model, request, request.port)


def unread_tokens(target: Target) -> Iterator[Case]:
    """Yield what the log posts to the model's detectors, with a token that nobody there reads: it changes nothing.

    For mutants only: a detector has no rule on tokens, so what a sink sent along would reach it.
    """
    for pod in detectors(target):
        for principal, who in principals(target).items():
            for port in dict.fromkeys(port.container for port in pod.ports):
                peer = Peer(transport=Transport.MTLS, principal=principal)
                request = inside(target, pod, (port, "POST", "/", False), peer)
                granted = is_granted_detector(target.model, request, port)
                yield _case(pod, f"{who} with garbage for a token", with_token(request, GARBAGE), granted=granted)


def _case(pod: Workload, who: str, request: Request, *, granted: bool) -> Case:
    return Case(
        what="at a pod beside the model's",
        who=who,
        door=f"port {request.port} of {pod}",
        to=str(pod),
        request=request,
        granted=granted,
    )
