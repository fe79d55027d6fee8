"""Repositories to ask about access: in memory, as the pipeline makes them, or on the disk, with a history."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from golden_cases import GOLDEN, TODAY

from generator import pipeline
from generator.access.tree import cluster_of, environment_of, facts_of
from generator.audit.doors import Door
from generator.audit.identities import Identity, parse
from generator.audit.matrix import Matrix
from generator.audit.snapshot import Scope, Snapshot, snapshot_of
from generator.diag import errors
from generator.names import HUB
from generator.pipeline import examine

ACCESS = GOLDEN / "access"
RANK = "tenants/shop/rank.yaml"
Object = dict[str, Any]


def taken(drafts: Mapping[str, str] | None = None, root: Path = ACCESS, scope: Scope | None = None) -> Snapshot:
    """Return the golden case, or another repository, with some specs written otherwise; no file is touched.

    What the overlays print is taken from the pipeline: that Kustomize prints the same is held by other tests.
    """
    specs, found = examine(root, TODAY, drafts=dict(drafts or {}))
    assert errors(found) == ()
    overlays = [overlay for part in pipeline.parts(specs) for overlay in part.overlays]
    hub = next(overlay for overlay in overlays if overlay.folder == HUB)
    synced = {obj["spec"]["source"]["path"] for obj in hub.objects if obj["kind"] == "Application"}
    facts = facts_of(root)
    clusters = {
        name: cluster_of(
            name,
            {o.folder: o.objects for o in overlays if o.folder in synced and environment_of(o.folder) == name},
            facts,
        )
        for name in facts.environments
    }
    return snapshot_of(specs, (), clusters, scope or Scope())


@cache
def golden() -> Snapshot:
    """Return the golden case as it is."""
    return taken()


def edited(of: Snapshot, environment: str, change: Callable[[list[Object]], None]) -> Snapshot:
    """Return a snapshot whose objects of one environment somebody changed by hand."""
    cluster = of.clusters[environment]
    objects = json.loads(json.dumps(cluster.objects))  # as YAML has them: no part of one is a part of another
    change(objects)
    return replace(of, clusters={**of.clusters, environment: replace(cluster, objects=tuple(objects))})


def obj(objects: Iterable[Object], kind: str, namespace: str, name: str) -> Object:
    """Return one object among many."""
    return next(
        each
        for each in objects
        if (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) == (kind, namespace, name)
    )


def policy(name: str, namespace: str, **spec: Any) -> Object:
    """Return an AuthorizationPolicy."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec}


def said(made: Matrix, *, own: bool = False) -> dict[str, list[str]]:
    """Return who gets in, by door, in words; the platform's own needs left out."""
    found: dict[str, list[str]] = {}
    for identity, door in sorted(made.cells, key=lambda pair: (pair[1], pair[0])):
        if own or door.operation != "metrics":
            found.setdefault(str(door), []).append(str(identity))
    return found


def door(text: str) -> Door:
    """Return the door that is written "predict of shop/rank in prod"."""
    operation, _, rest = text.partition(" of ")
    place, _, environment = rest.partition(" in ")
    tenant, _, model = place.partition("/")
    return Door(environment=environment, tenant=tenant, model=model, operation=operation)


def who(text: str) -> Identity:
    """Return an identity as people write it."""
    return parse(text)


def on_disk(folder: Path, case: Path = ACCESS) -> Path:
    """Return a copy of a golden case with its trees, where gen runs."""
    root = folder / "repo"
    root.mkdir()
    for name in ("platform.yaml", "tenants", "keys"):
        if (case / name).is_dir():
            shutil.copytree(case / name, root / name)
        elif (case / name).exists():
            shutil.copy(case / name, root / name)
    for name in ("base", "overlays"):
        shutil.copytree(case / "want" / name, root / name)
    return root


def rewrite(root: Path, path: str, old: str, new: str) -> None:
    """Put one text in another's place in a file."""
    text = (root / path).read_text(encoding="utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new), encoding="utf-8")


def commit(root: Path, message: str, *, author: str = "Ann", day: date | None = None) -> None:
    """Commit everything in a repository, which is made if need be."""
    if not (root / ".git").exists():
        _git(root, "init", "--quiet", "--initial-branch=main")
    when = f"{day or date(2026, 1, 5)}T12:00:00Z"
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--message", message, author=author, when=when)


def _git(root: Path, *words: str, author: str = "Ann", when: str = "2026-01-05T12:00:00Z") -> None:
    mail = f"{author.lower()}@corp.example"
    named = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", author), ("EMAIL", mail), ("DATE", when))
    }
    subprocess.run(["git", *words], cwd=root, check=True, env={**os.environ, **named, "GIT_CONFIG_GLOBAL": os.devnull})
