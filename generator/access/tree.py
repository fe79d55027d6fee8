"""A repository's rendered trees as the clusters that Argo CD makes of them, so that it can be asked who gets in.

What counts is what the real Kustomize prints for the overlays that Applications sync, and what the Seldon operator
makes of it. Only what no rendered object says is taken from platform.yaml: the ServiceAccount and the labels of the
gateway's pods, which the platform runs itself, and the mesh's trust domain.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from generator import kustomize, names
from generator.access.mesh import Mesh, Port, Settings, Workload
from generator.access.paths import PathNormalization
from generator.access.pods import SOMEWHERE, workloads_of
from generator.access.world import read
from generator.diag import SpecError, ToolError
from generator.kustomize import Kustomize
from generator.load import load
from generator.seldon.operator import expand
from generator.seldon.settings import OperatorSettings
from generator.tenancy import Object

WORKERS = 2  # a Kustomize takes a core for 40 ms; more of them than cores only wait for each other
MESH_SETTINGS, SELDON_SETTINGS = "modelapi-mesh", "modelapi-seldon"  # ConfigMaps of the platform's overlays
HTTPS = 443
SELDON = "machinelearning.seldon.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What platform.yaml says of the parts that no rendered object describes."""

    environments: tuple[str, ...]
    trust_domain: str
    root_namespace: str
    gateway: Workload


@dataclass(frozen=True, kw_only=True, eq=False)
class Cluster:
    """What one environment's cluster gets: every object, the operator's own included, and the pods behind them.

    ``printed`` has what Kustomize printed, by overlay; empty for what was read from somewhere else.
    """

    environment: str
    objects: tuple[Object, ...]
    settings: Settings
    workloads: tuple[Workload, ...]
    gateway: Workload
    printed: Mapping[str, tuple[Object, ...]] = field(default_factory=dict)

    @cached_property
    def mesh(self) -> Mesh:
        """Return the parsed mesh.

        Raises:
            UnsupportedError: Something in the objects may change who gets in, and is not judged.
        """
        return read(self.objects, self.settings, self.workloads)


def clusters(
    root: Path,
    tool: Kustomize,
    *,
    environments: Iterable[str] | None = None,
    known: Mapping[str, Iterable[Object]] | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> dict[str, Cluster]:
    """Return the cluster of every environment, or of some, in the order of platform.yaml.

    Args:
        root: The repository; its trees need not be what the specs say.
        tool: The Kustomize that builds the overlays.
        environments: Only these.
        known: What Kustomize is known to print for some overlays, which need not be built again.
        step: Called after each overlay with the number of overlays in all, for progress.

    Raises:
        ToolError: Kustomize fails over an overlay, or a file is not to be read.
        SpecError: platform.yaml cannot be read.
    """
    facts = facts_of(root)
    asked = facts.environments if environments is None else tuple(environments)
    wanted = [name for name in facts.environments if name in asked]
    folders = [folder for folder in synced(root, tool) if environment_of(folder) in wanted]
    given = known or {}
    fresh = [folder for folder in folders if folder not in given]
    built = printed_of(root, tool, fresh, lambda: step(len(fresh)))
    printed = {folder: built[folder] if folder in built else tuple(given[folder]) for folder in folders}
    made = {}
    for name in wanted:
        here = {folder: printed[folder] for folder in folders if environment_of(folder) == name}
        made[name] = cluster_of(name, here, facts)
    return made


def printed_of(
    root: Path, tool: Kustomize, folders: Iterable[str], step: Callable[[], None] = lambda: None
) -> dict[str, tuple[Object, ...]]:
    """Return what Kustomize prints for each folder.

    Raises:
        ToolError: A build fails.
    """
    printed: dict[str, tuple[Object, ...]] = {}
    for folder, built in kustomize.build_many(root, folders, workers=WORKERS, kustomize=tool):
        if isinstance(built, ToolError):
            raise built
        printed[folder] = tuple(built)
        step()
    return printed


def synced(root: Path, tool: Kustomize) -> tuple[str, ...]:
    """Return the overlays that an Application of the hub syncs, the hub's own left out, sorted."""
    if not (root / names.HUB).is_dir():
        raise ToolError(f"there is no {names.HUB}\n  run gen render first")
    hub = kustomize.build(root, names.HUB, kustomize=tool)
    paths = {str(obj["spec"]["source"]["path"]) for obj in hub if obj["kind"] == "Application"}
    return tuple(sorted(paths - {names.HUB}))


def environment_of(folder: str) -> str:
    """Return the environment that an overlay belongs to."""
    return folder.split("/")[1]


def cluster_of(environment: str, printed: Mapping[str, Iterable[Object]], facts: Facts) -> Cluster:
    """Return the cluster that overlays make: ``printed`` has what Kustomize prints, by folder."""
    by_folder = {folder: tuple(printed[folder]) for folder in sorted(printed)}
    rendered = [obj for objects in by_folder.values() for obj in objects]
    objects = (*rendered, *operated(rendered))
    return Cluster(
        environment=environment,
        objects=objects,
        settings=settings_of(objects, facts),
        workloads=(facts.gateway, *workloads_of(objects)),
        gateway=facts.gateway,
        printed=by_folder,
    )


def operated(objects: Iterable[Object]) -> tuple[Object, ...]:
    """Return what the Seldon operator makes of the SeldonDeployments among the objects, as they ask it to be set."""
    given = tuple(objects)
    settings = operator_of(given)
    return tuple(
        made
        for obj in given
        if obj["kind"] == "SeldonDeployment" and str(obj["apiVersion"]).startswith(SELDON)
        for made in expand(obj, settings)
    )


def operator_of(objects: Iterable[Object]) -> OperatorSettings:
    """Return the operator's settings that the rendered ConfigMap asks for; the Helm chart's where there is none."""
    values = _config(objects, SELDON_SETTINGS, "values.yaml")
    istio = values.get("istio") or {}
    chart = OperatorSettings()
    return OperatorSettings(
        istio_gateway=istio.get("gateway", chart.istio_gateway),
        istio_tls_mode=istio.get("tlsMode", chart.istio_tls_mode),
    )


def settings_of(objects: Iterable[Object], facts: Facts) -> Settings:
    """Return the mesh settings of the rendered ConfigMap; what it leaves out is Istio's default or platform.yaml's."""
    mesh = _config(objects, MESH_SETTINGS, "mesh")
    normalization = (mesh.get("pathNormalization") or {}).get("normalization", "BASE")
    return Settings(
        trust_domain=str(mesh.get("trustDomain") or facts.trust_domain),
        trust_domain_aliases=tuple(mesh.get("trustDomainAliases") or ()),
        root_namespace=str(mesh.get("rootNamespace") or facts.root_namespace),
        path_normalization=PathNormalization("BASE" if normalization == "DEFAULT" else normalization),
    )


def facts_of(root: Path) -> Facts:
    """Return what platform.yaml says of the mesh.

    Raises:
        ToolError: There is no such file.
        SpecError: It is no YAML, or lacks what its schema demands.
    """
    path = root / names.PLATFORM_SPEC
    if not path.is_file():
        raise ToolError(f"there is no {names.PLATFORM_SPEC} in {root}\n  run gen in the repository, or name it by -C")
    document = load(path.read_bytes(), names.PLATFORM_SPEC)
    if isinstance(document, tuple):
        raise SpecError(document)
    try:
        spec = document.data["spec"]
        mesh, environments = spec["mesh"], tuple(spec["environments"])
        gateway = _gateway(mesh["gateway"])
    except (KeyError, TypeError) as problem:
        raise ToolError(f"{names.PLATFORM_SPEC} does not say {problem}\n  run gen validate") from None
    return Facts(
        environments=environments,
        trust_domain=str(mesh.get("trustDomain", "cluster.local")),
        root_namespace=str(mesh.get("rootNamespace", "istio-system")),
        gateway=gateway,
    )


def _gateway(said: Mapping[str, Any]) -> Workload:
    namespace, _, account = str(said["serviceAccount"]).partition("/")
    name = str(said["name"]).rpartition("/")[2]
    return Workload(
        namespace=namespace,
        name=name,
        labels=dict(said["selector"]),
        service_account=account,
        ports=(Port(number=HTTPS),),
        address=SOMEWHERE,
    )


def _config(objects: Iterable[Object], name: str, key: str) -> dict[str, Any]:
    """Return the YAML under a key of a ConfigMap; {} where there is none."""
    for obj in objects:
        if obj["kind"] == "ConfigMap" and obj["metadata"]["name"] == name:
            found = yaml.load((obj.get("data") or {}).get(key, ""), Loader=yaml.CSafeLoader)
            return found if isinstance(found, dict) else {}
    return {}
