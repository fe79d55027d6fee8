"""The proof: the rendered trees in a real Envoy, held against the evaluator and against what the specs grant."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from generator.access.reading import UnsupportedError
from generator.access.tree import Cluster
from generator.audit.logcheck import Gap, gaps_of, leaks, log_format, read_lines
from generator.audit.prove_beside import beside_cases
from generator.audit.prove_keep import keep
from generator.audit.prove_keys import Keyring, keyring, with_signers
from generator.audit.prove_outside import gateway_cases
from generator.audit.prove_peers import detectors, pods
from generator.audit.prove_pods import pod_cases, stray_cases
from generator.audit.prove_run import Outcome, fire
from generator.audit.prove_specs import NOBODY_WATCHED, Declared
from generator.audit.prove_tokens import mint_of
from generator.audit.statement import Statement, Word
from generator.audit.suite import Case, Target
from generator.model import Model

BATCH = 25_000  # cases for one Envoy: some minutes at worst, and few enough to keep in memory
SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is proved: some environments and models (`tenant/model`), () for all; in how much time; kept where."""

    environments: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    seconds: float = SECONDS
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One answer that is not what it should be, and the command that asks again; `model` is `tenant/model` or ""."""

    environment: str
    model: str
    what: str
    outcome: Outcome
    curl: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Proof:
    """What a proof found in one environment.

    `counts` are requests by model and by granted, refused, undecided; `gaps` what the access log lacks; `problems`
    why something could not be judged at all; `left_out` models that there was no time for; `remarks` what is let in
    though no spec speaks of it; `statements` what is said of every request; `folders` what was kept for replay.
    """

    environment: str
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    gaps: tuple[Gap, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    seconds: float = 0.0
    folders: tuple[Path, ...] = ()
    statements: tuple[Statement, ...] = ()

    @property
    def is_green(self) -> bool:
        """Say whether everything was proved and nothing differed."""
        proved = all(each.word is Word.PROVED for each in self.statements)
        return proved and not (self.failures or self.gaps or self.problems or self.left_out)


Asked = tuple[str, Case]  # the model's name, "" for what belongs to none


def prove(cluster: Cluster, declared: Declared, scope: Scope, *, step: Callable[[str], None] = lambda _: None) -> Proof:
    """Fire everything at one cluster's proxies and judge it; `step` is told in words what comes next.

    Raises:
        ToolError: The extra `prove` is not installed, or Envoy fails.
    """
    started = time.monotonic()
    ring = keyring(cluster.objects, declared)
    own = replace(cluster, objects=with_signers(cluster.objects, ring))
    made = Proof(environment=cluster.environment, keys=_stood_in(ring, declared))
    try:
        batches = list(batched(targets(own, declared, ring, scope)))
    except UnsupportedError as problem:
        return replace(made, problems=tuple(map(str, problem.findings)), seconds=time.monotonic() - started)
    for batch in batches:
        if time.monotonic() - started > scope.seconds:
            made = replace(made, left_out=(*made.left_out, *dict.fromkeys(name for name, _ in batch if name)))
            continue
        step(f"{cluster.environment}: {len(batch)} requests")
        made = _added(made, own, batch, scope)
    return replace(made, seconds=time.monotonic() - started)


def targets(cluster: Cluster, declared: Declared, ring: Keyring, scope: Scope) -> Iterator[tuple[str, list[Case]]]:
    """Yield the cases of every model in scope, then those of pods that belong to no model.

    Raises:
        UnsupportedError: Something in the cluster may change who gets in, and is not judged.
    """
    now, known = int(time.time()), set()
    models = declared.models.get(cluster.environment, ())
    for model in models:
        target = Target(
            cluster=cluster,
            model=model,
            models=models,
            mint=mint_of(model, declared.platform, ring, now),
            watched=declared.watched.get((model.place.tenant.name, model.name), NOBODY_WATCHED),
        )
        known |= {str(pod) for pod in (*pods(target), *detectors(target))}
        if not scope.models or name_of(model) in scope.models:
            yield name_of(model), [*gateway_cases(target), *pod_cases(target), *beside_cases(target)]
    strays = [] if scope.models else list(stray_cases(cluster, known, now))
    if strays:
        yield "", strays


def name_of(model: Model) -> str:
    """Return a model's name as people write it."""
    return f"{model.place.tenant.name}/{model.name}"


def batched(found: Iterable[tuple[str, list[Case]]]) -> Iterator[list[Asked]]:
    """Gather the cases of models into batches for one Envoy each."""
    batch: list[Asked] = []
    for name, cases in found:
        if batch and len(batch) + len(cases) > BATCH:
            yield batch
            batch = []
        batch += [(name, case) for case in cases]
    if batch:
        yield batch


def _added(made: Proof, cluster: Cluster, batch: Sequence[Asked], scope: Scope) -> Proof:
    folder = folder_for(made, scope)
    labels, gaps = log_format(cluster)
    log = {"labels": labels, "path": str(folder / "access.log")}
    cases = [case for _, case in batch]
    fired = fire(cluster.mesh, cluster.gateway, cases, log, folder)
    names = {outcome.name: model for outcome, (model, _) in zip(fired.outcomes, batch, strict=True)}
    lines = read_lines((folder / "access.log").read_text(encoding="utf-8"))
    found = list(gaps if not made.counts else ())
    if labels:
        for each in fired.outcomes:
            found += gaps_of(cluster.mesh, each.case, each.name, each.decision, lines)
            found += leaks(each.case, each.name, lines)
    failed = [each for each in fired.outcomes if each.differs]
    kept = bool(failed or scope.folder)
    curls = keep(folder, cluster.mesh, fired, failed) if kept else {}
    if not kept:
        shutil.rmtree(folder)
    return replace(
        made,
        counts=_counted(made.counts, names, fired.outcomes),
        failures=(*made.failures, *(_failure(made, names, each, curls) for each in failed)),
        gaps=(*made.gaps, *dict.fromkeys(found)),
        remarks=tuple(dict.fromkeys((*made.remarks, *_remarks(fired.outcomes)))),
        folders=(*made.folders, folder) if kept else made.folders,
    )


def folder_for(made: Proof, scope: Scope) -> Path:
    """Return a folder of its own for one Envoy; the system's temporary one where nobody asked to keep it."""
    prefix = f"{made.environment}-"
    return Path(tempfile.mkdtemp(prefix=prefix if scope.folder else f"gen-proof-{prefix}", dir=scope.folder))


def _failure(made: Proof, names: dict[str, str], outcome: Outcome, curls: dict[str, str]) -> Failure:
    return Failure(
        environment=made.environment,
        model=names[outcome.name],
        what=outcome.differs,
        outcome=outcome,
        curl=curls.get(outcome.name, ""),
    )


def _counted(
    before: dict[str, dict[str, int]], names: dict[str, str], outcomes: Iterable[Outcome]
) -> dict[str, dict[str, int]]:
    counts = {name: dict(numbers) for name, numbers in before.items()}
    for each in outcomes:
        numbers = counts.setdefault(names[each.name], {"granted": 0, "refused": 0, "undecided": 0})
        granted = each.case.granted
        numbers["undecided" if granted is None else "granted" if granted else "refused"] += 1
    return counts


def _remarks(outcomes: Iterable[Outcome]) -> Iterator[str]:
    for each in outcomes:
        if each.case.granted is None and each.entered:
            yield f"{each.case.what} is let in"


def _stood_in(ring: Keyring, declared: Declared) -> tuple[str, ...]:
    """Return which issuers' keys have stand-ins, in words."""
    said = []
    for issuer in declared.platform.issuers:
        names = [name for name in declared.keys(issuer.url) if name in ring.signers]
        ids = [ring.signers[name].kid or "no id" for name in names]
        said.append(f"{issuer.url}: {', '.join(ids) or 'no rule trusts it'}")
    said += [f"{issuer or 'any issuer'}: a key that platform.yaml does not declare" for issuer, _ in ring.undeclared]
    return tuple(said)
