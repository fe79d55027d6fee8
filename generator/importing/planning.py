"""Files to import, and the repository that they go to -> what becomes of each, and which texts there are to write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path as File

import yaml

from generator.build.server import LOADER_TOOL
from generator.diag import Diagnostic, SpecError, errors
from generator.importing import proof, writing
from generator.importing.beside import sink_name, whole_url
from generator.importing.callers import Believed
from generator.importing.importer import Imported, Outcome, Setting, import_one
from generator.importing.reading import Original, read
from generator.importing.spec import Known
from generator.importing.structure import Schema
from generator.model import Protocol
from generator.names import PLATFORM_SPEC, tenant_spec
from generator.pipeline import examine, platform_of
from generator.rules.files import RESERVED_MODELS, RESERVED_TENANTS
from generator.seldon.trap_names import SERVICE
from generator.seldon.verdict import graph_nodes, predictors
from generator.sources import read as read_specs
from generator.tenancy import Platform

# What only the real platform knows; without one there is nothing to say about it.
_PLATFORMS = ("unknown-registry", "registry-outside", "unknown-issuer", "unknown-audience", "unknown-sink")
_CRD = "SeldonDeployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of every object of the files.

    ``texts``: path in the repository -> text of a spec that is not there yet. ``asked``: what `gen validate` will say
    of them. ``others``: objects that are neither SeldonDeployments nor policies of one. ``has_platform``: whether the
    repository has a platform.yaml that passes its rules.
    """

    imports: tuple[Imported, ...]
    texts: Mapping[str, str]
    asked: tuple[Diagnostic, ...]
    others: tuple[Original, ...]
    has_platform: bool

    @property
    def failed(self) -> tuple[Imported, ...]:
        """Return the imports that keep anything from being written: refused by a cluster, or not proved."""
        return tuple(one for one in self.imports if one.outcome in (Outcome.REFUSED, Outcome.UNPROVED))


def plan(files: Sequence[File], root: File, today: date, *, tenant: str = "", crds: File | None = None) -> Plan:
    """Return what importing the files into the repository would do; nothing is written.

    Args:
        files: YAML or JSON, of one or many objects each.
        root: The repository, which may be empty or not there.
        today: The day that the rules hold `until` against.
        tenant: Whose the models become; by default the tenant that is called like the namespace.
        crds: A folder with the CRD of SeldonDeployments; without it gen's own knowledge of its fields counts.

    Raises:
        ToolError: A file cannot be read.
        SpecError: A file is no YAML, or two SeldonDeployments would be one model.
    """
    found = read(files)
    platform = _platform(root)
    setting = Setting(
        known=known(platform) if platform else Known(),
        believed=believed(platform) if platform else Believed(),
        policies=found.policies,
        schema=schema(crds) if crds else None,
    )
    imports = tuple(import_one(one, setting, tenant) for one in found.deployments)
    _named(imports)
    _distinct(imports)
    texts = _texts(imports, root, platform)
    return Plan(
        imports=imports,
        texts=texts,
        asked=_asked(root, texts, imports, today, made_up=platform is None),
        others=found.others,
        has_platform=platform is not None,
    )


def schema(folder: File) -> Schema | None:
    """Return the structural schema of SeldonDeployments in a folder of CRDs, None if there is none."""
    for file in sorted(folder.glob("*.y*ml")):
        for document in yaml.load_all(file.read_bytes(), Loader=yaml.SafeLoader):
            spec = (document or {}).get("spec") or {}
            if (spec.get("names") or {}).get("kind") == _CRD:
                found: Schema = spec["versions"][0]["schema"]["openAPIV3Schema"]
                top: Schema = {
                    key: {} for key in ("apiVersion", "kind", "metadata")
                }  # the server has its own schema for them
                return {**found, "properties": {**found["properties"], **top}}
    return None


def _platform(root: File) -> Platform | None:
    if not (root / PLATFORM_SPEC).is_file():
        return None
    specs, diagnostics = examine(root, date.min, (PLATFORM_SPEC,))
    return (
        None if errors(diagnostics) or specs.platform is None else platform_of(read_specs(root, (PLATFORM_SPEC,)).specs)
    )


def known(platform: Platform) -> Known:
    """Return what a platform has that an import can name."""
    gateway = platform.mesh.gateway
    return Known(
        sinks={sink.url: sink.name for sink in platform.sinks if sink.url},
        gateway=f"{gateway.namespace}/{gateway.name}",
        hosts=tuple(one.host for one in platform.environments),
        loader=dict(platform.build.images)[LOADER_TOOL],
    )


def believed(platform: Platform) -> Believed:
    """Return what a platform believes of tokens, and whose principals its gateway and its Prometheus have."""
    claims = [
        (getattr(issuer, f"{kind}_claim"), f"{kind}s") for issuer in platform.issuers for kind in ("user", "client")
    ]
    return Believed(
        issuers={issuer.url: (issuer.name, issuer.audiences) for issuer in platform.issuers},
        default=platform.issuers[0].name,
        claims={**dict(claims), **{issuer.groups_claim: "groups" for issuer in platform.issuers}},
        gateways=(platform.mesh.gateway.account.principal(platform.mesh.trust_domain),),
        scrapers=(f"{platform.prometheus.namespace}/{platform.prometheus.name}",) if platform.prometheus else (),
    )


def _named(imports: Sequence[Imported]) -> None:
    """Refuse names that no tenant or model can have.

    Raises:
        SpecError: There are some.
    """
    found = []
    for one in imports:
        mark = one.original.mark(("metadata", "namespace"))
        if not SERVICE.fullmatch(one.tenant) or one.tenant in RESERVED_TENANTS:
            what = f'no tenant can be called "{one.tenant}"'
            found.append(Diagnostic(mark, "tenant-name", what, "give another: --tenant NAME"))
        if one.original.name in RESERVED_MODELS:
            what = f'no model can be called "{one.original.name}"'
            found.append(Diagnostic(one.original.mark(), "model-name", what, "rename the SeldonDeployment in the file"))
    if found:
        raise SpecError(found)


def _distinct(imports: Sequence[Imported]) -> None:
    first: dict[str, Imported] = {}
    for one in imports:
        other = first.setdefault(one.path, one)
        if other is not one:
            what = f"{one.original.name} would be {one.path}, and so would {other.original.mark()}"
            raise SpecError((Diagnostic(one.original.mark(), "same-model", what, "import them into two tenants"),))


def _texts(imports: Sequence[Imported], root: File, platform: Platform | None) -> dict[str, str]:
    texts: dict[str, str] = {}
    environments = [one.name for one in platform.environments] if platform else [proof.ENVIRONMENT]
    for one in imports:
        if not one.spec:
            continue
        path = tenant_spec(one.tenant)
        if path not in texts and not (root / path).exists():
            mine = [other for other in imports if other.tenant == one.tenant and other.spec]
            restricted = not any(_has_executor(other) for other in mine)
            texts[path] = writing.tenant(one.tenant, f"{one.tenant}@example.com", environments, restricted=restricted)
        left = (*one.remainder, *(remainder for _, remainder in one.policies))
        texts[one.path] = writing.model(one.spec, left)
    return texts


def _has_executor(one: Imported) -> bool:
    spec = one.spec["spec"]
    protocol = spec.get("api", {}).get("protocol", Protocol.BENTO.value)
    graph = any(node.get("children") for node in spec.get("nodes", {}).values())
    return protocol == Protocol.SELDON.value or bool(spec.get("log")) or graph


def _asked(
    root: File, texts: Mapping[str, str], imports: Sequence[Imported], today: date, *, made_up: bool
) -> tuple[Diagnostic, ...]:
    """Return what the rules say of the new specs; on a made-up platform, less what only the real one knows."""
    if not texts:
        return ()
    drafts = {**texts, **({PLATFORM_SPEC: writing.text(_stand_in(imports))} if made_up else {})}
    _, found = examine(root, today, tuple(drafts), drafts)
    mine = [one for one in found if one.mark.file in texts]
    return tuple(one for one in mine if not (made_up and one.rule in _PLATFORMS))


def _stand_in(imports: Sequence[Imported]) -> proof.Spec:
    urls = [
        whole_url(str((node.get("logger") or {}).get("url") or ""))
        for one in imports
        if one.spec
        for place, predictor in predictors(one.original.data)
        for _, node in graph_nodes(predictor, place)
    ]
    return proof.platform_spec("{tenant}", [url for url in urls if sink_name(url)])
