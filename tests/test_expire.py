"""gen expire: what is past its day leaves the specs, every other byte stays; nothing else decides about time."""

import shlex
import subprocess
from pathlib import Path

import pytest
from command import environment, gen, program, repo, snapshot

__all__ = ["repo"]

SCORE = "tenants/payments/score.yaml"
GRANTS = """\
  access:                       # who, and why
    # the desk, for good
    - users: [alice@corp.example]   # said in June
    # a load test
    - {users: [bob@corp.example], until: "2026-01-31", reason: load test}   # gone soon
    # the last day still counts
    - {users: [carol@corp.example], until: "2026-02-28"}
"""


@pytest.fixture
def granted(repo: Path) -> Path:
    spec = repo / SCORE
    spec.write_text(spec.read_text().replace("  access:\n    - users: [alice@corp.example]\n", GRANTS))
    return repo


def test_what_is_past_its_day_is_taken_out_and_said(granted: Path) -> None:
    before = snapshot(granted)
    ran = gen(granted, "expire", "--on", "2026-02-28")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f'taken out of {SCORE}:12:42: this grant ended on 2026-01-31, "load test"\n'
        "now run gen render\n"
    )  # fmt: skip
    gone = '    - {users: [bob@corp.example], until: "2026-01-31", reason: load test}   # gone soon\n'
    assert snapshot(granted) == {**before, SCORE: before[SCORE].replace(gone.encode(), b"")}


def test_a_second_time_there_is_nothing_to_do(granted: Path) -> None:
    gen(granted, "expire", "--on", "2026-02-28")
    assert gen(granted, "expire", "--on", "2026-02-28").out == "nothing has expired\n"


def test_a_check_changes_nothing_and_fails(granted: Path) -> None:
    before = snapshot(granted)
    ran = gen(granted, "expire", "--check", "--on", "2026-03-01")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f'{SCORE}:12:42: this grant ended on 2026-01-31, "load test" [expired-grant]\n'
        "  run gen expire to take it out, or give it a later day\n"
        f"{SCORE}:14:44: this grant ended on 2026-02-28 [expired-grant]\n"
        "  run gen expire to take it out, or give it a later day\n"
        "\n"
        "2 problems in 1 file; run gen expire to take them out\n"
    )
    assert snapshot(granted) == before


def test_a_check_of_what_holds_is_quiet(granted: Path) -> None:
    ran = gen(granted, "expire", "--check", "--on", "2026-01-31")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_line_ends_of_other_systems_stay(granted: Path) -> None:
    spec = granted / SCORE
    spec.write_bytes(spec.read_bytes().replace(b"\n", b"\r\n"))
    before = spec.read_bytes()
    assert gen(granted, "expire", "--on", "2026-02-28").code == 0
    after = spec.read_bytes()
    assert after.count(b"\r\n") == after.count(b"\n") == before.count(b"\n") - 1


def test_the_mode_of_a_spec_stays(granted: Path) -> None:
    (granted / SCORE).chmod(0o640)
    gen(granted, "expire", "--on", "2026-02-28")
    assert (granted / SCORE).stat().st_mode & 0o777 == 0o640


def test_a_model_that_loses_its_last_grant_is_closed_and_renders(repo: Path) -> None:
    spec = repo / SCORE
    spec.write_text(spec.read_text().replace("alice@corp.example]", 'alice@corp.example]\n      until: "2026-01-31"'))
    assert gen(repo, "expire", "--on", "2026-02-28").code == 0
    assert "access" not in spec.read_text()
    assert gen(repo, "render", "--quiet").code == 0
    policy = (repo / "overlays/dev/payments/models/score/authorizationpolicy-score.yaml").read_text()
    assert "alice" not in policy


def test_a_waiver_goes_too_and_what_it_excused_is_a_problem_again(repo: Path) -> None:
    before = (repo / "platform.yaml").read_text()
    ran = gen(repo, "expire", "--on", "2027-04-01")
    assert ran.out.startswith("taken out of platform.yaml:")
    assert "waivers" not in (repo / "platform.yaml").read_text()
    assert (repo / "platform.yaml").read_text() == before[: before.index("  waivers:")]
    assert (ran.code, gen(repo, "validate").code) == (0, gen(repo, "validate").code)


@pytest.mark.parametrize("words", [[], ["--check"]])
def test_specs_with_problems_are_not_judged(granted: Path, words: list[str]) -> None:
    tenant = granted / "tenants/growth/tenant.yaml"
    tenant.write_text(tenant.read_text().replace("contact:", "contcat:"))
    before = snapshot(granted)
    ran = gen(granted, "expire", *words, "--on", "2026-02-28")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith('tenants/growth/tenant.yaml:5:3: unknown key "contcat" in spec [unknown-key]\n')
    assert snapshot(granted) == before


def test_a_day_that_is_in_no_calendar_is_a_problem_and_no_bug(granted: Path) -> None:
    spec = granted / SCORE
    spec.write_text(spec.read_text().replace("2026-01-31", "2026-02-30"))
    ran = gen(granted, "expire", "--on", "2026-02-28")
    assert (ran.code, ran.err.splitlines()[0]) == (1, f'{SCORE}:12:42: there is no day "2026-02-30" [no-such-day]')


def test_a_disk_that_takes_nothing_leaves_the_spec_as_it_was(granted: Path) -> None:
    before = snapshot(granted)
    words = shlex.join(program(granted, "expire", "--on", "2026-02-28"))
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 0; {words}"], capture_output=True, text=True, check=False, env=environment()
    )
    assert (done.returncode, done.stdout, snapshot(granted)) == (3, "", before)
    assert done.stderr.startswith(f"gen: cannot write {granted / SCORE}: ")
