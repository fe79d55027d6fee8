"""Whole trees: what the specs of each case render to, byte for byte, and through the real Kustomize."""

from pathlib import Path

import pytest
from conftest import Same
from golden_cases import CRDS, GOLDEN, REPOSITORY, ROOT, each_case, everywhere, made, verified

from generator import tree, write
from generator.names import OWNED


@each_case
def test_a_case_renders_to_exactly_the_tree_beside_it(case: str, same: Same) -> None:
    same(made(case).files, GOLDEN / case / "want")


def test_the_trees_of_the_repository_are_what_its_specs_say(*, bless: bool) -> None:
    plan = tree.plan(made(REPOSITORY).files, ROOT, OWNED)
    if bless:
        write.apply(plan, ROOT)
    elif not plan.is_clean:
        stale = "".join(f"{path}\n" for path in sorted((*plan.create, *plan.update, *plan.delete)))
        pytest.fail(f"{stale}\nRun `gen render`, then review `git diff`.", pytrace=False)


@everywhere
def test_kustomize_prints_each_overlay_object_for_object_and_all_that_verify_holds_is_true(case: str) -> None:
    report = verified(case)
    assert report.diagnostics == ()
    assert len(report.printed) == len(made(case).overlays)
    assert all(count > 0 for _, count in report.looked_at[:1] + report.looked_at[2:])


@everywhere
@pytest.mark.skipif(not CRDS.is_dir(), reason="the referee folder is not there: no CRDs to hold objects against")
def test_every_object_has_a_schema_and_fits_it(case: str) -> None:
    report = verified(case)
    assert report.left_out == ()
    counts = dict(report.looked_at)
    assert counts["objects held against the schema of their kind"] == sum(
        len(report.printed[folder]) for folder in report.synced
    )


@each_case
def test_a_case_has_nothing_beside_its_specs_and_its_tree(case: str) -> None:
    beside = {path.name for path in Path(GOLDEN / case).iterdir()} - {"platform.yaml", "keys", "tenants", "want"}
    assert beside == set()
