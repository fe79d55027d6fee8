"""The matrix: who gets through which door, as the rendered policies decide, and what the specs say of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from generator.access.decide import decide
from generator.access.evaluate import Reason, RuleRef
from generator.access.keys import Key, keys_of
from generator.access.mesh import guard
from generator.access.tree import Cluster
from generator.audit.candidates import candidates, variants, varied
from generator.audit.doors import Door, Frontage, Knock, Place, Way, frontage_of, places
from generator.audit.identities import TOKENED, Identity, Kind, Vouching
from generator.diag import ToolError
from generator.model import Model
from generator.parallel import spread, workers
from generator.tenancy import Issuer

Named = Mapping[tuple[str, str], Iterable[Identity]]  # (tenant, model) -> identities to ask about there
Result = TypeVar("Result")
BY_TOKEN = (*TOKENED, Kind.NOBODY, Kind.HEADER, Kind.ADDRESS)  # who may come from outside; pods stand for themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Somebody gets through a door: by which ways, and which rule lets them (None where no rule is needed)."""

    identity: Identity
    door: Door
    ways: tuple[Way, ...]
    rule: RuleRef | None
    reason: Reason


Judged = tuple[tuple[Door, ...], tuple[Identity, ...], tuple[Cell, ...]]  # doors, asked at them, let in


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix:
    """Everybody who gets in; ``asked`` says who was asked about at each door, so that the rest is refused."""

    cells: Mapping[tuple[Identity, Door], Cell]
    asked: Mapping[Door, tuple[Identity, ...]] = field(default_factory=dict)

    def allows(self, identity: Identity, door: Door) -> bool:
        """Say whether somebody who was asked about gets in."""
        return (identity, door) in self.cells


def matrix(
    clusters: Mapping[str, Cluster],
    models: Mapping[str, Iterable[Model]],
    named: Named | None = None,
    *,
    alone: Named | None = None,
    step: Callable[[], None] = lambda: None,
) -> Matrix:
    """Return who gets in, everywhere.

    Args:
        clusters: What is rendered, or runs, by environment.
        models: The deployed models by environment: which doors there are, and whose tokens are taken.
        named: Whom to ask about beside those whom the policies speak of, by tenant and model; ("", "") is every model.
        alone: Whom to ask about too, by the same; somebody with several names even where one of them is enough.
        step: Called after each model, for progress.

    Raises:
        UnsupportedError: Something in a cluster may change who gets in, and is not judged.
        ToolError: A policy asks for what no request can be said to have.
    """
    cells: dict[tuple[Identity, Door], Cell] = {}
    asked: dict[Door, tuple[Identity, ...]] = {}

    def judged(item: tuple[Cluster, Place]) -> Judged:
        frontage = frontage_of(*item)
        several = _named_at(frontage, alone or {})
        everyone = tuple(dict.fromkeys((*asked_at(frontage, named or {}), *several)))
        return tuple(frontage.doors), everyone, tuple(let_in(frontage, everyone, several))

    for doors, everyone, found in everywhere(clusters, models, judged):
        asked |= dict.fromkeys(doors, everyone)
        cells |= {(cell.identity, cell.door): cell for cell in found}
        step()
    return Matrix(cells=cells, asked=asked)


def everywhere(
    clusters: Mapping[str, Cluster],
    models: Mapping[str, Iterable[Model]],
    work: Callable[[tuple[Cluster, Place]], Result],
) -> Iterator[Result]:
    """Yield what ``work`` makes of every model in every cluster, in their order, by as many processes as are worth it.

    Raises:
        UnsupportedError: Something in a cluster may change who gets in, and is not judged.
    """
    items = [(cluster, place) for name, cluster in clusters.items() for place in places(cluster, models.get(name, ()))]
    for cluster in clusters.values():
        _ = cluster.mesh  # parsed once, before there are several processes
    yield from spread(work, items, workers(len(items)))


def asked_at(frontage: Frontage, named: Named) -> tuple[Identity, ...]:
    """Return whom to ask about at a model's doors."""
    vouching = vouching_of(frontage)
    plain = candidates(frontage, vouching.issuer, _named_at(frontage, named))
    own = [key.name for key in _keys(vouching.issuer)]
    odd = variants(frontage, vouching.issuer, vouching.audience, own)
    return (*plain, *varied(plain, odd)) if odd else plain


def _named_at(frontage: Frontage, named: Named) -> tuple[Identity, ...]:
    return (*named.get((frontage.tenant, frontage.model), ()), *named.get(("", ""), ()))


def let_in(frontage: Frontage, identities: Iterable[Identity], alone: Iterable[Identity] = ()) -> Iterator[Cell]:
    """Yield a cell for each of the identities and each of a model's doors that it gets through.

    Somebody with several names is left out where one of them is enough, but for those who are asked about ``alone``.
    """
    vouching = vouching_of(frontage)
    given, kept = tuple(identities), frozenset(alone)
    for door, knocks in frontage.doors.items():
        found: dict[Identity, Cell] = {}
        for identity in sorted(given, key=lambda one: len(one.also)):
            if identity not in kept and any(part in found for part in parts(identity)):
                continue
            cell = _cell(frontage, vouching, identity, door, knocks)
            if cell:
                found[identity] = cell
        yield from found.values()


def vouching_of(frontage: Frontage) -> Vouching:
    """Return how callers of a model show who they are; of a model without spec, by what its own policies take."""
    settings = frontage.cluster.settings
    if frontage.resolved:
        issuer, audience = frontage.resolved.issuer, frontage.resolved.audience
        return Vouching(issuer=issuer, audience=audience, key=next(iter(_keys(issuer)), None), settings=settings)
    rules = [rule for pod in frontage.pods for rule in guard(frontage.cluster.mesh, pod).token_rules]
    first = next(iter(rules), None)
    issuer = _unknown(first.issuer if first else "")
    audience = next(iter(first.audiences), "") if first else ""
    return Vouching(
        issuer=issuer, audience=audience, key=next(iter(first.keys), None) if first else None, settings=settings
    )


def _keys(issuer: Issuer) -> tuple[Key, ...]:
    if issuer.jwks:
        return keys_of(issuer.jwks)
    return (Key(name=issuer.jwks_uri),) if issuer.jwks_uri else ()


def _unknown(url: str) -> Issuer:
    """Return an issuer of which nothing is known but its name: the usual claims of OpenID Connect and Keycloak."""
    return Issuer(
        name="",
        url=url,
        audiences=(),
        jwks="",
        jwks_uri="",
        user_claim="email",
        groups_claim="groups",
        client_claim="azp",
        user_domains=(),
    )


def parts(identity: Identity) -> tuple[Identity, ...]:
    """Return the identities that somebody with several has, () for one with one."""
    if not identity.also:
        return ()
    return (Identity(kind=identity.kind, name=identity.name, variant=identity.variant), *identity.also)


def _cell(
    frontage: Frontage, vouching: Vouching, identity: Identity, door: Door, knocks: Iterable[Knock]
) -> Cell | None:
    ways: dict[Way, None] = {}
    first: tuple[RuleRef | None, Reason] | None = None
    for knock in knocks:
        if knock.way in ways or (knock.way is Way.GATEWAY and identity.kind not in BY_TOKEN):
            continue
        asked = vouching.asking(identity, knock.request, outside=knock.way is Way.GATEWAY)
        try:
            decision = decide(frontage.cluster.mesh, asked, knock.to)
        except ValueError as problem:
            raise ToolError(f"{door} can not be judged: {problem}\n  take out the rule that looks at it") from problem
        through = [t.verdict for t in decision.trails if t.verdict.allowed and t.hops[-1].workload in frontage.pods]
        if through:
            ways[knock.way] = None
            first = first or (through[0].rule, through[0].reason)
    if first is None:
        return None
    return Cell(identity=identity, door=door, ways=tuple(ways), rule=first[0], reason=first[1])
