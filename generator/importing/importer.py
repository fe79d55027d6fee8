"""One SeldonDeployment -> its import: a refusal, or a spec with what it does not say and the proof of the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from generator.build.server import LOADER_TOOL
from generator.importing import proof
from generator.importing.beside import whole_url
from generator.importing.callers import Believed
from generator.importing.effects import effects
from generator.importing.equality import Difference, judged
from generator.importing.grants import Access, Asked, access
from generator.importing.ledger import Change, Ledger, Remainder, UnsayableError, without
from generator.importing.reading import Original
from generator.importing.refusal import Refusal, refusal
from generator.importing.remainder import rest
from generator.importing.spec import Known, to_spec
from generator.importing.structure import Schema
from generator.model import Model
from generator.resolve.platforms import TENANT
from generator.seldon import istio
from generator.seldon.objects import Object, annotation
from generator.seldon.operator import expand
from generator.seldon.settings import OperatorSettings
from generator.seldon.verdict import graph_nodes, predictors

Spec = dict[str, Any]


_FILE = "tenants/imported/imported.yaml"  # where a spec stands while it is proved


class Outcome(StrEnum):
    """How an import ends."""

    EQUAL = "equal"  # all that has an effect is in the spec, proved
    REMAINDER = "with remainder"  # proved equal but for what is named
    UNSAID = "unsaid"  # the cluster takes it, and no spec could mean it: all of it is named
    REFUSED = "refused"  # a cluster refuses it
    UNPROVED = "unproved"  # the rendered spec does something else than the original: a fault of the import


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an import stands on; ``platform`` and ``keys`` replace the platform that it would make up for the proof."""

    operator: OperatorSettings = field(default_factory=lambda: OperatorSettings(keda_enabled=True))
    known: Known = field(default_factory=Known)
    believed: Believed = field(default_factory=Believed)
    policies: tuple[Original, ...] = ()
    schema: Schema | None = None
    platform: Spec | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one SeldonDeployment; ``spec`` is empty where there is none."""

    original: Original
    tenant: str
    spec: Spec
    refused: Refusal | None = None
    remainder: tuple[Remainder, ...] = ()
    policies: tuple[tuple[Original, Remainder], ...] = ()  # what of which policy the spec does not say as it stands
    additions: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Say how it ended."""
        if self.refused is not None:
            return Outcome.REFUSED
        if not self.spec:
            return Outcome.UNSAID
        if self.differences:
            return Outcome.UNPROVED
        left = (*self.remainder, *(one for _, one in self.policies))
        told = any(one.change is not Change.IDLE for one in left)
        return Outcome.REMAINDER if told else Outcome.EQUAL

    @property
    def path(self) -> str:
        """Return the path of the spec in a repository."""
        return f"tenants/{self.tenant}/{self.original.name}.yaml"


def import_one(original: Original, setting: Setting, tenant: str = "") -> Imported:
    """Return the import of a SeldonDeployment into a tenant, by default the one called like its namespace."""
    owner = tenant or original.namespace or "default"
    refused = refusal(original, setting.operator, setting.schema)
    if refused is not None:
        return Imported(original=original, tenant=owner, spec={}, refused=refused)
    try:
        return _imported(original, setting, owner)
    except UnsayableError as problem:
        return Imported(original=original, tenant=owner, spec={}, remainder=(_whole(original.data, problem),))


def _imported(original: Original, setting: Setting, owner: str) -> Imported:
    """Return the import of what a cluster takes.

    Raises:
        UnsayableError: No spec could mean it.
    """
    ledger = Ledger(original.data)
    spec = to_spec(original.data, ledger, setting.operator, setting.known)
    _namespace(original, owner, ledger)
    stage = _stage(original, setting, owner)
    resolved = proof.resolved(proof.document(spec, _FILE).data, *stage, setting.keys)
    made = proof.made(resolved)
    remainder = rest(original.data, made, ledger, setting.operator)
    additions, differences = _proved(original.data, made, remainder, setting.operator)
    granted = access(setting.policies, _asked(original, resolved, setting))
    spec = _with_access(spec, granted)
    proof.document(spec, _FILE)
    return Imported(
        original=original,
        tenant=owner,
        spec=spec,
        remainder=remainder,
        policies=granted.remainder,
        additions=additions,
        differences=differences,
    )


def _asked(original: Original, resolved: Model, setting: Setting) -> Asked:
    """Return what the policies are read for: the labels and accounts are those of the original's pods."""
    pods = [one["spec"]["template"] for one in expand(original.data, setting.operator) if one["kind"] == "Deployment"]
    namespace = original.namespace or "default"
    accounts = [pod["spec"].get("serviceAccountName") for pod in pods]
    return Asked(
        protocol=resolved.protocol,
        operations=resolved.operations,
        pods=tuple(pod["metadata"]["labels"] for pod in pods),
        namespace=namespace,
        own_accounts=tuple(f"{namespace}/{account}" for account in accounts if account),
        believed=setting.believed,
    )


def _with_access(spec: Spec, granted: Access) -> Spec:
    body = dict(spec["spec"])
    api = {**body.get("api", {}), **granted.api}
    first = {"api": api} if api else {}
    last = {"access": list(granted.access)} if granted.access else {}
    return {**spec, "spec": {**first, **{key: value for key, value in body.items() if key != "api"}, **last}}


def _stage(original: Original, setting: Setting, owner: str) -> tuple[Spec, Spec]:
    """Return the platform and the tenant that the proof renders on: the namespace is the original's."""
    if setting.platform is not None:
        tenant = proof.tenant_spec(owner)
        first = next(iter(setting.platform["spec"]["environments"]))
        return setting.platform, {**tenant, "spec": {**tenant["spec"], "environments": [first]}}
    urls = [
        whole_url(str((node.get("logger") or {}).get("url") or ""))
        for place, one in predictors(original.data)
        for _, node in graph_nodes(one, place)
    ]
    platform = proof.platform_spec(original.namespace or "default", urls)
    body = platform["spec"]
    body.setdefault("sinks", {}).update({name: {"url": url} for url, name in setting.known.sinks.items()})
    if setting.known.loader:
        body["build"]["images"] = {LOADER_TOOL: setting.known.loader}
    gateway, host = (annotation(original.data, key, "") for key in (istio.GATEWAY, istio.HOST))
    if gateway and gateway == setting.known.gateway:
        body["mesh"]["gateway"]["name"] = gateway
    if host and host in [known.replace(TENANT, owner) for known in setting.known.hosts]:
        body["environments"][proof.ENVIRONMENT]["host"] = host
    return platform, proof.tenant_spec(owner)


def _proved(
    original: Object, made: Object, remainder: tuple[Remainder, ...], settings: OperatorSettings
) -> tuple[tuple[str, ...], tuple[Difference, ...]]:
    gone = [one.path for one in remainder if one.change is not Change.OTHERWISE]
    return judged(effects(without(original, gone), settings), effects(made, settings))


def _namespace(original: Original, owner: str, ledger: Ledger) -> None:
    ledger.say(("metadata", "namespace"))
    if original.namespace and original.namespace != owner:
        reason = f"the namespace follows from the tenant, {owner}; it is part of the URL that callers use"
        todo = f'give the environment the namespace "{original.namespace}", or tell the callers'
        ledger.note(("metadata", "namespace"), Change.OTHERWISE, reason, todo)


def _whole(original: Object, problem: UnsayableError) -> Remainder:
    ledger = Ledger(original)
    ledger.note(problem.path, Change.LEFT_OUT, problem.reason, problem.todo)
    return ledger.noted[0]
