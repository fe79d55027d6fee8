"""The mutation score: how many of the mistakes that a model's policies can have the suite finds, and Envoy with it.

A mutant is caught when some request gets another answer than the specs grant: by the evaluator, and by Envoy with the
mutant's filters. What nobody catches must be proved to decide every request as before, or it is missed.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from generator.access.decide import Decision
from generator.access.evaluate import passed
from generator.access.harness import running
from generator.access.mesh import Mesh, guard
from generator.access.reading import UnsupportedError
from generator.access.signing import key_set, make_signer
from generator.access.tree import Cluster
from generator.audit.invariants import owners
from generator.audit.mutate import AROUND, GATEWAY, PEERS, WORKLOAD, Mutant, mutants, name_of
from generator.audit.mutate_equal import equality
from generator.audit.prove import name_of as model_name
from generator.audit.prove_bench import HANDED, HOP, Dressing, bench, certificates
from generator.audit.prove_beside import beside_cases, unread_tokens
from generator.audit.prove_keys import Keyring, keyring, with_signers
from generator.audit.prove_outside import cells, gateway_cases
from generator.audit.prove_peers import pods
from generator.audit.prove_pods import pod_cases, wrong_tokens
from generator.audit.prove_run import GOOD, asked, decided, reached
from generator.audit.prove_specs import Declared
from generator.audit.prove_tokens import mint_of
from generator.audit.statement import Word
from generator.audit.suite import Case, Target
from generator.model import Model

if TYPE_CHECKING:
    from generator.tenancy import Object

BATCH = 25  # mutants in one Envoy
SHOWN = 6  # cases that Envoy is asked about one mutant
AGAIN = {
    GATEWAY: "the model's own pods check it again",
    AROUND: "the model's own policy refuses whatever it does not allow",
    WORKLOAD: "the rest of the model's rules, or the gateway, asks the same",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a mutant: caught by both, or equivalent with the reason; `missed` says by whom it was not."""

    mutant: Mutant
    caught: bool = False
    equivalent: str = ""
    missed: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """One model with its suite; `own` is its cluster with throw-away keys."""

    target: Target
    declared: Declared
    ring: Keyring
    cases: tuple[Case, ...]
    other_keys: str
    folder: Path

    @property
    def own(self) -> Cluster:
        """Return the cluster with throw-away keys."""
        return self.target.cluster


@dataclass(frozen=True, kw_only=True, eq=False)
class Tried:
    """A mutant's cluster and the cases that the evaluator decides otherwise than the specs."""

    mutant: Mutant
    cluster: Cluster
    wrong: tuple[Case, ...]


def score(
    cluster: Cluster,
    declared: Declared,
    model: Model,
    *,
    wanted: Callable[[Mutant], bool] = lambda _: True,
    step: Callable[[str], None] = lambda _: None,
) -> Iterator[Fate]:
    """Yield the fate of every mutant of a model's policies, or of those that are wanted.

    Raises:
        ToolError: The extra `prove` is not installed, or Envoy fails.
        ValueError: The model is not proved as it stands: nothing can be said of its mutants.
    """
    with tempfile.TemporaryDirectory(prefix="gen-mutants-") as name:
        trial = _trial(cluster, declared, model, Path(name))
        if _wrong(trial, trial.own):
            raise ValueError(f"{model_name(model)} is not proved as it stands")
        everyone = [each for each in mutants(trial.own.objects, asked_at(trial), trial.other_keys) if wanted(each)]
        for start in range(0, len(everyone), BATCH):
            step(f"{model_name(model)}: mutants {start} of {len(everyone)}")
            yield from _fates(trial, everyone[start : start + BATCH])


def asked_at(trial: Trial) -> dict[str, str]:
    """Return the objects that decide over a model, and where each is asked."""
    mesh, target = trial.own.mesh, trial.target
    tenant, known = target.model.place.tenant.name, owners(trial.own, trial.declared)
    outer, inner = guard(mesh, trial.own.gateway), guard(mesh, pods(target)[0])
    found: dict[str, str] = {}
    for ref in [*(policy.ref for policy in outer.policies), *(tokens.ref for tokens in outer.authentications)]:
        if known.get(ref, "") in ("", tenant):
            found[str(ref)] = GATEWAY
    places = [(policy.ref, policy.selector) for policy in inner.policies]
    places += [(tokens.ref, tokens.selector) for tokens in inner.authentications]
    for ref, selector in places:
        found.setdefault(str(ref), WORKLOAD if selector else AROUND)
    for peer in mesh.peers.get(target.model.place.namespace, ()):
        found[str(peer.ref)] = AROUND
    return found


def _trial(cluster: Cluster, declared: Declared, model: Model, folder: Path) -> Trial:
    signer = make_signer("other")
    other_keys = key_set(signer)
    rule = {"issuer": model.issuer.url, "jwks": other_keys}
    stranger: Object = {"kind": "RequestAuthentication", "metadata": {"name": ""}, "spec": {"jwtRules": [rule]}}
    ring = keyring([*cluster.objects, stranger], declared)
    own = replace(cluster, objects=with_signers(cluster.objects, ring))
    models = declared.models[cluster.environment]
    mint = mint_of(model, declared.platform, ring, int(time.time()))
    target = Target(cluster=own, model=model, models=models, mint=mint)
    cases = [*gateway_cases(target), *pod_cases(target), *beside_cases(target), *unread_tokens(target)]
    for other in models:  # what the gateway refuses, it may refuse to every model
        minted = mint_of(other, declared.platform, ring, mint.now)
        beside = Target(cluster=own, model=other, models=models, mint=minted)
        cases += cells(beside)
        cases += (case for pod in pods(beside)[:1] for case in wrong_tokens(beside, pod))
    (swapped,) = with_signers([stranger], ring)
    return Trial(
        target=target,
        declared=declared,
        ring=ring,
        cases=tuple(cases),
        other_keys=swapped["spec"]["jwtRules"][0]["jwks"],
        folder=folder,
    )


def mutated(cluster: Cluster, mutant: Mutant) -> Cluster:
    """Return the cluster with the mutant's objects."""
    objects = (mutant.made.get(name_of(obj), obj) for obj in cluster.objects)
    return replace(cluster, objects=tuple(obj for obj in objects if obj is not None))


def _fates(trial: Trial, batch: Sequence[Mutant]) -> Iterator[Fate]:
    tried = []
    for mutant in batch:
        made = mutated(trial.own, mutant)
        try:
            tried.append(Tried(mutant=mutant, cluster=made, wrong=_wrong(trial, made)))
        except UnsupportedError:
            yield Fate(mutant=mutant, caught=True)  # prove refuses the tree
    suspects = [each for each in tried if each.wrong]
    caught = _by_envoy(trial, suspects) if suspects else {}
    for index, each in enumerate(suspects):
        missed = "" if caught[index] else "Envoy lets it pass"
        yield Fate(mutant=each.mutant, caught=not missed, missed=missed)
    for each in tried:
        if not each.wrong:
            yield _survivor(trial, each)


def _survivor(trial: Trial, tried: Tried) -> Fate:
    same = equality(trial.own, tried.cluster)
    mutant = tried.mutant
    if same.word is Word.PROVED:
        peers = all(name.startswith(PEERS) for name in mutant.made)
        reason = "every rule asks for a certificate of the mesh" if peers else AGAIN.get(mutant.where, AGAIN[GATEWAY])
        return Fate(mutant=mutant, equivalent=reason)
    return Fate(mutant=mutant, missed=same.why or f"no case of the suite is decided otherwise, but {same.witness}")


def _wrong(trial: Trial, cluster: Cluster) -> tuple[Case, ...]:
    """Return the cases that the evaluator decides otherwise than the specs, those let in and shut out by turns."""
    mesh = cluster.mesh
    let_in, shut_out = [], []
    for case, decision in zip(trial.cases, decided(mesh, trial.cases), strict=True):
        if case.granted is False and decision.allowed:
            let_in.append(case)
        elif case.granted and not set(decision.codes) <= set(GOOD):
            shut_out.append(case)
        elif case.granted and _hands_on(mesh, decision):
            let_in.append(case)
    return (*let_in[: SHOWN // 2], *shut_out[: SHOWN // 2])


def _hands_on(mesh: Mesh, decision: Decision) -> bool:
    """Say whether a pod gets the caller's token."""
    for trail in decision.trails:
        last = trail.hops[-1]
        if last.request.tokens and len(trail.hops) > 1:
            _, onward = passed(guard(mesh, last.workload), last.request)
            return any(name == "authorization" for name, _ in onward.headers)
    return False


def _by_envoy(trial: Trial, suspects: Sequence[Tried]) -> dict[int, bool]:
    """Ask one Envoy about several mutants, each under its own mark; return which of them it catches."""
    folder = Path(tempfile.mkdtemp(dir=trial.folder))
    log = folder / "access.log"
    everything = [case for each in suspects for case in each.wrong]
    made = certificates(trial.own.mesh, trial.own.gateway, everything, folder)
    setups = []
    for index, each in enumerate(suspects):
        names = dict.fromkeys([*(case.to for case in each.wrong), *reached(decided(each.cluster.mesh, each.wrong))])
        dressing = Dressing(
            server=made.server,
            log={"labels": {"details": "%RESPONSE_CODE_DETAILS%"}, "path": str(log)},
            mark=f"{index} ",
        )
        setups.append(bench(each.cluster.mesh, trial.own.gateway, names, dressing))
    listeners = [one for setup in setups for one in setup.listeners]
    with running(listeners, [one for setup in setups for one in setup.clusters]) as envoy:
        codes = [
            asked(envoy, each.cluster.mesh, each.wrong, made, mark=f"{index} ") for index, each in enumerate(suspects)
        ]
    handed = _handed(log, str(trial.own.gateway))
    return {
        index: handed.get(index, False) or any((code in GOOD) is not case.granted for case, (code, _) in pairs)
        for index, (each, answers) in enumerate(zip(suspects, codes, strict=True))
        for pairs in [list(zip(each.wrong, answers, strict=True))]
    }


def _handed(log: Path, gateway: str) -> dict[int, bool]:
    """Return the mutants whose pods got a token, by the log's lines of requests that were answered by a pod."""
    found: dict[int, bool] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        entry = json.loads(line)
        mark, _, hop = str(entry[HOP]).partition(" ")
        if hop != gateway and entry.get(HANDED) and entry.get("details") == "direct_response":
            found[int(mark)] = True
    return found


def summary(fates: Iterable[Fate]) -> Iterator[str]:
    """Yield the score in words: what was missed first, then what is equivalent with its reason, then the numbers."""
    found = tuple(fates)
    for fate in found:
        if fate.missed:
            yield f"missed: {fate.mutant}: {fate.missed}"
    for fate in found:
        if fate.equivalent:
            yield f"equivalent, proved by z3: {fate.mutant}: {fate.equivalent}"
    caught = sum(fate.caught for fate in found)
    real = len(found) - sum(bool(fate.equivalent) for fate in found)
    share = 100 if not real else 100 * caught / real
    yield f"{len(found)} mutants, {len(found) - real} of them equivalent"
    yield f"caught by evaluator and Envoy: {caught} of {real} ({share:.0f} %)"
