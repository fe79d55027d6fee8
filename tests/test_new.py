"""gen new: what it makes is valid and renders; what it refuses changes nothing; an answer is text whatever it holds."""

import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from command import DIGEST, environment, gen, program, repo, snapshot

from generator import scaffold

__all__ = ["repo"]

TENANT = ["new", "tenant", "risk", "--contact", "risk@corp.example", "--no-input"]
MODEL = ["new", "model", "payments/risk", "--bento", "risk:1.0.0", "--oci", DIGEST, "--no-input"]


def test_a_new_tenant_runs_everywhere_and_has_a_completion_line(repo: Path) -> None:
    ran = gen(repo, *TENANT)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "tenants/risk/tenant.yaml is written; edit it, then: gen new model risk/…\n"
    assert (repo / "tenants/risk/tenant.yaml").read_text() == (
        "# yaml-language-server: $schema=../../schema/tenant.schema.json\n"
        "apiVersion: modelapi/v1\n"
        "kind: Tenant\n"
        "metadata: {name: risk}\n"
        "spec:\n"
        "  contact: risk@corp.example\n"
        "  environments: [dev, prod]\n"
    )


def test_a_new_tenant_takes_its_team_group_and_environments(repo: Path) -> None:
    words = ["--environments", "dev", "--reviewers", "@corp/risk", "--viewers", "risk-ml"]
    assert gen(repo, *TENANT, *words).code == 0
    spec = yaml.safe_load((repo / "tenants/risk/tenant.yaml").read_text())["spec"]
    assert spec == {
        "contact": "risk@corp.example",
        "environments": ["dev"],
        "reviewers": {"default": "@corp/risk"},
        "rbac": {"view": ["risk-ml"]},
    }


def test_a_new_model_of_a_new_tenant_renders(repo: Path) -> None:
    gen(repo, *TENANT)
    assert gen(repo, *[word.replace("payments/", "risk/") for word in MODEL], "--user", "alice@corp.example").code == 0
    assert gen(repo, "render", "--quiet").code == 0
    assert (repo / "overlays/dev/risk/models/risk/kustomization.yaml").is_file()


def test_a_new_model_that_nobody_is_granted_denies_everybody(repo: Path) -> None:
    assert gen(repo, *MODEL).code == 0
    assert (repo / "tenants/payments/risk.yaml").read_text() == (
        "# yaml-language-server: $schema=../../schema/model.schema.json\n"
        "apiVersion: modelapi/v1\n"
        "kind: Model\n"
        "metadata: {name: risk}\n"
        "spec:\n"
        "  run:\n"
        "    bento: risk:1.0.0\n"
        f"    source: {{oci: {DIGEST}}}\n"
        "  # Nobody may call the model unless a line here names them; "
        '"gen explain model.access" says what a line may hold.\n'
        "  access: []\n"
    )


def test_grants_of_a_new_model_hold_everybody_named_and_the_reason(repo: Path) -> None:
    words = ["--user", "alice@corp.example", "--user", "bob@corp.example", "--client", "checkout", "--group", "ml team"]
    assert gen(repo, *MODEL, *words, "--reason", "R-1").code == 0
    text = (repo / "tenants/payments/risk.yaml").read_text()
    assert text.endswith(
        '    - {users: [alice@corp.example, bob@corp.example], groups: ["ml team"], clients: [checkout], reason: R-1}\n'
    )


def test_a_model_of_an_image_with_the_executor_says_its_protocol(repo: Path) -> None:
    image = f"registry.local/growth/gbm@{DIGEST.partition('@')[2]}"
    ran = gen(repo, "new", "model", "growth/gbm", "--image", image, "--protocol", "v2", "--no-input")
    assert ran.code == 0
    spec = yaml.safe_load((repo / "tenants/growth/gbm.yaml").read_text())["spec"]
    assert spec == {"api": {"protocol": "v2"}, "run": {"image": image}, "access": []}


HOSTILE = [
    "a: b",
    "{x: 1}",
    "[x]",
    "# x",
    'say "x"',
    "it's",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "yes",
    "007",
    "&a",
    "*a",
    "ü 😀",
    "\\n",
]


@pytest.mark.parametrize("reason", HOSTILE)
def test_an_answer_is_text_whatever_it_holds(repo: Path, reason: str) -> None:
    ran = gen(repo, *MODEL, "--user", "alice@corp.example", "--reason", reason)
    assert ran.code == 0, ran.err
    (grant,) = yaml.safe_load((repo / "tenants/payments/risk.yaml").read_text())["spec"]["access"]
    assert grant == {"users": ["alice@corp.example"], "reason": reason}


@pytest.mark.parametrize("reason", ["two\nlines", "\x1b[2J", "a\u202eb", "a\x00"[:2].replace("\x00", "\x07")])
def test_what_cannot_be_seen_in_an_answer_is_refused(repo: Path, reason: str) -> None:
    before = snapshot(repo)
    ran = gen(repo, *MODEL, "--user", "alice@corp.example", "--reason", reason)
    assert (ran.code, "which cannot be seen" in ran.err) == (2, True)
    assert snapshot(repo) == before


@pytest.mark.parametrize("name", ["Risk", "ri sk", "-risk", "..", "risk_1", "{{ 1 }}"])
def test_a_name_that_cannot_be_is_refused_by_the_rule_at_its_place_in_the_draft(repo: Path, name: str) -> None:
    before = snapshot(repo)
    ran = gen(repo, "new", "tenant", "--contact", "a@corp.example", "--no-input", "--", name)
    assert ran.code == 1
    assert ran.err.startswith(f"tenants/{name}/tenant.yaml:4:18: metadata.name is ")
    assert ran.err.endswith("; nothing was written\n")
    assert snapshot(repo) == before


def test_a_name_that_makes_others_too_long_is_refused(repo: Path) -> None:
    ran = gen(repo, "new", "tenant", "a" * 64, "--contact", "a@corp.example", "--no-input")
    assert (ran.code, "[place-too-long]" in ran.err) == (1, True)


@pytest.mark.parametrize("name", ["argocd", "platform"])
def test_a_reserved_name_is_refused(repo: Path, name: str) -> None:
    ran = gen(repo, "new", "tenant", name, "--contact", "a@corp.example", "--no-input")
    assert (ran.code, "[reserved-name]" in ran.err, (repo / "tenants" / name).exists()) == (1, True, False)


@pytest.mark.parametrize("name", ["../../x", "a/b", "/x"])
def test_a_path_is_no_tenants_name(repo: Path, name: str) -> None:
    ran = gen(repo, "new", "tenant", name, "--contact", "a@corp.example", "--no-input")
    assert ran.err == (
        f'gen new tenant: "{name}" is no name of a tenant\n  name it alone, like risk; gen new model makes models\n'
    )
    assert ran.code == 2


@pytest.mark.parametrize("name", ["risk", "a/b/c", "/x", "x/", "../payments/x"])
def test_a_model_is_named_with_its_tenant(repo: Path, name: str) -> None:
    ran = gen(repo, "new", "model", name, "--no-input")
    assert ran.err == f'gen new model: "{name}" is not of the form TENANT/MODEL\n  write it like risk/fraud\n'
    assert ran.code == 2


def test_a_model_needs_its_tenant_first(repo: Path) -> None:
    ran = gen(repo, "new", "model", "risk/fraud", "--no-input")
    assert (ran.code, ran.err) == (
        2,
        'gen new model: there is no tenant "risk"\n  run gen new tenant risk first\n',
    )


def test_every_wrong_answer_is_named_at_once_and_nothing_is_written(repo: Path) -> None:
    before = snapshot(repo)
    ran = gen(repo, "new", "model", "payments/risk", "--bento", "risk", "--oci", "x", "--user", "al", "--no-input")
    assert ran.code == 1
    assert [line.split(": ")[0] for line in ran.err.splitlines() if line.startswith("tenants/")] == [
        "tenants/payments/risk.yaml:7:12",
        "tenants/payments/risk.yaml:8:19",
        "tenants/payments/risk.yaml:11:16",
    ]
    assert ran.err.endswith("3 problems in 1 file; nothing was written\n")
    assert snapshot(repo) == before


@pytest.mark.parametrize("words", [["tenant", "payments", "--contact", "a@corp.example"], ["model", "payments/score"]])
def test_what_is_there_is_never_overwritten(repo: Path, words: list[str]) -> None:
    before = snapshot(repo)
    ran = gen(repo, "new", *words, "--no-input")
    assert (ran.code, "is there already\n  edit it, or choose another name\n" in ran.err) == (2, True)
    assert snapshot(repo) == before


def test_a_link_that_leads_nowhere_is_there_too(repo: Path) -> None:
    (repo / "tenants/payments/risk.yaml").symlink_to("/nowhere")
    assert "is there already" in gen(repo, *MODEL).err


def test_a_broken_neighbour_is_no_reason_to_refuse(repo: Path) -> None:
    (repo / "tenants/growth/churn.yaml").write_text("x: 1\n")
    assert gen(repo, *MODEL).code == 0


def test_a_broken_tenant_is_because_the_model_cannot_be_judged(repo: Path) -> None:
    (repo / "tenants/payments/tenant.yaml").write_text("x: 1\n")
    ran = gen(repo, *MODEL)
    assert (ran.code, "tenants/payments/tenant.yaml:1:1" in ran.err) == (1, True)
    assert not (repo / "tenants/payments/risk.yaml").exists()


def test_a_namespace_that_another_tenant_has_is_found_before_anything_is_written(repo: Path) -> None:
    platform = repo / "platform.yaml"
    platform.write_text(platform.read_text().replace('"{tenant}-build"', '"build-{tenant}"'))
    ran = gen(repo, "new", "tenant", "build-payments", "--contact", "a@corp.example", "--no-input")
    assert (ran.code, "[namespace-collision]" in ran.err) == (1, True)
    assert not (repo / "tenants/build-payments").exists()


# questions


def test_a_person_is_asked_what_is_missing_and_nothing_else(repo: Path) -> None:
    ran = gen(repo, "new", "model", "payments/risk", said=f"risk:1.0.0\n{DIGEST}\nalice@corp.example\n")
    assert ran.code == 0
    assert [line.partition(":")[0] for line in ran.err.split(": ")][:1] == ["Bento, as in risk"]
    assert "alice@corp.example" in (repo / "tenants/payments/risk.yaml").read_text()


def test_an_answer_that_does_not_fit_is_asked_for_again(repo: Path) -> None:
    ran = gen(repo, "new", "tenant", "risk", said="nobody\n risk@corp.example \n")
    assert ran.code == 0
    assert 'Error: "nobody" must be one whole e-mail address\n' in ran.err
    assert "contact: risk@corp.example\n" in (repo / "tenants/risk/tenant.yaml").read_text()


def test_nobody_yet_is_an_answer(repo: Path) -> None:
    assert gen(repo, "new", "model", "payments/risk", said=f"risk:1.0.0\n{DIGEST}\n\n").code == 0
    assert "  access: []\n" in (repo / "tenants/payments/risk.yaml").read_text()


def test_questions_that_nobody_answers_are_a_mistake_and_no_interruption(repo: Path) -> None:
    before = snapshot(repo)
    ran = gen(repo, "new", "model", "payments/risk", said="risk:1.0.0\n")
    assert ran.code == 2
    assert ran.err.endswith("\ngen new model: --oci is missing, and nobody answers\n  give it\n")
    assert snapshot(repo) == before


@pytest.mark.parametrize(
    ("words", "missing"),
    [(["tenant", "risk"], "--contact"), (["model", "payments/risk"], "--bento"),
     (["model", "payments/risk", "--bento", "a:1"], "--oci")],
)  # fmt: skip
def test_without_questions_what_is_missing_is_named(repo: Path, words: list[str], missing: str) -> None:
    ran = gen(repo, "new", *words, "--no-input", said="x\n")
    assert (ran.code, ran.err) == (
        2,
        f"gen new {words[0]}: {missing} is missing\n  give it, or leave out --no-input to be asked\n",
    )


# the templates


@pytest.mark.parametrize("kind", ["model", "tenant"])
def test_a_template_filled_with_its_own_defaults_has_no_empty_line(kind: str) -> None:
    _, text = scaffold.draft(kind, {"tenant": "risk", "model": "fraud", "image": "a@b", "environments": ["dev"]})
    assert "\n\n" not in text
    assert text.endswith("\n")


def test_a_disk_that_takes_nothing_leaves_no_folder_behind(repo: Path) -> None:
    before = snapshot(repo)
    words = shlex.join(program(repo, *TENANT))
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 0; {words}"], capture_output=True, text=True, check=False, env=environment()
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("gen: cannot write tenants/risk/tenant.yaml: ")
    assert done.stderr.endswith(": nothing was changed\n")
    assert (snapshot(repo), (repo / "tenants/risk").exists()) == (before, False)
