"""Every field of an AuthorizationPolicy, value by value: what a pattern matches and what it only seems to."""

from typing import Any

import pytest
from access_mesh import AUTHENTICATION, ISSUER, JWKS_URI, guarded, policy

from generator.access import Peer, Protocol, Request, Settings, Token, Transport, judge, with_token

WEB = "cluster.local/ns/team-b/sa/web"
ME = "cluster.local/ns/team-a/sa/model"


def admits(rule: dict[str, Any], request: Request, settings: Settings | None = None) -> bool:
    """Say whether one ALLOW rule lets a request in; the answer must come from the rules, never from a token."""
    verdict = judge(guarded(policy([rule]) + AUTHENTICATION, settings=settings), request)
    assert verdict.code in ("200", "403"), verdict
    return verdict.allowed


def to(**fields: Any) -> dict[str, Any]:
    return {"to": [{"operation": fields}]}


def source(**fields: Any) -> dict[str, Any]:
    return {"from": [{"source": fields}]}


def mesh_call(principal: str, **more: Any) -> Request:
    return Request(path="/p", port=8000, peer=Peer(transport=Transport.MTLS, principal=principal), **more)


def bearer(**claims: Any) -> Request:
    given = {"iss": ISSUER, "sub": "someone", "aud": "fraud"} | claims
    token = Token(claims={name: value for name, value in given.items() if value is not None}, key=JWKS_URI)
    return with_token(Request(path="/p", port=8000), token)


PATHS = {
    "an exact path matches itself": ("/p", "/p", True),
    "the query is not compared": ("/p", "/p?q=1", True),
    "a slash at the end makes another path": ("/p", "/p/", False),
    "case counts": ("/p", "/P", False),
    "a parameter in a segment makes another path": ("/p", "/p;x=1", False),
    "two slashes make another path": ("/p", "//p", False),
    "an escaped slash makes another path": ("/p", "/p%2F", False),
    "an escaped letter is read as the letter": ("/p", "/%70", True),
    "a dot segment is taken out": ("/p", "/./p", True),
    "two dots go up": ("/p", "/x/../p", True),
    "escaped dots go up as well": ("/p", "/x/%2e%2E/p", True),
    "a backslash is a slash": ("/a/b", "/a\\b", True),
    "a star at the end is a prefix": ("/api/*", "/api/v1", True),
    "a prefix with its slash does not match without it": ("/api/*", "/api", False),
    "a star at the start is a suffix": ("*/predictions", "/a/b/predictions", True),
    "a suffix ends the path, not the query": ("*/predictions", "/x?y=/predictions", False),
    "a star alone is every path": ("*", "/anything", True),
    "a star in the middle is a star": ("/a/*/c", "/a/b/c", False),
    "one segment in braces": ("/a/{*}/c", "/a/b/c", True),
    "one segment is not two": ("/a/{*}/c", "/a/b/b/c", False),
    "one segment is not none": ("/a/{*}", "/a/", False),
    "the rest in braces": ("/a/{**}", "/a/b/c", True),
    "the rest may be nothing behind the slash": ("/a/{**}", "/a/", True),
    "the rest does not take the slash away": ("/a/{**}", "/a", False),
    "the rest before a name": ("/{**}/c", "/a/b/c", True),
}
HOSTS = {
    "an exact host matches itself": ("fraud.example.com", "fraud.example.com", True),
    "case does not count": ("fraud.example.com", "FRAUD.example.com", True),
    "the port belongs to the host": ("fraud.example.com", "fraud.example.com:443", False),
    "a prefix takes every port": ("fraud.example.com:*", "fraud.example.com:8443", True),
    "a suffix takes every subdomain": ("*.example.com", "a.b.example.com", True),
    "a suffix does not take the domain itself": ("*.example.com", "example.com", False),
    "a star alone is every host": ("*", "anything", True),
}
METHODS = {
    "an exact method matches itself": ("POST", "POST", True),
    "case counts in methods": ("POST", "post", False),
    "a prefix of a method": ("P*", "PUT", True),
    "a suffix of a method": ("*T", "POST", True),
    "a star alone is every method": ("*", "DELETE", True),
}


@pytest.mark.parametrize(("pattern", "path", "matches"), PATHS.values(), ids=PATHS)
def test_paths(pattern: str, path: str, *, matches: bool) -> None:
    assert admits(to(paths=[pattern]), Request(path=path, port=8000)) is matches


@pytest.mark.parametrize(("pattern", "host", "matches"), HOSTS.values(), ids=HOSTS)
def test_hosts(pattern: str, host: str, *, matches: bool) -> None:
    assert admits(to(hosts=[pattern]), Request(authority=host, port=8000)) is matches


@pytest.mark.parametrize(("pattern", "method", "matches"), METHODS.values(), ids=METHODS)
def test_methods(pattern: str, method: str, *, matches: bool) -> None:
    assert admits(to(methods=[pattern]), Request(method=method, port=8000)) is matches


CALLERS = {
    "a principal matches itself": (source(principals=[WEB]), WEB, True),
    "a principal is nobody else": (source(principals=[WEB]), ME, False),
    "writing spiffe:// never matches": (source(principals=["spiffe://" + WEB]), WEB, False),
    "a prefix takes a namespace": (source(principals=["cluster.local/ns/team-b/*"]), WEB, True),
    "a suffix takes the account of every namespace": (source(principals=["*/sa/web"]), WEB, True),
    "a star takes every caller with a certificate": (source(principals=["*"]), ME, True),
    "a namespace matches itself": (source(namespaces=["team-b"]), WEB, True),
    "a namespace is not its beginning": (source(namespaces=["team"]), WEB, False),
    "a star stands anywhere in a namespace": (source(namespaces=["t*m-b"]), WEB, True),
    "a dot in a namespace is a dot": (source(namespaces=["team.b"]), WEB, False),
    "an account with its namespace": (source(serviceAccounts=["team-b/web"]), WEB, True),
    "an account without one is in the policy's": (source(serviceAccounts=["web"]), WEB, False),
    "an account of the policy's namespace": (source(serviceAccounts=["model"]), ME, True),
    "an account is not its beginning": (source(serviceAccounts=["team-b/we"]), WEB, False),
    "a when on the namespace is the same": ({"when": [{"key": "source.namespace", "values": ["team-b"]}]}, WEB, True),
    "a when on the principal is the same": ({"when": [{"key": "source.principal", "values": [WEB]}]}, ME, False),
}


@pytest.mark.parametrize(("rule", "caller", "matches"), CALLERS.values(), ids=CALLERS)
def test_callers_of_the_mesh(rule: dict[str, Any], caller: str, *, matches: bool) -> None:
    assert admits(rule, mesh_call(caller)) is matches


@pytest.mark.parametrize("rule", [rule for rule, _, matches in CALLERS.values() if matches])
def test_a_caller_without_a_certificate_matches_no_caller(rule: dict[str, Any]) -> None:
    assert not admits(rule, Request(path="/p", port=8000))


def test_cluster_local_stands_for_the_trust_domain_of_the_mesh_and_its_aliases() -> None:
    settings = Settings(trust_domain="corp", trust_domain_aliases=("old",))
    rule = source(principals=[WEB])
    assert admits(rule, mesh_call("corp/ns/team-b/sa/web"), settings)
    assert admits(rule, mesh_call("old/ns/team-b/sa/web"), settings)
    assert not admits(rule, mesh_call("corp/ns/team-c/sa/web"), settings)


SUBJECTS = {
    "a star needs an issuer and a subject": ("*", {}, True),
    "a star refuses a token without a subject": ("*", {"sub": None}, False),
    "a star refuses an empty subject": ("*", {"sub": ""}, False),
    "star slash star never matches": ("*/*", {}, False),
    "issuer slash star takes every subject of the issuer": (f"{ISSUER}/*", {}, True),
    "issuer slash star needs a subject": (f"{ISSUER}/*", {"sub": None}, False),
    "a star right behind the issuer never matches": (f"{ISSUER}*", {}, False),
    "a star in the issuer before a slash is a star": (f"{ISSUER[:-2]}*/*", {}, False),
    "a principal matches itself": (f"{ISSUER}/someone", {}, True),
    "a principal is nobody else": (f"{ISSUER}/someone", {"sub": "another"}, False),
    "star slash subject takes every issuer": ("*/someone", {}, True),
    "a star before a name is a suffix of the subject": ("*one", {}, True),
    "a name without a slash is an issuer without a subject": (ISSUER, {}, False),
    "a subject with a slash can not be written": (f"{ISSUER}/a/b", {"sub": "a/b"}, False),
}


@pytest.mark.parametrize(("value", "claims", "matches"), SUBJECTS.values(), ids=SUBJECTS)
def test_request_principals(value: str, claims: dict[str, Any], *, matches: bool) -> None:
    assert admits(source(requestPrincipals=[value]), bearer(**claims)) is matches


def test_an_issuer_that_ends_in_a_slash_needs_two() -> None:
    text = AUTHENTICATION.replace(ISSUER, "https://t.auth0.example/")
    request = bearer(iss="https://t.auth0.example/")
    for value, matches in (("https://t.auth0.example//*", True), ("https://t.auth0.example/*", False)):
        assert judge(guarded(policy([source(requestPrincipals=[value])]) + text), request).allowed is matches


EMAIL = "request.auth.claims[email]"
CLAIMS = {
    "a text matches itself": (EMAIL, "alice@corp.example", {"email": "alice@corp.example"}, True),
    "case counts in claims": (EMAIL, "alice@corp.example", {"email": "Alice@corp.example"}, False),
    "a list matches by any of its texts": (EMAIL, "b", {"email": ["a", "b"]}, True),
    "a list in a list does not match": (EMAIL, "b", {"email": [["b"]]}, False),
    "a suffix with the at sign takes a domain": (EMAIL, "*@corp.example", {"email": "x@corp.example"}, True),
    "a suffix without it takes a longer domain": (EMAIL, "*corp.example", {"email": "x@evilcorp.example"}, True),
    "a star in the middle is a star": (EMAIL, "a*@corp.example", {"email": "alice@corp.example"}, False),
    "a star takes everyone with the claim": (EMAIL, "*", {"email": "x"}, True),
    "a star does not take an empty claim": (EMAIL, "*", {"email": ""}, False),
    "a prefix of a claim": (EMAIL, "alice*", {"email": "alice@x"}, True),
    "true is not a text": ("request.auth.claims[email_verified]", "true", {"email_verified": True}, False),
    "the text true is": ("request.auth.claims[email_verified]", "true", {"email_verified": "true"}, True),
    "a number is not a text": ("request.auth.claims[exp]", "*", {"exp": 4102444800}, False),
    "a mapping is not a text": (EMAIL, "*", {"email": {"x": "y"}}, False),
    "a claim inside a claim": ("request.auth.claims[realm][roles]", "ml", {"realm": {"roles": ["ml"]}}, True),
    "a claim with an address for a name": (
        "request.auth.claims[https://c/roles]",
        "ml",
        {"https://c/roles": "ml"},
        True,
    ),
    "commas do not make a list": ("request.auth.claims[groups]", "ml", {"groups": "a,ml"}, False),
    "spaces do not make a list": ("request.auth.claims[groups]", "ml", {"groups": "a ml"}, False),
    "but they do in scope": ("request.auth.claims[scope]", "ml", {"scope": "a ml"}, True),
    "the audience is a claim": ("request.auth.audiences", "fraud", {}, True),
    "the presenter is azp": ("request.auth.presenter", "batch", {"azp": "batch"}, True),
    "a when on the principal is the same": ("request.auth.principal", f"{ISSUER}/*", {}, True),
}


@pytest.mark.parametrize(("key", "value", "claims", "matches"), CLAIMS.values(), ids=CLAIMS)
def test_claims(key: str, value: str, claims: dict[str, Any], *, matches: bool) -> None:
    assert admits({"when": [{"key": key, "values": [value]}]}, bearer(**claims)) is matches


HEADERS = {
    "a header matches itself": ("admin", ("admin",), True),
    "each of several headers is compared": ("admin", ("user", "admin"), True),
    "a star is presence": ("*", ("",), True),
    "a missing header does not match": ("*", (), False),
    "a prefix of a header": ("ad*", ("admin",), True),
    "a suffix of a header": ("*in", ("admin",), True),
}


@pytest.mark.parametrize(("value", "given", "matches"), HEADERS.values(), ids=HEADERS)
def test_headers(value: str, given: tuple[str, ...], *, matches: bool) -> None:
    request = Request(port=8000, headers=tuple(("X-Role", each) for each in given))
    assert admits({"when": [{"key": "request.headers[x-role]", "values": [value]}]}, request) is matches


ADDRESSES = {
    "an address matches itself": ("ipBlocks", "10.1.1.1", True),
    "an address is no other": ("ipBlocks", "10.1.1.2", False),
    "a block takes its addresses": ("ipBlocks", "10.1.0.0/16", True),
    "a block with bits set is the same block": ("ipBlocks", "10.1.9.9/16", True),
    "the remote address is the last hop's word": ("remoteIpBlocks", "203.0.113.9", True),
    "the remote address is not the peer's": ("remoteIpBlocks", "10.1.1.1", False),
}


@pytest.mark.parametrize(("field", "value", "matches"), ADDRESSES.values(), ids=ADDRESSES)
def test_addresses(field: str, value: str, *, matches: bool) -> None:
    forwarded = (("x-forwarded-for", "1.1.1.1, 203.0.113.9"),)
    request = Request(port=8000, peer=Peer(address="10.1.1.1"), headers=forwarded)
    assert admits(source(**{field: [value]}), request) is matches


def test_a_header_says_nothing_of_the_address_on_a_tcp_connection() -> None:
    forwarded = (("x-forwarded-for", "203.0.113.9"),)
    request = Request(port=9092, peer=Peer(address="10.1.1.1"), headers=forwarded, protocol=Protocol.TCP)
    guard = guarded(policy([source(remoteIpBlocks=["10.1.1.1"])]))
    assert judge(guard, request).code == "200"


SPLIT = AUTHENTICATION + "      spaceDelimitedClaims: [groups]\n"


def test_a_claim_said_to_be_split_at_spaces_is_a_list() -> None:
    rule = {"when": [{"key": "request.auth.claims[groups]", "values": ["ml"]}]}
    assert judge(guarded(policy([rule]) + SPLIT), bearer(groups="a ml")).allowed
    assert judge(guarded(policy([rule]) + SPLIT), bearer(scope="ml")).code == "403"


@pytest.mark.parametrize(
    ("proxies", "matches"), [(0, "10.1.1.1"), (1, "3.3.3.3"), (2, "2.2.2.2"), (4, "10.1.1.1")], ids=str
)
def test_the_remote_address_at_a_gateway_is_as_far_back_as_proxies_are_trusted(proxies: int, matches: str) -> None:
    gateway = """
kind: Gateway
metadata: {name: g, namespace: team-a}
spec: {selector: {app: fraud}, servers: [{port: {number: 80, protocol: HTTP}, hosts: ["*/*"]}]}
---
"""
    forwarded = (("x-forwarded-for", "1.1.1.1, 2.2.2.2"), ("x-forwarded-for", "3.3.3.3"))
    request = Request(port=80, peer=Peer(address="10.1.1.1"), headers=forwarded)
    settings = Settings(trusted_proxies=proxies)
    for address in ("1.1.1.1", "2.2.2.2", "3.3.3.3", "10.1.1.1"):
        guard = guarded(gateway + policy([source(remoteIpBlocks=[address])]), settings=settings)
        assert judge(guard, request).allowed is (address == matches)


def test_an_address_that_nobody_gives_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ValueError, match="the request gives none"):
        admits(source(ipBlocks=["10.0.0.0/8"]), Request(port=8000))


def test_ports_are_the_containers_and_not_the_services() -> None:
    for port, matches in ((8000, True), (5001, False)):
        assert admits(to(ports=["8000"]), Request(port=port)) is matches


ABSENT = bearer(email=None)
NEGATIVES = {
    "values x": ("ALLOW", {"values": ["x"]}, ("403", "403", "403")),
    "values star": ("ALLOW", {"values": ["*"]}, ("403", "403", "200")),
    "notValues x lets everyone in who says nothing": ("ALLOW", {"notValues": ["x"]}, ("200", "200", "200")),
    "DENY notValues x": ("DENY", {"notValues": ["x"]}, ("403", "403", "403")),
    "DENY values x": ("DENY", {"values": ["x"]}, ("200", "200", "200")),
}


@pytest.mark.parametrize(("action", "values", "codes"), NEGATIVES.values(), ids=NEGATIVES)
def test_a_missing_claim_against_positive_and_negative_values(
    action: str, values: dict[str, list[str]], codes: tuple[str, str, str]
) -> None:
    rule = {"when": [{"key": EMAIL} | values]}
    guard = guarded(policy([rule], action=action) + AUTHENTICATION)
    requests = (Request(path="/p", port=8000), ABSENT, bearer(email="other"))
    assert tuple(judge(guard, request).code for request in requests) == codes


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (source(notRequestPrincipals=[f"{ISSUER}/*"]), "200"),
        (source(notPrincipals=[WEB]), "200"),
        (source(notNamespaces=["team-b"]), "200"),
        (source(notServiceAccounts=["team-b/web"]), "200"),
        (to(notPaths=["/q"]), "200"),
        (to(notMethods=["POST"]), "200"),
        (to(notHosts=["x"]), "200"),
        (to(notPorts=["9"]), "200"),
    ],
)
def test_a_negative_field_in_an_allow_rule_admits_a_client_without_identity(rule: dict[str, Any], code: str) -> None:
    assert judge(guarded(policy([rule])), Request(path="/p", port=8000)).code == code


def test_deny_with_a_negative_request_principal_asks_everyone_for_a_token_with_a_subject() -> None:
    guard = guarded(policy([source(notRequestPrincipals=["*"])], action="DENY") + AUTHENTICATION)
    requests = (Request(path="/p", port=8000), bearer(sub=None), bearer())
    assert tuple(judge(guard, request).code for request in requests) == ("403", "403", "200")
