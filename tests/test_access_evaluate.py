"""What one request gets at one workload: the order of actions, tokens, status codes, mutual TLS, TCP."""

from dataclasses import replace
from typing import Any

import pytest
from access_mesh import AUTHENTICATION, FRAUD, ISSUER, JWKS_URI, guarded, mesh, policy

from generator.access import (
    PathNormalization,
    Peer,
    Protocol,
    Reason,
    Request,
    Settings,
    Token,
    Transport,
    Workload,
    guard,
    judge,
    keys_at,
    with_token,
)

NOW = 1_000_000
GATEWAY = "cluster.local/ns/api/sa/gateway"
CALL = Request(method="POST", path="/p", authority="fraud.example.com", port=8000, time=NOW)
MODEL = (
    policy(
        [
            {
                "from": [{"source": {"requestPrincipals": [f"{ISSUER}/*"]}}],
                "to": [{"operation": {"methods": ["POST"], "paths": ["/p"]}}],
                "when": [{"key": "request.auth.claims[email]", "values": ["alice@corp.example"]}],
            },
            {
                "from": [{"source": {"requestPrincipals": [f"{ISSUER}/*"]}}],
                "to": [{"operation": {"methods": ["POST"], "paths": ["/p"]}}],
                "when": [{"key": "request.auth.claims[azp]", "values": ["batch-scorer"]}],
            },
        ]
    )
    + AUTHENTICATION
)


def token(key: str = JWKS_URI, alg: str = "RS256", **claims: Any) -> Token:
    given = {"iss": ISSUER, "sub": "s", "aud": "fraud", "email": "alice@corp.example", "exp": NOW + 3600} | claims
    return Token(claims={name: value for name, value in given.items() if value is not None}, key=key, alg=alg)


def header(value: str) -> Request:
    return replace(CALL, headers=(("Authorization", value),))


GOOD = with_token(CALL, token())
CODES = {
    "no token": (CALL, "403", Reason.NO_RULE),
    "another scheme": (header("Basic dTpw"), "403", Reason.NO_RULE),
    "bearer in lower case": (header(f"bearer {token().text}"), "403", Reason.NO_RULE),
    "a token only in the URL": (
        replace(CALL, path=f"/p?access_token={token().text}", tokens=(token(),)),
        "403",
        Reason.NO_RULE,
    ),
    "no token at all but a word": (header("Bearer garbage"), "401", Reason.TOKEN_REFUSED),
    "algorithm none": (with_token(CALL, token(alg="none")), "401", Reason.TOKEN_REFUSED),
    "expired more than a minute ago": (with_token(CALL, token(exp=NOW - 61)), "401", Reason.TOKEN_REFUSED),
    "expired within the minute": (with_token(CALL, token(exp=NOW - 60)), "200", Reason.ALLOW_RULE),
    "not valid yet": (with_token(CALL, token(nbf=NOW + 61)), "401", Reason.TOKEN_REFUSED),
    "valid in less than a minute": (with_token(CALL, token(nbf=NOW + 60)), "200", Reason.ALLOW_RULE),
    "a token without exp never expires": (with_token(CALL, token(exp=None)), "200", Reason.ALLOW_RULE),
    "another audience": (with_token(CALL, token(aud="churn")), "403", Reason.TOKEN_REFUSED),
    "no audience": (with_token(CALL, token(aud=None)), "403", Reason.TOKEN_REFUSED),
    "one audience of several": (with_token(CALL, token(aud=["churn", "fraud"])), "200", Reason.ALLOW_RULE),
    "an audience with a scheme and a slash": (with_token(CALL, token(aud="https://fraud/")), "200", Reason.ALLOW_RULE),
    "an unknown issuer": (with_token(CALL, token(iss="https://else")), "401", Reason.TOKEN_REFUSED),
    "the issuer with a slash more": (with_token(CALL, token(iss=ISSUER + "/")), "401", Reason.TOKEN_REFUSED),
    "a foreign key": (with_token(CALL, token(key="foreign")), "401", Reason.TOKEN_REFUSED),
    "the right person": (GOOD, "200", Reason.ALLOW_RULE),
    "another person": (with_token(CALL, token(email="bob@corp.example")), "403", Reason.NO_RULE),
    "another method": (replace(GOOD, method="GET"), "403", Reason.NO_RULE),
    "another path": (replace(GOOD, path="/q"), "403", Reason.NO_RULE),
    "a service account": (with_token(CALL, token(email=None, azp="batch-scorer")), "200", Reason.ALLOW_RULE),
    "a service account without a subject": (
        with_token(CALL, token(email=None, azp="batch-scorer", sub=None)),
        "403",
        Reason.NO_RULE,
    ),
    "a good and a bad token": (
        replace(GOOD, headers=(*GOOD.headers, ("authorization", "Bearer x"))),
        "401",
        Reason.TOKEN_REFUSED,
    ),
    "a bad and a good token": (
        replace(GOOD, headers=(("authorization", "Bearer x"), *GOOD.headers)),
        "401",
        Reason.TOKEN_REFUSED,
    ),
    "a fragment": (replace(GOOD, path="/p#f"), "400", Reason.BAD_PATH),
}
GRPC = {"200": "OK", "401": "UNAUTHENTICATED", "403": "PERMISSION_DENIED", "400": "INTERNAL"}


@pytest.mark.parametrize(("request_", "code", "reason"), CODES.values(), ids=CODES)
def test_what_a_client_gets(request_: Request, code: str, reason: Reason) -> None:
    verdict = judge(guarded(MODEL), request_)
    assert (verdict.code, verdict.reason) == (code, reason)


@pytest.mark.parametrize(("request_", "code", "reason"), CODES.values(), ids=CODES)
def test_what_a_client_of_grpc_gets(request_: Request, code: str, reason: Reason) -> None:
    verdict = judge(guarded(MODEL), replace(request_, protocol=Protocol.GRPC))
    assert (verdict.code, verdict.reason) == (GRPC[code], reason)


def test_a_verdict_names_the_policy_and_the_rule_that_granted() -> None:
    verdict = judge(guarded(MODEL), with_token(CALL, token(email=None, azp="batch-scorer")))
    assert str(verdict.rule) == "AuthorizationPolicy team-a/p rule 1"


def test_a_refused_token_is_told_in_envoys_words() -> None:
    verdict = judge(guarded(MODEL), with_token(CALL, token(exp=1)))
    assert verdict.detail == "Jwt is expired"


DENY_ALL = policy(None, name="none")
ALLOW_ALL = policy([{}], name="all")
BY_PATH = {"to": [{"operation": {"paths": ["/p"]}}]}
ORDER = {
    "no policy admits": ("", "200", Reason.NO_ALLOW_POLICY),
    "ALLOW without rules admits nobody": (DENY_ALL, "403", Reason.NO_RULE),
    "ALLOW with an empty list of rules admits nobody": (policy([], name="none"), "403", Reason.NO_RULE),
    "ALLOW with an empty rule admits everyone": (ALLOW_ALL, "200", Reason.ALLOW_RULE),
    "one open policy opens the workload": (DENY_ALL + ALLOW_ALL, "200", Reason.ALLOW_RULE),
    "DENY wins over ALLOW": (ALLOW_ALL + policy([BY_PATH], action="DENY"), "403", Reason.DENY_RULE),
    "DENY with an empty rule refuses everyone": (policy([{}], action="DENY"), "403", Reason.DENY_RULE),
    "DENY that does not match leaves an open workload": (
        policy([{"to": [{"operation": {"paths": ["/q"]}}]}], action="DENY"),
        "200",
        Reason.NO_ALLOW_POLICY,
    ),
    "AUDIT changes nothing": (policy([{}], action="AUDIT"), "200", Reason.NO_ALLOW_POLICY),
    "AUDIT does not admit": (DENY_ALL + policy([{}], action="AUDIT"), "403", Reason.NO_RULE),
    "RequestAuthentication alone admits without a token": (AUTHENTICATION, "200", Reason.NO_ALLOW_POLICY),
    "a selector that fits": (policy(None, selector={"matchLabels": {"app": "fraud"}}), "403", Reason.NO_RULE),
    "a selector that does not": (
        policy(None, selector={"matchLabels": {"app": "churn"}}),
        "200",
        Reason.NO_ALLOW_POLICY,
    ),
    "an empty selector covers the namespace": (policy(None, selector={}), "403", Reason.NO_RULE),
    "a policy of another namespace does not count": (policy(None, namespace="team-b"), "200", Reason.NO_ALLOW_POLICY),
    "a policy of the root namespace counts": (policy(None, namespace="istio-system"), "403", Reason.NO_RULE),
    "a selector of the root namespace selects everywhere": (
        policy(None, namespace="istio-system", selector={"matchLabels": {"app": "fraud"}}),
        "403",
        Reason.NO_RULE,
    ),
    "two entries of from are or": (
        policy([{"from": [{"source": {"requestPrincipals": ["*"]}}, {"source": {"notNamespaces": ["x"]}}]}]),
        "200",
        Reason.ALLOW_RULE,
    ),
    "two fields of a source are and": (
        policy([{"from": [{"source": {"requestPrincipals": ["*"], "notNamespaces": ["x"]}}]}]),
        "403",
        Reason.NO_RULE,
    ),
    "from and to are and": (
        policy([{"from": [{"source": {"requestPrincipals": ["*"]}}]} | BY_PATH]),
        "403",
        Reason.NO_RULE,
    ),
    "two whens of one key are and": (
        policy(
            [
                {
                    "when": [
                        {"key": "request.headers[x-a]", "values": ["1"]},
                        {"key": "request.headers[x-b]", "values": ["1"]},
                    ]
                }
            ]
        ),
        "403",
        Reason.NO_RULE,
    ),
}


@pytest.mark.parametrize(("text", "code", "reason"), ORDER.values(), ids=ORDER)
def test_which_policy_decides(text: str, code: str, reason: Reason) -> None:
    verdict = judge(guarded(text), CALL)
    assert (verdict.code, verdict.reason) == (code, reason)


def dry(text: str) -> str:
    return text.replace("metadata:\n", "metadata:\n  annotations: {istio.io/dry-run: 'true'}\n")


def test_a_dry_run_allow_policy_leaves_the_workload_open_and_is_reported() -> None:
    verdict = judge(guarded(dry(policy([BY_PATH]))), CALL)
    assert (verdict.code, verdict.reason) == ("200", Reason.NO_ALLOW_POLICY)
    assert [str(rule) for rule in verdict.dry_run] == ["AuthorizationPolicy team-a/p rule 0"]


def test_a_dry_run_deny_policy_refuses_nobody() -> None:
    assert judge(guarded(dry(policy([BY_PATH], action="DENY"))), CALL).code == "200"


def test_an_audit_rule_that_matches_is_reported() -> None:
    verdict = judge(guarded(ALLOW_ALL + policy([BY_PATH], action="AUDIT")), CALL)
    assert [str(rule) for rule in verdict.audited] == ["AuthorizationPolicy team-a/p rule 0"]


@pytest.mark.parametrize(
    ("answer", "request_", "reason"),
    [
        (False, CALL, Reason.CUSTOM_REFUSED),
        (True, CALL, Reason.NO_RULE),
        (False, replace(CALL, path="/q"), Reason.NO_RULE),
        (False, header("Bearer garbage"), Reason.CUSTOM_REFUSED),
    ],
)
def test_custom_comes_before_the_token_and_the_rules(*, answer: bool, request_: Request, reason: Reason) -> None:
    text = policy([BY_PATH], action="CUSTOM", provider={"name": "opa"}) + DENY_ALL + AUTHENTICATION
    settings = Settings(authorizers=(("opa", answer),))
    assert judge(guarded(text, settings=settings), request_).reason is reason


OTHER = "https://other.example.com"
TWO = AUTHENTICATION + f"    - {{issuer: {OTHER}, jwksUri: {OTHER}/keys}}\n"
EMAIL_ONLY = policy([{"when": [{"key": "request.auth.claims[email]", "values": ["alice@corp.example"]}]}])
STRANGER = with_token(CALL, token(key=f"{OTHER}/keys", iss=OTHER))


def test_without_an_issuer_in_the_rule_any_accepted_issuer_vouches_for_an_email() -> None:
    assert judge(guarded(EMAIL_ONLY + TWO), STRANGER).code == "200"
    assert judge(guarded(MODEL.replace(AUTHENTICATION, TWO)), STRANGER).code == "403"


def test_an_issuer_is_held_to_its_own_keys() -> None:
    assert judge(guarded(EMAIL_ONLY + TWO), with_token(CALL, token(iss=OTHER))).code == "401"


def test_a_second_rule_of_the_same_issuer_lets_its_keys_sign_too() -> None:
    text = EMAIL_ONLY + AUTHENTICATION + f"    - {{issuer: {ISSUER}, jwksUri: {OTHER}/keys}}\n"
    assert judge(guarded(text), with_token(CALL, token(key=f"{OTHER}/keys"))).code == "200"
    assert [key.name for key in keys_at(guarded(text), ISSUER)] == [JWKS_URI, f"{OTHER}/keys"]


def test_rules_of_several_policies_add_up() -> None:
    second = AUTHENTICATION.replace("name: fraud,", "name: more,").replace("[fraud]", "[churn]")
    assert judge(guarded(MODEL + "---" + second), with_token(CALL, token(aud="churn"))).code == "200"


PLACES = AUTHENTICATION.replace('      fromHeaders: [{name: Authorization, prefix: "Bearer "}]\n', "")
TOKEN_IN_URL = replace(CALL, path=f"/p?access_token={token().text}", tokens=(token(),))


def test_without_named_places_the_url_is_one_of_them() -> None:
    assert judge(guarded(EMAIL_ONLY + PLACES), TOKEN_IN_URL).code == "200"
    assert judge(guarded(EMAIL_ONLY + PLACES), GOOD).code == "200"


def test_a_good_header_and_garbage_in_the_url_are_refused() -> None:
    assert judge(guarded(EMAIL_ONLY + PLACES), replace(GOOD, path="/p?access_token=x")).code == "401"


def test_named_places_are_the_only_ones() -> None:
    text = EMAIL_ONLY + PLACES + "      fromCookies: [session]\n      fromParams: [t]\n"
    cookie = with_token(CALL, token(), header="cookie", prefix="a=b; session=")
    assert [judge(guarded(text), each).code for each in (GOOD, TOKEN_IN_URL, cookie)] == ["403", "403", "200"]
    assert judge(guarded(text), replace(TOKEN_IN_URL, path=f"/p?t={token().text}")).code == "200"


PREFLIGHT = replace(
    CALL, method="OPTIONS", headers=(("Origin", "https://w"), ("Access-Control-Request-Method", "POST"))
)


def test_a_cors_preflight_needs_no_token_but_a_rule() -> None:
    assert judge(guarded(MODEL), PREFLIGHT).code == "403"
    assert (
        judge(
            guarded(AUTHENTICATION), replace(PREFLIGHT, headers=(*PREFLIGHT.headers, ("authorization", "Bearer x")))
        ).code
        == "200"
    )
    for half in PREFLIGHT.headers:
        request = replace(PREFLIGHT, headers=(half, ("authorization", "Bearer x")))
        assert judge(guarded(AUTHENTICATION), request).code == "401"
    allowed = policy([{"to": [{"operation": {"methods": ["OPTIONS"]}}]}], name="cors")
    assert judge(guarded(MODEL + "---\n" + allowed), PREFLIGHT).code == "200"


def test_headers_made_of_claims_can_not_be_sent_by_the_client() -> None:
    rule = {"when": [{"key": "request.headers[x-email]", "values": ["alice@corp.example"]}]}
    text = policy([rule]) + AUTHENTICATION + "      outputClaimToHeaders: [{header: x-email, claim: email}]\n"
    forged = (("X-Email", "alice@corp.example"),)
    assert judge(guarded(text), replace(CALL, headers=forged)).code == "403"
    assert judge(guarded(text), replace(PREFLIGHT, headers=(*PREFLIGHT.headers, *forged))).code == "403"
    assert judge(guarded(text), with_token(replace(CALL, headers=forged), token(email="bob"))).code == "403"
    assert judge(guarded(text), GOOD).code == "200"


MERGE = Settings(path_normalization=PathNormalization.DECODE_AND_MERGE_SLASHES)
NONE = Settings(path_normalization=PathNormalization.NONE)
FORMS = {
    "/p": ("200", "200", "200"),
    "//p": ("403", "200", "403"),
    "/%2Fp": ("403", "200", "403"),
    "/x/../p": ("200", "200", "403"),
    "/%70": ("200", "200", "403"),
    "/p/": ("403", "403", "403"),
    "/P": ("403", "403", "403"),
    "/p;x=1": ("403", "403", "403"),
    "/p%00": ("400", "400", "403"),
    "/x/..;y/p": ("200", "200", "403"),
    "/x/..%3by/p": ("403", "403", "403"),
}


@pytest.mark.parametrize(("path", "codes"), FORMS.items(), ids=FORMS)
def test_a_path_under_each_normalisation(path: str, codes: tuple[str, str, str]) -> None:
    request = replace(CALL, path=path)
    guards = (guarded(policy([BY_PATH]), settings=each) for each in (Settings(), MERGE, NONE))
    assert tuple(judge(each, request).code for each in guards) == codes


def test_two_slashes_alone_stay_two_as_envoy_merges_them() -> None:
    root = policy([{"to": [{"operation": {"paths": ["/"]}}]}])
    assert judge(guarded(root, settings=MERGE), replace(CALL, path="//")).code == "403"


@pytest.mark.parametrize("path", ["/admin/", "//admin", "/ADMIN", "/admin;a=b", "/admin%2F"])
def test_a_deny_rule_on_a_path_is_walked_round(path: str) -> None:
    deny = policy([{"to": [{"operation": {"paths": ["/admin"]}}]}], action="DENY")
    assert judge(guarded(deny), replace(CALL, path=path)).code == "200"


def peer(transport: str, principal: str = "") -> Peer:
    return Peer(transport=Transport(transport), principal=principal)


PEERS = (
    peer("plaintext"),
    peer("tls"),
    peer("foreign", GATEWAY),
    peer("mtls", GATEWAY),
    peer("mtls", "strange/ns/api/sa/gateway"),
)
MODES = {
    "STRICT": ("closed", "closed", "closed", "200", "closed"),
    "PERMISSIVE": ("200", "closed", "closed", "200", "closed"),
    "UNSET": ("200", "closed", "closed", "200", "closed"),
    "DISABLE": ("200", "closed", "closed", "closed", "closed"),
}


def peers(mode: str, *, namespace: str = "team-a", more: str = "") -> str:
    metadata = f"{{name: p{len(more)}, namespace: {namespace}}}"
    return f"kind: PeerAuthentication\nmetadata: {metadata}\nspec: {{mtls: {{mode: {mode}}}{more}}}\n---\n"


@pytest.mark.parametrize(("mode", "codes"), MODES.items(), ids=MODES)
def test_a_mode_of_mutual_tls_against_every_client(mode: str, codes: tuple[str, ...]) -> None:
    guard_ = guarded(peers(mode))
    assert tuple(judge(guard_, replace(CALL, peer=each)).code for each in PEERS) == codes


SELECTED = ", selector: {matchLabels: {app: fraud}}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "200"),
        (peers("STRICT", namespace="istio-system"), "closed"),
        (peers("STRICT", namespace="istio-system") + peers("PERMISSIVE"), "200"),
        (peers("STRICT", namespace="istio-system") + peers("UNSET"), "closed"),
        (peers("PERMISSIVE") + peers("STRICT", more=SELECTED), "closed"),
        (peers("STRICT") + peers("UNSET", more=SELECTED + ", portLevelMtls: {8000: {mode: DISABLE}}"), "200"),
        (peers("STRICT") + peers("UNSET", more=SELECTED + ", portLevelMtls: {9000: {mode: DISABLE}}"), "closed"),
        (peers("STRICT", namespace="istio-system", more=SELECTED), "200"),
    ],
)
def test_the_closest_mode_of_mutual_tls_counts(text: str, code: str) -> None:
    assert judge(guarded(text), CALL).code == code


@pytest.mark.parametrize("port", [15020, 15021, 15090])
def test_no_policy_stands_before_the_ports_of_the_agent(port: int) -> None:
    verdict = judge(guarded(DENY_ALL + peers("STRICT")), replace(CALL, port=port))
    assert (verdict.allowed, verdict.reason) == (True, Reason.AGENT_PORT)


def test_no_policy_stands_before_a_workload_without_a_sidecar() -> None:
    bare = replace(FRAUD, sidecar=False)
    assert judge(guarded(DENY_ALL, bare), CALL).reason is Reason.NO_SIDECAR
    assert judge(guarded(DENY_ALL, bare), replace(CALL, peer=peer("mtls", GATEWAY))).code == "closed"


TCP = replace(CALL, port=9092, protocol=Protocol.TCP)
HTTP_RULE = {"to": [{"operation": {"methods": ["GET"]}}]}
ON_TCP = {
    "no policy": ("", "200"),
    "ALLOW by method drops the rule": (policy([HTTP_RULE]), "closed"),
    "ALLOW by method beside a rule on the port": (
        policy([HTTP_RULE, {"to": [{"operation": {"ports": ["9092"]}}]}]),
        "200",
    ),
    "ALLOW by method in one of two entries drops both": (
        policy([{"to": [*HTTP_RULE["to"], {"operation": {"ports": ["9092"]}}]}]),
        "closed",
    ),
    "DENY by method refuses all TCP": (policy([HTTP_RULE], action="DENY"), "closed"),
    "DENY by method and another port does not": (
        policy([{"to": [{"operation": {"methods": ["GET"], "ports": ["8000"]}}]}], action="DENY"),
        "200",
    ),
    "DENY by a token refuses all TCP": (
        policy([{"from": [{"source": {"notRequestPrincipals": ["*"]}}]}], action="DENY"),
        "closed",
    ),
}


@pytest.mark.parametrize(("text", "code"), ON_TCP.values(), ids=ON_TCP)
def test_rules_about_http_on_a_port_that_is_not(text: str, code: str) -> None:
    assert judge(guarded(text), TCP).code == code


def test_an_http_request_to_a_tcp_port_is_judged_as_bytes() -> None:
    request = replace(CALL, port=9092, method="GET")
    assert judge(guarded(policy([HTTP_RULE])), request).code == "closed"
    assert judge(guarded(MODEL.replace("/p", "/q")), replace(request, protocol=Protocol.GRPC)).code == "closed"
    assert judge(guarded(""), replace(request, protocol=Protocol.GRPC)).code == "OK"


def test_bytes_to_an_http_port_are_closed() -> None:
    assert judge(guarded(""), replace(TCP, port=8000)).reason is Reason.NOT_HTTP


def test_a_port_that_no_service_names_takes_both() -> None:
    text = policy([{"to": [{"operation": {"ports": ["7777"]}}]}])
    assert judge(guarded(text), replace(CALL, port=7777)).code == "200"
    assert judge(guarded(text), replace(TCP, port=7777)).code == "200"


def test_a_service_port_is_judged_as_the_containers_port() -> None:
    behind = Workload(namespace="team-a", name="x", ports=(replace(FRAUD.ports[0], number=80, target=8000),))
    text = policy([{"to": [{"operation": {"ports": ["8000"]}}]}])
    assert judge(guard(mesh(text, behind), behind), replace(CALL, port=80)).code == "200"
