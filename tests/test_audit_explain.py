"""One request explained: from flags, a curl line, a token, a line of the access log; and what would change it."""

import base64
import json
from pathlib import Path

import pytest
from audit_world import ACCESS, RANK, commit, on_disk, rewrite, taken
from command import gen
from golden_cases import ROOT

from generator.audit.composing import composed
from generator.audit.reading import log_line

HOST = "https://shop.ml.corp.example"
ISSUER = "https://idp.local/auth/realms/ML"
KID = json.loads((ACCESS / "keys/corp.json").read_text(encoding="utf-8"))["keys"][0]["kid"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository that nobody changes."""
    return on_disk(tmp_path_factory.mktemp("explain"))


def jwt(kid: str = KID, **claims: object) -> str:
    """Return a token that nobody signed."""
    parts = [{"alg": "RS256", "kid": kid}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def test_a_refusal_names_the_nearest_rules_and_a_change_that_was_tried(root: Path) -> None:
    ran = gen(root, "access", "explain", "--as", "eve@corp.example", "--model", "rank", "--environment", "dev")
    assert ran.code == 1
    assert ran.out == (
        "refused (403): user eve@corp.example in dev: POST shop.dev.ml.corp.example/seldon/shop/rank/predict\n"
        "  api/seldon-gateway: let through: AuthorizationPolicy api/tenant-shop rule 0\n"
        "  shop/rank-main-0-rank: refused, 403: no ALLOW rule matches\n"
        "    AuthorizationPolicy shop/rank rule 0 does not match: the claim email is not alice@corp.example or "
        "bob@corp.example\n"
        "    AuthorizationPolicy shop/rank rule 1 does not match: the claim groups is not Shop Analysts or shop-leads\n"
        "    AuthorizationPolicy shop/rank rule 5 does not match: the caller's ServiceAccount is not "
        "cluster.local/ns/orders/sa/checkout or cluster.local/ns/search/sa/web\n"
        "  to change it (tried): add below tenants/shop/rank.yaml:7  - {users: [eve@corp.example], in: [dev]}\n"
    )


def test_the_change_that_is_told_is_the_change_that_helps(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    rewrite(root, RANK, "  access:\n", "  access:\n    - {users: [eve@corp.example], in: [dev]}\n")
    assert gen(root, "render", "-q").code == 0
    asked = ("access", "explain", "--as", "eve@corp.example", "--model", "rank")
    assert gen(root, *asked, "--environment", "dev").out.startswith("let in (200): user eve@corp.example in dev")
    assert gen(root, *asked, "--environment", "prod").code == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--as", "alice@corp.example"), "take user alice@corp.example out of tenants/shop/rank.yaml:8"),
        (("--client", "checkout"), "take client checkout out of tenants/shop/rank.yaml:10"),
        (
            ("--workload", "desk/runner", "--can", "train"),
            "take workload desk/runner out of tenants/shop/rank.yaml:12 by tenants/shop/tenant.yaml:8",
        ),
    ],
)
def test_whoever_is_let_in_is_told_with_the_line_that_does_it(root: Path, words: tuple[str, ...], told: str) -> None:
    ran = gen(root, "access", "explain", *words, "--model", "rank", "--environment", "prod")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, f"  to change it (tried): {told}")


def test_a_curl_line_is_read_with_its_options(root: Path) -> None:
    token = jwt(email="bob@corp.example", iss=ISSUER, aud="rank")
    line = (
        f"""curl -sSf -XPOST "{HOST}/seldon/shop/rank/predict" -H 'Content-Type: application/json' \\\n"""
        f"""  --header "Authorization: Bearer {token}" -d @x"""
    )
    ran = gen(root, "access", "explain", "--environment", "prod", "--curl", line)
    assert ran.code == 0
    assert ran.out.startswith("let in (200): user bob@corp.example in prod: POST shop.ml.corp.example/seldon/shop/rank")
    assert "taken for granted: the token is signed by its issuer" in ran.out


def test_a_token_signed_by_a_key_that_its_issuer_does_not_have_is_refused(root: Path) -> None:
    asked = ("access", "explain", "--model", "rank", "--environment", "prod", "--token")
    ran = gen(root, *asked, jwt(kid="old", email="bob@corp.example", iss=ISSUER, aud="rank"))
    assert (ran.code, "Jwks doesn't have key to match kid or alg from Jwt" in ran.out) == (1, True)


def test_a_curl_line_without_a_token_is_refused_at_the_gateway(root: Path) -> None:
    ran = gen(
        root, "access", "explain", "--environment", "prod", "--curl", f"curl {HOST}/seldon/shop/rank/predict -d x"
    )
    assert ran.code == 1
    assert "api/seldon-gateway: refused, 403: no ALLOW rule matches" in ran.out
    assert ran.out.splitlines()[-1] == "  to change it: no spec lets in a request without a token: send one"


def test_a_variable_in_a_tokens_place_needs_a_name(root: Path) -> None:
    line = f'curl {HOST}/seldon/shop/rank/predict -d x -H "Authorization: Bearer $TOKEN"'
    ran = gen(root, "access", "explain", "--environment", "prod", "--curl", line)
    assert (ran.code, "whose is it?" in ran.err) == (3, True)
    assert gen(root, "access", "explain", "--environment", "prod", "--curl", line, "--client", "checkout").code == 0


@pytest.mark.parametrize(
    ("claims", "answer"),
    [
        ({"groups": ["x", "shop-leads"]}, "let in (200)"),
        ({"groups": "shop-leads,x"}, "refused (403)"),
        ({"email": "alice@corp.example", "aud": "ml"}, "Audiences in Jwt are not allowed"),
        ({"email": "alice@corp.example", "iss": "https://elsewhere.example"}, "Jwt issuer is not configured"),
        ({"email": "alice@corp.example", "exp": 1000}, "Jwt is expired"),
        ({"email": "Alice@corp.example"}, "refused (403)"),
    ],
)
def test_the_claims_of_a_token_are_judged_as_they_stand(root: Path, claims: dict[str, object], answer: str) -> None:
    asked = ("access", "explain", "--model", "rank", "--environment", "prod", "--token")
    assert answer in gen(root, *asked, json.dumps(claims)).out
    whole = {"iss": ISSUER, "aud": "rank", "sub": "u", **claims}
    assert answer in gen(root, *asked, jwt(**whole)).out


def logged(**changed: object) -> str:
    """Return a line of a sidecar's access log, in the format of the rendered mesh settings."""
    line: dict[str, object] = {
        "method": "POST",
        "authority": "shop.ml.corp.example",
        "path": "/predict",
        "original_path": "/seldon/shop/rank/predict",
        "response_code": 200,
        "response_code_details": "via_upstream",
        "grpc_status": None,
        "policy": "ns[shop]-policy[rank]-rule[0]",
        "peer": "spiffe://cluster.local/ns/api/sa/seldon-gateway",
        "issuer": ISSUER,
        "subject": "u-1",
        "claim_email": "alice@corp.example",
        "claim_azp": None,
    }
    return "2026-11-24T07:00:00Z " + json.dumps({**line, **changed})


def test_a_line_of_the_access_log_is_held_against_git(root: Path) -> None:
    ran = gen(root, "access", "explain", "--environment", "prod", "--log", "-", said=logged())
    assert ran.code == 0
    assert "  the log says 200: as git has it\n" in ran.out
    ran = gen(root, "access", "explain", "--environment", "prod", "--log", logged(claim_email="eve@corp.example"))
    assert ran.code == 1
    assert "  the log says 200: git has it otherwise" in ran.out


def test_a_line_from_inside_the_mesh_is_judged_by_its_pod(root: Path) -> None:
    inside = {
        "authority": "rank-main.shop:3000",
        "path": "/train",
        "original_path": None,
        "issuer": None,
        "subject": None,
    }
    line = logged(**inside, claim_email=None, peer="spiffe://cluster.local/ns/desk/sa/runner")
    ran = gen(root, "access", "explain", "--environment", "prod", "--log", line)
    assert ran.code == 0
    assert ran.out.startswith("let in (200): workload desk/runner in prod: POST rank-main.shop:3000/train")


def test_a_line_of_grpc_is_judged_as_the_call_of_the_model_that_has_it() -> None:
    line = logged(
        authority="growth.dev.ml.corp.example",
        path="/seldon.protos.Seldon/Predict",
        original_path=None,
        grpc_status="0",
        claim_email=None,
        claim_azp="crm-backend",
    )
    tree = taken(root=ROOT)
    objects = tree.clusters["dev"].objects
    found = [
        each for each in composed(tree, log_line(line, objects, 1_800_000_000)) if each.cluster.environment == "dev"
    ]
    assert {(str(each.door), each.allowed, each.decision.code) for each in found} == {
        ("predict of growth/churn in dev", True, "OK"),
        ("predict of growth/uplift in dev", True, "OK"),
    }
    assert "the headers seldon and namespace are those of the model" in found[0].assumed


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--curl", "curl"), "the curl line has no URL"),
        (("--curl", "curl 'https://x"), "the curl line does not read"),
        (("--curl", "curl https://elsewhere.example/x"), 'no model is at "elsewhere.example/x"'),
        (("--token", "abc", "--model", "rank"), "that is no token"),
        (("--token", "{x", "--model", "rank"), "the claims are no JSON"),
        (("--log", "hello"), "the line is none of the access log"),
        (("--model", "rank", "--can", "trian"), 'the model has no operation "trian"'),
        ((), "there is nothing to explain"),
    ],
)
def test_what_does_not_read_is_said(root: Path, words: tuple[str, ...], text: str) -> None:
    ran = gen(root, "access", "explain", "--environment", "prod", *words)
    assert ran.code in (2, 3)
    assert text in ran.err


def test_blame_names_the_commit_that_granted(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    commit(root, "Start")
    rewrite(root, RANK, "reason: SHOP-1}", "reason: SHOP-2}")
    commit(root, "Ask for a reason", author="Bo")
    rewrite(root, RANK, "{clients: [checkout]", "{clients: [till]")
    assert (
        gen(root, "access", "blame", "--as", "alice@corp.example")
        .out.splitlines()[-1]
        .endswith(" 2026-01-05 Bo <bo@corp.example> Ask for a reason")
    )
    assert gen(root, "access", "blame", "--client", "till").out.splitlines()[-1] == "  not committed yet"
    ran = gen(root, "access", "blame", "--workload", "desk/runner")
    assert "tenants/shop/rank.yaml:12 by tenants/shop/tenant.yaml:8" in ran.out
    assert ran.out.splitlines()[-1].endswith("Ann <ann@corp.example> Start")
    assert gen(root, "access", "blame", "--as", "nobody@corp.example").code == 1
