"""Every check of `gen verify` turns red on the fault that it is there for, and says it in words."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from golden_cases import CRDS, TODAY, Tree, environments, made, specs, tree, trees

from generator import cluster, kustomize, write
from generator import tree as trees_on_disk
from generator.diag import Diagnostic, ToolError
from generator.document import Document
from generator.layout import Overlay
from generator.load import load
from generator.names import HUB, OWNED
from generator.pipeline import Generated, generate
from generator.verify import crd, law, objects, patches, projects, quota, references, verify
from generator.verify.locate import locate, section

Object = dict[str, Any]
Edit = Callable[[list[Object]], None]
CASE = "two-tenants"
SYSTEM = frozenset(("api", "istio-system", "seldon-system", "argocd"))
HUB_SERVER = "https://kubernetes.default.svc"
SELDON = "overlays/dev/shop/models"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give a copy of a case with its trees beside its specs, as a repository has them."""
    for path in ("platform.yaml", "keys", "tenants"):
        source = specs(CASE) / path
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / path)
    shutil.copytree(trees(CASE), tmp_path, dirs_exist_ok=True)
    return tmp_path


def said(found: Iterator[Diagnostic] | tuple[Diagnostic, ...]) -> list[tuple[str, str]]:
    """Return rule and words of each diagnostic."""
    return [(one.rule, one.what) for one in found]


# ---- trees on the disk


def test_a_tree_that_is_right_has_nothing_said_of_it(repository: Path) -> None:
    report = verify(repository, generate(repository, TODAY), tool=kustomize.find())
    assert report.diagnostics == ()
    assert dict(report.looked_at)["overlays built by Kustomize, each object as it was resolved"] == 21


def test_a_file_that_was_edited_lost_or_left_over_is_stale_and_kustomize_is_not_asked(repository: Path) -> None:
    edited, lost, left = (
        f"{SELDON}/rank/authorizationpolicy-rank.yaml",
        "base/shop/rank/serviceaccount-rank.yaml",
        "base/shop/rank/serviceaccount-spare.yaml",
    )
    text = (repository / edited).read_text(encoding="utf-8")
    (repository / edited).write_text(text.replace("risk/sa/fraud", "risk/sa/anybody"), encoding="utf-8")
    (repository / lost).rename(repository / left)
    report = verify(repository, generate(repository, TODAY), tool=kustomize.find())
    assert said(report.diagnostics) == [
        ("stale-tree", f"{lost} is missing"),
        ("stale-tree", f"{left} is left over"),
        ("stale-tree", f"{edited} is not what the specs say"),
    ]
    assert report.printed == {}


def test_a_file_that_gen_did_not_write_is_foreign(repository: Path) -> None:
    (repository / "overlays/dev/.argocd-source.yaml").write_text("kustomize: {namePrefix: x}\n", encoding="utf-8")
    report = verify(repository, generate(repository, TODAY), tool=kustomize.find())
    assert said(report.diagnostics) == [
        ("foreign-file", "gen did not write this file: its first line is not gen's header")
    ]


def test_a_build_that_fails_is_a_diagnostic_at_its_kustomization(repository: Path) -> None:
    broken = _rewritten(repository, f"{SELDON}/rank/kustomization.yaml", "base/shop/rank", "base/shop/gone")
    report = verify(repository, broken, tool=kustomize.find())
    assert [(str(d.mark), d.rule) for d in report.diagnostics] == [
        (f"{SELDON}/kustomization.yaml:1:1", "kustomize-fails"),
        (f"{SELDON}/rank/kustomization.yaml:1:1", "kustomize-fails"),
    ]
    assert "failed (exit 1)" in report.diagnostics[0].what
    assert report.diagnostics[0].todo == f"run it yourself to see all of it: kubectl kustomize {SELDON}"


def test_a_warning_of_kustomize_is_a_diagnostic(repository: Path) -> None:
    folder = f"{SELDON}/rank"
    broken = _rewritten(repository, f"{folder}/kustomization.yaml", "namespace: shop", "commonLabels: {a: b}")
    report = verify(repository, broken, tool=kustomize.find())
    assert "'commonLabels' is deprecated" in next(d.what for d in report.diagnostics if d.mark.file.startswith(folder))


def _rewritten(repository: Path, path: str, old: str, new: str) -> Generated:
    """Write another text as if gen had made it, so that only Kustomize can object."""
    wanted = generate(repository, TODAY)
    assert old in wanted.files[path]
    other = replace(wanted, files={**wanted.files, path: wanted.files[path].replace(old, new)})
    write.apply(trees_on_disk.plan(other.files, repository, OWNED), repository)
    return other


# ---- the law


def test_an_object_lost_added_or_changed_by_kustomize_breaks_the_law() -> None:
    overlay = next(o for o in made(CASE).overlays if o.folder == f"{SELDON}/rank")
    printed = deepcopy(tree(CASE).printed[overlay.folder])
    assert list(law.check(overlay, printed)) == []
    assert _law(overlay, printed[1:]) == [f"Kustomize does not print {law.named(law.key(printed[0]))}"]
    stranger = {**printed[0], "metadata": {**printed[0]["metadata"], "name": "stranger"}}
    assert _law(overlay, [*printed, stranger]) == [
        f"Kustomize prints {printed[0]['kind']} shop/stranger, which nothing asks for"
    ]
    changed = next(obj for obj in printed if obj["kind"] == "SeldonDeployment")
    changed["spec"]["predictors"][0]["traffic"] = 99
    assert _law(overlay, printed) == [
        'SeldonDeployment shop/rank: spec.predictors[0].traffic is "99" where "100" was built'
    ]


def _law(overlay: Overlay, printed: list[Object]) -> list[str]:
    return [what for _, what in said(law.check(overlay, printed))]


# ---- patches


def test_a_patch_whose_target_is_not_there_is_dead() -> None:
    assert _patched("name: rank\n", "name: rang\n", "kustomization.yaml") == [
        ("dead-patch", "SeldonDeployment rang is 0 times in what this patches")
    ]
    assert _patched("version: v1\n", "version: v1alpha2\n", "kustomization.yaml") == [
        ("dead-patch", "SeldonDeployment rank is 0 times in what this patches")
    ]


def test_a_patch_that_does_not_begin_with_a_test_is_refused() -> None:
    assert _patched("- op: test\n", "- op: replace\n", "patch-seldondeployment-rank.yaml") == [
        ("dead-patch", "the first operation of this patch is no test")
    ]


def test_a_patch_that_is_named_and_not_there_is_dead() -> None:
    assert _patched("patch-seldondeployment-rank", "patch-gone", "kustomization.yaml") == [
        ("dead-patch", "there is no patch-gone.yaml")
    ]


def test_the_patches_of_every_case_live() -> None:
    assert list(patches.check(made("canary").files)) == []


def _patched(old: str, new: str, name: str) -> list[tuple[str, str]]:
    path = f"overlays/prod/shop/models/rank/{name}"
    files = made(CASE).files
    assert old in files[path]
    return said(patches.check({**files, path: files[path].replace(old, new, 1)}))


# ---- references, walls, policies


def _of(kind: str, name: str, objects: list[Object]) -> Object:
    return next(one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name)


def _drop(kind: str, name: str) -> Edit:
    return lambda objects: objects.remove(_of(kind, name, objects))


def _set(kind: str, name: str, **fields: Any) -> Edit:
    return lambda objects: _of(kind, name, objects).update(fields)


def _move(kind: str, name: str, namespace: str) -> Edit:
    return lambda objects: _of(kind, name, objects)["metadata"].update(namespace=namespace)


def _again(kind: str, name: str) -> Edit:
    return lambda objects: objects.append(_of(kind, name, objects))


FAULTS: Mapping[str, tuple[Edit, tuple[str, str]]] = {
    "a pod's account is not there": (
        _drop("ServiceAccount", "rank"),
        ("reference-open", "a pod in shop runs as the ServiceAccount rank, which is not there"),
    ),
    "an account is in another namespace": (
        _move("ServiceAccount", "rank", "risk"),
        ("reference-open", "a pod in shop runs as the ServiceAccount rank, which is not there"),
    ),
    "an object is in a namespace that nobody makes": (
        _move("LimitRange", "defaults", "elsewhere"),
        ("reference-open", "LimitRange elsewhere/defaults is in a namespace that is not there: elsewhere"),
    ),
    "an object is there twice": (
        _again("Sidecar", "default"),
        ("two-owners", "Sidecar risk/default is in several overlays of one cluster"),
    ),
    "a policy selects nothing": (
        _set("AuthorizationPolicy", "rank", spec={"selector": {"matchLabels": {"seldon-deployment-id": "rang"}}}),
        ("selects-nothing", "AuthorizationPolicy shop/rank selects no pod"),
    ),
    "a wall selects nothing": (
        _set("NetworkPolicy", "model-rank", spec={"podSelector": {"matchLabels": {"app": "rang"}}}),
        ("selects-nothing", "NetworkPolicy shop/model-rank selects no pod"),
    ),
    "tokens are checked and none is demanded": (
        _drop("AuthorizationPolicy", "rank"),
        (
            "policy-missing",
            "RequestAuthentication shop/rank has no AuthorizationPolicy with the same selector beside it",
        ),
    ),
    "a pod has no policy": (
        _drop("AuthorizationPolicy", "rank"),
        ("policy-missing", "a pod in shop has no AuthorizationPolicy of its own"),
    ),
    "a namespace has no default deny": (
        _drop("AuthorizationPolicy", "default-deny"),
        ("wall-missing", "namespace risk has no default deny"),
    ),
    "a default deny has a rule": (
        _set("AuthorizationPolicy", "default-deny", spec={"rules": [{}]}),
        ("wall-missing", "namespace risk has no default deny"),
    ),
    "a namespace has no mTLS": (
        _drop("PeerAuthentication", "default"),
        ("wall-missing", "namespace risk does not demand mTLS"),
    ),
    "a namespace takes plain text too": (
        _set("PeerAuthentication", "default", spec={"mtls": {"mode": "PERMISSIVE"}}),
        ("wall-missing", "namespace risk does not demand mTLS"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_among_the_objects_of_a_cluster_is_found(fault: str) -> None:
    edit, wanted = FAULTS[fault]
    # The gateway's namespace has walls like a tenant's, and comes later.
    inside = [obj for obj in environments(made(CASE))["dev"] if obj["metadata"].get("namespace") not in SYSTEM]
    objects = deepcopy(inside)
    assert said(references.check(_cluster(objects))) == []
    edit(objects)
    assert wanted in said(references.check(_cluster(objects)))


def _cluster(objects: list[Object]) -> references.Cluster:
    return references.Cluster(objects=tuple(("overlays/dev", obj) for obj in objects), outside=SYSTEM)


# ---- quotas


def test_pods_that_no_quota_lets_start_are_found() -> None:
    objects = deepcopy(environments(made("canary"))["prod"])
    assert said(quota.check(_cluster(objects))) == []
    _of("ResourceQuota", "quota", objects)["spec"]["hard"].update(
        {"requests.cpu": "11900m", "limits.memory": "11Gi", "requests.memory": "12Gi", "pods": "5"}
    )
    assert said(quota.check(_cluster(objects))) == [
        ("quota-too-small", "the pods of risk need 12Gi limits.memory at the fewest, and its quota has 11Gi"),
        ("quota-too-small", "the pods of risk need 12 requests.cpu at the fewest, and its quota has 11900m"),
        ("quota-too-small", "the pods of risk need 6 pods at the fewest, and its quota has 5"),
    ]


def test_a_gpu_counts_though_only_its_limit_is_said() -> None:
    objects = deepcopy(environments(made("graph"))["dev"])
    assert said(quota.check(_cluster(objects))) == []
    _of("ResourceQuota", "quota", objects)["spec"]["hard"].update({"requests.nvidia.com/gpu": "0"})
    assert said(quota.check(_cluster(objects))) == [
        ("quota-too-small", "the pods of growth need 1 requests.nvidia.com/gpu at the fewest, and its quota has 0")
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", 2),
        ("250m", Fraction(1, 4)),
        ("1Gi", 2**30),
        ("1.5Ki", 1536),
        ("3k", 3000),
        ("2E", 2 * 10**18),
        ("5n", Fraction(5, 10**9)),
    ],
)
def test_quantities_are_read_as_kubernetes_reads_them(text: str, number: Fraction) -> None:
    assert quota.amount(text) == number


# ---- Argo CD's projects


def test_every_object_of_a_forbidden_kind_or_namespace_is_refused_by_its_project() -> None:
    role = _object("rbac.authorization.k8s.io/v1", "Role", "shop", "own")
    space = _object("v1", "Namespace", "", "shop-more")
    assert _projects(role) == ["AppProject shop does not permit Role shop/own"]
    assert _projects(space) == ["AppProject shop does not permit Namespace shop-more"]
    assert _projects(_object("v1", "ServiceAccount", "risk", "mine")) == [
        "AppProject shop does not permit ServiceAccount risk/mine in its namespace on https://dev.k8s.local:6443"
    ]
    assert _projects(_object("v1", "ServiceAccount", "shop", "mine")) == []


def _object(api: str, kind: str, namespace: str, name: str) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


def _projects(planted: Object) -> list[str]:
    printed = tree(CASE).printed
    overlays = {**printed, SELDON: [*printed[SELDON], planted]}
    return [what for _, what in said(projects.check(printed[HUB], overlays))]


HUB_FAULTS: Mapping[str, tuple[Callable[[Object], Any], tuple[str, str]]] = {
    "an unknown project": (
        lambda spec: spec.update(project="shops"),
        ("project-closure", "there is no AppProject shops"),
    ),
    "an unknown folder": (
        lambda spec: spec["source"].update(path="overlays/dev/shop/gone"),
        ("project-closure", "there is no overlay overlays/dev/shop/gone"),
    ),
    "another repository": (
        lambda spec: spec["source"].update(repoURL="https://git.local/other.git"),
        ("project-closure", "AppProject shop does not know the repository https://git.local/other.git"),
    ),
    "a folder that nobody syncs": (
        lambda spec: spec["source"].update(path="overlays/prod/shop/models"),
        ("application-missing", "no Application syncs overlays/dev/shop/models"),
    ),
    "another cluster": (
        lambda spec: spec["destination"].update(server=HUB_SERVER),
        (
            "project-closure",
            f"AppProject shop does not permit SeldonDeployment shop/rank in its namespace on {HUB_SERVER}",
        ),
    ),
}


@pytest.mark.parametrize("fault", HUB_FAULTS)
def test_a_fault_in_an_application_is_found(fault: str) -> None:
    edit, wanted = HUB_FAULTS[fault]
    printed = deepcopy(dict(tree(CASE).printed))
    edit(_of("Application", "shop-dev", list(printed[HUB]))["spec"])
    assert wanted in said(projects.check(printed[HUB], printed))


# ---- schemas


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    checker = objects.checker(None, "1.34")
    whole = _first(tree(CASE), "ResourceQuota")
    assert list(checker.check("overlays/dev", [whole])) == []
    found = said(checker.check("overlays/dev", [{**whole, "spec": {**whole["spec"], "hart": {}}}]))
    assert [rule for rule, _ in found] == ["object-schema"]
    assert "hart" in found[0][1]


@pytest.mark.skipif(not CRDS.is_dir(), reason="the referee folder is not there: no CRDs")
@pytest.mark.parametrize(
    ("kind", "edit", "place"),
    [
        ("AuthorizationPolicy", lambda spec: spec.update(rule=[]), "spec"),
        ("AuthorizationPolicy", lambda spec: spec.update(action="PERMIT"), "spec.action"),
        ("SeldonDeployment", lambda spec: spec["predictors"][0]["graph"].update(childs=[]), "spec.predictors.0.graph"),
        ("SeldonDeployment", lambda spec: spec["predictors"][0].update(traffic="100"), "spec.predictors.0.traffic"),
        ("Application", lambda spec: spec["syncPolicy"].update(automatic={}), "spec.syncPolicy"),
        ("AppProject", lambda spec: spec.pop("destinations"), ""),
    ],
)
def test_a_field_that_a_crd_does_not_know_or_like_is_found(
    kind: str, edit: Callable[[Object], Any], place: str
) -> None:
    checker = objects.checker(CRDS, "1.34")
    broken = deepcopy(_first(tree(CASE), kind))
    assert list(checker.check("overlays/dev", [broken])) == []
    edit(broken["spec"])
    found = said(checker.check("overlays/dev", [broken]))
    if place:
        assert [rule for rule, _ in found] == ["object-schema"]
        assert found[0][1].startswith(f"{law.named(law.key(broken))}: {place}: ")
    else:
        assert found == []  # the CRD demands no such list: what it leaves open, other checks hold


def test_a_kind_without_a_schema_is_said_to_be_left_out() -> None:
    checker = objects.checker(None, "1.34")
    kinds = "SeldonDeployment, AuthorizationPolicy, RequestAuthentication"
    assert checker.left_out([tree(CASE).printed[SELDON]]) == (
        f"schemas of {kinds}: give their CRDs with --crds DIR, or ask a cluster",
    )


def test_a_version_of_kubernetes_that_nobody_has_schemas_of_is_a_tool_error() -> None:
    for version in ("1.11", "1.9", "1.99.1", "2.0"):
        with pytest.raises(
            ToolError, match=rf"has schemas of Kubernetes 1\.25 to 1\.\d\d, and platform.yaml says {version}"
        ):
            objects.checker(None, version)
    assert objects.checker(None, "1.34.4").kubernetes == "1.34.4"


def test_a_folder_of_crds_that_is_not_there_or_no_yaml_is_a_tool_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="there is no folder"):
        crd.schemas(tmp_path / "none")
    (tmp_path / "broken.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(ToolError, match=r"broken\.yaml cannot be read"):
        crd.schemas(tmp_path)


def _first(where: Tree, kind: str) -> Object:
    found = [obj for printed in where.synced.values() for obj in printed if obj["kind"] == kind and obj.get("spec")]
    return found[-1] if kind == "AuthorizationPolicy" else found[0]


# ---- a cluster, as far as none is needed


def test_a_refusal_is_laid_to_the_longest_value_that_it_quotes() -> None:
    document = _document()
    text = 'The seldondeployments "rank" is invalid: spec.egress[0]: Invalid value: "plain.corp.example": too plain'
    mark = locate(document, text, name="rank")
    assert (mark and mark.line) == _line("plain.corp.example")
    assert locate(document, 'it is "nowhere" to be found, nor is "80"') is None
    assert locate(document, 'the "shop/rank" of "shop/rank"', name="shop/rank") is None


def test_a_refusal_that_quotes_nothing_is_laid_to_the_section_of_its_kind_else_to_the_name() -> None:
    document = _document()
    assert section(document, "ResourceQuota").line == _line("quota:")
    assert section(document, "NetworkPolicy").line == _line("egress:")
    assert section(document, "LimitRange").line == _line("metadata:")


def test_a_cluster_that_does_not_answer_is_a_tool_error_with_what_to_try(tmp_path: Path) -> None:
    kubectl = kustomize.bundled()
    with pytest.raises(ToolError, match="the cluster behind the context nowhere-at-all does not answer"):
        cluster.connect(kubectl, "nowhere-at-all")
    with pytest.raises(ToolError, match="there is no kubectl"):
        cluster.connect(tmp_path / "kubectl", "any")


def test_what_has_a_namespace_that_the_cluster_lacks_is_said() -> None:
    server = cluster.Cluster(kubectl=Path("kubectl"), context="any", namespaces=frozenset({"api", "shop"}))
    assert cluster.homeless(server, environments(made(CASE))["prod"]) == ("istio-system", "risk", "seldon-system")


def _document() -> Document:
    path = "tenants/risk/tenant.yaml"
    found = load((specs(CASE) / path).read_bytes(), path)
    assert isinstance(found, Document)
    return found


def _line(text: str) -> int:
    lines = (specs(CASE) / "tenants/risk/tenant.yaml").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)
