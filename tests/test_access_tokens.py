"""Odd tokens and garbage, held against a real Envoy."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from access_mesh import AUTHENTICATION, ISSUER, JWKS_URI, guarded

from generator.access import Request, Token, Workload, judge, with_token
from generator.access.client import Ask, ask
from generator.access.envoy import http_listener
from generator.access.harness import running
from generator.access.signing import Signer, key_set, make_signer

WORKLOAD = Workload(namespace="team-a", name="fraud", labels={"app": "fraud"})
VALUES = (None, True, 1, -1, 1.5, 1e30, "", "x", [], ["fraud"], ["fraud", 1], {}, 0, -0.5, 1e19, 2**64 - 1, "9")
HEADS = (
    {},
    {"alg": 1},
    {"alg": "none"},
    {"alg": "HS256"},
    {"alg": "RS999"},
    {"alg": "RS256", "kid": 1},
    {"alg": "rs256"},
    [],
    "x",
)
STRANGER = f'"iss": "{ISSUER}", "aud": "stranger"'
BODIES = (
    *(b"", b"{}", b"[]", b"{", b'{"a": NaN}', b'{"exp": "1"}'),
    *(f'{{{STRANGER}, "a": "\x01"}}'.encode(), f'{{{STRANGER}, "iss": "{ISSUER}"}}'.encode()),
)
LETTERS = "ABCabc019-_.=+/ ,;%$"


def encoded(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def odd_tokens(signer: Signer, now: int) -> Iterator[Token]:
    """Yield tokens with odd claims that are truly signed, and texts that are none."""
    right = {"iss": ISSUER, "sub": "s", "aud": "fraud", "exp": now + 3600}
    for claim in ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "x"):
        for value in VALUES:
            yield signer.sign_raw(right | {claim: value})
    for head in HEADS:
        yield Token(claims={}, text=f"{encoded(head)}.{encoded(right)}.{encoded(b'x' * 64)}")
    for body in BODIES:
        yield Token(claims={}, text=f"{encoded({'alg': 'RS256'})}.{encoded(body)}.{encoded(b'x' * 256)}")


def mangled(text: str, rng: Random) -> str:
    """Return a token's text with a few letters changed, added or taken away, often near its dots."""
    letters = list(text)
    for _ in range(rng.choice((1, 1, 2, 3))):
        near = (0, 1, len(letters) - 1, text.index("."), text.rindex("."))
        at = min(rng.choice((rng.randrange(len(letters)), *near)), len(letters) - 1)
        letters[at : at + rng.choice((0, 1))] = rng.choice(("", *LETTERS))
    return "".join(letters).strip()


def test_odd_and_mangled_tokens_are_taken_and_refused_as_by_envoy() -> None:
    now, rng = int(time.time()), Random(9)  # noqa: S311  repeatable, not secret
    signer = make_signer("k1")
    right = signer.sign_raw({"iss": ISSUER, "sub": "s", "aud": "fraud", "exp": now + 3600})
    guard_ = guarded(AUTHENTICATION.replace(f"jwksUri: {JWKS_URI}", f"jwks: '{key_set(signer)}'"), WORKLOAD)
    request = Request(authority="x", time=now)
    requests = [
        *(with_token(request, each) for each in odd_tokens(signer, now)),
        *(
            replace(request, headers=(("authorization", f"Bearer {mangled(right.text, rng)}"),), tokens=(right,))
            for _ in range(1000)
        ),
    ]
    requests = [each if each.tokens[0].key else replace(each, tokens=()) for each in requests]
    with running([http_listener("odd", guard_, None)]) as envoy:
        answers = ask(envoy, [Ask(listener="odd", request=each) for each in requests], {})
    verdicts = [judge(guard_, each) for each in requests]
    wrong = [
        f"{verdict.code} {verdict.detail}, Envoy {answer}: {request}"
        for request, verdict, answer in zip(requests, verdicts, answers, strict=True)
        if verdict.code != answer.code
    ]
    assert not wrong, f"{len(wrong)} differ, the first: {wrong[0]}"
    assert {verdict.code for verdict in verdicts} == {"200", "401", "403"}
